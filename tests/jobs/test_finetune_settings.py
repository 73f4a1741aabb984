"""Settings of a fine-tuning are checked when they are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from segrec import Evaluation, FineTuning
from segrec.core.errors import ConfigError
from segrec.jobs.evaluate_segmenter import SegmenterEvaluation
from segrec.jobs.segmenter_stages import Stage
from segrec.jobs.train_recognizer import RecognizerTraining
from segrec.jobs.train_segmenter import SegmenterTraining


def test_one_path_stands_for_a_list_of_one():
    settings = FineTuning(data="/path", output="run", masks=Path("/masks"))
    assert settings.data == ["/path"] and settings.masks == ["/masks"]
    assert FineTuning(data=(Path("a"), "b"), output="run").data == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": "foo"}, "unknown mask 'foo'; use one of none, random, zero, predicted, oracle"),
        ({"init": "bar"}, "unknown init 'bar'; use one of random, zero-mask, luma"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; use one of adam, adamw, adadelta"),
        ({"train": "none"}, "unknown train 'none'; use one of input, all"),
        ({"fusion": "late"}, "unknown fusion 'late'; use one of input, adapter, sft, stream"),
        ({"norms": "no"}, "unknown norms 'no'; use one of None, frozen, train, reestimate"),
        ({"schedule": "x"}, "unknown schedule 'x'; use one of trapezoid, onecycle"),
        ({"mask_dropout": 1.0}, "--mask-dropout must be from 0 to below 1, got 1.0; 0 keeps all masks"),
        ({"mask": "none", "mask_dropout": 0.5}, "--mask-dropout needs a mask; choose another --mask than none"),
        ({"mask": "none", "fusion": "sft"}, "--fusion sft needs a mask; choose another --mask than none"),
        ({"fusion": "sft", "init": "luma"}, "--init luma goes with --fusion input; the others start as the plain"),
        ({"fusion": "sft", "mask_in_rectifier": True}, "--mask-in-rectifier goes with --fusion input"),
        ({"mask_learning_rate": float("nan")}, "--mask-lr must be positive and finite, got nan"),
    ],
)
def test_values_that_cannot_be_are_refused_with_those_that_can(options, said):
    with pytest.raises(ConfigError) as caught:
        FineTuning(data=["words"], output="run", **options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        ({}, 1e-2),
        ({"train": "all"}, 5e-3),
        ({"fusion": "adapter"}, 2e-3),
        ({"fusion": "stream", "train": "all"}, 5e-3),
        ({"optimizer": "adadelta", "learning_rate": 0.5}, 0.5),
        ({"mask_learning_rate": 0.03, "fusion": "sft"}, 0.03),
    ],
)
def test_without_a_word_the_mask_has_a_rate_at_which_it_gets_used(options, rate):
    assert FineTuning(data=["words"], output="run", **options).mask_rate == rate


def test_a_text_where_a_list_is_meant_is_a_list_of_one_in_every_jobs_settings():
    trained = RecognizerTraining(data=Path("words"), output="run")
    assert trained.data == ["words"]
    segmenter = SegmenterTraining(words="w", scenes=("s", "t"), valid="v")
    assert (segmenter.words, segmenter.scenes, segmenter.valid) == (["w"], ["s", "t"], ["v"])
    assert Stage("1", steps=2, lr=0.1, words="w").words == ["w"]
    scored = SegmenterEvaluation(data="folder=pictures", segmenters="mgnet-slim")
    assert scored.data == ["folder=pictures"] and scored.segmenters == {"mgnet-slim": "mgnet-slim"}
    read = Evaluation(data="a/words", mask="predicted", masks={"words": "m"}, models={"mine": "run"})
    assert (read.data, read.mask) == ({"words": "a/words"}, ["predicted"])
    assert (read.masks, read.models) == ({"words": ["m"]}, {"mine": ["run"]})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": "predicated"}, "unknown mask 'predicated'; use some of none, random, zero, predicted, oracle"),
        ({"masks": "store"}, "masks must be a dict by name, as {'IIIT5K': ...}, got 'store'"),
        ({"data": ["words"]}, "data must be a dict by name, as {'IIIT5K': ...}, got ['words']"),
        ({"data": {}}, "nothing to evaluate on: name at least one --data NAME=WORDS"),
        ({"seeds": 0}, "seeds must be 1 or more, got 0"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_when_it_is_made(options, said):
    with pytest.raises(ConfigError) as caught:
        Evaluation(**{"data": {"w": "words"}, **options})
    assert str(caught.value).startswith(said)
