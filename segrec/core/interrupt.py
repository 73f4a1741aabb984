"""What an interrupt does to work that wants to finish a step and save first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from segrec.core.runlog import LOGGER

Result = TypeVar("Result")
LOOK_EVERY = 0.1
"""Seconds between two looks whether an interrupt has come, while something is waited for."""


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Turn the first interrupt into an event, so that a step is finished and saved; a second one stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def remember(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        LOGGER.warning("interrupted: finishing the step and saving; press again to stop at once")
        event.set()

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


class HeldInterrupt:
    """An interrupt that waits for a moment at which no lock is held, see `held_interrupts`."""

    def __init__(self) -> None:
        self._came = False

    def remember(self, number: int, frame: Any) -> None:
        """Note that an interrupt came; a handler of signals."""
        self._came = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if an interrupt has come."""
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    def result_of(self, future: Future[Result]) -> Result:
        """Return a future's result as soon as it is there.

        Raises:
            KeyboardInterrupt: an interrupt came before or meanwhile.
        """
        self.check()
        while not future.done():
            wait([future], timeout=LOOK_EVERY)
            self.check()
        return future.result()


@contextmanager
def held_interrupts() -> Iterator[HeldInterrupt]:
    """Let interrupts end this thread's work with others only where it asks for them, by `check` or `result_of`.

    Raised anywhere, KeyboardInterrupt may leave a lock of a pool or a future taken for ever: Python's own locks, as
    `threading.Condition`, have a moment in which they are taken but not yet in a `with`. The pool's threads then wait
    for it, and the pool for them. Other handlers than Python's own, and threads that get no signals, are left alone.

    Raises:
        KeyboardInterrupt: on leaving, where one came that was not asked for.
    """
    held = HeldInterrupt()
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield held
        return
    signal.signal(signal.SIGINT, held.remember)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    held.check()
