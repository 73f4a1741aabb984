"""Foundations that every part stands on: errors, devices, images, files, checkpoints and the optimisation loop."""

VERSION = "0.1.0"
