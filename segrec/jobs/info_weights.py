"""Whether weights, a public checkpoint or a run directory is sound, and how strongly the weights use the mask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from recognizers.configuration import RecognizerNetwork
from recognizers.families import LoadReport, family_of
from recognizers.fused_part import FusedPart, fused_part
from recognizers.loading import load_pretrained, parent_file
from recognizers.state_dict import unwrap
from recognizers.widen import input_layers
from segmenter.interface import SegmentationNetwork
from segmenter.loading import load_segmenter
from segmenter.models import MODELS
from segrec.core.checkpoint import WeightsHeader, load_untrusted, load_weights, state_digest
from segrec.core.errors import CheckpointError, DataError
from segrec.core.files import file_digest
from segrec.core.runlog import log_rows
from segrec.data.masks.record import shard_folders
from segrec.jobs.forward_check import check_reads
from segrec.jobs.info_data import inspect_companion
from segrec.jobs.info_findings import Findings, size_in_words
from segrec.training.run_directory import RunDirectory

HARDLY, WEAKLY = 0.1, 0.5
"""Shares of a colour's norm below which a mask's kernel is hardly, or only weakly, there."""


def inspect_weights(path: Path) -> Findings:
    """Return what a `.safetensors` file says of itself and whether its network can be built from it."""
    findings = Findings({"file size": size_in_words(path)})
    try:
        state, header = load_weights(path)
        _describe_header(header, state, path, findings)
        del state  # the network has its own copy
        model = load_segmenter(path) if header.architecture in MODELS else load_pretrained(path)
        _describe_model(model, findings)
        findings.facts["digest"] = state_digest(model.state_dict())
        check_reads(model, str(path))
    except CheckpointError as error:
        findings.problems.append(str(error))
    findings.facts["loads"] = "no" if findings.problems else "yes"
    return findings


def _describe_header(header: WeightsHeader, state: Mapping[str, Tensor], path: Path, findings: Findings) -> None:
    facts = findings.facts
    facts["architecture"] = header.architecture
    facts["stored"] = f"{len(state)} tensors, {sum(tensor.numel() for tensor in state.values())} numbers"
    if header.charset is not None:
        facts["charset"] = f"{len(header.charset)} characters: {header.charset}"
    if header.parent is not None:
        found = parent_file(path, header.parent)
        beside = found is not None and found.parent == path.parent
        place = "beside it" if beside else found or "not beside it"
        facts["parent"] = f"{header.parent} ({place}), digest {header.parent_digest}"
    for name, note in header.notes.items():
        facts[f"note {name}"] = str(note)
    facts["header version"] = header.version


def _describe_model(model: RecognizerNetwork | SegmentationNetwork, findings: Findings) -> None:
    findings.facts["parameters"] = str(sum(parameter.numel() for parameter in model.parameters()))
    if isinstance(model, SegmentationNetwork):
        findings.facts["input"] = f"{model.in_channels} channels (RGB), words at height {model.working_height}"
    else:
        spec = model.input_spec
        channels = f"{'grey' if spec.color == 'grey' else 'RGB'}{' + mask' if spec.mask else ''}"
        plural = "channel" if spec.channels == 1 else "channels"
        width = "the image's ratio" if spec.keep_ratio else str(spec.width)
        size = f"{spec.height} x {width} (height x width)" + (", right edge repeated" if spec.padding == "edge" else "")
        findings.facts["input"] = f"{spec.channels} {plural} ({channels}), {size}, {spec.interpolation}"
        if spec.mask:
            findings.facts["mask seen by"] = " and ".join(input_layers(model))
            findings.facts |= mask_facts(model)


def inspect_public(path: Path) -> Findings:
    """Return the family of another project's checkpoint and what became of its tensors when it was loaded."""
    findings = Findings({"file size": size_in_words(path)})
    try:
        state, _ = unwrap(load_untrusted(path), str(path))
        findings.facts["file digest"] = file_digest(path)
        findings.facts["tensors"] = str(len(state))
        findings.facts["family"] = family_of(state, str(path)).name
        del state
        model = load_pretrained(path)
        findings.facts["charset"] = f"{len(model.charset.characters)} characters: {model.charset.characters}"
        _describe_model(model, findings)
        _describe_report(model.load_report, findings)
        check_reads(model, str(path))
    except CheckpointError as error:
        findings.facts.setdefault("family", "none that this version reads")
        findings.problems.append(str(error))
    findings.facts["loads"] = "no" if findings.problems else "yes"
    return findings


def _describe_report(report: LoadReport, findings: Findings) -> None:
    for group, count, which in report.rows():
        line = f"{count}: {which}" if which else str(count)
        before = findings.facts.get(group)
        findings.facts[group] = line if before is None else f"{before}; {line}"


def inspect_run(path: Path) -> Findings:
    """Return the settings of a run, how far it came, and whether its weights load."""
    run, findings = RunDirectory(path), Findings()
    steps = _describe_settings(run, findings)
    logged = _describe_metrics(run, findings)
    _describe_progress(run, steps, logged, findings)
    for file in (run.best, run.last):
        if file.exists():
            weights = inspect_weights(file)
            kind = weights.facts.get("architecture", "weights")
            findings.facts[file.name] = f"{kind}, {weights.facts['file size']}, loads: {weights.facts['loads']}"
            findings.problems += weights.problems
    for folder in sorted(path.iterdir()):
        if shard_folders(folder):
            inspect_companion(folder, findings, None)
    return findings


