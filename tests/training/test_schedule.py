"""The learning rate of each step, and settings of a run that cannot be."""

from __future__ import annotations

import pytest
import torch

from segrec.core.errors import ConfigError
from segrec.training.schedule import LoopSettings, RateStage


def test_the_learning_rate_warms_up_holds_and_falls():
    settings = LoopSettings(steps=10, learning_rate=0.5, warmup_steps=4, decay_share=0.3)
    assert [settings.rate(step) for step in range(10)] == pytest.approx(
        [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 * 2 / 3, 0.5 / 3]
    )
    flat = LoopSettings(steps=3, learning_rate=0.5, decay_share=0)
    assert [flat.rate(step) for step in range(3)] == [0.5] * 3
    assert LoopSettings(steps=1, learning_rate=0.5).rate(0) == 0.5


@pytest.mark.parametrize(
    ("steps", "rate", "message"),
    [
        (0, 0.1, "steps must be at least 1, got 0"),
        (5, 0.0, "must be positive and finite, got 0.0"),
        (5, float("nan"), "got nan"),
        (5, float("inf"), "got inf"),
    ],
)
def test_settings_that_cannot_train_are_refused(steps, rate, message):
    with pytest.raises(ConfigError, match=message):
        LoopSettings(steps=steps, learning_rate=rate)


def test_each_stage_warms_up_and_falls_by_itself():
    stages = (RateStage(4, 0.5, warmup_steps=2, decay_share=0), RateStage(3, 0.25), RateStage(2, 1.0, decay_share=1))
    settings = LoopSettings(steps=9, learning_rate=7.0, warmup_steps=9, stages=stages)
    expected = [0.25, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 1.0, 0.5]
    assert [settings.rate(step) for step in range(9)] == pytest.approx(expected)


def test_stages_must_fill_the_run():
    stages = (RateStage(4, 0.5), RateStage(3, 0.25))
    with pytest.raises(ConfigError, match="the 2 stages have 7 steps, but the run is to have 8"):
        LoopSettings(steps=8, learning_rate=0.5, stages=stages)


@pytest.mark.parametrize("values", [(0, 0.1), (5, -1.0)])
def test_a_stage_that_cannot_train_is_refused(values):
    with pytest.raises(ConfigError, match="must be"):
        RateStage(*values)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 10, 33])
def test_onecycle_is_the_rate_of_torchs_scheduler_at_every_step(steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=steps, cycle_momentum=False)
    settings = LoopSettings(steps=steps, learning_rate=0.5, warmup_steps=4, schedule="onecycle")
    for step in range(steps):
        assert settings.rate(step) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12), step
        optimizer.step()
        scheduler.step()


def test_onecycle_starts_at_a_25th_peaks_after_three_tenths_and_ends_near_zero():
    settings = LoopSettings(steps=10, learning_rate=0.5, schedule="onecycle")
    assert [settings.rate(step) for step in (0, 1, 2, 9)] == pytest.approx([0.02, 0.26, 0.5, 2e-6])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schedule": "cosine"}, "unknown schedule 'cosine'; use one of trapezoid, onecycle"),
        ({"schedule": "onecycle", "stages": (RateStage(5, 0.1),)}, "a run in stages cannot follow the schedule onecyc"),
        ({"ema_decay": 1.0}, r"decay must lie between 0 and 1, for instance 0\.999, got 1\.0"),
        ({"ema_decay": float("nan")}, "got nan"),
        ({"patience": 0, "evaluate_every": 1}, "the patience must be at least 1 evaluation, got 0"),
        ({"patience": 2}, "a run with patience needs evaluations on its way; say after how many steps"),
    ],
)
def test_further_settings_that_cannot_be_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        LoopSettings(steps=5, learning_rate=0.1, **values)
