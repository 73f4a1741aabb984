"""Whether a word database, a mask store or a folder of scenes is sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segrec.core.errors import DamagedMaskError, DataError
from segrec.core.files import read_json
from segrec.core.images import read_image
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import progress_bar
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.record import MaskRecord, MaskSize, shard_folders
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb
from segrec.importers.record import ImportRecord
from segrec.importers.writer import PARTIAL_FOLDER
from segrec.jobs.corrupt_words import RECORD as CORRUPTION
from segrec.jobs.info_findings import Findings, Samples, positions_to_check, size_in_words
from segrec.jobs.info_shards import describe_shards
from segrec.rendering.record import RENDER_KEY, RenderRecord

FIRST_LABELS = 5


def inspect_words(path: Path, *, verify: bool) -> Findings:
    """Return what a word database holds and which of the looked-at samples are unusable."""
    findings = Findings()
    if not (path / DATA_FILE).exists():
        again = (
            _describe_import(path / PARTIAL_FOLDER, findings) if (path / PARTIAL_FOLDER).exists() else "write it again"
        )
        findings.problems.append(f"{path} was never finished: its {DATA_FILE} is missing; {again}")
        return findings
    findings.facts["size on disk"] = size_in_words(path / DATA_FILE)
    try:
        words = WordLmdb(path)
        findings.facts["words"] = str(words.count())
        _describe_import(path, findings)
        _describe_corruption(path, findings)
        rendering = RenderRecord.of(path)
        findings.facts.update(rendering.facts() if rendering else {})
        findings.facts["first labels"] = _first_labels(words) or "none"
        findings.facts["digest"] = f"{words.digest} (of a sample)"
        _check_words(words, findings, verify=verify)
    except DataError as error:
        findings.problems.append(str(error))
        return findings
    for name in (ORACLE, REGIONS):
        if shard_folders(path / name):
            inspect_companion(path / name, findings, words)
    return findings


def _describe_import(path: Path, findings: Findings) -> str:
    """Add where imported words come from and what was left out; return what goes on with an unfinished import."""
    record = ImportRecord.of(path)
    if record is not None:
        plan, progress = record.plan, record.progress
        findings.facts["imported from"] = (
            f"{plan.dataset} {plan.split}, filter {plan.filter or 'none'}, at {plan.source}"
        )
        findings.facts["import"] = f"{progress.words} words of {progress.read} listed ones read"
        findings.facts["left out"] = "; ".join(progress.summary()) or "nothing"
    return "run the same segrec import again to go on"


def _describe_corruption(path: Path, findings: Findings) -> None:
    """Add how the words were made worse, and from which, where segrec did it."""
    if (path / CORRUPTION).exists():
        record = read_json(path / CORRUPTION)
        try:
            source, done = record["source"], ", ".join(record["corruptions"])
            findings.facts["corrupted"] = f"{done}, seed {record['seed']}, from {source['name']} at {source['path']}"
        except (KeyError, TypeError):
            findings.problems.append(f"{path / CORRUPTION} is damaged; render the words again")


def _first_labels(words: WordLmdb) -> str:
    labels = [words.label(position) for position in range(min(FIRST_LABELS, len(words)))]
    return ", ".join("missing" if label is None else repr(label) for label in labels)


def _check_words(words: WordLmdb, findings: Findings, *, verify: bool) -> None:
    samples = Samples()
    for position in _watched(positions_to_check(len(words), verify=verify), "word"):
        word = words[position]
        if word.image is None:
            samples.add_unusable(word.problem or "no image")
        else:
            samples.add(word.image.shape)
    samples.report(findings, len(words), "image")
    if not len(words):
        findings.problems.append(f"{words.path} holds no words (num-samples 0)")


def inspect_companion(path: Path, findings: Findings, words: WordLmdb | None) -> None:
    """Add a line on the mask store in a folder of something else, and whether it belongs to `words`."""
    try:
        store = MaskStore(path)
        findings.facts[path.name] = f"{store.record.kind} masks, {store.done} of {len(store)}"
        if words is not None:
            store.check_source(words)
        store.require_complete()
    except DataError as error:
        findings.facts.setdefault(path.name, "a mask store that cannot be read")
        findings.problems.append(str(error))


def inspect_masks(path: Path, *, verify: bool) -> Findings:
    """Return where a store's masks come from, how many there are, and which of the looked-at ones are damaged."""
    findings = Findings()
    try:
        store = MaskStore(path)
        _describe_record(store, findings)
        describe_shards(store, findings, verify=verify)
        _check_masks(store, findings, verify=verify)
        store.require_complete()
    except DataError as error:
        findings.problems.append(str(error))
    return findings


def _describe_record(store: MaskStore, findings: Findings) -> None:
    record, facts = store.record, findings.facts
    source, segmenter = record.source, record.segmenter
    facts["masks"] = record.kind
    facts["source"] = f"{source.name}, {source.num_samples} samples, digest {source.digest}, then at {source.path}"
    _describe_source(store, findings)
    facts["segmenter"] = "none" if segmenter is None else f"{segmenter.name}, digest {segmenter.digest}"
    if record.verifier is not None:
        verifier = record.verifier
        facts["verifier"] = f"{verifier.name}, digest {verifier.digest}"
        facts["accepted from"] = f"a mean confidence of {verifier.threshold:g}, by method {verifier.method}"
    facts["input size"] = _input_size(record)
    facts["mask size"] = _MASK_SIZES[record.mask_size]
    facts["codec"] = record.codec
    facts["span"] = f"images {record.span[0]} to {record.span[1]}"


