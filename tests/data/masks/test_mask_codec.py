"""The codec of stored masks."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from segrec.core.errors import DataError
from segrec.data.masks.codec import MaskCodec, mask_codec


def test_png16_keeps_sixteen_levels_and_is_off_by_at_most_eight():
    codec = mask_codec("png16")
    ramp = np.arange(256, dtype=np.uint8).reshape(4, 64)
    decoded = codec.decode(codec.encode(ramp))
    assert sorted(np.unique(decoded)) == list(range(0, 256, 17))
    assert np.abs(decoded.astype(int) - ramp).max() == 8
    assert decoded[0, 8] == 0 and decoded[0, 9] == 17
    assert np.array_equal(codec.decode(codec.encode(decoded)), decoded)
    for width in range(1, 6):
        odd = decoded[:3, 20 : 20 + width]
        assert np.array_equal(codec.decode(codec.encode(odd)), odd)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(codec.encode(odd))).convert("L")), odd)
    with pytest.raises(DataError, match="mask codec 'jpeg' is unknown, expected one of png16"):
        mask_codec("jpeg")


@pytest.mark.parametrize("name", ["png16", "png8"])
def test_what_comes_back_from_the_bytes_is_known_without_writing_them(name):
    codec = mask_codec(name)
    for mask in (np.arange(256, dtype=np.uint8).reshape(4, 64), np.full((1, 1), 200, np.uint8)):
        stored = codec.as_stored(mask)
        assert stored.dtype == np.uint8 and stored is not mask
        assert np.array_equal(stored, codec.decode(codec.encode(mask)))


def test_a_codec_whose_pixels_depend_on_each_other_is_asked_for_its_bytes():
    flat = MaskCodec("flat", lambda mask: b"flat", lambda data: np.zeros((1, 2), np.uint8))
    assert flat.as_stored(np.full((1, 2), 9, np.uint8)).tolist() == [[0, 0]]
