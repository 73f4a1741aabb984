"""Running the segrec command line in a fresh process, in one that can be killed, and in several that share work."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from forked import Forked, ranks

ROOT = Path(__file__).parents[2]
HOUSE = ("segrec", "segmenter", "recognizers")
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def fresh(*arguments: str, cwd: Path, first: Path | None = None) -> Outcome:
    """Return the outcome of `segrec ARGUMENTS` in a process that has loaded no module of this project before.

    Args:
        arguments: of the command line.
        cwd: the current folder.
        first: a folder whose modules go before all others.
    """
    out, err = cwd / "fresh-out", cwd / "fresh-err"
    process = Forked(_anew, list(arguments), str(cwd), str(first or ROOT), log=out, errors=err)
    outcome = Outcome(process.join(), out.read_text("utf-8"), err.read_text("utf-8"))
    out.unlink()
    err.unlink()
    return outcome


class Killable(Forked):
    """A segrec command in a process that can be killed, with few words and steps so that little work shows much.

    Args:
        arguments: of the command line.
        log: the file that gets stdout and stderr.
        small: `chunk` words per transaction, `checkpoint` and `log` steps; and `room`, bytes that a file may have.
    """

    def __init__(self, arguments: Sequence[str], log: Path, *, small: Mapping[str, int]) -> None:
        super().__init__(_command, list(arguments), dict(small), log=log, room=small.get("room", 0))


def together(arguments: Sequence[str], folder: Path, *, size: int = 2) -> list[Outcome]:
    """Return what each of `size` processes left behind that shared the work of `segrec ARGUMENTS`, by rank."""
    processes = ranks(_command, list(arguments), {}, folder=folder, size=size)
    return [Outcome(process.join(), process.said(), process.errors.read_text("utf-8")) for process in processes]


def _command(arguments: list[str], small: dict[str, int]) -> int:
    import torch

    from segrec.cli import main
    from segrec.jobs import import_words, label_masks, precompute, recognizer_settings

    torch.set_num_threads(1)
    if "chunk" in small:
        precompute.CHUNK = import_words.CHUNK = label_masks.CHUNK = small["chunk"]
    if "checkpoint" in small and arguments[0] == "finetune":
        arguments = [*arguments, "--checkpoint-every", str(small["checkpoint"])]
    if "log" in small:
        recognizer_settings.LoopSettings = partial(recognizer_settings.LoopSettings, log_every=small["log"])
    return main(arguments)


def _anew(arguments: list[str], cwd: str, first: str) -> int:
    os.chdir(cwd)
    sys.path.insert(0, first)
    for name in [name for name in sys.modules if name.partition(".")[0] in HOUSE]:
        del sys.modules[name]
    assert "cv2" not in sys.modules
    from segrec.cli import main

    return main(arguments)
