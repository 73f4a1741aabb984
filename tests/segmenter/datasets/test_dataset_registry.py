"""Opening a dataset by its kind."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from written import block, ramp, write_picture, write_text

from segmenter.datasets import READERS, open_dataset
from segrec.core.errors import ConfigError, DataError


def test_a_dataset_opens_by_its_kind_and_takes_the_first_split_when_none_is_named(tmp_path):
    for images, truth, mark in (
        ("ch4_training_images", "ch4_training_localization_transcription_gt", "1"),
        ("ch4_test_images", "Challenge4_Test_Task1_GT", "2"),
    ):
        write_picture(tmp_path / images / f"img_{mark}.jpg", ramp(8, 8))
        write_text(tmp_path / truth / f"gt_img_{mark}.txt", "")
    assert open_dataset("icdar15", tmp_path).name(0) == "img_1"
    assert open_dataset("icdar15", tmp_path, "test").name(0) == "img_2"


def test_a_kind_without_splits_opens_without_one_and_refuses_one(tmp_path):
    write_picture(tmp_path / "img" / "a.png", ramp(8, 8))
    write_picture(tmp_path / "mask" / "a.png", block(8, 8, slice(2, 4), slice(2, 4)))
    assert len(open_dataset("folder", tmp_path)) == 1
    with pytest.raises(ConfigError, match=r"^folder has no split 'train'; it has no splits, leave it out$"):
        open_dataset("folder", tmp_path, "train")


def test_an_unknown_kind_or_split_is_refused_with_what_is_known():
    with pytest.raises(ConfigError, match=r"no dataset kind 'total-text', did you mean totaltext\? expected one of "):
        open_dataset("total-text", ".")
    with pytest.raises(ConfigError, match=r"no dataset kind 'qqq'; expected one of .*folder"):
        open_dataset("qqq", ".")
    with pytest.raises(ConfigError, match=r"icdar15 has no split 'val'; expected train or test"):
        open_dataset("icdar15", ".", "val")


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_refuses_an_empty_folder_and_names_it(kind, tmp_path):
    with pytest.raises(DataError, match=str(tmp_path)):
        open_dataset(kind, tmp_path)


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_is_where_the_registry_says_and_states_a_layout(kind):
    module, _, name = READERS[kind].location.partition(":")
    assert callable(getattr(import_module(module), name)) and READERS[kind].layout


def test_the_registry_imports_no_reader_and_no_torch():
    program = (
        "import sys, segmenter.datasets; print([m for m in sys.modules if m.startswith(('torch', 'scipy', 'cv2')) "
        "or m.startswith('segmenter.datasets.') and m != 'segmenter.datasets.base'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert result.stdout.strip() == "[]"
