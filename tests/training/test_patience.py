"""Runs that end when their score does not get better."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from curve_training import SETTINGS, Crash, crash_in_step, train

from segrec.core.errors import ConfigError
from segrec.training.run_directory import RunDirectory

PATIENT = replace(SETTINGS, evaluate_every=2, patience=2)


def scored(*scores: float):
    """Return an evaluation that gives these scores, and fails when it is called once more."""
    left = iter(scores)
    return lambda: {"score": next(left)}


def steps_of(folder: Path) -> int:
    return int(RunDirectory(folder).load_state()["step"])


def test_a_run_ends_after_so_many_evaluations_in_a_row_without_a_better_score(tmp_path, caplog):
    caplog.set_level(logging.INFO, "segrec")
    assert train(tmp_path, settings=PATIENT, evaluate=scored(0.1, 0.1, 0.3, 0.2, 0.3)).scores == {"score": 0.3}
    assert steps_of(tmp_path) == 10
    assert "no better score in 2 evaluations: the run ends at step 10 of 20" in caplog.messages


def test_a_run_that_gets_better_goes_through_all_steps(tmp_path, caplog):
    caplog.set_level(logging.INFO, "segrec")
    train(tmp_path, settings=PATIENT, evaluate=scored(*(number // 2 for number in range(10))))
    assert steps_of(tmp_path) == 20
    assert not any("no better score" in message for message in caplog.messages)


def test_a_run_that_ended_early_logs_the_steps_since_the_row_before(tmp_path):
    train(tmp_path, settings=PATIENT, evaluate=scored(0.5, 0.4, 0.4))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], "loss" in row) for row in rows] == [
        *((2, False), (3, True), (4, False)),
        *((6, True), (6, False)),
    ]
    unaligned = replace(PATIENT, log_every=5)
    train(tmp_path / "unaligned", settings=unaligned, evaluate=scored(0.5, 0.4, 0.4))
    rows = [json.loads(line) for line in (tmp_path / "unaligned" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [5, 6]


def test_a_resumed_run_knows_how_long_it_has_waited(tmp_path):
    with pytest.raises(Crash):
        train(tmp_path, settings=PATIENT, evaluate=scored(0.5, 0.4), loss=crash_in_step(6))
    train(tmp_path, settings=PATIENT, evaluate=scored(0.5))
    assert steps_of(tmp_path) == 6


def test_a_run_that_ended_early_does_not_go_on_unless_it_may_wait_longer(tmp_path, caplog):
    train(tmp_path, settings=PATIENT, evaluate=scored(0.5, 0.4, 0.4))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    caplog.set_level(logging.INFO, "segrec")
    assert train(tmp_path, settings=replace(PATIENT, steps=30), evaluate=scored()).scores == {"score": 0.4}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert "no better score in 2 evaluations: the run ends at step 6 of 30" in caplog.messages
    train(tmp_path, settings=replace(PATIENT, patience=3), evaluate=scored(0.4))
    assert steps_of(tmp_path) == 8


def test_patience_without_an_evaluation_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a run with patience needs an evaluation; name validation data"):
        train(tmp_path, settings=PATIENT)
