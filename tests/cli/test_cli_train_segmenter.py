"""`segrec train segmenter` with stages, recipes, several processes and pictures for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_words import contents
from segrec_process import together

from segmenter.loading import load_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.checkpoint import load_weights
from segrec.core.errors import DataError
from segrec.core.images import encode_png
from segrec.data.masked_images import open_masked
from segrec.jobs import train_segmenter as job
from segrec.jobs.segmenter_board import shown

STAGES = """
[[stage]]
name = "1a"
steps = 2
lr = 1e-3
phases = 1
lambda1 = 0
lambda2 = 0
scenes = ["{polygons}"]

[[stage]]
name = "1b"
steps = 2
lr = 1e-3
phases = 1
lambda1 = 0
lambda2 = 0

[[stage]]
name = "2"
steps = 3
lr = 1e-4
phases = 2
outside = 0.5
freeze-norms = true
"""
SMALL = ["--word-batch", "4", "--scene-batch", "2", "--scene-side", "32", "--word-width", "48", "--device", "cpu"]


@pytest.fixture(scope="module")
def polygons(tmp_path_factory) -> str:
    """Pictures with region masks alone."""
    folder = tmp_path_factory.mktemp("polygons")
    for kind in ("images", "regions"):
        (folder / kind).mkdir()
        for number in range(5):
            noise = np.random.default_rng(number).integers(0, 256, (40, 50), dtype=np.uint8)
            noise[10:20, 5:40] //= 4
            region = np.zeros_like(noise)
            region[8:22, 3:42] = 255
            (folder / kind / f"{number}.png").write_bytes(encode_png(noise if kind == "images" else region))
    return f"folder={folder}"


@pytest.fixture
def recipe(tmp_path, words, polygons) -> Path:
    path = tmp_path / "recipe.toml"
    head = f'words = ["{words}"]\nscenes = ["{polygons}"]\nscene-every = 2\ncheckpoint-every = 2\n'
    path.write_text(head + STAGES.format(polygons=polygons), encoding="utf-8")
    return path


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


class Crash(BaseException):
    """Stands for the end of the process."""


def test_a_recipe_with_stages_resumes_bit_exact_in_any_stage(segrec, recipe, tmp_path, monkeypatch):
    train = ["train", "segmenter", "--config", recipe, *SMALL, "--workers", "0"]
    assert segrec(*train, "--output", tmp_path / "whole").code == 0
    calls, real = 0, job.segmentation_loss

    def dying(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls in (4, 8):  # in stage 1b, and in stage 2 after the checkpoint of step 6
            raise Crash
        return real(*arguments, **options)

    monkeypatch.setattr(job, "segmentation_loss", dying)
    for _ in range(2):
        with pytest.raises(Crash):
            segrec(*train, "--output", tmp_path / "cut")
    assert segrec(*train, "--output", tmp_path / "cut").code == 0
    for name in ("last.safetensors", "metrics.jsonl"):
        assert contents(tmp_path / "cut")[name] == contents(tmp_path / "whole")[name]
    assert rows(tmp_path / "whole")[-1]["step"] == 7


def test_a_run_with_a_reader_resumes_bit_exact(segrec, recipe, words, tmp_path, monkeypatch):
    reading = ["--reader", "crnn-slim-predicted", "--reading", words, "--reading-batch", "3"]
    train = ["train", "segmenter", "--config", recipe, *SMALL, "--workers", "0", *reading]
    assert segrec(*train, "--output", tmp_path / "whole").code == 0
    assert any("reading" in row for row in rows(tmp_path / "whole"))
    calls, real = 0, job.segmentation_loss

    def dying(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Crash
        return real(*arguments, **options)

    monkeypatch.setattr(job, "segmentation_loss", dying)
    with pytest.raises(Crash):
        segrec(*train, "--output", tmp_path / "cut", "--checkpoint-every", "2")
    assert segrec(*train, "--output", tmp_path / "cut").code == 0
    assert contents(tmp_path / "cut")["last.safetensors"] == contents(tmp_path / "whole")["last.safetensors"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--reader", "crnn-slim-predicted"], "go together"),
        (["--reader", "aster-slim", "--reading", "WORDS"], "takes CTC recognizers"),
        (["--reader", "crnn-slim-predicted", "--reading", "nowhere"], "nowhere"),
    ],
)
def test_a_reader_that_cannot_teach_is_refused(segrec, words, tmp_path, options, said):
    given = [str(words) if option == "WORDS" else option for option in options]
    outcome = segrec("train", "segmenter", "--words", words, *given, "--steps", "1", "--output", tmp_path / "run")
    assert outcome.code == 1 and said in outcome.err


def test_the_zoom_of_scene_windows_is_a_setting_of_the_run(segrec, polygons, tmp_path):
    stage = "{name = '1a', steps = 1, lr = 1e-2, phases = 1, lambda1 = 0, lambda2 = 0}"
    (tmp_path / "recipe.toml").write_text("scene-zoom = [0.15, 1.6]", encoding="utf-8")
    train = ["train", "segmenter", "--scenes", polygons, "--stage", stage, *SMALL, "--workers", "0"]
    for name, options in (
        ("plain", []),
        ("same", ["--scene-zoom", "0.5", "1.6"]),
        ("far", ["--config", "recipe.toml"]),
    ):
        options = [tmp_path / option if option == "recipe.toml" else option for option in options]
        assert segrec(*train, *options, "--output", tmp_path / name).code == 0
    plain, same, far = (contents(tmp_path / name)["last.safetensors"] for name in ("plain", "same", "far"))
    assert plain == same != far
    assert json.loads((tmp_path / "far" / "run.json").read_text())["settings"]["scene_zoom"] == [0.15, 1.6]
    code, _, err = segrec(*train, "--scene-zoom", "2", "1", "--output", tmp_path / "bad")
    assert code == 1 and "--scene-zoom takes the smallest and the largest zoom above 0, got 2 and 1" in err


def test_polygons_alone_leave_the_text_decoder_and_the_guidance_as_they_were(segrec, polygons, tmp_path):
    first = "{name = '1a', steps = 1, lr = 1e-2, phases = 1, lambda1 = 0, lambda2 = 0}"
    more = first.replace("steps = 1", "steps = 4")
    for name, stage in (("one", first), ("four", more)):
        arguments = ["--scenes", polygons, "--stage", stage, *SMALL, "--workers", "0", "--output", tmp_path / name]
        assert segrec("train", "segmenter", *arguments).code == 0
    before, after = (load_weights(tmp_path / name / "last.safetensors")[0] for name in ("one", "four"))
    changed = {key.split(".")[0] for key in before if "running" not in key and "tracked" not in key
               and not torch.equal(before[key], after[key])}  # fmt: skip
    assert changed == {"encoder", "region_decoder"}
    assert load_segmenter(tmp_path / "four" / "last.safetensors").passes == 1


def test_two_processes_have_the_loss_of_one_with_the_same_global_batch(segrec, words, polygons, tmp_path):
    stages = [
        "{name = '1', steps = 2, lr = 1e-6, phases = 1, lambda1 = 0, lambda2 = 0}",  # Adam magnifies rounding
        "{name = '2', steps = 2, lr = 1e-6, phases = 2}",
    ]
    train = ["train", "segmenter", "--words", str(words), "--scenes", polygons, "--scene-every", "2", "--workers", "0"]
    train += [*SMALL, *(part for stage in stages for part in ("--stage", stage))]
    assert segrec(*train, "--output", tmp_path / "one").code == 0
    first, second = together([*train, "--output", str(tmp_path / "two")], tmp_path)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert (first.out.count("done, weights in"), second.out) == (1, "")
    one, two = (rows(tmp_path / name) for name in ("one", "two"))
    assert [row["step"] for row in one] == [row["step"] for row in two] == [4]
    for key, value in one[0].items():
        assert two[0][key] == pytest.approx(value, rel=1e-2 if key == "gradient_norm" else 1e-4, abs=1e-6), key


def test_a_global_batch_that_the_processes_cannot_share_is_refused(segrec, words, monkeypatch, tmp_path):
    from segrec.training.distributed import World

    monkeypatch.setattr(job, "launched", lambda device: _entered(World(0, 3, torch.device("cpu"))))
    code, _, err = segrec("train", "segmenter", "--words", words, *SMALL, "--output", tmp_path / "run")
    assert code == 1 and err.count("\n") == 1 and "4" in err and "3" in err


class _entered:
    """A context that gives its value."""

    def __init__(self, value):
        self.value = value

    def __enter__(self):
        return self.value

    def __exit__(self, *error):
        return None


def test_gradient_checkpointing_gives_the_same_weights(segrec, words, tmp_path):
    for name, flags in {"kept": [], "recomputed": ["--gradient-checkpointing"]}.items():
        arguments = ["--words", words, "--steps", "3", "--phase1-share", "0.4", *SMALL, "--workers", "0", *flags]
        assert segrec("train", "segmenter", *arguments, "--output", tmp_path / name).code == 0
    kept, recomputed = (load_weights(tmp_path / name / "last.safetensors")[0] for name in ("kept", "recomputed"))
    torch.testing.assert_close(recomputed, kept, rtol=1e-4, atol=1e-6)


def test_tensorboard_shows_curves_and_pictures(segrec, words, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    arguments = ["--words", words, "--valid", words, "--valid-limit", "3", "--steps", "2", *SMALL, "--workers", "0"]
    code, _, err = segrec("train", "segmenter", *arguments, "--tensorboard", "--output", tmp_path / "run")
    assert code == 0, err
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    names = {tag.split("/")[0] for tag in events.Tags()["images"]}
    assert names == {"input", "text", "region", "true text", "true region"}
    assert any(tag.endswith("/loss") for tag in events.Tags()["scalars"])


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("{name = '1a', steps = 2}", "stage '1a' needs lr"),
        ("{name = '1a', steps = 2, lr = 1, lamda1 = 3}", "a stage has no key 'lamda1'; did you mean lambda1?"),
        ("1a", "expected a table such as"),
        ("3", "expected a table such as"),
        ("{name = '1a', steps = inf, lr = 1}", "a stage's steps must be a whole number, got inf"),
    ],
)
def test_a_wrong_stage_is_a_usage_error(segrec, words, tmp_path, stage, said):
    code, _, err = segrec("train", "segmenter", "--words", words, "--stage", stage, "--output", tmp_path / "run")
    assert code == 2 and said in err, err
    assert not (tmp_path / "run").exists()


def test_training_without_data_is_refused(segrec, tmp_path):
    code, _, err = segrec("train", "segmenter", "--output", tmp_path / "run")
    assert code == 1 and "stage 1 has nothing to train on: name words, scenes or both" in err


@pytest.mark.parametrize("option", [("--lr", "1"), ("--steps", "3"), ("--phase1-share", "0"), ("--outside", "1")])
def test_an_option_that_stages_overrule_is_a_usage_error(segrec, words, tmp_path, option):
    stage = "{name = '1', steps = 1, lr = 1e-3}"
    arguments = ["--words", words, "--stage", stage, *option, "--output", tmp_path / "run"]
    code, _, err = segrec("train", "segmenter", *arguments)
    assert code == 2 and f"{option[0]} is of the plan without stages" in err and not (tmp_path / "run").exists()


def test_a_run_is_not_prolonged_back_into_its_first_phase(segrec, words, tmp_path):
    train = ["train", "segmenter", "--words", words, *SMALL, "--workers", "0", "--output", tmp_path / "run"]
    assert segrec(*train, "--steps", "2", "--phase1-share", "0.5").code == 0
    code, _, err = segrec(*train, "--steps", "6", "--phase1-share", "0.5")
    assert code == 1 and "would move the end of its first phase from step 1 to 3" in err, err
    assert segrec(*train, "--steps", "2", "--phase1-share", "0.5").code == 0


def test_validation_pictures_of_which_none_can_be_scored_are_refused_at_once(segrec, words, polygons, tmp_path):
    path = Path(polygons.partition("=")[2])
    for kind in ("images", "regions"):
        (tmp_path / "broken" / kind).mkdir(parents=True)
        for picture in (path / kind).iterdir():
            (tmp_path / "broken" / kind / picture.name).write_bytes(b"no picture")
    arguments = ["--words", words, *SMALL, "--valid", f"folder={tmp_path / 'broken'}", "--output", tmp_path / "run"]
    code, _, err = segrec("train", "segmenter", *arguments)
    assert code == 1 and "no picture of it can be scored: " in err and not (tmp_path / "run").exists(), err


def test_pictures_that_cannot_be_read_are_not_shown(polygons, tmp_path):
    data = open_masked(polygons)

    class Holed:
        """Every second picture is missing."""

        def __len__(self) -> int:
            return len(data)

        def name(self, position: int) -> str:
            return data.name(position)

        def sample(self, position: int):
            if position % 2 == 0:
                raise DataError("cannot read it")
            return data.sample(position)

    model = MutuallyGuidedNet(width=2)
    assert shown(model, Holed())["input"].shape == (2, 3, 48, 64)
