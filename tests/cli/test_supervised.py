"""The `segrec` program works in a child: signals reach it, its end is the program's, and damage gets a line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import ctypes, os, signal, sys, time
from segrec.cli.supervised import supervised
from segrec.core.reading_note import note_reading

for name in ("SIGHUP", "SIGTERM"):  # nohup and a shell's background jobs start programs with some of them ignored
    signal.signal(signal.Signals[name], signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

def begun():
    print(os.getpid(), flush=True)

def work():
    note_reading("/data/other"), note_reading("/data/words")
    {body}
    return 3

sys.exit(supervised(work))
"""
WAITS = """
    try:
        begun()  # only where an interrupt is caught already
        time.sleep(60)
    except KeyboardInterrupt:
        try:
            time.sleep(0.4)
        except KeyboardInterrupt:
            return 99
        return 130
"""
TWICE = """
    try:
        begun()
        time.sleep(60)
    except KeyboardInterrupt:
        try:
            print("interrupted", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            return 99
"""


def start(body: str) -> tuple[subprocess.Popen[str], int]:
    """Return a supervised program and the process that works in it."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body if "begun()" in body else f"begun()\n    {body}")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def gone(process: int) -> bool:
    for _ in range(500):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_the_exit_code_of_the_work_is_the_programs():
    program, worker = start("pass")
    assert program.wait(60) == 3 and worker != program.pid


@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGSEGV])
def test_damage_is_one_line_that_names_what_was_read(number: signal.Signals):
    program, _ = start(f"os.kill(os.getpid(), {int(number)})")
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 1 and errors.count("\n") == 1
    assert f"reading was ended by {number.name}: pages of /data/other or /data/words are damaged" in errors


@pytest.mark.parametrize("group", [False, True], ids=["to the program alone", "to its group, as a terminal's"])
def test_an_interrupt_reaches_the_work_once(group: bool):
    program, worker = start(WAITS)
    (os.killpg if group else os.kill)(program.pid, signal.SIGINT)
    assert program.wait(60) == 130 and gone(worker)


@pytest.mark.parametrize("group", [False, True], ids=["to the program alone", "to its group, as a terminal's"])
def test_a_second_interrupt_reaches_the_work_too(group: bool):
    program, worker = start(TWICE)
    assert program.stdout is not None
    send = os.killpg if group else os.kill
    send(program.pid, signal.SIGINT)
    assert program.stdout.readline() == "interrupted\n"
    send(program.pid, signal.SIGINT)
    assert program.wait(60) == 99 and gone(worker)


def test_signals_that_the_starter_ignores_are_not_ignored_by_these_tests():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        program, worker = start(WAITS)
        os.kill(program.pid, signal.SIGHUP)
        assert program.wait(60) == -signal.SIGHUP and gone(worker)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_ends_the_program_ends_the_work_and_the_other_way_round(number: signal.Signals):
    for to_worker in (False, True):
        program, worker = start(WAITS)
        os.kill(worker if to_worker else program.pid, number)
        assert program.wait(60) == -number and gone(worker)


def test_a_group_that_is_stopped_stands_still_and_goes_on():
    program, worker = start(WAITS)
    os.killpg(program.pid, signal.SIGSTOP)
    for _ in range(500):
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            break
        time.sleep(0.01)
    else:
        pytest.fail("the work goes on")
    os.killpg(program.pid, signal.SIGCONT)
    os.kill(program.pid, signal.SIGINT)
    assert program.wait(60) == 130
