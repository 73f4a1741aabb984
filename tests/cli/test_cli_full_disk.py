"""A disk that fills up ends a command in one line, and once there is room the same command does its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_words import contents, list_of_crops
from segrec_process import Killable

QUICK = ["--steps", "2", "--batch-size", "4", "--workers", "0"]
COMMANDS = {
    "import": ["import", "tsv", "{crops}", "--output", "{output}"],
    "render": ["render", "words", "--count", "12", "--output", "{output}"],
    "precompute-masks": ["precompute-masks", "--data", "{words}", "--output", "{output}", "--device", "cpu"],
    "finetune": ["finetune", "crnn", "--data", "{words}", "--mask", "zero", "--output", "{output}", *QUICK],
}


@pytest.fixture(scope="module")
def crops(words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return list_of_crops(words, tmp_path_factory.mktemp("release") / "crops", 12)


@pytest.mark.parametrize("room", [2_000, 18_000])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_one_line_and_the_command_can_be_repeated(tmp_path, words, crops, command, room):
    output = tmp_path / "output"
    arguments = [part.format(words=words, crops=crops, output=output) for part in COMMANDS[command]]
    full = Killable(arguments, tmp_path / "full.log", small={"room": room})
    assert full.join() == 1
    said = [line for line in full.log.read_text().splitlines() if not line.startswith("fine-tuning ")]
    assert len(said) == 1 and said[0].startswith("segrec: cannot write"), said
    assert "free space" in said[0] and "choose another output" in said[0]
    again = Killable(arguments, tmp_path / "again.log", small={})
    assert again.join() == 0, again.log.read_text()
    assert not [name for name in contents(output) if ".partial" in name]
