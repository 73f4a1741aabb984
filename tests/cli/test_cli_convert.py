"""`segrec convert` and `segrec info` of public checkpoints."""

from __future__ import annotations

import argparse

import pytest
import torch

from recognizers import CRNN, Charset, load_pretrained


@pytest.fixture
def state():
    torch.manual_seed(0)
    return CRNN(widths=(2, 3, 4, 4, 5, 5, 6), hidden=3).state_dict()


def test_a_public_checkpoint_becomes_weights_and_its_tensors_a_table(segrec, state, tmp_path):
    file, output = tmp_path / "netCRNN_3.pth", tmp_path / "weights" / "mine.safetensors"
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, file)
    code, out, err = segrec("convert", file, "--output", output)
    assert (code, err) == (0, "")
    assert "| copied         |    49 | cnn.conv0.weight, cnn.conv0.bias, " in out
    assert out.splitlines()[-1] == f"{output}: crnn, 36 characters"
    converted = load_pretrained(output).state_dict()
    assert all(torch.equal(converted[name], tensor) for name, tensor in state.items())
    code, out, _ = segrec("info", output)
    assert code == 0 and "note converted from: netCRNN_3.pth" in out
    assert "  copied: 49: cnn.conv0.weight" in segrec("info", file).out


def test_objects_are_dropped_and_characters_taken_only_when_asked(segrec, tmp_path):
    model = CRNN(charset=Charset("xyz"), widths=(1,) * 7, hidden=1)
    file, output = tmp_path / "last.ckpt", tmp_path / "mine.safetensors"
    torch.save({"state_dict": model.state_dict(), "args": argparse.Namespace()}, file)
    code, _, err = segrec("convert", file, "--output", output)
    assert code == 1 and "segrec convert --drop-objects" in err and err.count("\n") == 1
    code, _, err = segrec("convert", file, "--output", output, "--drop-objects")
    assert code == 1 and "pass charset= with its 3 characters" in err
    assert not output.exists()
    code, _, _ = segrec("convert", file, "--output", output, "--drop-objects", "--charset", "xyz", "--half")
    assert code == 0 and load_pretrained(output).charset.characters == "xyz"


@pytest.mark.parametrize("name", ["mine.pth", "folder.safetensors"])
def test_an_output_that_is_no_new_weights_file_is_refused(segrec, state, tmp_path, name):
    torch.save(state, tmp_path / "crnn.pth")
    (tmp_path / "folder.safetensors").mkdir()
    code, out, err = segrec("convert", tmp_path / "crnn.pth", "--output", tmp_path / name)
    assert (code, out) == (1, "") and name in err and err.count("\n") == 1
