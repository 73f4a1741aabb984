"""The ways in which a mask joins a recognizer, by the names that settings give them; importing them loads no torch."""

from __future__ import annotations

from typing import Literal

Init = Literal["random", "zero-mask", "luma"]
"""How a widened layer starts, see `recognizers.widen_input`."""

Fusion = Literal["input", "adapter", "sft"]
"""`input`: one more input channel of the first convolution (the paper's); the others are of `recognizers.fusion`."""

Norms = Literal["frozen", "train", "reestimate"]
"""What becomes of BatchNorm's running statistics in a fine-tuning: kept, moved by the batches, or kept until they are
estimated anew at its end."""
