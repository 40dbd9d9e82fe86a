"""The bridge: a network's own classifier, carried to any class names by what the names mean.

An image network trained on 1000 classes has one weight vector for each. A text encoder tells how near a new class's
name lies to the known names; the new class's weights follow from theirs. The result is a linear prior like any other.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot import data
from anyshot.base.validation import Vectors, unit, vectors
from anyshot.errors import ClassesError, InputError
from anyshot.zero_shot import class_embeddings as semantics
from anyshot.zero_shot.class_embeddings import ClassTexts, Embed

NAME_TEMPLATES = ("{}", "a photo of a {}")  # for the new names and the known ones alike
Names: TypeAlias = Sequence[Sequence[str]]  # each known class's synonyms


@dataclass(frozen=True)
class Landmarks:
    """Points in the space of names whose classifier weights are known: classes, and kinds of classes."""

    vectors: Vectors  # (p, d), unit length
    members: NDArray[np.float32]  # (p, k), rows sum to 1: the known classes that a point is the mean of
    names: tuple[tuple[str, ...], ...]  # of each point; a kind has one


def carry(
    class_vectors: ArrayLike,
    known_vectors: ArrayLike,
    weights: ArrayLike,
    *,
    sharpness: float = 8.0,
    ridge: float = 1.0,
) -> Vectors:
    """Return class weights (c, width) of unit length for new classes, carried from a known classifier.

    Use them on unit-length features, as they are or, better, first centered by the mean of a pool of them.

    Parameters
    ----------
    class_vectors : array-like of shape (c, d)
        Text vectors of the new classes' names, made with `NAME_TEMPLATES`.
    known_vectors : array-like of shape (k, d)
        Text vectors of the known classes, from `known_class_vectors`.
    weights : array-like of shape (k, width)
        The known classifier's last layer.
    sharpness : float
        How fast a known class stops to count as its name moves away, per unit of cosine.
    ridge : float
        How little a single known class is believed; 0 goes through every known class's own weights.

    Raises
    ------
    InputError
        Rows of `known_vectors` and `weights` differ in number, a text vector is zero, a parameter is out of range, or
        the weights of all known classes are alike.
    WidthError
        The two kinds of text vectors differ in width.

    References
    ----------
    Elhoseiny, Saleh, Elgammal. Write a Classifier: Zero-Shot Learning Using Purely Textual Descriptions. ICCV 2013,
    section 4 (regression from text to classifier weights).
    """
    return unit(carried(class_vectors, known_vectors, weights, sharpness=sharpness, ridge=ridge))


def rests_on(
    class_vectors: ArrayLike,
    known_vectors: ArrayLike,
    names: Names,
    *,
    n: int = 5,
    sharpness: float = 8.0,
    ridge: float = 1.0,
) -> list[list[tuple[str, float]]]:
    """List, for each new class, the `n` known classes it rests on most, each with its share of the whole.

    Shares are those of `carry` with the same parameters. A negative one says "unlike this"; their absolute values sum
    to 1 over all known classes.

    Raises
    ------
    InputError
        As `carry`; or `names` does not name each known class.
    """
    share = _shares(class_vectors, known_vectors, sharpness=sharpness, ridge=ridge)
    if len(names) != share.shape[1]:
        raise InputError(f"There are {share.shape[1]} known classes and {len(names)} names. Name each known class.")
    share = share / np.abs(share).sum(axis=1, keepdims=True)
    nearest = np.argsort(-np.abs(share), axis=1, kind="stable")[:, :n]  # (c, n)
    return [[(names[known][0], float(row[known])) for known in best] for row, best in zip(share, nearest, strict=True)]


def known_class_vectors(names: Names, embed: Embed, *, kinds: bool = True) -> Vectors:
    """Return the text vectors (k, d) of known classes: half their synonyms, half the kinds of thing they are.

    Text encoders go by the letter: "bird" lies nearest to birdhouse, "deer" to Scottish Deerhound. Told that a robin
    is a bird, they answer better to the common names that people give. A class of no listed kind keeps its synonyms.

    Parameters
    ----------
    names : sequence of sequences of str
        Each known class's synonyms, as `LinearClassifier.names` holds them.
    embed : callable
        Texts to unit-length vectors (n, d).
    kinds : bool
        Whether the ImageNet kinds that the package carries are looked up by name.

    Raises
    ------
    ClassesError
        A class has no name.
    """
    nameless = [row for row, own in enumerate(names) if not own]
    if nameless:
        raise ClassesError(f"Known class {nameless[0]} has no name. Give each known class at least one.")
    of_names = _means(names, embed)
    kinds_of = kinds_by_name() if kinds else {}
    found = [sorted({kind for name in own for kind in kinds_of.get(name.lower(), ())}) for own in names]
    told = [row for row, own in enumerate(found) if own]
    if told:
        of_names[told] = unit(of_names[told] + _means([found[row] for row in told], embed))
    return of_names


def landmarks(names: Names, embed: Embed) -> Landmarks:
    """Return the known classes by their synonyms, and each kind of them that the package lists as a point of its own.

    A kind's weights are the mean of its classes' weights: use ``carry(new, found.vectors, found.members @ weights)``.
    "Bird" then meets the birds, and a robin is not drawn halfway to every other bird as in `known_class_vectors`.

    Parameters
    ----------
    names : sequence of sequences of str
        Each known class's synonyms, as `LinearClassifier.names` holds them.
    embed : callable
        Texts to unit-length vectors (n, d).

    Raises
    ------
    ClassesError
        A class has no name.
    """
    of_names = known_class_vectors(names, embed, kinds=False)  # (k, d)
    kinds_of = kinds_by_name()
    found = [{kind for name in own for kind in kinds_of.get(name.lower(), ())} for own in names]
    listed = sorted(set().union(*found))
    belongs = np.array([[kind in own for own in found] for kind in listed], dtype=np.float32).reshape(-1, len(names))
    members = np.concatenate([np.eye(len(names), dtype=np.float32), belongs / belongs.sum(axis=1, keepdims=True)])
    of_kinds = _means([[kind] for kind in listed], embed) if listed else of_names[:0]
    return Landmarks(np.concatenate([of_names, of_kinds]), members, (*map(tuple, names), *((kind,) for kind in listed)))


def kinds_by_name() -> dict[str, tuple[str, ...]]:
    """Return the kinds of each ImageNet class by each of its names in small letters; ambiguous names are left out."""
    folder = resources.files(data)
    classes = json.loads(folder.joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    runs = json.loads(folder.joinpath("imagenet_kinds.json").read_text(encoding="utf-8"))
    times = Counter(name.lower() for own in classes for name in own)
    kinds_of: dict[str, tuple[str, ...]] = {}
    for kind, ranges in runs.items():
        for row in (row for first, last in ranges for row in range(first, last + 1)):
            for name in (name.lower() for name in classes[row] if times[name.lower()] == 1):
                kinds_of[name] = (*kinds_of.get(name, ()), kind)
    return kinds_of


def carried(
    class_vectors: ArrayLike,
    known_vectors: ArrayLike,
    weights: ArrayLike,
    *,
    sharpness: float = 8.0,
    ridge: float = 1.0,
) -> NDArray[np.float64]:
    """Return what `carry` does (c, width) at its own length, which says how far the name is known to the bridge.

    Far from every known name the kernel vanishes and so do the weights; a name amid known classes that have nothing in
    common gets a blend of theirs, which is short too. `transductive.refine` believes longer vectors more. Parameters
    and errors are those of `carry`.
    """
    known_weights = vectors(weights, name="weights").astype(np.float64)
    share = _shares(class_vectors, known_vectors, sharpness=sharpness, ridge=ridge)  # (c, k)
    if share.shape[1] != len(known_weights):
        raise InputError(
            f"known_vectors has {share.shape[1]} rows and weights has {len(known_weights)}. Give one row a known class."
        )
    # What all known classes have in common tells none of them apart: softmax does not see it.
    apart = known_weights - known_weights.mean(axis=0)  # (k, width)
    if not apart.any():
        raise InputError("The weights of all known classes are alike: this classifier tells no class apart.")
    return np.asarray(share @ apart, dtype=np.float64)


def _shares(
    class_vectors: ArrayLike, known_vectors: ArrayLike, *, sharpness: float, ridge: float
) -> NDArray[np.float64]:
    """Return how much each known class counts for each new one (c, k).

    Look for the map f from text to weights that is smooth over the space of names and passes near the known classes:

        min_f  sum_j |f(t_j) - w_j|^2 + ridge |f|^2,   kernel k(s, t) = exp(sharpness (cos(s, t) - 1)).

    The answer (kernel ridge regression, or the mean of a Gaussian process) is linear in the known weights:

        f(s) = k(s, T) (K + ridge I)^-1 W = share W,   K = k(T, T).

    The inverse is what the plain weighted mean, softmax(cos) W, lacks: fifty known dogs do not outvote one wolf.
    """
    if not (sharpness > 0 and ridge >= 0):
        raise InputError(f"sharpness must be > 0 and ridge >= 0; given: sharpness={sharpness}, ridge={ridge}.")
    known = _directions(known_vectors, name="known_vectors")
    new = _directions(class_vectors, name="class_vectors", width=known.shape[1])
    kernel = np.exp(sharpness * (known @ known.T - 1))  # (k, k)
    kernel += max(ridge, 1e-8) * np.eye(len(known))  # two known classes of one name would leave no inverse
    near = np.exp(sharpness * (new @ known.T - 1))  # (c, k)
    share: NDArray[np.float64] = np.linalg.solve(kernel, near.T).T
    return share


def _directions(X: ArrayLike, *, name: str, width: int | None = None) -> NDArray[np.float64]:
    """Return text vectors scaled to length 1, or name the row that has no direction."""
    table = vectors(X, width=width, name=name).astype(np.float64)
    length: NDArray[np.float64] = np.linalg.norm(table, axis=1, keepdims=True)
    if not length.all():
        raise InputError(f"{name} has only zeros in row {np.flatnonzero(length == 0)[0]}. A name needs a direction.")
    directions: NDArray[np.float64] = table / length
    return directions


def _means(texts: Names, embed: Embed) -> Vectors:
    """Return the unit mean of each row's texts (n, d), all of equal weight."""
    distinct = list(dict.fromkeys(text for own in texts for text in own))
    place = {text: row for row, text in enumerate(distinct)}
    singles = ClassTexts(names=tuple(distinct), texts=tuple((text,) for text in distinct))
    space = semantics.class_vectors(singles, embed, templates=NAME_TEMPLATES)
    return unit(np.stack([space[[place[text] for text in own]].mean(axis=0) for own in texts]))
