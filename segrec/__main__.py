"""`python -m segrec` is the `segrec` program."""

from segrec.cli import script

script()
