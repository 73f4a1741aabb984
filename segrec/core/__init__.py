"""Foundations that every part stands on: errors, devices, images, files and checkpoints."""

VERSION = "0.1.0"
