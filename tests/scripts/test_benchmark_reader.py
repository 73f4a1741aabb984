"""A Reader's networks are run again on the batches that it gave them; nothing is timed here."""

from __future__ import annotations

import torch
from printed_words import printed

from segrec.reader import Reader

CROPS = [printed(text) for text in ("Hotel", "OPEN", "exit")]


def test_the_networks_run_again_on_what_the_reader_gave_them():
    from benchmarks.around_networks import recorded

    reader = Reader.from_pretrained("crnn-slim-predicted", device="cpu")
    with recorded(reader) as calls:
        expected = [word.text for word in reader.read(CROPS)]
    with torch.inference_mode():
        found = [call() for call in calls]
    *masks, logits = found
    assert sum(len(mask) for mask in masks) == 3 and all(mask.shape[1] == 1 for mask in masks)
    assert logits.shape[0] == 3 and logits.shape[2] == 37
    assert [word.text for word in reader.read(CROPS)] == expected and len(calls) == len(found)
