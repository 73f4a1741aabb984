"""Words written from right to left beside those written from left to right, as in ASTER's bidirectional decoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from recognizers.attention import Decoded, characters_before_end, end_of
from recognizers.charset import Charset


def reverse_words(targets: Tensor, end: int) -> Tensor:
    """Return (N, L), the characters before each row's first end reversed; the end and what follows stay.

    Args:
        targets: (N, L) int64 classes.
        end: the class that ends a word; a row without one is reversed whole.
    """
    return targets.gather(1, _reading_order(targets, end))


def better_direction(forwards: Decoded, backwards: Decoded, charset: Charset) -> Decoded:
    """Return the surer direction of each word by its log probability, in reading order.

    Rows of the shorter decoding are padded with steps that are sure of the end and look nowhere.

    Args:
        forwards: written from left to right.
        backwards: written from right to left.
        charset: with an end.
    """
    end = end_of(charset)
    steps = max(forwards.logits.shape[1], backwards.logits.shape[1])
    forwards, backwards = _padded(forwards, steps, end), _padded(backwards, steps, end)
    order = _reading_order(backwards.logits.argmax(dim=2), end)
    turned = Decoded(*(part.gather(1, order[:, :, None].expand_as(part)) for part in backwards))
    surer = _log_probability(backwards.logits, end) > _log_probability(forwards.logits, end)
    return Decoded(
        *(torch.where(surer[:, None, None], other, one) for one, other in zip(forwards, turned, strict=True))
    )


def _reading_order(ids: Tensor, end: int) -> Tensor:
    """Return (N, L), which step of a word written backwards stands at each place of the word."""
    positions = torch.arange(ids.shape[1], device=ids.device)[None].expand_as(ids)
    turned = characters_before_end(ids, end)[:, None] - 1 - positions
    return torch.where(turned >= 0, turned, positions)


def _log_probability(logits: Tensor, end: int) -> Tensor:
    """Return (N,), the log probability of each greedily written word and its end."""
    likeliest = functional.log_softmax(logits.float(), dim=2).max(dim=2)
    steps = torch.arange(logits.shape[1], device=logits.device)[None]
    counted = steps <= characters_before_end(likeliest.indices, end)[:, None]
    return (likeliest.values * counted).sum(dim=1)


def _padded(decoded: Decoded, steps: int, end: int) -> Decoded:
    missing = steps - decoded.logits.shape[1]
    if not missing:
        return decoded
    sure = torch.zeros_like(decoded.logits[:, :1])
    sure[:, :, end] = 100.0
    nowhere = torch.zeros_like(decoded.attention[:, :1])
    return Decoded(
        torch.cat((decoded.logits, sure.expand(-1, missing, -1)), dim=1),
        torch.cat((decoded.attention, nowhere.expand(-1, missing, -1)), dim=1),
    )
