"""Public checkpoints and weights files that ask for more than they hold, or for what no network has."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch
from hostile_pickles import PICKLES, Make, dictionary, storage, tensor
from safetensors.torch import save

from recognizers import CRNN
from segmenter.choices import PRESETS
from segmenter.network import MutuallyGuidedNet


def crnn_state(**changes: Any) -> dict[str, Any]:
    """Return the state dict of a tiny CRNN of 36 characters, with changes."""
    torch.manual_seed(0)
    return {**CRNN(widths=(4,) * 7, hidden=4).state_dict(), **changes}


def saved(state: object, path: Path, **options: bool) -> Path:
    torch.save(state, path, **options)
    return path


def stride_zero(path: Path) -> Path:
    """15 kB that show themselves as gigabytes."""
    big = torch.zeros(1).expand(24_000, 10_000)
    return saved(crnn_state(**{f"extra{number}": big for number in range(3)}), path)


def stride_zero_weights(path: Path) -> Path:
    return saved({name: torch.zeros(()).expand(tensor.shape) for name, tensor in CRNN().state_dict().items()}, path)


def overlapping_rows(path: Path) -> Path:
    return saved({"w": torch.zeros(20_000).as_strided((10_000, 10_000), (1, 1))}, path)


def shown_often(path: Path) -> Path:
    block = torch.zeros(1_000_000)
    return saved({f"w{number}": block.view(1000, 1000) for number in range(500)}, path)


def wide_directory(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02N.")
        for number in range(40_000):
            archive.writestr(f"a/data/{number:0200d}", b"")
    return path


def twice_the_same_place(path: Path) -> Path:
    """Two listed files whose bytes are the same ones."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", dictionary(a=tensor(storage(25), (25,), (1,))).code)
        archive.writestr("a/data/0", bytes(100))
        archive.writestr("a/data/1", bytes(100))
    content = bytearray(buffer.getvalue())
    place = content.rindex(b"PK\x01\x02")
    content[place + 42 : place + 46] = content[content.index(b"PK\x01\x02") + 42 :][:4]
    path.write_bytes(content)
    return path


def old_long_storage(path: Path) -> Path:
    """The format before 1.6, whose storages are given memory before their bytes are there."""
    parts = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    path.write_bytes(b"".join(parts) + dictionary(w=storage(10**10)[:-2] + b"NtQ").code + pickle.dumps(["0"], 2))
    return path


def sparse_file(path: Path) -> Path:
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)
    return path


def typed(kind: torch.dtype) -> Make:
    def make(path: Path) -> Path:
        weight = crnn_state()["cnn.conv3.weight"]
        return saved(crnn_state(**{"cnn.conv3.weight": torch.zeros(weight.shape).to(kind)}), path)

    return make


def valued(value: float, kind: torch.dtype = torch.float32) -> Make:
    def make(path: Path) -> Path:
        weight = crnn_state()["cnn.conv3.weight"]
        return saved(crnn_state(**{"cnn.conv3.weight": torch.full(weight.shape, value, dtype=kind)}), path)

    return make


def counter_as_float(path: Path) -> Path:
    return saved(crnn_state(**{"cnn.batchnorm2.num_batches_tracked": torch.tensor(0.5)}), path)


def negative_variance(path: Path) -> Path:
    return saved(crnn_state(**{"cnn.batchnorm2.running_var": torch.full((4,), -3.0)}), path)


def many_blocks(path: Path) -> Path:
    names = {f"encoder.layer1.{number}.conv1.weight": torch.zeros(1) for number in range(20_000)}
    return saved({"encoder.layer0.0.weight": torch.zeros(1), **names, "decoder.decoder.tgt_embedding.weight": 0}, path)


PUBLIC: dict[str, Make] = PICKLES | {
    make.__name__: make
    for make in (
        stride_zero,
        stride_zero_weights,
        overlapping_rows,
        shown_often,
        wide_directory,
        twice_the_same_place,
        old_long_storage,
        sparse_file,
        counter_as_float,
        negative_variance,
        many_blocks,
    )
}
PUBLIC |= {
    f"{str(kind).removeprefix('torch.')} weights": typed(kind)
    for kind in (
        torch.float8_e4m3fn,
        torch.float8_e5m2,
        torch.int8,
        torch.int64,
        torch.uint8,
        torch.uint16,
        torch.bool,
        torch.complex64,
        torch.complex128,
    )
}
PUBLIC |= {
    "NaN": valued(float("nan")),
    "infinity": valued(float("inf")),
    "absurd": valued(3e30),
    "absurd double": valued(1e300, torch.float64),
}

CRNN_CONFIG: dict[str, Any] = CRNN(widths=(4,) * 7, hidden=4).config()
SEGMENTER_CONFIG: dict[str, Any] = MutuallyGuidedNet(**{**PRESETS["mgnet-slim"], "width": 2}).config()
ODD_NUMBERS: tuple[Any, ...] = (2**63, 2**31, 10**8, 0, -1, 1.5, float("inf"), float("nan"), True, "7", None, [], {})
_INPUT_KEYS = ("height", "width", "mean", "deviation", "color", "mask", "interpolation", "keep_ratio")


