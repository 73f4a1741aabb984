"""What two processes do together, against one process alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shared_training
import torch
from forked import ranks
from torch import nn

from segrec.core.checkpoint import load_weights
from segrec.core.errors import ConfigError
from segrec.training.distributed import ALONE, launched, shared
from segrec.training.global_norm import with_global_norms
from segrec.training.run_directory import RunDirectory

MODELS = {"small": shared_training.small, "one head": shared_training.TwoHeads, "uneven": shared_training.guided}


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of all trainings in two processes, and what each process saw."""
    folder = tmp_path_factory.mktemp("together")
    for process in ranks(shared_training.all_trainings_together, folder, folder=folder):
        assert process.join() == 0, process.errors.read_text()
    return folder, [torch.load(folder / f"rank-{rank}.pt") for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("alone")
    return folder, shared_training.comparable(folder, ALONE)


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", MODELS)
def test_two_processes_train_the_weights_of_one_with_the_whole_batch(together, alone, name):
    for seen in together[1]:
        mine, single = seen[name]["weights"], alone[1][name]["weights"]
        assert list(mine) == list(single)
        torch.testing.assert_close(mine, single, rtol=1e-7, atol=1e-9)
    start = MODELS[name]().state_dict()
    assert any(not torch.allclose(tensor, start[key], rtol=1e-3) for key, tensor in alone[1][name]["weights"].items())


@pytest.mark.parametrize("name", MODELS)
def test_the_losses_logged_are_those_of_the_whole_batch_and_each_is_logged_once(together, alone, name):
    mine, single = rows(together[0] / name), rows(alone[0] / name)
    assert [row["step"] for row in mine] == [row["step"] for row in single]
    for row, expected in zip(mine, single, strict=True):
        assert row == pytest.approx(expected, rel=1e-6, abs=2e-6)


def test_weights_without_a_gradient_are_left_to_themselves_as_in_one_process(together, alone):
    trained = alone[1]["one head"]["optimised"]
    assert trained == len(list(shared_training.TwoHeads().parameters())) - 6
    assert [seen["one head"]["optimised"] for seen in together[1]] == [trained, trained]


def test_both_processes_hold_the_same_weights_and_those_are_on_disk(together):
    folder, (first, second) = together
    for name in MODELS:
        saved, _ = load_weights(folder / name / "last.safetensors")
        for key, tensor in first[name]["weights"].items():
            assert torch.equal(tensor, second[name]["weights"][key]), (name, key)
            assert torch.equal(saved[key], tensor.float() if tensor.is_floating_point() else tensor), (name, key)


def test_an_infinite_loss_in_one_process_stops_all_with_the_same_words(together):
    message = (
        "TrainingError: the loss became inf at step 4; the last checkpoint is kept, lower --lr or check the labels"
    )
    assert [seen["infinite"] for seen in together[1]] == [message, message]
    assert RunDirectory(together[0] / "infinite").load_state()["step"] == 2


def test_an_interrupt_of_one_process_stops_all_after_the_same_step_and_is_resumed_bit_identical(together):
    folder, seen = together
    assert [process["interrupt"] for process in seen] == [("KeyboardInterrupt: ", 3)] * 2
    for name in ("last.safetensors", "metrics.jsonl"):
        assert (folder / "interrupted" / name).read_bytes() == (folder / "small" / name).read_bytes(), name


def test_a_crashed_run_ends_bit_identical_to_one_that_was_not(together):
    folder, seen = together
    assert [process["crash"] for process in seen] == ["Crash: "] * 2
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert (folder / "resumed" / name).read_bytes() == (folder / "noisy" / name).read_bytes(), name


def test_each_process_has_random_numbers_of_its_own_also_after_a_resumption(together):
    states = RunDirectory(together[0] / "resumed").load_state()["random"]
    assert len(states) == 2 and not torch.equal(states[0], states[1])
    assert torch.equal(states, RunDirectory(together[0] / "noisy").load_state()["random"])


def test_all_processes_have_the_scores_of_the_main_one(together):
    assert [seen["scores"] for seen in together[1]] == [{"score": 0.5}] * 2


def test_all_processes_end_early_together(together):
    assert [seen["patient"] for seen in together[1]] == [({"score": 0.5}, 2)] * 2


@pytest.mark.parametrize("name", ["small", "averaged"])
def test_the_average_of_two_processes_is_that_of_one(together, alone, name):
    mine, _ = load_weights(together[0] / name / "last.safetensors")
    single, _ = load_weights(alone[0] / name / "last.safetensors")
    torch.testing.assert_close(mine, single, rtol=1e-6, atol=1e-7)
    if name == "averaged":
        raw, _ = load_weights(together[0] / "small" / "last.safetensors")
        assert not torch.equal(mine["0.weight"], raw["0.weight"])


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("broken evaluation", "DataError: the truth is gone"),
        ("other settings", "holds a run with seed=0, this one has 1; choose another --output"),
        ("odd batch", "ConfigError: a batch of 5 cannot be shared evenly by 2 processes; choose a multiple of 2"),
    ],
)
def test_errors_are_those_of_all_processes(together, what, message):
    assert all(message in seen[what] for seen in together[1]), [seen[what] for seen in together[1]]


