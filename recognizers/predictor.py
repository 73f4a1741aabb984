"""A recognizer that reads images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recognizers.charset import Charset
from recognizers.configuration import check_temperature
from recognizers.decoding import (
    Placed,
    Reading,
    attention_places,
    ctc_beam,
    ctc_places,
    placed,
    read_logits,
    reading_of,
)
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import nearest_readings, probable_readings
from recognizers.preprocess import normalise, prepare
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError

BATCHES_SORTED = 4
"""Where images keep their ratio, those of so many batches are put together by their width."""


class Recognizer:
    """Reads word images with a model of this package.

    Args:
        model: moved to the device and put in eval mode.
        device: "auto", "cpu", "cuda", "cuda:n", "mps" or a torch device.
        amp: "off", "bf16" or "fp16".
        beam: prefixes that the beam search keeps, of CTC or of attention models; None reads greedily.
        temperature: by which logits are divided before a greedy reading, so that confidences are right as often as they
            say; the text stays. None takes the one in the weights' header, or 1.

    Attributes:
        refused: lexicon words that were refused as candidates so far, by the reason; one word counts for each image.

    Raises:
        ConfigError: the beam keeps no prefix, or more than an attention model has classes; or the temperature is not
            above 0.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        device: str | torch.device = "cpu",
        amp: str = "off",
        beam: int | None = None,
        temperature: float | None = None,
    ) -> None:
        self.device = resolve_device(str(device))
        self.amp, self.beam = amp, beam
        self.model: Any = model.to(self.device).eval()
        own: Any = model
        self.temperature = check_temperature(own.temperature if temperature is None else temperature)
        self.refused: Counter[str] = Counter()
        if beam is not None:
            _check_beam(beam, self.model)

    @property
    def needs_mask(self) -> bool:
        """Whether `read` needs a text mask for each image."""
        return bool(self.model.input_spec.mask)

    def read(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        batch_size: int = 64,
        lexicons: Lexicon | Sequence[Lexicon] | None = None,
    ) -> list[Reading]:
        """One reading an image, in order; no images give no readings.

        For arguments and errors see `read_placed`.
        """
        found = self.read_placed(images, masks, batch_size=batch_size, lexicons=lexicons)
        return [reading for reading, _ in found]

    def read_placed(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        batch_size: int = 64,
        lexicons: Lexicon | Sequence[Lexicon] | None = None,
    ) -> list[Placed]:
        """One reading an image, in order, with the places of its characters where it is the greedy one.

        Args:
            images: (H, W, 3) uint8 RGB word crops of any size.
            masks: (h, w) uint8, 0..255, each of its image's size, of that enlarged in proportion, or of the network's
                input size; for a model that needs them.
            batch_size: images at once.
            lexicons: each reading becomes a word of this lexicon, or of its own where there is one an image: with CTC
                the most probable of the near ones, see `lexicon_reading.probable_readings`; with attention the nearest.

        Raises:
            ValueError: an image or mask is not like that, masks or lexicons are missing, too many or not needed.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self._check(images, masks)
        own = [lexicons] * len(images) if isinstance(lexicons, Lexicon) else lexicons
        if own is not None and len(own) != len(images):
            raise ValueError(f"lexicons must be one an image: got {len(own)} lexicons for {len(images)} images")
        readings: dict[int, Placed] = {}
        for places, pixels in self._batches(images, masks, batch_size):
            found = self._read_batch(pixels, None if own is None else [own[place] for place in places])
            readings.update(zip(places, found, strict=True))
        return [readings[place] for place in range(len(images))]

    @torch.inference_mode()
    def logits(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None = None, *, batch_size: int = 64
    ) -> list[Tensor]:
        """The logits (T, classes) float32 of each image, on the CPU, at temperature 1; for the rest see `read_placed`.

        Raises:
            ValueError: as for `read_placed`.
        """
        self._check(images, masks)
        found: dict[int, Tensor] = {}
        for places, pixels in self._batches(images, masks, batch_size):
            with autocast(self.device, self.amp):
                logits = self.model(normalise(pixels.to(self.device), self.model.input_spec))
            found.update(zip(places, logits.float().cpu(), strict=True))
        return [found[place] for place in range(len(images))]

    def _batches(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None, batch_size: int
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Yield places of images and their pixels (N, C, h, w) uint8; those of one batch have one size."""
        spec = self.model.input_spec
        window = batch_size * (BATCHES_SORTED if spec.keep_ratio else 1)
        for start in range(0, len(images), window):
            by_width = defaultdict(list)
            for place in range(start, min(start + window, len(images))):
                prepared = prepare(images[place], None if masks is None else masks[place], spec)
                by_width[prepared.shape[2]].append((place, prepared))
            for alike in by_width.values():
                for first in range(0, len(alike), batch_size):
                    places, arrays = zip(*alike[first : first + batch_size], strict=True)
                    yield list(places), _stacked(arrays, channels_last=self.device.type == "cpu")

    @torch.inference_mode()
    def _read_batch(self, batch: Tensor, lexicons: Sequence[Lexicon] | None) -> list[Placed]:
        pixels = normalise(batch.to(self.device), self.model.input_spec)
        charset = self.model.charset
        if charset.is_attention:
            found = self._write(pixels)
            return found if lexicons is None else _with_nearest(found, lexicons)
        with autocast(self.device, self.amp):
            logits = self.model(pixels)
        if self.beam is None:
            readings = read_logits(logits / self.temperature, charset)
        else:
            readings = ctc_beam(logits, charset, beam=self.beam)
        if lexicons is not None:
            readings, refused = probable_readings(logits, readings, lexicons, charset)
            self.refused.update(refused)
        return placed(readings, ctc_places(logits, charset))

    def _write(self, pixels: Tensor) -> list[Placed]:
        """Readings of an attention model."""
        charset = self.model.charset
        with autocast(self.device, self.amp):
            if self.beam is None:
                seen = self.model.inspect(pixels)
            else:
                hypotheses = self.model.beam_search(pixels, width=self.beam)
        if self.beam is None:
            places = attention_places(seen.logits, seen.attention, seen.control_points, charset)
            return placed(read_logits(seen.logits / self.temperature, charset), places)
        return [
            Placed(reading_of(found.ids, found.log_probability, found.character_log_probabilities, charset), None)
            for found in hypotheses
        ]

    def _check(self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None) -> None:
        if self.needs_mask and masks is None and len(images):
            raise ValueError("this recognizer takes RGB + mask: give one (H, W) uint8 mask an image")
        if masks is None:
            return
        if not self.needs_mask:
            raise ValueError("this recognizer takes no mask: leave the masks out, or widen it with widen_input()")
        if len(masks) != len(images):
            raise ValueError(f"masks must be one an image: got {len(masks)} masks for {len(images)} images")
        for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
            size = self.model.input_spec.size_for(image.shape[:2])
            if mask.shape != size and not _is_enlarged(mask.shape, image.shape[:2]):
                raise ValueError(
                    f"mask {index} must have its image's size {image.shape[:2]}, that enlarged in proportion, or the "
                    f"network's {size}, got {mask.shape}; resize it first"
                )


