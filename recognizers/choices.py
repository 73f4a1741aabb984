"""The ways in which a mask joins a recognizer, by the names that settings give them; importing them loads no torch."""

from __future__ import annotations

from typing import Literal

Init = Literal["random", "zero-mask", "luma"]
"""How a widened layer starts, see `recognizers.widen_input`."""

Fusion = Literal["input", "adapter", "sft", "stream"]
"""`input`: one more channel of the first convolution, the paper's. `adapter`: adds to the picture what three
convolutions give that see it and the mask. `sft`: scales and shifts the first maps by the mask. `stream`: does so to
maps further on, by what a copy of the layers before them reads in the mask, in ASTER and in networks whose convolutions
are one nn.Sequential, such as CRNN and VGG. See `recognizers.fusion` and `recognizers.two_streams`."""

Norms = Literal["frozen", "train", "reestimate"]
"""What becomes of BatchNorm's running statistics in a fine-tuning: kept, moved by the batches, or kept until they are
estimated anew at its end."""
