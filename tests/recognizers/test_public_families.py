"""Checkpoints of parseq, mmocr and aster.pytorch become networks that compute what theirs did."""

from __future__ import annotations

import argparse
import re
import string

import pytest
import torch
from crnn_states import small_state
from plain_crnn import plain_logits
from small_aster import CHARSET, small_aster, small_images
from torch import Tensor

from recognizers import ALNUM36, Charset, InputSpec, ctc_greedy, load_pretrained
from recognizers.families.report import Conversion, LoadReport
from segrec.core.errors import CheckpointError

BIASES = ("cnn.conv2.bias", "cnn.conv4.bias", "cnn.conv6.bias")
State = dict[str, Tensor]


def parseq_state(classes: int = 95, *, prefix: str = "model.") -> State:
    """Return a small state dict with parseq's names: RGB, no biases before BatchNorm."""
    state = small_state(classes=classes, channels=3)
    return {prefix + name.replace("embedding", "linear"): state[name] for name in state if name not in BIASES}


def mmocr_state(classes: int = 37) -> State:
    """Return a small state dict with mmocr's names; the blank is the last class."""
    parts = {"cnn.": "backbone.cnn.", "rnn.": "decoder.decoder."}
    return {parts[name[:4]] + name[4:]: tensor for name, tensor in small_state(classes=classes).items()}


def pictures(channels: int, width: int) -> Tensor:
    return torch.rand(3, channels, 32, width, generator=torch.Generator().manual_seed(7)) * 2 - 1


@pytest.mark.parametrize("prefix", ["model.", "", "module.model."])
def test_parseqs_crnn_computes_what_it_did_and_says_where_its_zeros_come_from(prefix):
    state = parseq_state(prefix=prefix)
    model = load_pretrained(state)
    images = pictures(3, 128)
    theirs = plain_logits(parseq_state(prefix=""), images, cnn="cnn.", rnn="rnn.", head="linear")
    ours = model(images)
    assert ours.shape == (3, 33, 95)
    torch.testing.assert_close(ours, theirs.transpose(0, 1), atol=1e-4, rtol=1e-4)
    assert model.charset.characters == string.printable[:94] and model.charset.kind == "ctc"
    spec = model.input_spec
    assert (spec.color, spec.height, spec.width, spec.interpolation) == ("rgb", 32, 128, "bicubic")
    report = model.load_report
    assert [conversion.names for conversion in report.converted] == [BIASES]
    assert len(report.copied) == len(state) and report.missing == report.unexpected == ()


def test_mmocrs_crnn_computes_what_it_did_with_the_blank_in_front():
    state = mmocr_state()
    model = load_pretrained({"meta": {"epoch": 5}, "state_dict": state})
    images = pictures(1, 160)
    theirs = plain_logits(state, images, cnn="backbone.cnn.", rnn="decoder.decoder.", head="embedding")
    ours = model(images)
    expected = torch.cat((theirs[..., 36:], theirs[..., :36]), dim=2).transpose(0, 1)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)
    by_hand = []
    for row in theirs.argmax(dim=2).T.tolist():
        kept = [one for one, before in zip(row, [36, *row], strict=False) if one != before and one != 36]
        by_hand.append("".join((string.digits + string.ascii_lowercase)[number] for number in kept))
    assert [reading.text for reading in ctc_greedy(ours, ALNUM36)] == by_hand and any(by_hand)
    spec = model.input_spec
    assert (spec.color, spec.mean, spec.deviation, spec.keep_ratio) == ("grey", 127, 127, True)
    assert [conversion.names for conversion in model.load_report.converted] == [
        ("rnn.1.embedding.weight", "rnn.1.embedding.bias")
    ]


@pytest.mark.parametrize(("classes", "last"), [(37, "z"), (63, "Z"), (95, "~")])
def test_parseqs_characters_follow_from_the_number_of_classes(classes, last):
    assert load_pretrained(parseq_state(classes)).charset.characters[-1] == last


def test_characters_that_the_file_names_are_used_unless_others_are_given():
    content = {"state_dict": parseq_state(4), "hyper_parameters": {"charset_train": "xyz"}}
    assert load_pretrained(content).charset.characters == "xyz"
    assert load_pretrained(content, charset="abc").charset.characters == "abc"


def as_released(state: State) -> dict[str, object]:
    """Return an ASTER's weights as aster.pytorch saves them, with buffers that must not be believed."""
    derived = {f"tps.{name}": torch.full((2, 2), torch.nan) for name in ("inverse_kernel", "padding_matrix")}
    wrapped = {f"module.{name}": tensor for name, tensor in {**state, **derived}.items()}
    return {"state_dict": wrapped, "iters": 3, "best_res": 0.9}


