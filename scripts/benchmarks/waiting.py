"""For how long fine-tunings of the first layer wait for data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recognizers.loading import load_pretrained
from segrec.core.tables import markdown_table
from segrec.data.masks.kinds import MaskKind
from segrec.data.words import WordLmdb
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.training.timing import LoopTiming
from segrec.weights import resolve_weights

MASKS: tuple[MaskKind, ...] = ("zero", "predicted")


class Waiting(NamedTuple):
    """A fine-tuning from weights with one kind of masks."""

    weights: str
    mask: MaskKind
    timing: LoopTiming


def time_waiting(
    weights: Sequence[str], words: WordLmdb, *, steps: int, batch_size: int, workers: int
) -> list[Waiting]:
    """Fine-tune the widened layer of each recognizer on the CPU, with zero and with stored predicted masks.

    Args:
        weights: pretrained ones without a mask channel.
        words: to train on; their masks are predicted first.
        steps: of each run.
        batch_size: words per step.
        workers: loader processes.
    """
    measured = []
    with TemporaryDirectory() as folder:
        store = precompute_masks(words.path, Path(folder) / "masks", device="cpu").store
        for number, name in enumerate(weights):
            architecture = str(load_pretrained(resolve_weights(name)).architecture)
            for mask in MASKS:
                timing = LoopTiming()
                settings = FineTuning(
                    data=(str(words.path),),
                    output=str(Path(folder) / f"{number}-{mask}"),
                    masks=(str(store),) if mask == "predicted" else (),
                    mask=mask,
                    architecture=architecture,
                    pretrained=name,
                    steps=steps,
                    batch_size=batch_size,
                    workers=workers,
                    checkpoint_every=0,
                    device="cpu",
                )
                finetune(settings, timing=timing)
                measured.append(Waiting(name, mask, timing))
    return measured


def waiting_table(measured: Sequence[Waiting], bound: float) -> str:
    """Return a markdown table, and whether no run waited for more than the share `bound` of its time."""
    rows = []
    for name, mask, timing in measured:
        step = 1000 * (timing.waiting + timing.working) / max(1, timing.steps - 1)
        rows.append((name, mask, f"{step:.0f}", f"{timing.waiting_share:.1%}"))
    worst = max(timing.waiting_share for _, _, timing in measured)
    verdict = "holds" if worst <= bound else "DOES NOT HOLD"
    table = markdown_table(("weights", "masks", "milliseconds per step", "waited for data"), rows, numbers=2)
    return f"{table}\nat most {bound:.0%} of the time: {verdict} ({worst:.1%})"
