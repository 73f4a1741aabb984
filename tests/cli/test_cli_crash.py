"""Whatever ends a job early, the same command run again ends in the bytes of a quiet run."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest
from cli_words import contents, copy_words, list_of_crops
from segrec_process import Killable

from segrec.core.errors import DataError
from segrec.core.lmdb_io import LmdbReader
from segrec.data.masks.store import MaskStore
from segrec.importers.record import ImportRecord

COUNT, CHUNK = 200, 4
STEPS = 16
SMALL = {"chunk": CHUNK, "checkpoint": 3, "log": 4}
PRECIOUS = ("last.safetensors", "best.safetensors", "metrics.jsonl")


@pytest.fixture(scope="module")
def many(words: Path) -> Path:
    """Words enough for several transactions, one of them without a readable image."""
    return copy_words(words, words.parent / "many", COUNT, images={31: b"no picture"})


def precompute(many: Path, store: Path) -> Killable:
    arguments = ["precompute-masks", "--data", str(many), "--output", str(store), "--device", "cpu"]
    return Killable(arguments, store.with_suffix(".log"), small=SMALL)


def masks_in(store: Path) -> int:
    file = store / "shard-00001-of-00001" / "data.mdb"
    if not file.exists():
        return 0
    return int(LmdbReader(file.parent).get(b"progress") or b"0")


@pytest.fixture(scope="module")
def quiet_store(many: Path) -> Path:
    store = many.parent / "quiet"
    assert precompute(many, store).join() == 0
    assert MaskStore(store).complete and MaskStore(store)[30] is None
    return store


def test_a_mask_store_killed_again_and_again_equals_an_uninterrupted_one(tmp_path, many, quiet_store):
    moments = random.Random(5)
    reached = []
    for wanted in [0, 1, *sorted(moments.sample(range(5, COUNT - 12), 3))]:
        run = precompute(many, tmp_path / "store")
        run.wait_until(lambda wanted=wanted: masks_in(tmp_path / "store") >= wanted)
        time.sleep(moments.uniform(0, 0.01))
        run.send(signal.SIGKILL)
        reached.append(masks_in(tmp_path / "store"))
    assert any(0 < done < COUNT for done in reached), reached
    last = precompute(many, tmp_path / "store")
    assert last.join() == 0
    assert contents(tmp_path / "store") == contents(quiet_store)
    assert "going on" in last.log.read_text()


def test_an_interrupted_precompute_exits_130_and_ends_in_the_same_store(tmp_path, many, quiet_store):
    run = precompute(many, tmp_path / "store")
    run.wait_until(lambda: masks_in(tmp_path / "store") >= 2 * CHUNK)
    assert run.send(signal.SIGINT) == 130
    said = run.log.read_text()
    assert said.splitlines()[-1] == "segrec: interrupted; run the same command again to go on"
    assert "Traceback" not in said
    assert 0 < masks_in(tmp_path / "store") < COUNT
    assert precompute(many, tmp_path / "store").join() == 0
    assert contents(tmp_path / "store") == contents(quiet_store)


def words_in(output: Path) -> int:
    """Return how many words an import has stored, in its final place or not."""
    for folder in (output, output / ".import"):
        if (folder / "data.mdb").exists():
            try:
                record = ImportRecord.of(folder)
            except DataError:  # it got its final name just now
                continue
            return record.progress.words if record else 0
    return 0


def test_an_import_whose_processes_are_killed_again_and_again_equals_an_uninterrupted_one(tmp_path, words):
    source = list_of_crops(words, tmp_path / "crops", COUNT)

    def start(output: Path) -> Killable:
        arguments = ["import", "tsv", str(source), "--output", str(output), "--workers", "2"]
        return Killable(arguments, output.with_suffix(".log"), small=SMALL)

    assert start(tmp_path / "quiet").join() == 0
    reached = []
    for wanted in (0, 8, 60, 130):
        run = start(tmp_path / "words")
        run.wait_until(lambda wanted=wanted: words_in(tmp_path / "words") >= wanted)
        run.send(signal.SIGKILL)
        reached.append(words_in(tmp_path / "words"))
    assert any(0 < stored < COUNT for stored in reached), reached
    last = start(tmp_path / "words")
    assert last.join() == 0
    assert contents(tmp_path / "words") == contents(tmp_path / "quiet")
    assert "going on" in last.log.read_text()


def finetune(words: Path, masks: Path, run: Path) -> Killable:
    arguments = ["finetune", "crnn", "--data", str(words), "--masks", str(masks), "--output", str(run)]
    settings = ["--steps", str(STEPS), "--batch-size", "3", "--augment", "--device", "cpu", "--workers", "1"]
    return Killable([*arguments, *settings], run.with_suffix(".log"), small=SMALL)


def precious(run: Path) -> dict[str, str]:
    found = contents(run)
    return {name: found[name] for name in PRECIOUS}


def rows_of(run: Path) -> int:
    return (run / "metrics.jsonl").read_text().count("\n") if (run / "metrics.jsonl").exists() else 0


@pytest.fixture(scope="module")
def quiet_run(words: Path, masks: Path) -> Path:
    run = words.parent / "quiet-run"
    assert finetune(words, masks, run).join() == 0
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(4, STEPS + 1, 4))
    return run


def test_a_fine_tuning_killed_again_and_again_ends_in_the_same_bits_and_metrics(tmp_path, words, masks, quiet_run):
    moments = random.Random(8)
    reached = []
    for rows in (0, 1, 2):
        run = finetune(words, masks, tmp_path / "run")
        run.wait_until(lambda rows=rows: rows_of(tmp_path / "run") >= rows)
        time.sleep(moments.uniform(0, 0.02))
        run.send(signal.SIGKILL)
        reached.append(rows_of(tmp_path / "run"))
    assert any(0 < rows < STEPS // 4 for rows in reached), reached
    (tmp_path / "run" / ".state.pt.1.partial").write_bytes(b"what a kill in the middle of a write leaves")
    last = finetune(words, masks, tmp_path / "run")
    assert last.join() == 0
    assert list((tmp_path / "run").glob(".*")) == []
    assert "resuming" in last.log.read_text()
    assert precious(tmp_path / "run") == precious(quiet_run)


def test_an_interrupted_fine_tuning_saves_its_step_and_exits_130(tmp_path, words, masks, quiet_run):
    run = finetune(words, masks, tmp_path / "run")
    run.wait_until(lambda: rows_of(tmp_path / "run") >= 1)
    assert run.send(signal.SIGINT) == 130
    said = run.log.read_text()
    assert said.count("interrupted: finishing the step and saving") == 1
    assert said.splitlines()[-1] == "segrec: interrupted; run the same command again to go on"
    assert "Traceback" not in said
    assert (tmp_path / "run" / "state.pt").exists()
    assert finetune(words, masks, tmp_path / "run").join() == 0
    assert precious(tmp_path / "run") == precious(quiet_run)


def test_rendering_interrupted_in_its_workers_exits_130_in_one_line_and_leaves_nothing_for_whole(tmp_path):
    scenes = tmp_path / "scenes"
    arguments = ["render", "scenes", "--count", "100000", "--output", str(scenes), "--workers", "2"]
    run = Killable(arguments, tmp_path / "log", small={})
    run.wait_until(lambda: any(scenes.glob("images/*.jpg")))
    assert run.send(signal.SIGINT) == 130
    assert run.log.read_text().strip() == "segrec: interrupted; run the same command again to go on"
    assert not (scenes / "scenes.json").exists()
