"""segrec makes a pretrained scene-text recognizer read better by giving it a text mask as a fourth input channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segrec.core import VERSION
from segrec.core.lazy import lazy_names

if TYPE_CHECKING:
    from segrec.core.errors import SegrecError
    from segrec.evaluation.result import EvaluationResult
    from segrec.jobs.evaluate import evaluate
    from segrec.jobs.evaluation_settings import Evaluation
    from segrec.jobs.export import export_onnx
    from segrec.jobs.finetune import finetune
    from segrec.jobs.finetune_settings import FineTuning
    from segrec.jobs.import_words import import_words
    from segrec.jobs.precompute import precompute_masks
    from segrec.jobs.verification import verify
    from segrec.pages.editing import copy_text, erase_text, recolor_text
    from segrec.pages.named_recognizer import Recognizer
    from segrec.reader import Reader, Segmenter, Word
    from segrec.reports.drawing import draw_reading
    from segrec.reports.explanation import Explanation
    from segrec.weights import resolve_weights

__version__ = VERSION

_HOMES = {
    "Evaluation": "jobs.evaluation_settings",
    "EvaluationResult": "evaluation.result",
    "Explanation": "reports.explanation",
    "FineTuning": "jobs.finetune_settings",
    "Reader": "reader",
    "Recognizer": "pages.named_recognizer",
    "SegrecError": "core.errors",
    "Segmenter": "reader",
    "Word": "reader",
    "copy_text": "pages.editing",
    "draw_reading": "reports.drawing",
    "erase_text": "pages.editing",
    "evaluate": "jobs.evaluate",
    "export_onnx": "jobs.export",
    "finetune": "jobs.finetune",
    "import_words": "jobs.import_words",
    "precompute_masks": "jobs.precompute",
    "recolor_text": "pages.editing",
    "resolve_weights": "weights",
    "verify": "jobs.verification",
}

__all__ = [
    "Evaluation",
    "EvaluationResult",
    "Explanation",
    "FineTuning",
    "Reader",
    "Recognizer",
    "Segmenter",
    "SegrecError",
    "Word",
    "copy_text",
    "draw_reading",
    "erase_text",
    "evaluate",
    "export_onnx",
    "finetune",
    "import_words",
    "precompute_masks",
    "recolor_text",
    "resolve_weights",
    "verify",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
