"""Elements of ALTO and hOCR that any XML parser reads."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from segrec.pages.word import ReadPicture
from segrec.reports.page_markup import alto_page, hocr_page


@pytest.mark.parametrize("problem", ["a -- b", "a --- b", "-----", "ends with -", "-", "cut\x00 off\x1b"])
@pytest.mark.parametrize("page", [alto_page, hocr_page])
def test_a_problem_of_any_dashes_is_a_comment_that_parses(page, problem):
    picture = ReadPicture("photo.jpg", None, (), is_page=True, problem=problem)
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.fromstring(page(picture, 0), parser)
    (comment,) = (node.text for node in root.iter() if node.tag is ElementTree.Comment)
    wanted = "".join(character for character in problem if character >= " ")
    assert "--" not in comment and comment.replace(" ", "") == wanted.replace(" ", "")
