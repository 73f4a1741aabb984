"""What the benchmark of training steps compares; nothing is timed here."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner


@pytest.mark.parametrize("weights", ["crnn-slim", "aster-slim"])
def test_a_training_step_is_timed_beside_the_one_of_before(weights, monkeypatch):
    from benchmark import main
    from benchmarks import training

    seen = []
    real = training.measure
    monkeypatch.setattr(training, "measure", lambda steps, repeats: (seen.append(steps), real(steps, repeats))[1])
    options = ["--weights", weights, "--batch-size", "4", "--repeats", "1"]
    done = CliRunner().invoke(main, ["training-step", *options])
    assert done.exit_code == 0, done.output
    assert [line.split("|")[1].strip() for line in done.output.splitlines()[4:]] == list(training.WAYS)
    (steps,) = seen
    assert len(steps) == 3 and torch.get_num_threads() == 1
