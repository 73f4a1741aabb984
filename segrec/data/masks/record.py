"""What a mask store says about itself, and how its masks are spread over shards."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from segrec.core.errors import DataError
from segrec.core.foreign_json import parse_json
from segrec.data.masks.codec import DEFAULT_CODEC
from segrec.data.words import WordLmdb

RECORD_KEY = b"record"
PROGRESS_KEY = b"progress"
VERSION = 4
"""Since 2, shards hold a digest of their masks; since 3 the record says `mask_size` and may name a verifier, and stores
of verified masks hold reasons where there is no mask; since 4 tall words are predicted turned, see
`segmenter.preprocess.TALL`. Older stores are read and finished as they are."""
MaskSize = Literal["crop", "working"]
FIRST_SIZED, FIRST_TURNED = 3, 4
MOST_WORDS = 10**12
_SHARD_NAME = re.compile(r"shard-(\d{5})-of-(\d{5})")


@dataclass(frozen=True)
class SourceRecord:
    """The word database that the masks belong to.

    Args:
        path: where it lay.
        name: of its folder.
        num_samples: how many words it had.
        digest: of its content, see `WordLmdb.digest`.
        revision: of its file, see `WordLmdb.revision`; None in stores of versions that did not keep it.
    """

    path: str
    name: str
    num_samples: int
    digest: str
    revision: str | None = None

    @classmethod
    def of(cls, words: WordLmdb) -> SourceRecord:
        """Return the record of an open word database."""
        return cls(str(words.path.resolve()), words.name, len(words), words.digest, words.revision)


@dataclass(frozen=True)
class SegmenterRecord:
    """The network that predicted the masks: its name and the digest of its weights."""

    name: str
    digest: str


@dataclass(frozen=True)
class VerifierRecord:
    """What read the masks of a `verified` store before they were taken.

    Args:
        name: of the recognizer.
        digest: of its file.
        threshold: least mean confidence in a reading's characters.
        method: version of the method that chooses among what was read.
    """

    name: str
    digest: str
    threshold: float
    method: int


@dataclass(frozen=True)
class MaskRecord:
    """Where a store's masks come from; every shard holds the same record.

    Args:
        kind: `predicted` by a segmenter, `oracle`, the strokes known exactly from rendering, `region`, the rendered
            polygons filled, or `verified`, binarisations that a recognizer reads as the word's label.
        source: the word database.
        segmenter: the network, None for masks that none predicted.
        input_size: (height, width) the segmenter works at, None where it follows the image.
        span: the first and last 1-based index that the finished store covers.
        codec: how masks are encoded, see `mask_codec`.
        mask_size: "crop" is the size of each word's image; "working" is the size at which the segmenter saw it where
            that is larger, see `segmenter.preprocess.mask_size`. Stores before version 3 do not say it: "crop".
        version: of the layout.
        verifier: of verified masks, else None.
    """

    kind: Literal["predicted", "oracle", "region", "verified"]
    source: SourceRecord
    segmenter: SegmenterRecord | None
    input_size: tuple[int | None, int | None]
    span: tuple[int, int]
    codec: str = DEFAULT_CODEC
    mask_size: MaskSize = "crop"
    version: int = VERSION
    verifier: VerifierRecord | None = None

    @property
    def turns_tall(self) -> bool:
        """Whether predicted masks of tall words are those of turned crops."""
        return self.version >= FIRST_TURNED

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON with sorted keys."""
        content = asdict(self)
        if self.source.revision is None:
            del content["source"]["revision"]
        if self.version < FIRST_SIZED:
            del content["mask_size"]
        if self.verifier is None:
            del content["verifier"]
        return json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8")

    @classmethod
    def from_json(cls, data: bytes, path: Path) -> MaskRecord:
        """Return the record that `to_json` wrote; `path` is named in errors.

        Raises:
            DataError: the record is damaged or was written by a newer segrec.
        """
        try:
            content: dict[str, Any] = parse_json(data)
            if content["version"] > VERSION:
                raise DataError(f"{path} was written by a newer segrec (version {content['version']}); update segrec")
            segmenter, verifier = content.pop("segmenter"), content.pop("verifier", None)
            record = cls(
                source=SourceRecord(**content.pop("source")),
                segmenter=None if segmenter is None else SegmenterRecord(**segmenter),
                verifier=None if verifier is None else VerifierRecord(**verifier),
                input_size=tuple(content.pop("input_size")),
                span=tuple(content.pop("span")),
                **content,
            )
            record._check()
            return record
        except (ValueError, TypeError, KeyError) as error:
            reason = repr(error)[:200]
            raise DataError(f"{path}: the mask store's record is damaged ({reason}); make the store again") from error

    def _check(self) -> None:
        """Refuse values that no writer makes, so that readers need not mistrust them."""
        words = [self.kind, self.codec, self.source.path, self.source.name, self.source.digest]
        words.append(self.source.revision or "")
        if self.segmenter is not None:
            words += [self.segmenter.name, self.segmenter.digest]
        if self.verifier is not None:
            words += [self.verifier.name, self.verifier.digest]
        first, last = self.span
        height, width = self.input_size
        numbers = [first, last, self.source.num_samples, height or 0, width or 0]
        if not all(isinstance(word, str) for word in words) or not all(type(number) is int for number in numbers):
            raise TypeError("a value has another type")
        if max(map(abs, numbers)) > MOST_WORDS:
            raise ValueError("a number is too large")
        if not 1 <= first <= last + 1 <= self.source.num_samples + 1:
            raise ValueError(f"span {self.span} does not fit the source")
        if self.mask_size not in get_args(MaskSize):
            raise ValueError(f"mask_size {self.mask_size!r} is unknown")

    def difference(self, other: MaskRecord) -> str | None:
        """Return the first thing in which `other` asks for other masks than these, in words, or None.

        Where the source lies, what its folder is called and the version may differ; the source's content may not, nor
        its revision where both are known.
        """
        for what, mine, theirs in [
            ("number of source samples", self.source.num_samples, other.source.num_samples),
            ("source digest", self.source.digest[:12], other.source.digest[:12]),
            ("source revision", *_known(self.source.revision, other.source.revision)),
            ("segmenter", _described(self.segmenter), _described(other.segmenter)),
            ("kind", self.kind, other.kind),
            ("verifier", _read_by(self.verifier), _read_by(other.verifier)),
            ("input size", self.input_size, other.input_size),
            ("span", self.span, other.span),
            ("mask size", self.mask_size, other.mask_size),
            ("codec", self.codec, other.codec),
        ]:
            if mine != theirs:
                return f"{what} {mine}, not {theirs}"
        return None


