"""What the pages of pushed weights say, until their owners write more."""

from __future__ import annotations

from segrec.core.hub import PREFIX, WEIGHTS_FILE

_CARD = """---
library_name: segrec
pipeline_tag: {task}
tags:
- scene-text
- ocr
---

# {name}

A {kind} of segrec, architecture `{architecture}`; the header of `{file}` says how it is built.

```python
import segrec

{example}
```
"""


def recognizer_card(repository: str, architecture: str) -> str:
    """Return the page of a recognizer in Markdown, with the lines that read words with it."""
    example = f'reader = segrec.Reader.from_pretrained("{PREFIX}{repository}")\nwords = reader.read(["word.png"])'
    return _card(repository, architecture, kind="text recognizer", task="image-to-text", example=example)


def segmenter_card(repository: str, architecture: str) -> str:
    """Return the page of a segmenter in Markdown, with the lines that predict masks with it."""
    example = f'masks = segrec.Segmenter.from_pretrained("{PREFIX}{repository}").predict([picture])'
    return _card(repository, architecture, kind="text segmenter", task="image-segmentation", example=example)


def _card(repository: str, architecture: str, *, kind: str, task: str, example: str) -> str:
    name = repository.partition("/")[2]
    return _CARD.format(name=name, architecture=architecture, kind=kind, task=task, example=example, file=WEIGHTS_FILE)
