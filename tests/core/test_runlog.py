"""What a long job says of its progress where nobody looks at a bar."""

from __future__ import annotations

import logging
import re

import pytest

from segrec.core import runlog
from segrec.core.runlog import append_jsonl, log_rows, progress_bar, rewind_jsonl

LINE = re.compile(r"masks: (\d+) of 10 \((\d+)\.0%\), .*words?/s, \d\d:\d\d so far, .* left(.*)")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, ...]]:
    found = [LINE.fullmatch(message) for message in caplog.messages]
    assert all(found), caplog.messages
    return [match.groups() for match in found if match]


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setattr(runlog, "LOG_EVERY", 1e-9)
    monkeypatch.setattr(runlog.LOGGER, "handlers", [])  # a command that ran before may have left one
    monkeypatch.setattr(runlog.LOGGER, "propagate", True)


def test_where_stderr_is_no_terminal_progress_is_a_line_with_rate_and_time_left(caplog, capsys):
    caplog.set_level("INFO", "segrec")
    with progress_bar(10, "masks", "word", initial=2) as bar:
        for count in (3, 4):
            bar.update(count)
        bar.set_postfix(loss="0.250")
    assert lines(caplog) == [("5", "50", ""), ("9", "90", ""), ("9", "90", ", loss=0.250")]
    assert capsys.readouterr() == ("", "")


def test_names_of_files_in_a_description_move_no_cursor(caplog, capsys, monkeypatch):
    caplog.set_level("INFO", "segrec")
    with progress_bar(10, "mas\x1b[2Jks", "word") as bar:
        bar.update()
    monkeypatch.setattr(runlog.sys.stderr, "isatty", lambda: True)
    with progress_bar(10, "mas\x1b[2Jks", "word") as bar:
        bar.update()
    shown = capsys.readouterr().err
    assert all("mas\\u001b[2Jks" in said and "\x1b[2J" not in said for said in (*caplog.messages, shown))
    assert caplog.messages and shown


def test_a_job_that_ends_within_a_minute_says_nothing(caplog, capsys, monkeypatch):
    monkeypatch.setattr(runlog, "LOG_EVERY", 60.0)
    caplog.set_level("INFO", "segrec")
    with progress_bar(10, "masks", "word") as bar:
        for _ in range(10):
            bar.update()
    assert caplog.messages == [] and capsys.readouterr() == ("", "")


def test_of_several_processes_one_speaks(caplog):
    caplog.set_level("INFO", "segrec")
    with progress_bar(10, "masks", "word", shown=False) as bar:
        bar.update(10)
    assert caplog.messages == []


def test_a_silenced_job_says_nothing(caplog):
    logging.getLogger("segrec").setLevel(logging.ERROR)
    with progress_bar(10, "masks", "word") as bar:
        bar.update(10)
    logging.getLogger("segrec").setLevel(logging.NOTSET)
    assert caplog.messages == []


def test_a_rewound_log_ends_with_its_last_whole_row(tmp_path):
    log = tmp_path / "metrics.jsonl"
    log.write_text('{"step": 1}\r\n{"step": 2}\n{"step": 9}\n{"step": 3}')  # whole, but for its end
    rewind_jsonl(log, 3)
    append_jsonl(log, {"step": 4})
    assert log.read_text() == '{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 4}\n'
    for damage in ("", "7", '{"step": "x"}', "[" * 100_000):
        log.write_text(f'{{"step": 1}}\n{damage}\n{{"step": 2}}\n')
        assert [row for _, row in log_rows(log)] == [{"step": 1}, None]
        rewind_jsonl(log, 3)
        assert log.read_text() == '{"step": 1}\n'
