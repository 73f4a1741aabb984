"""Weights files and reading other people's."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from segrec.core.checkpoint import (
    WeightsHeader,
    load_untrusted,
    load_weights,
    read_header,
    save_weights,
    state_digest,
)
from segrec.core.errors import CheckpointError

HEADER = WeightsHeader(
    architecture="crnn",
    config={"widths": [1, 2], "mask": True, "hidden": None},
    charset="0aé",
    parent="crnn-slim",
    parent_digest="ab" * 32,
    notes={"data": "a 'quoted' name", "seed": "3"},
)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "layer.weight": torch.randn(3, 4, generator=generator),
        "layer.steps": torch.tensor(7),
        "layer.flags": torch.tensor([True, False]),
        "none": torch.zeros(0, 5),
    }


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_weights_and_header_come_back_as_they_were(tmp_path, state):
    save_weights(tmp_path / "a.safetensors", state, HEADER)
    loaded, header = load_weights(tmp_path / "a.safetensors")
    assert same(loaded, state) and header == HEADER
    assert read_header(tmp_path / "a.safetensors") == HEADER
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_what_a_header_leaves_out_comes_back_left_out(tmp_path, state):
    header = WeightsHeader("mgnet", {})
    save_weights(tmp_path / "a.safetensors", state, header)
    assert load_weights(tmp_path / "a.safetensors")[1] == header


def test_the_same_weights_give_the_same_bytes_in_any_order(tmp_path, state):
    save_weights(tmp_path / "a.safetensors", state, HEADER)
    save_weights(tmp_path / "b.safetensors", dict(reversed(state.items())), HEADER)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_tensors_that_share_memory_are_stored_each(tmp_path):
    base = torch.arange(6.0)
    save_weights(tmp_path / "a.safetensors", {"all": base, "odd": base[1::2], "turned": base.view(2, 3).T}, HEADER)
    loaded, _ = load_weights(tmp_path / "a.safetensors")
    assert loaded["odd"].tolist() == [1, 3, 5] and loaded["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_half_rounds_floats_alone_and_comes_back_as_float32(tmp_path):
    weights = torch.linspace(-1, 1, 10_000)
    save_weights(tmp_path / "whole.safetensors", {"a": weights}, HEADER)
    save_weights(tmp_path / "half.safetensors", {"a": weights, "n": torch.tensor(70_000)}, HEADER, half=True)
    loaded, _ = load_weights(tmp_path / "half.safetensors")
    assert loaded["a"].dtype == torch.float32 and torch.equal(loaded["a"], weights.half().float())
    assert loaded["n"] == 70_000
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert 0.45 < sizes[0] / sizes[1] < 0.55


def test_half_refuses_what_float16_cannot_hold(tmp_path):
    with pytest.raises(CheckpointError, match="norm holds values too large for float16; save the weights without half"):
        save_weights(tmp_path / "a.safetensors", {"norm": torch.tensor([1.0, 1e5])}, HEADER, half=True)
    assert os.listdir(tmp_path) == []


def test_weights_are_as_readable_as_any_new_file(tmp_path, state):
    save_weights(tmp_path / "a.safetensors", state, HEADER)
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_the_digest_changes_with_any_bit_name_type_and_shape(state):
    digest = state_digest(state)
    assert len(digest) == 64 and state_digest(dict(reversed(state.items()))) == digest
    digests = {digest}
    for name in ("layer.weight", "layer.steps", "layer.flags"):
        bits = state[name].numel() * state[name].element_size() * 8
        for bit in {0, 1, bits - 1} if name != "layer.flags" else {0, 8}:
            changed = {key: value.clone() for key, value in state.items()}
            changed[name].reshape(-1).view(torch.uint8)[bit // 8] ^= 1 << bit % 8
            digests.add(state_digest(changed))
    digests.add(state_digest({**state, "more": torch.zeros(0)}))
    digests.add(state_digest({f"x{name}": value for name, value in state.items()}))
    digests.add(state_digest({**state, "layer.weight": state["layer.weight"].reshape(4, 3)}))
    digests.add(state_digest({**state, "layer.steps": state["layer.steps"].int()}))
    assert len(digests) == 1 + 3 + 3 + 2 + 4


def test_a_cut_or_wrong_weights_file_is_refused_in_one_line(tmp_path, state):
    path = tmp_path / "a.safetensors"
    save_weights(path, state, HEADER)
    whole = path.read_bytes()
    for content in (b"", whole[:5], whole[:60], whole[:-1], b"PK\x03\x04 something else altogether", b"text\n" * 9):
        path.write_bytes(content)
        for read in (load_weights, read_header):
            with pytest.raises(CheckpointError, match=r"a\.safetensors is not a readable \.safetensors file") as error:
                read(path)
            assert "\n" not in str(error.value)
    with pytest.raises(CheckpointError, match=r"no weights file at .*absent; check the path"):
        load_weights(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="is not a readable"):
        load_weights(tmp_path)


@pytest.mark.parametrize("version", ["2", "10", "one"])
def test_a_header_of_a_newer_version_is_refused_with_the_remedy(tmp_path, state, version):
    save_weights(tmp_path / "a.safetensors", state, replace(HEADER, version=version))
    for read in (load_weights, read_header):
        with pytest.raises(CheckpointError, match=rf"has a header of version {version}, .*; upgrade segrec") as error:
            read(tmp_path / "a.safetensors")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "has no segrec header"),
        ({"architecture": "crnn"}, "has no segrec header"),
        ({"architecture": "crnn", "config": "{"}, "has a damaged header"),
        ({"architecture": "crnn", "config": "[1]"}, "config and notes must be JSON objects"),
        ({"architecture": "crnn", "config": "{}", "notes": "3"}, "config and notes must be JSON objects"),
        ({"architecture": "crnn", "config": "[" * 100_000}, "has a damaged header"),
    ],
    ids=["none", "half", "cut", "list", "notes", "deep"],
)
def test_a_header_of_another_kind_is_refused(tmp_path, state, metadata, message):
    save_file(state, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(CheckpointError, match=message):
        load_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_foreign_state_dict_is_read(tmp_path, state, zipped):
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_untrusted(tmp_path / "a.pth")
    assert isinstance(loaded, dict) and same(loaded, state)


class Calls:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: str) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_file_that_wants_to_run_code_does_not_run_it(tmp_path, protocol):
    target = tmp_path / "made-by-the-file"
    attack = Calls(os.mkdir, str(target))
    torch.save({"weights": attack}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(attack, protocol))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(CheckpointError, match=rf"{name} .*was not read; ") as error:
            load_untrusted(tmp_path / name)
        assert "\n" not in str(error.value)
    assert not target.exists()


@pytest.mark.parametrize(
    ("culprit", "name"), [(os.mkdir, r"\S+\.mkdir"), (eval, r"\S*eval"), (Path, r"pathlib\S*Path")]
)
def test_the_object_that_a_file_wants_is_named(tmp_path, culprit, name):
    torch.save({"weights": Calls(culprit)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=rf"wants to load the Python object {name}, which could run code"):
        load_untrusted(tmp_path / "a.pth")


def test_a_foreign_file_that_is_missing_empty_or_a_folder_is_refused(tmp_path):
    (tmp_path / "empty.pth").touch()
    for path, message in [
        (tmp_path / "absent.pth", "no weights file at .*; check the path"),
        (tmp_path / "empty.pth", r"is empty \(0 bytes\)"),
        (tmp_path, "is a folder, not a weights file"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            load_untrusted(path)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_foreign_file_is_read_or_refused_in_one_line(tmp_path, state, zipped):
    path = tmp_path / "a.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    whole, generator = path.read_bytes(), random.Random(3)
    refused = 0
    for turn in range(150):
        damaged = bytearray(whole[: generator.randrange(1, len(whole))] if turn % 3 == 0 else whole)
        for _ in range(turn % 3 * 2):
            damaged[generator.randrange(min(len(damaged), 400))] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            load_untrusted(path)
        except CheckpointError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 50
