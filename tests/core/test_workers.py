"""Worker processes give results in any order asked for, and say when one was killed."""

from __future__ import annotations

import os
import signal

import pytest

from segrec.core.errors import DataError
from segrec.core.workers import worker_processes


def test_results_come_in_the_order_in_which_they_are_asked_for_from_workers_that_were_prepared(tmp_path):
    with worker_processes(2, os.chdir, tmp_path) as submit:
        pending = [submit(pow, base, 2) for base in range(5)]
        assert [result() for result in reversed(pending)] == [16, 9, 4, 1, 0]
        assert submit(os.getpid)() != os.getpid()
        assert submit(os.getcwd)() == str(tmp_path) != os.getcwd()


def test_a_killed_worker_is_said_and_not_waited_for():
    with (
        pytest.raises(DataError, match="a worker process was killed; run again to go on, with fewer --workers"),
        worker_processes(2) as submit,
    ):
        submit(signal.raise_signal, signal.SIGKILL)()


def test_an_error_of_the_work_comes_out_where_its_result_is_asked_for():
    with worker_processes(1) as submit:
        pending = submit(divmod, 1, 0)
        with pytest.raises(ZeroDivisionError):
            pending()
