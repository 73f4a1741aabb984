"""What Ctrl-C leaves of a training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import curve_training
import pytest

from segrec.core.loop import LoopSettings
from segrec.core.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]


def interrupted_after(folder: Path, steps: int, workers: int) -> tuple[int, str]:
    """Start the training, interrupt all its processes as a terminal does in step `steps`; return code and stderr."""
    training = subprocess.Popen(
        [sys.executable, curve_training.__file__, str(folder), str(workers)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert training.stdout is not None
    for _ in range(steps):
        training.stdout.readline()
    os.killpg(training.pid, signal.SIGINT)
    _, errors = training.communicate(timeout=50)
    return training.returncode, errors


@pytest.mark.parametrize("workers", [0, 1])
def test_an_interrupted_run_saves_stops_and_ends_bit_identical_when_run_again(tmp_path, workers):
    curve_training.train(tmp_path / "whole")
    code, errors = interrupted_after(tmp_path / "cut", 6, workers)
    assert code == -signal.SIGINT, errors
    assert errors.count("interrupted: finishing the step and saving; press again to stop at once") == 1
    assert "DataLoader" not in errors
    assert 6 <= RunDirectory(tmp_path / "cut").load_state()["step"] < curve_training.SETTINGS.steps
    curve_training.train(tmp_path / "cut")
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_handler_of_the_caller_comes_back(tmp_path):
    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGINT, mine)
    try:
        curve_training.train(tmp_path, settings=LoopSettings(steps=1, learning_rate=0.1))
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_interrupt_stops_at_once(tmp_path):
    def loss(model, x):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second interrupt was held back")

    with pytest.raises(KeyboardInterrupt):
        curve_training.train(tmp_path, loss=loss)
    assert not (tmp_path / "state.pt").exists()


def test_a_thread_can_train(tmp_path):
    thread = threading.Thread(target=curve_training.train, args=(tmp_path,))
    thread.start()
    thread.join(50)
    assert RunDirectory(tmp_path).load_state()["step"] == curve_training.SETTINGS.steps
