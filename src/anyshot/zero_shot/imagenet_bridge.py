"""Classifier weights for new class names, predicted from those of ImageNet classes with similar names.

An image network trained on ImageNet has a weight vector for each of 1000 classes. Kernel ridge regression from the text
vectors of their names to these weights predicts the weights of new classes from their names.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib import resources
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot import data
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Floats, Vectors, unit, vectors
from anyshot.errors import ClassesError, InputError
from anyshot.zero_shot.class_embeddings import Embed, embed_classes
from anyshot.zero_shot.class_texts import ClassTexts, own_readings
from anyshot.zero_shot.class_vectors import kernel_ridge_weights, unit_rows

NAME_TEMPLATES = ("{}", "a photo of a {}")  # for new names and known ones alike
PLURALS = (("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""))
"""Endings of plurals, and of their singulars."""
Names: TypeAlias = Sequence[Sequence[str]]  # the synonyms of each known class


class KnownClasses(NamedTuple):
    """Classes and hypernyms of classes as points in text space whose classifier weights are known."""

    vectors: Vectors  # (p, d), unit length
    members: NDArray[np.float32]  # (p, k), rows sum to 1: the classes whose weights a point averages
    names: tuple[tuple[str, ...], ...]  # of each point


class ImageNetBridge:
    """Classes as weights of an image classifier, by comparing their names with those of the classes that it knows.

    Parameters
    ----------
    classifier : LinearClassifier
        The last layer of the image classifier, with the names of its classes.
    embed : callable
        Maps texts to unit-length vectors (n, d).
    """

    templates: tuple[str, ...] = NAME_TEMPLATES

    def __init__(self, classifier: LinearClassifier, embed: Embed) -> None:
        self.classifier, self.embed = classifier, embed

    @cached_property
    def known(self) -> KnownClasses:
        """The known classes and their hypernyms; their names are encoded on first use."""
        return known_classes(self.classifier.names, self.embed)

    def embed_classes(self, texts: ClassTexts) -> Vectors:
        """Return the weights of new classes (c, width), zeros for a class without a text that has letters."""
        names, weights = self._encoded(texts), self.known.members @ self.classifier.weights  # (c, d), (p, width)
        embeddings, readable = np.zeros((len(names), weights.shape[1]), np.float32), names.any(axis=1)
        if readable.any():
            embeddings[readable] = transfer_weights(names[readable], self.known.vectors, weights)
        return embeddings

    def similar_classes(self, texts: ClassTexts) -> list[list[tuple[str, float]]]:
        """Return, for each new class, the three known classes with the largest shares in its weights."""
        return largest_shares(self._encoded(texts), self.known.vectors, self.known.names, n=3)

    def _encoded(self, texts: ClassTexts) -> Vectors:
        """Return class texts as vectors (c, d) among the known classes' names; words are texts like descriptions."""
        known = {name.lower() for own in self.classifier.names for name in own}
        described = with_hypernyms(with_words_as_texts(texts), known=known)
        return embed_classes(described, self.embed, templates=self.templates)


def transfer_weights(
    class_vectors: ArrayLike, known_vectors: ArrayLike, weights: ArrayLike, *, width: float = 0.25, penalty: float = 1.0
) -> Floats:
    """Return classifier weights (c, width of the features) for new classes, predicted from those of known classes.

    A row is short where the name is unlike all known names, or like several whose weights have little in common. Use
    the weights on unit-length features, better first centered by the mean of a pool.

    class_vectors (c, d): text vectors of the new names, embedded with `NAME_TEMPLATES`; known_vectors (k, d): those of
    the known classes, from `known_classes`; weights (k, n_features): the last layer of the known classifier; width: of
    the kernel exp(-|s - t|^2 / width); penalty: of kernel ridge regression, at 0 it passes through the weights of every
    known class.

    Raises InputError if the numbers of rows of `known_vectors` and `weights` differ, a text vector is zero, a parameter
    is out of range, or the weights of all known classes are equal. Raises WidthError if the two kinds of text vectors
    differ in width.

    References
    ----------
    Elhoseiny, Saleh, Elgammal. Write a Classifier: Zero-Shot Learning Using Purely Textual Descriptions. ICCV 2013,
    section 4 (regression from text to classifier weights).
    """
    known_weights = vectors(weights, name="weights").astype(np.float64)
    shares = _ridge_weights(class_vectors, known_vectors, width=width, penalty=penalty)  # (c, k)
    if shares.shape[1] != len(known_weights):
        raise InputError(
            f"known_vectors has {shares.shape[1]} rows and weights has {len(known_weights)}. Pass one row for each "
            "known class."
        )
    centered = known_weights - known_weights.mean(axis=0)  # softmax does not depend on the mean; (k, n_features)
    if not centered.any():
        raise InputError("The weights of all known classes are equal, so they distinguish no classes.")
    return np.asarray(shares @ centered)


