"""Texts of strangers: recipes, lists and XML that no one would write; what they send to terminals and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import torch
from attacked import Answer, answers, assert_refused, tried

from recognizers import CRNN, load_pretrained
from recognizers.charset import Charset
from recognizers.loading import save_recognizer
from segrec.core.printable import PrintableOutput, printable
from segrec.core.tables import csv_table
from segrec.data.words import WordLmdb, WordWriter
from segrec.rendering.writing import render_words

RECIPES = {
    "nested lists": "lr = " + "[" * 100_000,
    "closed nested lists": "lr = " + "[" * 50_000 + "]" * 50_000,
    "nested tables": "lr = " + "{a=" * 50_000,
    "5000 digits": "steps = " + "9" * 5000,
    "a key of 50,000 parts": ".".join("a" * 50_000) + " = 1",
    "a spaced key of 50,000 parts": " . ".join("a" * 50_000) + " = 1",
    "a quoted key of 50,000 parts": ".".join(['"a"'] * 50_000) + " = 1",
    "a table of 50,000 parts": "[" + ".".join("a" * 50_000) + "]",
    "a key of 500,000 letters": "a" * 500_000 + " = 1",
    "NUL": "output = 'a\0b'",
    "an escaped NUL": 'output = "a\\u0000b"',
    "control characters": 'mask = "\\u001b[2J\\u0007"',
    "2 MB": "# " + "x" * 2_000_000,
    "many tables": "".join(f"[a{number}]\n" for number in range(50_000)),
    "no UTF-8": "steps = \udcff",
    "a long value": "mask = '" + "x" * 900_000 + "'",
}


def test_a_recipe_that_no_one_would_write_gets_its_line_at_once(tmp_path: Path):
    attempts = {}
    for number, (name, text) in enumerate(RECIPES.items()):
        file = tmp_path / f"{number}.toml"
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        attempts[name] = ["finetune", "crnn", "--config", file, "--data", tmp_path / "none"]
    found = answers("recipes", attempts, tmp_path)
    only_error = {name: answer._replace(err=_error_line(answer)) for name, answer in found.items()}
    assert_refused(only_error, code=2)  # usage


def _error_line(answer: Answer) -> str:
    """Return what follows the two lines on usage."""
    lines = [line for line in answer.err.splitlines(keepends=True) if line.startswith("Error: ")]
    return lines[0] if len(lines) == 1 and answer.err.endswith(lines[0]) else answer.err * 4


def scenes(body: str) -> str:
    return f'<?xml version="1.0"?><tagset><image><imageName>a.jpg</imageName>{body}</image></tagset>'


def box(left: str) -> str:
    return f'<taggedRectangles><taggedRectangle x="{left}" y="1" width="5" height="5"/></taggedRectangles>'


def laughing() -> str:
    entities = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12))
    return f'<!DOCTYPE tagset [<!ENTITY a0 "ha">{entities}]><tagset><image>&a11;</image></tagset>'


XMLS = {
    "an attribute of 30 MB": scenes(box("9" * 30_000_000)),
    "a tag of 30 MB": "<" + "a" * 30_000_000,
    "a text of 30 MB": scenes("x" * 30_000_000),
    "a number of 900,000 digits": scenes(box("9" * 900_000)),
    "a million levels": scenes("<a>" * 1_000_000),
    "millions of elements": scenes("<a/>" * 3_000_000),
    "laughs": laughing(),
    "an outside file": '<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]><tagset><image>&e;</image></tagset>',
    "not a number": scenes(box("nan")),
    "endless": scenes(box("1e999")),
}


def test_xml_that_no_release_has_gets_one_line_at_once(tmp_path: Path):
    attempts = {}
    for number, (name, text) in enumerate(XMLS.items()):
        folder = tmp_path / str(number)
        (folder / "img").mkdir(parents=True)
        (folder / "test.xml").write_text(text)
        attempts[name] = ["import", "svt", folder, "--output", tmp_path / f"out{number}"]
    assert_refused(_without_warnings(answers("XML", attempts, tmp_path)))


def _without_warnings(found: dict[str, Answer]) -> dict[str, Answer]:
    """Return the answers without the lines that count left-out words, one for each reason."""
    return {
        name: answer._replace(err="".join(line for line in answer.err.splitlines(True) if "skipped:" not in line[:60]))
        for name, answer in found.items()
        if answer.code
    }


def test_a_list_that_leads_outside_its_folder_is_followed_only_when_told_to(tmp_path: Path):
    render_words(tmp_path / "rendered", 2, seed=0)
    picture = WordLmdb(tmp_path / "rendered").image_bytes(0) or b""
    inside, outside = tmp_path / "release", tmp_path / "private"
    for folder in (inside, inside / "crops", outside, tmp_path / "release-too"):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(picture)
    (inside / "link.jpg").symlink_to(outside / "a.jpg")
    (inside / "folder").symlink_to(outside)
    good = ["a.jpg", "crops/a.jpg", "crops/../a.jpg", f"{inside}/a.jpg"]
    bad = ["../private/a.jpg", f"{outside}/a.jpg", "link.jpg", "folder/a.jpg", "crops/../../private/a.jpg"]
    bad += ["../release-too/a.jpg"]
    (inside / "labels.tsv").write_text("".join(f"{path}\tword\n" for path in good + bad))
    attempts = {
        name: ["import", name.split()[0], inside, "--output", tmp_path / name.replace(" ", ""), *name.split()[1:]]
        for name in ("tsv", "svtp", "tsv --outside")
    }
    found = answers("lists that lead outside", attempts, tmp_path)
    tried["paths outside a list's folder"] += len(bad)
    assert all(answer.code == 0 for answer in found.values()), found
    for name in ("tsv", "svtp"):
        assert f"{len(good)} words of {len(good) + len(bad)} listed" in found[name].out
        assert f"{len(bad)} skipped: outside the list's folder, which --outside follows" in found[name].err
    assert f"{len(good) + len(bad)} words" in found["tsv --outside"].out and "skipped" not in found["tsv --outside"].err
    refused = answers("options", {"svt": ["import", "svt", inside, "--output", tmp_path / "no", "--outside"]}, tmp_path)
    assert refused["svt"].code == 1


EVIL = "\x1b]0;owned\x07\x1b[2J\r\x00\x9b31m\u202egnp.exe\u2028\ud800"


def test_control_characters_are_escaped_in_one_line():
    escaped = "\\u001b]0;owned\\u0007\\u001b[2J\\u000d\\u0000\\u009b31m\\u202egnp.exe\\u2028\\ud800"
    assert printable(EVIL) == escaped and json.loads(f'"{escaped}"') == EVIL
    assert printable("déjà 日本　語\u00a0x") == "déjà 日本　語\u00a0x" and printable("a\nb\tc") == "a\\u000ab\\u0009c"
    assert json.loads(f'"{printable(chr(0xE0001))}"') == chr(0xE0001)
    stream = io.StringIO()
    print("two\tcells\nand", EVIL, file=PrintableOutput(stream))  # type: ignore[arg-type]
    assert stream.getvalue() == f"two\tcells\nand {escaped}\n"


def test_no_command_lets_a_label_a_charset_a_path_or_a_tensor_move_the_cursor(tmp_path: Path):
    evil = EVIL.replace("\x00", "").replace("\ud800", "")
    render_words(tmp_path / "good", 3, seed=4)
    good = WordLmdb(tmp_path / "good")
    folder = tmp_path / evil
    with WordWriter(folder) as writer:
        for position in range(3):
            writer.add(good.image_bytes(position) or b"", f"word{evil}")
    torch.manual_seed(0)
    network = CRNN(charset=Charset("\x1b\x07\r\n\u202eabc"), widths=(4,) * 7, hidden=4)
    save_recognizer(tmp_path / "net.safetensors", network.eval(), notes={f"by{evil}": evil})
    state = {**CRNN(widths=(4,) * 7, hidden=4).state_dict(), **{f"x{evil}{n}": torch.zeros(1) for n in range(3)}}
    torch.save(state, tmp_path / f"{evil}.pth")
    torch.save({f"x{evil}": torch.zeros(1)}, tmp_path / "strange.pth")
    picture = Path(__file__).parents[2] / "docs" / "images" / "word.png"
    attempts = {
        "info words": ["info", folder],
        "info weights": ["info", tmp_path / "net.safetensors"],
        "info json": ["info", tmp_path / "net.safetensors", "--format", "json"],
        "info checkpoint": ["info", tmp_path / f"{evil}.pth"],
        "info stranger": ["info", tmp_path / "strange.pth"],
        "convert": ["convert", tmp_path / f"{evil}.pth", "--output", tmp_path / "out.safetensors"],
        "read": ["read", picture, "--model", tmp_path / "net.safetensors"],
        "read path": ["read", tmp_path / f"{evil}.png"],
        "eval": ["eval", "--data", folder, "--mask", "zero", "--model", "crnn-slim-predicted"],
        "eval csv": ["eval", "--data", f"={evil}={folder}", "--mask", "zero", "--format", "csv"],
        "eval option": ["eval", "--mask", evil],
        "import": ["import", "tsv", tmp_path / evil / evil, "--output", tmp_path / "imported"],
    }
    found = answers("control characters", attempts, tmp_path)
    for name, answer in found.items():
        printed = (answer.out + answer.err).replace("\n", "").replace("\t", "")
        assert printed.isprintable() and "Traceback" not in printed, (name, answer)
    assert json.loads(found["info json"].out)["facts"][f"note by{evil}"] == evil


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("http://x")'])
def test_no_cell_of_a_csv_is_a_formula(text: str):
    tried["formulas"] += 1
    table = csv_table([{"name": text, text: -1.5}, {"name": "plain", text: 3}])
    head, first, second = csv.reader(io.StringIO(table))
    assert head[1] == first[0] and not head[1].lstrip().startswith(("=", "+", "-", "@"))
    assert (first[1], second) == ("-1.5", ["plain", "3"])


def test_weights_with_a_charset_of_control_characters_still_load(tmp_path: Path):
    network = CRNN(charset=Charset("\x1bab"), widths=(4,) * 7, hidden=4)
    save_recognizer(tmp_path / "net.safetensors", network)
    loaded = load_pretrained(tmp_path / "net.safetensors")
    assert loaded.charset.characters == "\x1bab"  # type: ignore[union-attr]
