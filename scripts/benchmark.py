"""Measures what this project promises about speed; every figure comes with its spread over repeats."""

from __future__ import annotations

import click
from benchmarks.around_networks import reader
from benchmarks.mask_codecs import mask_codecs
from benchmarks.onnx_readers import onnx
from benchmarks.peers import peers
from benchmarks.precompute import precompute
from benchmarks.recognizers import recognizers
from benchmarks.rendering import render
from benchmarks.segmenter import crf, mser, segmenter
from benchmarks.slowdown import slowdown
from benchmarks.training import training_step


@click.group()
def main() -> None:
    """Measure speed on this machine; close other programs first."""


main.add_command(recognizers)
main.add_command(segmenter)
main.add_command(crf)
main.add_command(mser)
main.add_command(precompute)
main.add_command(mask_codecs)
main.add_command(onnx)
main.add_command(peers)
main.add_command(reader)
main.add_command(render)
main.add_command(slowdown)
main.add_command(training_step)

if __name__ == "__main__":
    main()
