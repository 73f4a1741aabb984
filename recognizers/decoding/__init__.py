"""From logits to text and its confidence: greedily, with a beam, or as the probability of given texts."""

from recognizers.decoding.alignment import ctc_score
from recognizers.decoding.beam import ctc_beam
from recognizers.decoding.greedy import attention_greedy, ctc_greedy, read_logits
from recognizers.decoding.reading import Reading, reading_of

__all__ = ["Reading", "attention_greedy", "ctc_beam", "ctc_greedy", "ctc_score", "read_logits", "reading_of"]
