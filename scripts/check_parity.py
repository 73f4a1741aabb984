"""Compares public checkpoints, loaded by this project, with what the reference code computed from them."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import torch
from easyocr_parity import agrees_with_easyocr
from numpy.typing import NDArray
from torch import Tensor

from recognizers import ALNUM36, ctc_greedy, load_pretrained
from recognizers.preprocess import normalise, prepare
from segrec.core.images import decode_image
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.rendering.words import WordRenderer

WIDTHS = (100, 160)
ONNX_TOLERANCE, ONNX_WORDS = 3e-4, 20
Reference = Mapping[str, NDArray[Any]]


class Comparison:
    """One checkpoint, loaded from the parity data, and whether all that was compared with it agreed.

    Args:
        check: the parity data's own module.
        name: of the checkpoint in it.
    """

    def __init__(self, check: ModuleType, name: str) -> None:
        state, reference = check.load(name)
        self.check, self.name = check, name
        self.reference: Reference = reference
        self.model: Any = load_pretrained(state)
        self.agreed = True

    def images(self, key: str = "input") -> Tensor:
        """Return the reference's own input."""
        return torch.from_numpy(self.reference[key])

    def close(self, key: str, mine: Tensor) -> None:
        """Compare numbers within the tolerance, as many steps as there are of mine."""
        theirs = self.reference[key][:, : mine.shape[1]]
        tolerance = self.check.ATOL[self.name]
        self.agreed &= bool(self.check.compare(f"{self.name} {key}", mine.numpy(), theirs, tolerance))

    def equal(self, key: str, mine: Sequence[Any], theirs: Sequence[Any]) -> None:
        """Compare words or class numbers exactly."""
        same = list(mine) == list(theirs)
        print(f"{self.name} {key}: {'equal' if same else f'DIFFER: {mine}'}")
        self.agreed &= same

    def words(self, key: str, mine: Tensor, end: int) -> None:
        """Compare class numbers (N, T) up to and including each row's first end."""
        self.equal(key, self.check.upto(mine, end), self.check.upto(self.reference[key], end))


def main() -> int:
    """Return 0 when every figure is within its tolerance, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="folder of the parity data: check.py, recipe.py, manifests/, *.npz"
    )
    parser.add_argument("--onnx", type=Path, action="append", default=[], help="PP-OCR's .onnx file, repeatable")
    parser.add_argument("--easyocr", type=Path, help="english_g2.pth or a sister; needs the package easyocr")
    parser.add_argument("--words", type=Path, action="append", default=[], help="words that EasyOCR reads; repeatable")
    parser.add_argument("--count", type=int, default=500, help="how many of each; 500 by default")
    given = parser.parse_args()
    if given.folder is None and not given.onnx and (given.easyocr is None or not given.words):
        parser.error("name the folder of the parity data, --onnx FILE, or --easyocr FILE --words WORDS")
    agreed = all([compare_onnx(file) for file in given.onnx])
    if given.folder is not None:
        agreed &= compare_checkpoints(given.folder.resolve())
    for words in given.words if given.easyocr is not None else ():
        agreed &= agrees_with_easyocr(given.easyocr, words, given.count)
    return 0 if agreed else 1


def compare_checkpoints(folder: Path) -> bool:
    """Return whether all checkpoints of the parity data agree."""
    check = _import_check(folder)
    comparisons: dict[str, Callable[[Comparison], None]] = {
        "crnn_meijieru": compare_crnn_pytorch,
        "clovaai_crnn": compare_benchmark_crnn,
        "clovaai_trba": compare_benchmark_attention,
        "aster_pytorch": compare_aster_pytorch,
    }
    agreed = True
    with torch.inference_mode():
        for name, compare in comparisons.items():
            comparison = Comparison(check, name)
            compare(comparison)
            agreed &= comparison.agreed
    return agreed


def compare_onnx(file: Path) -> bool:
    """Return whether logits and classes of a converted recognizer are those that onnxruntime computes from its file.

    The reference is the file as it is, but for the softmax at its end, with blue first; inputs are rendered words.
    """
    import onnx

    plain = onnx.load(file)
    last = plain.graph.node[-1]
    assert last.op_type == "Softmax", f"{file} does not end in a softmax"
    plain.graph.output[0].name = last.input[0]
    plain.graph.node.remove(last)
    model: Any = load_pretrained(file)
    renderer, agreed = WordRenderer(seed=0), True
    with TemporaryDirectory() as folder, torch.inference_mode():
        onnx.save(plain, Path(folder) / "logits.onnx")
        reference = OnnxNetwork(Path(folder) / "logits.onnx", threads=1)
        largest = 0.0
        for index in range(ONNX_WORDS):
            pixels = prepare(decode_image(renderer.render(index).jpeg), None, model.input_spec)
            images = normalise(torch.tensor(pixels)[None], model.input_spec)
            (theirs,) = reference.run(images.flip(1).numpy())
            mine = model(images).numpy()
            largest = max(largest, float(np.abs(mine - theirs).max()))
            agreed &= bool((mine.argmax(axis=2) == theirs.argmax(axis=2)).all())
    ids = "equal" if agreed else "DIFFER"
    print(f"{file.name} logits: largest difference {largest:.1e} of at most {ONNX_TOLERANCE:g}; ids {ids}")
    return agreed and largest <= ONNX_TOLERANCE


def compare_crnn_pytorch(comparison: Comparison) -> None:
    """Compare logits and texts of crnn.pytorch at both widths; the reference is time-major."""
    for width in WIDTHS:
        logits = comparison.model(comparison.images(f"input_{width}"))
        comparison.close(f"logits_{width}", logits.transpose(0, 1))
        texts = [reading.text for reading in ctc_greedy(logits, ALNUM36)]
        comparison.equal(f"text_{width}", texts, comparison.reference[f"text_{width}"].tolist())


def compare_benchmark_crnn(comparison: Comparison) -> None:
    """Compare logits, the head's input and texts of None-VGG-BiLSTM-CTC."""
    logits = comparison.model(comparison.images())
    comparison.close("context", comparison.model.encode(comparison.images()))
    comparison.close("logits", logits)
    comparison.equal("ids", logits.argmax(dim=2).tolist(), comparison.reference["ids"].tolist())
    texts = [reading.text for reading in ctc_greedy(logits, ALNUM36)]
    comparison.equal("text", texts, comparison.reference["text"].tolist())


