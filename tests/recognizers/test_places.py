"""Where the characters of a reading stand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import ALNUM36, Charset, Recognizer, aster_slim, crnn_slim
from recognizers.decoding import attention_places, ctc_places
from recognizers.decoding.places import spans_around
from segrec.core.errors import ConfigError


def one_hot(*classes: int, of: int = 3) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor([classes]), of).float()


def test_characters_stand_around_the_middles_of_their_runs():
    (places,) = ctc_places(one_hot(0, 1, 1, 0, 0, 2, 0, 2, 0, 0), Charset("ab"))
    assert places.text == "abb"
    middles = (0.2, 0.55, 0.75)
    assert np.allclose(places.spans, [(0.025, 0.375), (0.375, 0.65), (0.65, 0.85)])
    assert all(left < middle < right for (left, right), middle in zip(places.spans, middles, strict=True))
    assert ctc_places(one_hot(0, 0), Charset("ab"))[0].spans == ()


def test_one_character_has_all_the_width_and_ends_stay_within():
    assert spans_around([0.4]) == ((0.0, 1.0),)
    assert spans_around([0.1, 0.9]) == ((0.0, 0.5), (0.5, 1.0))
    assert all(left <= right for left, right in spans_around([0.5, 0.2, 0.8]))


def test_attention_says_where_a_step_looked():
    charset = Charset("ab", "aster")
    logits = one_hot(charset.first, charset.first + 1, charset.end, of=charset.classes)
    attention = one_hot(1, 3, 0, of=4)
    points = torch.tensor([[[0.0, 0.2], [1.0, 0.2], [0.0, 0.8], [1.0, 0.8]]])
    (places,) = attention_places(logits, attention, points, charset)
    assert places.text == "ab" and len(places.edges) == 4
    assert np.allclose(places.spans, [(0.125, 0.625), (0.625, 1.0)])


@pytest.mark.parametrize(
    ("model", "function"), [(crnn_slim(), "ctc_places"), (aster_slim(), "attention_places")], ids=["ctc", "attention"]
)
def test_places_are_worked_out_only_where_they_are_asked_for(model, function, monkeypatch):
    from recognizers import predictor

    images = list(torch.randint(0, 256, (3, 20, 60, 3), dtype=torch.uint8).numpy())
    reader = Recognizer(model)
    placed = reader.read_placed(images)
    assert all(one.places is not None for one in placed)

    def refuse(*arguments: object) -> None:
        raise AssertionError("nobody asked for places")

    monkeypatch.setattr(predictor, function, refuse)
    monkeypatch.setattr(model, "inspect", refuse, raising=False)
    readings = reader.read(images)
    assert [reading.text for reading in readings] == [one.reading.text for one in placed]
    assert [reading.confidence for reading in readings] == pytest.approx([one.reading.confidence for one in placed])
    with pytest.raises(AssertionError, match="nobody asked"):
        reader.read_placed(images)


@pytest.mark.parametrize("model", [crnn_slim(), aster_slim()], ids=["ctc", "attention"])
def test_a_temperature_changes_confidences_alone(model):
    images = list(torch.randint(0, 256, (3, 20, 60, 3), dtype=torch.uint8).numpy())
    plain, cold = (Recognizer(model, temperature=value).read_placed(images) for value in (1.0, 0.25))
    assert [one.reading.text for one in plain] == [one.reading.text for one in cold]
    assert [one.places for one in plain] == [one.places for one in cold]
    assert all(a.reading.confidence < b.reading.confidence for a, b in zip(plain, cold, strict=True))
    with pytest.raises(ConfigError, match="the temperature must be above 0, got 0"):
        Recognizer(model, temperature=0)


def test_the_temperature_is_kept_in_the_weights(tmp_path):
    from recognizers import load_pretrained, save_recognizer

    model = crnn_slim(charset=ALNUM36)
    model.temperature = 1.7
    save_recognizer(tmp_path / "a.safetensors", model)
    assert load_pretrained(tmp_path / "a.safetensors").temperature == 1.7
    assert Recognizer(load_pretrained(tmp_path / "a.safetensors")).temperature == 1.7
