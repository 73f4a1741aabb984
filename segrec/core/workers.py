"""A pool of worker processes that ends with its parent, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar, TypeVarTuple

from segrec.core.errors import DataError
from segrec.core.interrupt import held_interrupts

Given = TypeVarTuple("Given")
Task = TypeVarTuple("Task")
Result = TypeVar("Result")


class Submit(Protocol):
    """Hands a function and its arguments to a worker, and returns a function that waits for the result."""

    def __call__(self, function: Callable[[*Task], Result], /, *arguments: *Task) -> Callable[[], Result]:
        """Return what gives the result."""
        ...


@contextmanager
def worker_processes(count: int, start: Callable[[*Given], None] | None = None, *arguments: *Given) -> Iterator[Submit]:
    """Yield a function that hands a function and its arguments to a worker, and returns one that gives the result.

    Interrupts come out where a result is waited for, see `held_interrupts`.

    Args:
        count: processes.
        start: called in each worker first, with `arguments`.

    Raises:
        DataError: a worker was killed.
    """
    with held_interrupts() as held:
        pool = ProcessPoolExecutor(count, initializer=_begin, initargs=(start, arguments))
        try:
            held.result_of(pool.submit(os.getpid))  # starts the workers now, while this process is still small

            def submit(function: Callable[[*Task], Result], /, *task: *Task) -> Callable[[], Result]:
                return partial(held.result_of, pool.submit(function, *task))

            yield submit
        except BrokenProcessPool as error:
            raise DataError(
                "a worker process was killed; run again to go on, with fewer --workers if memory is short"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(start: Callable[[*Given], None] | None, arguments: tuple[*Given]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts all processes; the parent ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    """Leave when the parent was killed, which could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
