"""Explanations of predictions: the most similar labeled examples, and similar classes where there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anyshot.any_shot.model import CHUNK, Model
from anyshot.base.items import UNKNOWN, Items, Label, item_names
from anyshot.base.validation import Floats, Indexes, Vectors
from anyshot.errors import ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.class_embeddings import nearest_text
from anyshot.zero_shot.class_vectors import checked_class_vectors, kernel_ridge_weights, standardized

Name = TypeVar("Name", bound=Label)


@dataclass(frozen=True)
class Neighbor:
    """A labeled example that is similar to an item."""

    example: str
    label: Label
    cosine: float


@dataclass(frozen=True)
class Analogy:
    """Which other classes a class without examples is similar to."""

    name: Label
    similar_classes: tuple[tuple[Label, float], ...]
    """The classes that its prediction relies on, with weights, the largest first; a negative one means "unlike"."""
    attributes: tuple[tuple[str, float], ...] = ()
    """The attributes in which it differs most from the labeled classes, with z-scores; empty without their names."""

    def __str__(self) -> str:
        """Return a sentence: "okapi: like zebra 0.41 and horse 0.33; stripes +, long neck +"."""
        by_sign: dict[str, list[str]] = {"like": [], "unlike": []}
        for name, weight in self.similar_classes:
            by_sign["like" if weight > 0 else "unlike"].append(f"{name} {abs(weight):.2f}")
        similar = ", ".join(f"{word} {_and(found)}" for word, found in by_sign.items() if found)
        different = ", ".join(f"{attribute} {'+' if score > 0 else '-'}" for attribute, score in self.attributes)
        return f"{self.name}: " + "; ".join([similar or "like no labeled class", *([different] if different else [])])


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

    @property
    def answer(self) -> Label:
        """What `predict` returns."""
        return self.label if self.is_known else UNKNOWN

    def __str__(self) -> str:
        head = f"{self.answer} ({self.probability:.0%}; next {self.runner_up}, {self.margin:.0%} less): {self.item}"
        return "\n".join([head, *(f"  {line}" for line in self.reasons())])

    def reasons(self) -> list[str]:
        """Return the reasons for the prediction, one line each."""
        lines = [] if self.is_known else [f"the closest class is {self.label}, but it is not close enough"]
        if self.matched is not None:
            lines.append(f'most similar text of {self.label}: "{self.matched}"')
        if self.analogy is not None:
            lines.append(f"no labeled example; {self.analogy}")
        lines += [f"{near.cosine:.2f} similar to {near.label}: {near.example}" for near in self.neighbors]
        return lines


@dataclass(frozen=True)
class Explanations(Sequence[Explanation]):
    """One explanation for each item; prints as a table."""

    items: tuple[Explanation, ...]

    @overload
    def __getitem__(self, row: int) -> Explanation: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Explanation]: ...
    def __getitem__(self, row: int | slice) -> Explanation | Sequence[Explanation]:
        """Return one explanation, or several."""
        return self.items[row]

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return "\n".join(str(item) for item in self.items)

    __repr__ = __str__

    def __rich__(self) -> Group:
        """Return a table for `rich.print`."""
        table = Table(*_COLUMNS, show_lines=True)
        for one in self.items:
            probability, behind = f"{one.probability:.0%}", f"{one.runner_up}\n-{one.margin:.0%}"
            because = Text("\n".join(one.reasons()))
            table.add_row(Text(one.item), Text(str(one.answer)), probability, Text(behind), because)
        return Group(table)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(one.item)}</td><td><b>{escape(str(one.answer))}</b></td><td>{one.probability:.0%}</td>"
            f"<td>{escape(str(one.runner_up))} (-{one.margin:.0%})</td>"
            f"<td>{'<br>'.join(escape(line) for line in one.reasons())}</td></tr>"
            for one in self.items
        )
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


_COLUMNS = ("item", "prediction", "probability", "next", "because")


def explain(model: Model, items: Items, *, k: int) -> Explanations:
    """Return why the model predicts what it does for each item, with the `k` most similar labeled examples."""
    if len(items) == 0:
        return Explanations(())
    vectors, names = model.encode(items), model.data.classes.tolist()
    probabilities = model.probabilities(vectors)
    best_two = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]  # (n, 2)
    known, neighbors = model.predict(vectors) >= 0, _neighbors(model, vectors, k)
    texts: Sequence[str | None] = [None] * len(vectors)
    if model.embedder.reads_texts:
        texts = nearest_text(vectors, best_two[:, 0], model.data.texts, model.embedder.encode_texts)
    analogy_of = _analogies(model, best_two[:, 0])
    return Explanations(
        tuple(
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
            )
            for row, (item, (first, second)) in enumerate(zip(item_names(items), best_two, strict=True))
        )
    )


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
    data, names = model.data, model.data.classes.tolist()
    unlabeled = np.setdiff1d(index, data.index)
    if model.embedder.uses_bridge:
        unlabeled = unlabeled[[bool(data.texts.texts[row]) for row in unlabeled]]
        if not len(unlabeled):
            return {}
        similar = model.embedder.similar_known_classes(data.texts.of(unlabeled.tolist()))
        return {row: Analogy(names[row], tuple(own)) for row, own in zip(unlabeled.tolist(), similar, strict=True)}
    if model.prior == "corrected" and len(unlabeled):
        _, weights, seen = data.corrected_class_vectors()
        return {row: Analogy(names[row], _similar(weights[row], seen, row, names, 3)) for row in unlabeled.tolist()}
    return {}


def analogies(
    class_vectors: ArrayLike,
    seen: ArrayLike,
    names: Sequence[Label],
    *,
    columns: Sequence[str] | None = None,
    of: ArrayLike | None = None,
    n_classes: int = 3,
    n_attributes: int = 4,
    penalty: float = 0.1,
) -> list[Analogy]:
    """Return which labeled classes other classes are similar to, and in which attributes they differ.

    The weights are those of kernel ridge, K[k, seen] (K[seen, seen] + penalty I)^-1, by which `SemanticMapClassifier`
    maps weights from seen to unseen classes. The attributes are those in which a class lies farthest from the mean of
    the seen classes, in their standard deviations; an attribute that all seen classes share is left out.

    Parameters
    ----------
    class_vectors : array-like of shape (c, a)
        Attributes of each class.
    seen : array-like of shape (k,)
        Rows of the classes with labels, such as `seen_classes_` of a fitted method.
    names : sequence of c names
    columns : sequence of a names, optional
        Names of the attributes; without them attributes are left out.
    of : array-like of rows, optional
        The classes to explain; by default those that are not seen.
    n_classes, n_attributes : int
        Largest number of classes and attributes to name.
    penalty : float
        Ridge penalty, as in `SemanticMapClassifier` with label_noise=0, whose `kernel_weights_` these are, before the
        absolute values of each row are scaled to sum to 1.

    Raises
    ------
    ClassesError
        `seen` is empty, or the number of names or columns does not match class_vectors.
    UnknownClassError
        A row is out of range.
    InputError
        `n_classes` or `n_attributes` is below 0.
    """
    table = checked_class_vectors(class_vectors)
    known, asked = _rows(seen, len(table), "seen"), None if of is None else _rows(of, len(table), "of")
    if not len(known):
        raise ClassesError("seen is empty. Pass the rows of the classes that have labels.")
    if len(names) != len(table) or (columns is not None and len(columns) != table.shape[1]):
        given = f"{len(names)} names" if len(names) != len(table) else f"{len(columns or ())} columns"
        raise ClassesError(f"class_vectors has the shape {table.shape[0]} x {table.shape[1]}, but there are {given}.")
    if min(n_classes, n_attributes) < 0:
        raise InputError(f"n_classes={n_classes} and n_attributes={n_attributes} must be 0 or more.")
    asked = np.setdiff1d(np.arange(len(table)), known) if asked is None else asked
    scaled = standardized(table, known)
    weights = kernel_ridge_weights(scaled[asked], scaled[known], penalty=penalty)  # (k, c_seen)
    scores = _z_scores(np.asarray(class_vectors, dtype=np.float64), known)[asked]  # (k, a), in the user's units
    return [
        Analogy(
            names[row],
            _similar(weight, known, row, names, n_classes),
            () if columns is None else _largest(score, columns, n_attributes),
        )
        for row, weight, score in zip(asked.tolist(), weights, scores, strict=True)
    ]


def _rows(given: ArrayLike, n_classes: int, what: str) -> Indexes:
    rows = np.asarray(given)
    if rows.size and not np.issubdtype(rows.dtype, np.integer):
        raise InputError(f"{what} must contain row numbers of class_vectors (integers); its dtype is {rows.dtype}.")
    outside = rows[(rows < 0) | (rows >= n_classes)]
    if outside.size:
        raise UnknownClassError(f"{what} contains row {outside[0]}, but there are {n_classes} classes.")
    return np.asarray(rows.ravel(), dtype=np.intp)


def _z_scores(table: Floats, seen: Indexes) -> Floats:
    """Return the z-scores of all classes (c, a) over the seen classes; 0 where these are all equal."""
    spread = table[seen].std(axis=0)  # (a,)
    varies = spread > 1e-6 * max(spread.max(), 1e-12)
    return np.where(varies, (table - table[seen].mean(axis=0)) / np.where(varies, spread, 1), 0)


def _similar(
    weights: Floats, seen: Indexes, row: int, names: Sequence[Label], n: int
) -> tuple[tuple[Label, float], ...]:
    """Return the `n` largest weights of other classes than `row`; all absolute values are scaled to sum to 1."""
    of_others = np.where(seen == row, 0, weights)
    of_others = of_others / max(np.abs(of_others).sum(), 1e-12)
    return _largest(of_others, [names[one] for one in seen], n)


def _largest(values: Floats, names: Sequence[Name], n: int) -> tuple[tuple[Name, float], ...]:
    """Return the names of the `n` largest absolute values, without zeros, and these values."""
    best = np.argsort(-np.abs(values), kind="stable")[:n].tolist()
    return tuple((names[row], float(values[row])) for row in best if values[row])


def _and(things: Sequence[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
