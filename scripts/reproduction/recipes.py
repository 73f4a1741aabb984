"""What each row of the tables is trained on, by the paper's setting and by one that fits two CPU cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reproduction.data import Dataset, rendered
from segrec.jobs.segmenter_stages import Stage

BASELINES = ("cenet", "segnet", "unet", "deeplab-v3", "smanet")
UNGUIDED: dict[str, Any] = {"phases": 1, "lambda1": 0.0, "lambda2": 0.0}


@dataclass(frozen=True)
class Row:
    """A method of the tables.

    Attributes:
        model: see `segmenter.models`.
        stages: its training; none where there is nothing to train.
        parent: the row from whose weights it goes on, or whose weights it takes without stages.
        polygon_branch: whether a baseline has a branch for polygons (Exp-2).
        needs: keys of the datasets that it is trained on.
    """

    model: str
    stages: tuple[Stage, ...] = ()
    parent: str | None = None
    polygon_branch: bool = False
    needs: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        """Whether its figures depend on a seed: it is trained, or takes the weights of a row that is."""
        return bool(self.stages or self.parent)


@dataclass(frozen=True)
class Recipe:
    """A setting of all rows.

    Attributes:
        datasets: by key.
        tests: keys of the two test sets, in the place of TotalText and ICDAR-2013-WARP.
        rows: by key, a parent before its children.
        training: settings of `SegmenterTraining` that all rows share.
        width: of the baselines; None is the published one.
        longest_side: to which pictures are shrunk for the networks; None leaves them. Masks are scored at full size.
        limit: most test pictures of each set.
        says: what a reader must know of it.
    """

    name: str
    datasets: dict[str, Dataset]
    tests: tuple[str, str]
    rows: dict[str, Row]
    training: dict[str, Any]
    width: int | None
    longest_side: int | None
    says: str
    limit: int | None = None


@dataclass(frozen=True)
class _Plan:
    """Steps and peak learning rates of the stages."""

    polygons: int
    pixels: int
    guided: int
    lr: float
    guided_lr: float
    warmup: int = 0
    decay_share: float = 0.0


def recipe_of(name: str, root: Path, work: Path, *, dry: bool = False) -> Recipe:
    """Return a recipe.

    Args:
        name: `paper` or `small`.
        root: of the data that must be got.
        work: where rendered data go.
        dry: a few steps on a few pictures, to see that everything works; the figures then mean nothing.
    """
    found = _paper(root, work, dry=dry) if name == "paper" else _small(root, work, dry=dry)
    if not dry:
        return found
    rows = {
        key: replace(row, stages=tuple(replace(stage, steps=2, warmup=0) for stage in row.stages))
        for key, row in found.rows.items()
    }
    return replace(
        found,
        name=f"{name}-dry",
        rows=rows,
        training={**found.training, "scene_side": 64, "scene_batch": 2, "preset": "mgnet-slim"},
        width=4,
        limit=3,
        longest_side=128,
        says="A dry run: these figures mean nothing.",
    )


def _paper(root: Path, work: Path, *, dry: bool) -> Recipe:
    total, warped = root / "TotalText", root / "ICDAR-2013-WARP"
    of_total = f"Total-Text with pixel masks (github.com/cs-chan/Total-Text-Dataset) at {total}"
    of_warped = (
        "ICDAR-2013 segmentation (rrc.cvc.uab.es, Challenge 2), then "
        f"segrec render warp-icdar13 --source ICDAR13 --output {warped}"
    )
    weak = "clem.diism.unisi.it/~coco_ts"
    coco = f"COCO-Text v2 and train2014 of COCO at {root / 'COCO-Text'}; COCO_TS ({weak}) names the pictures"
    mlt = f"MLT-2017 (rrc.cvc.uab.es, Challenge 8) at {root / 'MLT'}; MLT_S ({weak}) names the pictures"
    datasets = {
        "total": Dataset("TotalText train", f"totaltext:train={total}", 1255, of_total),
        "warped": Dataset("ICDAR-2013-WARP train", f"warp-icdar13:train={warped}", 229, of_warped),
        "coco-ts": Dataset("COCO-TS", f"coco-ts={root / 'COCO-Text'}", 14_690, coco),
        "mlt-s": Dataset("MLT-S", f"mlt-s={root / 'MLT'}", 6_896, mlt),
        "synthetic": rendered(
            "synthetic scenes", _made(work, dry) / "synthetic", count=4 if dry else 10_000, seed=42_000
        ),
        "total-test": Dataset("TotalText", f"totaltext:test={total}", 300, of_total),
        "warped-test": Dataset("ICDAR-2013-WARP", f"warp-icdar13:test={warped}", 233, of_warped),
    }
    plan = _Plan(polygons=100_000, pixels=75_000, guided=25_000, lr=1e-4, guided_lr=1e-5)
    return Recipe(
        name="paper",
        datasets=datasets,
        tests=("total-test", "warped-test"),
        rows=_rows(plan, datasets, pixels=("total", "warped"), polygons=("coco-ts", "mlt-s"), synthetic=("synthetic",)),
        training={"preset": "mgnet", "scene_side": 512, "scene_batch": 4, "checkpoint_every": 500},
        width=None,
        longest_side=512,
        says="The paper's setting: windows of 512x512, width 64, Adam at 1e-4 and 1e-5; numbers of steps, batch size "
        "and the size of test pictures (longest side 512) are not stated in the paper.",
    )


def _small(root: Path, work: Path, *, dry: bool) -> Recipe:
    def scenes(name: str, count: int, seed: int, *, hard: bool = False, test: bool = False) -> Dataset:
        return rendered(name, _made(work, dry) / name, count=4 if dry else count, seed=seed, hard=hard, with_text=test)

    def photographs(name: str, count: int) -> Dataset:
        path = root / "scenes" / name
        got = f"photographs with the quadrangles of their words, images/ and gt/ as of ICDAR-2015, at {path}"
        return Dataset(name, f"icdar15:train={path}", count, got)

    datasets = {
        "mixed": scenes("rendered", 300, 41_001),
        "hard": scenes("rendered-hard", 200, 41_002, hard=True),
        "icdar15": photographs("icdar2015_train", 500),
        "mlt17": photographs("mlt17_train", 420),
        "mixed-test": scenes("test", 80, 41_003, test=True),
        "hard-test": scenes("test-hard", 80, 41_004, hard=True, test=True),
    }
    plan = _Plan(polygons=400, pixels=1000, guided=300, lr=1.5e-3, guided_lr=5e-4, warmup=20, decay_share=0.3)
    pixels = ("mixed", "hard")
    return Recipe(
        name="small",
        datasets=datasets,
        tests=("mixed-test", "hard-test"),
        rows=_rows(plan, datasets, pixels=pixels, polygons=("icdar15", "mlt17"), synthetic=pixels),
        training={"preset": "mgnet-slim", "scene_side": 160, "scene_batch": 4, "checkpoint_every": 50},
        width=16,
        longest_side=None,
        says="The small setting: rendered scenes have the pixel masks, photographs polygons alone; width 16, windows "
        "of 160x160. Neither the data nor the sizes are the paper's, whose figures stand beside for the order alone. "
        "All methods have 1,000 steps with pixel masks; pre-training on polygons has 400 more. Test scenes without "
        "text are left out.",
    )


def _made(work: Path, dry: bool) -> Path:
    """Return the folder of what is rendered."""
    return work / ("data-dry" if dry else "data")


def _rows(
    plan: _Plan,
    datasets: dict[str, Dataset],
    *,
    pixels: Sequence[str],
    polygons: Sequence[str],
    synthetic: Sequence[str],
) -> dict[str, Row]:
    """Return all rows; the arguments but the first two are keys of datasets."""

    def stage(name: str, steps: int, keys: Sequence[str], lr: float = plan.lr, **options: Any) -> Stage:
        scenes = tuple(datasets[key].spec for key in keys)
        return Stage(name, steps, lr, scenes=scenes, warmup=plan.warmup, decay_share=plan.decay_share, **options)

    masks = stage("pixel masks", plan.pixels, pixels, supervision="text", **UNGUIDED)
    as_text = stage("polygons as text", plan.polygons, polygons, supervision="region-as-text", **UNGUIDED)
    outlines = stage("polygons", plan.polygons, polygons, supervision="region", **UNGUIDED)
    together = stage("both masks", plan.pixels, pixels, supervision="both", **UNGUIDED)
    everything = (*polygons, *pixels)
    rows = {"mser-swt": Row("mser-swt")}
    for name in BASELINES:
        rows[name] = Row(name, (masks,), needs=tuple(pixels))
        rows[f"{name}-exp1"] = Row(name, (as_text, masks), needs=everything)
        rows[f"{name}-exp2"] = Row(name, (outlines, together), polygon_branch=True, needs=everything)
    learned = stage("synthetic", plan.pixels, synthetic, supervision="both", **UNGUIDED)
    moved = stage("domain transfer", plan.polygons, polygons, plan.guided_lr, supervision="region")
    rows["synth-dt"] = Row("mgnet", (learned, moved), needs=(*synthetic, *polygons))
    alone = stage("1b", plan.pixels - plan.guided, pixels, **UNGUIDED)
    rows["phase-1"] = Row("mgnet", (replace(outlines, name="1a"), alone), needs=everything)
    rows["alpha-text"] = Row("mgnet", parent="phase-1", needs=everything)
    for key, options in (
        ("alpha-table", {"phases": 1}),
        ("beta", {"lambda1": 0.0, "lambda2": 0.0}),
        ("gamma", {"lambda2": 0.0}),
        ("ours", {}),
    ):
        second = stage("2", plan.guided, pixels, plan.guided_lr, **options)
        rows[key] = Row("mgnet", (second,), parent="phase-1", needs=everything)
    return rows