def _known(revision: str | None, other: str | None) -> tuple[str | None, str | None]:
    return (None, None) if None in (revision, other) else (revision, other)


def _described(segmenter: SegmenterRecord | None) -> str:
    return "none" if segmenter is None else f"{segmenter.name} ({segmenter.digest[:12]})"


def _read_by(verifier: VerifierRecord | None) -> str:
    if verifier is None:
        return "none"
    return f"{verifier.name} ({verifier.digest[:12]}, threshold {verifier.threshold:g}, method {verifier.method})"


def shard_name(shard: tuple[int, int]) -> str:
    """Return the folder name of shard (number from 1, count)."""
    number, count = shard
    return f"shard-{number:05d}-of-{count:05d}"


def shard_folders(path: Path) -> dict[tuple[int, int], Path]:
    """Return the shard folders that exist below `path`, by (number, count), in order.

    Raises:
        DataError: one has a number that no shard has.
    """
    found = {}
    for folder in sorted(path.iterdir()) if path.is_dir() else []:
        match = _SHARD_NAME.fullmatch(folder.name)
        if match and not 1 <= int(match[1]) <= int(match[2]):
            raise DataError(f"{folder} is not a shard, whose number is from 1 to the count; delete or rename it")
        if match:
            found[int(match[1]), int(match[2])] = folder
    return found


def shard_span(span: tuple[int, int], shard: tuple[int, int]) -> tuple[int, int]:
    """Return the first and last index of a shard: contiguous parts of `span`, sizes differing by at most one.

    With more shards than masks some are empty: their first index is their last plus one.
    """
    number, count = shard
    if not 1 <= number <= count:
        raise ValueError(f"a shard is (number, count) with 1 <= number <= count, got {shard}")
    first, length = span[0], span[1] - span[0] + 1
    return first + (number - 1) * length // count, first + number * length // count - 1
