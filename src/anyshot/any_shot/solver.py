"""The any-shot head: softmax regression that starts from class vectors."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.defaults import Strength
from anyshot.any_shot.model import LinearModel
from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import NotEnoughClassesError
from anyshot.training.softmax_regression import Examples, fit_softmax, labeled_examples

# With n vectors x (d,), class vectors S (c, d) in the same space, both of unit length, and labels y:
#
#     scores(x) = prior_scale S x + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# The sum runs over the labeled vectors, w = 1, and over the class vectors themselves, w = name_weight: a class vector
# counts as an example of its class. m (c,) is the total weight of each class in that sum; it makes up for uneven label
# counts (`training.softmax_regression`). A class without labels stays in the softmax through its class vector, at
# log(name_weight), where the labels of other classes hardly lower its scores. Without labels V = b = 0, exactly
# zero-shot; with many it is plain logistic regression. Unlabeled vectors enter with soft targets and small weights.


class HeadOptions(NamedTuple):
    """Parameters of the any-shot head; `AnyShotHead` documents them."""

    prior_scale: float = 5.0
    C: float = 10.0
    name_weight: float = 0.5
    tol: float = 2e-5


def check_two_classes(possible: NDArray[np.bool_]) -> None:
    """Raise NotEnoughClassesError unless two classes can be predicted; possible (c,): by a label or a class vector."""
    if np.count_nonzero(possible) < 2:
        raise NotEnoughClassesError(f"At least two of the {len(possible)} classes need a label or a class vector.")


def fit_head(
    vectors: Vectors,
    index: Indexes,
    class_vectors: Vectors,
    options: HeadOptions,
    *,
    more: Examples | None = None,
    start: LinearModel | None = None,
) -> tuple[LinearModel, LinearModel]:
    """Return the any-shot head fitted to vectors (n, d) of classes `index` (n,), and the part that labels added to it.

    class_vectors (c, d): zeros for a class without one; more: further examples; start: an earlier second result, to
    begin from. A class with neither a label nor a class vector gets the intercept -inf.
    """
    S = class_vectors
    named = np.flatnonzero(S.any(axis=1))
    names = labeled_examples(S[named], named, len(S), weight=options.name_weight)
    parts = [labeled_examples(vectors, index, len(S)), names, *([] if more is None else [more])]
    examples = Examples(*(np.concatenate(own) for own in zip(*parts, strict=True)))
    possible = S.any(axis=1) | (examples.mass > 0)  # (c,)
    check_two_classes(possible)
    delta = LinearModel(np.zeros_like(S), np.zeros(len(S), np.float32))
    if len(vectors) or (more is not None and more.weights.any()):
        prior = options.prior_scale * examples.vectors @ S.T  # (n, c)
        delta = LinearModel(*fit_softmax(examples, prior, C=options.C, start=start, tol=options.tol))
    coef = np.asarray(options.prior_scale * S + delta.coef, dtype=np.float32)
    return LinearModel(coef, np.where(possible, delta.intercept, np.float32(-np.inf))), delta


def fit_average(
    vectors: Vectors,
    index: Indexes,
    class_vectors: Vectors,
    factors: Mapping[Strength, float],
    *,
    start: Mapping[Strength, LinearModel],
    more: Examples | None = None,
    tol: float = 2e-5,
) -> tuple[LinearModel, dict[Strength, LinearModel]]:
    """Return the sum of one head for each strength, each times its factor, and what labels added to each head.

    The arguments are those of `fit_head`; start: earlier second results, to begin from.
    """
    nearest = next(iter(start.values()), None)  # a head of another strength is closer to the solution than zero
    heads, deltas = [], {}
    for strength, factor in factors.items():
        options = HeadOptions(C=strength.C, tol=tol)
        S = np.asarray(strength.prior_weight * class_vectors, dtype=np.float32)
        begin = start.get(strength, nearest)
        head, deltas[strength] = fit_head(vectors, index, S, options, more=more, start=begin)
        heads.append(head.scaled(factor))
    return LinearModel(*(np.sum(own, axis=0) for own in zip(*heads, strict=True))), deltas
