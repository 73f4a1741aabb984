"""Working in a child process, so that a file which kills the process that reads it still gets its line.

LMDB maps its files and trusts their pages: a damaged one can end whoever reads it by a bus error or a segmentation
fault, which no `except` sees.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import signal
import sys
from collections.abc import Callable

from segrec.core import reading_note

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGCONT")
_DAMAGE = ("SIGBUS", "SIGSEGV")
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""
_OWN_WITHIN = 0.1
"""Seconds within which the child tells of an interrupt that reached it as well, as a terminal's does."""
_RECEIVED_WITHIN = 1.0
"""Seconds for which it is waited that the child tells of an interrupt that was passed on to it."""


def supervised(work: Callable[[], int]) -> int:
    """Return the exit code of `work`, done in a child where the system allows it (Linux).

    Signals reach the child, and its end is this process's end: killed by the same signal, but for damage in what it
    read, which is said in one line and is exit code 1.
    """
    if sys.platform != "linux":
        return work()
    note = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the child
    heard, tells = os.pipe()
    watched = {signal.Signals[name] for name in _PASSED_ON} | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    parent = os.getpid()
    child = os.fork()
    if not child:
        os.close(heard)
        _begin(parent, note, tells)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return work()
    os.close(tells)
    status = _awaited(child, watched, heard)
    os.close(heard)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    number = signal.Signals(os.WTERMSIG(status))
    if number.name in _DAMAGE:
        print(f"segrec: {_damage(number, reading_note.noted(note))}", file=sys.stderr)
        return 1
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(parent, number)
    return 128 + number


def _begin(parent: int, note: mmap.mmap, tells: int) -> None:
    """Set up the child: it ends with its parent, tells of the signals that it gets, and notes what it reads."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.set_blocking(tells, False)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    reading_note.keep_in(note)


def _awaited(child: int, watched: set[signal.Signals], heard: int) -> int:
    """Return the wait status of a child that ended, having passed signals on to it."""
    interrupts = _Interrupts(heard)
    while True:
        number = signal.sigwaitinfo(watched).si_signo
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif number != signal.SIGINT:
            os.kill(child, number)
        elif not interrupts.reached_child():
            os.kill(child, number)
            interrupts.await_receipt()
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)


class _Interrupts:
    """Whether the child got an interrupt by itself: two would stop it without saving.

    Args:
        heard: where the child tells of every signal that it gets, those that were passed on included.
    """

    def __init__(self, heard: int) -> None:
        self._heard = heard
        self._passed_on = 0

    def reached_child(self) -> bool:
        """Return whether the child tells of an interrupt that was not passed on to it."""
        told = self._told(_OWN_WITHIN)
        if told and told <= self._passed_on:  # of those before, late
            self._passed_on = 0
            told = self._told(_OWN_WITHIN)
        return told > 0

    def await_receipt(self) -> None:
        """Wait until the child tells of what was just passed on, which would look like its own next time."""
        self._passed_on += 1
        if self._told(_RECEIVED_WITHIN):
            self._passed_on = 0

    def _told(self, seconds: float) -> int:
        ready = select.select([self._heard], [], [], seconds)[0]
        return os.read(self._heard, mmap.PAGESIZE).count(signal.SIGINT) if ready else 0


def _damage(number: signal.Signals, read: list[str]) -> str:
    named = " or ".join(read[-3:]) or "a file that was read"
    return f"reading was ended by {number.name}: pages of {named} are damaged, or the disk lost them; copy it again"
