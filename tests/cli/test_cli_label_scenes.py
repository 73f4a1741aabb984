"""Text masks of photographs whose words are outlined and transcribed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from printed_words import GROUND, INK, letters, painted
from segrec_process import Killable

from segmenter.datasets import open_dataset
from segrec.core.errors import ConfigError, DataError
from segrec.core.images import Array, write_png
from segrec.jobs.label_scenes import LOG, label_scenes

SIZE = 240, 420
PLACES = {"exit": (30, 20), "BOOK": (40, 130), "blot": (220, 20), "A": (230, 150)}
"""Left and top of each word."""


def photograph() -> tuple[Array, Array, dict[str, Array]]:
    """Return a picture with words, the coverage of its ink, and the words' outlines."""
    ink, outlines = np.zeros(SIZE, np.uint8), {}
    for text, (left, top) in PLACES.items():
        word = letters(text)
        height, width = word.shape
        ink[top : top + height, left : left + width] = word
        outlines[text] = np.array(
            [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
        )
    return painted((ink, INK), ground=GROUND), ink, outlines


def write_scenes(root: Path, *, exif: int = 1) -> Path:
    """Write two photographs in the layout of ICDAR-2015; one word has another transcription, one nobody could read."""
    picture, _, outlines = photograph()
    said = {"exit": "Exit", "BOOK": "book", "blot": "novel", "A": "###"}
    lines = [",".join(map(str, [*outlines[text].ravel(), said[text]])) for text in outlines]
    (root / "images").mkdir(parents=True)
    (root / "gt").mkdir()
    tags = Image.Exif()
    tags[0x0112] = exif
    Image.fromarray(picture).save(root / "images" / "img_1.jpg", quality=98, exif=tags)
    write_png(root / "images" / "img_2.png", picture)
    for name in ("img_1", "img_2"):
        (root / "gt" / f"gt_{name}.txt").write_text("\ufeff" + "\n".join(lines), "utf-8")
    return root


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("labelled")
    write_scenes(folder / "scenes")
    yield label_scenes(f"icdar15:train={folder / 'scenes'}", folder / "out").output


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ink_of_verified_words_is_text_and_other_words_are_not_known(labelled):
    _, ink, outlines = photograph()
    found = open_dataset("folder", labelled)
    assert len(found) == 2
    for position in range(2):
        sample = found.sample(position)
        for text in ("exit", "BOOK"):
            (left, top), (right, bottom) = outlines[text][0], outlines[text][2]
            window = np.s_[top:bottom, left:right]
            truth, mask = ink[window] >= 128, sample.text[window]
            known = mask != 128
            assert known.mean() > 0.9
            agreed = ((mask == 255) & truth & known).sum()
            assert 2 * agreed / ((mask == 255).sum() + (truth & known).sum()) > 0.9
        for text in ("blot", "A"):
            assert (sample.text[cv2.fillPoly(np.zeros(SIZE, np.uint8), [outlines[text]], 1) > 0] == 128).all()
        outside = np.ones(SIZE, bool)
        for outline in outlines.values():
            outside[outline[0, 1] - 2 : outline[2, 1] + 3, outline[0, 0] - 2 : outline[2, 0] + 3] = False
        assert not sample.text[outside].any()
        assert sample.region[outlines["exit"][0, 1] + 5, outlines["exit"][0, 0] + 5] == 255


def test_pictures_are_the_files_that_were_given(labelled):
    for name in ("img_1.jpg", "img_2.png"):
        given = labelled.parent / "scenes" / "images" / name
        assert (labelled / "images" / name).read_bytes() == given.read_bytes()


def test_a_picture_that_exif_would_turn_is_stored_as_its_outlines_see_it(tmp_path):
    write_scenes(tmp_path / "scenes", exif=6)
    label_scenes(f"icdar15:train={tmp_path / 'scenes'}", tmp_path / "out", limit=1)
    sample = open_dataset("folder", tmp_path / "out").sample(0)
    assert sample.image.shape[:2] == SIZE and (sample.text == 255).any()


def test_words_without_a_mask_are_counted_by_reason(segrec, labelled):
    code, out, err = segrec(
        "label-masks", "--data", f"icdar15:train={labelled.parent / 'scenes'}", "--output", labelled
    )
    assert code == 0, err
    counts = "4 masks of 8 words in 2 photographs (0 new); refused: 2 unread, 2 unreadable"
    assert out == f"{labelled}: {counts}\n"
    assert f"{labelled} holds photographs 1 to 2; going on" in err


@pytest.mark.parametrize("cut", [0, 7])
def test_a_run_that_was_cut_off_goes_on_and_ends_in_the_same_bytes(labelled, tmp_path, cut):
    data = f"icdar15:train={labelled.parent / 'scenes'}"
    label_scenes(data, tmp_path / "out", limit=1)
    if cut:
        log = tmp_path / "out" / LOG
        os.truncate(log, log.stat().st_size - cut)
    label_scenes(data, tmp_path / "out", workers=2)
    assert files_of(tmp_path / "out") == files_of(labelled)


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(labelled, tmp_path):
    folder, data = tmp_path / "out", f"icdar15:train={labelled.parent / 'scenes'}"
    arguments = ["label-masks", "--data", data, "--output", str(folder)]
    run = Killable(arguments, tmp_path / "said", small={})
    run.wait_until(lambda: (folder / LOG).exists() and len((folder / LOG).read_bytes().splitlines()) == 2)
    run.send(signal.SIGKILL)
    assert len((folder / LOG).read_bytes().splitlines()) == 2
    again = Killable(arguments, tmp_path / "said", small={})
    assert again.join() == 0, again.said()
    assert files_of(folder) == files_of(labelled)


def test_a_folder_of_something_else_is_left_alone(labelled, tmp_path):
    data = f"icdar15:train={labelled.parent / 'scenes'}"
    with pytest.raises(DataError, match="begun with other photographs or another verifier; name a new --output"):
        label_scenes(data, labelled, threshold=0.9)
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(DataError, match="holds something else; name a new folder"):
        label_scenes(data, tmp_path)
    assert [json.loads(line)["step"] for line in (labelled / LOG).read_text().splitlines()] == [0, 1, 2]


def test_kinds_without_transcriptions_are_refused(labelled):
    with pytest.raises(ConfigError, match="no transcriptions of folder; label-masks takes word lmdbs, icdar15 and mlt"):
        label_scenes(f"folder={labelled}", labelled.parent / "other")
