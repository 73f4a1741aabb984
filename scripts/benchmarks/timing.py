"""Times of functions beside a reference, with their spread over repeats."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segrec.core.tables import markdown_table

CLOCKS: Mapping[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}
"""Give seconds: as they pass, or as a process computes, all its threads together, which other programs change less."""


class Row(NamedTuple):
    """One measured function beside the reference: its times in seconds, and reference time / own time, by repeat."""

    name: str
    seconds: list[float]
    ratios: list[float]


class Comparison(NamedTuple):
    """Two ways of reading the same words: their rows, the reference first, and both texts of each word."""

    rows: list[Row]
    texts: list[tuple[str, str]]


def measure(
    functions: Mapping[str, Callable[[], object]],
    repeats: int,
    *,
    warm_ups: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Row]:
    """Return a row for each function; the first is the reference.

    Each is called `warm_ups` times before its time is taken. A repeat calls all of them in turn, so that a machine
    that becomes slower or faster does so for all, and ratios are taken within a repeat. `clock` gives seconds.
    """
    for function in functions.values():
        for _ in range(warm_ups):
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    reference = next(iter(seconds.values()))
    return [
        Row(name, taken, [base / one for base, one in zip(reference, taken, strict=True)])
        for name, taken in seconds.items()
    ]


def seconds_of_children() -> float:
    """Return the processor time of this process's children that have ended: a clock for whole commands."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def table(rows: list[Row]) -> str:
    """Return a markdown table: medians, and from which tenth to which the repeats spread."""
    cells = []
    for row in rows:
        low, middle, high = np.percentile(np.array(row.seconds) * 1000, [10, 50, 90])
        slowest, ratio, fastest = np.percentile(row.ratios, [10, 50, 90])
        cells.append(
            (row.name, f"{middle:.1f} ({low:.1f} to {high:.1f})", f"{ratio:.2f} ({slowest:.2f} to {fastest:.2f})")
        )
    head = ("what", "milliseconds (10% to 90% of repeats)", "times faster (10% to 90%)")
    return markdown_table(head, cells, numbers=2)


def report(comparison: Comparison, bound: float | None) -> tuple[str, bool]:
    """Return a comparison for people, and whether the texts are equal.

    Args:
        comparison: of two ways.
        bound: how many times faster than the reference the second must be; None judges nothing.
    """
    differing = [pair for pair in comparison.texts if pair[0] != pair[1]]
    ratio = float(np.median(comparison.rows[1].ratios))
    said = ""
    if bound is not None:
        verdict = "holds" if ratio >= bound else "DOES NOT HOLD"
        said = f"at least {bound:g} times faster: {verdict} ({ratio:.2f}); "
    if differing:
        first = " against ".join(map(repr, differing[0]))
        said += f"{len(differing)} of {len(comparison.texts)} TEXTS DIFFER, for instance {first}"
    else:
        different = len({own for _, own in comparison.texts})
        said += f"all {len(comparison.texts)} texts are equal ({different} different ones)"
    return f"{table(comparison.rows)}\n{said}", not differing


def machine() -> str:
    """Return what the processor is called, and how many cores this process may use."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text("utf-8", errors="replace").splitlines() if listed.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{named[0] if named else platform.processor()} ({platform.machine()}), cores: {cores}"
