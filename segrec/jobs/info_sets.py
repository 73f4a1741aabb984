"""What folders hold on which other commands work as they are: the demo's, and ICDAR-2015's scenes."""

from __future__ import annotations

from pathlib import Path

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.jobs.info_data import inspect_words
from segrec.jobs.info_findings import Findings

DEMO_PARTS = ("train", "test")


def inspect_demo(path: Path, *, verify: bool) -> Findings:
    """Return what a demo's folder holds, what is wrong with its words, and what to run on it."""
    findings = Findings()
    for part in DEMO_PARTS:
        words = path / "words" / part
        if (words / DATA_FILE).exists():
            found = inspect_words(words, verify=verify)
            findings.facts[f"{part} words"] = found.facts.get("words", "unreadable")
            findings.problems += [f"words/{part}: {problem}" for problem in found.problems]
    if (path / "report.html").exists():
        findings.facts["report"] = str(path / "report.html")
    part = next(part for part in reversed(DEMO_PARTS) if f"{part} words" in findings.facts)
    findings.facts["score recognizers"] = f"segrec eval --data demo-{part}={path / 'words' / part}"
    findings.facts["more of a part"] = f"segrec info {path / 'words' / part}"
    return findings


def icdar15_splits(path: Path) -> list[str]:
    """Return the splits of ICDAR-2015's scenes that a folder is laid out for."""
    from segmenter.datasets.icdar15 import LAYOUTS

    return [
        split
        for split, pairs in LAYOUTS.items()
        if any((path / images).is_dir() and (path / truth).is_dir() for images, truth in pairs)
    ]


def inspect_icdar15(path: Path) -> Findings:
    """Return how many scenes each split has, and what to run on them."""
    from segmenter.datasets.icdar15 import Icdar15

    findings = Findings()
    for split in icdar15_splits(path):
        try:
            findings.facts[f"{split} scenes"] = str(len(Icdar15(path, split)))
        except DataError as error:
            findings.problems.append(str(error))
    split = icdar15_splits(path)[-1]
    findings.facts["masks"] = "of regions, from the quadrangles of the words; none of text"
    findings.facts["score a segmenter"] = f"segrec eval-segmenter --data icdar15:{split}={path}"
    return findings
