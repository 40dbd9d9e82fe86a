"""The model card: what a saved model is, for a person and for a model hub."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 20


def model_card(
    facts: Mapping[str, Any],
    *,
    modality: str | None = None,
    base_model: str | None = None,
    figures: Mapping[str, float] | None = None,
    tested_on: str | None = None,
) -> str:
    """Return the README of a saved model, with the metadata that model hubs read, from its facts.

    modality: what the encoder reads, "text" or "image"; base_model: what a model hub calls the encoder;
    figures: shares of 1 by name, as {"accuracy": 0.91}, measured on items that the model has not learned from;
    tested_on: what those items are. Names and examples are written so that they can be neither markup nor metadata.
    """
    classes, examples = facts["evidence"]["classes"], facts["evidence"]["examples"]
    encoder, measured = encoder_name(facts), dict(figures or {})
    shown = ", ".join(_plain(name) for name in classes[:SHOWN]) + (", ..." if len(classes) > SHOWN else "")
    reasons = "\n".join(f"- {_plain(reason)}" for reason in facts["model"]["reasons"])
    return f"""---
{_metadata(modality, base_model, measured, tested_on)}
---

# {len(classes)} classes, {len(examples)} labeled examples

Classes: {shown}

Encoder: {_plain(encoder)}. Method: {_plain(facts["model"]["method"])}.

{reasons}
{_compared(facts["leaderboard"])}{_figures(measured, tested_on)}
The folder holds the vectors of the labeled and unlabeled items and the text (or file name) of each labeled example,
so that the model can learn more and explain itself. Do not share it further than these.

```python
from anyshot import load
load("this/folder").predict([...])
```
"""


def encoder_name(facts: Mapping[str, Any]) -> str:
    """Return the name of a saved model's encoder."""
    named = facts["parameters"]["encoder"] if "frozen" in facts else facts["encoder"]["name"]
    return str(named)


def network_card(
    facts: Mapping[str, Any],
    *,
    modality: str | None = None,
    base_model: str | None = None,
    figures: Mapping[str, float] | None = None,
    tested_on: str | None = None,
) -> str:
    """Return the README of a saved network with a head, from its facts, written as safely; see `model_card`."""
    names, encoder = [str(name) for name in facts["classes"]], encoder_name(facts)
    measured = dict(figures or {})
    shown = ", ".join(_plain(name) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    reasons = "\n".join(f"- {_plain(reason)}" for reason in facts["reasons"])
    return f"""---
{_metadata(modality, base_model, measured, tested_on)}
---

# {len(names)} classes, told by a trained network

Classes: {shown}

Encoder: {_plain(encoder)}, trained from {_plain(facts["freeze_at"])} on. Made by {facts["kind"]}.

{reasons}
{_figures(measured, tested_on)}
The folder holds the trained stages and the head, none of the items.

```python
from anyshot import load
load("this/folder").predict([...])
```
"""


def _metadata(modality: str | None, base: str | None, figures: Mapping[str, float], tested_on: str | None) -> str:
    """Return the front matter. Every text is written as JSON, which YAML reads as it stands: nothing can end it."""
    lines = ["library_name: anyshot"]
    task = f"{modality}-classification" if modality else None
    if task is not None:
        lines.append(f"pipeline_tag: {task}")
    if base:
        lines.append(f"base_model: {json.dumps(base)}")
    lines += ["tags:", "- transfer-learning", "- few-shot"]
    if figures:
        data = json.dumps(tested_on or "items held out")
        lines += ["metrics:", *(f"- {json.dumps(name)}" for name in figures)]
        lines += ["model-index:", "- name: anyshot model", "  results:", "  - task:", f"      type: {task or 'other'}"]
        lines += ["    dataset:", f"      name: {data}", "      type: other", "    metrics:"]
        for name, value in figures.items():
            lines += [f"    - type: {json.dumps(name)}", f"      value: {float(value):.4f}"]
    return "\n".join(lines)


def _compared(leaderboard: Sequence[Sequence[Any]]) -> str:
    board = "".join(f"| {_plain(method)} | {accuracy:.1%} |\n" for method, accuracy, *_ in leaderboard)
    return f"\n| method, on labels held out | accuracy |\n|---|---|\n{board}" if board else ""


def _figures(figures: Mapping[str, float], tested_on: str | None) -> str:
    rows = "".join(f"| {_plain(name)} | {value:.1%} |\n" for name, value in figures.items())
    head = _plain(f"on {tested_on}" if tested_on else "on items held out")
    return f"\n| {head} | |\n|---|---|\n{rows}" if rows else ""


def _plain(text: object) -> str:
    """Return text in one line, in which Markdown and HTML find nothing to do."""
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|])", r"\\\1", line)
