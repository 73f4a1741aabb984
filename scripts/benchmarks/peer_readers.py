"""Readers of words from several projects behind one call, each measured in a process that runs this module.

Nothing here imports torch before a reader needs it, so that those in ONNX are measured without.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.timing import CLOCKS
from recognizers.metrics import normalise_label
from segrec.core.errors import DataError, SegrecError
from segrec.core.images import Array, opencv
from segrec.core.packages import package
from segrec.data.words import WordLmdb

Read = Callable[[Sequence[Array], int], list[str]]
"""Reads crops (H, W, 3) uint8 RGB, so many at once."""


class Choices(NamedTuple):
    """Weights that are compared: names or files of recognizers, of the mask network, and EasyOCR's file."""

    plain: str
    masked: str
    segmenter: str
    easyocr: str


class Peer(NamedTuple):
    """One reader.

    Attributes:
        title: what it is reported under.
        files: given the choices and a folder, makes what `open` needs, outside the process that is measured.
        open: given those and the number of threads, returns the reader.
    """

    title: Callable[[Choices], str]
    files: Callable[[Choices, Path], list[str]]
    open: Callable[[list[str], int], Read]


class Measured(NamedTuple):
    """What a reader took.

    Attributes:
        seconds: for all words, by the words read at once and by repeat.
        peak: the most memory of its process, in MiB, with its libraries and the words.
        correct: words read right, of `words`.
    """

    seconds: dict[int, list[float]]
    peak: int
    correct: int
    words: int


class Timing(NamedTuple):
    """How a reader is timed: words at most, sizes of batches, repeats, threads and the name of the clock."""

    words: int
    batches: tuple[int, ...]
    repeats: int
    threads: int
    clock: str = "wall"


def labelled_crops(words: WordLmdb, count: int) -> tuple[list[Array], list[str]]:
    """Return the first `count` words that can be read and have letters or digits: crops and labels, case folded."""
    crops, labels = [], []
    for word in words:
        if len(crops) == count:
            break
        if word.image is not None and normalise_label(word.label):
            crops.append(word.image)
            labels.append(normalise_label(word.label))
    return crops, labels


def measure_alone(name: str, files: list[str], data: str, timing: Timing) -> Measured:
    """Return what a reader of `PEERS` took in this process; the largest batch is read once before.

    Raises:
        LibraryError: a package that it needs is not installed.
        DataError: there is no word with a label.
        ValueError: the reader did not return one text per word.
    """
    opencv().setNumThreads(timing.threads)
    crops, labels = labelled_crops(WordLmdb(data), timing.words)
    if not crops:
        raise DataError(f"{data} has no readable word with a label of letters or digits; name another --data")
    read, clock = PEERS[name].open(files, timing.threads), CLOCKS[timing.clock]
    read(crops[: max(timing.batches)], max(timing.batches))
    seconds: dict[int, list[float]] = {}
    for batch in timing.batches:
        parts = [crops[start : start + batch] for start in range(0, len(crops), batch)]
        for _ in range(timing.repeats):
            start = clock()
            texts = [text for part in parts for text in read(part, batch)]
            seconds.setdefault(batch, []).append(clock() - start)
    correct = sum(normalise_label(text) == label for text, label in zip(texts, labels, strict=True))
    return Measured(seconds, peak_memory(), correct, len(labels))


