"""Recognizers of tiny widths in the place of the presets, so that a step of training takes milliseconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recognizers import CRNN, Aster, Charset, InputSpec
from recognizers.dtrb import Trba
from segrec.jobs import architectures


def tiny_crnn(charset: Charset, _: bool = False) -> CRNN:
    """Return a fresh CRNN."""
    return CRNN(charset=charset, widths=(4, 6, 8, 8, 10, 10, 12), hidden=8)


def tiny_aster(charset: Charset, both: bool = False, **settings: object) -> Aster:
    """Return a fresh ASTER; `both` gives it a second decoder."""
    return Aster(
        charset=charset,
        input_spec=InputSpec(height=32, width=64, color="rgb"),
        widths=(4, 4, 6, 6, 8, 8),
        blocks=(1, 1, 1, 1, 1),
        hidden=6,
        state=8,
        localiser_widths=(4, 4, 6, 6, 8, 8),
        localiser_hidden=8,
        max_length=26,
        bidirectional=both,
        **settings,
    )


def tiny_trba() -> Trba:
    """Return a TRBA of some thousand weights, which reads a, b, c and d."""
    return Trba(
        charset=Charset("abcd", "go-first"),
        widths=(2, 4, 4, 4, 6, 8),
        hidden=6,
        localiser_widths=(4, 4, 4, 8),
        points=6,
    )


def use_tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the slim presets be the tiny networks."""
    for name, tiny in {"crnn": tiny_crnn, "aster": tiny_aster}.items():
        known = architectures.ARCHITECTURES[name]
        presets = {**known.presets, f"{name}-slim": tiny}
        monkeypatch.setitem(architectures.ARCHITECTURES, name, replace(known, presets=presets))
