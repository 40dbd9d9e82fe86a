"""Model cards: the README of a saved model, with the metadata that model hubs read.

Names and examples are escaped, so that they can be neither markup nor metadata.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from anyshot.base.messages import with_interval

MAX_CLASSES: Final = 20
"""Classes that a card names."""


def model_card(
    facts: Mapping[str, Any],
    *,
    modality: str | None = None,
    base_model: str | None = None,
    figures: Mapping[str, float] | None = None,
    tested_on: str | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Return the card of a saved any-shot model, or of a saved network with a head.

    modality: the encoder's, "text" or "image"; base_model: the encoder's name on a model hub; figures: fractions by
    name, such as {"accuracy": 0.91}, measured on items that the model was not fitted on; tested_on: what these are;
    intervals: 95 % intervals of some of the figures.
    """
    about = _about_network(facts) if _is_network(facts) else _about_model(facts)
    names = ", ".join(map(_escaped, about.classes[:MAX_CLASSES])) + (
        ", ..." if len(about.classes) > MAX_CLASSES else ""
    )
    listed = "\n".join(f"- {_escaped(reason)}" for reason in about.reasons)
    return f"""---
{_metadata(modality, base_model, figures or {}, tested_on)}
---

# {len(about.classes)} classes, {about.title}

Classes: {names}

Encoder: {_escaped(encoder_name(facts))}{about.method}

{listed}
{about.board}{_figures(figures or {}, tested_on, intervals or {})}
{about.contents}

```python
from anyshot import load

load("this/folder").predict([...])
```
"""


def encoder_name(facts: Mapping[str, Any]) -> str:
    """Return the name of a saved model's encoder."""
    return str(facts["parameters"]["encoder"] if _is_network(facts) else facts["encoder"]["name"])


def _is_network(facts: Mapping[str, Any]) -> bool:
    """Return whether these are the facts of a network with a head."""
    return "frozen" in facts


class _About(NamedTuple):
    """The parts of a card that depend on the kind of model."""

    title: str  # after the number of classes
    classes: Sequence[Any]
    method: str  # after the encoder
    reasons: Sequence[str]
    contents: str
    board: str = ""


def _about_model(facts: Mapping[str, Any]) -> _About:
    """Return the parts of the card of an any-shot model."""
    board = "".join(
        f"| {_escaped(method)} | {with_interval(accuracy, rest[2:4])} |\n"
        for method, accuracy, *rest in facts["leaderboard"]
    )
    words = (
        "It also lists\nthe words that several texts share, labeled or not. "
        if facts["encoder"].get("semantics")
        else ""
    )
    return _About(
        f"{len(facts['training_set']['examples'])} labeled examples",
        facts["training_set"]["classes"],
        f". Method: {_escaped(facts['model']['method'])}.",
        facts["model"]["reasons"],
        "The folder contains the vectors of the labeled and unlabeled items and the text (or file name) of each "
        f"labeled\nexample, for updates and explanations. {words}Share it only with people who may see these.",
        board and f"\n| method, on held-out labels | accuracy, 95 % interval |\n|---|---|\n{board}",
    )


def _about_network(facts: Mapping[str, Any]) -> _About:
    """Return the parts of the card of a network with a head."""
    return _About(
        "predicted by a trained network",
        facts["classes"],
        f", trained from {_escaped(facts['freeze_at'])} on. Trained by {facts['kind']}.",
        facts["reasons"],
        "The folder contains the trained stages and the head, and none of the items.",
    )


def _metadata(modality: str | None, base: str | None, figures: Mapping[str, float], tested_on: str | None) -> str:
    """Return the YAML front matter. Every text is written as JSON, which is valid YAML and cannot end the block."""
    lines = ["library_name: anyshot"]
    task = f"{modality}-classification" if modality else None
    if task is not None:
        lines.append(f"pipeline_tag: {task}")
    if base:
        lines.append(f"base_model: {json.dumps(base)}")
    lines += ["tags:", "- transfer-learning", "- few-shot"]
    if figures:
        data = json.dumps(tested_on or "held-out items")
        lines += ["metrics:", *(f"- {json.dumps(name)}" for name in figures)]
        lines += ["model-index:", "- name: anyshot model", "  results:", "  - task:", f"      type: {task or 'other'}"]
        lines += ["    dataset:", f"      name: {data}", "      type: other", "    metrics:"]
        for name, value in figures.items():
            lines += [f"    - type: {json.dumps(name)}", f"      value: {float(value):.4f}"]
    return "\n".join(lines)


def _figures(figures: Mapping[str, float], tested_on: str | None, intervals: Mapping[str, tuple[float, float]]) -> str:
    rows = "".join(
        f"| {_escaped(name)} | {with_interval(value, intervals.get(name, ()))} |\n" for name, value in figures.items()
    )
    head = _escaped(f"on {tested_on or 'held-out items'}")
    return f"\n| {head} | |\n|---|---|\n{rows}" if rows else ""


def _escaped(text: object) -> str:
    """Return text on one line, with Markdown and HTML escaped."""
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|])", r"\\\1", line)
