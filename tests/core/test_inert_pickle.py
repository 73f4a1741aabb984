"""Files of torch.save read without their objects: tensors come through, nothing runs."""

from __future__ import annotations

import argparse
import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from segrec.core import inert_pickle
from segrec.core.checkpoint import load_untrusted
from segrec.core.errors import CheckpointError
from segrec.core.pickle_containers import Dropped

FORMATS = {"archive": {}, "before 1.6": {"_use_new_zipfile_serialization": False}}


@pytest.fixture(params=FORMATS)
def options(request) -> dict[str, bool]:
    return FORMATS[request.param]


class Touching:
    """Unpickles into a call of `function` with `given`."""

    def __init__(self, function: object, *given: object) -> None:
        self.function, self.given = function, given

    def __reduce__(self):
        return self.function, self.given


class Stateful:
    """Unpickles by having its state set, which could do anything."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __setstate__(self, state: dict[str, Path]) -> None:
        state["trace"].touch()


def test_no_code_of_a_file_runs_in_either_mode(tmp_path, options):
    trace, file = tmp_path / "ran", tmp_path / "evil.pth"
    planted = [
        Touching(Path.touch, trace),
        Touching(eval, f"open({str(trace)!r}, 'w')"),
        Touching(getattr, Touching(__import__, "os"), "system"),
        Touching(map, Touching(getattr, trace, "touch"), [0o600]),
        Stateful(trace),
    ]
    for content in ({"weight": torch.ones(2), "evil": planted}, planted[0]):
        torch.save(content, file, **options)
        with pytest.raises(CheckpointError, match="could run code"):
            load_untrusted(file)
        load_untrusted(file, drop_objects=True)
        assert not trace.exists()
    pickle.loads(pickle.dumps(planted[0]))
    assert trace.exists(), "the plant works where code may run"


def test_tensors_texts_and_containers_come_through_and_objects_do_not(tmp_path, options):
    whole = torch.arange(12.0).reshape(3, 4)
    state = OrderedDict(
        whole=whole,
        view=whole[1:, ::2],
        parameter=torch.nn.Parameter(torch.ones(2)),
        half=torch.tensor([1.5], dtype=torch.bfloat16),
        counter=torch.tensor(1000),
        flags=torch.tensor([True, False]),
        empty=torch.zeros(0, 3),
    )
    state._metadata = {"version": 1}
    options_of_training = argparse.Namespace(lr=1, nested=defaultdict(list, a=[1]))
    odd = {Path("a"): 1, "scores": np.arange(3), "shape": whole.shape, "set": {1, 2}}
    content = {"state_dict": state, "epoch": 3, "name": "é", "rate": 0.5, "opt": options_of_training, "odd": odd}
    torch.save(content, tmp_path / "full.pth", **options)
    read = load_untrusted(tmp_path / "full.pth", drop_objects=True)
    assert (read["epoch"], read["name"], read["rate"], read["odd"]["shape"]) == (3, "é", 0.5, (3, 4))
    assert isinstance(read["opt"], Dropped) and isinstance(read["odd"]["scores"], Dropped)
    assert list(read["state_dict"]) == list(state)
    for name, tensor in state.items():
        assert torch.equal(read["state_dict"][name], tensor) and read["state_dict"][name].dtype == tensor.dtype


@pytest.mark.parametrize(
    "name", ["torch._utils\n_rebuild_tensor_v2", "torch\nSize", "collections\nOrderedDict", "os\nsystem", "a\nb"]
)
def test_a_file_cannot_change_what_it_is_handed(tmp_path, name):
    handed = (inert_pickle._tensor, tuple, OrderedDict, Dropped)
    before = [dict(vars(one)) for one in handed]
    evil = b"\x80\x02c" + name.encode() + b"\nN}X\x04\x00\x00\x00evilK\x01s\x86b."  # set attribute evil of it to 1
    with zipfile.ZipFile(tmp_path / "evil.pth", "w") as archive:
        archive.writestr("evil/data.pkl", evil)
    assert not hasattr(load_untrusted(tmp_path / "evil.pth", drop_objects=True), "evil")
    assert [dict(vars(one)) for one in handed] == before


class WithState:
    """Unpickles into a tensor that is then given a state."""

    def __init__(self, made: torch.Tensor, state: object) -> None:
        self.made, self.state = made, state

    def __reduce__(self):
        function, arguments = self.made.__reduce_ex__(2)
        return function, arguments, self.state


def test_a_state_does_not_change_a_tensor_that_a_file_made(tmp_path, options):
    large = torch.ones(3)
    as_its_numbers = (large, None, {}, False, None)  # what `torch.Tensor.__setstate__` takes
    torch.save({"large": large, "small": WithState(torch.zeros(1), as_its_numbers)}, tmp_path / "a.pth", **options)
    assert torch.equal(load_untrusted(tmp_path / "a.pth")["small"], torch.zeros(1))


def archive_of(pickled: object, **parts: bytes) -> bytes:
    """Return a zip with a pickle and further files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(pickled))
        for name, content in parts.items():
            archive.writestr(f"a/data/{name}", content)
    return buffer.getvalue()


def saved(**options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.arange(50.0)}, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"no weights",
        pickle.dumps({"a": 1}),
        archive_of({"a": 1}).replace(b"data.pkl", b"date.pkl"),
        saved()[:300],
        saved(_use_new_zipfile_serialization=False)[:-40],
        saved(_use_new_zipfile_serialization=False)[:100],
    ],
)
def test_damaged_and_other_files_are_refused_in_one_line(content, tmp_path):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"odd\.pth") as refusal:
        load_untrusted(tmp_path / "odd.pth", drop_objects=True)
    assert "\n" not in str(refusal.value)
