"""The results table says what `segrec eval` measured, and the README holds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]

REPORT = {
    "results": [
        {"dataset": "IIIT5K", "model": "control", "mask": "none", "accuracy": 0.7},
        {"dataset": "IIIT5K", "model": "masked", "mask": "predicted", "accuracy": 0.725},
    ],
    "pooled": [
        {"dataset": "pooled", "model": "control", "mask": "none", "accuracy": 0.6},
        {"dataset": "pooled", "model": "masked", "mask": "predicted", "accuracy": 0.61},
    ],
    "gains": [
        {
            **{"dataset": "IIIT5K", "model": "masked", "mask": "predicted", "over": "control"},
            **{"over_model": "control", "over_mask": "none", "mean": 2.5, "low": 0.5, "high": 4.25},
            **{"seeds": 3, "over_seeds": 3, "n": 3000, "p": 0.0004},
        },
        {
            **{"dataset": "pooled", "model": "masked", "mask": "predicted", "over": "control"},
            **{"over_model": "control", "over_mask": "none", "mean": 1, "low": -0.5, "high": 2.5},
            **{"seeds": 3, "over_seeds": 1, "n": 5077, "p": 0.25},
        },
        {
            **{"dataset": "IIIT5K", "model": "masked", "mask": "predicted", "over": "none"},
            **{"over_model": "masked", "over_mask": "none", "mean": 9, "low": 8, "high": 10},
            **{"seeds": 3, "over_seeds": 3, "n": 3000, "p": 0.0004},
        },
    ],
}


@pytest.fixture
def report(tmp_path) -> Path:
    """The JSON of an evaluation with three gains, two of them over the control."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps(REPORT), "utf-8")
    return path


def test_a_row_has_n_seeds_both_accuracies_the_gain_its_interval_and_p(report):
    from results_table import table

    lines = table([report]).splitlines()[2:]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == [
        ["IIIT5K", "3000", "`masked`", "3", "70.00", "72.50", "+2.50 (+0.50 to +4.25)", "<0.001"],
        ["pooled", "5077", "`masked`", "3 over 1", "60.00", "61.00", "+1.00 (-0.50 to +2.50)", "0.250"],
    ]


def test_a_page_gets_the_table_between_its_marks_alone(report, tmp_path):
    from results_table import BEGIN, END, main, table

    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    outcome = CliRunner().invoke(main, [str(report), "--write", str(page)])
    assert outcome.exit_code == 0
    assert page.read_text("utf-8") == f"before\n{BEGIN}\n{table([report])}{END}\nafter\n"


def test_a_file_without_a_gain_over_no_mask_and_a_page_without_marks_are_refused(report, tmp_path):
    from results_table import main

    page = tmp_path / "page.md"
    page.write_text("no marks\n", "utf-8")
    outcome = CliRunner().invoke(main, [str(report), "--write", str(page)])
    assert outcome.exit_code == 1 and "put them where the table shall stand" in outcome.output
    outcome = CliRunner().invoke(main, [str(report), "--mask", "oracle"])
    assert outcome.exit_code == 1 and "evaluate with a control" in outcome.output


def test_the_readme_holds_the_table_of_the_committed_results():
    from results_table import between_marks, table

    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == between_marks(readme, table(sorted((ROOT / "docs" / "results").glob("*.json"))))


def test_the_page_of_the_mask_channel_says_the_same_figures():
    from results_table import rows

    page = (ROOT / "docs" / "mask-channel.md").read_text("utf-8")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    said = {(line[1], *line[-4:]) for line in lines}
    for file in sorted((ROOT / "docs" / "results").glob("*.json")):
        measured = [(row[1], *row[-4:]) for row in rows(json.loads(file.read_text("utf-8")))]
        assert measured and set(measured) <= said
