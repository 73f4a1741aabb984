"""`segrec train crnn` and `segrec train aster`: what repeats, what is mixed, what is left out, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import torch
from cli_words import contents, copy_words
from tiny_recognizers import tiny_aster, tiny_crnn, use_tiny_presets

from recognizers import ALNUM36, load_pretrained, save_recognizer
from segrec.cli.train import command as train_command
from segrec.core.checkpoint import load_weights
from segrec.data.recognition import RecognitionDataset
from segrec.jobs import recognizer_loss
from segrec.jobs.architectures import ARCHITECTURES

CPU = ["--device", "cpu", "--workers", "0"]


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    use_tiny_presets(monkeypatch)


@pytest.fixture
def train(segrec, words, tmp_path):
    """Trains for a few steps of a few words; returns the outcome and the run directory."""

    def run(architecture: str, *arguments: str | Path, output: str = "run", data: Path | None = None):
        given = ["--data", data or words, "--output", tmp_path / output, *CPU]
        return segrec("train", architecture, *given, "--steps", "3", "--batch-size", "4", *arguments), tmp_path / output

    return run


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("architecture", ["crnn", "aster"])
def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_seed_others(train, architecture):
    first, second, third = (
        train(architecture, "--seed", seed, output=name)[1] for name, seed in [("a", "5"), ("b", "5"), ("c", "6")]
    )
    digests = [contents(run)["best.safetensors"] for run in (first, second, third)]
    assert digests[0] == digests[1] != digests[2]
    assert contents(first)["metrics.jsonl"] == contents(second)["metrics.jsonl"]


class Crash(BaseException):
    """Stands for the end of the process."""


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(train, words, monkeypatch):
    options = ["--steps", "6", "--checkpoint-every", "2", "--ema", "0.9", "--schedule", "onecycle", "--bidirectional"]
    options += ["--valid", words, "--valid-limit", "4", "--evaluate-every", "2"]
    assert train("aster", *options, output="whole")[0].code == 0
    real, calls = recognizer_loss.recognition_loss, 0

    def dying(*arguments, **settings):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise Crash
        return real(*arguments, **settings)

    monkeypatch.setattr(recognizer_loss, "recognition_loss", dying)
    with pytest.raises(Crash):
        train("aster", *options, output="cut")
    outcome, cut = train("aster", *options, output="cut")
    assert outcome.code == 0 and f"resuming {cut} at step 2" in outcome.err
    for name in ("last.safetensors", "best.safetensors", "metrics.jsonl"):
        assert contents(cut)[name] == contents(cut.parent / "whole")[name], name


def test_each_database_gives_its_share_of_every_batch(train, words, tmp_path, monkeypatch):
    other = copy_words(words, tmp_path / "other", 3)
    asked: Counter[str] = Counter()
    real = RecognitionDataset.__getitem__

    def counted(self, key):
        asked[self._words.path.name] += 1
        return real(self, key)

    monkeypatch.setattr(RecognitionDataset, "__getitem__", counted)
    outcome, _ = train("crnn", "--data", other, "--ratio", "1", "--ratio", "3")
    assert outcome.code == 0, outcome.err
    assert asked == {"words": 3, "other": 9}


def test_training_ends_early_without_a_better_score_and_stays_ended(train, words):
    options = ["--valid", words, "--valid-limit", "2", "--evaluate-every", "1", "--patience", "2", "--lr", "1e-30"]
    outcome, run = train("crnn", *options)
    assert outcome.code == 0, outcome.err
    assert [row["step"] for row in rows(run) if "accuracy" in row] == [1, 2, 3]
    again, _ = train("crnn", *options, "--steps", "9")
    assert again.code == 0 and rows(run)[-1]["step"] == 3
    assert (run / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [("crnn", "label longer than the frames"), ("aster", "label longer than the decoder's steps")],
)
def test_words_that_cannot_be_learned_are_counted_and_reported_by_reason(train, words, tmp_path, architecture, reason):
    labels = ["!", "a" * 60, "word", "word", "word"]
    data = copy_words(words, tmp_path / "broken", 5, images={3: b"no picture"}, labels=labels)
    valid = ["--valid", words, "--valid-limit", "1", "--evaluate-every", "1"]
    outcome, run = train(architecture, *valid, "--batch-size", "5", data=data)
    assert outcome.code == 0, outcome.err
    (row,) = (row for row in rows(run) if "loss" in row)
    assert row["left_out"] == {"unreadable image or label": 3, "empty label": 3, reason: 3} and row["loss"] < 100
    for why in ("unreadable image or label", "empty label", reason):
        assert f"warning: left out 3 times while training: {why}\n" in outcome.err


def test_a_single_word_that_a_network_cannot_normalise_is_refused_in_one_line(train, words, tmp_path):
    data = copy_words(words, tmp_path / "broken", 4, labels=["!", "!", "!", "word"])
    outcome, _ = train("aster", data=data)
    assert outcome.code == 1 and "only 1 word of a batch can be used for training" in outcome.err.splitlines()[-1]
    assert train("crnn", data=data, output="crnn")[0].code == 0


@pytest.mark.parametrize("asked", ["--ctc-weight", "--ctc-aid", "recipe"])
def test_an_aster_is_saved_without_what_only_helps_to_train_it(train, tmp_path, asked):
    (tmp_path / "recipe.toml").write_text("ctc-aid = 0.3\n")
    outcome, run = train("aster", *(["--config", tmp_path / "recipe.toml"] if asked == "recipe" else [asked, "0.3"]))
    assert outcome.code == 0, outcome.err
    assert set(load_weights(run / "best.safetensors")[0]) == set(tiny_aster(ALNUM36.with_kind("aster")).state_dict())
    (row,) = rows(run)
    assert row["loss"] == pytest.approx(row["attention"] + 0.3 * row["ctc"], rel=1e-4)


@pytest.mark.parametrize("text", ["abé", "file"])
def test_a_charset_is_named_by_its_characters_or_by_a_file_of_them(train, words, tmp_path, text):
    (tmp_path / "file").write_text("ab\né\n", encoding="utf-8")
    data = copy_words(words, tmp_path / "words", 4, labels=["abé!"] * 4)
    outcome, run = train("aster", "--charset", tmp_path / text if text == "file" else text, data=data)
    assert outcome.code == 0, outcome.err
    assert load_pretrained(run / "best.safetensors").charset.characters == "abé"


def test_training_goes_on_from_pretrained_weights_of_any_size(train, tmp_path):
    before = tiny_crnn(ALNUM36)
    save_recognizer(tmp_path / "before.safetensors", before)
    outcome, run = train("crnn", "--pretrained", tmp_path / "before.safetensors", "--lr", "1e-30")
    assert outcome.code == 0, outcome.err
    after = load_weights(run / "best.safetensors")[0]
    for name, parameter in before.named_parameters():
        torch.testing.assert_close(after[name], parameter.detach())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--patience", "3"], "--patience waits for a better score on validation words: name them with --valid"),
        (["--ratio", "1", "--ratio", "2"], "give one --ratio for each --data: got 2 for 1"),
        (["--ratio", "0"], "ratios must be positive numbers, got 0"),
        (["--charset", "aa"], "'a' comes more than once"),
        (["--pretrained", "crnn-slim-zero"], "takes a mask; train it on with segrec finetune crnn --train all"),
        (["--pretrained", "crnn-slim", "--preset", "crnn"], "crnn-slim is not a crnn; leave --preset out"),
        (["--pretrained", "crnn-slim", "--charset", "abc"], "leave --charset out to start from it"),
        (["--pretrained", "{aster}"], "is a aster; run segrec train aster"),
        (["--valid", "{missing}"], "missing does not exist; check the path"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line_before_anything_is_written(train, tmp_path, options, said):
    save_recognizer(tmp_path / "aster.safetensors", tiny_aster(ALNUM36.with_kind("aster")))
    paths = {"aster": tmp_path / "aster.safetensors", "missing": tmp_path / "missing"}
    outcome, run = train("crnn", *(option.format(**paths) for option in options))
    lines = [line for line in outcome.err.splitlines() if not line.startswith("training ")]
    assert outcome.code == 1 and len(lines) == 1 and said in lines[0], outcome.err
    assert not (run / "metrics.jsonl").exists()


def test_the_command_line_offers_the_presets_that_there_are():
    for name, architecture in ARCHITECTURES.items():
        (preset,) = (option for option in train_command.commands[name].params if option.name == "preset")
        assert list(preset.type.choices) == list(architecture.presets)