def compare_benchmark_attention(comparison: Comparison) -> None:
    """Compare rectification, features, greedy and teacher-forced logits of TPS-ResNet-BiLSTM-Attn."""
    model, images = comparison.model, comparison.images()
    seen = model.inspect(images)
    comparison.close("control_points", seen.control_points * 2 - 1)  # the reference's lie in [-1, 1]
    comparison.close("rectified", seen.rectified)
    comparison.close("context", model.encode(images))
    comparison.close("logits", seen.logits)
    comparison.words("ids", seen.logits.argmax(dim=2), model.charset.end)
    fed = torch.from_numpy(comparison.reference["teacher_text"])  # begins with the start, which is ours to feed
    comparison.close("teacher_logits", model(images, fed.roll(-1, dims=1)))


def compare_aster_pytorch(comparison: Comparison) -> None:
    """Compare rectification, features, greedy, beam and teacher-forced decoding of ASTER."""
    model, images, end = comparison.model, comparison.images(), comparison.model.charset.end
    seen = model.inspect(images)
    comparison.close("ctrl_points", seen.control_points)
    comparison.close("rectified", seen.rectified)
    comparison.close("encoder", model.encode(images))
    comparison.close("greedy_logits", seen.logits)
    comparison.words("greedy_ids", seen.logits.argmax(dim=2), end)
    steps = comparison.reference["teacher_logits"].shape[1]
    targets = torch.from_numpy(comparison.reference["targets"])[:, :steps]
    comparison.close("teacher_logits", model(images, targets))
    words = comparison.check.upto(comparison.reference["beam_ids"], end)
    found = [[number for number in word if number != end] for word in words]
    comparison.equal("beam_ids", [list(hypothesis.ids) for hypothesis in model.beam_search(images)], found)


def _import_check(folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))  # check.py imports its neighbour recipe.py
    spec = importlib.util.spec_from_file_location("check", folder / "check.py")
    if spec is None or spec.loader is None or not (folder / "check.py").is_file():
        raise SystemExit(f"{folder} holds no check.py; name the folder of the parity data")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    raise SystemExit(main())
