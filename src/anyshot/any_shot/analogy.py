"""Explanation by analogy: what the answer for a class without examples rests on.

A class that no example was seen of is known by its class vector alone. Two things can be said of it to a person: which
seen classes it takes after, and what sets it apart.

The likeness to the seen classes is that of kernel ridge, the same by which methods carry weights or corrections from
seen to unseen classes: share = K[k, seen] (K[seen, seen] + penalty I)^-1. A negative share says "unlike this one".
The attributes are those on which the class, as described, lies farthest from the seen classes' mean, in their standard
deviations; an attribute on which the seen classes agree teaches nothing and is not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from anyshot.base.items import Label
from anyshot.base.validation import Indexes
from anyshot.errors import ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.class_vectors import Floats, checked_class_vectors, kernel_ridge_weights, standardized


@dataclass(frozen=True)
class Analogy:
    """What a class is like.

    Attributes
    ----------
    name : str or number
        The class.
    likenesses : tuple of (name, share)
        The classes it rests on, the largest share first; a negative share says "unlike this".
    attributes : tuple of (attribute, z-score)
        What sets it apart from the seen classes, the most telling first; empty where columns have no names.
    """

    name: Label
    likenesses: tuple[tuple[Label, float], ...]
    attributes: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        """Return it as a sentence: "okapi: like zebra 0.41 and horse 0.33; stripes +, long neck +"."""
        signed: dict[str, list[str]] = {"like": [], "unlike": []}
        for name, share in self.likenesses:
            signed["like" if share > 0 else "unlike"].append(f"{name} {abs(share):.2f}")
        taken = ", ".join(f"{word} {_and(found)}" for word, found in signed.items() if found)
        told = ", ".join(f"{attribute} {'+' if score > 0 else '-'}" for attribute, score in self.attributes)
        return f"{self.name}: " + "; ".join([taken or "like no class that was seen", *([told] if told else [])])


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
    """Say of classes which seen ones they are like and what sets them apart.

    Parameters
    ----------
    class_vectors : array-like of shape (c, a)
        The class table.
    seen : rows of it (k,)
        The classes with labels, as `seen_classes_` of a fitted method.
    names : c names
    columns : a names, optional
        What each attribute is called; without them attributes go unmentioned.
    of : rows, optional
        The classes to explain; the unseen ones if not given.
    n_classes, n_attributes : int
        How many of each to name at most.
    penalty : float
        Ridge of the kernel over classes, as in `SemanticMapClassifier` with label_noise=0: its `kernel_weights_` are
        these shares, before each row's absolute values are made to sum to 1.

    Raises
    ------
    ClassesError
        No class is seen; or names or columns do not fit the table.
    UnknownClassError
        A row lies outside the table.
    InputError
        `n_classes` or `n_attributes` is below 0.
    """
    table = checked_class_vectors(class_vectors)
    known, asked = _rows(seen, len(table), "seen"), None if of is None else _rows(of, len(table), "of")
    if not len(known):
        raise ClassesError("No class is seen, so none can be likened to. Give the rows of the classes with labels.")
    if len(names) != len(table) or (columns is not None and len(columns) != table.shape[1]):
        given = f"{len(names)} names" if len(names) != len(table) else f"{len(columns or ())} columns"
        raise ClassesError(f"class_vectors is {table.shape[0]} x {table.shape[1]}; given were {given}.")
    if min(n_classes, n_attributes) < 0:
        raise InputError(f"n_classes={n_classes} and n_attributes={n_attributes} must be 0 or more.")
    asked = np.setdiff1d(np.arange(len(table)), known) if asked is None else asked
    scaled = standardized(table, known)
    shares = kernel_ridge_weights(scaled[asked], scaled[known], penalty=penalty)  # (k, c_seen)
    scores = _scores(np.asarray(class_vectors, dtype=np.float64), known)[asked]  # (k, a), as the person wrote them
    return [
        Analogy(
            names[row],
            _likenesses(share, known, row, names, n_classes),
            () if columns is None else _telling(score, columns, n_attributes),
        )
        for row, share, score in zip(asked.tolist(), shares, scores, strict=True)
    ]


def analogies_of_shares(
    shares: ArrayLike, seen: Indexes, names: Sequence[Label], *, of: Indexes, n_classes: int = 3
) -> list[Analogy]:
    """Return what a fitted method's own shares say of the classes `of` (k rows).

    shares (c, c_seen): how much of each seen class each class takes; seen (c_seen,) their rows; names: c of them.
    """
    table = np.asarray(shares, dtype=np.float64)[of]
    return [
        Analogy(names[row], _likenesses(share, seen, row, names, n_classes))
        for row, share in zip(of.tolist(), table, strict=True)
    ]


def analogies_of_bridge(names: Sequence[Label], rests: Sequence[Sequence[tuple[str, float]]]) -> list[Analogy]:
    """Return the `imagenet_bridge.largest_shares` of the classes `names` as analogies: "heron: like egret 0.30".

    Raises
    ------
    ClassesError
        There is not one list for each name.
    """
    if len(names) != len(rests):
        raise ClassesError(f"There are {len(names)} names and {len(rests)} lists of known classes. Give one a class.")
    return [Analogy(name, tuple(own)) for name, own in zip(names, rests, strict=True)]


def _rows(given: ArrayLike, n_classes: int, what: str) -> Indexes:
    rows = np.asarray(given)
    if rows.size and not np.issubdtype(rows.dtype, np.integer):
        raise InputError(f"{what} must hold rows of the class table, whole numbers; its type is {rows.dtype}.")
    outside = rows[(rows < 0) | (rows >= n_classes)]
    if outside.size:
        raise UnknownClassError(f"{what} names class {outside[0]}; there are {n_classes}, 0 to {n_classes - 1}.")
    return np.asarray(rows.ravel(), dtype=np.intp)


def _scores(table: Floats, seen: Indexes) -> Floats:
    """Return how far each class (c, a) lies from the seen classes' mean, in their deviations; 0 where they agree."""
    spread = table[seen].std(axis=0)  # (a,)
    told = spread > 1e-6 * max(spread.max(), 1e-12)
    return np.where(told, (table - table[seen].mean(axis=0)) / np.where(told, spread, 1), 0)


def _likenesses(
    share: Floats, seen: Indexes, row: int, names: Sequence[Label], n: int
) -> tuple[tuple[Label, float], ...]:
    """Return the `n` largest shares, those of other classes, of a row whose absolute values are made to sum to 1."""
    of_others = np.where(seen == row, 0, share)
    of_others = of_others / max(np.abs(of_others).sum(), 1e-12)
    best = np.argsort(-np.abs(of_others), kind="stable")[:n].tolist()
    return tuple((names[seen[place]], float(of_others[place])) for place in best if of_others[place])


def _telling(score: Floats, columns: Sequence[str], n: int) -> tuple[tuple[str, float], ...]:
    best = np.argsort(-np.abs(score), kind="stable")[:n].tolist()
    return tuple((columns[place], float(score[place])) for place in best if score[place])


def _and(things: Sequence[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
