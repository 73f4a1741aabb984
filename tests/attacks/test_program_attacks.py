"""One attack of each kind on the programs themselves, each started anew: `segrec`, and the script of the weights."""

from __future__ import annotations

import json
import os
from pathlib import Path

import hostile_checkpoints
import hostile_lmdbs
import pytest
from attacked import assert_refused, program_answers
from test_picture_attacks import WEBP

from segrec.rendering.writing import render_words

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "word.png"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_the_program_answers_an_attack_of_each_kind(tmp_path: Path, pipe: Path):
    render_words(tmp_path / "words", 30, seed=0)
    (tmp_path / "large.webp").write_bytes(WEBP)
    (tmp_path / "deep.toml").write_text("lr = " + "[" * 100_000)
    (tmp_path / "many.json").write_text(json.dumps([[0, 0, 2000, 2000]] * 5000))
    (tmp_path / "a.tsv").write_bytes(b"\0" * 70_000_000)
    stride_zero = hostile_checkpoints.stride_zero(tmp_path / "model.pth")
    numbers = hostile_lmdbs.put(hostile_lmdbs.copied(tmp_path / "words", tmp_path / "bad"), num_samples=b"9" * 12)
    torn = hostile_lmdbs.overflow_beyond_the_end(tmp_path / "words", tmp_path / "torn")
    edited = ["edit", PICTURE, "--erase", "--output"]
    attempts = {
        "checkpoint": ["info", stride_zero],
        "lmdb": ["eval", "--data", f"w={numbers}", "--mask", "zero"],
        "damaged pages": ["info", "--verify", torn],
        "picture": ["read", tmp_path / "large.webp"],
        "polygons": ["read", PICTURE, "--polygons", tmp_path / "many.json"],
        "edited polygons": [*edited, tmp_path / "a.png", "--polygons", tmp_path / "many.json"],
        "pipe": ["finetune", "crnn", "--data", tmp_path / "words", "--mask", "zero", "--pretrained", pipe],
        "output": [*edited, pipe],
        "list": ["import", "tsv", tmp_path / "a.tsv", "--output", tmp_path / "imported"],
    }
    segrec = {name: ["-m", "segrec", *command] for name, command in attempts.items()}
    recipe = {"recipe": ["-m", "segrec", "finetune", "crnn", "--config", tmp_path / "deep.toml"]}
    assert_refused(program_answers("programs", segrec, tmp_path))
    refused = program_answers("programs", recipe, tmp_path)["recipe"]
    assert refused.code == 2 and "is nested too deeply" in refused.err and refused.err.count("Error: ") == 1


def test_the_script_of_the_weights_answers_in_one_line(tmp_path: Path, pipe: Path):
    script = [ROOT / "scripts" / "make_weights.py", "--work", tmp_path / "work", "--output", tmp_path, "--stage"]
    (tmp_path / "mgnet-slim.safetensors").symlink_to(pipe)
    (tmp_path / "crnn-slim.safetensors").symlink_to("/dev/zero")
    attempts = {
        "onnx": [*script, "onnx"],
        "variants": [*script, "variants"],
        "lexicon": [*script, "render", "--lexicon", "/dev/zero"],
        "backgrounds": [*script, "render", "--backgrounds", pipe],
    }
    assert_refused(program_answers("script of the weights", attempts, tmp_path))