def configurations() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return architectures and configurations that make no network, by name."""
    from recognizers.aster import Aster
    from recognizers.dtrb import Trba

    aster, trba = Aster().config(), Trba().config()
    found: dict[str, tuple[str, dict[str, Any]]] = {}

    def add(architecture: str, config: dict[str, Any], key: str, value: Any) -> None:
        found[f"{architecture} {key} {repr(value)[:30]}"] = (architecture, {**config, key: value})

    possible = {("mean", "0"), ("mean", "1.5"), ("deviation", "1.5")}
    for value in ODD_NUMBERS:
        add("crnn", CRNN_CONFIG, "hidden", value)
        add("crnn", CRNN_CONFIG, "widths", [value] * 7)
        add("aster", aster, "points", value)
        add("aster", aster, "blocks", [value] * 5)
        add("aster", aster, "max_length", value)
        add("trba", trba, "points", value)
        add("mgnet", SEGMENTER_CONFIG, "width", value)
        add("mgnet", SEGMENTER_CONFIG, "working_height", value)
        for key in _INPUT_KEYS:
            if not (value is True and key in ("mask", "keep_ratio")) and (key, str(value)) not in possible:
                add("crnn", CRNN_CONFIG, "input", {**CRNN_CONFIG["input"], key: value})
                found[f"crnn input.{key} {value!r}"] = found.pop(next(reversed(found)))
    add("aster", aster, "blocks", [10**6] * 5)
    add("aster", aster, "points", 20_000)
    add("trba", trba, "points", 20_000)
    add("trba", trba, "input", {**trba["input"], "width": 10**8})
    for charset in ("\ud800", "a" * 10**6, "aa", "", None, 3, ["a"], "a" * 60_000 + "b"):
        add("crnn", CRNN_CONFIG, "charset", charset)
    add("crnn", CRNN_CONFIG, "strange", 1)
    add("mgnet", SEGMENTER_CONFIG, "passes", True)
    add("mgnet", SEGMENTER_CONFIG, "in_channels", 4)
    return found


def weights_file(path: Path, metadata: dict[str, str], state: dict[str, torch.Tensor]) -> Path:
    path.write_bytes(save(state, metadata=metadata))
    return path


def configured(path: Path, architecture: str, config: dict[str, Any]) -> Path:
    """Write weights of a tiny network with a header that says something else."""
    state = crnn_state() if architecture == "crnn" else {"w": torch.zeros(2)}
    if architecture == "mgnet":
        state = MutuallyGuidedNet(**SEGMENTER_CONFIG).state_dict()
    return weights_file(path, {"architecture": architecture, "config": json.dumps(config)}, state)


def headers(folder: Path) -> dict[str, Path]:
    """Return files whose headers are wrong, by name."""
    good = {"architecture": "crnn", "config": json.dumps(CRNN_CONFIG)}
    state = crnn_state()
    metadata = {
        "version 2": {**good, "version": "2"},
        "version 0": {**good, "version": "0"},
        "version of 5000 digits": {**good, "version": "1" * 5000},
        "version é": {**good, "version": "²"},
        "deep config": {**good, "config": "[" * 50_000},
        "digits in config": {**good, "config": '{"hidden": ' + "9" * 5000 + "}"},
        "notes of a list": {**good, "notes": "[]"},
        "parent above": {**good, "parent": "../../etc/passwd", "parent_digest": "0" * 64},
        "parent itself": {**good, "parent": "parent itself", "parent_digest": "0" * 64},
        "control characters": {**good, "architecture": "\x1b[2J\x07crnn\r\n", "charset": "\x1b]0;title\x07"},
    }
    found = {}
    for name, entries in metadata.items():
        kept = dict(list(state.items())[:3]) if "parent" in name else state
        found[name] = weights_file(folder / f"{name}.safetensors", entries, kept)
    float8 = {**state, "cnn.conv3.weight": state["cnn.conv3.weight"].to(torch.float8_e4m3fn)}
    found["float8 tensor"] = weights_file(folder / "f8.safetensors", good, float8)
    whole_numbers = {**state, "cnn.conv3.weight": state["cnn.conv3.weight"].to(torch.int8)}
    found["int8 tensor"] = weights_file(folder / "i8.safetensors", good, whole_numbers)
    nan = {**state, "cnn.conv3.weight": state["cnn.conv3.weight"] * float("nan")}
    found["NaN tensor"] = weights_file(folder / "nan.safetensors", good, nan)
    names = {f"\x1b[31m{number}": torch.zeros(1) for number in range(3)}
    found["names of control characters"] = weights_file(folder / "names.safetensors", good, {**state, **names})
    return found | _broken_safetensors(folder, good)


def _broken_safetensors(folder: Path, good: dict[str, str]) -> dict[str, Path]:
    tensors: dict[str, dict[str, Any]] = {
        "shape beyond": {"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 16]}},
        "shape overflow": {"w": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 16]}},
        "overlapping": {
            "w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
            "v": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        },
        "negative": {"w": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}},
        "no dtype": {"w": {"shape": [4], "data_offsets": [0, 16]}},
        "float shape": {"w": {"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]}},
    }
    found = {}
    for name, entries in tensors.items():
        header = json.dumps({"__metadata__": good, **entries}).encode()
        path = folder / f"{name}.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        found[name] = path
    for name, content in {
        "header of 2^63 bytes": struct.pack("<Q", 2**63) + b"{}",
        "header of 90 MB": struct.pack("<Q", 90_000_000) + b"{" + b" " * 90_000_000,
        "deep header": struct.pack("<Q", 200_000) + b"[" * 200_000,
    }.items():
        found[name] = folder / f"{name}.safetensors"
        found[name].write_bytes(content)
    found["sparse"] = sparse_file(folder / "sparse.safetensors")
    return found
