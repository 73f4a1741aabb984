"""What the workflows run is there and starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PYTHON = ".venv/bin/python "


def commands() -> list[str]:
    """Return the commands of all steps of all workflows."""
    found = []
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(file.read_text("utf-8"))["jobs"].values():
            found += [step["run"] for step in job["steps"] if "run" in step]
    return found


@pytest.mark.parametrize("command", [command for command in commands() if command.startswith(f"{PYTHON}")])
def test_a_script_of_a_workflow_starts_and_knows_its_options(command: str):
    script, *options = command.removeprefix(PYTHON).split()
    if script == "-m":
        assert options[0] in ("pip", "pytest")
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    asked = [sys.executable, script, "--help"]
    ended = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert all(option in ended.stdout for option in options if option.startswith("--"))


def test_a_target_of_a_workflow_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    wanted = {part for command in commands() if command.startswith("make ") for part in command.split()[1:]}
    assert wanted and wanted <= targets, wanted - targets


def test_every_action_is_pinned_to_a_commit():
    texts = [file.read_text("utf-8") for file in (ROOT / ".github" / "workflows").glob("*.yml")]
    used = [line for text in texts for line in re.findall(r"uses: (\S+)", text)]
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used
