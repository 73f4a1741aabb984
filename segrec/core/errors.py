"""The errors a user can meet; each message is one line that says what is wrong and what to do."""

from __future__ import annotations


class SegrecError(Exception):
    """Base of every error that is the input's or the machine's fault; the command line prints it and exits 1."""


class DataError(SegrecError):
    """A dataset, image, mask store or other file cannot be read or does not fit."""


class DamagedMaskError(DataError):
    """One stored mask cannot be decoded; the word that it belongs to is lost, the others are not."""


class BusyError(DataError):
    """Another process is writing there."""


class CheckpointError(SegrecError):
    """A weights file cannot be read, is unsafe to read, or does not fit the network."""


class ConfigError(SegrecError, ValueError):
    """A setting is unknown, out of range or contradicts another."""


class LibraryError(SegrecError):
    """A library that segrec needs is missing or cannot start on this machine."""


class TrainingError(SegrecError):
    """Training cannot go on; the last checkpoint is kept."""
