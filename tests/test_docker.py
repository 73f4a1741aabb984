"""The Dockerfiles name what is there: no image is built here."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob("Dockerfile*"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


class Instruction(NamedTuple):
    """One instruction of a Dockerfile: its name and what stands behind it."""

    name: str
    rest: str


def instructions(file: Path) -> list[Instruction]:
    """Return the instructions in order, continued lines joined, comments left out."""
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def copied(file: Path) -> list[str]:
    """Return what the build copies from the repository."""
    return [source for name, rest in instructions(file) if name == "COPY" for source in rest.split()[:-1]]


def is_sent(path: str) -> bool:
    """Return whether .dockerignore lets a path of the root into the build; of its lines the last that fits counts."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#") and fnmatch.fnmatch(path, pattern):
            sent = line.startswith("!")
    return sent


def test_there_is_an_image_for_the_cpu_and_one_for_cuda():
    assert [file.name for file in FILES] == ["Dockerfile", "Dockerfile.cuda"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_copied_is_there_and_sent_and_is_all_that_the_package_is_built_of(file):
    assert all((ROOT / source).exists() and is_sent(source) for source in copied(file))
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    needed = [*build["targets"]["wheel"]["packages"], PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"]
    assert set(copied(file)) == {Path(name).parts[0] for name in needed}


def test_nothing_else_is_sent_to_the_build():
    needed = {source for file in FILES for source in copied(file)}
    assert {path.name for path in ROOT.iterdir() if is_sent(path.name)} == needed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_image_installs_what_the_project_names(file):
    runs = [rest for name, rest in instructions(file) if name == "RUN"]
    named = {text for run in runs for text in re.findall(r'"(torch\w*>=[\d.]+)"', run)}
    assert named == {one for one in PROJECT["dependencies"] if one.startswith("torch")}
    (extras,) = (match for run in runs for match in re.findall(r'"\.\[([\w,]+)\]"', run))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert "python:3.12" in instructions(file)[0].rest and PROJECT["requires-python"] == ">=3.11"
    assert any("libgl1 libglib2.0-0" in run and "rm -rf /var/lib/apt/lists" in run for run in runs)
    assert all("--no-cache-dir" in run for run in runs if run.startswith("pip install"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_command_of_the_image_is_segrec_run_by_a_user_without_rights(file):
    found = instructions(file)
    names = [instruction.name for instruction in found]
    by_name = {instruction.name: instruction.rest for instruction in found}
    assert by_name["ENTRYPOINT"] == '["segrec"]' and "segrec" in PROJECT["scripts"]
    assert by_name["USER"] == "segrec" and any("useradd" in rest and "segrec" in rest for _, rest in found)
    assert "RUN" not in names[names.index("USER") :], "nothing is installed by that user"


def test_the_images_differ_by_what_a_gpu_needs_alone():
    cpu, cuda = (instructions(file) for file in FILES)
    only_cuda = [one for one in cuda if one not in cpu]
    assert [one for one in only_cuda if one.name == "ENV"] == [
        Instruction("ENV", "NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility")
    ]
    assert {one.name for one in only_cuda} == {"ENV", "RUN"} and len(only_cuda) == 2