def _describe_settings(run: RunDirectory, findings: Findings) -> int | None:
    """Add the settings as facts and return how many steps the run is to have, None where it does not say."""
    try:
        record = run.read_record()
    except DataError as error:
        findings.problems.append(f"{error}; the run cannot be resumed, but weights in it can be used")
        return None
    settings = record["settings"]
    for name, value in settings.items():
        findings.facts[name if name == "job" else f"settings.{name}"] = _plain(value)
    for name, value in record.items():
        if name != "settings":
            findings.facts[f"note {name}"] = _plain(value)
    steps = settings.get("steps")
    return steps if isinstance(steps, int) else None


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _describe_metrics(run: RunDirectory, findings: Findings) -> int | None:
    """Add the last rows of `metrics.jsonl` as facts and return the last logged step."""
    trained: dict[str, Any] = {}
    judged: dict[str, Any] = {}
    if run.metrics.exists():
        _read_metrics(run.metrics, trained, judged, findings)
    findings.facts["last logged"] = f"step {trained['step']}, loss {trained['loss']}" if trained else "nothing yet"
    if judged:
        scores = ", ".join(f"{name} {_rounded(value)}" for name, value in judged.items() if name != "step")
        findings.facts["last evaluation"] = f"step {judged['step']}: {scores}"
    return trained["step"] if trained else None


def _rounded(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _read_metrics(path: Path, trained: dict[str, Any], judged: dict[str, Any], findings: Findings) -> None:
    """Fill in the last row of a step and of an evaluation."""
    size = 0
    try:
        for number, (line, row) in enumerate(log_rows(path), start=1):
            size += len(line)
            if row is not None:
                last = trained if "loss" in row else judged
                last.clear()
                last.update(row)
            elif size < path.stat().st_size:  # a killed run leaves half a last line, which resuming drops
                findings.problems.append(f"{path} line {number} is not a row of a log; delete the lines from it on")
    except DataError as error:
        findings.problems.append(str(error))


def _describe_progress(run: RunDirectory, steps: int | None, logged: int | None, findings: Findings) -> None:
    """Add whether the run is finished or can be resumed."""
    of = "" if steps is None else f" of {steps}"
    if run.state.exists():
        try:
            step = int(run.load_state(mapped=True)["step"])
        except (CheckpointError, ValueError, TypeError) as error:
            findings.facts["progress"] = "cannot be resumed"
            findings.problems.append(str(error))
            return
        done = steps is not None and step >= steps
        findings.facts["progress"] = f"finished, {step}{of} steps" if done else f"resumable at step {step}{of}"
    elif steps is not None and logged is not None and logged >= steps:
        findings.facts["progress"] = f"finished, {logged}{of} steps; without {run.state.name} it cannot be trained on"
    else:
        findings.facts["progress"] = f"no checkpoint to resume from yet{f', {steps} steps to do' if steps else ''}"


CHECK = "segrec eval --mask-check tells what it does to readings"
SAME = "every mask gives the same reading; fine-tune it first"


class ChannelNorms(NamedTuple):
    """Euclidean norms of a first layer's kernels: the mask's, and the mean of the colours' one by one."""

    mask: float
    colour: float

    @property
    def share(self) -> float:
        """The mask's as a share of a colour's; 0 where all are 0."""
        return self.mask / self.colour if self.colour else 0.0

    @property
    def words(self) -> str:
        """Both for people."""
        return f"{self.mask:.3f}, a colour's is {self.colour:.3f} (mean of the colours)"


def channel_norms(weight: Tensor) -> ChannelNorms:
    """Return the norms of a convolution's (out, colours + 1, kh, kw) weights, whose last input is the mask."""
    norms = weight.detach().double().square().sum(dim=(0, 2, 3)).sqrt()
    return ChannelNorms(float(norms[-1]), float(norms[:-1].mean()))


def mask_facts(model: nn.Module) -> dict[str, str]:
    """Return facts about the mask's kernel in each layer that sees it, and what they mean together.

    Where a mask is fused in another way, they are about the last layer of that.

    Args:
        model: a recognizer with a mask channel.
    """
    fused = [part for name in input_layers(model) if (part := fused_part(model, name)) is not None]
    if fused:
        return _fusion_facts(*fused[0])
    norms = {name: channel_norms(model.get_parameter(f"{name}.weight")) for name in input_layers(model)}
    kernels = "; ".join(f"{f'{name}: ' if len(norms) > 1 else ''}{found.words}" for name, found in norms.items())
    strongest = max(norms.values(), key=lambda found: found.share)
    return {"mask kernel's norm": kernels, "mask used": verdict(strongest)}


def _fusion_facts(name: str, part: FusedPart) -> dict[str, str]:
    norm = float(part.last.weight.detach().double().norm())
    used = f"it can be: {CHECK}" if norm else f"no: its last layer is zero, so {SAME}"
    return {"mask joins by": f"{part.kind}, {name}.fusion, whose last layer has the norm {norm:.3f}", "mask used": used}


def verdict(norms: ChannelNorms) -> str:
    """Return in plain words whether a network with such kernels can make much of its mask."""
    if norms.mask == 0:
        return f"no: its kernel is zero, so {SAME}"
    share = f"its kernel has {100 * norms.share:.1f} % of a colour's norm"
    if norms.share < HARDLY:
        return f"hardly: {share}, so the mask moves little; {CHECK}"
    if norms.share < WEAKLY:
        return f"weakly: {share}; {CHECK}"
    return f"it can be: {share}; {CHECK}"
