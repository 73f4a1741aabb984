"""`describe` of weights, public checkpoints and runs: what is wrong with them is reported, not raised."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from recognizers import CRNN, InputSpec, aster_slim, save_recognizer, widen_input
from segmenter import MutuallyGuidedNet, save_segmenter
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights, state_digest
from segrec.core.errors import DataError
from segrec.core.files import write_json
from segrec.jobs.info import Description, describe
from segrec.training.run_directory import RunDirectory

STATE = {"step": 3, "model": {}, "optimizer": {}, "best": 0.0}


def slim_crnn(**options) -> CRNN:
    torch.manual_seed(0)
    return CRNN(widths=(2, 3, 4, 4, 5, 5, 6), hidden=3, **options)


def problem(description: Description) -> str:
    assert len(description.problems) == 1 and not description.sound
    assert "\n" not in description.problems[0]
    return description.problems[0]


def test_recognizer_weights_say_what_they_take_and_read(tmp_path):
    model = slim_crnn(input_spec=InputSpec(color="rgb", mask=True))
    save_recognizer(tmp_path / "net.safetensors", model, notes={"data": "rendered"})
    found = describe(tmp_path / "net.safetensors")
    assert (found.kind, found.sound, found.facts["loads"]) == ("weights", True, "yes")
    assert found.facts["architecture"] == "crnn"
    assert found.facts["parameters"] == str(sum(parameter.numel() for parameter in model.parameters()))
    assert found.facts["charset"] == "36 characters: 0123456789abcdefghijklmnopqrstuvwxyz"
    assert found.facts["input"] == "4 channels (RGB + mask), 32 x 100 (height x width), bilinear"
    assert found.facts["mask seen by"] == "cnn.conv0"
    assert found.facts["note data"] == "rendered"
    assert found.facts["digest"] == state_digest(model.state_dict())


def test_recognizer_weights_name_each_layer_that_sees_the_mask(tmp_path):
    plain = aster_slim()
    for name, wanted in (("default", False), ("both", True)):
        save_recognizer(tmp_path / f"{name}.safetensors", widen_input(plain, mask_in_rectifier=wanted))
    seen = [describe(tmp_path / f"{name}.safetensors").facts["mask seen by"] for name in ("default", "both")]
    assert seen == ["encoder.layer0.0", "encoder.layer0.0 and stn_head.stn_convnet.0.0"]
    save_recognizer(tmp_path / "plain.safetensors", plain)
    assert "mask seen by" not in describe(tmp_path / "plain.safetensors").facts


def test_segmenter_weights_say_their_working_height(tmp_path):
    save_segmenter(tmp_path / "net.safetensors", MutuallyGuidedNet(width=2, working_height=32), half=True)
    found = describe(tmp_path / "net.safetensors")
    assert found.sound and found.facts["input"] == "3 channels (RGB), words at height 32"


def test_a_partial_file_needs_its_parent_beside_it(tmp_path):
    model, parent = slim_crnn(), tmp_path / "base.safetensors"
    save_recognizer(parent, model)
    part = tmp_path / "part.safetensors"
    digest = state_digest(load_weights(parent)[0])
    save_recognizer(part, model, parent="base", parent_digest=digest, only=["cnn.conv0.weight"])
    found = describe(part)
    assert found.sound and found.facts["parent"] == f"base (beside it), digest {digest}"
    assert found.facts["stored"] == "1 tensors, 18 numbers"
    parent.unlink()
    found = describe(part)
    assert "put that file beside it" in problem(found)
    assert found.facts["parent"].startswith("base (not beside it)") and found.facts["loads"] == "no"


def test_weights_that_do_not_load_keep_the_facts_that_could_be_read(tmp_path):
    path, state = tmp_path / "net.safetensors", slim_crnn().state_dict()
    save_weights(path, state, WeightsHeader("transformer", {}))
    found = describe(path)
    assert "which is not a recognizer" in problem(found) and found.facts["architecture"] == "transformer"
    save_weights(path, state, WeightsHeader("crnn", {"widths": 3}, notes={"a": "b"}))
    assert "builds no crnn" in problem(describe(path))
    save_segmenter(path, MutuallyGuidedNet(width=2))
    path.write_bytes(path.read_bytes()[:-100])
    assert "not a readable .safetensors" in problem(describe(path))
    network = MutuallyGuidedNet(width=2)
    torch.nn.init.constant_(next(network.parameters()), float("nan"))
    save_segmenter(path, network)
    assert "holds NaN or infinity in encoder" in problem(describe(path))


def test_a_public_checkpoint_names_its_family_and_what_was_loaded(tmp_path):
    state = {f"module.{name}": tensor for name, tensor in slim_crnn().state_dict().items()}
    for name in [name for name in state if name.endswith("num_batches_tracked")]:
        del state[name]
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "netCRNN.pth.tar")
    found = describe(tmp_path / "netCRNN.pth.tar")
    assert (found.kind, found.sound, found.facts["family"]) == ("public checkpoint", True, "crnn.pytorch")
    assert found.facts["copied"].startswith(f"{len(state)}: cnn.conv0.weight, ")
    assert found.facts["missing"].startswith("3: cnn.batchnorm2.num_batches_tracked")
    assert found.facts["input"].startswith("1 channel (grey), 32 x 100")


def test_a_public_checkpoint_that_cannot_be_loaded_gives_the_errors_line(tmp_path):
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pth")
    assert "of no known recognizer family" in problem(describe(tmp_path / "other.pth"))
    torch.save({"model": slim_crnn()}, tmp_path / "pickled.pt")
    assert "could run code" in problem(describe(tmp_path / "pickled.pt"))
    torch.save(slim_crnn(input_spec=InputSpec()).state_dict(), tmp_path / "cut.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "cut.pth").read_bytes()[:900])
    assert describe(tmp_path / "cut.pth").facts["loads"] == "no"


def make_run(path: Path, *, steps: int, logged: str, state: dict | None = None) -> Path:
    run = RunDirectory(path)
    write_json(run.record, {"settings": {"job": "train", "data": ["a", "b"], "valid": None, "steps": steps}})
    run.metrics.write_text(logged)
    if state is not None:
        run.save_state(state)
        save_recognizer(run.last, slim_crnn())
    return path


LOG = '{"step": 2, "loss": 2.5, "lr": 0.1}\n{"step": 3, "loss": 2.25, "lr": 0.1}\n{"step": 3, "score": 0.51234}\n'


def test_a_run_says_how_far_it_came_and_whether_it_can_go_on(tmp_path):
    found = describe(make_run(tmp_path / "run", steps=5, logged=LOG + '{"step": 4, "lo', state=STATE))
    assert (found.kind, found.sound) == ("run", True)
    assert found.facts["job"] == "train"
    assert (found.facts["settings.data"], found.facts["settings.valid"]) == ("a, b", "none")
    assert found.facts["last logged"] == "step 3, loss 2.25"
    assert found.facts["last evaluation"] == "step 3: score 0.5123"
    assert found.facts["progress"] == "resumable at step 3 of 5"
    assert found.facts["last.safetensors"].endswith("loads: yes")
    assert describe(make_run(tmp_path / "done", steps=3, logged=LOG, state=STATE)).facts["progress"] == (
        "finished, 3 of 3 steps"
    )
    begun = describe(make_run(tmp_path / "begun", steps=3, logged=""))
    assert begun.sound and begun.facts["progress"] == "no checkpoint to resume from yet, 3 steps to do"


def test_what_is_damaged_in_a_run_is_reported(tmp_path):
    path = make_run(tmp_path / "run", steps=5, logged="noise\n" + LOG, state={"epoch": 1})
    (path / "last.safetensors").write_bytes(b"")
    found = describe(path)
    assert [bool(text) and "\n" not in text for text in found.problems] == [True, True, True]
    assert "line 1 is not a row" in found.problems[0] and "not a training state" in found.problems[1]
    assert "not a readable .safetensors" in found.problems[2]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 3}'])
def test_a_damaged_record_of_a_run_is_reported_and_not_read(tmp_path, content):
    run = make_run(tmp_path / "run", steps=5, logged=LOG, state=STATE)
    (run / "run.json").write_text(content)
    assert "weights in it can be used" in problem(describe(run))
    with pytest.raises(DataError, match=r"run\.json"):
        RunDirectory(run).read_record()
