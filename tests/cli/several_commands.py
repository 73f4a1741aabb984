"""A program that runs segrec commands one after the other with tiny networks; torchrun starts it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tiny_recognizers import use_tiny_presets

from segrec.cli import main
from segrec.core.distributed import World, launched
from segrec.jobs import finetune, train_recognizer

if __name__ == "__main__":
    patch = pytest.MonkeyPatch()
    use_tiny_presets(patch)
    with launched("cpu") as world:  # once for all commands: processes that meet again and again may miss each other

        @contextmanager
        def joined(device: str) -> Iterator[World]:
            yield world

        for job in (train_recognizer, finetune):
            patch.setattr(job, "launched", joined)
        code = max(main(arguments) for arguments in json.loads(sys.argv[1]))
    sys.exit(code)
