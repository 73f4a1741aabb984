"""What the README and the pages in docs/ tell people to type exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from segrec.cli import root
from segrec.data.importers.registry import DATASETS
from segrec.data.importers.selection import KNOWN

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
START = re.compile(r"(?:.* -m )?segrec (?P<rest>.*)")
LINK = re.compile(r"\]\((?P<target>[^)]+)\)")


def commands(page: Path) -> list[str]:
    """Return what stands after `segrec` in the lines of indented code, continued lines joined."""
    code = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
    found = (START.fullmatch(line.strip()) for line in code.splitlines() if line.startswith("    "))
    return [match["rest"] for match in found if match]


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the words name, and the options that they give it."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group):
        following = command.get_command(context, words[0])
        assert following is not None, f"there is no command {words[0]}"
        command, words = following, words[1:]
    return command, [word.partition("=")[0] for word in words if word.startswith("--")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_pages_exists_with_its_options(page):
    lines = commands(page)
    assert len(lines) > 3
    for line in lines:
        command, given = resolved(shlex.split(line.replace("[", "").replace("]", ""), comments=True))
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(given) <= known, f"segrec {line}"


def test_the_table_of_releases_lists_every_importer_with_its_splits():
    section = PAGES[0].read_text("utf-8").partition("## Words of the original releases")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    listed = {name: splits.strip() for names, splits in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == {name: ", ".join(dataset.splits) for name, dataset in DATASETS.items()}
    subsets = {str(known.number) for known in KNOWN if known.dataset.startswith("icdar") and known.split == "test"}
    named = set(re.findall(r"`(\d+)`", section)) | set(re.findall(r"--subset (\d+)", section))
    assert named <= subsets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in (match["target"] for match in LINK.finditer(page.read_text("utf-8"))):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_source_distribution_holds_the_pages_that_these_tests_read():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    read = {page.relative_to(ROOT).parts[0] for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "tests"]}
    assert read <= packed
    assert all((ROOT / name).exists() for name in packed)
