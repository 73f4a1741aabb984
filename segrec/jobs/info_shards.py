"""How far each shard of a mask store has come, and whether its masks are those that were written."""

from __future__ import annotations

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import progress_bar
from segrec.data.masks.shard_state import add_digests, in_words, recomputed_digest
from segrec.data.masks.store import MaskStore, Shard
from segrec.jobs.info_findings import Findings, bytes_in_words

QUICK = 20_000
"""Masks of a store whose digests are computed again unasked, in a fraction of a second."""
MOST_LISTED = 32
"""Shards that are listed one by one; of larger stores, only those that are not whole and sound."""


def describe_shards(store: MaskStore, findings: Findings, *, verify: bool) -> None:
    """Add the progress of each shard and of the store, what a mask takes on disk, and what the digests tell.

    Args:
        store: finished or not.
        findings: gets the facts, and a problem for each shard whose masks are not those that were written.
        verify: compute the digests again however many masks there are.
    """
    facts, shards = findings.facts, store.shards
    there = [shard for shard in shards if (shard.folder / DATA_FILE).exists()]
    size = sum((shard.folder / DATA_FILE).stat().st_size for shard in there)
    verify = verify or store.done <= QUICK
    facts["shards"] = f"{len(there)} of {len(shards)}"
    facts["progress"] = f"{store.done} of {len(store)}"
    facts["missing"] = ", ".join(f"{first}..{last}" for first, last in store.missing) or "nothing"
    facts["size on disk"] = bytes_in_words(size)
    facts["bytes per mask"] = f"{size / store.done:.0f}" if store.done else "unknown, there is none yet"
    with progress_bar(len(there), "verifying", "shard") as bar:
        for shard in shards:
            sound = _check(store, shard, findings) if verify and shard in there else None
            bar.update(shard in there)
            if len(shards) <= MOST_LISTED or not shard.complete or sound is False:
                facts[f"shard {shard.name}"] = f"{_progress(shard)}{_digest(shard, sound)}"
    _describe_whole(store, there, findings, verify=verify)


def _check(store: MaskStore, shard: Shard, findings: Findings) -> bool | None:
    """Return whether the masks of a shard that is there have its digest; None when it has none."""
    if shard.digest is None:
        return None
    remedy = f"delete {shard.folder} and {store.command([shard])}"
    try:
        found = recomputed_digest(shard.folder, shard.first, shard.last_done)
    except DataError as error:
        findings.problems.append(f"shard {shard.name}: {error}")
        return False
    if found != shard.digest:
        findings.problems.append(f"shard {shard.name} holds other masks than were written there; {remedy}")
    return found == shard.digest


def _progress(shard: Shard) -> str:
    count = shard.last - shard.first + 1
    return (
        f"{shard.last_done - shard.first + 1} of {count} (images {shard.first} to {shard.last})" if count else "empty"
    )


def _digest(shard: Shard, sound: bool | None) -> str:
    """Return what is known about the digest of a shard, to stand behind its progress."""
    if shard.digest is None:
        return ""
    verdict = {True: "verified", False: "wrong", None: "not verified"}[sound]
    return f", digest {in_words(shard.digest)[:12]} {verdict}"


def _describe_whole(store: MaskStore, there: list[Shard], findings: Findings, *, verify: bool) -> None:
    digests = [shard.digest for shard in there if shard.digest is not None]
    if len(digests) < len(there):
        findings.facts["digest"] = "none: the store was made by an older segrec"
        return
    whole = "of all masks" if store.complete else "of the masks so far"
    hint = "" if verify else "; --verify compares it with the masks"
    findings.facts["digest"] = f"{in_words(add_digests(digests))} ({whole}, however they are cut into shards{hint})"
