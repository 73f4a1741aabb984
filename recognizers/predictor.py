"""A recognizer that reads images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recognizers.charset import Charset
from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.decoding import Placed, attention_places, ctc_beam, ctc_places, placed, read_logits, reading_of
from recognizers.decoding.reading import check_temperature
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import probable_readings
from recognizers.nearest_words import with_nearest
from recognizers.preprocess import InputSpec, normalise
from recognizers.word_reader import PlacedReadings, WordReader
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError
from segrec.core.memory import keep_convolutions


class Recognizer(WordReader):
    """Reads word images with a model of this package, in PyTorch.

    Args:
        model: moved to the device and put in eval mode.
        device: "auto", "cpu", "cuda", "cuda:n", "mps" or a torch device.
        amp: "off", "bf16" or "fp16".
        beam: prefixes that the beam search keeps, of CTC or of attention models; None reads greedily.
        temperature: by which logits are divided before a greedy reading, so that confidences are right as often as they
            say; the text stays. None takes the one in the weights' header, or 1.

    Raises:
        ConfigError: the beam keeps no prefix, or more than an attention model has classes; or the temperature is not
            above 0.
    """

    def __init__(
        self,
        model: RecognizerNetwork,
        *,
        device: str | torch.device = "cpu",
        amp: str = "off",
        beam: int | None = None,
        temperature: float | None = None,
    ) -> None:
        self.device = resolve_device(str(device))
        keep_convolutions(self.device)
        self.amp, self.beam = amp, beam
        self.model = model.to(self.device).eval()
        self.temperature = check_temperature(model.temperature if temperature is None else temperature)
        if beam is not None:
            _check_beam(beam, self.model.charset)

    @property
    def input_spec(self) -> InputSpec:
        """What the network takes."""
        return self.model.input_spec

    @torch.inference_mode()
    def logits(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None = None, *, batch_size: int = 64
    ) -> list[Tensor]:
        """Return the logits (T, classes) float32 of each image, on the CPU, at temperature 1; for the rest see `read`.

        Raises:
            ValueError: as for `read`.
        """
        self._check(images, masks)
        found: dict[int, Tensor] = {}
        for places, prepared in self._batches(images, masks, batch_size):
            with autocast(self.device, self.amp):
                logits = self.model(self._pixels(prepared))
            found.update(zip(places, logits.float().cpu(), strict=True))
        return [found[place] for place in range(len(images))]

    def _pixels(self, prepared: Sequence[np.ndarray]) -> Tensor:
        batch = _stacked(prepared, channels_last=self.device.type == "cpu")
        return normalise(batch.to(self.device), self.input_spec)

    @torch.inference_mode()
    def _read_batch(
        self, prepared: Sequence[np.ndarray], lexicons: Sequence[Lexicon] | None, *, places: bool
    ) -> PlacedReadings:
        pixels, charset = self._pixels(prepared), self.model.charset
        if charset.is_attention:
            found = self._write(pixels, places=places)
            return PlacedReadings(found if lexicons is None else with_nearest(found, lexicons), Counter())
        with autocast(self.device, self.amp):
            logits = self.model(pixels)
        if self.beam is None:
            readings = read_logits(logits / self.temperature, charset)
        else:
            readings = ctc_beam(logits, charset, beam=self.beam)
        refused: Counter[str] = Counter()
        if lexicons is not None:
            readings, refused = probable_readings(logits, readings, lexicons, charset)
        return PlacedReadings(placed(readings, ctc_places(logits, charset) if places else None), refused)

    def _write(self, pixels: Tensor, *, places: bool) -> list[Placed]:
        """Return readings of an attention model."""
        network, charset = self.model, self.model.charset
        if self.beam is None and not places:
            with autocast(self.device, self.amp):
                logits = network(pixels)
            return placed(read_logits(logits / self.temperature, charset), None)
        assert isinstance(network, AttentionNetwork)
        if self.beam is None:
            with autocast(self.device, self.amp):
                seen = network.inspect(pixels)
            looked = attention_places(seen.logits, seen.attention, seen.control_points, charset)
            return placed(read_logits(seen.logits / self.temperature, charset), looked)
        with autocast(self.device, self.amp):
            hypotheses = network.beam_search(pixels, width=self.beam)
        return placed(
            [
                reading_of(found.ids, found.log_probability, found.character_log_probabilities, charset)
                for found in hypotheses
            ],
            None,
        )


def _check_beam(beam: int, charset: Charset) -> None:
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
