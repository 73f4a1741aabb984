"""The only door to onnxruntime: networks in ONNX, with the settings that their files carry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from segrec.core.errors import CheckpointError
from segrec.core.foreign_json import parse_json
from segrec.core.onnx_fields import read_network
from segrec.core.packages import package

REMEDY = "pip install 'segrec[onnx]'"
MISSING = f"networks in ONNX run in onnxruntime, which is not installed; {REMEDY}"
SETTINGS = "segrec"
"""Name of the metadata entry that holds, as JSON, what segrec has to know of an exported network."""

FORMAT_VERSION = 1
"""The newest form of these settings that this segrec knows."""


def open_runtime() -> ModuleType:
    """Return onnxruntime.

    Raises:
        LibraryError: it is not installed.
    """
    return package("onnxruntime", MISSING)


def open_quantizer() -> ModuleType:
    """Return the part of onnxruntime that quantizes networks, which needs the package onnx.

    Raises:
        LibraryError: one of them is not installed.
    """
    return package("onnxruntime.quantization", MISSING)


class OnnxNetwork:
    """A network that onnxruntime runs on the processor.

    Args:
        path: the `.onnx` file.
        threads: of one run; None lets onnxruntime take all cores.

    Attributes:
        path: as given.
        metadata: the file's entries, all texts.
        outputs: how many there are.

    Raises:
        LibraryError: onnxruntime is not installed.
        CheckpointError: the file is missing, damaged, too large, has weights in other files, or holds what this
            onnxruntime cannot run.
    """

    def __init__(self, path: str | os.PathLike[str], *, threads: int | None = None) -> None:
        runtime: Any = open_runtime()
        self.path = Path(path)
        content = read_network(path)
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        if threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        try:
            self._session: Any = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes, of which each release has others
            reason = str(error).splitlines()[0]
            raise CheckpointError(f"{path} is nothing that onnxruntime can run ({reason}); fetch it again") from error
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.outputs = len(self._session.get_outputs())
        self._input: str = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs in the file's order.

        Raises:
            CheckpointError: the network cannot run on such an input.
        """
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self._input: batch})
        except Exception as error:  # see above
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"{self.path} failed on an input {batch.shape} {batch.dtype} ({reason}); export it again"
            ) from error
        return outputs

    def settings(self, *kinds: str) -> Mapping[str, Any]:
        """Return what `segrec export` wrote into the file.

        Args:
            kinds: of networks that will do: "segmenter", "recognizer", "reader".

        Raises:
            CheckpointError: segrec did not write the file, it holds another kind of network, or is of a newer form.
        """
        wanted = " or ".join(kinds)
        try:
            found = parse_json(self.metadata[SETTINGS])
            kind, version = str(found["kind"]), int(found["version"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self.path} has no settings of segrec in its metadata; name a {wanted} that `segrec export` wrote"
            ) from error
        if version > FORMAT_VERSION:
            raise CheckpointError(
                f"{self.path} is of version {version}, but this segrec knows versions up to {FORMAT_VERSION}; "
                "upgrade segrec (pip install --upgrade segrec)"
            )
        if kind not in kinds:
            raise CheckpointError(f"{self.path} holds a {kind}, not a {wanted}; name another file")
        settings: Mapping[str, Any] = found
        return settings
