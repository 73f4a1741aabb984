"""Each process that torchrun or SLURM starts takes a shard of its own, and all of them together the whole."""

from __future__ import annotations

import os

import pytest
import torch

from segrec.core.errors import ConfigError
from segrec.jobs.shards import shard_of_environment


@pytest.fixture
def environment(monkeypatch):
    """Sets the variables of a launcher, all others being absent."""

    def set_all(**variables: object) -> None:
        for name in [name for name in os.environ if name.startswith("SLURM_")] + ["RANK", "WORLD_SIZE", "LOCAL_RANK"]:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return set_all


@pytest.fixture
def four_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)


def array(task: int, first: int, last: int, count: int) -> dict[str, object]:
    names = ("ID", "MIN", "MAX", "COUNT")
    return {f"SLURM_ARRAY_TASK_{name}": value for name, value in zip(names, (task, first, last, count), strict=True)}


def test_a_process_alone_does_all_and_says_nothing(environment, caplog):
    environment(SLURM_JOB_ID=4, SLURM_NTASKS=8)
    assert shard_of_environment("cpu") == ((1, 1), "cpu")
    environment(RANK=0, WORLD_SIZE=1, LOCAL_RANK=0, **array(7, 7, 7, 1))
    assert shard_of_environment() == ((1, 1), "auto")
    assert caplog.text == ""


def test_each_process_of_torchrun_takes_a_shard_and_a_device_of_its_own(environment, four_gpus, caplog):
    caplog.set_level("INFO", "segrec")
    environment(RANK=6, WORLD_SIZE=8, LOCAL_RANK=2, SLURM_PROCID=1, SLURM_NTASKS=2)
    assert shard_of_environment() == ((7, 8), "cuda:2")
    assert "shard 7/8 of torchrun, device cuda:2; --shard 1/1 does all" in caplog.text
    assert shard_of_environment("cpu") == ((7, 8), "cpu")
    environment(RANK=6, WORLD_SIZE=8, LOCAL_RANK=6)
    with pytest.raises(ConfigError, match="more processes than this machine's 4 CUDA devices"):
        shard_of_environment()
    environment(WORLD_SIZE=8)
    with pytest.raises(ConfigError, match="not all numbers"):
        shard_of_environment()


def test_tasks_of_srun_take_a_shard_and_share_the_devices_that_they_see(environment, four_gpus):
    for local, device in [(0, "cuda:0"), (3, "cuda:3"), (5, "cuda:1")]:
        environment(SLURM_PROCID=10, SLURM_NTASKS=16, SLURM_LOCALID=local)
        assert shard_of_environment() == ((11, 16), device)


@pytest.mark.parametrize(
    ("variables", "shard"),
    [
        (array(0, 0, 15, 16), (1, 16)),
        (array(15, 0, 15, 16), (16, 16)),
        (array(3, 1, 3, 3), (3, 3)),
        (array(8, 0, 12, 4), (3, 4)),
        ({**array(1, 0, 2, 3), "SLURM_PROCID": 1, "SLURM_NTASKS": 2}, (4, 6)),
    ],
)
def test_tasks_of_an_array_take_the_shards_in_order(environment, variables, shard):
    environment(**variables)
    assert shard_of_environment("cpu").shard == shard


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (array(3, 1, 7, 3), "task 3 of a SLURM array of 3 from 1 to 7 does not say which shard it is"),
        (array(2, 1, 8, 3), "use an array without gaps, as --array=0-15"),
        (array(9, 0, 3, 4), "does not say which shard it is"),
        (array(0, 0, 0, 0), "does not say which shard it is"),
        ({"SLURM_ARRAY_TASK_ID": 1}, "SLURM_ARRAY_TASK_MIN is None, expected a number"),
        ({"SLURM_PROCID": "x", "SLURM_NTASKS": 2}, "SLURM_PROCID is 'x', expected a number; start with"),
        ({"SLURM_PROCID": 2, "SLURM_NTASKS": 2}, "SLURM_PROCID 2 is not below SLURM_NTASKS 2; start with srun"),
    ],
)
def test_an_environment_that_names_no_shard_is_refused_in_one_line(environment, variables, words):
    environment(**variables)
    with pytest.raises(ConfigError) as error:
        shard_of_environment("cpu")
    assert words in str(error.value) and "\n" not in str(error.value)
