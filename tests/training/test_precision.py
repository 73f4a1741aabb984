"""Which precision a run takes when it is left to measure."""

import json
from pathlib import Path

import pytest
import torch

from segrec.core.errors import ConfigError
from segrec.training import precision
from segrec.training.distributed import ALONE
from segrec.training.precision import chosen_amp


def begun(folder: Path, amp: object) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"settings": {"job": "finetune", "amp": amp}}))
    torch.save({"step": 1}, folder / "state.pt")
    return folder


def test_a_named_precision_stays(tmp_path: Path) -> None:
    assert [chosen_amp(amp, tmp_path, ALONE) for amp in ("off", "bf16")] == ["off", "bf16"]


def test_auto_takes_what_it_measures_to_be_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = chosen_amp("auto", tmp_path, ALONE)
    assert chosen in ("off", "bf16")
    measured = precision._seconds
    for factor, expected in ((0.01, "bf16"), (100.0, "off")):

        def slowed(*arguments: object, factor: float = factor) -> float:
            return measured(*arguments) * (factor if arguments[2] == "bf16" else 1.0)  # type: ignore[arg-type]

        monkeypatch.setattr(precision, "_seconds", slowed)
        assert chosen_amp("auto", tmp_path, ALONE) == expected


def test_measuring_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    chosen_amp("auto", tmp_path, ALONE)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("amp", ["off", "bf16"])
def test_a_run_that_goes_on_keeps_its_precision(tmp_path: Path, amp: str) -> None:
    assert chosen_amp("auto", begun(tmp_path / "run", amp), ALONE) == amp


def test_a_record_without_a_precision_is_measured_again(tmp_path: Path) -> None:
    assert chosen_amp("auto", begun(tmp_path / "run", {}), ALONE) in ("off", "bf16")


def test_unknown_precision(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown amp 'half'"):
        chosen_amp("half", tmp_path, ALONE)
