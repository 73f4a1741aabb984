"""One row of the flagship table: a recognizer trained on in one way with one seed, and what it reads."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from recognizers import load_pretrained
from segrec.core.errors import ConfigError
from segrec.core.files import file_digest, read_json, write_json
from segrec.core.runlog import LOGGER
from segrec.jobs.architectures import ARCHITECTURES
from segrec.jobs.evaluate import Evaluation, evaluate
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.finetune_settings import CONVERTED_RATE
from segrec.training.timing import LoopTiming
from segrec.weights import resolve_weights

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "input": {"train": "input", "learning_rate": 3e-4},
    "adapter": {"train": "input", "learning_rate": 3e-4, "fusion": "adapter"},
    "sft": {"train": "input", "learning_rate": 3e-4, "fusion": "sft"},
    "stream": {"train": "input", "learning_rate": 3e-4, "fusion": "stream"},
    "all": {"train": "all", "norms": "frozen"},
    "all-stream": {"train": "all", "norms": "frozen", "fusion": "stream"},
}
"""What is trained: the first layer, what joins a mask to a frozen network, or all."""
CONTROLS = {"all-stream": "all"}
"""The variant whose control serves another: where all is trained, it is the plain network."""
RATES = {"onnx": CONVERTED_RATE}
"""Peak learning rates of all layers, where another than `RATE` suits a kind of network."""
RATE = 3e-4
MASK_RATE = 5e-3
"""Of the mask's column in the first layer; adapter and SFT have the usual rate of fine-tuning."""

RECORD = "flagship.json"
MADE = ("rows", "runs", "masks")
"""Folders whose content depends on how numbers are computed and on the segmenter."""


class Arm(NamedTuple):
    """One side of a comparison; `variant` is one of `VARIANTS`, or `file` for the weights as they are."""

    variant: str
    masked: bool

    @property
    def name(self) -> str:
        """What it is reported under."""
        return self.variant if self.variant == "file" else f"{self.variant}-{'mask' if self.masked else 'control'}"

    @property
    def mask(self) -> str:
        """What its mask channel is fed. The control of a frozen network's fusion is the same one, with empty masks."""
        if self.masked:
            return "predicted"
        return "zero" if "fusion" in VARIANTS.get(self.variant, {}) else "none"


def arms_of(variant: str) -> tuple[Arm, Arm]:
    """Return both sides of a variant, the control first."""
    return Arm(CONTROLS.get(variant, variant), masked=False), Arm(variant, masked=True)


