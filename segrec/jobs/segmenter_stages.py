"""The stages of a segmenter's training: what each trains on, with which losses, how long and how fast."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from segmenter.choices import Backend, LossWeights, Supervision
from segrec.core.errors import ConfigError
from segrec.core.files import set_listed
from segrec.training.schedule import RateStage

WORDING = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "Supervision | None": f"one of {', '.join(get_args(Supervision))}",
    "Sequence[str]": "a list of texts",
}
"""How the types of a recipe's values are called in messages."""


@dataclass(frozen=True)
class Stage:
    """One stage; its defaults are those of the paper's second phase (Section III.B.2), but for the data.

    Attributes:
        name: for messages, such as "1a".
        steps: optimiser steps.
        lr: peak of Adam's learning rate.
        phases: 1 without guidance, 2 with the guided pass.
        lambda1: weight of the subset loss, Eq. 3.
        lambda2: weight of the dense CRF loss, Eq. 4.
        outside: weight of the empty-text term outside polygons, which the paper does not have.
        cross_entropy: weight of the pixel-wise cross-entropy, which the paper does not have.
        words: data whose pictures are word crops; empty takes the run's.
        scenes: data of which windows are cut; empty takes the run's.
        supervision: what becomes of the masks, see `SegmentationDataset`; None takes the run's. `region` leaves weak
            pixel masks out, `region-as-text` is the pre-training of the paper's Exp-1.
        freeze_norms: BatchNorms keep their running statistics, see `freeze_norms`; not stated in the paper.
        warmup: steps over which the learning rate rises.
        decay_share: share of the stage at its end over which the learning rate falls; the paper's is constant.
    """

    name: str
    steps: int
    lr: float
    phases: int = 2
    lambda1: float = LossWeights.lambda1
    lambda2: float = LossWeights.lambda2
    outside: float = LossWeights.outside
    cross_entropy: float = LossWeights.cross_entropy
    words: Sequence[str] = ()
    scenes: Sequence[str] = ()
    supervision: Supervision | None = None
    freeze_norms: bool = False
    warmup: int = 0
    decay_share: float = 0.0

    def __post_init__(self) -> None:
        set_listed(self, "words", "scenes")
        if self.phases not in (1, 2):
            raise ConfigError(f"stage {self.name}: phases must be 1 or 2, got {self.phases}")
        if not all(0 <= weight < math.inf for weight in (self.lambda1, self.lambda2, self.outside, self.cross_entropy)):
            raise ConfigError(
                f"stage {self.name}: lambda1, lambda2, outside and cross-entropy must not be negative, nor infinite"
            )
        if self.warmup < 0 or not 0 <= self.decay_share <= 1:
            raise ConfigError(
                f"stage {self.name}: expected a warmup of 0 or more steps and a decay-share in [0, 1], "
                f"got {self.warmup} and {self.decay_share}"
            )
        self.rate()  # refuses impossible steps and learning rates

    def rate(self) -> RateStage:
        """Return the stage's learning rate."""
        return RateStage(self.steps, self.lr, self.warmup, self.decay_share)

    def weights(self, crf_backend: Backend) -> LossWeights:
        """Return the weights of the loss's terms."""
        return LossWeights(self.lambda1, self.lambda2, self.outside, crf_backend, self.cross_entropy)


def stage_of(table: Mapping[str, Any]) -> Stage:
    """Return the stage that a recipe's table describes.

    Args:
        table: the attributes of `Stage`, hyphens for underscores allowed; `name`, `steps` and `lr` are needed.

    Raises:
        ConfigError: a key is unknown or missing, or a value is of another type.
    """
    known = {field.name: field for field in fields(Stage)}
    given = {key.replace("-", "_"): value for key, value in table.items()}
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
            raise ConfigError(f"a stage has no key {key!r}; {hint}")
    missing = [key for key in ("name", "steps", "lr") if key not in given]
    if missing:
        raise ConfigError(f"stage {given.get('name', '')!r} needs {' and '.join(missing)}")
    for key, value in given.items():
        given[key] = _checked(key, value, str(known[key].type))
    return Stage(**given)


def _checked(key: str, value: Any, kind: str) -> Any:
    """Return a recipe's value as the type that the field names."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int" and number and value == int(value):
        return int(value)
    if kind == "float" and number:
        return float(value)
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "Supervision | None" and value in get_args(Supervision):
        return value
    if kind == "Sequence[str]" and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ConfigError(f"a stage's {key} must be {WORDING[kind]}, got {value!r}")


def one_stage(steps: int, learning_rate: float, *, cross_entropy: float = 0.0) -> Stage:
    """Return the plain plan of a network without guidance: SoftIoU on the masks it is given."""
    return Stage("masks", steps, learning_rate, phases=1, lambda1=0, lambda2=0, cross_entropy=cross_entropy)


def two_stages(steps: int, phase1_share: float, learning_rate: float, guided: LossWeights) -> list[Stage]:
    """Return a run's plain plan: SoftIoU without guidance, then the guided pass with all losses."""
    first = round(phase1_share * steps)
    alone = Stage(
        "phase 1",
        max(first, 1),
        learning_rate,
        phases=1,
        lambda1=0,
        lambda2=0,
        outside=guided.outside,
        cross_entropy=guided.cross_entropy,
    )
    rest = Stage(
        "phase 2",
        max(steps - first, 1),
        learning_rate,
        lambda1=guided.lambda1,
        lambda2=guided.lambda2,
        outside=guided.outside,
        cross_entropy=guided.cross_entropy,
    )
    return [stage for stage, length in ((alone, first), (rest, steps - first)) if length]
