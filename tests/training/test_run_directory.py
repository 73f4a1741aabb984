"""The folder of a run and its settings."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from segrec.core.errors import CheckpointError, ConfigError, DataError
from segrec.core.files import read_json, write_json
from segrec.training.run_directory import RunDirectory


@dataclass(frozen=True)
class Settings:
    data: Sequence[str] = ("words",)
    steps: int = 10
    seed: int = 0
    lr: float | None = 0.1
    device: str = "cpu"
    amp: str = "off"
    workers: int = 0
    checkpoint_every: int = 100
    gradient_checkpointing: bool = False


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    assert run.begin("train", Settings(), parent="a") is None
    run.save_state({"step": 4, "model": {"w": torch.ones(2)}})
    return run


def test_a_new_run_records_its_settings(tmp_path):
    run = RunDirectory(tmp_path / "deep" / "run")
    assert run.begin("train", Settings(), parent="a") is None
    assert run.read_record()["settings"] == {
        "job": "train",
        "data": ["words"],
        "steps": 10,
        "seed": 0,
        "lr": 0.1,
        "device": "cpu",
        "amp": "off",
        "workers": 0,
        "checkpoint_every": 100,
        "gradient_checkpointing": False,
        "parent": "a",
    }


def test_the_same_settings_resume(run):
    state = run.begin("train", Settings(), parent="a")
    assert state is not None and state["step"] == 4 and torch.equal(state["model"]["w"], torch.ones(2))


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 99},
        {"device": "cuda"},
        {"amp": "bf16"},
        {"workers": 3},
        {"checkpoint_every": 7, "gradient_checkpointing": True},
    ],
)
def test_length_and_machine_may_change_and_the_new_ones_are_recorded(run, change):
    assert run.begin("train", replace(Settings(), **change), parent="a") is not None
    assert change.items() <= run.read_record()["settings"].items()


@pytest.mark.parametrize("former", [{"data": None}, {}])
def test_a_run_that_recorded_nothing_where_there_is_an_empty_list_now_resumes(run, former):
    record = read_json(run.record)
    kept = {name: value for name, value in record["settings"].items() if name != "data"}
    write_json(run.record, {"settings": kept | former})
    run.release()
    with pytest.raises(ConfigError, match="data=None"):
        RunDirectory(run.path).begin("train", Settings(), parent="a")
    assert RunDirectory(run.path).begin("train", Settings(data=[]), parent="a") is not None


def test_a_run_that_recorded_a_setting_under_its_former_name_resumes(run):
    record = run.read_record()
    write_json(run.record, {"settings": {**record["settings"], "ctc_aid": 0.5}})
    assert run.begin("train", Settings(), parent="a", ctc_weight=0.5) is not None
    assert run.read_record()["settings"]["ctc_weight"] == 0.5


@pytest.mark.parametrize(
    ("job", "settings", "parent", "message"),
    [
        ("train", Settings(seed=5), "a", "holds a run with seed=0, this one has 5; choose another --output"),
        ("train", Settings(lr=None), "a", "lr=0.1, this one has None"),
        ("train", Settings(data=["words", "more"]), "a", r"data=\['words'\], this one has \['words', 'more'\]"),
        ("train", Settings(), "b", "parent='a', this one has 'b'"),
        ("finetune", Settings(), "a", "job='train', this one has 'finetune'"),
    ],
)
def test_other_settings_are_refused_by_name_and_change_nothing(run, job, settings, parent, message):
    before = run.record.read_bytes()
    with pytest.raises(ConfigError, match=message) as error:
        run.begin(job, settings, parent=parent)
    assert "\n" not in str(error.value)
    assert run.record.read_bytes() == before


def test_settings_may_change_while_nothing_was_trained_yet(tmp_path):
    run = RunDirectory(tmp_path)
    run.begin("train", Settings())
    assert run.begin("train", Settings(seed=5)) is None
    assert run.read_record()["settings"]["seed"] == 5


@pytest.mark.parametrize("content", [[], {}, {"settings": 3}])
def test_a_record_of_another_kind_is_refused(run, content):
    write_json(run.record, content)
    with pytest.raises(DataError, match=r"run\.json holds no settings; it is damaged"):
        run.begin("train", Settings(), parent="a")


def test_a_damaged_or_foreign_state_is_refused(run):
    run.state.write_bytes(run.state.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"state\.pt cannot be read as a PyTorch file"):
        run.begin("train", Settings(), parent="a")
    torch.save({"weights": 1}, run.state)
    with pytest.raises(CheckpointError, match=r"state\.pt is not a training state; delete .* and start again"):
        run.begin("train", Settings(), parent="a")


def test_the_record_is_readable_by_people(run):
    assert read_json(run.record) == run.read_record()
    assert '\n    "seed": 0,\n' in run.record.read_text()


def test_the_bytes_of_a_state_depend_on_its_content_alone(tmp_path):
    def state(text: Callable[[str], str]) -> dict[str, object]:
        """A state whose texts are the program's own, or were read from a file."""
        rows = OrderedDict({text("loss"): 0.5})
        rows._metadata = {"version": 1}
        return {"step": 4, "rows": rows, text("kinds"): [(text("loss"), text("step"))]}

    contents = []
    for name, text in {"own": sys.intern, "read": lambda text: "".join(text)}.items():
        run = RunDirectory(tmp_path / name)
        run.path.mkdir()
        run.save_state(state(lambda letters, text=text: text("".join(list(letters)))))
        contents.append(run.state.read_bytes())
    assert contents[0] == contents[1]
    assert torch.load(run.state)["rows"]._metadata == {"version": 1}
