"""How probable CTC finds given texts, over all ways to align them with the frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from recognizers.charset import Charset
from recognizers.decoding.reading import NOT_FINITE, Reading, check_kind, check_shape, reading_of


class Targets(NamedTuple):
    """Texts as class numbers: classes (K, L) int64, padded with zeros, L >= 1, and lengths (K,) int64."""

    classes: Tensor
    lengths: Tensor

    def select(self, places: Tensor) -> Targets:
        """Return some of the texts, in the given order, without columns that none of them needs."""
        lengths = self.lengths[places]
        longest = max(1, int(lengths.max())) if len(places) else 1
        return Targets(self.classes[places, :longest], lengths)


class Alignments(NamedTuple):
    """Log probabilities over all alignments, float64.

    Attributes:
        words: (K,), that the text is written, neither more nor less.
        prefixes: (K, L), that what is written begins with the text's first 1, 2, ... characters.
    """

    words: Tensor
    prefixes: Tensor


def ctc_score(logits: Tensor, texts: Sequence[str], charset: Charset) -> Tensor:
    """Return the log probability (N,) float64 of one text per row, over all its alignments with the frames.

    Args:
        logits: (N, T, classes), any float type and device, T >= 1.
        texts: N texts of the charset's characters; may be empty.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape or number of texts, logits that are not finite, or a text that needs more than T
            frames.
        ConfigError: a character is not in the charset.
    """
    probabilities = log_probabilities(logits, charset)
    if len(texts) != len(logits):
        raise ValueError(f"texts must be one per row of the logits: got {len(texts)} texts for {len(logits)} rows")
    targets = as_targets(texts, charset)
    check_frames(targets, logits.shape[1])
    return scores(probabilities, targets)


def log_probabilities(logits: Tensor, charset: Charset) -> Tensor:
    """Return the log softmax of CTC logits (N, T, classes), as float64 on the CPU.

    Raises:
        ValueError: another shape, or logits that are not finite.
    """
    check_kind(charset, attention=False)
    check_shape(logits, charset)
    found = logits.detach().float().log_softmax(dim=2).cpu().double()
    if found.isnan().any():
        raise ValueError(NOT_FINITE)
    return found


def as_targets(texts: Sequence[str], charset: Charset) -> Targets:
    """Return class numbers of texts.

    Raises:
        ConfigError: a character is not in the charset.
    """
    numbers = [charset.encode(text) for text in texts]
    longest = max([1, *map(len, numbers)])
    padded = [row + [0] * (longest - len(row)) for row in numbers]
    classes = torch.tensor(padded, dtype=torch.int64).reshape(len(texts), longest)
    return Targets(classes, torch.tensor([len(row) for row in numbers], dtype=torch.int64))


def frames_needed(targets: Targets) -> Tensor:
    """Return (K,) int64, one frame per character and one for the blank between equal neighbours."""
    equal = (targets.classes[:, 1:] == targets.classes[:, :-1]) & (targets.classes[:, 1:] > 0)
    return targets.lengths + equal.sum(dim=1)


def check_frames(targets: Targets, frames: int) -> None:
    """Refuse texts that CTC cannot write in this many frames.

    Raises:
        ValueError: one of them needs more.
    """
    needs = frames_needed(targets)
    too_long = (needs > frames).nonzero()
    if len(too_long):
        index = int(too_long[0])
        raise ValueError(
            f"text {index} needs {int(needs[index])} frames, a blank between equal neighbours included, but the "
            f"logits have {frames}; leave such texts out, or use a wider input"
        )


def scores(probabilities: Tensor, targets: Targets) -> Tensor:
    """Return the log probability (K,) of each text; minus infinity for one that does not fit.

    Args:
        probabilities: (K, T, classes) log probabilities, class 0 is the blank.
        targets: K texts.
    """
    if len(targets.lengths) == 0:
        return probabilities.new_zeros(0)
    frames = torch.full_like(targets.lengths, probabilities.shape[1])
    return -functional.ctc_loss(
        probabilities.transpose(0, 1), targets.classes, frames, targets.lengths, reduction="none"
    )


def align(probabilities: Tensor, targets: Targets) -> Alignments:
    """Run the forward algorithm of CTC (Graves et al., ICML 2006, section 4.1), which torch's loss keeps to itself.

    The probability of a prefix is the sum over the frames at which its last character can begin.

    Args:
        probabilities: (K, T, classes) log probabilities, class 0 is the blank.
        targets: K texts that fit.
    """
    classes, lengths = targets
    may_touch = torch.zeros(classes.shape, dtype=probabilities.dtype)
    may_touch[:, 1:].masked_fill_(classes[:, 1:] == classes[:, :-1], -torch.inf)  # equal ones need a blank between
    after_blank = probabilities.new_full((classes.shape[0], classes.shape[1] + 1), -torch.inf)
    after_blank[:, 0] = 0.0  # nothing is written before the first frame
    after_letter = after_blank[:, 1:].clone()
    prefixes = after_letter
    for frame in probabilities.unbind(dim=1):  # (K, classes)
        emission = frame.gather(1, classes)  # (K, L)
        entering = after_blank[:, :-1].clone()
        entering[:, 1:] = torch.logaddexp(entering[:, 1:], after_letter[:, :-1] + may_touch[:, 1:])
        entering += emission
        after_blank[:, 1:] = torch.logaddexp(after_blank[:, 1:], after_letter)
        after_blank += frame[:, :1]
        after_letter = torch.logaddexp(entering, after_letter + emission)
        prefixes = torch.logaddexp(prefixes, entering)
    ends = torch.cat((after_blank[:, :1], torch.logaddexp(after_blank[:, 1:], after_letter)), dim=1)
    return Alignments(ends.gather(1, lengths[:, None])[:, 0], prefixes)


def aligned_readings(probabilities: Tensor, texts: Sequence[str], charset: Charset) -> list[Reading]:
    """Return texts, one per row, with the probabilities that CTC gives them.

    A word's confidence is the total probability of its alignments. A character's is the probability that it comes next
    after the characters before it; their product, and the probability that nothing follows, make up the word's.

    Args:
        probabilities: (N, T, classes) log probabilities.
        texts: N texts that fit.
        charset: the classes after the blank.
    """
    targets = as_targets(texts, charset)
    words, prefixes = align(probabilities, targets)
    readings = []
    for row, length in enumerate(targets.lengths.tolist()):
        ids: list[int] = targets.classes[row, :length].tolist()
        steps = [0.0, *prefixes[row, :length].tolist()]
        shares = [own - before if own > float("-inf") else own for before, own in pairwise(steps)]
        readings.append(reading_of(ids, float(words[row]), shares, charset))
    return readings
