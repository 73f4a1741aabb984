"""A picture for those who have none at hand."""

from __future__ import annotations

from pathlib import Path

from segrec.rendering.scenes import SceneRenderer

SEED, SCENE = 7, 49


def rendered_photograph(folder: Path) -> list[str]:
    """Write a rendered scene with several words, a JPEG file, and return its path, alone in a list."""
    path = folder / "rendered.jpg"
    path.write_bytes(SceneRenderer(SEED).render(SCENE).jpeg)
    return [str(path)]
