"""Analogies: which seen classes an unseen class is similar to, and in which attributes it differs from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from anyshot.base.labels import Label
from anyshot.base.messages import enumerated
from anyshot.base.validation import Floats, Indexes
from anyshot.errors import ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.class_vectors import checked_class_vectors, kernel_ridge_weights, standardized

Name = TypeVar("Name", bound=Label)


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
        similar = ", ".join(f"{word} {enumerated(found)}" for word, found in by_sign.items() if found)
        different = ", ".join(f"{attribute} {'+' if score > 0 else '-'}" for attribute, score in self.attributes)
        return f"{self.name}: " + "; ".join([similar or "like no labeled class", *([different] if different else [])])


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
            similar_classes(weight, known, row, names, n=n_classes),
            () if columns is None else _largest(score, columns, n_attributes),
        )
        for row, weight, score in zip(asked.tolist(), weights, scores, strict=True)
    ]


def similar_classes(
    weights: Floats, seen: Indexes, row: int, names: Sequence[Label], *, n: int
) -> tuple[tuple[Label, float], ...]:
    """Return the seen classes with the `n` largest weights in the prediction of class `row`, with these weights.

    weights (k,) of the seen classes `seen` (k,); that of the class itself is left out, and the absolute values of the
    others are scaled to sum to 1.
    """
    of_others = np.where(seen == row, 0, weights)
    of_others = of_others / max(np.abs(of_others).sum(), 1e-12)
    return _largest(of_others, [names[one] for one in seen], n)


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


def _largest(values: Floats, names: Sequence[Name], n: int) -> tuple[tuple[Name, float], ...]:
    """Return the names of the `n` largest absolute values, without zeros, and these values."""
    best = np.argsort(-np.abs(values), kind="stable")[:n].tolist()
    return tuple((names[row], float(values[row])) for row in best if values[row])
