"""Explanations of predictions: the most similar labeled examples, and similar classes where there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from anyshot.any_shot.model import CHUNK, Model
from anyshot.any_shot.prior import corrected_class_vectors, initial_class_vectors
from anyshot.base.items import Items, item_names
from anyshot.base.labels import UNKNOWN, Label
from anyshot.base.messages import shortened
from anyshot.base.terminal import escaped, html_table, rich_table
from anyshot.base.validation import Indexes, Vectors
from anyshot.zero_shot.class_analogies import Analogy, similar_classes
from anyshot.zero_shot.class_embeddings import nearest_text, nearest_texts

if TYPE_CHECKING:  # it is loaded by who prints explanations
    from rich.table import Table

N_WORDS: Final = 3
"""Most similar words of a class that an explanation names."""
_COLUMNS: Final = ("item", "prediction", "probability", "next", "because")


@dataclass(frozen=True)
class Neighbor:
    """A labeled example that is similar to an item."""

    example: str
    label: Label
    cosine: float


@dataclass(frozen=True)
class Explanation:
    """Why an item got its prediction."""

    item: str
    is_known: bool
    """Whether a class is close enough; if not, `predict` returns "unknown"."""
    label: Label
    """The most probable class, close enough or not."""
    probability: float
    runner_up: Label
    margin: float
    """Probability of the most probable class minus that of the next."""
    matched: str | None
    """The text of the class that is most similar to the item; None if the class has no texts."""
    neighbors: tuple[Neighbor, ...]
    """The labeled examples most similar to the item, of any class."""
    analogy: Analogy | None = None
    """For a class without examples, the classes that its prediction relies on."""
    words: tuple[str, ...] = ()
    """The words by which the class is read that are most similar to the item."""
    columns: tuple[str, ...] = ()
    """The columns of a row of features that count most for the class, against the next, the most important first."""

    @property
    def answer(self) -> Label:
        """What `predict` returns."""
        return self.label if self.is_known else UNKNOWN

    def __str__(self) -> str:
        answer, label, runner_up = (shortened(str(name)) for name in (self.answer, self.label, self.runner_up))
        own = f"{100 * self.probability:.0f} %; next {runner_up} {100 * (self.probability - self.margin):.0f} %"
        # The probabilities are of the classes, given that the item is of one of them.
        shares = own if self.is_known else f"next {label} {100 * self.probability:.0f} %"
        return escaped("\n".join([f"{answer} ({shares}): {self.item}", *(f"  {line}" for line in self.reasons())]))

    def reasons(self) -> list[str]:
        """Return the reasons for the prediction, one line each."""
        label = shortened(str(self.label))
        lines = [] if self.is_known else [f"the closest class is {label}, but it is not close enough"]
        lines += [f"columns that count most for {label}: {', '.join(self.columns)}"] if self.columns else []
        lines += [] if self.matched is None else [f'most similar text of {label}: "{shortened(self.matched)}"']
        lines += [f"most similar words of {label}: {', '.join(self.words)}"] if self.words else []
        lines += [] if self.analogy is None else [f"no labeled example; {self.analogy}"]
        near = [(f"{one.cosine:.2f}", shortened(str(one.label)), one.example) for one in self.neighbors]
        return lines + [f"{cosine} similar to {name}: {example}" for cosine, name, example in near]

    def _cells(self) -> tuple[str, ...]:
        """Return the texts of the columns of a table."""
        own, reasons = f"{100 * self.probability:.0f} %", "\n".join(self.reasons())
        answer, label, runner_up = (shortened(str(name)) for name in (self.answer, self.label, self.runner_up))
        if not self.is_known:  # nothing is known of the probability that the item is of no class
            return self.item, answer, "-", f"{label}\n{own}", reasons
        return self.item, answer, own, f"{runner_up}\n{100 * (self.probability - self.margin):.0f} %", reasons


class Explanations(tuple[Explanation, ...]):
    """One explanation for each item; prints as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(one) for one in self)

    __repr__ = __str__

    def __rich__(self) -> "Table":
        """Return a table for `rich.print`."""
        return rich_table(_COLUMNS, [one._cells() for one in self], framed=True)

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, [one._cells() for one in self])


