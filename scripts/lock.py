"""Turn pip's report of an installation into a lock file with hashes.

    pip install --dry-run --ignore-installed --report report.json '.[dev]'
    python scripts/lock.py report.json requirements-ci.txt

The lock is for the Python and the platform that pip ran on: `pip install --require-hashes -r requirements-ci.txt`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from segrec.core.files import atomic_path

OWN = "segrec"


def lock(report: dict[str, Any]) -> str:
    """Return the lines of the lock file, one a package with its version and the hash of its file, by name.

    Raises:
        SystemExit: a package other than this one has no hash, as one from a folder.
    """
    where = report["environment"]
    lines = [
        f"# Made by scripts/lock.py for Python {where['python_version']} on {where['sys_platform']} "
        f"{where['platform_machine']}; install with pip install --require-hashes --no-deps -r"
    ]
    for item in sorted(report["install"], key=lambda item: item["metadata"]["name"].lower()):
        name, version = item["metadata"]["name"].lower(), item["metadata"]["version"]
        if name == OWN:
            continue
        digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if digest is None:
            raise SystemExit(f"{name} {version} has no hash; install it from an index")
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    with atomic_path(target) as partial:
        partial.write_text(lock(json.loads(source.read_text("utf-8"))), "utf-8")
    print(target)
