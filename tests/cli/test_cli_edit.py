"""`segrec edit`."""

from __future__ import annotations

import numpy as np
from printed_words import printed

from segrec.core.images import encode_png, read_image


def test_a_word_is_recoloured_erased_and_copied(segrec, tmp_path):
    word = tmp_path / "word.png"
    word.write_bytes(encode_png(printed("OPEN")))
    (tmp_path / "wall.png").write_bytes(encode_png(np.full((100, 300, 3), 90, np.uint8)))
    for what in (["--recolor", "#ff8800"], ["--erase"], ["--copy-to", tmp_path / "wall.png"]):
        code, out, err = segrec("edit", word, *what, "--output", tmp_path / "out.png", "--compare", tmp_path / "c.png")
        assert code == 0 and out.splitlines() == [str(tmp_path / "out.png"), str(tmp_path / "c.png")], err
        before = read_image(tmp_path / "wall.png" if "--copy-to" in what else word)
        after = read_image(tmp_path / "out.png")
        assert after.shape == before.shape and (after != before).any()
        row = read_image(tmp_path / "c.png")
        assert row.shape[0] == printed("OPEN").shape[0] and row.shape[1] > 2 * printed("OPEN").shape[1]


def test_saying_nothing_or_two_things_or_no_colour_is_an_error(segrec, tmp_path):
    word = tmp_path / "word.png"
    word.write_bytes(encode_png(printed("OPEN")))
    for what in ([], ["--erase", "--recolor", "#ff8800"]):
        code, _, err = segrec("edit", word, *what, "--output", tmp_path / "out.png")
        assert code == 2 and "one of --recolor '#RRGGBB', --erase and --copy-to IMAGE2" in err
    code, _, err = segrec("edit", word, "--recolor", "orange", "--output", tmp_path / "out.png")
    assert code == 1 and "a colour is written #RRGGBB" in err
    assert not (tmp_path / "out.png").exists()
