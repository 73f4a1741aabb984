"""What a recognizer saw on its way to a word: its rectification and attention, or the frames of CTC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recognizers.attention import Inspection
from recognizers.charset import Charset
from recognizers.configuration import AttentionNetwork
from recognizers.decoding import Reading, read_logits
from recognizers.decoding.written import written_steps
from recognizers.predictor import Recognizer
from recognizers.preprocess import InputSpec, normalise, prepare
from segrec.core.device import autocast
from segrec.core.images import Array


class ReadingStep(NamedTuple):
    """One character that an attention decoder wrote, or one frame of CTC.

    Attributes:
        character: empty for CTC's blank.
        confidence: its probability, in [0, 1].
        attention: (S,) float32, sums to 1, over equally wide columns of the rectified image; None for CTC.
    """

    character: str
    confidence: float
    attention: NDArray[np.float32] | None


class Explanation(NamedTuple):
    """One crop, read greedily, and how.

    Attributes:
        image: (H, W, 3) uint8 RGB, the crop.
        mask: (h, w) uint8, 0..255, that was read along, of the crop's size or larger; None without one.
        reading: the word.
        steps: the characters in order, or the frames from left to right.
        rectified: (h, w, 3) uint8 RGB, what the network straightened; None for a network that does not.
        control_points: (K, 2) float32, x and y as shares of the crop's width and height, the upper edge of the text
            from left to right, then the lower one; None likewise.
    """

    image: Array
    mask: Array | None
    reading: Reading
    steps: tuple[ReadingStep, ...]
    rectified: Array | None
    control_points: NDArray[np.float32] | None


@torch.inference_mode()
def explain_reading(recognizer: Recognizer, image: Array, mask: Array | None = None) -> Explanation:
    """Return how a crop is read greedily.

    Args:
        recognizer: CTC, or attention behind a rectifier.
        image: (H, W, 3) uint8 RGB.
        mask: (h, w) uint8, 0..255, for a recognizer that needs one.

    Raises:
        ValueError: the image or the mask has another shape or type, or a mask is missing or not needed.
    """
    model, device = recognizer.model, recognizer.device
    spec, charset = model.input_spec, model.charset
    pixels = normalise(torch.tensor(prepare(image, mask, spec), device=device)[None], spec)
    with autocast(device, recognizer.amp):
        if not charset.is_attention:
            logits = model(pixels)
            return Explanation(image, mask, read_logits(logits, charset)[0], _frames(logits, charset), None, None)
        assert isinstance(model, AttentionNetwork)
        seen = model.inspect(pixels)
    reading = read_logits(seen.logits, charset)[0]
    points = seen.control_points[0].float().cpu().numpy()
    steps = _characters(seen, reading, charset)
    return Explanation(image, mask, reading, steps, _picture(seen.rectified, spec), points)


def _frames(logits: Tensor, charset: Charset) -> tuple[ReadingStep, ...]:
    """Return the likeliest class of each frame of logits (1, T, classes)."""
    best = logits[0].float().softmax(dim=1).max(dim=1)
    characters = ["", *charset.characters]
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple(ReadingStep(characters[number], probability, None) for number, probability in pairs)


def _characters(seen: Inspection, reading: Reading, charset: Charset) -> tuple[ReadingStep, ...]:
    """Return the characters of a reading with the attention of the steps that wrote them."""
    written = written_steps(seen.logits[0].argmax(dim=1).tolist(), charset)
    attention = seen.attention[0, written].float().cpu().numpy()
    return tuple(
        ReadingStep(character, confidence, row)
        for character, confidence, row in zip(reading.text, reading.character_confidences, attention, strict=True)
    )


def _picture(pixels: Tensor, spec: InputSpec) -> Array:
    """Return the colours of the network's pixels (1, C, h, w) as (h, w, 3) uint8."""
    colours = pixels[0, : spec.channels - int(spec.mask)].float() * spec.deviation + spec.mean
    levels = colours.round().clamp(0, 255).to(torch.uint8).cpu().numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))
