"""Networks leave as ONNX and come in as such, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_segmenter import write_small_segmenter

from recognizers import CRNN, save_recognizer
from segrec.core.images import encode_png
from segrec.data.words import WordLmdb

pytest.importorskip("onnx2torch")
pytest.importorskip("onnxruntime")


@pytest.fixture
def crop(words: Path, tmp_path: Path) -> Path:
    """A picture of a word."""
    file, image = tmp_path / "word.png", WordLmdb(words)[0].image
    assert image is not None
    file.write_bytes(encode_png(image))
    return file


def test_a_recognizer_and_its_segmenter_are_exported_and_read_with(segrec, crop, tmp_path):
    torch.manual_seed(0)
    save_recognizer(tmp_path / "small.safetensors", CRNN(widths=(4, 6, 8, 8, 10, 10, 12), hidden=8))
    segmenter = write_small_segmenter(tmp_path)
    for weights, kind in [("small.safetensors", "recognizer"), (segmenter.name, "segmenter")]:
        code, out, err = segrec("export", tmp_path / weights, "--output", tmp_path / f"{kind}.onnx")
        assert code == 0, err
        assert out.startswith(f"{tmp_path / kind}.onnx: {kind}, ") and "differs from PyTorch by at most" in out
    code, out, err = segrec("export", segmenter, "--output", tmp_path / "half.onnx", "--half-weights")
    assert code == 0 and out.startswith(f"{tmp_path / 'half.onnx'}: segmenter, "), err
    assert (tmp_path / "half.onnx").stat().st_size < 0.8 * (tmp_path / "segmenter.onnx").stat().st_size
    own = ("--segmenter", tmp_path / "segmenter.onnx")
    code, out, err = segrec("read", crop, "--onnx", tmp_path / "recognizer.onnx", *own)
    assert code == 0, err
    expected = segrec("read", crop, "--model", tmp_path / "small.safetensors", "--segmenter", segmenter)
    assert out.split("\t")[:2] == expected.out.split("\t")[:2]


def test_what_goes_with_weights_alone_is_refused(segrec, crop, tmp_path):
    for option in (("--beam", "3"), ("--temperature", "2"), ("--draw", tmp_path)):
        code, out, err = segrec("read", crop, "--onnx", "model.onnx", *option)
        assert (code, out) == (2, "") and f"leave {option[0]} out" in err
    code, out, err = segrec("read", crop, "--onnx", tmp_path / "absent.onnx")
    assert (code, out) == (1, "") and err.startswith("segrec: no weights file at ") and err.count("\n") == 1
    code, out, err = segrec("export", "crnn-slim", "--output", tmp_path / "model.pth")
    assert (code, out) == (1, "") and "must end in .onnx" in err


@pytest.mark.parametrize("train", ["input", "all"])
def test_a_recognizer_in_onnx_is_fine_tuned_with_masks_and_exported_again(segrec, words, masks, tmp_path, train):
    from small_ppocr import write_small_ppocr

    file = write_small_ppocr(tmp_path / "small.onnx", characters="abcdefghij")
    given = ("--pretrained", file, "--data", words, "--masks", masks, "--train", train, "--init", "zero-mask")
    small = ("--steps", "2", "--batch-size", "4", "--workers", "0", "--device", "cpu")
    code, out, err = segrec("finetune", "crnn", *given, *small, "--output", tmp_path / "run")
    assert code == 0, err
    assert ("train all its layers with --lr 3e-05" in err) == (train == "all"), "1e-3 makes PP-OCR's diverge"
    code, out, err = segrec("export", tmp_path / "run", "--output", tmp_path / "again.onnx")
    assert code == 0, err
    code, out, err = segrec("info", tmp_path / "run" / "last.safetensors")
    assert (
        code == 0 and "parent: small " in out and "architecture: onnx" in out and "4 channels (RGB + mask), 48 x" in out
    )
