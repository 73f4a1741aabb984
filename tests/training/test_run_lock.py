"""One training at a time in a run directory."""

from __future__ import annotations

import signal

import curve_training
import pytest
from forked import Forked

from segrec.core.errors import ConfigError, DataError
from segrec.training.run_directory import RunDirectory


def test_a_second_training_is_refused_and_changes_nothing_until_the_first_is_killed(tmp_path):
    training = Forked(curve_training.train_slowly, tmp_path, 1, log=tmp_path / "log")
    training.wait_until(lambda: "step" in training.said())
    try:
        before = (tmp_path / "run.json").read_bytes()
        with pytest.raises(DataError, match="is being written by another process; wait for it or choose") as error:
            RunDirectory(tmp_path).begin("curve", curve_training.Recorded(seed=8))
        assert "\n" not in str(error.value)
        assert (tmp_path / "run.json").read_bytes() == before
    finally:
        assert training.send(signal.SIGKILL) == -signal.SIGKILL
    curve_training.train(tmp_path)


def test_a_training_frees_its_folder_at_the_end_and_when_it_fails(tmp_path):
    def fail(model, x):
        raise ConfigError("no loss")

    kept = []
    for _ in range(2):
        with pytest.raises(ConfigError, match="no loss") as error:
            curve_training.train(tmp_path, loss=fail)
        kept.append(error)
    curve_training.train(tmp_path)
    run = RunDirectory(tmp_path)
    run.begin("curve", curve_training.Recorded())
    run.begin("curve", curve_training.Recorded())
    with pytest.raises(DataError, match="another process"):
        RunDirectory(tmp_path).begin("curve", curve_training.Recorded())
    run.release()
    run.release()
    RunDirectory(tmp_path).begin("curve", curve_training.Recorded())


def test_a_run_that_was_begun_and_forgotten_frees_its_folder(tmp_path):
    RunDirectory(tmp_path).begin("curve", curve_training.Recorded())
    RunDirectory(tmp_path).begin("curve", curve_training.Recorded())


def test_an_output_that_cannot_be_a_folder_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*run: .*; choose another --output") as error:
        RunDirectory(tmp_path / "file" / "run").begin("curve", curve_training.Recorded())
    assert "\n" not in str(error.value)