def _is_enlarged(mask: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Whether a mask has its image's size, or both sides of that times one factor, each rounded to whole pixels."""
    if len(mask) != 2 or mask[0] < image[0] or mask[1] < image[1]:
        return False
    # sides H f and W f that are off by at most a half give |h W - w H| <= (H + W) / 2
    return 2 * abs(mask[0] * image[1] - mask[1] * image[0]) <= sum(image)


def _with_nearest(found: Sequence[Placed], lexicons: Sequence[Lexicon]) -> list[Placed]:
    """Readings of an attention model turned into the nearest words of their lexicons."""
    nearest = nearest_readings([reading for reading, _ in found], lexicons)
    return [
        Placed(reading, places if places is not None and places.text == reading.text else None)
        for reading, (_, places) in zip(nearest, found, strict=True)
    ]


def _check_beam(beam: int, model: Any) -> None:
    charset: Charset = model.charset
    if beam < 1 or (charset.is_attention and beam > charset.classes):
        most = f" and at most {charset.classes}, the number of classes" if charset.is_attention else ""
        raise ConfigError(f"the beam must keep at least 1 prefix{most}, got {beam}; without a beam it reads greedily")


def _stacked(prepared: Sequence[np.ndarray], *, channels_last: bool) -> Tensor:
    """(N, C, h, w) uint8 of arrays (C, h, w); with the channels last in memory convolutions are faster on a CPU."""
    if not channels_last:
        return torch.from_numpy(np.stack(prepared))
    batch = np.empty((len(prepared), *prepared[0].shape[1:], prepared[0].shape[0]), np.uint8)
    for index, one in enumerate(prepared):
        batch[index] = one.transpose(1, 2, 0)
    return torch.from_numpy(batch).permute(0, 3, 1, 2)
