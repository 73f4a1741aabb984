"""What an evaluation of recognizers is told, checked when it is made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from segrec.core.amp import Amp
from segrec.core.errors import ConfigError
from segrec.core.files import listed, set_listed
from segrec.data.masks.kinds import MASK_KINDS, SHUFFLED
from segrec.jobs.common_settings import Common
from segrec.weights import SEGMENTER


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation.

    Attributes:
        data: word databases by the name they are reported under; a path alone is reported under its folder's name.
        masks: mask stores by the same names, any number of kinds each; one path may stand for a list of one.
        mask: kinds of mask, in the order of the report, or one; empty takes those that the model can take, see
            `default_masks`.
        model: shipped name, run directory or file; None, and the name of shipped plain weights, take for each kind of
            mask the shipped recognizer that was fine-tuned with it; None takes for no mask the fair control.
        models: in place of `model`, several by the names they are reported under, each with the weights of its seeds.
            Each stands for itself and reads with the kinds of `mask` that it takes: without a mask channel with none.
        segmenter: predicts masks that no store holds.
        lexicon: a file for all databases, or one for each by its name, see `segrec.data.lexicons`; each reading becomes
            a word of its lexicon.
        beam: prefixes that a beam search keeps; None reads greedily.
        limit: only the first words of each database.
        seed: of the random masks; the weights of a model's further seeds take the numbers after it.
        seeds: draws of the random masks for a model with one run, with the seeds `seed` to `seed + seeds - 1`.
        mask_check: instead of the kinds of `mask` read with the words' own masks (oracle where a database has them,
            else predicted), with those of other words (`shuffled`) and with empty ones (`zero`).

    Raises:
        ConfigError: a value that a setting does not take, or that contradicts another.
    """

    data: Mapping[str, str]
    masks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mask: Sequence[str] = ()
    model: str | None = None
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    segmenter: str = SEGMENTER
    charset_filter: Literal["alnum", "none"] = "alnum"
    case_sensitive: bool = False
    lexicon: str | Mapping[str, str] | None = None
    beam: int | None = None
    limit: int | None = None
    predictions: str | None = None
    seed: int = Common.seed
    seeds: int = 1
    mask_check: bool = False
    device: str = Common.device
    amp: Amp = Common.amp

    def __post_init__(self) -> None:
        if isinstance(self.data, str | os.PathLike):
            object.__setattr__(self, "data", {os.path.basename(os.path.realpath(self.data)): os.fspath(self.data)})
        for name in ("data", "masks", "models"):
            if not isinstance(getattr(self, name), Mapping):
                raise ConfigError(f"{name} must be a dict by name, as {{'IIIT5K': ...}}, got {getattr(self, name)!r}")
        set_listed(self, "mask")
        for name in ("masks", "models"):
            object.__setattr__(self, name, {key: listed(value) for key, value in getattr(self, name).items()})
        _check(self)


def _check(settings: Evaluation) -> None:
    from segrec.evaluation.result import POOLED

    unknown = [mask for mask in settings.mask if mask not in MASK_KINDS]
    if unknown:
        raise ConfigError(f"unknown mask {', '.join(map(repr, unknown))}; use some of {', '.join(MASK_KINDS)}")
    if not settings.data:
        raise ConfigError("nothing to evaluate on: name at least one --data NAME=WORDS")
    if len(settings.data) > 1 and POOLED in settings.data:
        raise ConfigError(f"{POOLED!r} is the name of all databases together; report that one under another name")
    if settings.model is not None and settings.models:
        raise ConfigError("give either one model or several by their names, not both")
    for name, weights in settings.models.items():
        if name in (*MASK_KINDS, SHUFFLED) or not weights:
            raise ConfigError(f"a model needs weights and may not be called as a kind of mask is; got {name!r}")
    if settings.seeds < 1:
        raise ConfigError(f"seeds must be 1 or more, got {settings.seeds}")
    strangers = set(settings.masks) - set(settings.data)
    if strangers:
        raise ConfigError(f"--masks names {', '.join(sorted(strangers))}, which no --data does")
