"""SIGTERM and SIGKILL inside a run of each command that writes: the same command again ends in the same bytes.

Long trials, with 25 moments each, are in `scripts/chaos.py`.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_words import contents, copy_words, list_of_crops
from forked import Forked
from segrec_process import Killable

from segrec.cli import main
from segrec.data.masks.store import MaskStore

COUNT = 160
SMALL = {"chunk": 4, "checkpoint": 2, "log": 1}
MOMENTS = (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)
TIMED = ("run.json",)
"""Files that say when they were made."""


class Job(NamedTuple):
    """A command that writes into a folder, and the sign in that folder that it is at work but not done."""

    command: Sequence[str]
    begun: Callable[[Path], bool]


def _jobs(words: Path, masks: Path, folder: Path) -> dict[str, Job]:
    many = copy_words(words, folder / "many", COUNT)
    crops = list_of_crops(words, folder / "crops", COUNT)
    tune = ["finetune", "crnn", "--output", "{output}/run", "--steps", "12", "--batch-size", "3", "--augment"]
    tune += ["--device", "cpu", "--workers", "1"]
    render = ["render", "words", "--count", "400", "--seed", "3", "--output", "{output}/words"]
    return {
        "finetune": Job(
            [*tune, "--data", str(words), "--masks", str(masks)],
            lambda output: _lines(output / "run/metrics.jsonl") > 0,
        ),
        "import": Job(
            ["import", "tsv", str(crops), "--output", "{output}/words"],
            lambda output: (output / "words/.import/data.mdb").exists() and not (output / "words/data.mdb").exists(),
        ),
        "render": Job(render, lambda output: (output / "words").exists()),
        "render, at its masks": Job(render, lambda output: (output / "words/data.mdb").exists()),
        "eval": Job(
            ["eval", "--data", f"w={many}", "--mask", "zero,random", "--predictions", "{output}/told.jsonl"],
            lambda output: any("reading" in line for line in _said(output)),
        ),
    }


def _lines(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def _said(output: Path) -> list[str]:
    log = output.with_suffix(".log")
    return log.read_text().splitlines() if log.exists() else []


def start(job: Job, output: Path) -> Forked:
    output.mkdir(exist_ok=True)
    arguments = [part.format(output=output) for part in job.command]
    return Forked(_telling, arguments, dict(SMALL), log=output.with_suffix(".log"))


def _telling(arguments: list[str], small: dict[str, int]) -> int:
    """Run a command that says when it begins to read words, and takes its time over the masks of rendered ones."""
    from segrec_process import _command

    from segrec.evaluation import scoring
    from segrec.rendering import writing

    own_parts = scoring._own_parts
    scoring._own_parts = lambda *given: (print("reading", flush=True), own_parts(*given))[1]
    pair = writing._pair
    writing._pair = lambda spool: (time.sleep(0.002), pair(spool))[1]  # they are written within a signal's delay
    return _command(arguments, small)


@pytest.mark.parametrize("name", ["finetune", "import", "render", "render, at its masks", "eval"])
def test_a_run_that_is_ended_at_any_moment_and_run_again_ends_in_the_same_bytes(tmp_path, words, masks, name):
    job, output = _jobs(words, masks, tmp_path)[name], tmp_path / "output"  # one path: masks name that of their words
    assert start(job, output).join() == 0
    wanted = _bytes(output)
    moments = random.Random(name)
    for turn, number in enumerate(MOMENTS):
        shutil.rmtree(output)
        output.with_suffix(".log").unlink()
        run = start(job, output)
        run.wait_until(lambda: job.begun(output))
        time.sleep(moments.uniform(0, 0.05) if turn else 0)
        assert run.send(number) == -number, f"the run had ended before the signal: {run.said()}"
        assert not _is_whole(output, wanted)
        assert start(job, output).join() == 0, run.said()
        assert _bytes(output) == wanted


def _bytes(output: Path) -> dict[str, str]:
    return {name: digest for name, digest in contents(output).items() if Path(name).name not in TIMED}


def _is_whole(output: Path, wanted: dict[str, str]) -> bool:
    return _bytes(output) == wanted


def test_a_shard_that_is_missing_in_the_middle_is_named_and_made_again(tmp_path, words, segrec):
    store = tmp_path / "store"
    command = ["precompute-masks", "--data", words, "--output", store, "--device", "cpu"]
    for shard in ("1/3", "2/3", "3/3"):
        assert segrec(*command, "--shard", shard).code == 0
    whole = contents(store)
    shutil.rmtree(store / "shard-00002-of-00003")
    ended = segrec("eval", "--data", f"w={words}", "--masks", f"w={store}", "--mask", "predicted")
    assert ended.code == 1 and ended.err.count("\n") == 1 and "shard 2/3 lacks masks" in ended.err
    assert segrec("info", store).code == 1
    assert segrec(*command, "--shard", "2/3").code == 0
    assert contents(store) == whole and MaskStore(store).complete


def test_a_clock_that_is_set_back_changes_nothing(tmp_path, words, segrec, monkeypatch):
    def run(name: str) -> tuple[dict[str, str], list[float]]:
        masks, trained = tmp_path / name / "masks", tmp_path / name / "run"
        assert segrec("precompute-masks", "--data", words, "--output", masks, "--device", "cpu").code == 0
        tune = ["finetune", "crnn", "--data", words, "--masks", masks, "--steps", "3", "--batch-size", "4"]
        ended = segrec(*tune, "--output", trained, "--device", "cpu")
        assert ended.code == 0, ended.err
        rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
        return {**contents(masks), **{"best": contents(trained)["best.safetensors"]}}, [row["loss"] for row in rows]

    now = time.time()
    quiet = run("quiet")
    monkeypatch.setattr(time, "time", lambda: now - 10_000 * (time.monotonic() % 7))
    assert run("odd") == quiet


def _spawning(arguments: list[str]) -> int:
    multiprocessing.set_start_method("spawn", force=True)
    return main(arguments)


def test_workers_that_are_spawned_give_the_same_run_as_forked_ones(tmp_path, words, masks):
    """As on macOS and Windows, where a worker gets nothing but what is pickled."""
    settings = ["--steps", "3", "--batch-size", "4", "--augment", "--device", "cpu", "--workers", "1"]
    command = ["finetune", "crnn", "--data", str(words), "--masks", str(masks), *settings, "--output"]
    spawned = Forked(_spawning, [*command, str(tmp_path / "spawned")], log=tmp_path / "spawned.log")
    forked = Killable([*command, str(tmp_path / "forked")], tmp_path / "forked.log", small={})
    assert (forked.join(), spawned.join()) == (0, 0), spawned.said()
    digests = [contents(tmp_path / name) for name in ("spawned", "forked")]
    assert digests[0]["best.safetensors"] == digests[1]["best.safetensors"]
