"""The recognizers of an evaluation, each with the kinds of mask that it reads with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recognizers.loading import load_pretrained
from recognizers.predictor import Recognizer
from segrec.core.errors import ConfigError
from segrec.core.runlog import LOGGER
from segrec.weights import SHIPPED, resolve_weights, weights_for


@dataclass(frozen=True, eq=False)
class MaskReader:
    """One model that reads under one kind of mask.

    Attributes:
        asked: the model that the user named.
        name: that it is reported under.
        mask: the kind of mask.
        runs: the recognizer of each seed.
    """

    asked: str
    name: str
    mask: str
    runs: tuple[Recognizer, ...]

    @property
    def takes_mask(self) -> bool:
        """Whether the model has a mask channel."""
        return self.runs[0].needs_mask


class EvaluationModels:
    """Opens each recognizer once."""

    def __init__(self, *, device: str, amp: str, beam: int | None) -> None:
        self._device, self._amp, self._beam = device, amp, beam
        self._opened: dict[str, Recognizer] = {}
        self._told: set[str] = set()

    def of_one(self, model: str | None, masks: Sequence[str]) -> list[MaskReader]:
        """Return the readers of one model; shipped plain weights stand for their variant of each kind of mask.

        Raises:
            ConfigError: a mask is meant for a recognizer that takes none.
            CheckpointError: weights cannot be read.
        """
        readers = []
        for mask in masks:
            name = weights_for(mask, model)
            recognizer = self._open(name)
            if mask != "none" and not recognizer.needs_mask:
                raise ConfigError(
                    f"{name} has no mask channel, so --mask {mask} cannot reach it; "
                    "widen it with segrec finetune, or use --mask none"
                )
            readers.append(self._reader(model or SHIPPED, name, mask, (recognizer,)))
        return readers

    def of_several(self, models: Mapping[str, Sequence[str]], masks: Sequence[str]) -> list[MaskReader]:
        """Return the readers of all models, each with the masks that it can take: `none` alone without a channel.

        Args:
            models: the weights of each one's seeds by its name.
            masks: for those with a mask channel.

        Raises:
            ConfigError: only some seeds of a model have a mask channel.
            CheckpointError: weights cannot be read.
        """
        readers = []
        for name, weights in models.items():
            runs = tuple(map(self._open, weights))
            if len({run.needs_mask for run in runs}) > 1:
                raise ConfigError(f"only some weights of {name} have a mask channel; they are not seeds of one model")
            kinds = masks if runs[0].needs_mask else ["none"]
            readers += [self._reader(name, name, mask, runs) for mask in kinds]
        return readers

    def _open(self, weights: str) -> Recognizer:
        if weights not in self._opened:
            model = load_pretrained(resolve_weights(weights))
            self._opened[weights] = Recognizer(model, device=self._device, amp=self._amp, beam=self._beam)
        return self._opened[weights]

    def _reader(self, asked: str, name: str, mask: str, runs: tuple[Recognizer, ...]) -> MaskReader:
        if mask == "none" and runs[0].needs_mask and name not in self._told:
            self._told.add(name)
            LOGGER.warning("%s has a mask channel; for --mask none it is fed zeros", name)
        return MaskReader(asked, name, mask, runs)
