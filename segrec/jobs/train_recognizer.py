"""Training a recognizer from scratch, or on from weights of its kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.loading import load_pretrained, save_recognizer
from segrec.core.checkpoint import state_digest
from segrec.core.errors import ConfigError
from segrec.core.runlog import LOGGER
from segrec.data.recognition import WordSet
from segrec.data.words import WordLmdb
from segrec.jobs.architectures import architecture_of, check_command, read_charset
from segrec.jobs.recognizer_fit import check, fit_recognizer
from segrec.jobs.recognizer_settings import RecognizerTraining
from segrec.training.distributed import World, launched
from segrec.training.precision import chosen_amp
from segrec.training.run_directory import RunDirectory
from segrec.weights import resolve_weights


def train_recognizer(settings: RecognizerTraining) -> Path:
    """Train from scratch, or resume the run in `settings.output`; return the run directory.

    Under torchrun all its processes train together: each takes its share of every batch.

    Raises:
        ConfigError: the preset is unknown, settings contradict each other, or the run directory holds another run.
        CheckpointError: the weights to start from cannot be read.
        DataError: a database cannot be read or holds no usable words.
    """
    with launched(settings.device) as world:
        settings = replace(settings, amp=chosen_amp(settings.amp, settings.output, world))
        check(settings, settings.data, world.device)
        return _train(settings, world)


def _train(settings: RecognizerTraining, world: World) -> Path:
    torch.manual_seed(settings.seed)
    model = _initial(settings).to(world.device)
    sets = [WordSet(WordLmdb(path), None) for path in settings.data]
    valid = None if settings.valid is None else WordSet(WordLmdb(settings.valid), None)
    for opened in (*sets, *([valid] if valid else [])):
        opened.words.count()
    run = RunDirectory(settings.output)
    state = run.begin(
        "train",
        settings,
        world=world,
        charset=model.charset.characters,
        parent_digest=None if settings.pretrained is None else state_digest(model.state_dict()),
    )
    LOGGER.info("training %s on %d words", _name(settings), sum(len(item.words) for item in sets))
    fit_recognizer(
        model,
        settings,
        sets=sets,
        valid=valid,
        world=world,
        run=run,
        state=state,
        save=lambda path: save_recognizer(path, model),
        train_mode=model.train,
        ctc_weight=settings.ctc_weight,
    )
    return run.path


def _name(settings: RecognizerTraining) -> str:
    return settings.pretrained or settings.preset or next(iter(architecture_of(settings.architecture).presets))


def _initial(settings: RecognizerTraining) -> RecognizerNetwork:
    """Return the network to train: fresh, or the pretrained one.

    Raises:
        ConfigError: no such preset, or the pretrained network is not of the named architecture, preset or charset.
    """
    architecture = architecture_of(settings.architecture)
    if settings.bidirectional and settings.architecture != "aster":
        raise ConfigError(f"{settings.architecture} has no decoder; --bidirectional is for aster")
    presets = architecture.presets
    name = settings.preset or next(iter(presets))
    if name not in presets:
        raise ConfigError(f"unknown preset {name!r} of {settings.architecture}; use one of {', '.join(presets)}")
    charset = read_charset(settings.charset or "alnum").with_kind(architecture.kind)
    if settings.pretrained is None:
        return presets[name](charset, settings.bidirectional)
    model = _pretrained(settings)
    if settings.charset is not None and model.charset.characters != charset.characters:
        raise ConfigError(
            f"{settings.pretrained} reads {model.charset.characters!r}; leave --charset out to start from it"
        )
    if settings.preset is not None:
        with torch.device("meta"):
            wanted = presets[name](model.charset.with_kind(architecture.kind), settings.bidirectional)
        if wanted.config() != model.config():
            raise ConfigError(f"{settings.pretrained} is not a {name}; leave --preset out to start from it")
    return model


def _pretrained(settings: RecognizerTraining) -> RecognizerNetwork:
    path = resolve_weights(str(settings.pretrained))
    model = load_pretrained(path)
    model.temperature = 1.0  # what it was measured at says nothing of what training makes of it
    check_command("train", settings.architecture, model.architecture, path)
    if model.input_spec.mask:
        raise ConfigError(f"{path} takes a mask; train it on with segrec finetune {settings.architecture} --train all")
    if settings.bidirectional and not (isinstance(model, AttentionNetwork) and model.bidirectional):
        raise ConfigError(f"{path} has one decoder; leave --bidirectional out to start from it")
    return model
