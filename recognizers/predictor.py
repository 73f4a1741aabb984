"""A recognizer that reads images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recognizers.charset import Charset
from recognizers.decoding import Reading, ctc_beam, read_logits, reading_of
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import nearest_readings, probable_readings
from recognizers.preprocess import normalise, prepare
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError

BATCHES_SORTED = 4
"""Where images keep their ratio, this many batches are sorted together by their width."""


class Recognizer:
    """Reads word images with a model of this package.

    Args:
        model: moved to the device and put in eval mode.
        device: "auto", "cpu", "cuda", "cuda:n", "mps" or a torch device.
        amp: "off", "bf16" or "fp16".
        beam: prefixes that the beam search keeps, of CTC or of attention models; None reads greedily.

    Attributes:
        refused: lexicon words that were refused as candidates so far, by the reason; one word counts for each image.

    Raises:
        ConfigError: the beam keeps no prefix, or more than an attention model has classes.
    """

    def __init__(
        self, model: nn.Module, *, device: str | torch.device = "cpu", amp: str = "off", beam: int | None = None
    ) -> None:
        self.device = resolve_device(str(device))
        self.amp, self.beam = amp, beam
        self.model: Any = model.to(self.device).eval()
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
        """Return one reading per image, in order; no images give no readings.

        Args:
            images: (H, W, 3) uint8 RGB word crops of any size.
            masks: (h, w) uint8, 0..255, each of its image's size, of that enlarged in proportion, or of the network's
                input size; for a model that needs them.
            batch_size: images at once.
            lexicons: each reading becomes a word of this lexicon, or of its own where there is one per image: with CTC
                the most probable of the near ones, see `lexicon_reading.probable_readings`; with attention the nearest.

        Raises:
            ValueError: an image or mask is not like that, masks or lexicons are missing, too many or not needed.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self._check(images, masks)
        own = [lexicons] * len(images) if isinstance(lexicons, Lexicon) else lexicons
        if own is not None and len(own) != len(images):
            raise ValueError(f"lexicons must be one per image: got {len(own)} lexicons for {len(images)} images")
        readings: dict[int, Reading] = {}
        for places, pixels in self._batches(images, masks, batch_size):
            found = self._read_batch(pixels, None if own is None else [own[place] for place in places])
            readings.update(zip(places, found, strict=True))
        return [readings[place] for place in range(len(images))]

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
    def _read_batch(self, batch: Tensor, lexicons: Sequence[Lexicon] | None) -> list[Reading]:
        pixels = normalise(batch.to(self.device), self.model.input_spec)
        charset = self.model.charset
        if charset.is_attention:
            readings = self._write(pixels)
            return readings if lexicons is None else nearest_readings(readings, lexicons)
        with autocast(self.device, self.amp):
            logits = self.model(pixels)
        readings = read_logits(logits, charset) if self.beam is None else ctc_beam(logits, charset, beam=self.beam)
        if lexicons is None:
            return readings
        readings, refused = probable_readings(logits, readings, lexicons, charset)
        self.refused.update(refused)
        return readings

    def _write(self, pixels: Tensor) -> list[Reading]:
        """Return readings of an attention model."""
        with autocast(self.device, self.amp):
            if self.beam is None:
                return read_logits(self.model(pixels), self.model.charset)
            hypotheses = self.model.beam_search(pixels, width=self.beam)
        charset = self.model.charset
        return [
            reading_of(found.ids, found.log_probability, found.character_log_probabilities, charset)
            for found in hypotheses
        ]

    def _check(self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None) -> None:
        if self.needs_mask and masks is None and len(images):
            raise ValueError("this recognizer takes RGB + mask: give one (H, W) uint8 mask per image")
        if masks is None:
            return
        if not self.needs_mask:
            raise ValueError("this recognizer takes no mask: leave the masks out, or widen it with widen_input()")
        if len(masks) != len(images):
            raise ValueError(f"masks must be one per image: got {len(masks)} masks for {len(images)} images")
        for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
            size = self.model.input_spec.size_for(image.shape[:2])
            if mask.shape != size and not _is_enlarged(mask.shape, image.shape[:2]):
                raise ValueError(
                    f"mask {index} must have its image's size {image.shape[:2]}, that enlarged in proportion, or the "
                    f"network's {size}, got {mask.shape}; resize it first"
                )


def _is_enlarged(mask: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Return whether a mask has its image's size, or both sides of that times one factor, rounded to whole pixels."""
    if len(mask) != 2 or mask[0] < image[0] or mask[1] < image[1]:
        return False
    # sides H f and W f that are off by at most a half give |h W - w H| <= (H + W) / 2
    return 2 * abs(mask[0] * image[1] - mask[1] * image[0]) <= sum(image)


def _check_beam(beam: int, model: Any) -> None:
    charset: Charset = model.charset
    if beam < 1 or (charset.is_attention and beam > charset.classes):
        most = f" and at most {charset.classes}, the number of classes" if charset.is_attention else ""
        raise ConfigError(f"the beam must keep at least 1 prefix{most}, got {beam}; without a beam it reads greedily")


def _stacked(prepared: Sequence[np.ndarray], *, channels_last: bool) -> Tensor:
    """Return (N, C, h, w) uint8 of arrays (C, h, w); channels last in memory make convolutions faster on a CPU."""
    if not channels_last:
        return torch.from_numpy(np.stack(prepared))
    batch = np.empty((len(prepared), *prepared[0].shape[1:], prepared[0].shape[0]), np.uint8)
    for index, one in enumerate(prepared):
        batch[index] = one.transpose(1, 2, 0)
    return torch.from_numpy(batch).permute(0, 3, 1, 2)
