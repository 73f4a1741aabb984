"""Files that are complete whenever they exist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from forked import Forked

from segrec.core.checkpoint import WeightsHeader, save_weights
from segrec.core.errors import DataError
from segrec.core.files import atomic_path, file_digest, read_json, write_json
from segrec.training.run_directory import RunDirectory


def test_the_file_appears_whole_and_its_folder_is_made(tmp_path):
    target = tmp_path / "new" / "deep" / "file.txt"
    with atomic_path(target) as partial:
        assert partial.parent == target.parent and partial != target
        partial.write_text("half")
        assert not target.exists()
        partial.write_text("whole")
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["file.txt"]


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(type(failure)), atomic_path(target) as partial:
        partial.write_text("new, but not whole")
        raise failure
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_an_error_before_anything_was_written_is_handed_on(tmp_path):
    with pytest.raises(RuntimeError, match="early"), atomic_path(tmp_path / "file.txt"):
        raise RuntimeError("early")
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"cannot write .*inside: .*; choose another output") as error:
        write_json(tmp_path / "file" / "inside", {})
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match="cannot write"), atomic_path(tmp_path / "never"):
        pass
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("failure", [OSError(5, "Input/output error"), OSError("image file is truncated")])
def test_an_error_of_another_file_is_not_blamed_on_the_target(tmp_path, failure):
    target = tmp_path / "file.txt"
    with pytest.raises(FileNotFoundError, match="absent"), atomic_path(target) as partial:
        partial.write_bytes((tmp_path / "absent").read_bytes())
    with pytest.raises(OSError) as error, atomic_path(target) as partial:
        partial.write_text("half")
        raise failure
    assert error.value is failure
    assert os.listdir(tmp_path) == []


def test_an_error_of_writing_the_target_names_the_target_not_its_partial_file(tmp_path):
    refused = pytest.raises(DataError, match=r"cannot write .*/file\.txt: Is a directory; choose")
    with refused as error, atomic_path(tmp_path / "file.txt") as partial:
        partial.mkdir()
        partial.write_text("no")
    assert "partial" not in str(error.value)


def write_much(folder: Path) -> None:
    """Write files of every kind and print why each cannot be."""
    big = {"a": torch.zeros(20_000)}
    for write in (
        lambda: write_json(folder / "old.json", list(range(9000))),
        lambda: save_weights(folder / "a.safetensors", big, WeightsHeader("crnn", {})),
        lambda: RunDirectory(folder).save_state(big),
    ):
        try:
            write()
        except DataError as error:
            print(error)


def test_a_full_disk_keeps_the_old_file_and_is_said_in_words(tmp_path):
    (tmp_path / "new").mkdir()
    write_json(tmp_path / "new" / "old.json", "old")
    run = Forked(write_much, tmp_path / "new", log=tmp_path / "log", room=4096)
    assert run.join() == 0, run.said()
    assert run.said().count("cannot write") == run.said().count("File too large; choose another output") == 3
    assert read_json(tmp_path / "new" / "old.json") == "old"
    assert os.listdir(tmp_path / "new") == ["old.json"]


def test_json_comes_back_as_it_was(tmp_path):
    content = {"name": "Zürich", "numbers": [1, 2.5, None], "deep": {"yes": True}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert "Zürich" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\x00"])
def test_damaged_json_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is not valid JSON \(.*\); it may be damaged") as error:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(error.value)


def test_a_missing_json_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*absent\.json: No such file or directory"):
        read_json(tmp_path / "absent.json")


def test_the_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_digest(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "empty").write_bytes(b"")
    assert file_digest(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
