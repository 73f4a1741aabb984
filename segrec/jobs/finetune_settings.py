"""What a fine-tuning is told, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, get_args

from recognizers.choices import Fusion, Init, Norms
from segrec.core.errors import ConfigError
from segrec.core.files import set_listed
from segrec.data.masks.kinds import MASK_KINDS, MaskKind
from segrec.jobs.recognizer_settings import Optimisation
from segrec.training.optimizers import OPTIMIZERS
from segrec.training.schedule import SCHEDULES
from segrec.weights import SEGMENTER

MASK_RATES = {"input": 1e-2, "all": 5e-3}
"""Peak learning rates of the mask's column with adam and adamw, by what is trained: a mask then changes readings within
some hundred steps. Not stated in the paper."""
FUSION_RATES: Mapping[str, float] = {"adapter": 2e-3, "sft": 2e-3, "stream": 5e-3}
"""Those of what a mask is fused by: all layers of an adapter or a modulation, the last one of a stream."""
CONVERTED_RATE = 3e-5
"""Peak learning rate of all layers of a network in ONNX. PP-OCR's kept its readings at it and diverged at 1e-3."""


@dataclass(frozen=True)
class FineTuning(Optimisation):
    """Settings of a fine-tuning; those of `Optimisation` come with it.

    Attributes:
        data: word databases; one path may stand for a list of one, here and in `masks`.
        output: the run directory.
        masks: mask stores of the databases, in their order; empty predicts them first (into the run directory), or
            for oracle masks takes the store that `segrec render words` writes.
        valid_masks: mask store of `valid`; None predicts or takes it likewise.
        mask: what the fourth channel holds; `none` keeps the pretrained input (the control without a mask).
        architecture: `crnn`, or `aster` for every attention recognizer with a rectifier.
        pretrained: shipped name, run directory, `.safetensors` or public checkpoint; None takes the shipped one.
        init: how the widened layer starts, see `recognizers.widen_input`.
        fusion: how the mask joins the picture, see there; `zero` masks with `adapter` are its control without a mask.
        mask_in_rectifier: widen the rectifier's localiser too.
        train: `input` trains the first layer only (the paper), or the fusion, `all` everything.
        norms: what becomes of BatchNorm's statistics: `frozen`, `train`, or `reestimate`, which freezes them until
            a pass over training words at the end; None freezes those of frozen layers and trains the others.
        mask_learning_rate: the peak for the mask's weights in the first layer, which start at zero and would hardly
            leave it at the rate that suits trained weights, or for the fusion; None takes `mask_rate`.
        colour_learning_rate: the peak for that layer's other weights; 0 leaves them as they are; None takes the run's.
        mask_dropout: share of the words whose mask is left out when they are seen, so that the network also reads
            without one and a bad mask does less harm.
        segmenter: predicts masks that no store holds.

    Raises:
        ConfigError: a value that a setting does not take, or that contradicts another.
    """

    WARMUP_STEPS: ClassVar[int] = 20

    data: Sequence[str]
    output: str
    _: KW_ONLY
    masks: Sequence[str] = ()
    valid_masks: str | None = None
    mask: MaskKind = "predicted"
    architecture: str = "crnn"
    pretrained: str | None = None
    init: Init = "zero-mask"
    fusion: Fusion = "input"
    mask_in_rectifier: bool = False
    train: Literal["input", "all"] = "input"
    norms: Norms | None = None
    mask_learning_rate: float | None = None
    colour_learning_rate: float | None = None
    mask_dropout: float = 0.0
    segmenter: str = SEGMENTER
    steps: int = 300
    optimizer: str = "adam"
    weight_decay: float = 0.0
    evaluate_every: int = 50
    checkpoint_every: int = 50
    augment: bool = False

    def __post_init__(self) -> None:
        set_listed(self, "data", "masks")
        _check_choices(self)
        _check_mask(self)
        _check_rates(self)

    @property
    def mask_rate(self) -> float:
        """The peak learning rate of the mask's weights; adadelta finds step lengths itself and takes the run's."""
        if self.mask_learning_rate is not None:
            return self.mask_learning_rate
        if self.optimizer == "adadelta":
            return self.learning_rate
        return FUSION_RATES.get(self.fusion, MASK_RATES[self.train])

    @property
    def colour_rate(self) -> float:
        """The peak learning rate of the other weights of the layers that see the mask."""
        return self.learning_rate if self.colour_learning_rate is None else self.colour_learning_rate


def _check_choices(settings: FineTuning) -> None:
    choices = {
        "mask": MASK_KINDS,
        "init": get_args(Init),
        "fusion": get_args(Fusion),
        "train": ("input", "all"),
        "norms": (None, *get_args(Norms)),
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
    }
    for name, known in choices.items():
        value = getattr(settings, name)
        if value not in known:
            raise ConfigError(f"unknown {name} {value!r}; use one of {', '.join(str(choice) for choice in known)}")


def _check_mask(settings: FineTuning) -> None:
    stored = {"--masks": settings.masks, "--valid-masks": settings.valid_masks}
    for option in (name for name, given in stored.items() if given and settings.mask not in ("predicted", "oracle")):
        raise ConfigError(f"{option} was given, but --mask {settings.mask} reads no store; use --mask predicted")
    if settings.masks and len(settings.masks) != len(settings.data):
        raise ConfigError(f"give one --masks for each --data: got {len(settings.masks)} for {len(settings.data)}")
    if settings.valid_masks and settings.valid is None:
        raise ConfigError("--valid-masks are of validation words: name those with --valid")
    needing = {
        "--mask-in-rectifier": settings.mask_in_rectifier,
        "--mask-lr": settings.mask_learning_rate is not None,
        "--mask-dropout": settings.mask_dropout,
        f"--fusion {settings.fusion}": settings.fusion != "input",
    }
    for option in (name for name, given in needing.items() if given and settings.mask == "none"):
        raise ConfigError(f"{option} needs a mask; choose another --mask than none")
    if settings.fusion != "input" and settings.init != "zero-mask":
        raise ConfigError(f"--init {settings.init} goes with --fusion input; the others start as the plain network")
    if settings.fusion != "input" and settings.mask_in_rectifier:
        raise ConfigError("--mask-in-rectifier goes with --fusion input; leave one of them out")
    if not 0 <= settings.mask_dropout < 1:
        raise ConfigError(f"--mask-dropout must be from 0 to below 1, got {settings.mask_dropout}; 0 keeps all masks")


def _check_rates(settings: FineTuning) -> None:
    mask, colour = settings.mask_learning_rate, settings.colour_learning_rate
    if mask is not None and not 0 < mask < math.inf:
        raise ConfigError(f"--mask-lr must be positive and finite, got {mask}; for no mask use --mask zero or none")
    if colour is not None and not 0 <= colour < math.inf:
        raise ConfigError(f"--colour-lr must be 0 or more and finite, got {colour}; 0 leaves the colours as they are")
    if colour is not None and settings.fusion != "input" and settings.train == "input":
        raise ConfigError(
            f"--colour-lr was given, but --fusion {settings.fusion} keeps the colours' weights; use --train all"
        )
    if colour == 0 and (settings.mask, settings.train) == ("none", "input"):
        raise ConfigError("--colour-lr 0 without a mask leaves nothing to train; choose a --mask or --train all")
