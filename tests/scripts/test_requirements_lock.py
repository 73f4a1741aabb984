"""The lock file of the continuous integration has a hash for every package, and all that the package asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"([a-z0-9._-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


def test_every_line_names_one_version_and_its_hash_and_no_place():
    head, *lines = (ROOT / "requirements-ci.txt").read_text("utf-8").splitlines()
    locked = {match[1].replace("_", "-"): match[2] for line in lines if (match := LINE.fullmatch(line))}
    assert head.startswith("# Made by scripts/lock.py") and len(locked) == len(lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in project["dependencies"]:
        match = re.match(r"([a-zA-Z0-9-]+)>=([0-9.]+)", requirement)
        assert match is not None
        found, floor = (tuple(map(int, text.split(".")[:2])) for text in (locked[match[1]], match[2] + ".0"))
        assert found >= floor, requirement


def test_a_package_without_a_hash_is_refused():
    from lock import lock

    environment = {"python_version": "3.11", "sys_platform": "linux", "platform_machine": "x86_64"}
    item = {"metadata": {"name": "Odd", "version": "1"}, "download_info": {"url": "file:///odd", "dir_info": {}}}
    own = {"metadata": {"name": "segrec", "version": "1"}, "download_info": {"url": "file:///own", "dir_info": {}}}
    with pytest.raises(SystemExit, match="odd 1 has no hash"):
        lock({"environment": environment, "install": [own, item]})
    item["download_info"] = {"archive_info": {"hashes": {"sha256": "0" * 64}}}
    assert lock({"environment": environment, "install": [own, item]}).splitlines()[1:] == [
        f"odd==1 --hash=sha256:{'0' * 64}"
    ]
