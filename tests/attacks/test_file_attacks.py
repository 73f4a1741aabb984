"""Paths that lead to pipes, sockets, devices and endless files, wherever a command takes a path."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacked import answers, assert_refused, tried

from segrec.core.errors import DataError
from segrec.core.files import atomic_path, check_writable
from segrec.rendering.writing import render_words


@pytest.fixture
def odd_files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """A file of each kind that is none, and links to them."""
    found = {"zero": Path("/dev/zero"), "pipe": tmp_path / "pipe", "socket": tmp_path / "socket"}
    os.mkfifo(found["pipe"])
    listening = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # the names of sockets are short
    listening.bind("socket")
    os.chdir(here)
    with open(tmp_path / "endless", "wb") as file:
        file.truncate(50 * 2**30)
    found["endless"] = tmp_path / "endless"
    for name in list(found):
        found[f"link to {name}"] = tmp_path / f"{name}.link"
        found[f"link to {name}"].symlink_to(found[name])
    found["loop"] = tmp_path / "loop"
    found["loop"].symlink_to(found["loop"])
    yield found
    listening.close()


SUFFIXED = ["info {file}.pth", "info {file}.safetensors", "convert {file}.pth --output {folder}/out.safetensors"]
COMMANDS = [
    "edit {file} --erase --output {folder}/out.png",
    "edit {picture} --copy-to {file} --output {folder}/out.png",
    "edit {picture} --erase --polygons {file} --output {folder}/out.png",
    "edit {picture} --erase --segmenter {file} --output {folder}/out.png",
    "eval --data w={file}",
    "eval --data w={words} --masks w={file} --mask predicted",
    "eval --data w={words} --mask predicted --segmenter {file}",
    "eval-segmenter --data words={words} --segmenter {file}",
    "eval-segmenter --data coco-text:val={file}",
    "export {file} --output {folder}/out.onnx",
    "export crnn-slim-predicted --segmenter {file} --output {folder}/out.onnx",
    "finetune crnn --data {file} --mask zero --output {folder}/run",
    "finetune crnn --data {words} --masks {file} --output {folder}/run",
    "finetune crnn --data {words} --mask zero --pretrained {file} --output {folder}/run",
    "finetune crnn --data {words} --mask zero --resume {file} --output {folder}/run",
    "label-masks --data {file} --output {folder}/masks",
    "label-masks --data {words} --verifier {file} --output {folder}/masks",
    "precompute-masks --data {file} --output {folder}/masks",
    "read {picture} --polygons {file}",
    "read {picture} --segmenter {file}",
    "render corrupt --data {file} --output {folder}/corrupted",
    "render words --count 1 --output {folder}/rendered --backgrounds {file}",
    "render warp-icdar13 --source {file} --output {folder}/warped",
    "segment {picture} --segmenter {file} --output {folder}/out",
    "train crnn --data {file} --output {folder}/run",
    "train crnn --data {words} --valid {file} --steps 1 --output {folder}/run",
    "train segmenter --words {file} --output {folder}/run",
    "app --model {file}",
    "info {file}",
    "read {file}",
    "segment {file} --output {folder}/out",
    "read {picture} --model {file}",
    "read {picture} --lexicon {file}",
    "eval --data w={words} --model {file}",
    "eval --data w={words} --lexicon {file}",
    "import tsv {file} --output {folder}/imported",
    "render words --count 1 --output {folder}/rendered --lexicon {file}",
    "precompute-masks --data {words} --segmenter {file} --output {folder}/masks",
]


def test_no_command_opens_what_is_no_regular_file(tmp_path: Path, odd_files: dict[str, Path]):
    words = tmp_path / "words"
    render_words(words, 2, seed=0)
    picture = Path(__file__).parents[2] / "docs" / "images" / "word.png"
    attempts = {}
    for kind, file in odd_files.items():
        for suffix in (".pth", ".safetensors"):
            (tmp_path / f"{file.name}{suffix}").symlink_to(file)
        named = {"file": file, "folder": tmp_path, "picture": picture, "words": words}
        for command in COMMANDS:
            attempts[f"{kind}: {command}"] = command.format(**named).split()
        for command in SUFFIXED:
            attempts[f"{kind}: {command}"] = command.format(**{**named, "file": tmp_path / file.name}).split()
    assert_refused(answers("irregular files", attempts, tmp_path))


def test_no_folder_is_read_whose_parts_are_irregular(tmp_path: Path):
    folders = {"data.mdb": [], "run.json": [], "best.safetensors": [], "state.pt": [], "scenes.json": []}
    attempts = {}
    for part in folders:
        folder = tmp_path / f"with {part}"
        folder.mkdir()
        os.mkfifo(folder / part)
        attempts[f"info {part}"] = ["info", folder]
    log = tmp_path / "with a log"
    log.mkdir()
    (log / "run.json").write_text('{"settings": {"steps": 3}}')
    os.mkfifo(log / "metrics.jsonl")
    attempts["info metrics.jsonl"] = ["info", log]
    assert_refused(answers("irregular parts of folders", attempts, tmp_path))


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.mknod(path, stat.S_IFSOCK | 0o600)])
def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path, make):
    make(tmp_path / "odd")
    (tmp_path / "link").symlink_to(tmp_path / "odd")
    before = {name: os.lstat(tmp_path / name).st_mode for name in ("odd", "link")}
    for name in before:
        tried["replaced files"] += 2
        with (
            pytest.raises(DataError, match="not replaced; choose an") as refusal,
            atomic_path(tmp_path / name),
        ):
            pass
        assert "\n" not in str(refusal.value)
        with pytest.raises(DataError, match="which is not replaced"):
            check_writable(tmp_path / name, "--predictions")
    assert {name: os.lstat(tmp_path / name).st_mode for name in before} == before
    assert sorted(os.listdir(tmp_path)) == ["link", "odd"]


def test_a_device_that_takes_the_name_while_a_file_is_written_stays(tmp_path: Path):
    with pytest.raises(DataError, match="which is not replaced"), atomic_path(tmp_path / "out") as partial:
        partial.write_text("new")
        os.mkfifo(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"] and stat.S_ISFIFO(os.lstat(tmp_path / "out").st_mode)
