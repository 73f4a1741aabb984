"""The command line that repeats an evaluation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields

from segrec.jobs.evaluate import Evaluation

PLAIN = ("segmenter", "charset_filter", "beam", "limit", "seed", "seeds", "amp")
"""Settings whose option has their name and takes one value."""


def command_line(settings: Evaluation, *, over: str | None = None) -> str:
    """Return the `segrec eval` command of an evaluation, quoted for a POSIX shell; defaults are left out.

    Args:
        settings: of the evaluation.
        over: the model that the others are compared with.
    """
    words = ["segrec", "eval", *_models(settings), *([f"--over={over}"] if over else []), *_data(settings)]
    defaults = {field.name: field.default for field in fields(settings)}
    for name in PLAIN:
        value = getattr(settings, name)
        if value != defaults[name]:
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--case-sensitive"] * settings.case_sensitive + ["--mask-check"] * settings.mask_check
    return shlex.join(words)


def _models(settings: Evaluation) -> Iterator[str]:
    if settings.model is not None:
        yield from ("--model", settings.model)
    for name, weights in settings.models.items():
        for one in weights:
            yield from ("--model", one if name == one else f"{name}={one}")


def _data(settings: Evaluation) -> Iterator[str]:
    for name, path in settings.data.items():
        yield from ("--data", f"{name}={path}")
    for name, stores in settings.masks.items():
        for store in stores:
            yield from ("--masks", f"{name}={store}")
    if settings.mask:
        yield from ("--mask", ",".join(settings.mask))
    lexicon = settings.lexicon
    if isinstance(lexicon, str):
        yield from ("--lexicon", lexicon)
    elif lexicon is not None:
        for name, file in lexicon.items():
            yield from ("--lexicon", f"{name}={file}")