def test_counts_are_summed_by_name_and_a_flag_of_one_is_seen_by_all(together):
    for seen in together[1]:
        assert seen["sum"] == {"b": 3.0, "a": 3.0} and list(seen["sum"]) == ["b", "a"]
        assert seen["any"] == [True, False]


def test_all_processes_get_what_each_gave_by_rank(together):
    for seen in together[1]:
        assert seen["gathered"] == [{"rank": 0, "words": []}, {"rank": 1, "words": ["a"]}]


def test_alone_nothing_is_wrapped_and_numbers_stay_as_they_are(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    model = nn.BatchNorm2d(2)
    with launched("cpu") as world:
        assert (world.rank, world.size, world.is_main, world.device) == (0, 1, True, torch.device("cpu"))
        assert shared(model, world) is model
        assert world.sum({"a": 0.1}) == {"a": 0.1} and not world.any(False)
        assert world.gather(torch.ones(2)).shape == (1, 2)
        assert world.gather_objects({"a": 1}) == [{"a": 1}]
        world.barrier()
        assert not torch.distributed.is_initialized()


def test_a_half_set_environment_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    message = "RANK, WORLD_SIZE, LOCAL_RANK are not all numbers; start with torchrun"
    with pytest.raises(ConfigError, match=message), launched("cpu"):
        pass


def test_a_named_device_cannot_be_shared_by_processes(monkeypatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("segrec.training.distributed.resolve_device", torch.device)
    message = "a device of its own; use auto, cuda or cpu, not 'cuda:1'"
    with pytest.raises(ConfigError, match=message), launched("cuda:1"):
        pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    message = "more processes than this machine's 0 CUDA devices; lower --nproc-per-node"
    with pytest.raises(ConfigError, match=message), launched("cuda"):
        pass


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_global_norm_of_one_process_is_the_norm_itself(affine, momentum):
    torch.manual_seed(2)
    norm = nn.BatchNorm2d(3, momentum=momentum, affine=affine).double()
    plain, ours = nn.Sequential(norm), nn.Sequential(nn.BatchNorm2d(3, momentum=momentum, affine=affine).double())
    with_global_norms(ours, lambda tensor: tensor[None])
    for _ in range(2):
        maps = torch.randn(4, 3, 5, 2, dtype=torch.float64)
        inputs = [maps.clone().requires_grad_() for _ in range(2)]
        outputs = [model(x) for model, x in zip((plain, ours), inputs, strict=True)]
        for output in outputs:
            (output**3).sum().backward()
        torch.testing.assert_close(outputs[1], outputs[0])
        torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    assert list(ours.state_dict()) == list(plain.state_dict())
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)
    torch.testing.assert_close(ours.eval()(maps), plain.eval()(maps))


def test_a_global_norm_of_one_value_a_channel_keeps_its_running_statistics_finite():
    norm = nn.BatchNorm1d(2, momentum=0.5).double()
    model = with_global_norms(nn.Sequential(norm), lambda tensor: tensor[None])
    output = model(torch.tensor([[3.0, -1.0]], dtype=torch.float64))
    assert output.tolist() == [[0.0, 0.0]]
    assert norm.running_mean.tolist() == [1.5, -0.5] and norm.running_var.tolist() == [0.5, 0.5]


def test_a_global_norm_keeps_the_very_parameters_and_the_mode():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2).eval())
    before = {name: id(tensor) for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
    with_global_norms(model, lambda tensor: tensor[None])
    assert {name: id(t) for name, t in [*model.named_parameters(), *model.named_buffers()]} == before
    assert not model[1].training and type(model[1]) is not nn.BatchNorm2d