@pytest.mark.parametrize("channels", [3, 4])
def test_an_aster_of_any_size_comes_back_with_its_spline_computed(channels, tmp_path):
    source = small_aster(lively=False, input_spec=InputSpec(color="rgb", mask=channels == 4))
    torch.nn.init.normal_(source.stn_head.stn_fc2.weight, 0, 0.05)
    torch.save(as_released(source.state_dict()), tmp_path / "model_best.pth.tar")
    model = load_pretrained(tmp_path / "model_best.pth.tar", charset="abcd")
    assert (model.architecture, model.charset, model.input_spec.channels) == ("aster", CHARSET, channels)
    assert (model.input_spec.height, model.input_spec.width, model.mask_in_rectifier) == (64, 256, False)
    images = small_images(channels=channels)
    assert torch.equal(model.rectify(images).images, source.rectify(images).images)
    targets = torch.tensor([[0, 1, 4]] * 3)
    assert torch.equal(model(images, targets), source(images, targets))
    assert model.load_report.derived == ("tps.inverse_kernel", "tps.padding_matrix")
    assert set(model.load_report.copied) == set(source.state_dict())


@pytest.mark.parametrize(("classes", "last"), [(39, "z"), (65, "Z"), (97, "~")])
def test_asters_characters_follow_from_the_number_of_classes(classes, last):
    printable = Charset(string.printable[: classes - 3], "aster")
    model = load_pretrained(small_aster(charset=printable, lively=False).state_dict())
    assert model.charset == printable and model.charset.characters[-1] == last


def test_an_aster_with_other_classes_needs_its_characters():
    state = small_aster(lively=False).state_dict()
    with pytest.raises(CheckpointError, match=r"has 7 classes.*pass charset= with its 4 characters.*without start or"):
        load_pretrained(state)
    with pytest.raises(CheckpointError, match="given charset of 3 characters makes 6; give its 4 characters"):
        load_pretrained(state, charset="abc")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({**mmocr_state(), "extra": torch.zeros(1)}, "does not fit CRNN: missing nothing, unexpected extra"),
        (
            {name: tensor for name, tensor in parseq_state().items() if "conv3" not in name},
            "looks like parseq CRNN, but cnn.conv3.weight is missing",
        ),
        (
            {name.replace("linear", "lineare"): tensor for name, tensor in parseq_state().items()},
            "nearest is parseq CRNN, 42 of whose 46 keys it has, but it lacks rnn.1.linear.weight (it has "
            "rnn.1.lineare.weight), rnn.0.linear.weight",
        ),
        (
            {f"net.{name}": tensor for name, tensor in mmocr_state().items()},
            "nearest is mmocr CRNN, 0 of whose 49 keys it has, but it lacks backbone.cnn.conv0.weight (it has "
            "net.backbone.cnn.conv0.weight)",
        ),
        ({"stn_head.stn_fc2.bias": torch.zeros(40)}, "nearest is aster.pytorch, 1 of whose"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_keys_that_differ(state, message):
    with pytest.raises(CheckpointError, match=re.escape(message)) as refusal:
        load_pretrained(state)
    assert "\n" not in str(refusal.value)


def test_a_lightning_file_is_read_without_its_objects_only_on_request(tmp_path):
    state = parseq_state(4)
    settings = {"charset_train": "xyz", "options": argparse.Namespace(lr=1)}
    torch.save({"state_dict": state, "hyper_parameters": settings, "epoch": 3}, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match=r"argparse\.Namespace, which could run code.*drop_objects=True") as told:
        load_pretrained(tmp_path / "last.ckpt")
    assert "\n" not in str(told.value)
    model = load_pretrained(tmp_path / "last.ckpt", drop_objects=True)
    assert model.charset.characters == "xyz"
    assert torch.equal(model.state_dict()["cnn.conv0.weight"], state["model.cnn.conv0.weight"])


def test_the_report_is_one_table_with_a_line_for_each_group(capsys):
    report = LoadReport(
        copied=("a", "b", "c", "d"), unexpected=("epoch",), converted=(Conversion("zero", ("e",)),), derived=()
    )
    print(report)
    assert capsys.readouterr().out.splitlines() == [
        "| tensors        | count | which              |",
        "| -------------- | ----: | ------------------ |",
        "| copied         |     4 | a, b, c and 1 more |",
        "| converted      |     1 | e: zero            |",
        "| re-initialised |     0 |                    |",
        "| missing        |     0 |                    |",
        "| unexpected     |     1 | epoch              |",
        "| derived        |     0 |                    |",
    ]
