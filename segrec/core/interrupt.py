"""What an interrupt does to work that wants to finish a step and save first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segrec.core.runlog import LOGGER


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
