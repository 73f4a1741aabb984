"""What the comparison of two checkouts runs, by a command of a moment; nothing is timed here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another checkout, whose `segrec info` leaves a file in the folder that it works in."""
    from benchmarks import slowdown

    monkeypatch.setattr(slowdown, "COMMANDS", {"looking": ["info", "words"]})
    for package in ("segrec", "segmenter", "recognizers"):
        shutil.copytree(CHECKOUT / package, tmp_path / "before" / package)
    source = tmp_path / "before" / "segrec" / "cli" / "info.py"
    seen = f"open({str(tmp_path / 'seen')!r}, 'a').write('x')"
    source.write_text(f"{source.read_text('utf-8')}\n{seen}\n", "utf-8")
    return tmp_path / "before"


def test_each_checkout_runs_its_own_code_in_turns(before: Path):
    from benchmarks.slowdown import slowdown

    asked = [str(before), "--count=2", "--repeats=2"]
    found = CliRunner().invoke(slowdown, [*asked, "--most=100000"])
    assert found.exit_code == 0 and "looking: " in found.output and "% processor time" in found.output, found.output
    assert (before.parent / "seen").read_text() == "xxx"  # a warm-up and two repeats
    assert CliRunner().invoke(slowdown, [*asked, "--most=-100"]).exit_code == 1
