"""Scene-text recognizers: image (and text mask) in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segrec.core.lazy import lazy_names

if TYPE_CHECKING:
    from recognizers.aster import Aster, aster_slim
    from recognizers.charset import ALNUM36, PRINTABLE94, Charset
    from recognizers.crnn import CRNN, crnn_slim
    from recognizers.decoding import Reading, attention_greedy, ctc_beam, ctc_greedy, ctc_score, read_logits
    from recognizers.families import LoadReport
    from recognizers.learning_rates import input_rates
    from recognizers.lexicon import Lexicon
    from recognizers.loading import load_pretrained, save_recognizer
    from recognizers.metrics import WordScore, normalise_label
    from recognizers.predictor import Recognizer
    from recognizers.preprocess import InputSpec
    from recognizers.training import WordBatch, ctc_loss
    from recognizers.widen import freeze_all_but_input, input_layers, train_input_mode, widen_input

_HOME = {
    "ALNUM36": "charset",
    "Aster": "aster",
    "CRNN": "crnn",
    "Charset": "charset",
    "InputSpec": "preprocess",
    "Lexicon": "lexicon",
    "LoadReport": "families",
    "PRINTABLE94": "charset",
    "Reading": "decoding",
    "Recognizer": "predictor",
    "WordBatch": "training",
    "WordScore": "metrics",
    "aster_slim": "aster",
    "attention_greedy": "decoding",
    "crnn_slim": "crnn",
    "ctc_beam": "decoding",
    "ctc_greedy": "decoding",
    "ctc_loss": "training",
    "ctc_score": "decoding",
    "freeze_all_but_input": "widen",
    "input_layers": "widen",
    "input_rates": "learning_rates",
    "load_pretrained": "loading",
    "normalise_label": "metrics",
    "read_logits": "decoding",
    "save_recognizer": "loading",
    "train_input_mode": "widen",
    "widen_input": "widen",
}

__all__ = [
    "ALNUM36",
    "CRNN",
    "PRINTABLE94",
    "Aster",
    "Charset",
    "InputSpec",
    "Lexicon",
    "LoadReport",
    "Reading",
    "Recognizer",
    "WordBatch",
    "WordScore",
    "aster_slim",
    "attention_greedy",
    "crnn_slim",
    "ctc_beam",
    "ctc_greedy",
    "ctc_loss",
    "ctc_score",
    "freeze_all_but_input",
    "input_layers",
    "input_rates",
    "load_pretrained",
    "normalise_label",
    "read_logits",
    "save_recognizer",
    "train_input_mode",
    "widen_input",
]

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
