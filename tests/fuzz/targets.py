"""What is fuzzed: a function for each kind of file that people hand on, which may raise nothing but a SegrecError."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import lmdb
import numpy as np
import torch
from safetensors.torch import save

from recognizers import CRNN, load_pretrained
from segmenter.loading import load_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.errors import DamagedMaskError, SegrecError
from segrec.core.images import encode_jpeg, encode_png
from segrec.core.lmdb_environments import close_environment
from segrec.core.onnx_fields import read_network
from segrec.core.recipe import load_recipe
from segrec.data.masks.codec import mask_codec
from segrec.data.masks.record import MaskRecord, SourceRecord
from segrec.data.words import WordLmdb
from segrec.importers.quoted_list import QuotedList
from segrec.importers.tagged_xml import TaggedScenes
from segrec.importers.tsv import TabList


class Target(NamedTuple):
    """One kind of file.

    Attributes:
        seeds: valid files, from which the damaged ones are made.
        read: opens a file's bytes in an empty folder as the package does.
    """

    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[bytes, Path], None]


def survives(target: Target, data: bytes, folder: Path) -> bool:
    """Return whether a file was read, False where it was refused; any other exception comes out."""
    try:
        target.read(data, folder)
    except SegrecError as refusal:
        assert "\n" not in str(refusal) and len(str(refusal)) < 8000, refusal
        return False
    return True


def _weights() -> list[bytes]:
    torch.manual_seed(0)
    crnn, segmenter = CRNN(widths=(2,) * 7, hidden=2), MutuallyGuidedNet(width=1)
    parts = [("crnn", crnn.config(), crnn.state_dict()), ("mgnet", segmenter.config(), segmenter.state_dict())]
    return [save(state, {"architecture": name, "config": json.dumps(config)}) for name, config, state in parts]


def _read_weights(data: bytes, folder: Path) -> None:
    file = folder / "a.safetensors"
    file.write_bytes(data)
    (load_segmenter if b"mgnet" in data[:4000] else load_pretrained)(file)


def _pickles() -> list[bytes]:
    torch.manual_seed(0)
    state = CRNN(widths=(2,) * 7, hidden=2).state_dict()
    found = []
    for content in (state, {"epoch": 3, "state_dict": state, "sizes": [(1, 2), {"a": None}], "name": "é"}):
        for zipped in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
            found.append(buffer.getvalue())
    return found


def _read_pickle(data: bytes, folder: Path) -> None:
    file = folder / "a.pth"
    file.write_bytes(data)
    load_pretrained(file, drop_objects=len(data) % 2 == 0)


def _pictures() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (9, 20, 3), dtype=np.uint8)
    return [encode_png(noise), encode_jpeg(noise), encode_png(noise[:, :, 0])]


def _read_word(data: bytes, folder: Path) -> None:
    """The first bytes are the number of samples and the label, the others the picture."""
    count, label, picture = data[:2], data[2:9], data[9:] if len(data) % 3 else data
    with lmdb.open(str(folder), lock=False, map_size=1 << 20) as database, database.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"1" if len(data) % 5 else count or b" ")
        transaction.put(b"label-000000001", label)
        transaction.put(b"image-000000001", picture)
    try:
        words = WordLmdb(folder)
        for position in range(words.count()):
            word = words[position]
            assert (word.image is None) == (word.problem is not None)
    finally:
        close_environment(folder)  # else a campaign would hold thousands open


def _masks() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (9, 20), dtype=np.uint8)
    return [mask_codec(name).encode(noise) for name in ("png8", "png16")]


def _read_mask(data: bytes, folder: Path) -> None:
    try:
        mask_codec("png16").decode(data)
    except DamagedMaskError as error:
        assert "\n" not in str(error)


def _records() -> list[bytes]:
    source = SourceRecord("/words", "words", 9, "0" * 64, "3-9")
    return [MaskRecord("predicted", source, None, (32, None), (1, 9)).to_json()]


def _read_record(data: bytes, folder: Path) -> None:
    MaskRecord.from_json(data, folder)


def _recipes() -> list[bytes]:
    return [
        b'steps = 3\nlr = 1e-3\ndata = ["a", "b"]\n[[stage]]\nsteps = 2\n',
        b'"a" . b = {c = [1, 2.5, inf, 1979-05-27]}\n',
    ]


def _read_recipe(data: bytes, folder: Path) -> None:
    (folder / "a.toml").write_bytes(data)
    load_recipe(folder / "a.toml")


def _lists() -> list[bytes]:
    return [
        b"a.png\tone\nb/c.png\ttwo words\n",
        b'word_1.png, "Tiredness"\nword_2.png, "a \\"b\\" c"\n',
        b'<?xml version="1.0"?><tagset><image><imageName>a.jpg</imageName><lex>A,B</lex><taggedRectangles>'
        b'<taggedRectangle height="9" width="9" x="1" y="2"><tag>A</tag></taggedRectangle></taggedRectangles>'
        b"</image></tagset>",
    ]


def _read_list(data: bytes, folder: Path) -> None:
    file = folder / "labels.tsv"
    file.write_bytes(data)
    for reader in (TabList(file), QuotedList(file, folder), TaggedScenes(file)):
        try:
            assert reader.count() >= 0
            for item in reader.items():
                assert item.name is not None
        except SegrecError as refusal:
            assert "\n" not in str(refusal)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of Protocol Buffers with fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def _networks() -> list[bytes]:
    tensor = b"\x08\x03\x10\x01" + _field(4, bytes(12)) + _field(8, b"weight")
    outside = tensor + _field(13, _field(1, b"location") + _field(2, b"other")) + b"\x70\x01"
    found = []
    for part in (tensor, outside):
        node = (
            _field(1, b"x")
            + _field(2, b"y")
            + _field(4, b"Constant")
            + _field(5, _field(1, b"value") + _field(5, part))
        )
        found.append(b"\x08\x08" + _field(7, _field(1, node) + _field(2, b"graph")))
        found.append(b"\x08\x08" + _field(7, _field(5, part)))
    return found


def _read_network(data: bytes, folder: Path) -> None:
    (folder / "a.onnx").write_bytes(data)
    read_network(folder / "a.onnx")


TARGETS = {
    "safetensors header": Target(_weights, _read_weights),
    "foreign pickle": Target(_pickles, _read_pickle),
    "lmdb word": Target(_pictures, _read_word),
    "stored mask": Target(_masks, _read_mask),
    "mask record": Target(_records, _read_record),
    "recipe": Target(_recipes, _read_recipe),
    "network in ONNX": Target(_networks, _read_network),
    "release list": Target(_lists, _read_list),
}
