"""How readings are explained and drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import segrec
from recognizers import CRNN, Aster, Charset, InputSpec, Reading, Recognizer, widen_input
from segmenter import MutuallyGuidedNet
from segrec.cli.read import command
from segrec.core.images import encode_png, read_image
from segrec.reader import Reader, Segmenter
from segrec.reports.drawing import BAR, CELL, HEAT, LABEL, LOWER, MARGIN, SURE, UPPER, draw_reading
from segrec.reports.explanation import Explanation, ReadingStep, explain_reading

CROP = np.random.default_rng(0).integers(0, 256, (20, 50, 3), dtype=np.uint8)
MASK = np.zeros((20, 50), np.uint8)


def small_aster(*, bias_of_end: float = 0.0, **spec: object) -> Aster:
    """Return an ASTER of random weights; its words end with a bias of 100 at once and with one of -100 never."""
    torch.manual_seed(0)
    model = Aster(
        charset=Charset("abcd", "aster"),
        input_spec=InputSpec(height=32, width=64, color="rgb", **spec),
        widths=(4, 4, 4, 8, 8, 8),
        blocks=(1, 1, 1, 1, 1),
        hidden=4,
        state=8,
        localiser_widths=(4, 4, 4, 4, 4, 4),
        localiser_hidden=8,
        points=6,
        max_length=5,
    ).eval()
    with torch.no_grad():
        bias = model.decoder.decoder.fc.bias
        bias.copy_(torch.tensor([0.0, 3.0, 0.0, 0.0, bias_of_end, -100.0, -100.0]))
    return model


def small_crnn() -> CRNN:
    torch.manual_seed(0)
    return CRNN(charset=Charset("ab"), widths=(4,) * 7, hidden=4).eval()


def drawn(**changes: object) -> np.ndarray:
    """Return the picture of an explanation of one sure character, changed."""
    attention = np.zeros(4, np.float32)
    attention[3] = 1.0
    plain = Explanation(
        image=np.full((20, 50, 3), 128, np.uint8),
        mask=None,
        reading=Reading("a", 0.9, (0.9,)),
        steps=(ReadingStep("a", 0.9, attention),),
        rectified=np.full((8, 25, 3), 128, np.uint8),
        control_points=np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32),
    )
    return draw_reading(plain._replace(**changes))


def pixels_of(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture == color).all(axis=2).sum())


def test_an_attention_reading_is_explained_by_one_step_a_character():
    recognizer = Recognizer(small_aster(bias_of_end=-100.0))
    explanation = explain_reading(recognizer, CROP)
    (reading,) = recognizer.read([CROP])
    assert explanation.reading.text == reading.text == "bbbbb"
    assert explanation.reading.character_confidences == pytest.approx(reading.character_confidences, abs=1e-5)
    assert [step.character for step in explanation.steps] == list(reading.text)
    assert [step.confidence for step in explanation.steps] == list(explanation.reading.character_confidences)
    for step in explanation.steps:
        assert step.attention.shape == (25,)
        assert step.attention.sum() == pytest.approx(1, abs=1e-5)


def test_a_word_that_ends_at_once_has_no_steps():
    explanation = explain_reading(Recognizer(small_aster(bias_of_end=100.0)), CROP)
    assert explanation.reading.text == ""
    assert explanation.steps == ()
    assert draw_reading(explanation).dtype == np.uint8


def test_control_points_are_shares_of_the_crop_and_what_they_frame_is_straightened():
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, :] = (10, 100, 200)
    explanation = explain_reading(Recognizer(small_aster()), image)
    frame = [[0.01, 0.01], [0.5, 0.01], [0.99, 0.01], [0.01, 0.99], [0.5, 0.99], [0.99, 0.99]]
    assert explanation.control_points == pytest.approx(np.array(frame), abs=1e-5)
    assert explanation.rectified.shape == (32, 100, 3)
    assert np.unique(explanation.rectified.reshape(-1, 3), axis=0).tolist() == [[10, 100, 200]]


def test_the_mask_is_no_colour_of_the_rectified_image():
    model = widen_input(small_aster(), generator=torch.Generator().manual_seed(0))
    explanation = explain_reading(Recognizer(model), np.full((20, 50, 3), 77, np.uint8), MASK + 255)
    assert explanation.rectified.shape == (32, 100, 3)
    assert np.unique(explanation.rectified).tolist() == [77]
    with pytest.raises(ValueError, match="takes RGB \\+ mask"):
        explain_reading(Recognizer(model), CROP)


def test_a_grey_input_is_shown_as_three_equal_colours():
    torch.manual_seed(0)
    model = small_aster()
    grey = Aster.from_config({**model.config(), "input": {**model.config()["input"], "color": "grey"}})
    explanation = explain_reading(Recognizer(grey), np.full((20, 50, 3), 60, np.uint8))
    assert np.unique(explanation.rectified).tolist() == [60]
    assert explanation.rectified.shape == (32, 100, 3)


def test_a_reading_of_ctc_is_explained_by_its_frames():
    model = small_crnn()
    with torch.no_grad():
        model.rnn[1].embedding.weight.zero_()
        model.rnn[1].embedding.bias.copy_(torch.tensor([0.0, 0.0, np.log(8.0)]))
    explanation = explain_reading(Recognizer(model), CROP)
    assert explanation.reading.text == "b"
    assert [step.character for step in explanation.steps] == ["b"] * 26
    assert [step.confidence for step in explanation.steps] == pytest.approx([0.8] * 26)
    assert explanation.rectified is None and explanation.control_points is None
    with torch.no_grad():
        model.rnn[1].embedding.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    assert {step.character for step in explain_reading(Recognizer(model), CROP).steps} == {""}


def test_attention_is_drawn_where_the_network_looked():
    picture = drawn()
    strip = picture[-MARGIN - 40 : -MARGIN - 8, MARGIN + LABEL : MARGIN + LABEL + 224].astype(int)
    redness = (strip[:, :, 0] - strip[:, :, 2]).mean(axis=0)
    assert redness[:100].max() == 0
    assert redness[200:].min() > 80
    assert strip[0, -1].tolist() == [round(0.3 * 128 + 0.7 * level) for level in HEAT]


def test_control_points_are_marked_on_the_crop_also_beside_it():
    inside = drawn()
    assert pixels_of(inside, UPPER) > 20 and pixels_of(inside, LOWER) > 20
    assert pixels_of(drawn(control_points=None), UPPER) == 0
    outside = drawn(control_points=np.array([[-0.04, -0.04], [1e9, np.float32(-1e9)], [0, 1], [1, 1]], np.float32))
    assert outside.shape == inside.shape


def test_the_mask_stands_beside_the_crop():
    bright = drawn(mask=np.full((20, 50), 255, np.uint8))
    dark = drawn(mask=np.zeros((32, 100), np.uint8))
    assert dark.shape == bright.shape
    assert dark.shape[1] > drawn().shape[1]
    assert pixels_of(dark, (0, 0, 0)) - pixels_of(bright, (0, 0, 0)) == 96 * 240  # the crop of 20 x 50, at height 96


def test_the_bars_of_frames_are_as_high_as_their_probabilities():
    steps = (ReadingStep("a", 0.5, None), ReadingStep("", 1.0, None), ReadingStep("b", 1.0, None))
    picture = drawn(rectified=None, control_points=None, steps=steps)
    assert pixels_of(picture, SURE) == (CELL - 6) * (BAR // 2 + BAR)


def test_many_characters_stand_in_several_columns():
    step = ReadingStep("a", 0.9, np.full(4, 0.25, np.float32))
    ten, eleven = drawn(steps=(step,) * 10), drawn(steps=(step,) * 11)
    assert ten.shape[0] == eleven.shape[0]
    assert ten.shape[1] < eleven.shape[1]


@pytest.mark.parametrize("text", ["", "a" * 60, "\u00e9\u4e2d", "\n"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_every_crop_and_text_can_be_drawn(text, size):
    picture = drawn(image=np.zeros((*size, 3), np.uint8), reading=Reading(text, 0.5, (0.5,) * len(text)))
    assert picture.dtype == np.uint8 and picture.ndim == 3


def test_the_reader_explains_what_it_reads(monkeypatch, tmp_path):
    torch.manual_seed(0)
    segmenter = Segmenter(MutuallyGuidedNet(width=4, working_height=32), scene_height=None)
    plain = Reader(Recognizer(small_crnn()), segmenter)
    assert plain.explain(CROP).mask is None
    wide = widen_input(small_aster(bias_of_end=-100.0), generator=torch.Generator().manual_seed(0))
    reader = Reader(Recognizer(wide), segmenter)
    explanation = reader.explain(CROP)
    assert explanation.mask.shape == (32, 80), "the larger of the crop's and the working size"
    assert explanation.reading.text == reader.read([CROP])[0].text
    assert segrec.draw_reading(explanation).shape[2] == 3

    monkeypatch.setattr(Reader, "from_pretrained", lambda *args, **options: reader)
    (tmp_path / "one.png").write_bytes(encode_png(CROP))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    images = [str(tmp_path / name) for name in ("one.png", "broken.png")]
    result = CliRunner().invoke(command, [*images, "--draw", str(tmp_path / "drawn")])
    assert result.exit_code == 1
    assert [file.name for file in (tmp_path / "drawn").iterdir()] == ["one.reading.png"]
    assert np.array_equal(read_image(tmp_path / "drawn" / "one.reading.png"), draw_reading(explanation))


def test_two_drawings_of_one_name_are_refused(tmp_path):
    result = CliRunner().invoke(command, ["a/word.png", "b/word.png", "--draw", str(tmp_path)])
    assert str(result.exception) == (
        "a/word.png and b/word.png would both be written as word.reading.png; rename one, or write them to two outputs"
    )
