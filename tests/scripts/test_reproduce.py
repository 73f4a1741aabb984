"""The paper's tables, on data of a few pictures."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from segrec.core.images import encode_png
from segrec.jobs.segmenter_stages import Stage

ROOT = Path(__file__).parents[2]
TABLES = ("table2", "table3a", "table3b", "table4a")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of photographs with quadrangles, as the small recipe wants them."""
    root = tmp_path_factory.mktemp("data")
    for name in ("icdar2015_train", "mlt17_train"):
        for folder in ("images", "gt"):
            (root / "scenes" / name / folder).mkdir(parents=True)
        for number in range(1, 4):
            noise = np.random.default_rng(number).integers(0, 256, (90, 120), dtype=np.uint8)
            (root / "scenes" / name / "images" / f"img_{number}.png").write_bytes(encode_png(noise))
            line = "10,10,80,10,80,40,10,40,word\n"
            (root / "scenes" / name / "gt" / f"gt_img_{number}.txt").write_text(line, encoding="utf-8")
    return root


def printed(table: str) -> list[str]:
    """The keys of a table's rows."""
    from reproduction import published

    return [row.key for row in published.TABLES[table]]


def recipe(name: str):
    from reproduction.recipes import recipe_of

    return recipe_of(name, Path("data"), Path("work"))


def run(*arguments: object) -> Result:
    from reproduce import main

    return CliRunner().invoke(main, [*map(str, arguments), "--dry-run", "--device", "cpu", "--workers", "0"])