# Names that the text encoder finds far from all known names, such as "pneumonia" or "seven", get short weights that
# point nowhere in particular. Two figures tell them, on the train rows of five sets of images:
#
# - the length of the weights: 0.04 to 0.07 for such names, 0.07 to 1.4 for the 100 classes of Caltech-101;
# - how much more images vary in the directions that tell the names apart than in any direction: 1.1 to 4.7 times for
#   such names, on whatever images, and 4.1 to 29 times for names of what the images show.
#
# Their product is 0.05 to 0.24 for names that are guesses, and 0.29 or more for others.

GUESS_BELOW: Final = 0.26
"""Product of both figures below which predictions by names are guesses."""
GUESSES: Final = (
    "The class names are like nothing that the image encoder was trained on, so predictions by names are guesses, with "
    "probabilities close to chance."
)
VARIATION_WITHOUT_ITEMS: Final = 4.0
"""The second figure where there are no images to compare the names with."""


def names_are_guesses(class_vectors: Vectors, items: Vectors) -> bool:
    """Return whether class vectors (c, width), from names over the bridge, say nothing about what images show.

    items (n, width): features of unlabeled images, of unit length; there may be none.
    """
    named = class_vectors[class_vectors.any(axis=1)].astype(np.float64)
    if len(named) < 2:
        return False
    length = float(np.sqrt(np.square(named).sum(axis=1).mean()))
    return length * _variation(unit_rows(named), items) < GUESS_BELOW


def _variation(directions: Floats, items: Vectors) -> float:
    """Return the variance of items (n, d) along the differences of directions (c, d), divided by the mean variance."""
    centered = items - items.mean(axis=0) if len(items) else items
    total = float(np.square(centered).sum(dtype=np.float64))
    if total == 0 or len(items) < len(directions):
        return VARIATION_WITHOUT_ITEMS
    axes = np.linalg.svd(directions - directions.mean(axis=0), full_matrices=False)[2][: len(directions) - 1]
    along = float(np.square(centered @ axes.T).sum(dtype=np.float64))
    return float((along / len(axes)) / (total / items.shape[1]))


def largest_shares(
    class_vectors: ArrayLike,
    known_vectors: ArrayLike,
    names: Names,
    *,
    n: int = 5,
    width: float = 0.25,
    penalty: float = 1.0,
) -> list[list[tuple[str, float]]]:
    """Return, for each new class, the `n` known classes with the largest shares in its weights.

    The shares are those of `transfer_weights` with the same parameters, scaled so that their absolute values sum to 1
    over all known classes. A negative share means "unlike this class".

    Raises
    ------
    InputError
        As in `transfer_weights`; or `names` does not name each known class.
    """
    shares = _ridge_weights(class_vectors, known_vectors, width=width, penalty=penalty)
    if len(names) != shares.shape[1]:
        raise InputError(f"There are {shares.shape[1]} known classes and {len(names)} names. Name each known class.")
    shares = shares / np.abs(shares).sum(axis=1, keepdims=True)
    largest = np.argsort(-np.abs(shares), axis=1, kind="stable")[:, :n]  # (c, n)
    return [[(names[k][0], float(row[k])) for k in best] for row, best in zip(shares, largest, strict=True)]


def known_classes(names: Names, embed: Embed) -> KnownClasses:
    """Return the known classes by their synonyms, and each of their listed hypernyms, as points in text space.

    The weights of a hypernym are the mean of those of its classes:
    ``transfer_weights(new, known.vectors, known.members @ weights)``. The name "bird" is then close to the hypernym of
    all birds, instead of birdhouse.

    names: the synonyms of each known class, as in `LinearClassifier.names`; embed: texts to unit vectors (n, d).

    Raises ClassesError if a class has no name.
    """
    nameless = [row for row, own in enumerate(names) if not own]
    if nameless:
        raise ClassesError(f"Known class {nameless[0]} has no name. Name each known class.")
    of_classes = _mean_vectors(names, embed)  # (k, d)
    listed = hypernyms_by_name()
    found = [{hypernym for name in own for hypernym in listed.get(name.lower(), ())} for own in names]
    hypernyms = sorted(set().union(*found))
    belongs = np.array([[hypernym in own for own in found] for hypernym in hypernyms], dtype=np.float32)
    belongs = belongs.reshape(-1, len(names))
    members = np.concatenate([np.eye(len(names), dtype=np.float32), belongs / belongs.sum(axis=1, keepdims=True)])
    of_hypernyms = _mean_vectors([[hypernym] for hypernym in hypernyms], embed) if hypernyms else of_classes[:0]
    labels = (*map(tuple, names), *((hypernym,) for hypernym in hypernyms))
    return KnownClasses(np.concatenate([of_classes, of_hypernyms]), members, labels)


