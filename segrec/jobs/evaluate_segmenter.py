"""Scores of segmenters on datasets with true masks, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from segmenter.choices import Pictures
from segmenter.datasets import READERS
from segmenter.datasets.base import MaskedImages
from segmenter.interface import SegmentationNetwork
from segmenter.loading import load_segmenter
from segmenter.metrics import PixelScore, top1_shares
from segmenter.predictor import TorchSegmenter
from segmenter.preprocess import SCENE_HEIGHT
from segmenter.pyramid import check_scales
from segrec.core.errors import ConfigError
from segrec.core.files import check_writable
from segrec.core.runlog import LOGGER
from segrec.data.masked_images import open_masked
from segrec.evaluation.mask_scoring import TARGETS, MaskScores, Target, TargetScore, score_segmenters
from segrec.evaluation.segmenter_result import SegmenterResult
from segrec.evaluation.statistics import paired_bootstrap_means
from segrec.jobs.segmenter_evaluation_settings import SegmenterEvaluation
from segrec.reports.curves import check_picture, draw_curves
from segrec.reports.segmenter_tables import check_rows_file, write_scores_by_image
from segrec.weights import resolve_weights

SCENE_HEIGHTS: dict[Pictures, int | None] = {"words": None, "scenes": 0, "height": SCENE_HEIGHT}
"""With more rows than this a picture enters the network as a scene, else as a word crop."""


class Network(NamedTuple):
    """A network that is scored, and the shipped name, run directory or file that it was loaded from."""

    model: SegmentationNetwork
    weights: str


def evaluate_segmenter(settings: SegmenterEvaluation) -> list[SegmenterResult]:
    """Return the scores of every segmenter on every dataset and target; images that cannot be read are left out.

    Everything is opened before anything is scored. Memory grows by a few numbers an image.

    Raises:
        ConfigError: a setting is out of range, or a kind of data or a file's suffix is unknown.
        DataError: a dataset cannot be opened or a file cannot be written.
        CheckpointError: weights cannot be read.
        LibraryError: curves were asked for and matplotlib is missing.
    """
    _check(settings)
    datasets = {
        name: (settings.pictures or pictures_of(spec), open_masked(spec)) for name, spec in named_data(settings.data)
    }
    networks = _networks(settings)
    results = []
    for name, (pictures, images) in datasets.items():
        scores = score_segmenters(
            _segmenters(networks, pictures, settings),
            images,
            targets=TARGETS if settings.target == "both" else [settings.target],
            threshold=settings.threshold,
            sweep=settings.sweep,
            limit=settings.limit,
            batch_size=settings.batch_size,
            description=name,
        )
        for target in _shown(scores, settings):
            results += _results(scores, name, target, pictures, settings, networks)
    if settings.rows is not None:
        write_scores_by_image(settings.rows, results)
    if settings.curves is not None:
        draw_curves(settings.curves, results)
    return results


def score_segmenter(
    segmenter: TorchSegmenter, images: MaskedImages, *, limit: int | None = None, batch_size: int = 32
) -> dict[Target, PixelScore]:
    """Return the score of each target at threshold 0.5, without images where the data have no such masks.

    Images that cannot be read are left out; a warning says how many.

    Args:
        segmenter: decides by itself whether a picture is a word crop or a scene.
        images: scored at their own size.
        limit: only the first images.
        batch_size: most pictures in one run of the network.
    """
    found = score_segmenters({"": segmenter}, images, limit=limit, batch_size=batch_size)[""]
    if found.problems:
        count, first = len(found.problems), found.problems[0]
        LOGGER.warning("%d of %d images cannot be read and are not scored, the first: %s", count, found.total, first)
    return {"text": found.text.score, "region": found.region.score}


def named_data(specs: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, spec) of each dataset; the name is `KIND[:SPLIT]`, or the whole spec where two share that.

    Raises:
        ConfigError: a dataset is named twice, or without its split: a score must say whether it is of a training set.
    """
    if len(set(specs)) < len(specs):
        twice = next(spec for spec in specs if list(specs).count(spec) > 1)
        raise ConfigError(f"--data {twice} is named twice; name every dataset once")
    for spec in specs:
        check_part(spec)
    short = [spec.partition("=")[0] for spec in specs]
    return [(name if short.count(name) == 1 else spec, spec) for name, spec in zip(short, specs, strict=True)]


