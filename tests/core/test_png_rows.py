"""PNG files written in bands: other programs read the same pixels, and half a picture leaves no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segrec.core.errors import DataError
from segrec.core.images import LARGE_BYTES, decode_mask, read_image, write_png
from segrec.core.png_rows import png_rows


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 300), (401, 53), (1, 1, 3), (401, 53, 3), (3, 900, 3)])
@pytest.mark.parametrize("rows", [1, 100, 1000])
def test_every_picture_comes_back(tmp_path: Path, shape: tuple[int, ...], rows: int):
    picture = noise(*shape)
    with png_rows(tmp_path / "a.png", shape[:2], 3 if len(shape) == 3 else 1) as take:
        for top in range(0, len(picture), rows):
            take(picture[top : top + rows])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
    if len(shape) == 2:
        assert np.array_equal(decode_mask((tmp_path / "a.png").read_bytes()), picture)


def test_smooth_pictures_are_packed_well(tmp_path: Path):
    slope = np.add.outer(np.arange(500), np.arange(700)).astype(np.uint8)
    with png_rows(tmp_path / "a.png", slope.shape, 1) as take:
        take(slope)
    assert (tmp_path / "a.png").stat().st_size < slope.size / 100


def test_large_pictures_are_written_in_bands_whatever_their_order_in_memory(tmp_path: Path):
    picture = np.broadcast_to(noise(1, 1000, 3), (LARGE_BYTES // 3000 + 9, 1000, 3))
    for number, one in enumerate((picture, picture[:, :, 0].repeat(3, axis=1).T, picture.swapaxes(0, 1))):
        write_png(tmp_path / f"{number}.png", one)
        read = read_image(tmp_path / f"{number}.png")
        assert np.array_equal(read if one.ndim == 3 else read[:, :, 0], one)


def test_what_is_not_finished_leaves_no_file(tmp_path: Path):
    with (
        pytest.raises(AssertionError, match="1 of 5 rows were not given"),
        png_rows(tmp_path / "a.png", (5, 3), 1) as take,
    ):
        take(noise(4, 3))
    with pytest.raises(KeyError), png_rows(tmp_path / "a.png", (5, 3), 1) as take:
        raise KeyError
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"), png_rows(tmp_path / "file" / "a.png", (5, 3), 1):
        pass
