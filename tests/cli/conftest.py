"""A rendered set that all tests of the command line share, and the command line in this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from segrec_process import Outcome

from segrec.cli import main
from segrec.jobs.precompute import precompute_masks
from segrec.rendering.writing import render_words

Segrec = Callable[..., Outcome]
COUNT = 40


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered words with their exact masks; tests must not write here."""
    folder = tmp_path_factory.mktemp("rendered") / "words"
    render_words(folder, COUNT, seed=3)
    return folder


@pytest.fixture(scope="session")
def masks(words: Path) -> Path:
    """The predicted masks of `words`; tests must not write here."""
    return precompute_masks(words, words.parent / "masks", device="cpu").store


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test whose command, run in this process or forked from it, asks for another machine."""
    connect = socket.socket.connect

    def refused(*arguments: object, **options: object) -> NoReturn:
        pytest.fail(f"the internet was asked for: {arguments}")

    def local(self: socket.socket, address: Any) -> None:
        connect(self, address) if self.family == socket.AF_UNIX else refused(address)

    monkeypatch.setattr(socket.socket, "connect", local)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny tensors are quickest on one thread, on a busy machine by far."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def segrec(capsys: pytest.CaptureFixture[str]) -> Segrec:
    """Runs a command in this process and gives its exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run
