"""What the Ray engine decides and refuses before, and beside, any cluster."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from segrec.cli import main
from segrec.core.errors import BusyError, ConfigError, DataError, LibraryError
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb
from segrec.jobs import ray_actor
from segrec.jobs.precompute import open_segmenter, precompute_masks, predicted_record
from segrec.jobs.precompute_ray import chosen_blocks, chosen_pool, ray_cluster
from segrec.jobs.ray_actor import RayJob, ShardActor, raise_reported
from segrec.rendering.writing import render_words


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings") / "words"
    render_words(folder, 4, seed=3)
    return folder


def ray_with(**resources: float) -> SimpleNamespace:
    return SimpleNamespace(cluster_resources=lambda: resources)


def job_of(words: Path, output: Path, *, blocks: int, count: int) -> RayJob:
    network, described = open_segmenter("mgnet-slim", device="cpu")
    record = predicted_record(WordLmdb(words), network, described, count=count)
    return RayJob(str(words), str(output), "mgnet-slim", record, blocks, 256, 1, "cpu", "off")


def batch(number: int) -> dict[str, np.ndarray]:
    return {"number": np.array([number])}


def test_without_ray_the_error_names_what_to_install(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = ["precompute-masks", "--engine", "ray", "--data", str(words), "--output", str(tmp_path / "store")]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("segrec: --engine ray needs Ray (") and error.endswith("run pip install 'segrec[ray]'\n")
    assert error.count("\n") == 1 and not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--engine", "ray", "--shard", "1/2"], "--engine ray does all shards; name their number with --blocks"),
        (["--blocks", "3"], "--blocks is for --engine ray"),
        (["--ray-address", "auto"], "--ray-address is for --engine ray"),
        (["--engine", "ray", "--blocks", "0"], "0 is not in the range x>=1"),
    ],
)
def test_options_that_the_engine_would_not_heed_are_refused(capsys, options, words):
    assert main(["precompute-masks", "--data", "nowhere", *options]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "no-such-host.invalid"])
def test_a_cluster_that_does_not_answer_is_refused_before_ray_tries_for_minutes(host):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"{host}:{unused.getsockname()[1]}"
        with (
            pytest.raises(LibraryError, match=re.escape(f"cannot join the Ray cluster at {address} (")) as error,
            ray_cluster(SimpleNamespace(is_initialized=lambda: False), address, None),
        ):
            pass
    assert str(error.value).endswith("; see ray status, or use --engine local") and "\n" not in str(error.value)


class RayError(Exception):
    """As Ray's own, the base of all that it raises."""


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"Unauthenticated: InvalidAuthToken\n", ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")),
        (b"", RayError("Token authentication is enabled but no authentication token was found.\nEnsure that")),
    ],
)
def test_a_cluster_that_asks_for_a_token_says_so_though_ray_may_say_it_past_python_only(capfd, said, error):
    def denied(**settings: object) -> None:
        os.write(2, said)
        raise error

    exceptions = SimpleNamespace(RayError=RayError)
    ray = SimpleNamespace(is_initialized=lambda: False, init=denied, exceptions=exceptions)
    with (
        pytest.raises(LibraryError, match=r"at auto \(it asks for a token: set RAY_AUTH_MODE=token here too, with"),
        ray_cluster(ray, "auto", None),
    ):
        pass
    assert capfd.readouterr() == ("", "")


def test_the_pool_is_one_actor_a_gpu_else_one_a_cpu():
    assert chosen_pool(ray_with(CPU=6.0), "auto", None) == (6, "cpu", {"num_cpus": 1, "num_gpus": 0})
    assert chosen_pool(ray_with(CPU=6.0, GPU=2.0), "auto", None) == (2, "cuda", {"num_cpus": 1, "num_gpus": 1})
    assert chosen_pool(ray_with(CPU=6.0, GPU=2.0), "cpu", 4)[:2] == (4, "cpu")
    assert chosen_pool(ray_with(CPU=6.0, GPU=2.0), "cuda", 1)[:2] == (1, "cuda")


@pytest.mark.parametrize(
    ("device", "actors", "words"),
    [
        ("cuda", None, "1 actors need as many GPUs, but Ray has 0; lower --actors or add nodes"),
        ("cpu", 7, "7 actors need as many CPUs, but Ray has 6"),
        ("cuda:1", None, "use --device auto, cuda or cpu, not 'cuda:1'"),
    ],
)
def test_a_pool_for_which_there_is_no_room_is_refused(device, actors, words):
    with pytest.raises(ConfigError, match=words):
        chosen_pool(ray_with(CPU=6.0), device, actors)


def test_blocks_are_those_of_the_store_or_a_few_for_each_actor(words, tmp_path):
    pool = chosen_pool(ray_with(CPU=3.0), "cpu", None)
    assert chosen_blocks(tmp_path / "store", 1_000_000, pool) == 12
    assert chosen_blocks(tmp_path / "store", 513, pool) == 2
    precompute_masks(words, tmp_path / "store", shard=(1, 5), device="cpu")
    assert chosen_blocks(tmp_path / "store", 1_000_000, pool) == 5


def test_an_actor_reports_its_work_and_the_errors_that_a_user_can_mend(words, tmp_path):
    actor = ShardActor(job_of(words, tmp_path / "store", blocks=2, count=4))
    report = {name: values.tolist() for name, values in actor(batch(2)).items()}
    assert report == {"number": [2], "words": [2], "predicted": [2], "unreadable": [0], "error": [""], "kind": [""]}
    raise_reported({name: values[0] for name, values in report.items()})
    wrong = ShardActor(job_of(words, tmp_path / "store", blocks=3, count=4))(batch(1))
    with pytest.raises(DataError, match="is cut into 2 shards, not 3; use the same number or choose another output"):
        raise_reported({name: values[0] for name, values in wrong.items()})


def test_a_node_that_sees_other_words_is_named(words, tmp_path):
    render_words(tmp_path / "others", 4, seed=4)
    job = job_of(words, tmp_path / "store", blocks=2, count=4)._replace(data=str(tmp_path / "others"))
    with pytest.raises(DataError, match=r"has source digest .* on node .*; every node must find the same files"):
        raise_reported({name: values[0] for name, values in ShardActor(job)(batch(1)).items()})


def test_an_actor_waits_for_a_shard_that_one_of_a_killed_job_still_writes(words, tmp_path, monkeypatch):
    job = job_of(words, tmp_path / "store", blocks=2, count=4)
    other = MaskStoreWriter.open(job.output, job.record, shard=(1, 2))
    slept: list[float] = []
    monkeypatch.setattr(ray_actor.time, "sleep", lambda seconds: (slept.append(seconds), other.close()))
    assert ShardActor(job)(batch(1))["words"].tolist() == [2] and slept == [ray_actor.ASK_EVERY]
    other = MaskStoreWriter.open(job.output, job.record, shard=(2, 2))
    monkeypatch.setattr(ray_actor, "BUSY_TIMEOUT", 0.0)
    refused = ShardActor(job)(batch(2))
    other.close()
    with pytest.raises(BusyError, match="is being written by another process; wait for it or choose another output"):
        raise_reported({name: values[0] for name, values in refused.items()})
