"""The network with which a training of a segmenter begins."""

from __future__ import annotations

from typing import get_args

from segmenter.choices import OURS, Model
from segmenter.enlarging import enlarged
from segmenter.interface import SegmentationNetwork
from segmenter.loading import load_segmenter
from segmenter.models import fresh_model
from segmenter.network import MutuallyGuidedNet
from segrec.core.errors import ConfigError
from segrec.jobs.segmenter_settings import SegmenterTraining
from segrec.weights import resolve_weights


def initial_network(settings: SegmenterTraining) -> SegmentationNetwork:
    """Return the network to train: fresh, or the pretrained weights in a network of the wanted shape.

    Its width is that of the pretrained network unless `width` says another one; where that is more, the pretrained
    mutually guided network is enlarged.

    Raises:
        ConfigError: the pretrained network is another one; it names the option that makes that one.
    """
    loaded = None if settings.pretrained is None else load_segmenter(resolve_weights(settings.pretrained))
    width = settings.width
    if width is None and loaded is not None and loaded.architecture == settings.model:
        width = loaded.config().get("width")
    model = fresh_model(
        settings.model,
        preset=settings.preset,
        width=width,
        polygon_branch=settings.polygon_branch,
        working_height=settings.working_height,
    )
    if loaded is None:
        return model
    if isinstance(loaded, MutuallyGuidedNet) and width is not None and loaded.width < width:
        loaded = enlarged(loaded, width)
    _check_alike(settings, loaded, model)
    model.load_state_dict(loaded.state_dict())
    return model


def _check_alike(settings: SegmenterTraining, loaded: SegmentationNetwork, model: SegmentationNetwork) -> None:
    """Refuse weights of a network that the settings do not make, with the option that makes it."""
    free = {"working_height": 0, "passes": 0}  # no weight's shape depends on them
    found, wanted = {**loaded.config(), **free}, {**model.config(), **free}
    if loaded.architecture != model.architecture:
        trained = loaded.architecture in get_args(Model)
        remedy = f"give --model {loaded.architecture}" if trained else "name weights of a network that learns"
    elif found == wanted:
        return
    elif found.get("polygon_branch") != wanted.get("polygon_branch"):
        remedy = "give --polygon-branch" if found.get("polygon_branch") else "leave out --polygon-branch"
    elif {**found, "width": 0} == {**wanted, "width": 0}:
        remedy = f"give --width {found['width']}"
    else:
        remedy = "give the --preset of its training"
    made = settings.preset if settings.model == OURS else settings.model
    raise ConfigError(f"{settings.pretrained} is not a {made} as the other options make it; {remedy}")
