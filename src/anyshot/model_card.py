"""The model card: what a saved model is, for a person and for a model hub."""

from collections.abc import Mapping
from typing import Any


def model_card(facts: Mapping[str, Any]) -> str:
    """Return the README of a saved model, with the metadata that model hubs read, from its facts."""
    classes, examples = facts["evidence"]["classes"], facts["evidence"]["examples"]
    shown = ", ".join(str(name) for name in classes[:20]) + (", ..." if len(classes) > 20 else "")
    reasons = "\n".join(f"- {reason}" for reason in facts["model"]["reasons"])
    board = "".join(f"| {method} | {accuracy:.1%} |\n" for method, accuracy, *_ in facts["leaderboard"])
    compared = f"\n| method, on labels held out | accuracy |\n|---|---|\n{board}" if board else ""
    return f"""---
library_name: anyshot
tags:
- transfer-learning
- few-shot
---

# {len(classes)} classes, {len(examples)} labelled examples

Classes: {shown}

Encoder: {facts["encoder"]["name"]}. Method: {facts["model"]["method"]}.

{reasons}
{compared}
The folder holds the vectors of the labelled and unlabelled items and the text (or file name) of each labelled example,
so that the model can learn more and explain itself. Do not share it further than these.

```python
from anyshot import load
load("this/folder").predict([...])
```
"""
