"""Imports count what they leave out, end in the same bytes whatever stops them, and say what papers report."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from releases import crop, put, svt, synth90k

from segrec.core.errors import ConfigError, DataError
from segrec.core.images import encode_png
from segrec.core.lock import FolderLock
from segrec.data.words import WordLmdb
from segrec.importers import writer as writer_module
from segrec.importers.base import Crop, Skip
from segrec.importers.cutting import rectangle
from segrec.importers.record import ImportRecord
from segrec.importers.selection import selection_of
from segrec.importers.writer import ImportWriter
from segrec.jobs import import_words as job
from segrec.jobs.import_words import import_words

WORDS = ["one", "two", "a", "B-52", "three", "4", "five", "six", "seven", "eight", "nine"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small(monkeypatch):
    """Few items a transaction and a task."""
    monkeypatch.setattr(job, "CHUNK", 3)
    monkeypatch.setattr(job, "ITEMS_A_TASK", 2)


@pytest.fixture
def source(tmp_path):
    return synth90k(tmp_path / "source", WORDS, corrupt=[1])


@pytest.fixture
def scenes(tmp_path):
    return svt(tmp_path / "svt")


def test_two_processes_write_the_same_bytes_as_none(tmp_path, small, source, scenes):
    for dataset, root in (("synth90k", source), ("svt", scenes)):
        for workers in (0, 2):
            import_words(dataset, root, output=tmp_path / f"{dataset}-{workers}", workers=workers)
        assert contents(tmp_path / f"{dataset}-0") == contents(tmp_path / f"{dataset}-2")


class Stopped(BaseException):
    """As a kill: nothing is tidied up by the import."""


def stop_at(patched: pytest.MonkeyPatch, moment: str, output: Path) -> None:
    """Stop the next import into `output` at a moment of its writer, where that comes again at the second time."""
    calls = {"lexicon": 0, "commit": 0, "committed": 0}
    commit, publish, replace, append = writer_module.commit, writer_module.publish, os.replace, ImportWriter._append

    def reached(name: str, *, final: bool = False) -> None:
        calls[name] = calls.get(name, 0) + 1
        if name == moment and (final or calls[name] == 2):
            raise Stopped

    def stopping_append(writer: ImportWriter, stem: str, data: bytes) -> None:
        append(writer, stem, data)
        reached("lexicon")

    def stopping_commit(file, items) -> None:
        reached("commit")
        commit(file, items)
        reached("committed")

    def stopping_publish(partial, folder) -> None:
        reached("publish", final=folder == output)
        publish(partial, folder)
        reached("published", final=folder == output)

    def stopping_replace(old, new) -> None:
        replace(old, new)
        if Path(new).suffix == ".jsonl":
            reached("renamed", final=True)

    patched.setattr(writer_module, "commit", stopping_commit)
    patched.setattr(writer_module, "publish", stopping_publish)
    patched.setattr(os, "replace", stopping_replace)
    patched.setattr(ImportWriter, "_append", stopping_append)


@pytest.mark.parametrize("moment", ["lexicon", "commit", "committed", "renamed", "publish", "published"])
def test_an_import_stopped_at_any_moment_ends_in_the_same_bytes(tmp_path, scenes, monkeypatch, moment):
    monkeypatch.setattr(job, "CHUNK", 2)
    import_words("svt", scenes, output=tmp_path / "quiet")
    with monkeypatch.context() as patched:
        stop_at(patched, moment, tmp_path / "words")
        with pytest.raises(Stopped):
            import_words("svt", scenes, output=tmp_path / "words")
    assert (tmp_path / "words" / "data.mdb").exists() == (moment == "published")
    import_words("svt", scenes, output=tmp_path / "words")
    assert contents(tmp_path / "words") == contents(tmp_path / "quiet")
    assert not (tmp_path / "words" / ".import").exists()


def test_a_resumed_import_reads_no_picture_twice(tmp_path, small, source, monkeypatch):
    full = import_words("synth90k", source, output=tmp_path / "full")
    store, written = job._store, []

    def stopping(tasks, writer, bar):
        store(tasks, writer, bar)
        written.append(writer.progress.read)
        if len(written) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "_store", stopping)
        with pytest.raises(KeyboardInterrupt):
            import_words("synth90k", source, output=tmp_path / "words")
    for position in range(6):
        next(source.rglob(f"{position}_*.jpg")).unlink()
    resumed = import_words("synth90k", source, output=tmp_path / "words")
    assert (written, resumed.words, resumed.added) == ([3, 6], full.words, full.words - 5)
    assert contents(tmp_path / "words") == contents(tmp_path / "full")


def test_a_finished_import_asked_for_again_has_nothing_to_do(tmp_path, source):
    first = import_words("synth90k", source, output=tmp_path / "words")
    before = contents(tmp_path / "words")
    again = import_words("synth90k", source, output=tmp_path / "words")
    assert (first.added, again.added, again.words) == (10, 0, 10)
    assert contents(tmp_path / "words") == before


def test_another_import_is_refused_unless_it_may_overwrite(tmp_path, source, scenes):
    output = tmp_path / "words"
    import_words("svt", scenes, output=output)
    with pytest.raises(DataError, match=r"words already holds a database; choose another output or ask to overwrite"):
        import_words("synth90k", source, output=output)
    assert (output / "lexicon.jsonl").exists()
    import_words("synth90k", source, output=output, overwrite=True)
    assert len(WordLmdb(output)) == 10
    assert sorted(contents(output)) == ["data.mdb"]


def test_a_begun_import_is_not_mixed_with_another(tmp_path, small, source, monkeypatch):
    store = job._store

    def stopping(tasks, writer, bar):
        store(tasks, writer, bar)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "_store", stopping)
        with pytest.raises(KeyboardInterrupt):
            import_words("synth90k", source, output=tmp_path / "words")
    with pytest.raises(
        DataError, match="holds the beginning of an import with filter None, not alnum3; choose another"
    ):
        import_words("synth90k", source, output=tmp_path / "words", filter_name="alnum3")
    result = import_words("synth90k", source, output=tmp_path / "words", filter_name="alnum3", overwrite=True)
    assert result.words == 7


def test_a_second_process_is_refused_while_the_first_writes(tmp_path, source):
    (tmp_path / "words").mkdir()
    lock = FolderLock(tmp_path / "words")
    with pytest.raises(DataError, match="is being written by another process"):
        import_words("synth90k", source, output=tmp_path / "words")
    lock.release()


def test_an_annotation_that_changes_meanwhile_is_no_whole_import(tmp_path, source, monkeypatch):
    digests = iter(["before", "after"])
    monkeypatch.setattr(job, "annotations_digest", lambda files: next(digests))
    with pytest.raises(DataError, match="was changed while it was imported; import again with --overwrite"):
        import_words("synth90k", source, output=tmp_path / "words")
    assert not (tmp_path / "words" / "data.mdb").exists()


def test_what_is_left_out_is_counted_by_reason_with_the_first_examples(tmp_path):
    lines = [f"no-{number}.jpg\tword\n" for number in range(7)] + ["a.jpg\t \n", "b.jpg\tB-52\n", "c.jpg\tABC\n"]
    source = put(tmp_path / "list.tsv", "".join(lines))
    put(tmp_path / "c.jpg", crop(1))
    result = import_words("tsv", source, output=tmp_path / "words", filter_name="alnum3")
    assert (result.words, result.progress.read) == (1, 10)
    summary = result.progress.summary()
    assert summary[0].startswith("7 skipped: the picture is missing; first no-0.jpg (")
    assert summary[0].count("no-") == 10  # five examples, each with its path
    assert summary[1:] == [
        "1 skipped: the label is empty; namely a.jpg",
        "1 skipped: left out by the filter alnum3; namely b.jpg ('B-52')",
    ]
    record = ImportRecord.of(tmp_path / "words")
    assert record is not None and record.progress == result.progress


def test_a_picture_that_a_word_database_would_refuse_is_left_out(tmp_path):
    put(tmp_path / "bomb.png", encode_png(np.zeros((4001, 4000), np.uint8)))
    put(tmp_path / "word.jpg", crop(1))
    source = put(tmp_path / "list.tsv", "bomb.png\tboom\nword.jpg\tword\n")
    result = import_words("tsv", source, output=tmp_path / "words")
    assert (result.words, result.progress.skipped) == (1, {"the picture cannot be decoded": 1})
    assert "declares 4000 x 4001 pixels" in result.progress.summary()[0]
    assert WordLmdb(tmp_path / "words")[0].problem is None


def test_an_import_of_nothing_is_an_error_and_leaves_nothing(tmp_path):
    source = put(tmp_path / "list.tsv", "gone.jpg\tword\n")
    with pytest.raises(
        DataError, match=r"nothing could be imported from .*list\.tsv: 1 skipped: the picture is missing"
    ):
        import_words("tsv", source, output=tmp_path / "words")
    assert not (tmp_path / "words").exists()
    put(source, "")
    with pytest.raises(DataError, match="its annotations name no word"):
        import_words("tsv", source, output=tmp_path / "words")


def labelled(dataset: str, *labels: str, **options: str) -> list[str]:
    items = [Crop("", f"word_{number}.png", label) for number, label in enumerate(labels, start=1)]
    taken = selection_of(dataset, None, **options).of(items)
    return [item.label for item in taken if not isinstance(item, Skip)]


def test_each_named_subset_is_the_rule_that_the_field_uses():
    labels = ("CAFE", "to", "B-52", "Café", "it's", "007", "")
    assert labelled("icdar13", *labels, subset="1015") == ["CAFE", "to", "007"]
    assert labelled("icdar13", *labels, subset="857") == ["CAFE", "007"]
    assert labelled("icdar03", *labels, subset="867") == ["CAFE", "007"]
    assert labelled("icdar15", *labels, subset="2077") == list(labels[:-1])


def test_the_subsets_without_a_rule_need_a_list_of_names(tmp_path):
    names = put(tmp_path / "names.txt", "word_1.png\r\nword_3.png\n")
    assert labelled("icdar15", "a", "b", "c", subset="1811", names=names) == ["a", "c"]
    assert labelled("icdar03", "one", "two", "x", subset="860", names=names) == ["one"]
    with pytest.raises(
        ConfigError, match="no rule gives the 1811 words of icdar15, only a list; name a file of it with"
    ):
        selection_of("icdar15", None, subset="1811")
    with pytest.raises(ConfigError, match="--subset 1015 of icdar13 follows from a rule; leave out --names"):
        selection_of("icdar13", None, subset="1015", names=names)


def test_each_release_of_icdar03_has_its_number_of_words_by_the_same_rule(tmp_path):
    assert labelled("icdar03", "CAFE", "to", "007", subset="860") == ["CAFE", "007"]
    asked = {subset: selection_of("icdar03", None, subset=subset) for subset in ("867", "860")}
    assert asked["860"].known_of(1107).verdict(860, 1107)[0] and asked["867"].known_of(1110).verdict(867, 1110)[0]
    right, words = asked["860"].known_of(1110).verdict(867, 1110)
    assert not right and "are of the release of 1107; take that one, or name the words with --names" in words
    for rule, release, number in ((None, 1107, 1107), (None, 1110, 1110), ("alnum3", 1107, 860), ("alnum3", 1110, 867)):
        known = selection_of("icdar03", None, filter_name=rule).known_of(release)
        assert known is not None and known.verdict(number, release)[0]
    names = put(tmp_path / "names.txt", "word_1.png\n")
    assert selection_of("icdar03", None, subset="860", names=names).known.verdict(860, 1110)[0]


def test_contradicting_options_are_refused():
    with pytest.raises(ConfigError, match="icdar13 has no subset 1000; its numbers are 848, 1095, 1015, 857"):
        selection_of("icdar13", None, subset="1000")
    with pytest.raises(
        ConfigError, match="--subset 857 of icdar13 is --split test --filter alnum3; leave these options"
    ):
        selection_of("icdar13", "train", subset="857")
    with pytest.raises(ConfigError, match="svt has no split 'val'; choose one of test, train"):
        selection_of("svt", "val")


def test_the_numbers_of_the_field_are_confirmed_or_contradicted():
    known = selection_of("icdar13", None, filter_name="alnum").known
    assert known is not None
    assert known.verdict(1015, 1095) == (True, "1015 words, the number that papers report for icdar13 test, alnum")
    assert known.verdict(1014, 1095) == (False, "1014 words, but papers report 1015 for icdar13 test, alnum")
    synth = selection_of("synth90k", None).known
    assert synth is not None and synth.verdict(8_919_243, 8_919_273)[0]
    assert sum(selection_of("synth90k", split).known.number for split in ("train", "val", "test")) == 8_919_273


@pytest.mark.parametrize(
    ("outline", "margin", "expected"),
    [
        (((2, 3), (7, 9)), 0.0, (3, 9, 2, 7)),
        (((2.2, 3.9), (7.1, 8.0)), 0.0, (3, 8, 2, 8)),
        (((5, 1), (9, 5), (5, 9), (1, 5)), 0.0, (1, 9, 1, 9)),
        (((2, 4), (6, 6)), 0.5, (3, 7, 1, 7)),
        (((-5, -5), (50, 50)), 1.0, (0, 10, 0, 12)),
        (((3, 3), (3, 8)), 0.0, None),
        (((12, 3), (14, 8)), 0.0, None),
        (((float("nan"), 3), (14, 8)), 0.0, None),
    ],
)
def test_the_rectangle_holds_the_outline_and_stays_in_the_picture(outline, margin, expected):
    found = rectangle(outline, (10, 12), margin=margin)
    assert expected == (None if found is None else (found[0].start, found[0].stop, found[1].start, found[1].stop))