def _describe_source(store: MaskStore, findings: Findings) -> None:
    """Compare the store with its source; a source that lies elsewhere today is not a problem, one that changed is."""
    candidates = [Path(store.record.source.path), store.path.resolve().parent]
    changed = []
    for candidate in candidates:
        if (candidate / DATA_FILE).exists():
            try:
                store.check_source(WordLmdb(candidate))
            except DataError as error:
                changed.append(str(error))
            else:
                findings.facts["source today"] = f"unchanged, at {candidate}"
                return
    findings.facts["source today"] = "changed" if changed else "no longer at that path"
    findings.problems += changed[:1]


_MASK_SIZES: dict[MaskSize, str] = {
    "working": "working: the segmenter's where that is larger than the word's image, else the image's",
    "crop": "crop: of each word's image",
}


def _input_size(record: MaskRecord) -> str:
    height, width = record.input_size
    if height is None and width is None:
        return "each picture's own"
    return f"height {height or 'by the picture'}, width {width or 'by the picture'}"


def _check_masks(store: MaskStore, findings: Findings, *, verify: bool) -> None:
    samples, unreadable = Samples(), 0
    runs = _stored_runs(store)
    for ordinal in _watched(positions_to_check(store.done, verify=verify), "mask"):
        position = _nth(runs, ordinal)
        try:
            mask = store[position]
        except DataError as error:
            reason = error.__cause__ if isinstance(error, DamagedMaskError) else error
            samples.add_unusable(f"mask-{position + 1:09d}: {reason}")
            continue
        if mask is None:
            unreadable += 1
            samples.checked += 1
        else:
            samples.add(mask.shape)
    samples.report(findings, store.done, "mask")
    if store.record.kind == "verified":
        refused = Counter(reason for _, reason in store.holes()).most_common()
        findings.facts["accepted"] = f"{store.done - sum(count for _, count in refused)} of {store.done}"
        findings.facts["refused"] = ", ".join(f"{count} {reason}" for reason, count in refused) or "none"
    else:
        findings.facts["unreadable images"] = f"{unreadable} of the checked have an empty mask"


def _stored_runs(store: MaskStore) -> list[range]:
    """Return the runs of 0-based positions whose masks are stored."""
    begins = [store.record.span[0] - 1, *(last for _, last in store.missing)]
    ends = [*(first - 1 for first, _ in store.missing), store.record.span[1]]
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]


def _nth(runs: Sequence[range], ordinal: int) -> int:
    for run in runs:
        if ordinal < len(run):
            return run[ordinal]
        ordinal -= len(run)
    raise IndexError(f"position {ordinal} past the end")


def inspect_scenes(path: Path, *, verify: bool) -> Findings:
    """Return how many scenes a rendered folder holds and which of the looked-at ones are damaged."""
    findings = Findings()
    try:
        record: Any = read_json(path / "scenes.json")
        names = record.get("scenes") if isinstance(record, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not names:
            raise DataError(f"{path / 'scenes.json'} names no scenes")
    except DataError as error:
        findings.problems.append(f"{error}; it is written last, so render the scenes again")
        return findings
    findings.facts["scenes"] = str(len(names))
    findings.facts["seed"] = str(record.get("seed"))
    if RENDER_KEY.decode() in record:
        try:
            findings.facts.update(RenderRecord.parse(record[RENDER_KEY.decode()]).facts())
        except ValueError as error:
            findings.problems.append(f"{path / 'scenes.json'}: the record of the rendering is damaged ({error})")
    samples, polygons = Samples(), 0
    for position in _watched(positions_to_check(len(names), verify=verify), "scene"):
        try:
            size, count = _check_scene(path, names[position])
        except DataError as error:
            samples.add_unusable(str(error))
            continue
        polygons += count
        samples.add(size)
    samples.report(findings, len(names), "image")
    findings.facts["polygons"] = f"{polygons} in the checked scenes"
    return findings


def _check_scene(path: Path, name: str) -> tuple[Sequence[int], int]:
    """Return the size of a scene's picture and the number of its polygons."""
    picture = path / "images" / f"{name}.jpg"
    size = read_image(picture).shape[:2]
    for kind in ("text", "regions"):
        mask = path / kind / f"{name}.png"
        found = read_image(mask).shape[:2]
        if found != size:
            raise DataError(f"{mask} is {found}, but its picture is {size} (height, width); render the scenes again")
    file = path / "polygons" / f"{name}.json"
    polygons = read_json(file)
    if not isinstance(polygons, list) or not all(map(_is_polygon, polygons)):
        raise DataError(f"{file} is not a list of polygons with points and text; render the scenes again")
    return size, len(polygons)


def _is_polygon(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        return False
    points = entry.get("points")
    return (isinstance(points, list) and len(points) >= 3) and all(
        isinstance(point, list) and len(point) == 2 and all(isinstance(value, int | float) for value in point)
        for point in points
    )


def _watched(positions: Sequence[int], unit: str) -> Iterator[int]:
    """Yield `positions` under a progress bar."""
    with progress_bar(len(positions), "checking", unit) as bar:
        for position in positions:
            yield position
            bar.update()
