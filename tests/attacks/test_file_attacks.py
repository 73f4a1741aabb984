"""Paths that lead to pipes, sockets, devices and endless files, wherever a command takes a path."""

from __future__ import annotations

import itertools
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import torch
from attacked import answers, assert_refused, tried
from hostile_paths import FILES, FOLDERS, NO_PATHS, READING, RECIPES, SUFFIXED

from recognizers import CRNN
from segrec.cli import root
from segrec.core.errors import DataError
from segrec.core.files import atomic_path, check_writable
from segrec.rendering.writing import render_words

FOR_ALL = ("zero", "pipe", "endless", "link to socket", "loop")
"""Files that every path is led to; the others are left to a few commands."""
FOR_SOME = [line for line in READING if line.startswith(("info", "read", "finetune", "import tsv"))]
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "word.png"


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


def test_every_path_of_every_command_is_attacked():
    lines = [line.split() for line in (*READING, *SUFFIXED, *RECIPES, *FILES, *FOLDERS)]
    attacked = {(command, part) for command, *parts in map(_named, lines) for part in parts}
    for name, command in _commands(root, ""):
        for parameter in command.params:
            if parameter.type.name not in ("path", "text") or parameter.opts[0] in NO_PATHS | {"--config"}:
                continue
            if isinstance(parameter, click.Option):
                assert (name, parameter.opts[0]) in attacked, (name, parameter.opts[0])


def _named(line: list[str]) -> list[str]:
    """Return the command of a line, and the options that are given what is attacked."""
    name = " ".join(line[:2]) if line[0] in ("render", "train") else line[0]
    pairs = itertools.pairwise(line)
    return [name, *(option for option, value in pairs if "{file}" in value or "{odd}" in value)]


def _commands(group: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(group, click.Group):
        yield name.strip(), group
        return
    context = click.Context(group)
    for part in group.list_commands(context):
        command = group.get_command(context, part)
        assert command is not None
        yield from _commands(command, f"{name} {part}")


@pytest.fixture
def places(tmp_path: Path) -> dict[str, object]:
    """Sound files that command lines need beside the odd one."""
    render_words(tmp_path / "words", 2, seed=0)
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "a.png").write_bytes(PICTURE.read_bytes())
    (listed / "labels.tsv").write_text("a.png\tnational\n")
    torch.save(CRNN(widths=(4,) * 7, hidden=4).state_dict(), tmp_path / "state.pth")
    state, words = tmp_path / "state.pth", tmp_path / "words"
    return {"folder": tmp_path, "picture": PICTURE, "words": words, "list": listed / "labels.tsv", "state": state}


def test_no_command_opens_what_is_no_regular_file(
    tmp_path: Path, odd_files: dict[str, Path], places: dict[str, object]
):
    attempts, recipes = {}, {}
    for kind, file in odd_files.items():
        for suffix in (".pth", ".safetensors"):
            (tmp_path / f"{file.name}{suffix}").symlink_to(file)
        for command in READING if kind in FOR_ALL else FOR_SOME:
            attempts[f"{kind}: {command}"] = command.format(**places, file=file).split()
        for command in SUFFIXED:
            attempts[f"{kind}: {command}"] = command.format(**places, file=tmp_path / file.name).split()
        for command in RECIPES:
            recipes[f"{kind}: {command}"] = command.format(**places, file=file).split()
    assert_refused(answers("irregular files", attempts, tmp_path))
    for name, answer in answers("irregular recipes", recipes, tmp_path).items():
        assert answer.code == 2 and answer.err.count("Error: ") == 1 and "Traceback" not in answer.err, (name, answer)


ODD = {
    "pipe": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "link to a device": lambda path: Path(path).symlink_to("/dev/full"),
}


def test_no_command_writes_to_what_is_no_regular_file(tmp_path: Path, places: dict[str, object]):
    attempts, before = {}, {}
    for kind, make in ODD.items():
        for number, command in enumerate((*FILES, *FOLDERS)):
            odd = tmp_path / f"{number}-{kind.replace(' ', '-')}"
            written = next(part for part in command.split() if "{odd}" in part).format(odd=odd)
            make(written)
            before[written] = os.lstat(written).st_mode
            attempts[f"{kind}: {command}"] = command.format(**places, odd=odd).split()
    for number, command in enumerate(FILES):
        folder = tmp_path / f"{number}-folder"
        Path(next(part for part in command.split() if "{odd}" in part).format(odd=folder)).mkdir()
        attempts[f"folder: {command}"] = command.format(**places, odd=folder).split()
    for number, command in enumerate(FOLDERS):
        (tmp_path / f"{number}-file").write_bytes(b"mine")
        attempts[f"file: {command}"] = command.format(**places, odd=tmp_path / f"{number}-file").split()
    found = answers("irregular outputs", attempts, tmp_path)
    assert_refused(found)
    assert {name: os.lstat(name).st_mode for name in before} == before
    assert all((tmp_path / f"{number}-file").read_bytes() == b"mine" for number in range(len(FOLDERS)))


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
