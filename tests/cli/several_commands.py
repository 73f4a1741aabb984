"""Several segrec commands one after the other with tiny networks, in a process that shares their work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from tiny_recognizers import use_tiny_presets

from segrec.cli import main
from segrec.jobs import finetune, train_recognizer
from segrec.training.distributed import World, launched


def run_all(commands: Sequence[list[str]]) -> int:
    """Return the largest exit code of the commands."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch, launched("cpu") as world:
        use_tiny_presets(patch)

        @contextmanager
        def joined(device: str) -> Iterator[World]:
            yield world  # once for all commands: processes that meet again and again may miss each other

        for job in (train_recognizer, finetune):
            patch.setattr(job, "launched", joined)
        return max(main(arguments) for arguments in commands)
