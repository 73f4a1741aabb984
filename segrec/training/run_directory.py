"""The folder of one training run and the state from which it resumes."""

from __future__ import annotations

import copy
import io
import json
import os
import sys
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from segrec.core.checkpoint import load_untrusted
from segrec.core.errors import CheckpointError, ConfigError, DataError
from segrec.core.files import read_json, write_bytes, write_json
from segrec.core.lock import FolderLock, lock_folder
from segrec.training.distributed import ALONE, World

MOST_STATE_BYTES = 4_000_000_000
"""Of a training state: weights, their averages and an optimizer of ten times the largest network here."""

MAY_CHANGE = (
    "output",
    "steps",
    "device",
    "amp",
    "workers",
    "checkpoint_every",
    "patience",
    "gradient_checkpointing",
    "tensorboard",
)
"""Settings that may differ when a run is resumed."""

FORMER_NAMES = {"ctc_aid": "ctc_weight"}
"""Settings of runs that were begun under another name, by that name."""


class RunDirectory:
    """Paths and records of a run: `run.json, metrics.jsonl, last.safetensors, best.safetensors, state.pt`.

    Args:
        path: the folder; it is made when the run begins.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.record = self.path / "run.json"
        self.metrics = self.path / "metrics.jsonl"
        self.last = self.path / "last.safetensors"
        self.best = self.path / "best.safetensors"
        self.state = self.path / "state.pt"
        self._lock: FolderLock | None = None

    def begin(self, job: str, settings: Any, *, world: World = ALONE, **facts: Any) -> dict[str, Any] | None:
        """Record a job and its settings, or check them against the run that is already here.

        From now on, until `release` or the end of this process, no other process may begin a run here.

        Args:
            job: what is done.
            settings: a dataclass of JSON-able values.
            world: the processes that train together; the main one records, all get the state.
            facts: further values that must not change.

        Returns:
            The training state to resume from, or None for a new run.

        Raises:
            ConfigError: the folder holds a run with other settings.
            DataError: another process is at this run, `run.json` is damaged, or the folder cannot be written.
            CheckpointError: the state is damaged.
        """
        resumes = world.on_main(lambda: self._record(job, settings, facts))
        return self.load_state() if resumes else None

    def release(self) -> None:
        """Let other processes begin a run here; a second call does nothing."""
        if self._lock is not None:
            self._lock.release()

    def _hold(self) -> None:
        if self._lock is not None and self._lock.held:
            return
        self._lock = lock_folder(self.path, remedy="choose another --output")
        weakref.finalize(self, self._lock.release)  # a job that failed between begin and fit

    def _record(self, job: str, settings: Any, facts: Mapping[str, Any]) -> bool:
        """Write `run.json` and return whether there is a state to resume from."""
        self._hold()
        for stale in self.path.glob(".*.partial"):  # of a run that was killed while it wrote
            stale.unlink(missing_ok=True)
        wanted = json.loads(json.dumps({"job": job, **asdict(settings), **facts}))
        if not self.state.exists():  # nothing was trained yet that other settings could spoil
            write_json(self.record, {"settings": wanted})
            return False
        before = {FORMER_NAMES.get(name, name): value for name, value in self.read_record()["settings"].items()}
        for name in sorted({*before, *wanted} - set(MAY_CHANGE)):
            if before.get(name) != wanted.get(name) and (before.get(name) is not None or wanted.get(name) != []):
                raise ConfigError(
                    f"{self.path} holds a run with {name}={before.get(name)!r}, this one has {wanted.get(name)!r}; "
                    "choose another --output, or repeat the settings to resume"
                )
        write_json(self.record, {**self.read_record(), "settings": wanted})
        return True

    def read_record(self) -> dict[str, Any]:
        """Return the content of `run.json`: a dict with the dict `settings`.

        Raises:
            DataError: the file is missing, damaged, or holds no settings.
        """
        record = read_json(self.record)
        if not isinstance(record, dict) or not isinstance(record.get("settings"), dict):
            raise DataError(f"{self.record} holds no settings; it is damaged or was not written by segrec")
        return record

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write the training state, atomically; its bytes depend on its content alone.

        Raises:
            DataError: the folder cannot be written or the disk is full.
        """
        content = io.BytesIO()  # torch's own writer turns a full disk's OSError into a RuntimeError
        torch.save(_interned(dict(state)), content)
        write_bytes(self.state, content.getvalue())

    def load_state(self, *, mapped: bool = False) -> dict[str, Any]:
        """Return the training state, read without running any code.

        Args:
            mapped: leave its tensors in the file, for a look at the rest.

        Raises:
            CheckpointError: the file is damaged or is not a training state.
        """
        content = load_untrusted(self.state, most=MOST_STATE_BYTES, mapped=mapped)
        if not isinstance(content, dict) or "step" not in content:
            raise CheckpointError(f"{self.state} is not a training state; delete {self.path} and start again")
        return content


def _interned(content: Any) -> Any:
    """Return the same content in which equal texts are one object.

    A pickle refers back to an object that it holds already, so its bytes would tell the texts of a state that was
    loaded from those of this program.
    """
    if isinstance(content, str):
        return sys.intern(content)
    if isinstance(content, dict):
        same = copy.copy(content)  # of its own class, with its attributes
        same.clear()
        same.update((_interned(key), _interned(value)) for key, value in content.items())
        return same
    if type(content) in (list, tuple):
        return type(content)(map(_interned, content))
    return content
