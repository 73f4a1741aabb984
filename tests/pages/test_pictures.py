"""Pictures of every form a user has become the same array."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from segrec.core.errors import DataError
from segrec.core.images import encode_png
from segrec.pages.pictures import as_picture, as_pictures

ARRAY = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def test_every_form_of_one_picture_is_the_same_array(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(encode_png(ARRAY))
    tensor = torch.from_numpy(ARRAY.transpose(2, 0, 1).copy())
    forms = [ARRAY, Image.fromarray(ARRAY), file, str(file), file.read_bytes(), tensor, tensor / 255]
    assert all(np.array_equal(as_picture(form), ARRAY) for form in forms)
    assert all(np.array_equal(one, ARRAY) for one in as_pictures([*forms]))
    assert len(as_pictures(np.stack([ARRAY, ARRAY]))) == len(as_pictures(torch.stack([tensor, tensor]))) == 2


def test_grey_and_transparent_pictures_become_colour():
    grey = Image.fromarray(ARRAY[:, :, 0])
    assert np.array_equal(as_picture(grey), np.repeat(ARRAY[:, :, :1], 3, axis=2))
    assert np.array_equal(as_picture(torch.from_numpy(ARRAY[:, :, 0].copy())), as_picture(grey))
    assert (as_picture(Image.new("RGBA", (4, 2), (9, 9, 9, 0))) == 255).all()


def test_a_turned_photograph_is_turned_upright():
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(ARRAY).save(data, "PNG", exif=exif)
    upright = np.rot90(ARRAY, -1)
    assert np.array_equal(as_picture(data.getvalue()), upright)
    assert np.array_equal(as_picture(Image.open(data)), upright)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (b"nothing", DataError, r"image 3: the image cannot be decoded"),
        ("absent.png", DataError, r"cannot read image absent\.png"),
        (torch.zeros(5, 4, 3), ValueError, r"image 3: a tensor must be \(3, H, W\), .*, got \(5, 4, 3\)"),
        (torch.full((3, 4, 4), -1.0), ValueError, r"must lie in \[0, 1\], got values from -1 to 0; undo its norm"),
        (Image.new("RGB", (0, 4)), DataError, "image 3: the picture has no pixels: 0 x 4"),
        (Image.new("L", (40_000, 1)), DataError, "image 3: the image declares 40000 x 1 pixels, a side of more than"),
        (Image.new("F", (5_000, 5_000)), DataError, "5000 x 5000 pixels, which take more than 800 MB to unpack"),
        (ARRAY / 255, ValueError, "image 3 must be a uint8 array"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(given, error, message):
    with pytest.raises(error, match=message):
        as_picture(given, 3)


@pytest.mark.parametrize("given", [ARRAY, Image.fromarray(ARRAY), "a.png", b"x", torch.zeros(3, 4, 4)])
def test_one_picture_in_place_of_a_list_is_refused_with_the_remedy(given):
    with pytest.raises(ValueError, match=r"crops must be a list of pictures, got one .*; wrap it as \[crop\]"):
        as_pictures(given)