def check_part(spec: str) -> None:
    """Refuse a dataset without its split where there are several, for the default would be a training set.

    Raises:
        ConfigError: names the splits.
    """
    kind = spec.partition("=")[0]
    if kind in READERS and len(READERS[kind].splits) > 1:
        splits = ", ".join(READERS[kind].splits)
        raise ConfigError(f"{kind} has several parts; say which one to score: {kind}:SPLIT=PATH with {splits}")


def _check(settings: SegmenterEvaluation) -> None:
    if not settings.data or not settings.segmenters:
        raise ConfigError("nothing to evaluate: name at least one --data KIND=PATH and one --segmenter")
    if not 0 <= settings.threshold <= 1:
        raise ConfigError(f"--threshold must lie in [0, 1], got {settings.threshold}")
    check_scales(settings.scales)
    if settings.each_pass and len(settings.segmenters) > 1:
        raise ConfigError(f"--each-pass takes one --segmenter, got {len(settings.segmenters)}; score them one by one")
    if settings.rows is not None:
        check_rows_file(settings.rows)
        check_writable(settings.rows, "--rows")
    if settings.curves is not None:
        check_picture(settings.curves)
        check_writable(settings.curves, "--curves")


def pictures_of(spec: str) -> Pictures:
    """Return how the pictures of `KIND[:SPLIT]=PATH` enter a network; a bare path is of rendered words."""
    kind, sign, _ = spec.partition("=")
    by_kind: dict[str, Pictures] = {"words": "words", "folder": "height"}
    return by_kind.get(kind.partition(":")[0], "scenes") if sign else "words"


def _networks(settings: SegmenterEvaluation) -> dict[str, Network]:
    """Return the networks by the names of the report, with what they were loaded from.

    Raises:
        ConfigError: both passes are asked for of a network that was trained for one.
    """
    if not settings.each_pass:
        return {
            name: Network(load_segmenter(resolve_weights(path)), path) for name, path in settings.segmenters.items()
        }
    ((name, path),) = settings.segmenters.items()
    guided = load_segmenter(resolve_weights(path))
    if guided.passes == 1:
        raise ConfigError(f"{path} was trained without guidance and has one pass; leave out --each-pass")
    alone = load_segmenter(resolve_weights(path))
    alone.passes = 1
    return {f"{name} pass 1": Network(alone, path), f"{name} pass 2": Network(guided, path)}


def _segmenters(
    networks: Mapping[str, Network], pictures: Pictures, settings: SegmenterEvaluation
) -> dict[str, TorchSegmenter]:
    return {
        name: TorchSegmenter(
            network.model,
            device=settings.device,
            amp=settings.amp,
            scene_height=SCENE_HEIGHTS[pictures],
            scales=settings.scales,
        )
        for name, network in networks.items()
    }


def _shown(scores: Mapping[str, MaskScores], settings: SegmenterEvaluation) -> list[Target]:
    """Return the targets that were asked for by name, or else those that any image has, at least text."""
    if settings.target != "both":
        return [settings.target]
    seen = [target for target in TARGETS if any(getattr(scored, target).images for scored in scores.values())]
    return seen or ["text"]


def _results(
    scores: Mapping[str, MaskScores],
    data: str,
    target: Target,
    pictures: Pictures,
    settings: SegmenterEvaluation,
    networks: Mapping[str, Network],
) -> list[SegmenterResult]:
    """Return the results of the segmenters on one target, compared with each other where there are several.

    A network that does not know the target is left out, unless none knows it.
    """
    knowing = {name: of_segmenter for name, of_segmenter in scores.items() if getattr(of_segmenter, target).images}
    scores = knowing or scores
    scored: list[TargetScore] = [getattr(of_segmenter, target) for of_segmenter in scores.values()]
    f1s = [one.score.f1s for one in scored]
    compared = len(scored) > 1 and bool(f1s[0])
    shares = top1_shares(f1s, ties=settings.ties) if compared else [None] * len(scored)
    scales = check_scales(settings.scales)
    return [
        SegmenterResult(
            segmenter=name,
            weights=networks[name].weights,
            data=data,
            target=target,
            pictures=pictures,
            threshold=settings.threshold,
            scored=one,
            total=scores[name].total,
            problems=scores[name].problems,
            scales="auto" if scales is None else ",".join(f"{scale:g}" for scale in scales),
            top1=share,
            difference=paired_bootstrap_means(f1s[0], of_images, seed=settings.seed) if compared and number else None,
        )
        for number, (name, one, share, of_images) in enumerate(zip(scores, scored, shares, f1s, strict=True))
    ]