@pytest.fixture(scope="module")
def tables(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four tables as far as CENet, MSER + SWT and our own rows go."""
    work = tmp_path_factory.mktemp("work")
    for name in TABLES:
        rows = [key for key in printed(name) if not key.startswith(("segnet", "deeplab", "unet", "smanet"))]
        wanted = [part for row in rows for part in ("--row", row)]
        done = run(name, "--data-root", data, "--work", work, *wanted)
        assert done.exit_code == 0, done.output
    return work


@pytest.mark.parametrize("name", ["fig6", "fig7", "fig8"])
def test_a_figure_is_drawn_of_the_rows_that_are_there(data: Path, tables: Path, name: str):
    table = "table4a" if name == "fig8" else "table2"
    rows = [key for key in printed(table) if not key.startswith(("segnet", "deeplab", "unet", "smanet"))]
    before = {path: path.stat().st_mtime_ns for path in (tables / "rows").iterdir()}
    done = run(name, "--data-root", data, "--work", tables, *(part for row in rows for part in ("--row", row)))
    assert done.exit_code == 0, done.output
    picture = Image.open(tables / f"{name}-small-dry.png").convert("L")
    assert min(picture.size) > 200 and picture.getextrema()[1] - picture.getextrema()[0] > 100
    assert {path: path.stat().st_mtime_ns for path in (tables / "rows").iterdir()} == before, "nothing is run again"


@pytest.fixture(scope="module")
def readings(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table IV(b) and its figure, without the real words."""
    work = tmp_path_factory.mktemp("readings")
    done = run("fig9", "--data-root", data, "--work", work)
    assert done.exit_code == 1 and "segrec import iiit5k SOURCE --output" in done.output, done.output
    assert "Not run: icdar2015_test: not there; iiit5k_test: not there." in done.output
    return work


def test_every_variant_is_read_and_compared_with_each_control(readings: Path):
    found = rows(readings, "table4b")
    assert {(row["recognizer"], row["test"]) for row in found} == {
        (recognizer, test) for recognizer in ("crnn", "aster") for test in ("rendered", "rendered hard")
    }
    variants = ["plain", "no mask", "random", "zero", "predicted", "predicted, stream"]
    assert [row["variant"] for row in found[:6]] == variants
    for row in found:
        assert int(row["n"]) <= 12 and float(row["accuracy"]) == pytest.approx(
            100 * float(row["correct"]) / int(row["n"])
        )
        for control in ("plain", "no_mask", "random"):
            gain = row[f"over_{control}"]
            assert (gain == "") == (row["variant"] == control.replace("_", " "))
            if gain:
                other = next(o for o in found if o["variant"] == control.replace("_", " ")
                             and (o["recognizer"], o["test"]) == (row["recognizer"], row["test"]))  # fmt: skip
                assert float(gain) == pytest.approx(float(row["accuracy"]) - float(other["accuracy"]), abs=1e-9)
                assert float(row[f"over_{control}_low"]) <= float(gain) <= float(row[f"over_{control}_high"])
                assert 0 <= float(row[f"over_{control}_p"]) <= 1


def test_the_words_of_the_paper_are_its_860_and_its_printed_accuracies():
    from reproduction.reading_recipes import PRINTED, reading_recipe

    papers = reading_recipe("paper", Path("data"), Path("work"))
    assert papers.words["icdar03"].count == 860 and "--subset 860" in papers.words["icdar03"].get
    assert PRINTED["crnn", "icdar03"]["predicted"] == 91.35 and PRINTED["aster", "svtp"]["random"] == 79.20
    assert papers.recognizers["crnn"].tuning["init"] == "random", "the paper copies all weights but the input layer's"


def test_results_are_written_of_real_runs_alone(tables: Path, tmp_path: Path):
    from write_results import page

    assert "## Not run" in page(tables) and "Table II: text segmentation: about" in page(tables)
    for suffix in (".md", ".json"):
        shutil.copy(tables / f"table2-small-dry{suffix}", tmp_path / f"table2-small{suffix}")
    Image.new("L", (40, 30)).save(tmp_path / "fig6-small.png")
    written = page(tmp_path, figures=tmp_path / "docs" / "images", target=tmp_path / "RESULTS.md")
    assert "| MSER + SWT" in written and "mixed-test (4)" in written and "reproduce.py table3a" in written
    assert "* Seeds: 0 of mser-swt, cenet, synth-dt, ours." in written
    assert "* Not run yet, for want of machine time: segnet, unet, deeplab-v3, smanet." in written
    assert "* Table II:" not in written and "* fig1, of table2: `python scripts/reproduce.py fig1" in written
    assert "![fig6-small](docs/images/fig6-small.png)" in written and "* fig6" not in written
    assert Image.open(tmp_path / "docs" / "images" / "fig6-small.png").size == (40, 30)
    assert "need the paper's datasets" in page(tmp_path, "paper") and "core-minutes" not in page(tmp_path, "paper")


def test_the_results_of_table_4b_say_which_variants_were_not_run(readings: Path, tmp_path: Path):
    from write_results import page

    for suffix in (".md", ".json"):
        shutil.copy(readings / f"table4b-small-dry{suffix}", tmp_path / f"table4b-small{suffix}")
    assert "Not run yet" not in page(tmp_path)
    record = json.loads((tmp_path / "table4b-small.json").read_text("utf-8"))
    record["trainings"].pop()
    (tmp_path / "table4b-small.json").write_text(json.dumps(record), encoding="utf-8")
    assert "* Not run yet, for want of machine time: aster predicted, stream." in page(tmp_path)


def rows(work: Path, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader((work / f"{table}-small-dry.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("table", TABLES)
def test_images_won_are_whole_numbers_that_sum_to_n(tables: Path, table: str):
    found = rows(tables, table)
    assert {row["test"] for row in found} == {"test", "test-hard"}
    for test in ("test", "test-hard"):
        of_test = [row for row in found if row["test"] == test]
        (n,) = {int(row["n"]) for row in of_test}
        assert 0 < n <= 3 and sum(int(row["top1_images"]) for row in of_test) == n
        assert all(float(row["top1"]) == pytest.approx(100 * int(row["top1_images"]) / n) for row in of_test)


def test_a_row_stands_beside_the_papers_with_its_difference(tables: Path):
    ours = next(row for row in rows(tables, "table2") if row["key"] == "ours" and row["test"] == "test-hard")
    assert float(ours["paper_f1"]) == 74.5 and float(ours["paper_top1"]) == 38.6
    assert float(ours["f1_difference"]) == pytest.approx(float(ours["f1"]) - 74.5)
    page = (tables / "table2-small-dry.md").read_text("utf-8")
    assert "A dry run: these figures mean nothing." in page
    assert (
        "All rows share the test pictures of one split, one size (pictures enter the networks at a longest side of 128"
        in page
    )
    assert "one threshold, 0.5" in page


@pytest.mark.parametrize("table", TABLES)
def test_all_rows_of_a_table_are_scored_on_the_same_pictures_at_the_same_sizes(tables: Path, table: str):
    rows = [json.loads(path.read_text("utf-8")) for path in (tables / "rows").iterdir()]
    scored = [row["tests"] for row in rows if row["row"] in printed(table)]
    assert len(scored) >= 4
    for test in ("mixed-test", "hard-test"):
        assert len({json.dumps([of_row[test][name] for name in ("images", "sizes")]) for of_row in scored}) == 1


def test_the_split_of_a_release_stands_over_its_part_of_the_table(tables: Path):
    from reproduction.tables import markdown

    papers = recipe("paper")
    found = [{**row, "test": "TotalText"} for row in json.loads((tables / "table2-small-dry.json").read_text())["rows"]]
    page = markdown("table2", papers, found[:4], {}, seeds=(0,))
    assert "**TotalText**, split test, n " in page and "networks at a longest side of 512" in page


def test_the_caption_of_table_4b_says_what_its_rows_share(readings: Path):
    page = (readings / "table4b-small-dry.md").read_text("utf-8")
    assert (
        "share the test words (the first 12 of each test set) and its one input size, masks predicted by mgnet-slim; "
        "masks enter as probabilities, without a threshold" in page
    )


def test_the_record_says_where_and_on_what_it_was_run(tables: Path):
    record = json.loads((tables / "table3a-small-dry.json").read_text("utf-8"))
    assert record["device"].startswith("cpu") and record["seeds"] == [0] and record["versions"]["torch"]
    assert record["data"]["mixed-test"]["pictures"] == 4 and len(record["data"]["icdar15"]["sha256"]) == 64
    steps = {training["row"]: training["steps"] for training in record["trainings"]}
    assert steps == {"mser-swt": 0, "cenet-exp1": 4, "synth-dt": 4, "ours": 6}
    assert all(training["seconds"] >= 0 for training in record["trainings"])
    assert json.loads((tables / "reproduce.json").read_text("utf-8"))["table"] == TABLES[-1]


def test_both_readings_of_alpha_are_there_and_the_texts_is_phase_one(tables: Path):
    found = {row["key"]: row for row in rows(tables, "table4a") if row["test"] == "test"}
    assert {"alpha-table", "alpha-text", "beta", "gamma", "ours"} <= set(found)
    plans = recipe("small").rows
    assert plans["alpha-text"].stages == () and plans["alpha-text"].parent == "phase-1"
    (alone,) = plans["alpha-table"].stages
    assert (alone.phases, alone.lambda1, alone.lambda2) == (1, 10.0, 0.1)
    losses = {key: (stage.phases, stage.lambda1, stage.lambda2) for key in ("beta", "gamma", "ours")
              for stage in plans[key].stages}  # fmt: skip
    assert losses == {"beta": (2, 0.0, 0.0), "gamma": (2, 10.0, 0.0), "ours": (2, 10.0, 0.1)}


def test_every_method_has_as_many_steps_with_pixel_masks():
    for name in ("small", "paper"):
        plans = recipe(name).rows

        def pixel_steps(key: str, plans=plans) -> int:
            def counts(stage: Stage) -> bool:
                return stage.supervision in (None, "text", "both")

            row = plans[key]
            return sum(stage.steps for stage in row.stages if counts(stage)) + (
                pixel_steps(row.parent) if row.parent else 0
            )

        compared = {key for table in TABLES[:3] for key in printed(table)} - {"mser-swt"}
        assert len({pixel_steps(key) for key in compared}) == 1, name


def test_the_recipe_of_the_paper_says_what_the_paper_says():
    papers = recipe("paper")
    assert (papers.training["preset"], papers.training["scene_side"], papers.width) == ("mgnet", 512, None)
    first, second = papers.rows["phase-1"].stages
    (guided,) = papers.rows["ours"].stages
    assert (first.lr, second.lr, guided.lr) == (1e-4, 1e-4, 1e-5) and first.supervision == "region"
    assert {spec.partition("=")[0] for spec in first.scenes} == {"coco-ts", "mlt-s"}
    counts = {dataset.name: dataset.count for dataset in papers.datasets.values()}
    assert counts["COCO-TS"] == 14_690 and counts["MLT-S"] == 6_896 and counts["TotalText"] == 300


def test_missing_data_are_named_with_what_to_get_and_where_and_the_rest_is_run(tmp_path):
    done = run("table2", "--data-root", tmp_path / "none", "--work", tmp_path, "--row", "mser-swt", "--row", "ours")
    assert done.exit_code == 1
    assert "Not run: Ours: without icdar2015_train and mlt17_train." in done.output
    assert (
        f"images/ and gt/ as of ICDAR-2015, at {(tmp_path / 'none').resolve() / 'scenes' / 'mlt17_train'}"
        in done.output
    )
    assert {row["key"] for row in rows(tmp_path, "table2")} == {"mser-swt"}


def test_without_any_test_set_the_papers_recipe_says_what_to_get(tmp_path):
    done = run("table2", "--recipe", "paper", "--data-root", tmp_path, "--work", tmp_path / "w", "--row", "mser-swt")
    assert done.exit_code == 1 and "no test set is there: TotalText is missing" in done.output
    assert "segrec render warp-icdar13 --source ICDAR13" in done.output


def test_an_unknown_row_is_a_usage_error(tmp_path):
    done = run("table2", "--work", tmp_path, "--row", "vnet")
    assert done.exit_code == 2 and "table2 has no row 'vnet'; the rows are mser-swt, cenet" in done.output


def test_a_killed_reproduction_goes_on_at_the_next_row_and_ends_as_an_undisturbed_one(data: Path, tmp_path: Path):
    wanted = ["--row", "mser-swt", "--row", "cenet", "--row", "ours"]
    assert run("table2", "--data-root", data, "--work", tmp_path / "whole", *wanted).exit_code == 0
    shutil.copytree(tmp_path / "whole" / "data-dry", tmp_path / "cut" / "data-dry")
    command = [sys.executable, ROOT / "scripts" / "reproduce.py", "table2", "--data-root", data, "--work",
               tmp_path / "cut", *wanted, "--dry-run", "--device", "cpu", "--workers", "0"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(list(map(str, command)), env=environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 240
        while not list((tmp_path / "cut" / "rows").glob("cenet-*.json")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut" / "rows").glob("*.json")}
    assert run("table2", "--data-root", data, "--work", tmp_path / "cut", *wanted).exit_code == 0
    assert len(finished) == 2 and all(path.stat().st_mtime_ns == time for path, time in finished.items())
    whole, cut = ((tmp_path / name / "table2-small-dry.csv").read_bytes() for name in ("whole", "cut"))
    assert whole == cut
    for path in (tmp_path / "whole" / "runs").glob("*/best.safetensors"):
        assert path.read_bytes() == (tmp_path / "cut" / path.relative_to(tmp_path / "whole")).read_bytes()
