"""`segrec render warp-icdar13` and the reader of what it writes."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from small_icdar13 import write_scene
from written import ramp, write_picture

from segmenter.datasets import open_dataset
from segmenter.datasets.warp import WarpIcdar13
from segrec.cli import main
from segrec.core.errors import ConfigError, DataError
from segrec.core.polygons import polygon_mask
from segrec.jobs.warp_icdar13 import warp_icdar13


@pytest.fixture
def source(tmp_path) -> Path:
    """Two training pictures and a test picture."""
    root = tmp_path / "ic13"
    write_scene(root, "100")
    write_scene(root, "101", size=(120, 90))
    write_scene(root, "img_1", split="Test")
    return root


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_bend(source, tmp_path):
    for name, seed in (("one", 4), ("two", 4), ("three", 5)):
        done = warp_icdar13(source, tmp_path / name, seed=seed)
        assert (done.images, done.written) == (3, 3)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    text = "train/text/100-w1.png"
    assert bytes_of(tmp_path / "one")[text] != bytes_of(tmp_path / "three")[text]


def test_every_copy_of_an_image_has_a_bend_of_its_own_that_other_images_do_not_change(source, tmp_path):
    warp_icdar13(source, tmp_path / "two", per_image=2)
    files = bytes_of(tmp_path / "two")
    assert files["train/images/100-w1.jpg"] != files["train/images/100-w2.jpg"]
    for path in (source / "Challenge2_Training_Task2_GT").glob("101*"):
        path.unlink()
    warp_icdar13(source, tmp_path / "one")
    assert bytes_of(tmp_path / "one")["train/images/100-w1.jpg"] == files["train/images/100-w1.jpg"]


def test_what_was_written_reads_back_with_masks_that_fit_the_pictures(source, tmp_path):
    warp_icdar13(source, tmp_path / "out", per_image=2, seed=1)
    train = open_dataset("warp-icdar13", tmp_path / "out")
    assert [train.name(position) for position in range(len(train))] == ["100-w1", "100-w2", "101-w1", "101-w2"]
    assert open_dataset("warp-icdar13", tmp_path / "out", "test").name(0) == "img_1-w1"
    for position in range(len(train)):
        sample = pickle.loads(pickle.dumps(train)).sample(position)
        assert sample.text is not None and sample.region is not None
        assert sample.text.shape == sample.region.shape == sample.image.shape[:2]
        assert set(np.unique(sample.text)) == {0, 128, 255} == set(np.unique(sample.region))
        inked = sample.text == 255
        assert inked.any() and (sample.region[inked] == 255).mean() > 0.97
        assert sample.image[inked].mean() < 90 < sample.image[sample.text == 0].mean()


def test_the_manifest_says_how_each_picture_came_about(source, tmp_path):
    warp_icdar13(source, tmp_path / "out", seed=9)
    manifest = json.loads((tmp_path / "out" / "warp.json").read_text())
    assert (manifest["seed"], manifest["per_image"], manifest["complete"]) == (9, 1, True)
    assert manifest["sources"] == {"train": ["100", "101"], "test": ["img_1"]}
    assert set(manifest["versions"]) == {"segrec", "numpy", "opencv"}
    first = manifest["images"][0]
    image = source / "Challenge2_Training_Task12_Images" / "100.jpg"
    assert first["digests"]["100.jpg"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert set(first["digests"]) == {"100.jpg", "100_GT.bmp", "100_GT.txt"}
    assert first["warp"]["kind"] in ("tps", "perspective", "sinusoid") and first["warp"]["size"] == [96, 160]
    outlines = json.loads((tmp_path / "out" / first["files"]["polygons"]).read_text())
    assert len(outlines["words"]) == 3 and all(len(points) >= 28 for points in outlines["words"])
    region = WarpIcdar13(tmp_path / "out").sample(0).region
    assert region is not None
    drawn = np.maximum.reduce([polygon_mask(np.array(points), region.shape) for points in outlines["words"]])
    assert ((region == 255) == (drawn > 0))[region != 128].mean() > 0.999
    assert str(tmp_path) not in (tmp_path / "out" / "warp.json").read_text()


def test_a_set_that_was_cut_short_is_refused_until_the_same_command_finishes_it(source, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        warp_icdar13(source, folder, seed=2)
    manifest = json.loads((cut / "warp.json").read_text())
    (cut / "warp.json").write_text(json.dumps(manifest | {"complete": False, "images": []}))
    (cut / "train" / "polygons" / "101-w1.json").unlink()
    (cut / "test" / "text" / "img_1-w1.png").unlink()
    with pytest.raises(DataError, match=r"cut was not finished; run the same segrec render warp-icdar13 again"):
        WarpIcdar13(cut)
    kept = (cut / "train" / "images" / "100-w1.jpg").stat().st_mtime_ns
    assert warp_icdar13(source, cut, seed=2).written == 2
    assert bytes_of(cut) == bytes_of(whole)
    assert (cut / "train" / "images" / "100-w1.jpg").stat().st_mtime_ns == kept
    assert warp_icdar13(source, cut, seed=2).written == 0


def test_a_set_of_other_settings_or_a_foreign_folder_is_left_alone(source, tmp_path):
    output = tmp_path / "out"
    warp_icdar13(source, output, seed=2)
    before = bytes_of(output)
    with pytest.raises(DataError, match=r"already holds a set of seed 2, not 3; choose another output or delete it"):
        warp_icdar13(source, output, seed=3)
    with pytest.raises(DataError, match=r"already holds a set of per_image 1, not 2"):
        warp_icdar13(source, output, per_image=2, seed=2)
    write_scene(source, "102")
    with pytest.raises(DataError, match=r"already holds a set of other sources; choose"):
        warp_icdar13(source, output, seed=2)
    assert bytes_of(output) == before
    with pytest.raises(DataError, match=r"ic13 is not empty and holds no warp\.json; choose another output"):
        warp_icdar13(source, source)


def test_a_source_that_changed_since_is_noticed(source, tmp_path):
    warp_icdar13(source, tmp_path / "out")
    write_scene(source, "101", size=(90, 120))
    with pytest.raises(DataError, match=r"out was made when .*101\.jpg or its ground truth was another"):
        warp_icdar13(source, tmp_path / "out")


def test_a_source_without_the_boxes_of_words_is_refused(source, tmp_path):
    truth = source / "Challenge2_Test_Task2_GT" / "img_1_GT.txt"
    truth.unlink()
    with pytest.raises(
        DataError, match=r"img_1\.jpg has no boxes of words; expected the list of its characters beside"
    ):
        warp_icdar13(source, tmp_path / "out")
    with pytest.raises(DataError, match=r"is not an ICDAR-2013 segmentation train set"):
        warp_icdar13(tmp_path / "absent", tmp_path / "other")
    with pytest.raises(ConfigError, match=r"--per-image must be at least 1, got 0"):
        warp_icdar13(source, tmp_path / "out", per_image=0)


def test_a_reader_names_what_is_missing(source, tmp_path):
    with pytest.raises(DataError, match=r"is not a warped ICDAR-2013; expected warp\.json as segrec render"):
        WarpIcdar13(tmp_path)
    for path in (source / "Challenge2_Test_Task12_Images").iterdir():
        path.unlink()
    (source / "Challenge2_Test_Task12_Images").rmdir()
    output = warp_icdar13(source, tmp_path / "out").output
    with pytest.raises(DataError, match=r"out has no test pictures"):
        WarpIcdar13(output, "test")
    (output / "train" / "text" / "100-w1.png").unlink()
    with pytest.raises(DataError, match=r"100-w1\.png is missing; run segrec render warp-icdar13 again"):
        WarpIcdar13(output)
    write_picture(output / "train" / "text" / "100-w1.png", ramp(4, 4)[:, :, 0])
    with pytest.raises(DataError, match=r"100-w1\.png is 4 x 4 pixels but its image .* is 160 x 96"):
        WarpIcdar13(output).sample(0)
    (output / "warp.json").write_text('{"kind": "warp-icdar13", "format": 99}')
    with pytest.raises(DataError, match=r"warp\.json is not a manifest of warp-icdar13, format 1"):
        WarpIcdar13(output)


def test_the_command_writes_a_set_and_says_how_many(source, tmp_path, capsys):
    arguments = ["render", "warp-icdar13", "--source", str(source), "--output", str(tmp_path / "out"), "--seed", "3"]
    assert main([*arguments, "--per-image", "2"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 6 images (6 new)\n"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("per-image = 2\nseed = 3\n")
    assert main([*arguments[:6], "--config", str(recipe)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 6 images (0 new)\n"
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "per_image 2, not 1" in error
