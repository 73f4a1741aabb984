"""What share of its time a training waits for data."""

from __future__ import annotations

import logging
import time

import pytest
import torch
from curve_training import Recorded, curve_loss, network, train

from segrec.training.loop import LoopSettings, Training, fit
from segrec.training.run_directory import RunDirectory
from segrec.training.timing import LoopTiming, awaited


def test_the_share_leaves_out_the_first_step():
    timing = LoopTiming()
    assert timing.waiting_share == 0
    timing.add(100.0, 50.0)
    assert (timing.steps, timing.waiting_share) == (1, 0)
    timing.add(1.0, 5.0)
    timing.add(0.0, 2.0)
    assert (timing.steps, timing.waiting, timing.working) == (3, 1.0, 7.0)
    assert timing.waiting_share == 0.125


def test_batches_come_with_the_seconds_they_took_and_not_those_of_their_use(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def batches():
        for number, seconds in enumerate((8.0, 0.5)):
            clock[0] += seconds
            yield number

    seen = []
    for batch, waiting in awaited(batches()):
        seen.append((batch, waiting))
        clock[0] += 100.0
    assert seen == [(0, 8.0), (1, 0.5)]


def test_a_run_tells_its_waiting_by_the_clock_without_evaluations(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "segrec")
    clock = [0.0]
    monkeypatch.setattr("segrec.training.timing.time.perf_counter", lambda: clock[0])

    def passing(seconds, value):
        clock[0] += seconds
        return value

    model, run, timing = network(), RunDirectory(tmp_path), LoopTiming()
    fit(
        Training(
            model=model,
            loss=lambda network, x: passing(3.0, curve_loss(network, x)),
            optimizer=torch.optim.Adam(model.parameters()),
            save=lambda path: path.write_bytes(b""),
            train_mode=model.train,
            evaluate=lambda: passing(1000.0, {"score": 1.0}),
        ),
        lambda first: (passing(1.0 if step else 50.0, torch.ones(4, 1)) for step in range(first, 3)),
        settings=LoopSettings(steps=3, learning_rate=0.1, evaluate_every=1),
        run=run,
        state=run.begin("timed", Recorded()),
        timing=timing,
    )
    assert timing == LoopTiming(steps=3, waiting=2.0, working=6.0)
    assert "waited for data 25.0% of the time" in caplog.messages


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_of_one_step_has_no_share_to_tell(tmp_path, caplog, steps):
    caplog.set_level(logging.INFO, "segrec")
    train(tmp_path, settings=LoopSettings(steps=steps, learning_rate=0.1))
    assert any("waited for data" in message for message in caplog.messages) == (steps > 1)
