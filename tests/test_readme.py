"""What the README and the pages in docs/ tell people to type works."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import pytest
from PIL import Image
from printed_words import printed

from segrec.cli import main, root
from segrec.data.words import WordLmdb
from segrec.importers.registry import DATASETS
from segrec.importers.selection import KNOWN

ROOT = Path(__file__).parents[1]
README, QUICKSTART = ROOT / "README.md", ROOT / "docs" / "quickstart.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
WITHOUT_COMMANDS = {"CONTRIBUTING.md", "api.md", "index.md", "peers.md", "results.md"}
START = re.compile(r"(?:.* -m )?segrec (?P<rest>.*)")
LINK = re.compile(r"\]\((?P<target>[^)]+)\)")
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_INSTALLED = ("import easyocr",)
"""Lines of snippets that another test runs with a stand-in."""
SMALL = {
    "render": ["--count", "12"],
    "finetune": ["--steps", "2", "--batch-size", "4", "--workers", "0"],
    "precompute-masks": ["--workers", "0"],
}
"""What is added to the commands so that they end soon; of an option given twice the last holds."""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(match["language"], match["code"]) for match in BLOCK.finditer(page.read_text("utf-8"))]


def shell_lines(code: str) -> Iterator[str]:
    """Yield what stands after `segrec` in the lines of shell code, continued lines joined."""
    for line in re.sub(r"\\\n\s*", "", code).splitlines():
        match = START.fullmatch(line.strip())
        if match:
            yield match["rest"]


def commands(page: Path) -> list[str]:
    """Return what stands after `segrec` in fenced shell code and in indented code."""
    text = page.read_text("utf-8")
    fenced = [line for block in blocks(page) if block.language == "sh" for line in shell_lines(block.code)]
    joined = re.sub(r"\\\n\s*", "", BLOCK.sub("", text))
    indented = "\n".join(line for line in joined.splitlines() if line.startswith("    "))
    return [*fenced, *shell_lines(indented)]


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the words name, and the options that they give it."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group):
        following = command.get_command(context, words[0])
        assert following is not None, f"there is no command {words[0]}"
        command, words = following, words[1:]
    return command, [word.partition("=")[0] for word in words if word.startswith("--")]


def run(line: str) -> None:
    """Run a command of a page on little data and few steps."""
    words = shlex.split(line, comments=True)
    assert main([*words, *SMALL.get(words[0], []), "--device", "cpu", "--quiet"]) == 0, f"segrec {line}"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen rendered words; tests must not write here."""
    folder = tmp_path_factory.mktemp("rendered") / "words"
    assert main(["render", "words", "--count", "12", "--output", str(folder), "--workers", "0", "--quiet"]) == 0
    return folder


def test_the_commands_of_the_readme_run(rendered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("WORDS").symlink_to(rendered)
    for line in commands(README):
        run(line)
    assert Path("MASKS").is_dir() and Path("RUN/best.safetensors").exists()


def test_the_snippet_of_the_readme_prints_what_stands_below_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    snippet, expected = (block.code for block in blocks(README) if block.language in ("python", "text"))
    exec(snippet, {})
    read, promised = (re.fullmatch(r"(\w+) (\d\.\d+) (.*)\n", text) for text in (capsys.readouterr().out, expected))
    assert (read[1], read[3]) == (promised[1], promised[3])
    assert abs(float(read[2]) - float(promised[2])) < 0.1


def test_the_quickstart_runs_from_its_first_line_to_its_last(rendered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    words = WordLmdb(rendered)
    for number in (1, 2):
        Image.fromarray(words[number].image).save(f"mine/word-{number}.png")
    Path("mine/labels.tsv").write_text("word-1.png\tone\nword-2.png\ttwo\n", "utf-8")
    names: dict[str, Any] = {}
    for language, code in blocks(QUICKSTART):
        if language == "python":
            exec(code, names)
        for line in shell_lines(code) if language == "sh" else ():
            run(line)
    assert len(names["words"]) == 1 and len(names["masks"]) == 2
    assert Path("masks/word-1.text.png").exists() and Path("CONTROL/best.safetensors").exists()


def test_the_page_about_photographs_runs_from_its_first_line_to_its_last(rendered, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wall = np.full((480, 640, 3), (200, 190, 150), np.uint8)
    Image.fromarray(wall).save("wall.png")
    for word, left in (("hotel", 60), ("open", 190)):
        crop = printed(word)
        wall[60 : 60 + crop.shape[0], left : left + crop.shape[1]] = crop
    Image.fromarray(wall).save("photo.png")
    Path("gt.txt").write_text("60,60,179,60,179,119,60,119,hotel\n", "utf-8")
    Path("folder").mkdir()
    Image.fromarray(printed("hotel")).save("folder/word.png")
    Path("WORDS").symlink_to(rendered)
    names: dict[str, Any] = {}
    for language, code in blocks(ROOT / "docs" / "photographs.md"):
        if language == "python":
            exec(code, names)
        for line in shell_lines(code) if language == "sh" else ():
            run(line)
    assert [word.text for word in names["words"]] == ["hotel", "open"]
    assert "['hotel', 'open'] (5, 4, 2)" in capsys.readouterr().out
    assert all(Path(name).exists() for name in ("shown/photo.overlay.png", "orange.png", "without.png", "copied.png"))


def test_what_the_readme_says_of_its_picture_is_what_its_script_counted():
    counted = json.loads((ROOT / "docs" / "images" / "front.json").read_text("utf-8"))
    said = " ".join(README.read_text("utf-8").split())
    assert f"Of {counted['words']} {counted['style']} words it repaired {counted['repaired']} and broke " in said
    assert f" and broke {counted['broken']} against the fair control" in said


def test_the_readme_is_short():
    assert len(README.read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_pages_exists_with_its_options(page):
    lines = commands(page)
    assert bool(lines) != (page.name in WITHOUT_COMMANDS)
    for line in lines:
        command, given = resolved(shlex.split(line.replace("[", "").replace("]", ""), comments=True))
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(given) <= known, f"segrec {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_snippets_import_exists(page):
    for code in (block.code for block in blocks(page) if block.language == "python"):
        compile(code, str(page), "exec")
        for line in code.splitlines():
            if line.startswith(("import ", "from ")) and line not in NOT_INSTALLED:
                exec(line, {})


def test_the_api_page_has_every_public_name():
    listed = set(re.findall(r"^::: (\S+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE))
    packages = ("segrec", "recognizers", "segmenter")
    public = {f"{package}.{name}" for package in packages for name in importlib.import_module(package).__all__}
    assert listed == public


def test_the_table_of_releases_lists_every_importer_with_its_splits():
    page = ROOT / "docs" / "datasets.md"
    section = page.read_text("utf-8").partition("## Words of the original releases")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    listed = {name: splits.strip() for names, splits in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == {name: ", ".join(dataset.splits) for name, dataset in DATASETS.items()}
    subsets = {str(known.number) for known in KNOWN if known.dataset.startswith("icdar") and known.split == "test"}
    named = set(re.findall(r"`(\d+)`", section)) | set(re.findall(r"--subset (\d+)", section))
    assert named <= subsets


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    for target in (match["target"] for match in LINK.finditer(page.read_text("utf-8"))):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def test_the_source_distribution_holds_the_pages_that_these_tests_read():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    read = {page.relative_to(ROOT).parts[0] for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "tests"]}
    assert read <= packed
    assert all((ROOT / name).exists() for name in packed)
