"""`segrec label-masks` from the command line."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from printed_words import printed
from segrec_process import Killable

from segrec.core.errors import DataError
from segrec.core.images import encode_png
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordWriter
from segrec.jobs import label_masks as job
from segrec.jobs.info import describe
from segrec.jobs.label_masks import label_masks

SHARD = "shard-00001-of-00001"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "words"
    pictures = [(printed(text), text) for text in ("exit", "BOOK", "2026", "exit")]
    with WordWriter(folder) as writer:
        for picture, label in pictures:
            writer.add(encode_png(picture), label)
        writer.add(encode_png(printed("BOOK")), "novel")
        writer.add(encode_png(printed("A")), "A")
        writer.add(encode_png(np.full((30, 90, 3), 90, np.uint8)), "flat")
        writer.add(b"no picture", "broken")
    return folder


@pytest.fixture(scope="module")
def quiet(words):
    """The store of an undisturbed run, and what it did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "CHUNK", 2)
        return label_masks(words, words.parent / "quiet")


def data_of(store):
    return (store / SHARD / "data.mdb").read_bytes()


def test_words_without_a_mask_are_counted_by_reason(words, quiet):
    assert (quiet.pictures, quiet.added, quiet.accepted) == (8, 8, 4)
    assert quiet.refused == {"unread": 1, "short label": 1, "flat": 1, "no image": 1}
    assert [position for position, _ in MaskStore(quiet.output).holes()] == [4, 5, 6, 7]
    found = describe(quiet.output, verify=True)
    assert found.sound and found.facts["masks"] == "verified"
    assert found.facts["verifier"].startswith("crnn-slim, digest ")
    assert (found.facts["accepted"], found.facts["refused"]) == (
        "4 of 8",
        "1 unread, 1 short label, 1 flat, 1 no image",
    )


def test_the_command_says_what_it_did_and_a_second_one_adds_nothing(segrec, words, tmp_path):
    arguments = ["label-masks", "--data", words, "--output", tmp_path / "masks", "--limit", "2"]
    code, out, err = segrec(*arguments)
    assert (code, out) == (0, f"{tmp_path / 'masks'}: 2 masks of 2 words (2 new); refused: none\n"), err
    assert segrec(*arguments)[1].endswith("2 masks of 2 words (0 new); refused: none\n")
    code, _, err = segrec(*arguments, "--threshold", "0.9")
    assert code == 1 and "was made with verifier crnn-slim (" in err and err.count("\n") == 1


def test_a_killed_run_goes_on_and_ends_in_the_bytes_of_an_undisturbed_one(words, quiet, tmp_path):
    store, log = tmp_path / "killed", tmp_path / "log"
    arguments = ["label-masks", "--data", str(words), "--output", str(store)]

    def done():
        try:
            return MaskStore(store).done if (store / SHARD / "data.mdb").exists() else 0
        except DataError:
            return 0

    run = Killable(arguments, log, small={"chunk": 2})
    run.wait_until(lambda: done() >= 2)
    run.send(signal.SIGKILL)
    assert 2 <= done() < 8
    again = Killable([*arguments, "--workers", "2"], log, small={"chunk": 2})
    assert again.join() == 0, again.said()
    assert data_of(store) == data_of(quiet.output)


def test_a_verifier_that_needs_masks_or_is_not_there_is_an_error_in_one_line(segrec, words, tmp_path):
    arguments = ["label-masks", "--data", words, "--output", tmp_path / "masks", "--verifier"]
    code, _, err = segrec(*arguments, "crnn-slim-zero")
    assert code == 1
    assert err == "segrec: crnn-slim-zero needs a mask to read; verify with a recognizer without one, as crnn-slim\n"
    code, _, err = segrec(*arguments, "nobody")
    assert code == 1 and err.startswith("segrec: no weights at nobody; ") and err.count("\n") == 1