def explain(model: Model, items: Items, *, k: int) -> Explanations:
    """Return why the model predicts what it does for each item, with the `k` most similar labeled examples."""
    vectors, names = model.encode(items), model.data.classes.tolist()
    probabilities = model.probabilities(vectors)
    best_two = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]  # (n, 2)
    known, neighbors = model.predict(vectors) >= 0, _neighbors(model, vectors, k)
    texts: Sequence[str | None] = [None] * len(vectors)
    words: Sequence[tuple[str, ...]] = [()] * len(vectors)
    if model.embedder.reader.encode is not None:
        texts = nearest_text(vectors, best_two[:, 0], model.data.texts, model.embedder.encode_texts)
        words = _nearest_words(model, vectors, best_two[:, 0])
    analogy_of, table = _analogies(model, best_two[:, 0]), model.embedder.table
    columns: Sequence[tuple[str, ...]] = [()] * len(vectors)
    if table is not None:
        columns = table.largest_columns((model.coef[best_two[:, 0]] - model.coef[best_two[:, 1]]) * vectors)
    return Explanations(
        Explanation(
            item=item,
            is_known=bool(known[row]),
            label=names[first],
            probability=float(probabilities[row, first]),
            runner_up=names[second],
            margin=float(probabilities[row, first] - probabilities[row, second]),
            matched=texts[row],
            neighbors=neighbors[row],
            analogy=analogy_of.get(int(first)),
            words=words[row],
            columns=columns[row],
        )
        for row, (item, (first, second)) in enumerate(zip(item_names(items), best_two, strict=True))
    )


def _nearest_words(model: Model, vectors: Vectors, index: Indexes) -> list[tuple[str, ...]]:
    """Return, for each vector (n, d), the most similar words by which its class `index` (n,) is read."""
    if model.data.from_source:  # its class vectors come from another domain
        return [()] * len(index)
    listed = [() if own.source == "any" else own.words for own in model.embedder.reader.readings(model.data.texts)]
    return nearest_texts(vectors, index, listed, model.embedder.encode_texts, n=N_WORDS)


def _neighbors(model: Model, vectors: Vectors, k: int) -> list[tuple[Neighbor, ...]]:
    """Return the `k` labeled examples most similar to each vector (n, d)."""
    data, names, labeled = model.data, model.data.classes.tolist(), model.data.labeled
    is_text = model.embedder.encoder is None or model.embedder.encoder.modality == "text"
    # Of an image path only the folder and the name are included, since explanations are passed on to others.
    examples = [text if is_text else "/".join(Path(text).parts[-2:]) for text in data.examples]
    rows = max(1, CHUNK // max(1, len(labeled)))
    found: list[tuple[Neighbor, ...]] = []
    for first in range(0, len(vectors), rows):  # so that memory stays bounded
        for cosines in vectors[first : first + rows] @ labeled.T:  # (l,)
            limit = np.partition(-cosines, k - 1)[k - 1] if k < len(cosines) else np.inf
            near = np.flatnonzero(-cosines <= limit)
            nearest = near[np.argsort(-cosines[near], kind="stable")][:k]
            found.append(tuple(Neighbor(examples[n], names[data.index[n]], float(cosines[n])) for n in nearest))
    return found


def _analogies(model: Model, index: Indexes) -> dict[int, Analogy]:
    """Return the analogy of each class among `index` (n,) that has no labeled example."""
    data, names, bridge = model.data, model.data.classes.tolist(), model.embedder.reader.bridge
    unlabeled = np.setdiff1d(index, data.index).tolist()
    if bridge is not None and not data.from_source:
        described = [row for row in unlabeled if data.texts.texts[row]]
        similar = bridge.similar_classes(data.texts.of(described)) if described else []
        return {row: Analogy(names[row], tuple(own)) for row, own in zip(described, similar, strict=True)}
    if model.prior != "corrected" or not unlabeled:
        return {}
    _, weights, seen = corrected_class_vectors(initial_class_vectors(data), data)
    return {row: Analogy(names[row], similar_classes(weights[row], seen, row, names, n=3)) for row in unlabeled}
