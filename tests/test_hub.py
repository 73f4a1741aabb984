"""Weights on the Hugging Face Hub, by its local cache alone: no test reaches a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from printed_words import printed
from small_segmenter import write_small_segmenter

import segrec
from recognizers import Charset, crnn_slim, load_pretrained, save_recognizer
from segmenter.loading import load_segmenter
from segrec.core.checkpoint import read_header
from segrec.core.errors import CheckpointError, ConfigError, LibraryError
from segrec.weights import resolve_weights

COMMIT, OLDER = "1" * 40, "2" * 40
CROPS = [printed("hotel")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the Hub, and no way past it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def keep(cache: Path, repository: str, file: Path, *, revision: str = "main", commit: str = COMMIT) -> Path:
    """Lay a file into the cache as a download does; return its snapshot."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / revision).write_text(commit, "utf-8")
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, snapshot / "model.safetensors")
    return snapshot


def write_recognizer(path: Path, characters: str = "abc") -> Path:
    torch.manual_seed(1)
    save_recognizer(path, crnn_slim(charset=Charset(characters)))
    return path


def test_recognizers_segmenters_and_readers_come_from_the_hub_by_name(cache, tmp_path):
    keep(cache, "someone/reads", write_recognizer(tmp_path / "reads.safetensors"))
    keep(cache, "someone/masks", write_small_segmenter(tmp_path))
    recognizer = segrec.Recognizer.from_pretrained("hf-hub:someone/reads", device="cpu")
    assert recognizer.model.charset.characters == "abc"
    assert load_pretrained("hf-hub:someone/reads").charset.characters == "abc"
    segmenter = segrec.Segmenter.from_pretrained("hf-hub:someone/masks", device="cpu", scene_height=None)
    reader = segrec.Reader.from_pretrained("hf-hub:someone/reads", segmenter="hf-hub:someone/masks", device="cpu")
    (word,) = reader.read(CROPS)
    assert word.text == recognizer.read(CROPS)[0].text
    assert word.mask.shape == segmenter.predict_text(CROPS)[0].shape


def test_a_revision_names_other_weights(cache, tmp_path):
    keep(cache, "some-one/re.ads_2", write_recognizer(tmp_path / "new.safetensors", "abc"))
    keep(cache, "some-one/re.ads_2", write_recognizer(tmp_path / "old.safetensors", "xy"), revision="v1", commit=OLDER)
    found = [resolve_weights(f"hf-hub:some-one/re.ads_2{revision}") for revision in ("", "@v1", f"@{OLDER}")]
    assert [read_header(path).charset for path in found] == ["abc", "xy", "xy"]


def test_what_cannot_be_had_is_said_in_one_line(cache):
    with pytest.raises(
        CheckpointError, match=r"cannot fetch model\.safetensors of hf-hub:no/one \(.*check the"
    ) as error:
        resolve_weights("hf-hub:no/one")
    assert "\n" not in str(error.value)
    for name in ("hf-hub:", "hf-hub:owner", "hf-hub:a/b/c", "hf-hub:../b", "hf-hub:a/b c"):
        with pytest.raises(CheckpointError, match=r"is not a repository of the Hub|cannot fetch"):
            resolve_weights(name)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(LibraryError, match=r"not installed; pip install 'segrec\[hub\]'"):
        resolve_weights("hf-hub:some/one")


@pytest.fixture
def pushed(cache, monkeypatch) -> list[tuple[str, object]]:
    """What was asked of the Hub, which puts what is uploaded into the cache."""
    asked: list[tuple[str, object]] = []

    def create_repo(self, repository, *, private, exist_ok):
        asked.append(("create", (repository, private, exist_ok)))
        return f"https://hub.example/{repository}"

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        asked.append(("upload", (repo_id, commit_message, sorted(path.name for path in Path(folder_path).iterdir()))))
        snapshot = keep(cache, repo_id, Path(folder_path) / "model.safetensors")
        card = Path(folder_path) / "README.md"
        if card.exists():
            shutil.copy(card, snapshot / card.name)

    def file_exists(self, repository, name):
        return any((cache / f"models--{repository.replace('/', '--')}").glob(f"snapshots/*/{name}"))

    for function in (create_repo, upload_folder, file_exists):
        monkeypatch.setattr(huggingface_hub.HfApi, function.__name__, function)
    return asked


def test_what_is_pushed_is_what_comes_back_with_a_page_that_says_how_to_use_it(cache, pushed, tmp_path):
    recognizer = segrec.Recognizer.from_pretrained(write_recognizer(tmp_path / "a.safetensors"), device="cpu")
    address = recognizer.push_to_hub("me/reads", private=True, notes={"trained on": "nothing"})
    again = segrec.Recognizer.from_pretrained("hf-hub:me/reads", device="cpu")
    assert address == "https://hub.example/me/reads" and again.read(CROPS) == recognizer.read(CROPS)
    assert read_header(resolve_weights("hf-hub:me/reads")).notes == {"trained on": "nothing"}
    assert pushed == [
        ("create", ("me/reads", True, True)),
        ("upload", ("me/reads", "Add weights", ["README.md", "model.safetensors"])),
    ]
    (card,) = cache.glob("models--me--reads/snapshots/*/README.md")
    said = card.read_text("utf-8")
    assert said.startswith("---\nlibrary_name: segrec\npipeline_tag: image-to-text\n")
    assert 'segrec.Reader.from_pretrained("hf-hub:me/reads")' in said and "architecture `crnn`" in said


def test_a_segmenter_is_pushed_too_and_a_page_that_is_there_is_left_alone(cache, pushed, tmp_path):
    file = write_small_segmenter(tmp_path)
    segmenter = segrec.Segmenter.from_pretrained(file, device="cpu")
    for _ in range(2):
        segmenter.push_to_hub("me/masks", message="Better masks")
    again, first = load_segmenter(resolve_weights("hf-hub:me/masks")), load_segmenter(file)
    state = first.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())
    uploads = [what for kind, what in pushed if kind == "upload"]
    assert [names for *_, names in uploads] == [["README.md", "model.safetensors"], ["model.safetensors"]]
    assert {message for _, message, _ in uploads} == {"Better masks"}


def test_a_refused_push_is_said_in_one_line(monkeypatch, tmp_path):
    recognizer = segrec.Recognizer.from_pretrained(write_recognizer(tmp_path / "a.safetensors"), device="cpu")
    with pytest.raises(ConfigError, match=r"'hf-hub:me/reads' is not the name of a repository; write owner/name"):
        recognizer.push_to_hub("hf-hub:me/reads")

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("403 Forbidden\nrequest id 7")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    with pytest.raises(CheckpointError, match=r"^cannot push to me/reads \(403 Forbidden\); check the name"):
        recognizer.push_to_hub("me/reads")
