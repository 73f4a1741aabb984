"""What the comparison of two checkouts runs, by a command of a moment; nothing is timed here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

CHECKOUT = Path(__file__).parents[2]
SEEN = """
_asked = command.callback

def _seen(*arguments, **options):
    with open({seen!r}, "a") as file:
        file.write("x")
    return _asked(*arguments, **options)

command.callback = _seen
"""


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another checkout, whose `segrec info` leaves a letter in a file each time."""
    from benchmarks import slowdown

    monkeypatch.setattr(slowdown, "COMMANDS", {"looking": ["info", "words"]})
    for package in ("segrec", "segmenter", "recognizers"):
        shutil.copytree(CHECKOUT / package, tmp_path / "before" / package)
    with open(tmp_path / "before" / "segrec" / "cli" / "info.py", "a", encoding="utf-8") as source:
        source.write(SEEN.format(seen=str(tmp_path / "seen")))
    return tmp_path / "before"


def test_each_checkout_runs_its_own_code_in_turns(before: Path):
    from benchmarks.slowdown import slowdown

    asked = [str(before), "--count=2", "--pairs=3"]
    found = CliRunner().invoke(slowdown, [*asked, "--most=100000"])
    assert found.exit_code == 0 and "looking: " in found.output and "3 pairs of 2 words" in found.output, found.output
    assert (before.parent / "seen").read_text() == "xxxx"  # a warm-up and three pairs
    assert CliRunner().invoke(slowdown, [*asked, "--most=-100"]).exit_code == 1


def test_the_interval_of_pairs_decides():
    from benchmarks.slowdown import verdict_of

    even, slow, few = verdict_of([0.99, 1.0, 1.01] * 20), verdict_of([1.04, 1.05, 1.06] * 20), verdict_of([0.9, 1.2])
    assert (even.says(2), slow.says(2), few.says(2)) == ("no", "yes", "undecided")
    assert (even.more, even.pairs) == (0.0, 60) and slow.low == pytest.approx(5, abs=1.1) and few.high > 2


def test_a_command_that_fails_is_not_timed(before: Path, tmp_path: Path):
    from benchmarks.slowdown import compare

    with pytest.raises(RuntimeError, match="a command failed with exit code 1"):
        compare(before, tmp_path, ["info", "nothing"], pairs=1, most=2.0)
