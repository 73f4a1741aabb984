"""Regions from files, which are read like every file of others."""

from __future__ import annotations

import os

import pytest

from segrec.core.errors import DataError
from segrec.core.regular import MOST_TEXT_BYTES
from segrec.pages.polygon_files import read_polygon_file


def test_lines_of_numbers_and_json_give_the_same_regions(tmp_path):
    lines, listed = tmp_path / "gt.txt", tmp_path / "words.json"
    lines.write_text("\ufeff1,2,3,2,3,4,1,4,hotel\n\n5 6 7 8\n", "utf-8")
    listed.write_text('{"words": [{"polygon": [1, 2, 3, 2, 3, 4, 1, 4]}, [5, 6, 7, 8]]}', "utf-8")
    assert read_polygon_file(lines) == read_polygon_file(listed) == [[1, 2, 3, 2, 3, 4, 1, 4], [5, 6, 7, 8]]


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "huge.txt"
    path.touch()
    os.truncate(path, MOST_TEXT_BYTES + 1)
    with pytest.raises(DataError, match=r"huge\.txt has 64,000,001 bytes, more than the 64,000,000 that are read"):
        read_polygon_file(path)


def test_what_is_no_text_or_no_file_is_refused_in_words(tmp_path):
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary.txt", tmp_path / "absent.txt", tmp_path):
        with pytest.raises(DataError, match="cannot read the polygons"):
            read_polygon_file(path)


def test_regions_that_are_too_much_for_any_picture_are_refused_before_there_is_one(tmp_path):
    path = tmp_path / "many.json"
    path.write_text(str([[0, 0, 2000, 2000]] * 9))
    with pytest.raises(DataError, match="the 9 polygons have 36 megapixels together, more than 32 of one picture"):
        read_polygon_file(path)
    path.write_text("[[0, 0, 2e9, 2e9]]")
    with pytest.raises(DataError, match=r"many\.json: polygon 0: a polygon must be finite and below"):
        read_polygon_file(path)
    path.write_text(str([[0, 0, 1, 1]] * 9))
    assert len(read_polygon_file(path)) == 9, "shares of a picture's sides, whatever these are"
