"""Weights, outputs, recipes and libraries that do not serve: one line that says what and what to do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli_words import contents
from segrec_process import Outcome, fresh

from recognizers import CRNN, load_pretrained
from recognizers.loading import save_recognizer
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.weights import PLAIN, SEGMENTER, resolve_weights

NO_OPENCV = 'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")\n'


def assert_one_line(outcome: Outcome, *said: str) -> None:
    assert (outcome.code, outcome.out) == (1, ""), outcome
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("segrec: "), outcome.err
    assert [word for word in said if word not in outcome.err] == [], outcome.err


class Code:
    """An object whose unpickling would write a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.trace)!r}, 'w').close()",)


def missing(folder: Path) -> Path:
    return folder / "missing.safetensors"


def empty(folder: Path) -> Path:
    (folder / "empty.pth").write_bytes(b"")
    return folder / "empty.pth"


def text(folder: Path) -> Path:
    (folder / "text.pth").write_text("these are no weights\n" * 50)
    return folder / "text.pth"


def text_named_safetensors(folder: Path) -> Path:
    (folder / "text.safetensors").write_text("these are no weights\n" * 50)
    return folder / "text.safetensors"


def a_folder(folder: Path) -> Path:
    (folder / "run").mkdir()
    return folder / "run"


def cut_short(folder: Path) -> Path:
    data = resolve_weights(PLAIN).read_bytes()
    (folder / "cut.safetensors").write_bytes(data[: len(data) // 2])
    return folder / "cut.safetensors"


def cut_public(folder: Path) -> Path:
    torch.save(CRNN(widths=(4,) * 7, hidden=4).state_dict(), folder / "cut.pth")
    data = (folder / "cut.pth").read_bytes()
    (folder / "cut.pth").write_bytes(data[: len(data) // 2])
    return folder / "cut.pth"


def code_in_a_pickle(folder: Path) -> Path:
    (folder / "code.pth").write_bytes(pickle.dumps({"state_dict": Code(folder / "it ran")}))
    return folder / "code.pth"


def code_in_an_old_pickle(folder: Path) -> Path:
    (folder / "code.pth").write_bytes(pickle.dumps({"state_dict": Code(folder / "it ran")}, protocol=2))
    return folder / "code.pth"


def code_in_a_checkpoint(folder: Path) -> Path:
    torch.save({"state_dict": Code(folder / "it ran")}, folder / "code.pth")
    return folder / "code.pth"


def other_shapes(folder: Path) -> Path:
    state, header = load_weights(resolve_weights(PLAIN))
    state["rnn.1.embedding.weight"] = torch.zeros(5, 7)
    save_weights(folder / "shapes.safetensors", state, header)
    return folder / "shapes.safetensors"


def missing_tensors(folder: Path) -> Path:
    state, header = load_weights(resolve_weights(PLAIN))
    del state["cnn.conv3.weight"]
    save_weights(folder / "fewer.safetensors", state, header)
    return folder / "fewer.safetensors"


def without_its_parent(folder: Path) -> Path:
    model = load_pretrained(resolve_weights(PLAIN))
    part = {"parent": "gone", "parent_digest": "0" * 64, "only": ["cnn.conv0.weight"]}
    save_recognizer(folder / "part.safetensors", model, **part)
    return folder / "part.safetensors"


def of_another_project(folder: Path) -> Path:
    torch.save({"backbone.stem.weight": torch.zeros(8, 3, 7, 7), "head.fc.bias": torch.zeros(10)}, folder / "net.pth")
    return folder / "net.pth"


def another_architecture(folder: Path) -> Path:
    save_weights(folder / "new.safetensors", {"weight": torch.zeros(2)}, WeightsHeader("transformer", {}))
    return folder / "new.safetensors"


def the_segmenter(folder: Path) -> Path:
    return resolve_weights(SEGMENTER)


BAD_WEIGHTS: list[tuple[Callable[[Path], Path], list[str]]] = [
    (missing, ["no weights at", "crnn-slim"]),
    (empty, ["is empty (0 bytes)", "again"]),
    (text, ["cannot be read as a PyTorch file", "of another kind"]),
    (text_named_safetensors, ["is not a readable .safetensors file", "again"]),
    (a_folder, ["without best.safetensors or last.safetensors", "name a run or a file"]),
    (cut_short, ["is not a readable .safetensors file", "cut short"]),
    (cut_public, ["cannot be read as a PyTorch file", "cut short"]),
    (code_in_a_pickle, ["was not read", "torch.save(model.state_dict()"]),
    (code_in_an_old_pickle, ["could run code, so it was not read", "state_dict"]),
    (code_in_a_checkpoint, ["could run code, so it was not read", "state_dict"]),
    (other_shapes, ["rnn.1.embedding.weight"]),
    (missing_tensors, ["cnn.conv3.weight"]),
    (without_its_parent, ["gone.safetensors", "beside it"]),
    (of_another_project, ["backbone.stem.weight"]),
    (another_architecture, ["'transformer'", "not a recognizer"]),
    (the_segmenter, ["'mgnet'", "not a recognizer"]),
]


@pytest.mark.parametrize(("make", "said"), BAD_WEIGHTS, ids=[make.__name__ for make, _ in BAD_WEIGHTS])
def test_a_recognizer_that_cannot_be_loaded_is_named_with_a_remedy(segrec, words, tmp_path, make, said):
    weights = make(tmp_path)
    before = contents(tmp_path)
    data = ["--data", words, "--output", tmp_path / "output", "--mask", "zero"]
    assert_one_line(segrec("finetune", "crnn", "--pretrained", weights, *data), str(weights), *said)
    assert_one_line(segrec("eval", "--model", weights, "--data", f"w={words}"), str(weights), *said)
    assert contents(tmp_path) == before  # and no code ran


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (missing, ["no weights at", "mgnet-slim"]),
        (empty, ["empty.pth"]),
        (text, ["text.pth"]),
        (text_named_safetensors, ["is not a readable .safetensors file"]),
        (a_folder, ["name a run or a file"]),
        (code_in_a_pickle, ["code.pth"]),
        (of_another_project, ["net.pth"]),
        (another_architecture, ["'transformer', not a segmenter"]),
        (lambda folder: resolve_weights(PLAIN), ["'crnn', not a segmenter", "segrec train segmenter"]),
    ],
)
def test_a_segmenter_that_cannot_be_loaded_is_named_with_a_remedy(segrec, words, tmp_path, make, said):
    weights = make(tmp_path)
    before = contents(tmp_path)
    asked = ["--data", words, "--output", tmp_path / "store", "--segmenter", weights]
    assert_one_line(segrec("precompute-masks", *asked), str(weights), *said)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("output", ["{file}", "{file}/below", "/proc/segrec"])
@pytest.mark.parametrize(
    "command",
    [
        ["precompute-masks", "--data", "{words}", "--output"],
        ["finetune", "crnn", "--mask", "zero", "--data", "{words}", "--steps", "1", "--output"],
        ["train", "crnn", "--data", "{words}", "--steps", "1", "--output"],
        ["render", "words", "--count", "1", "--output"],
        ["render", "scenes", "--count", "1", "--output"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_an_output_that_cannot_be_written_is_named_before_work_is_lost(segrec, words, tmp_path, command, output):
    (tmp_path / "file").write_text("precious")
    output = output.format(file=tmp_path / "file")
    assert_one_line(segrec(*[part.format(words=words) for part in command], output), output, "cannot write", "output")
    assert contents(tmp_path).keys() == {"file"} and (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("stesp = 3\n", "unknown key 'stesp'; did you mean steps?"),
        ("learning_rate = 1\n", "unknown key 'learning_rate'; the keys are"),
        ("config = 'other.toml'\n", "unknown key 'config'"),
        ("steps = \n", "is not valid TOML"),
        ("\x00\xff", "is not valid TOML"),
        ("steps = [1]\n", "steps takes one value; got [1]"),
        ("[lr]\npeak = 1\n", "lr takes one value; got {'peak': 1}"),
        ("data = 'words'\n", "data takes a list, [...] or [[data]] tables; got 'words'"),
        ("steps = 'many'\n", "'many' is not a valid integer"),
        ("mask = 'purple'\n", "'purple' is not one of"),
        (None, "cannot read the recipe"),
    ],
)
def test_a_recipe_that_is_wrong_is_refused_with_what_is_right(segrec, words, tmp_path, recipe, said):
    file = tmp_path / "recipe.toml"
    if recipe is not None:
        file.write_bytes(recipe.encode("latin-1"))
    code, out, err = segrec("finetune", "crnn", "--data", words, "--output", tmp_path / "run", "--config", file)
    assert (code, out) == (2, "")
    errors = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and said in errors[0] and "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", [["precompute-masks", "--data", "{words}"], ["precompute-masks"]])
def test_a_library_that_opencv_misses_is_named_with_both_remedies(words, tmp_path, command):
    (tmp_path / "first" / "cv2").mkdir(parents=True)
    (tmp_path / "first" / "cv2" / "__init__.py").write_text(NO_OPENCV)
    output = ["--output", str(tmp_path / "store")] if len(command) > 1 else []
    arguments = [part.format(words=words) for part in command] + output
    outcome = fresh(*arguments, cwd=tmp_path, first=tmp_path / "first")
    assert outcome.code == 1 and outcome.out == "" and "Traceback" not in outcome.err
    assert "libGL.so.1" in outcome.err.splitlines()[-1] and "opencv-python-headless" in outcome.err.splitlines()[-1]
    assert [line for line in outcome.err.splitlines()[:-1] if "rendering the demo set" not in line] == []
    assert fresh("--help", cwd=tmp_path, first=tmp_path / "first").code == 0
