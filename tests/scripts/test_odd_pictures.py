"""Odd pictures in a word database are read, and damaged ones and bombs are named, within little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.precompute import precompute_masks

ROOT = Path(__file__).parents[2]
ALLOWED = 150e6
"""Bytes above those of the interpreter and its libraries; the smallest bomb would take twice as many."""
MEASURE = """
import json, resource, sys
from segrec.core.images import decode_image, encode_png, opencv
from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb
import numpy as np
unit = 1 if sys.platform == "darwin" else 1024
opencv()
decode_image(encode_png(np.zeros((8, 8, 3), np.uint8)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sizes = [None if word.image is None else word.image.shape for word in WordLmdb(sys.argv[1])]
print(json.dumps([(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit, sizes]))
"""


@pytest.fixture(scope="module")
def pictures():
    from faults.pictures import odd_pictures

    return odd_pictures()


@pytest.fixture(scope="module")
def words(pictures, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "words"
    with WordWriter(folder) as writer:
        for name, picture in pictures.items():
            writer.add(picture.data, name)
    return folder


def test_a_sound_picture_of_any_kind_has_its_pixels_and_every_other_one_a_reason_in_one_line(pictures, words):
    found = {word.label: word for word in WordLmdb(words)}
    assert list(found) == list(pictures)
    sizes = {name: word.image if word.image is None else word.image.shape for name, word in found.items()}
    assert sizes == {name: p.size and (*p.size, 3) for name, p in pictures.items()}
    problems = {name: word.problem for name, word in found.items() if word.image is None}
    assert all(problem and "\n" not in problem for problem in problems.values())
    assert {name for name, problem in problems.items() if "shrink it first" in problem} == {
        "PNG that declares 60,000 x 60,000",
        "JPEG that declares 60,000 x 60,000",
        "JPEG that declares 13,000 x 13,000",
        "PNG of 6,000 x 6,000 zeros",
    }


def test_bombs_are_refused_before_they_take_memory(pictures, words):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURE, str(words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown, sizes = json.loads(done.stdout)
    assert len(sizes) == len(pictures)
    assert grown < ALLOWED, f"{grown / 1e6:.0f} MB"


def test_masks_have_the_size_of_the_picture_as_it_is_shown_and_bad_ones_are_empty(pictures, words, tmp_path):
    save_segmenter(tmp_path / "thin.safetensors", MutuallyGuidedNet(width=2, working_height=16))
    result = precompute_masks(words, tmp_path / "masks", segmenter=tmp_path / "thin.safetensors", device="cpu")
    wanted = [picture.size for picture in pictures.values()]
    assert (result.words, result.unreadable) == (len(wanted), wanted.count(None))
    masks = [MaskStore(tmp_path / "masks")[position] for position in range(len(wanted))]
    assert [mask if mask is None else mask.shape for mask in masks] == wanted
