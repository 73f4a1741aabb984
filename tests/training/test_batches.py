"""The order of training samples and their loading."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from segrec.core.errors import ConfigError, DataError
from segrec.training.batches import Joined, step_batches
from segrec.training.distributed import World
from segrec.training.sampling import MixedSampler, StepSampler, batch_counts


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


@pytest.mark.parametrize(
    ("ratios", "batch", "counts"),
    [
        ((1.0,), 5, [5]),
        ((0.7, 0.2, 0.1), 10, [7, 2, 1]),
        ((1, 1, 1), 8, [3, 3, 2]),
        ((5, 3, 2), 7, [4, 2, 1]),  # 3.5, 2.1 and 1.4
        ((1, 1.7), 4, [1, 3]),  # 1.48 and 2.52
    ],
)
def test_shares_are_rounded_by_largest_remainder(ratios, batch, counts):
    assert batch_counts(ratios, batch) == counts


def test_every_batch_of_a_mixture_has_the_same_share_of_each_dataset():
    datasets = [Numbers(5, "a"), Numbers(2, "b")]
    load = step_batches(datasets, list, batch_size=4, seed=3, steps=10, ratios=[3, 1])
    batches = list(load(0))
    assert {tuple(name for name, _, _ in batch) for batch in batches} == {("a", "a", "a", "b")}
    for name, size, epochs in (("a", 5, 6), ("b", 2, 5)):
        seen = [(position, visit) for batch in batches for of, position, visit in batch if of == name]
        for epoch in range(epochs):
            positions = seen[epoch * size : (epoch + 1) * size]
            assert Counter(positions) == Counter((position, epoch) for position in range(size))
    assert list(load(7)) == batches[7:]


def test_the_datasets_of_a_mixture_have_orders_of_their_own():
    (batch,) = MixedSampler([50, 50], [50, 50], 0, 0, 1)
    assert [position for position, _ in batch[:50]] != [position - 50 for position, _ in batch[50:]]
    assert next(iter(MixedSampler([50, 50], [50, 50], 1, 0, 1))) != batch


@pytest.mark.parametrize("ratios", [None, [3, 1]])
def test_the_shares_of_all_processes_are_the_batch_of_one(ratios):
    def batches(world: World) -> list:
        sets = [Numbers(5, "a"), Numbers(2, "b")]
        return list(step_batches(sets, list, batch_size=6, seed=3, steps=4, world=world, ratios=ratios)(1))

    cpu = torch.device("cpu")
    shares = [batches(World(rank, 3, cpu)) for rank in range(3)]
    for step, whole in enumerate(batches(World(0, 1, cpu))):
        assert [len(share[step]) for share in shares] == [2, 2, 2]
        assert [shares[place % 3][step][place // 3] for place in range(6)] == whole


def test_datasets_without_ratios_are_joined():
    sets = [Numbers(5, "a"), Numbers(2, "b")]
    both = [step_batches(data, list, batch_size=3, seed=1, steps=9)(0) for data in (sets, Joined(sets))]
    assert list(both[0]) == list(both[1])


@pytest.mark.parametrize(
    ("sizes", "ratios", "message"),
    [
        ((5, 2), [1.0], "there are 1 ratios for 2 datasets; give one ratio for each"),
        ((5, 2), [1.0, 0.0], "ratios must be positive numbers, got 0 for dataset 2"),
        ((5, 2), [float("nan"), 1.0], "got nan for dataset 1"),
        ((5, 2), [float("inf"), 1.0], "got inf for dataset 1"),
        ((5, 0), [1.0, 1.0], "dataset 2 of the mixture holds nothing; leave it and its ratio out"),
        (
            (5, 2),
            [9.0, 0.5],
            r"ratio 0\.5 dataset 2 gives none of a batch of 4; raise its ratio or the size",
        ),
        ((5, 2, 1, 1, 1), [1.0] * 5, "ratio 1 dataset 5 gives none of a batch of 4"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(sizes, ratios, message):
    with pytest.raises(ConfigError, match=message):
        step_batches([Numbers(size) for size in sizes], list, batch_size=4, seed=0, steps=3, ratios=ratios)