def peak_memory() -> int:
    """Return the most memory that this process had, in MiB.

    Linux counts `ru_maxrss` on from the process that started this one, so that its own counter is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found // 2**20 if sys.platform == "darwin" else found // 1024


def _in_torch(files: list[str], threads: int) -> Read:
    import torch

    from segrec import Reader

    torch.set_num_threads(threads)
    weights, amp, *segmenter = files
    reader = Reader.from_pretrained(weights, segmenter=segmenter[0] if segmenter else None, device="cpu", amp=amp)
    return lambda crops, batch: [word.text for word in reader.read(crops, batch_size=batch, turns=None)]


def _in_onnx(files: list[str], threads: int) -> Read:
    from segrec import Reader

    model, *segmenter = files
    reader = Reader.from_onnx(model, segmenter=segmenter[0] if segmenter else None, threads=threads)
    return lambda crops, batch: [word.text for word in reader.read(crops, batch_size=batch, turns=None)]


def _rapidocr(files: list[str], threads: int) -> Read:
    rapidocr = package("rapidocr", "RapidOCR cannot be imported ({reason}); pip install 'segrec[ppocr]'")
    engine: Any = rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Rec.rec_batch_num": 1024,  # the caller says how many at once
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": threads,
        }
    )

    def read(crops: Sequence[Array], batch: int) -> list[str]:
        return list(engine.recognize_txt([crop[:, :, ::-1].copy() for crop in crops]).txts)

    return read


def _easyocr(files: list[str], threads: int) -> Read:
    import torch
    from easyocr_parity import EasyOcr

    torch.set_num_threads(threads)
    reader = EasyOcr(Path(files[0]))
    return lambda crops, batch: reader.texts(crops, batch_size=batch, contrast=0.1)


def _exported(weights: str, folder: Path, *, segmenter: str | None = None) -> str:
    from segrec.jobs.export import export_onnx

    name = f"{Path(weights).name}{'' if segmenter is None else '-reader'}.onnx"
    if not (folder / name).exists():
        export_onnx(weights, folder / name, segmenter=segmenter)
    return str(folder / name)


def _public_file(choices: Choices, folder: Path) -> list[str]:
    from flagship import find_weights

    return [find_weights(choices.easyocr)]


PEERS: Mapping[str, Peer] = {
    "plain": Peer(lambda own: f"segrec {own.plain}, PyTorch", lambda own, _: [own.plain, "off"], _in_torch),
    "plain-bf16": Peer(
        lambda own: f"segrec {own.plain}, PyTorch, bfloat16", lambda own, _: [own.plain, "bf16"], _in_torch
    ),
    "plain-onnx": Peer(
        lambda own: f"segrec {own.plain}, ONNX", lambda own, folder: [_exported(own.plain, folder)], _in_onnx
    ),
    "masked": Peer(
        lambda own: f"segrec {own.masked} with its masks, PyTorch",
        lambda own, _: [own.masked, "off", own.segmenter],
        _in_torch,
    ),
    "masked-bf16": Peer(
        lambda own: f"segrec {own.masked} with its masks, PyTorch, bfloat16",
        lambda own, _: [own.masked, "bf16", own.segmenter],
        _in_torch,
    ),
    "masked-onnx": Peer(
        lambda own: f"segrec {own.masked} with its masks, ONNX",
        lambda own, folder: [_exported(own.masked, folder), _exported(own.segmenter, folder)],
        _in_onnx,
    ),
    "masked-graph": Peer(
        lambda own: f"segrec {own.masked} with its masks, one ONNX graph",
        lambda own, folder: [_exported(own.masked, folder, segmenter=own.segmenter)],
        _in_onnx,
    ),
    "rapidocr": Peer(lambda own: "RapidOCR, its recognizer (PP-OCR)", lambda own, _: [], _rapidocr),
    "easyocr": Peer(lambda own: f"EasyOCR, {Path(own.easyocr).name}", _public_file, _easyocr),
    "easyocr-file": Peer(
        lambda own: f"segrec, EasyOCR's {Path(own.easyocr).name}, PyTorch",
        lambda own, folder: [*_public_file(own, folder), "off"],
        _in_torch,
    ),
}
"""All readers by the name that `--reader` gives them."""


def main() -> None:
    """Measure the reader that the first argument describes, as JSON, and print what it took, as JSON."""
    name, files, data, timing = json.loads(sys.argv[1])
    try:
        found = measure_alone(name, files, data, Timing(**timing))
    except SegrecError as error:
        raise SystemExit(str(error)) from error
    print(json.dumps(found._asdict()))


if __name__ == "__main__":
    main()
