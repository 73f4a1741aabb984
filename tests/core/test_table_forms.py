"""Tables as markdown, plain text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json

import pytest

from segrec.core.errors import DataError
from segrec.core.files import json_text
from segrec.core.tables import csv_table, markdown_table, plain_table, write_records

HEAD = ("name", "count")
ROWS = [("a", "7"), ("long name", "1234567")]


def test_a_markdown_table_has_columns_of_one_width_and_numbers_to_the_right():
    assert markdown_table(HEAD, ROWS, numbers=1).splitlines() == [
        "| name      |   count |",
        "| --------- | ------: |",
        "| a         |       7 |",
        "| long name | 1234567 |",
    ]
    assert markdown_table(HEAD, ROWS, numbers={0}).splitlines()[1:3] == [
        "| --------: | ------- |",
        "|         a | 7       |",
    ]


def test_a_bar_in_a_cell_does_not_end_it_and_wide_characters_take_two_columns():
    assert "a\\|b" in markdown_table(HEAD, [("a|b", "1")], numbers=1)
    first, _, wide = markdown_table(("names", "n"), [("看板", "1")], numbers=1).splitlines()
    assert first == "| names | n |" and wide == "| 看板  | 1 |"


def test_a_plain_table_is_indented_and_has_no_rules():
    assert (
        plain_table(HEAD, ROWS, numbers=1) == "    name         count\n    a                7\n    long name  1234567\n"
    )


def test_a_table_without_rows_is_its_head():
    assert markdown_table(HEAD, [], numbers=1) == "| name | count |\n| ---- | ----: |\n"
    assert csv_table([], HEAD) == "name,count\n"


def test_a_row_with_a_cell_too_few_is_refused():
    with pytest.raises(ValueError, match="argument"):
        markdown_table(HEAD, [("a",)], numbers=1)


def test_csv_has_every_column_of_any_record_and_empty_cells_for_what_is_missing():
    text = csv_table([{"a": 1, "b": 'say "x", y'}, {"a": 2, "c": None}])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"a": "1", "b": 'say "x", y', "c": ""},
        {"a": "2", "b": "", "c": ""},
    ]
    assert csv_table([{"a": 1, "b": 2}], ["b"]) == "b\n2\n"
    assert "\r" not in text


def test_json_is_indented_and_keeps_letters():
    assert json_text({"a": "é"}) == '{\n  "a": "é"\n}\n'


def test_records_go_to_csv_or_json_lines_by_the_name_of_the_file(tmp_path):
    records = [{"a": 1, "b": "é"}, {"a": 2, "b": "x"}]
    write_records(tmp_path / "new" / "x.csv", iter(records))
    assert (tmp_path / "new" / "x.csv").read_text("utf-8") == "a,b\n1,é\n2,x\n"
    write_records(tmp_path / "x.jsonl", iter(records))
    assert [json.loads(line) for line in (tmp_path / "x.jsonl").read_text("utf-8").splitlines()] == records
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        write_records(tmp_path / "folder.csv", records)
