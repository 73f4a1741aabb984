"""A recognizer that reads images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recognizers.charset import Charset
from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.decoding import Reading, ctc_beam, read_logits, reading_of
from recognizers.lexicon import Lexicon
from recognizers.lexicon_reading import nearest_readings, probable_readings
from recognizers.preprocess import InputSpec, normalise
from recognizers.word_reader import Readings, WordReader
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError


class Recognizer(WordReader):
    """Reads word images with a model of this package, in PyTorch.

    Args:
        model: moved to the device and put in eval mode.
        device: "auto", "cpu", "cuda", "cuda:n", "mps" or a torch device.
        amp: "off", "bf16" or "fp16".
        beam: prefixes that the beam search keeps, of CTC or of attention models; None reads greedily.

    Raises:
        ConfigError: the beam keeps no prefix, or more than an attention model has classes.
    """

    def __init__(
        self, model: RecognizerNetwork, *, device: str | torch.device = "cpu", amp: str = "off", beam: int | None = None
    ) -> None:
        self.device = resolve_device(str(device))
        self.amp, self.beam = amp, beam
        self.model = model.to(self.device).eval()
        if beam is not None:
            _check_beam(beam, self.model.charset)

    @property
    def input_spec(self) -> InputSpec:
        """What the network takes."""
        return self.model.input_spec

    @torch.inference_mode()
    def _read_batch(self, prepared: Sequence[np.ndarray], lexicons: Sequence[Lexicon] | None) -> Readings:
        batch = _stacked(prepared, channels_last=self.device.type == "cpu")
        pixels = normalise(batch.to(self.device), self.input_spec)
        charset = self.model.charset
        if charset.is_attention:
            readings = self._write(pixels)
            return Readings(readings if lexicons is None else nearest_readings(readings, lexicons), Counter())
        with autocast(self.device, self.amp):
            logits = self.model(pixels)
        readings = read_logits(logits, charset) if self.beam is None else ctc_beam(logits, charset, beam=self.beam)
        if lexicons is None:
            return Readings(readings, Counter())
        return Readings(*probable_readings(logits, readings, lexicons, charset))

    def _write(self, pixels: Tensor) -> list[Reading]:
        """Return readings of an attention model."""
        with autocast(self.device, self.amp):
            if self.beam is None:
                return read_logits(self.model(pixels), self.model.charset)
            assert isinstance(self.model, AttentionNetwork)
            hypotheses = self.model.beam_search(pixels, width=self.beam)
        charset = self.model.charset
        return [
            reading_of(found.ids, found.log_probability, found.character_log_probabilities, charset)
            for found in hypotheses
        ]


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
