"""What holds for the tests of every package; those also find the helpers beside this file."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def messages_reach_tests() -> None:
    """Undo before each test what a command in this process did with messages: they would not reach `caplog`."""
    logger = logging.getLogger("segrec")
    logger.handlers[:], logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="module", autouse=True)
def few_textures() -> Iterator[None]:
    """Render on one texture of each kind: making all of them takes longer than a test's pictures."""
    from segrec.rendering import backgrounds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backgrounds, "POOL", 8)
        yield
