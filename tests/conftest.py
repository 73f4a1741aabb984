"""What holds for the tests of every package; those also find the helpers beside this file."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

attacks: Counter[str] = Counter()
"""How many of each class the processes of pytest-xdist tried."""
costs: dict[str, tuple[float, int, int]] = {}
"""What the worst of each class took in those, see `attacked.worst`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how hostile files are tried."""
    parser.addoption("--attack-programs", action="store_true", help="Start the segrec program for each attack.")


def pytest_configure(config: pytest.Config) -> None:
    """Tell the helpers of the attacks."""
    if config.getoption("--attack-programs"):
        os.environ["SEGREC_ATTACK_PROGRAMS"] = "1"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on from a process of pytest-xdist what it counted."""
    if hasattr(session.config, "workeroutput") and "attacked" in sys.modules:
        attacked = sys.modules["attacked"]
        session.config.workeroutput["attacks"] = dict(attacked.tried)
        session.config.workeroutput["costs"] = {kind: list(cost) for kind, cost in attacked.worst.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add what a process of pytest-xdist counted."""
    told = getattr(node, "workeroutput", {})
    attacks.update(told.get("attacks", {}))
    _add_costs(told.get("costs", {}))


def _add_costs(told: Mapping[str, Sequence[float]]) -> None:
    for kind, (seconds, size, broken) in told.items():
        before = costs.get(kind, (0.0, 0, 0))
        costs[kind] = max(before[0], seconds), int(max(before[1], size)), int(before[2] + broken)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many attacks of each class were tried, and what the worst of them took."""
    tried = Counter(attacks)
    if "attacked" in sys.modules:
        tried += sys.modules["attacked"].tried
        _add_costs(sys.modules["attacked"].worst)
    if not tried:
        return
    terminalreporter.write_line(f"attacks tried: {sum(tried.values())} of {len(tried)} classes")
    terminalreporter.write_line(f"{'tried':>6} {'worst s':>8} {'worst MB':>9} {'broken':>7}  class")
    for kind, count in sorted(tried.items()):
        cost = ("", "", "")
        if kind in costs:
            seconds, size, broken = costs[kind]
            cost = f"{seconds:.1f}", f"{size / 1e6:.0f}", str(broken)
        terminalreporter.write_line(f"{count:>6} {cost[0]:>8} {cost[1]:>9} {cost[2]:>7}  {kind}")


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
