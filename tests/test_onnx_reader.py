"""Reading with networks in ONNX: without PyTorch, and as with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from printed_words import printed
from small_segmenter import write_small_segmenter

import segrec
from segmenter.loading import load_segmenter
from segmenter.onnx_predictor import OnnxSegmenter
from segrec.core.errors import CheckpointError, ConfigError, DataError
from segrec.core.files import file_digest
from segrec.core.images import decode_image, encode_png
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.data.words import WordWriter
from segrec.jobs.export import export_onnx
from segrec.reader import Reader, Segmenter, Word
from segrec.rendering.scenes import SceneRenderer
from segrec.weights import FINDER, FOLDER, QUANTIZED, SEGMENTER, resolve_onnx, resolve_weights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TEXTS = ("HOTEL", "2026", "open", "exit", "coffee")
CROPS = [printed(text) for text in TEXTS] + [printed("tall").repeat(3, axis=0).repeat(3, axis=1), printed("i")[:9, :7]]
BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} is not installed")
sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The shipped reader with a mask channel as a file alone, and with the mask network in one graph."""
    folder = tmp_path_factory.mktemp("onnx")
    return {
        "alone": export_onnx("crnn-slim-predicted", folder / "alone.onnx").output,
        "reader": export_onnx("crnn-slim-predicted", folder / "reader.onnx", segmenter=SEGMENTER).output,
        "plain": export_onnx("crnn-slim", folder / "plain.onnx").output,
    }


@pytest.fixture(scope="module")
def expected() -> list[Word]:
    """What PyTorch reads."""
    return Reader.from_pretrained("crnn-slim-predicted", device="cpu").read(CROPS)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Word]]:
    """A rendered photograph, and its words as PyTorch reads them."""
    file = tmp_path_factory.mktemp("scene") / "scene.png"
    file.write_bytes(encode_png(decode_image(SceneRenderer(seed=3).render(0).jpeg)))
    return file, Reader.from_pretrained("crnn-slim-predicted", device="cpu").read_page(file)


