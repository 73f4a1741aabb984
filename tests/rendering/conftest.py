"""One font and one lexicon that every machine has, so that renderings do not depend on what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ImageFont

from segrec.rendering.words import RenderSources


@pytest.fixture(scope="module", autouse=True)
def few_textures() -> None:
    """Here, pictures are rendered on all textures."""


@pytest.fixture(scope="session")
def font_file(tmp_path_factory) -> Path:
    """Pillow's built-in font as a file."""
    path = tmp_path_factory.mktemp("fonts") / "built-in.ttf"
    path.write_bytes(ImageFont.load_default(20).path.getvalue())
    return path


@pytest.fixture(scope="session")
def sources(font_file: Path, tmp_path_factory) -> RenderSources:
    lexicon = tmp_path_factory.mktemp("lexicon") / "words.txt"
    lexicon.write_text("\n".join(("sign", "open", "boulevard", "Internationale", "h2o", "24")))
    return RenderSources(fonts=[font_file], lexicon=lexicon)
