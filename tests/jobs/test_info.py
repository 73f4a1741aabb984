"""`describe` says what a file or folder is; what is wrong with it is reported, not raised."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from segrec.core.errors import DataError
from segrec.core.files import write_json
from segrec.core.images import encode_jpeg, encode_png
from segrec.core.lmdb_io import LmdbReader, close_environment, commit
from segrec.data import MaskRecord, MaskStoreWriter, SegmenterRecord, SourceRecord, WordLmdb, WordWriter
from segrec.data.masks.store import MaskStore
from segrec.jobs import info_shards
from segrec.jobs.info import Description, describe


def picture(index: int) -> bytes:
    rng = np.random.default_rng(index)
    return encode_png(rng.integers(0, 256, (8 + index % 2, 16 + index % 5, 3), dtype=np.uint8))


def make_words(path: Path, count: int = 6, damaged: dict[int, bytes] | None = None) -> Path:
    with WordWriter(path) as writer:
        for index in range(1, count + 1):
            writer.add((damaged or {}).get(index, picture(index)), f"word{index}")
    return path


def make_masks(path: Path, words: Path, *, until: int, shard=(1, 1), kind: str = "predicted") -> Path:
    database = WordLmdb(words)
    segmenter = SegmenterRecord("mgnet-slim", "e" * 64) if kind == "predicted" else None
    span, source = (1, len(database)), SourceRecord.of(database)
    record = MaskRecord(kind, source, segmenter, (32, None), span)  # type: ignore[arg-type]
    with MaskStoreWriter.open(path, record, shard=shard) as writer:
        first = writer.next_index
        masks = [np.full((4, 9), 17 * (index % 16), np.uint8) for index in range(first, until + 1)]
        writer.write(first, [None if first + offset == 2 else mask for offset, mask in enumerate(masks)])
    return path


def problem(description: Description) -> str:
    assert len(description.problems) == 1 and not description.sound
    assert "\n" not in description.problems[0]
    return description.problems[0]


def test_a_sound_word_database_shows_its_words_and_the_sizes_of_its_images(tmp_path):
    path = make_words(tmp_path / "words")
    found = describe(path)
    assert (found.path, found.kind, found.sound, found.problems) == (path, "word database", True, [])
    assert found.facts["words"] == "6"
    assert found.facts["first labels"] == "'word1', 'word2', 'word3', 'word4', 'word5'"
    assert found.facts["digest"] == f"{WordLmdb(path).digest} (of a sample)"
    assert found.facts["checked"] == "all 6"
    assert found.facts["image sizes"] == "height 8 to 9, width 16 to 20"
    assert "oracle" not in found.facts
    with pytest.raises(FrozenInstanceError):
        found.sound = False  # type: ignore[misc]


def test_a_damaged_image_between_the_samples_is_found_only_by_verifying(tmp_path):
    path = make_words(tmp_path / "words", 130, {2: b"no picture", 130: b""})
    sampled, verified = describe(path), describe(path, verify=True)
    assert sampled.facts["checked"] == "64 of 130, evenly spaced"
    assert problem(sampled).startswith("image-000000130: the image is empty")
    assert verified.facts["checked"] == "all 130"
    assert [text[:15] for text in verified.problems] == ["image-000000002", "image-000000130"]


def test_many_unusable_samples_are_counted_rather_than_listed(tmp_path):
    found = describe(make_words(tmp_path / "words", 30, {index: b"bad" for index in range(5, 31)}))
    assert len(found.problems) == 11
    assert found.problems[-1] == "16 more unusable samples, 26 of 30 checked"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ([(b"num-samples", b"7")], "image-000000007 is missing"),
        ([(b"num-samples", b"many")], "expected a decimal number"),
        ([(b"num-samples", b"9" * 30)], "expected a decimal number"),
        ([(b"num-samples", b"0")], "holds no words"),
        ([(b"label-000000002", b"\xff")], "label-000000002 is not UTF-8"),
    ],
)
def test_problems_of_a_word_database_are_reported_not_raised(tmp_path, change, words):
    path = make_words(tmp_path / "words")
    commit(path / "data.mdb", change)
    assert words in problem(describe(path, verify=True))


def test_truncated_empty_and_unfinished_databases_are_problems(tmp_path):
    for name in ("cut", "empty", "noise", "unfinished"):
        make_words(tmp_path / name)
        close_environment(tmp_path / name)
    cut = tmp_path / "cut" / "data.mdb"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "empty" / "data.mdb").write_bytes(b"")
    (tmp_path / "noise" / "data.mdb").write_bytes(bytes(range(256)) * 64)
    (tmp_path / "unfinished" / "data.mdb").rename(tmp_path / "unfinished" / ".data.mdb.partial")
    assert "is cut short" in problem(describe(tmp_path / "cut"))
    assert "is empty" in problem(describe(tmp_path / "empty"))
    assert "not a readable LMDB" in problem(describe(tmp_path / "noise"))
    assert "never finished" in problem(describe(tmp_path / "unfinished"))


def test_stores_that_lie_in_a_word_database_must_belong_to_it(tmp_path):
    words, others = make_words(tmp_path / "words"), make_words(tmp_path / "others", 5)
    make_masks(words / "oracle", words, until=6, kind="oracle")
    found = describe(words)
    assert found.sound and found.facts["oracle"] == "oracle masks, 6 of 6"
    make_masks(words / "regions", others, until=5, kind="region")
    found = describe(words)
    assert found.facts["regions"] == "region masks, 5 of 5"
    assert "was made from others" in problem(found)


def test_a_complete_mask_store_says_where_its_masks_come_from(tmp_path):
    words = make_words(tmp_path / "words")
    found = describe(make_masks(tmp_path / "masks", words, until=6), verify=True)
    assert (found.kind, found.sound) == ("mask store", True)
    assert list(found.facts)[:4] == ["masks", "source", "source today", "segmenter"]
    assert found.facts["masks"] == "predicted"
    assert found.facts["source"].startswith(f"words, 6 samples, digest {WordLmdb(words).digest}")
    assert found.facts["source today"] == f"unchanged, at {words}"
    assert found.facts["segmenter"] == f"mgnet-slim, digest {'e' * 64}"
    assert found.facts["input size"] == "height 32, width by the picture"
    assert (found.facts["codec"], found.facts["shards"]) == ("png16", "1 of 1")
    assert (found.facts["progress"], found.facts["missing"]) == ("6 of 6", "nothing")
    assert (found.facts["checked"], found.facts["mask sizes"]) == ("all 6", "height 4, width 9")
    assert found.facts["unreadable images"] == "1 of the checked have an empty mask"
    digest = MaskStore(tmp_path / "masks").shards[0].digest
    assert found.facts["shard 1/1"] == f"6 of 6 (images 1 to 6), digest {f'{digest:064x}'[:12]} verified"
    assert found.facts["digest"] == f"{digest:064x} (of all masks, however they are cut into shards)"
    size = (tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb").stat().st_size
    assert (found.facts["bytes per mask"], found.facts["size on disk"]) == (f"{size / 6:.0f}", f"{size / 1000:.1f} kB")


def test_an_unfinished_mask_store_names_what_is_missing(tmp_path):
    words = make_words(tmp_path / "words")
    make_masks(tmp_path / "masks", words, until=2, shard=(1, 3))
    make_masks(tmp_path / "masks", words, until=5, shard=(3, 3))
    found = describe(tmp_path / "masks", verify=True)
    assert (found.facts["shards"], found.facts["progress"]) == ("2 of 3", "3 of 6")
    assert (found.facts["missing"], found.facts["checked"]) == ("3..4, 6..6", "all 3")
    assert found.facts["shard 1/3"].startswith("2 of 2 (images 1 to 2), digest")
    assert found.facts["shard 2/3"] == "0 of 2 (images 3 to 4)"
    assert "(of the masks so far, however" in found.facts["digest"]
    assert "is unfinished: 3 of 6 masks, shard 2/3 lacks masks 3..4, shard 3/3 lacks masks 6..6;" in problem(found)
    assert problem(found).endswith(" --shard 2/3, --shard 3/3")


def test_a_changed_source_is_a_problem_and_one_that_is_gone_is_not(tmp_path):
    words = make_words(tmp_path / "words")
    make_masks(tmp_path / "masks", words, until=6)
    commit(words / "data.mdb", [(b"label-000000001", b"changed")])
    assert "has other content" in problem(describe(tmp_path / "masks"))
    words.rename(tmp_path / "elsewhere")
    found = describe(tmp_path / "masks")
    assert found.sound and found.facts["source today"] == "no longer at that path"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (b"mask-000000070", b"no png", "mask-000000070: the mask cannot be decoded"),
        (b"progress", b"much", "damaged progress"),
        (b"record", b"[]", "record is damaged"),
    ],
)
def test_a_damaged_mask_store_is_reported_when_every_mask_is_decoded(tmp_path, key, value, words):
    make_masks(tmp_path / "masks", make_words(tmp_path / "words", 130), until=130)
    commit(tmp_path / "masks" / "shard-00001-of-00001" / "data.mdb", [(key, value)])
    assert words in describe(tmp_path / "masks", verify=True).problems[-1]
    if key.startswith(b"mask"):
        assert describe(tmp_path / "masks").facts["checked"] == "64 of 130, evenly spaced"


def test_a_mask_that_is_another_sound_one_is_found_by_the_digest(tmp_path, monkeypatch):
    path, words = tmp_path / "masks", make_words(tmp_path / "words", 130)
    for number in (1, 2):
        make_masks(path, words, until=65 * number, shard=(number, 2))
    wrong = path / "shard-00002-of-00002"
    commit(wrong / "data.mdb", [(b"mask-000000070", LmdbReader(wrong).get(b"mask-000000071") or b"")])
    found = describe(path)
    command = f"delete {wrong} and run segrec precompute-masks --data {words} --output {path} --shard 2/2"
    assert problem(found) == f"shard 2/2 holds other masks than were written there; {command}"
    assert found.facts["shard 1/2"].endswith(" verified") and found.facts["shard 2/2"].endswith(" wrong")
    monkeypatch.setattr(info_shards, "QUICK", 129)
    assert describe(path).sound and describe(path).facts["shard 2/2"].endswith(" not verified")
    assert describe(path).facts["digest"].endswith("; --verify compares it with the masks)")
    monkeypatch.setattr(info_shards, "MOST_LISTED", 1)
    assert [name for name in describe(path, verify=True).facts if name.startswith("shard ")] == ["shard 2/2"]


def test_lost_masks_are_named_and_a_store_without_digests_says_so(tmp_path):
    words = make_words(tmp_path / "words")
    shard = make_masks(tmp_path / "masks", words, until=6) / "shard-00001-of-00001"
    values = {key: LmdbReader(shard).get(key) or b"" for key in (b"record", b"mask-000000003", b"mask-000000004")}
    older = tmp_path / "older" / shard.name
    older.mkdir(parents=True)
    record = replace(MaskRecord.from_json(values.pop(b"record"), shard), version=1).to_json()
    commit(older / "data.mdb", [(b"record", record), (b"progress", b"4"), *values.items()])
    found = describe(tmp_path / "older")
    assert found.facts["digest"] == "none: the store was made by an older segrec"
    assert found.facts["shard 1/1"] == "4 of 6 (images 1 to 6)"
    assert [text[:14] for text in found.problems[:2]] == ["mask-000000001", "mask-000000002"]


def make_scenes(path: Path) -> Path:
    names = ["scene-000001", "scene-000002"]
    polygons = [{"points": [[0, 0], [4.5, 0], [4, 3]], "text": "ab"}]
    for name in names:
        contents = {
            f"images/{name}.jpg": encode_jpeg(np.zeros((6, 8, 3), np.uint8)),
            f"text/{name}.png": encode_png(np.zeros((6, 8), np.uint8)),
            f"regions/{name}.png": encode_png(np.zeros((6, 8), np.uint8)),
            f"polygons/{name}.json": json.dumps(polygons).encode(),
        }
        for file, content in contents.items():
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_bytes(content)
    write_json(path / "scenes.json", {"seed": 5, "scenes": names})
    return path


def test_scenes_are_counted_and_looked_at(tmp_path):
    found = describe(make_scenes(tmp_path / "scenes"))
    assert (found.kind, found.sound) == ("scenes", True)
    assert (found.facts["scenes"], found.facts["seed"]) == ("2", "5")
    assert found.facts["image sizes"] == "height 6, width 8"
    assert found.facts["polygons"] == "2 in the checked scenes"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("images/scene-000001.jpg", b"", "the image is empty"),
        ("text/scene-000002.png", encode_png(np.zeros((5, 8), np.uint8)), "(5, 8), but its picture is (6, 8)"),
        ("polygons/scene-000001.json", b'[{"points": [[1, 2]], "text": "a"}]', "is not a list of polygons"),
        ("scenes.json", b'{"scenes": [3]}', "names no scenes"),
        ("scenes.json", b"{}", "names no scenes"),
        ("scenes.json", None, "it is written last, so render"),
    ],
)
def test_damaged_scenes_are_reported(tmp_path, file, content, words):
    path = make_scenes(tmp_path / "scenes")
    if content is None:
        (path / file).unlink()
    else:
        (path / file).write_bytes(content)
    assert words in problem(describe(path))


def test_a_demo_folder_says_what_it_holds_and_what_to_run_on_it(tmp_path):
    make_words(tmp_path / "demo" / "words" / "test", 3)
    found = describe(tmp_path / "demo")
    assert (found.kind, found.sound, found.facts["test words"]) == ("demo", True, "3")
    assert found.facts["score recognizers"] == f"segrec eval --data demo-test={tmp_path / 'demo/words/test'}"
    make_words(tmp_path / "demo" / "words" / "train", 2, {2: b"no picture"})
    assert problem(describe(tmp_path / "demo")).startswith("words/train: image-000000002")


@pytest.mark.parametrize(("images", "truth"), [("images", "gt"), ("ch4_test_images", "Challenge4_Test_Task1_GT")])
def test_scenes_of_icdar15_say_what_they_are_and_how_to_score_a_segmenter_on_them(tmp_path, images, truth):
    for folder in (images, truth):
        (tmp_path / folder).mkdir()
    (tmp_path / images / "img_1.png").write_bytes(picture(0))
    (tmp_path / truth / "gt_img_1.txt").write_text("1,1,5,1,5,5,1,5,word")
    found = describe(tmp_path)
    assert (found.kind, found.sound, found.facts["test scenes"]) == ("ICDAR-2015 scenes", True, "1")
    assert found.facts["score a segmenter"] == f"segrec eval-segmenter --data icdar15:test={tmp_path}"
    (tmp_path / truth / "gt_img_1.txt").unlink()
    assert "has no ground truth" in describe(tmp_path).problems[0]


def test_what_is_none_of_these_is_refused_with_what_was_expected(tmp_path):
    words = make_words(tmp_path / "words")
    masks = make_masks(tmp_path / "masks", words, until=6)
    (tmp_path / "empty").mkdir()
    (tmp_path / "table.csv").write_text("a,b")
    cases = {
        tmp_path / "absent": "does not exist; expected a word database",
        tmp_path / "empty": "is an empty folder of no kind .* expected .* a mask store",
        tmp_path: "is a folder of no kind .* a public checkpoint",
        tmp_path / "table.csv": "is a file of no kind",
        words / "data.mdb": "name its folder",
        masks / "shard-00001-of-00001": "is one shard of a mask store; name the store's folder",
    }
    for path, message in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            describe(path)
        assert "\n" not in str(caught.value)


def test_looking_at_data_imports_no_torch(tmp_path):
    path = make_words(tmp_path / "words")
    code = "import sys; from segrec.jobs.info import describe; describe(sys.argv[1]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
