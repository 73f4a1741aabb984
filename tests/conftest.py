"""What holds for the tests of every package; those also find the helpers beside this file."""

from __future__ import annotations

import logging
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

attacks: Counter[str] = Counter()
"""How many of each class the processes of pytest-xdist tried."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on from a process of pytest-xdist what it counted."""
    if hasattr(session.config, "workeroutput") and "attacked" in sys.modules:
        session.config.workeroutput["attacks"] = dict(sys.modules["attacked"].tried)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add what a process of pytest-xdist counted."""
    attacks.update(getattr(node, "workeroutput", {}).get("attacks", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many attacks of each class were tried."""
    tried = attacks + (sys.modules["attacked"].tried if "attacked" in sys.modules else Counter())
    if tried:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(tried.items()))
        terminalreporter.write_line(f"attacks tried: {counts} ({sum(tried.values())} in all)")


@pytest.fixture(autouse=True)
def messages_reach_tests() -> None:
    """Undo before each test what a command in this process did with messages: they would not reach `caplog`."""
    logger = logging.getLogger("segrec")
    logger.handlers[:], logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="module", autouse=True)
def few_textures() -> Iterator[None]:
    """Render on one texture of each kind: making all of them takes longer than a test's pictures."""
    from segrec.rendering import backgrounds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backgrounds, "POOL", 8)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium without a window."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        missing = "there is no Chromium here (Debian: apt-get install chromium): no page was opened"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=QUIET)
