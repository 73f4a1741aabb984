"""How often each of several methods is the best one on an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmenter.choices import Ties


def top1_shares(f1s: Sequence[Sequence[float]], *, ties: Ties = "first") -> list[float]:
    """Return each method's F1 Top-1 rate, in [0, 1]; the rates add up to 1.

    Eq. 6 does not say who wins a tie. The paper's printed columns are whole numbers of images that add up to N, so
    each image has one winner; which of two equal methods that is, is not stated in the paper.

    Args:
        f1s: for each method the F1 of the same images in the same order, (methods, images).
        ties: "first" gives an image to the first of its best methods; "split" shares it among them.

    Raises:
        ValueError: there is no method or no image, or the methods were scored on different numbers of images.

    Source: Eq. 6.
    """
    lengths = [len(of_method) for of_method in f1s]
    if not lengths or not lengths[0] or len(set(lengths)) > 1:
        raise ValueError(f"every method needs the F1 of the same images, at least one; got {lengths} images")
    if ties not in ("first", "split"):
        raise ValueError(f"ties must be 'first' or 'split', got {ties!r}")
    scores = np.asarray(f1s, dtype=np.float64)
    if ties == "first":
        wins = np.bincount(scores.argmax(axis=0), minlength=len(scores))
        return [int(count) / lengths[0] for count in wins]
    best = scores == scores.max(axis=0)
    return [float(share) for share in (best / best.sum(axis=0)).mean(axis=1)]
