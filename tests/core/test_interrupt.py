"""An interrupt ends work with other threads only where nothing can be left locked."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from segrec.core.interrupt import deferred_interrupt, held_interrupts


@pytest.fixture(autouse=True)
def pythons_own_handler() -> Iterator[None]:
    """As in a terminal; a shell's background job starts with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_until_it_is_asked_for():
    with held_interrupts() as held:
        held.check()
        signal.raise_signal(signal.SIGINT)
        reached = True
        with pytest.raises(KeyboardInterrupt):
            held.check()
        held.check()
    assert reached and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_nobody_asked_for_comes_at_the_end():
    reached = False
    with pytest.raises(KeyboardInterrupt), held_interrupts():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached


def test_an_error_of_the_work_is_not_hidden_by_an_interrupt():
    with pytest.raises(ValueError, match="of the work"), held_interrupts():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("of the work")


def test_a_wait_for_a_result_ends_with_it_or_with_an_interrupt_raised_by_the_check_alone():
    with held_interrupts() as held, ThreadPoolExecutor(1) as pool:
        assert held.result_of(pool.submit(lambda: 7)) == 7
        never: Future[None] = Future()
        pool.submit(os.kill, os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt) as interrupt:
            held.result_of(never)
    assert traceback.extract_tb(interrupt.value.__traceback__)[-1].name == "check"


def test_a_result_that_is_an_error_is_raised():
    with held_interrupts() as held, ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        held.result_of(pool.submit(lambda: 1 // 0))


def test_who_finishes_a_step_first_is_not_disturbed():
    with deferred_interrupt() as event, held_interrupts() as held:
        signal.raise_signal(signal.SIGINT)
        held.check()
        assert event.is_set()


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with held_interrupts() as held:
        signal.raise_signal(signal.SIGINT)
        held.check()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_nothing_is_set_and_results_come():
    found: list[int] = []

    def work() -> None:
        with held_interrupts() as held, ThreadPoolExecutor(1) as pool:
            found.append(held.result_of(pool.submit(lambda: 7)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [7] and signal.getsignal(signal.SIGINT) is signal.default_int_handler
