"""The judge of `scripts/chaos.py` sees what is wrong; the trials themselves take minutes and are run by hand."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from segrec.core.images import encode_png
from segrec.data.masks.record import MaskRecord, SegmenterRecord, SourceRecord
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb, WordWriter

MASKS = [np.full((4, 6), 17 * level, np.uint8) for level in range(4)]


@pytest.fixture
def record(tmp_path) -> MaskRecord:
    with WordWriter(tmp_path / "words") as writer:
        for _ in MASKS:
            writer.add(encode_png(MASKS[0]), "word")
    source = SourceRecord.of(WordLmdb(tmp_path / "words"))
    return MaskRecord("predicted", source, SegmenterRecord("thin", "a" * 64), (16, None), (1, len(MASKS)))


def write(store: Path, record: MaskRecord, masks: list[np.ndarray]) -> Path:
    with MaskStoreWriter.open(store, record) as writer:
        for index, mask in enumerate(masks, 1):
            writer.write(index, [mask])
    return store


@pytest.fixture
def quiet(tmp_path, record) -> Path:
    return write(tmp_path / "quiet", record, MASKS)


def test_a_store_that_is_absent_begun_or_whole_is_sound_as_long_as_its_masks_are_right(tmp_path, record, quiet):
    from faults.workplace import SHARD, progress, unsound

    assert unsound(tmp_path / "absent", quiet) == [] and progress(tmp_path / "absent") == 0
    begun = write(tmp_path / "begun", record, MASKS[:2])
    assert unsound(begun, quiet) == [] and progress(begun) == 2
    assert unsound(quiet, quiet) == []
    wrong = write(tmp_path / "wrong", record, [MASKS[0], MASKS[2]])
    assert unsound(wrong, quiet) == ["masks from 1 on differ from those of an undisturbed run"]
    (wrong / SHARD / "data.mdb").write_bytes(b"no database")
    assert "the store does not open: " in unsound(wrong, quiet)[0]


def test_a_finished_store_must_be_equal_byte_by_byte_with_nothing_left_beside(tmp_path, record, quiet):
    from faults.workplace import SHARD, differing

    same = shutil.copytree(quiet, tmp_path / "same")
    assert differing(same, quiet) == []
    other = write(tmp_path / "other", record, MASKS[::-1])
    assert differing(other, quiet) == [f"{SHARD}/data.mdb differs from that of an undisturbed run"]
    (same / SHARD / ".data.mdb.partial").touch()
    assert "the store holds the files" in differing(same, quiet)[0]


@pytest.mark.parametrize(
    ("code", "said", "wrong"),
    [
        (1, "going on\nsegrec: no room; free space\n", []),
        (0, "segrec: no room; free space\n", ["exit code 0"]),
        (1, "segrec: no room; free space\nsegrec: free space\n", ["not one line"]),
        (1, "Traceback\nsegrec: no room; free space\n", ["not one line"]),
        (1, "segrec: no room\n", ["'free space' is not in"]),
    ],
)
def test_a_refusal_is_exit_code_1_and_one_line_that_says_what_to_do(code, said, wrong):
    from faults.run import Ended
    from faults.workplace import not_one_line

    found = not_one_line(Ended(code, said, 0), "free space")
    assert [found[place].startswith(words) for place, words in enumerate(wrong)] == [True] * len(found)
    assert len(found) == len(wrong)


def test_a_broken_promise_and_a_trial_that_needs_root_are_told_apart_from_what_holds():
    from chaos import verdict
    from faults.disks import MountError
    from faults.workplace import Outcome

    def refused(work: object, rng: random.Random) -> Outcome:
        raise MountError("only root can do that\n")

    assert verdict(lambda work, rng: Outcome("fine", []), None, 0) == ("holds", "fine", [])
    assert verdict(lambda work, rng: Outcome("lost", ["mask 7"]), None, 0) == ("BROKEN", "lost", ["mask 7"])
    assert verdict(refused, None, 0) == ("left out", "only root can do that", [])


def cells(table: str, name: str) -> list[str]:
    """Return the cells of the line of a table that begins with a name."""
    line = next(line for line in table.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_one_broken_promise_is_exit_code_1_and_a_used_folder_is_refused(tmp_path, monkeypatch):
    import chaos
    from faults.workplace import Outcome

    class Place:
        seconds = 1.0

        def __init__(self, folder: Path, count: int) -> None:
            folder.mkdir(exist_ok=True)

    trials = {"kind": lambda work, rng: Outcome("fine", [])}
    monkeypatch.setattr(chaos, "Workplace", Place)
    monkeypatch.setattr(chaos, "all_trials", lambda kills: trials)
    good = CliRunner().invoke(chaos.main, ["--folder", str(tmp_path / "new")])
    assert good.exit_code == 0 and cells(good.stdout, "kind")[:3] == ["kind", "holds", "fine"]
    trials["unkind"] = lambda work, rng: Outcome("lost", ["mask 7"])
    bad = CliRunner().invoke(chaos.main, ["--folder", str(tmp_path / "newer")])
    assert bad.exit_code == 1 and "unkind: mask 7" in bad.stderr
    assert cells(bad.stdout, "unkind")[:3] == ["unkind", "BROKEN", "lost"]
    assert CliRunner().invoke(chaos.main, ["--folder", str(tmp_path)]).exit_code == 2
