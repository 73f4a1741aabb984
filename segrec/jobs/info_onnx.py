"""What a network in ONNX is, and whether onnxruntime can run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segrec.core.errors import CheckpointError
from segrec.core.files import file_digest
from segrec.core.onnx_runtime import SETTINGS, OnnxNetwork
from segrec.jobs.info_findings import Findings, size_in_words

FOREIGN = "no network that segrec exported"


def inspect_onnx(path: Path) -> Findings:
    """Return what a file's metadata say, and whether it opens; of PP-OCR's recognizers the characters.

    Raises:
        LibraryError: onnxruntime is not installed.
    """
    findings = Findings({"file size": size_in_words(path)})
    try:
        network = OnnxNetwork(path, threads=1)
        findings.facts["file digest"] = file_digest(path)  # only now it is known to be of a bounded size
        if SETTINGS in network.metadata:
            _describe(network.settings("segmenter", "recognizer", "reader"), findings)
        else:
            characters = "".join(network.metadata.get("character", "").splitlines())
            findings.facts["written by"] = FOREIGN
            findings.facts["charset"] = f"{len(characters)} characters: {characters}" if characters else "not stated"
    except CheckpointError as error:
        findings.problems.append(str(error))
    findings.facts["opens"] = "no" if findings.problems else "yes"
    return findings


def _describe(settings: Mapping[str, Any], findings: Findings) -> None:
    for name, value in settings.items():
        if name == "charset":
            findings.facts[name] = f"{len(value)} characters: {value}"
        elif name != "charset_kind":
            findings.facts[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
