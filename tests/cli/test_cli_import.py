"""`segrec import` from the command line."""

from __future__ import annotations

import numpy as np
import pytest

from segrec.core.images import encode_png
from segrec.data.words import WordLmdb
from segrec.importers.writer import ImportWriter
from segrec.jobs.import_words import import_words
from segrec.jobs.info import describe


def release(tmp_path, labels):
    root = tmp_path / "Challenge2_Test_Task3_Images"
    root.mkdir()
    lines = []
    for number, label in enumerate(labels, start=1):
        (root / f"word_{number}.png").write_bytes(encode_png(np.full((8, 9), 10 * number, np.uint8)))
        lines.append(f'word_{number}.png, "{label}"\n')
    (tmp_path / "Challenge2_Test_Task3_GT.txt").write_text("".join(lines), encoding="utf-8-sig")
    return tmp_path


def test_an_import_says_its_number_beside_that_of_the_field_and_what_it_left_out(segrec, tmp_path):
    source = release(tmp_path, ["Tiredness", "kills,", "A"])
    code, out, err = segrec("import", "icdar13", source, "--output", tmp_path / "words", "--subset", "1015")
    said = "2 words, but papers report 1015 for icdar13 test, alnum"
    assert (code, out) == (0, f"{tmp_path / 'words'}: 2 words of 3 listed (2 new); {said}\n")
    assert "warning: 1 skipped: left out by the filter alnum; namely word_2.png ('kills,')" in err.splitlines()
    assert f"warning: {said}" in err
    assert [word.label for word in WordLmdb(tmp_path / "words")] == ["Tiredness", "A"]
    found = describe(tmp_path / "words")
    assert found.sound and found.facts["left out"].startswith(
        "1 skipped: left out by the filter alnum; namely word_2.png"
    )
    assert found.facts["imported from"] == f"icdar13 test, filter alnum, at {source}"


def test_info_says_how_far_an_import_has_come_that_was_stopped(tmp_path, monkeypatch):
    source = release(tmp_path, ["Tiredness"])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ImportWriter, "finish", lambda writer: (_ for _ in ()).throw(KeyboardInterrupt))
        import_words("icdar13", source, output=tmp_path / "words")
    found = describe(tmp_path / "words")
    assert (found.kind, found.facts["import"]) == ("word database", "1 words of 1 listed ones read")
    assert found.problems[0].endswith("its data.mdb is missing; run the same segrec import again to go on")


def test_nothing_imported_is_exit_code_1_and_one_line(segrec, tmp_path):
    (tmp_path / "gt.tsv").write_text("gone.png\tword\n")
    code, out, err = segrec("import", "tsv", tmp_path, "--output", tmp_path / "words", "--quiet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("segrec: nothing could be imported from ")


def test_an_unknown_dataset_is_a_usage_error_that_lists_them(segrec, tmp_path):
    code, _, err = segrec("import", "mjsynth", tmp_path, "--output", tmp_path / "words")
    assert code == 2 and "'synth90k', 'synthtext', 'iiit5k', 'svt', 'svtp', 'cute80'" in err