def hypernyms_by_name() -> dict[str, tuple[str, ...]]:
    """Return the hypernyms of each ImageNet class by each of its names in lower case, without ambiguous names."""
    folder = resources.files(data)
    classes = json.loads(folder.joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    runs = json.loads(folder.joinpath("imagenet_kinds.json").read_text(encoding="utf-8"))
    times = Counter(name.lower() for own in classes for name in own)
    found: dict[str, tuple[str, ...]] = {}
    for hypernym, ranges in runs.items():
        for row in (row for first, last in ranges for row in range(first, last + 1)):
            for name in (name.lower() for name in classes[row] if times[name.lower()] == 1):
                found[name] = (*found.get(name, ()), hypernym)
    return found


# A text encoder has rarely seen "ketch", cuts it into pieces and places it near "Keeshond" and "ketchup". The list
# noun_kinds.json holds some two thousand common nouns of things that can be photographed, with their hypernyms: a ketch
# is a sailing boat. With ImageNet's own classes as the new ones, a fifth at a time held out and classified among twenty
# by the ImageNet bridge, it raised accuracy from 81 to 89 %.


def hypernyms_of(noun: str) -> tuple[str, ...]:
    """Return the hypernyms of a noun from the list of the package, one for each sense; none if it is not listed.

    Case is ignored, and a plural is looked up by its singular.

    Examples
    --------
    >>> [hypernyms_of(noun) for noun in ("Ketch", "butterflies", "bass", "velocity")]
    [('sailing boat',), (), ('fish', 'stringed instrument'), ()]
    """
    listed = _listed_hypernyms()
    word = noun.lower()
    singulars = (word[: -len(end)] + instead for end, instead in PLURALS if word.endswith(end))
    return next((listed[form] for form in (word, *singulars) if form in listed), ())


def with_hypernyms(texts: ClassTexts, *, known: Collection[str] = ()) -> ClassTexts:
    """Return the texts with the hypernyms of each class that has a name only.

    Classes with a description, and names in `known` (in lower case), stay as they are.
    """
    more = tuple(
        own if len(own) != 1 or own[0].lower() in known else (*own, *hypernyms_of(own[0])) for own in texts.texts
    )
    return replace(texts, texts=more)


def with_words_as_texts(texts: ClassTexts) -> ClassTexts:
    """Return the texts with a user's words as further descriptions, in place of words."""
    own = own_readings(texts)
    more = tuple(
        tuple(dict.fromkeys((*described, *reading.words))) for described, reading in zip(texts.texts, own, strict=True)
    )
    return ClassTexts(texts.names, more)


@cache
def _listed_hypernyms() -> dict[str, tuple[str, ...]]:
    text = resources.files(data).joinpath("noun_kinds.json").read_text(encoding="utf-8")
    hypernyms: dict[str, tuple[str, ...]] = {}
    for hypernym, nouns in json.loads(text).items():
        for noun in nouns.split(", "):
            hypernyms[noun] = (*hypernyms.get(noun, ()), hypernym)
    return hypernyms


def _ridge_weights(class_vectors: ArrayLike, known_vectors: ArrayLike, *, width: float, penalty: float) -> Floats:
    """Return the share of each known class in each new one (c, k)."""
    if not (width > 0 and penalty >= 0):
        raise InputError(f"width must be > 0 and penalty >= 0; got width={width}, penalty={penalty}.")
    known = _directions(known_vectors, name="known_vectors")
    new = _directions(class_vectors, name="class_vectors", width=known.shape[1])
    # Two known classes with the same name would make the kernel singular.
    return kernel_ridge_weights(new, known, penalty=max(penalty, 1e-8), width=width)


def _directions(X: ArrayLike, *, name: str, width: int | None = None) -> Floats:
    """Return text vectors scaled to length 1; raise an error for a row of zeros."""
    table = vectors(X, width=width, name=name).astype(np.float64)
    zero = np.flatnonzero(~table.any(axis=1))
    if zero.size:
        raise InputError(f"{name} has only zeros in row {zero[0]}; it needs a direction.")
    return unit_rows(table)


def _mean_vectors(texts: Names, embed: Embed) -> Vectors:
    """Return the unit mean vector of each row's texts (n, d)."""
    distinct = list(dict.fromkeys(text for own in texts for text in own))
    row_of = {text: row for row, text in enumerate(distinct)}
    singles = ClassTexts(names=tuple(distinct), texts=tuple((text,) for text in distinct))
    table = embed_classes(singles, embed, templates=NAME_TEMPLATES)
    return unit(np.stack([table[[row_of[text] for text in own]].mean(axis=0) for own in texts]))