@dataclass
class Flagship:
    """What is trained on and read, and where that is kept.

    Attributes:
        pretrained: the recognizer.
        words, ratios: training words, and their shares of a batch; without, all words are seen equally often.
        data: test words by name.
        work: runs, masks and rows.
        corrupted: corrupted copies of test words by name; left out where all sets are pooled.
        limit: only the first words of each test set.
        lr: peak learning rate of all layers; None takes that of `RATES`.
    """

    pretrained: str
    words: list[str]
    ratios: list[float]
    data: dict[str, str]
    work: Path
    steps: int
    batch_size: int
    limit: int | None
    segmenter: str
    device: str
    amp: str
    workers: int
    lr: float | None = None
    corrupted: dict[str, str] = field(default_factory=dict)

    @property
    def tests(self) -> dict[str, str]:
        """All test words by name."""
        return {**self.data, **self.corrupted}

    def stores(self) -> Iterator[tuple[str, str]]:
        """Yield each database and its mask store."""
        yield from ((words, self._store(f"words-{number}")) for number, words in enumerate(self.words))
        yield from ((words, self._store(name)) for name, words in self.tests.items())

    def limit_of(self, words: str) -> int | None:
        """Return how many words of a database need masks; None for all."""
        return self.limit if words in self.tests.values() and words not in self.words else None

    def _store(self, name: str) -> str:
        return str(self.work / "masks" / name.replace(" ", "-"))

    def check_record(self, corrupted: str | None) -> None:
        """Record what all rows have in common, or check it against an earlier call's.

        Masks and rows that were made in other numbers or by another segmenter of the same name, or whose record does
        not say, are set aside and made anew.

        Raises:
            ConfigError: the folder holds rows of another comparison.
        """
        names = ("words", "ratios", "data", "steps", "batch_size", "limit", "segmenter", "lr")
        wanted = {name: getattr(self, name) for name in names}
        wanted |= {"corrupted": corrupted, "digest": file_digest(resolve_weights(self.pretrained))}
        made = {"amp": self.amp, "segmenter_digest": file_digest(resolve_weights(self.segmenter))}
        record = self.work / RECORD
        if record.exists():
            before = read_json(record)
            changed = next((name for name in wanted if before.get(name) != wanted[name]), None)
            if changed is not None:
                raise ConfigError(
                    f"{self.work} holds rows with {changed}={before.get(changed)!r}, not {wanted[changed]!r}; "
                    "choose another --work"
                )
            differs = next((name for name in made if before.get(name) != made[name]), None)
            if differs is None:
                return
            aside = self._set_aside()
            LOGGER.warning(
                "rows with %s=%r, not %r, are set aside in %s", differs, before.get(differs), made[differs], aside
            )
        self.work.mkdir(parents=True, exist_ok=True)
        write_json(record, wanted | made)

    def _set_aside(self) -> Path:
        """Move what was made, the record last, to a folder of its own; return that."""
        aside = next(path for number in count(1) if not (path := self.work / f"earlier-{number}").exists())
        aside.mkdir()
        for name in (*MADE, RECORD):
            if (self.work / name).exists():
                (self.work / name).rename(aside / name)
        return aside

    def row(self, arm: Arm, seed: int) -> None:
        """Train and read, unless that was done."""
        readings = self.readings(arm, seed)
        if readings.exists():
            return
        readings.parent.mkdir(parents=True, exist_ok=True)
        weights = self.pretrained if arm.variant == "file" else str(self._train(arm, seed))
        evaluate(
            Evaluation(
                data=self.tests,
                masks={name: [self._store(name)] for name in self.tests} if arm.masked else {},
                mask=[arm.mask],
                models={arm.name: [weights]},
                limit=self.limit,
                predictions=str(readings),
                device=self.device,
                amp=self.amp,
            )
        )

    def readings(self, arm: Arm, seed: int) -> Path:
        """Return where a row's readings are: the lines of `segrec eval --predictions`; it exists when all is read."""
        return self.work / "rows" / f"{arm.name}-seed-{seed}.jsonl"

    def speed(self, arm: Arm, seed: int) -> dict[str, float]:
        """Return what a row's training cost; nothing where that is not known.

        Seconds of the clock are those of the steps after the first; of the processor, those of the whole training in
        this process and its threads, without loader processes.
        """
        file = self.readings(arm, seed).with_suffix(".speed.json")
        return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}

    def _train(self, arm: Arm, seed: int) -> Path:
        timing, before = LoopTiming(), time.process_time()
        run = finetune(self._settings(arm, seed), timing=timing)
        if timing.steps > 1:
            seconds = timing.working + timing.waiting
            speed = {
                "words_per_second": round((timing.steps - 1) * self.batch_size / seconds, 1),
                "words_per_cpu_second": round(timing.steps * self.batch_size / (time.process_time() - before), 1),
                "waiting_share": round(timing.waiting_share, 3),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            LOGGER.info("%s, seed %d: %s", arm.name, seed, speed)
            write_json(self.readings(arm, seed).with_suffix(".speed.json"), speed)
        return run

    def _settings(self, arm: Arm, seed: int) -> FineTuning:
        kind = load_pretrained(resolve_weights(self.pretrained)).architecture
        options = {"learning_rate": self.lr or RATES.get(kind, RATE), **VARIANTS[arm.variant]}
        if arm.masked and "fusion" not in options:
            options["mask_learning_rate"] = MASK_RATE
        return FineTuning(
            data=self.words,
            masks=[store for words, store in self.stores()][: len(self.words)] if arm.masked else (),
            ratios=self.ratios,
            mask=arm.mask,  # type: ignore[arg-type]
            architecture=next(name for name, known in ARCHITECTURES.items() if kind in known.accepts),
            pretrained=self.pretrained,
            output=str(self.work / "runs" / arm.name / f"seed-{seed}"),
            steps=self.steps,
            batch_size=self.batch_size,
            evaluate_every=0,
            seed=seed,
            device=self.device,
            amp=self.amp,
            workers=self.workers,
            **options,
        )
