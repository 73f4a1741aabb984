"""One training at a time in a run directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import curve_training
import pytest

from segrec.core.errors import ConfigError, DataError
from segrec.core.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]


def test_a_second_training_is_refused_and_changes_nothing_until_the_first_is_killed(tmp_path):
    training = subprocess.Popen(
        [sys.executable, curve_training.__file__, str(tmp_path), "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert training.stdout is not None
        training.stdout.readline()
        before = (tmp_path / "run.json").read_bytes()
        with pytest.raises(DataError, match="is being written by another process; wait for it or choose") as error:
            RunDirectory(tmp_path).begin("curve", curve_training.Recorded(seed=8))
        assert "\n" not in str(error.value)
        assert (tmp_path / "run.json").read_bytes() == before
    finally:
        training.send_signal(signal.SIGKILL)
        training.communicate()
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
