"""The order of training samples and their loading."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from segrec.core.batches import Joined, StepSampler, step_batches
from segrec.core.errors import ConfigError, DataError


class Numbers:
    """Gives (name, position, visit); the position `bad` gives an error."""

    def __init__(self, size: int, name: str = "a", bad: int | None = None) -> None:
        self.size, self.name, self.bad = size, name, bad

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key):
        if key[0] == self.bad:
            raise DataError(f"number {key[0]} is damaged; make it again")
        return self.name, *key


def keys(size: int, batch: int, seed: int = 0, first: int = 0, steps: int = 12) -> list[list[tuple[int, int]]]:
    return list(StepSampler(size, batch, seed, first, steps))


@pytest.mark.parametrize(("size", "batch"), [(7, 3), (7, 7), (1, 1), (4, 6), (5, 1)])
def test_every_epoch_gives_every_sample_once(size, batch):
    batches = keys(size, batch, steps=6 * size)
    assert {len(one) for one in batches} == {batch}
    flat = [key for one in batches for key in one]
    for epoch in range(6 * batch):
        positions = flat[epoch * size : (epoch + 1) * size]
        assert Counter(positions) == Counter((position, epoch) for position in range(size))


@pytest.mark.parametrize("first", [0, 1, 5, 11, 12, 20])
def test_a_steps_batch_does_not_depend_on_the_first_step(first):
    whole = keys(7, 3, seed=4)
    sampler = StepSampler(7, 3, 4, first, 12)
    assert list(sampler) == whole[first:]
    assert len(sampler) == len(whole[first:])


def test_epochs_and_seeds_have_orders_of_their_own():
    first, second = keys(50, 50, steps=2)
    assert [position for position, _ in first] != [position for position, _ in second]
    assert keys(50, 50, seed=1, steps=1)[0] != first
    assert keys(50, 50, steps=1)[0] == first


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_from_any_step(workers):
    load = step_batches(Numbers(5), list, batch_size=2, seed=3, steps=9, workers=workers)
    whole = list(load(0))
    assert [[("a", *key) for key in one] for one in keys(5, 2, seed=3, steps=9)] == whole
    assert list(load(6)) == whole[6:]
    assert list(load(9)) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_leaves_the_random_numbers_of_the_run_alone(workers):
    before = torch.get_rng_state()
    next(step_batches(Numbers(5), list, batch_size=2, seed=3, steps=2, workers=workers)(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_data_stays_one_line(workers):
    load = step_batches(Numbers(4, bad=2), list, batch_size=4, seed=0, steps=1, workers=workers)
    with pytest.raises(DataError) as error:
        list(load(0))
    assert str(error.value) == "number 2 is damaged; make it again"


def test_joined_datasets_follow_one_another():
    joined = Joined([Numbers(2, "a"), Numbers(0, "none"), Numbers(3, "b")])
    assert len(joined) == 5
    assert [joined[position, 7] for position in range(5)] == [
        ("a", 0, 7),
        ("a", 1, 7),
        ("b", 0, 7),
        ("b", 1, 7),
        ("b", 2, 7),
    ]
    assert len(Joined([])) == 0


def test_nothing_to_train_on_is_refused():
    with pytest.raises(ConfigError, match="nothing to train on"):
        step_batches(Numbers(0), list, batch_size=2, seed=0, steps=3)
