"""Pictures for the page, and its networks, opened once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from printed_words import GROUND, printed

from segrec.app.networks import Networks
from segrec.core.images import encode_png

PLACES = {"hotel": 60, "open": 190}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a crop `word.png`, a photograph `photo.png` of two words, and a file that is not a picture."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "word.png").write_bytes(encode_png(printed("open")))
    wall = np.full((400, 400, 3), GROUND, np.uint8)
    for word, left in PLACES.items():
        crop = printed(word)
        wall[60 : 60 + crop.shape[0], left : left + crop.shape[1]] = crop
    (folder / "photo.png").write_bytes(encode_png(wall))
    (folder / "torn.png").write_bytes(encode_png(printed("open"))[:300])
    return folder


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The shipped networks on the CPU."""
    torch.set_num_threads(1)
    return Networks.open(device="cpu")
