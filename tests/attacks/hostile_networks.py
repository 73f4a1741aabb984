"""Networks in ONNX that ask for more than they hold, or for files beside them; written field by field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Make = Callable[[Path], Path]
MODEL = b"\x08\x08" + b"\x42\x02\x10\x11"
"""Its version, and that of its operators."""


def number(value: int) -> bytes:
    """Return an integer of seven bits a byte."""
    code = b""
    while value > 127:
        code += bytes([value & 127 | 128])
        value >>= 7
    return code + bytes([value])


def field(place: int, content: bytes) -> bytes:
    return number(place << 3 | 2) + number(len(content)) + content


def tensor(*sides: int, data: bytes = b"", outside: str | None = None) -> bytes:
    """Return a float32 tensor called w."""
    code = b"".join(b"\x08" + number(side) for side in sides) + b"\x10\x01" + field(8, b"w")
    if outside is None:
        return code + field(9, data)
    return code + field(13, field(1, b"location") + field(2, outside.encode())) + b"\x70\x01"


def described(name: str) -> bytes:
    sides = field(1, b"\x08\x03")
    return field(1, name.encode()) + field(2, field(1, b"\x08\x01" + field(2, sides)))


def network(weight: bytes, nodes: bytes = b"") -> bytes:
    """Return a network y = x * w."""
    product = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"Mul")
    graph = nodes + field(1, product) + field(2, b"g") + field(5, weight)
    return MODEL + field(7, graph + field(11, described("x")) + field(12, described("y")))


def written(content: bytes) -> Make:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def sparse(path: Path) -> Path:
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)
    return path


def outside(path: Path) -> Path:
    (path.parent / "numbers").write_bytes(bytes(12))
    return written(network(tensor(3, outside="numbers")))(path)


def deep(path: Path) -> Path:
    """Graphs in attributes of nodes of graphs, as deep as no one would write."""
    graph = b""
    for _ in range(3000):
        graph = field(1, field(5, field(6, graph)))
    return written(MODEL + field(7, graph))(path)


SOUND = network(tensor(3, data=bytes(12)))
NETWORKS: dict[str, Make] = {
    "sparse": sparse,
    "outside": outside,
    "a device": written(network(tensor(3, outside="/dev/zero"))),
    "memory of the process": written(network(tensor(3, outside="*/_ORT_MEM_ADDR_/*"))),
    "many nodes": written(MODEL + field(7, b"\x0a\x00" * 3_000_000)),
    "many tensors": written(MODEL + field(7, b"\x2a\x00" * 3_000_000)),
    "deep": deep,
    "claimed sides": written(network(tensor(2**40))),
    "sides that overflow": written(network(tensor(2**62, 2**62))),
    "cut": written(SOUND[:-9]),
    "endless number": written(b"\xff" * 100_000),
    "empty": written(b""),
    "text": written(b"no network at all"),
}