def without_torch(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process that cannot import torch."""
    command = [sys.executable, "-c", BLOCK + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])


def test_words_are_read_as_by_pytorch(files, expected):
    words = Reader.from_onnx(files["alone"], threads=1).read(CROPS)
    assert [word.text for word in words] == [word.text for word in expected]
    assert sum(word.text == text.lower() for word, text in zip(words, TEXTS, strict=False)) >= 4
    for word, other, crop in zip(words, expected, CROPS, strict=True):
        assert word.mask.shape == crop.shape[:2] and word.mask.dtype == np.float32
        np.testing.assert_allclose(word.mask, other.mask, atol=1e-4)
        assert word.confidence == pytest.approx(other.confidence, abs=1e-3)


@pytest.mark.parametrize(("name", "networks"), [("alone", 2), ("reader", 1)])
def test_each_network_is_opened_once_with_the_threads_asked_for(files, name, networks, monkeypatch):
    import onnxruntime

    opened = []

    def session(path, options, **others):
        opened.append((path, options.intra_op_num_threads))
        return real(path, options, **others)

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    Reader.from_onnx(files[name], threads=2)
    assert len(opened) == networks and len({path for path, _ in opened}) == networks
    assert {threads for _, threads in opened} == {2}


def test_a_temperature_in_a_file_is_judged_as_one_in_weights(files, tmp_path):
    import onnx

    for value, said in ((0, "got 0"), (float("inf"), "got inf"), ("2", "got '2'")):
        model = onnx.load(files["plain"])
        (entry,) = (one for one in model.metadata_props if one.key == "segrec")
        entry.value = json.dumps({**json.loads(entry.value), "temperature": value})
        onnx.save(model, tmp_path / "wrong.onnx")
        with pytest.raises(CheckpointError, match=f"the temperature must be above 0, {said}.*export it again"):
            Reader.from_onnx(tmp_path / "wrong.onnx")


def test_one_graph_reads_crops_of_any_size(files, expected):
    reader = Reader.from_onnx(files["reader"], threads=1)
    for words in (reader.read(CROPS), [reader.read([crop])[0] for crop in CROPS]):
        assert [word.text for word in words[:6]] == [word.text for word in expected[:6]]
        for word, other, crop in zip(words, expected, CROPS, strict=True):
            assert word.mask.shape == crop.shape[:2]
            assert np.abs(word.mask - other.mask).mean() < 0.01
    assert reader.read([]) == []


def test_a_recognizer_without_a_mask_gives_masks_too(files):
    words = Reader.from_onnx(files["plain"], threads=1).read(CROPS[:2])
    plain = Reader.from_pretrained("crnn-slim", device="cpu").read(CROPS[:2])
    assert [word.text for word in words] == [word.text for word in plain]
    np.testing.assert_allclose(words[0].mask, plain[0].mask, atol=1e-4)


def test_a_recognizer_without_a_mask_reads_without_a_mask_network(files):
    words = Reader.from_onnx(files["plain"], segmenter=None, threads=1).read(CROPS)
    assert [word.text for word in words] == [word.text for word in Reader.from_onnx(files["plain"]).read(CROPS)]
    assert not any(word.mask.any() for word in words)
    with pytest.raises(ConfigError, match="with a mask channel needs a segmenter"):
        Reader.from_onnx(files["alone"], segmenter=None)
    assert Reader.from_onnx(files["reader"], segmenter=None, threads=1).read(CROPS)[0].mask.any()


@pytest.mark.parametrize("name", ["alone", "reader"])
def test_reading_needs_no_pytorch(files, expected, name, tmp_path):
    picture = tmp_path / "word.png"
    picture.write_bytes(encode_png(CROPS[0]))
    done = without_torch(
        "import segrec\n"
        "from segrec.core.images import read_image\n"
        "words = segrec.Reader.from_onnx(sys.argv[1], threads=1).read([read_image(sys.argv[2])])\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
        "print(words[0].text)",
        files[name],
        picture,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected[0].text


def test_the_command_needs_no_pytorch(files, expected, tmp_path):
    picture = tmp_path / "word.png"
    picture.write_bytes(encode_png(CROPS[0]))
    done = without_torch(
        "from segrec.cli import main\nsys.exit(main(['read', sys.argv[2], '--onnx', sys.argv[1]]))",
        files["alone"],
        picture,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\t")[1] == expected[0].text


@pytest.mark.parametrize(("name", "most"), [(SEGMENTER, 5_000_000), (FINDER, 3_000_000), (QUANTIZED, 1_500_000)])
def test_the_shipped_networks_are_made_of_the_shipped_weights(name, most):
    file = resolve_onnx(name)
    assert file.stat().st_size <= most
    source = OnnxNetwork(file).settings("segmenter")["weights"]
    remade = "export it again: python scripts/make_weights.py --stage onnx"
    assert source == {"name": SEGMENTER, "digest": file_digest(resolve_weights(SEGMENTER))}, remade


def test_the_shipped_mask_network_gives_the_masks_of_the_shipped_weights():
    file = resolve_onnx(SEGMENTER)
    weights = Segmenter(load_segmenter(resolve_weights(SEGMENTER)), scene_height=None)
    exported = OnnxSegmenter(file, threads=1)
    assert exported.working_height == weights.working_height
    masks = exported.predict_text(CROPS)
    for mask, other in zip(masks, weights.predict_text(CROPS), strict=True):
        np.testing.assert_allclose(mask, other, atol=1e-4)
    assert max(float(mask.max()) for mask in masks) > 0.9


def test_masks_in_eight_bits_are_nearly_those_in_float32(files, expected):
    exact, quantized = (OnnxSegmenter(resolve_onnx(name), threads=1) for name in (SEGMENTER, QUANTIZED))
    for mask, other in zip(quantized.predict_text(CROPS), exact.predict_text(CROPS), strict=True):
        assert mask.shape == other.shape and mask.min() >= 0 and mask.max() <= 1
        assert np.abs(mask - other).mean() < 0.01 and ((mask >= 0.5) != (other >= 0.5)).mean() < 0.02
        assert not np.array_equal(mask, other)
    words = Reader.from_onnx(files["alone"], segmenter=QUANTIZED, threads=1).read(CROPS)
    assert [word.text for word in words[:5]] == [word.text for word in expected[:5]]


def test_the_shipped_finder_gives_both_maps_of_the_shipped_weights():
    picture = np.full((96, 160, 3), 230, np.uint8)
    picture[30:54, 20:104] = printed("open")[:24, :84]
    found = OnnxSegmenter(resolve_onnx(FINDER), threads=1).for_scenes(scales=1).predict([picture])[0]
    weights = Segmenter(load_segmenter(resolve_weights(SEGMENTER))).for_scenes(scales=1)
    for mask, other in zip(found, weights.predict([picture])[0], strict=True):
        np.testing.assert_allclose(mask, other, atol=2e-2)
    assert found.region.max() > 0.5 and not np.array_equal(found.region, found.text)
    alone = OnnxSegmenter(resolve_onnx(SEGMENTER), threads=1)
    with pytest.raises(ConfigError, match=r"mgnet-slim\.onnx knows no text regions; ask for its text masks alone"):
        alone.predict([picture])


@pytest.mark.parametrize("name", ["alone", "reader", "plain"])
def test_photographs_are_read_without_pytorch_as_with_it(files, scene, name):
    picture, expected = scene
    code = (
        "import segrec, json\n"
        "reader = segrec.Reader.from_onnx(sys.argv[1], threads=1, segmenter=None if sys.argv[3] == 'plain' else "
        "'mgnet-slim')\n"
        "words = reader.read_page(sys.argv[2])\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps([word.polygon.tolist() for word in words]))"
    )
    done = without_torch(code, files[name], picture, name)
    assert done.returncode == 0, done.stderr
    polygons = np.array(json.loads(done.stdout))
    assert len(expected) >= 2
    if name == "alone":
        np.testing.assert_allclose(polygons, np.array([word.polygon for word in expected]), atol=2)
    assert len(polygons) >= 2 and polygons.shape[1:] == (4, 2)


@pytest.mark.parametrize("name", ["alone", "reader"])
def test_a_lexicon_gives_the_nearest_of_its_words(files, name):
    reader = Reader.from_onnx(files[name], threads=1)
    free, words = reader.read(CROPS[:5]), reader.read(CROPS[:5], lexicon=["Hotels", "2027", "OPEN", "exits", "Coffee"])
    assert [word.text for word in words] == ["Hotels", "2027", "OPEN", "exits", "Coffee"]
    for word, other in zip(words, free, strict=True):
        assert word.confidence == other.confidence
        assert (word.character_confidences == ()) == (word.text.lower() != other.text)
    with pytest.raises(ValueError, match="a lexicon must be a list of words"):
        reader.read(CROPS[:1], lexicon="hotel")


def test_a_mask_network_is_quantized_by_the_words_that_are_named(tmp_path):
    torch.manual_seed(0)
    weights = write_small_segmenter(tmp_path)
    for name, crops in (("few", CROPS[:1]), ("more", CROPS[1:5])):
        with WordWriter(tmp_path / f"{name}-words") as writer:
            writer.add(b"no picture", "broken")
            for crop in crops:
                writer.add(encode_png(crop), "word")
    exact = export_onnx(weights, tmp_path / "exact.onnx")
    for name in ("few", "more"):
        found = export_onnx(weights, tmp_path / f"{name}.onnx", int8=True, calibrate=tmp_path / f"{name}-words")
        assert found.size < exact.size and 1e-6 < found.difference < 2e-2
        assert OnnxNetwork(found.output).settings("segmenter") == OnnxNetwork(exact.output).settings("segmenter")
    files = [tmp_path / f"{name}.onnx" for name in ("few", "more")]
    assert files[0].read_bytes() != files[1].read_bytes(), "the words decide about the ranges"
    with WordWriter(tmp_path / "empty") as writer:
        writer.add(b"no picture", "broken")
    with pytest.raises(DataError, match="empty has no readable word to calibrate with; name another --calibrate"):
        export_onnx(weights, tmp_path / "no.onnx", int8=True, calibrate=tmp_path / "empty")
    assert not (tmp_path / "no.onnx").exists()


def test_options_of_an_export_that_contradict_each_other_are_refused(tmp_path):
    output = tmp_path / "model.onnx"
    with pytest.raises(ConfigError, match="--int8 does not go with --half-weights"):
        export_onnx(SEGMENTER, output, int8=True, half_weights=True)
    with pytest.raises(ConfigError, match="--int8 does not go with --region"):
        export_onnx(SEGMENTER, output, int8=True, region=True)
    with pytest.raises(ConfigError, match="--calibrate names the words for --int8; leave it out, or add --int8"):
        export_onnx(SEGMENTER, output, calibrate="words")
    for option in ("int8", "region"):
        with pytest.raises(ConfigError, match=f"holds a recognizer, and --{option} is for mask networks"):
            export_onnx("crnn-slim", output, **{option: True})
    assert not output.exists()


def test_a_mask_network_with_guidance_is_exported_with_it(tmp_path):
    from segmenter import MutuallyGuidedNet
    from segmenter.loading import save_segmenter

    torch.manual_seed(0)
    network = MutuallyGuidedNet(width=4, working_height=32, skips=True)
    save_segmenter(tmp_path / "guided.safetensors", network)
    file = export_onnx(tmp_path / "guided.safetensors", tmp_path / "guided.onnx").output
    crops = CROPS[:3]
    expected = Segmenter(network, scene_height=None).predict_text(crops)
    for mask, other in zip(OnnxSegmenter(file, threads=1).predict_text(crops), expected, strict=True):
        np.testing.assert_allclose(mask, other, atol=1e-4)


def test_what_onnx_cannot_do_is_refused_in_one_line(files, tmp_path):
    reader = Reader.from_onnx(files["alone"])
    with pytest.raises(ConfigError, match="networks in ONNX do not say how they read"):
        reader.explain(CROPS[0])
    with pytest.raises(ConfigError, match=r"mgnet-slim\.onnx knows no regions in which to find words; name a detector"):
        Reader.from_onnx(files["alone"], finder=SEGMENTER).read_page(CROPS[0])
    with pytest.raises(CheckpointError, match=r"no network in ONNX at absent; write one with segrec export"):
        Reader.from_onnx(files["alone"], finder="absent")
    with pytest.raises(CheckpointError, match="holds a segmenter, not a recognizer or reader"):
        Reader.from_onnx(FOLDER / f"{SEGMENTER}.onnx")
    with pytest.raises(CheckpointError, match=r"no network in ONNX at absent; write one with segrec export"):
        Reader.from_onnx(files["alone"], segmenter="absent")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"is not a readable \.onnx file"):
        Reader.from_onnx(tmp_path / "bad.onnx")
    with pytest.raises(ConfigError, match=r"the output must end in \.onnx"):
        export_onnx("crnn-slim", tmp_path / "model.pt")
    with pytest.raises(ConfigError, match="one graph of both networks is for CRNNs with a mask channel"):
        export_onnx("crnn-slim", tmp_path / "model.onnx", segmenter=SEGMENTER)
    with pytest.raises(ConfigError, match="is itself a segmenter"):
        export_onnx(SEGMENTER, tmp_path / "model.onnx", segmenter=SEGMENTER)
    assert segrec.Reader is Reader


def test_a_missing_onnxruntime_is_named_with_the_command_that_mends_it(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(segrec.SegrecError, match=r"pip install 'segrec\[onnx\]'"):
        Reader.from_onnx(files["alone"])
