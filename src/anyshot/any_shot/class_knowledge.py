"""What is known of the classes before any label: their names, what is said of them, and a source that knew them."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.cross_validation import fit_model
from anyshot.any_shot.embedder import Space
from anyshot.any_shot.training_set import Evidence, first_evidence
from anyshot.base.items import UNKNOWN, Classes, Items, Label, Labels, class_table, classes_in, item_names, to_indexes
from anyshot.base.validation import Vectors, is_number, unit
from anyshot.base.validation import vectors as check_vectors
from anyshot.errors import ClassesError, InputError, NotEnoughLabelsError, WidthError
from anyshot.zero_shot.class_embeddings import ClassTexts, describe, near_duplicates

Description: TypeAlias = str | Sequence[str] | NDArray[np.floating] | None
Described: TypeAlias = Sequence[Label] | Mapping[Label, Description] | NDArray[Any] | None

ALIKE = {False: 0.97, True: 0.995}
"""Cosine from which two classes are warned about; among a known classifier's weights all names lie closer."""


def bare_classes(classes: Described, labels: Labels, *, with_unknown: bool) -> Evidence:
    """Return the classes and their texts, without a space yet; class vectors that were given stand in it.

    labels name the classes where `classes` is None; with_unknown: whether items may be answered `UNKNOWN`.
    """
    kind = "string" if isinstance(classes, str) else type(classes).__name__
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable | None):
        raise ClassesError(f"classes must be a list of names; one {kind} was given: {classes!r}.")
    table = class_table(classes_in(labels) if classes is None else list(classes))
    if with_unknown:
        check_none_is_unknown(table)
    names = tuple(table.tolist())
    if isinstance(classes, Mapping) and any(is_vector(value) for value in classes.values()):
        return first_evidence(table, ClassTexts(names, ((),) * len(names)), _given_vectors(classes))
    texts = describe(classes if isinstance(classes, Mapping) else names)
    return first_evidence(table, texts, np.zeros((len(table), 0), np.float32))


def check_none_is_unknown(classes: Classes) -> None:
    """Raise ClassesError where a class bears the name of what belongs to none."""
    if UNKNOWN in classes.tolist():
        raise ClassesError(f"A class is named {UNKNOWN!r}, which is what unknown items are called. Rename it.")


def _given_vectors(classes: Mapping[Label, Description]) -> Vectors:
    """Return the class vectors that were given (c, d), zeros for a class that has None."""
    widths = {name: len(value) for name, value in classes.items() if value is not None and is_vector(value)}
    first, width = next(iter(widths.items()))
    for name, value in classes.items():
        if value is not None and not is_vector(value):
            raise ClassesError(
                f"Class {first!r} is given by a vector, {name!r} by {value!r}. Give it a vector, or None."
            )
        if widths.get(name, width) != width:
            raise WidthError(f"The vector of class {first!r} is {width} wide and that of {name!r} {widths[name]}.")
    rows = [np.zeros(width) if value is None else value for value in classes.values()]
    return check_vectors(np.array(rows), name="The class vectors")


def placed_classes(space: Space, bare: Evidence, items: Items) -> Evidence:
    """Return the same classes with their vectors in the space; the items tell its width where it has no encoder.

    Class vectors that were given with another width than the items' are attributes: labels tell the way between.
    """
    width = space.encoder.width if space.encoder else check_vectors(items, name="items").shape[1] if len(items) else 0
    nothing = np.zeros((len(bare.classes), width), np.float32)
    if bare.said.any():
        if width in (0, bare.said.shape[1]):
            return first_evidence(bare.classes, bare.texts, unit(bare.said))
        return replace(first_evidence(bare.classes, bare.texts, nothing, centering=True), attributes=bare.said)
    said = space.place_classes(bare.texts)
    said = nothing if said is None else said
    return first_evidence(bare.classes, bare.texts, said, centering=space.is_bridged)


def said_of(space: Space, evidence: Evidence, name: Label, description: Description) -> tuple[ClassTexts, Vectors]:
    """Return the texts of one more class, and what they say as a vector (1, d), or its attributes (1, a)."""
    n_attributes, width = evidence.attributes.shape[1], evidence.said.shape[1]
    if is_vector(description):
        vector = check_vectors(np.array([description]), width=n_attributes or width, name="The class vector")
        return ClassTexts((name,), ((),)), vector if n_attributes else unit(vector)
    if n_attributes:
        raise InputError(f"The classes are known by attributes; give those of {name!r} as a vector of {n_attributes}.")
    texts = describe({name: description})
    said = space.place_classes(texts)
    return texts, np.zeros((1, width), np.float32) if said is None else said


def with_items(space: Space, evidence: Evidence, items: Items, labels: Labels) -> Evidence:
    """Add items with labels, None being "no label", to what is known."""
    index = to_indexes(labels, evidence.classes, n_items=len(items))
    if not len(items):
        return evidence
    return evidence.with_labels(space.place(items), index, item_names(items))


def known_from_source(space: Space, evidence: Evidence, items: Items, labels: Labels) -> Evidence:
    """Return the classes as a model of another domain knows them: its weights stand for what is said of them.

    A class that the source has no label of keeps what is said of it. Each domain is centered by itself, where vectors
    are centered at all.
    """
    source = with_items(space, evidence, items, labels)
    known = source.known(None)
    weights = fit_model(known).scorer.coef  # (c, d)
    told = known.counts > 0
    if np.count_nonzero(told) < 2:
        raise NotEnoughLabelsError("The source must have labels of at least two of the classes.")
    own = unit(weights[told] - weights[told].mean(axis=0))  # what all classes share tells none of them apart
    said = unit(evidence.said)
    said[told] = own
    return replace(evidence, said=said, learned=True)


def shares_of(class_prior: str | Mapping[Label, float], evidence: Evidence) -> NDArray[np.floating] | None:
    """Return the shares of the classes in the work to come (c,), None for equal ones."""
    if class_prior == "balanced":
        return None
    if isinstance(class_prior, str):
        counts = np.bincount(evidence.index, minlength=len(evidence.classes)) + 0.5
        return np.asarray(counts / counts.sum())
    names = evidence.classes.tolist()
    given = [class_prior.get(name, 0.0) for name in names]
    strangers = [name for name in class_prior if name not in names]
    usable = [is_number(share) and 0 < share < np.inf for share in given]  # NaN is neither
    if strangers or not all(usable):
        wrong = strangers[0] if strangers else names[usable.index(False)]
        what = "a share, and it is no class" if strangers else "no share above 0"
        raise ClassesError(
            f"class_prior gives {wrong!r} {what}. Give one to every class and to no other; of a fitted model, by "
            "set_params(class_prior=...) before a class is added or removed."
        )
    return np.asarray(given) / sum(given)


def check_known(evidence: Evidence, *, method: str, encoder: str) -> None:
    """Refuse what no method could answer."""
    if method in ("prototype", "logistic-regression") and not len(evidence.index):
        raise NotEnoughLabelsError(f"method={method!r} needs labels; none was given.")
    counts = np.bincount(evidence.index, minlength=len(evidence.classes))
    nothing = ~evidence.described & (counts == 0)
    if nothing.any():
        raise NotEnoughLabelsError(
            f"Nothing is known of class {evidence.classes[nothing].tolist()[0]!r}: it has no label, and its name says "
            f"nothing to the encoder {encoder!r}. Give it a labeled example, or a class vector."
        )


def warn_of_duplicates(evidence: Evidence, *, bridged: bool, stacklevel: int) -> None:
    """Warn of classes whose vectors nearly coincide, the first three pairs."""
    said = unit(evidence.said)
    pairs = near_duplicates(said, evidence.classes.tolist(), threshold=ALIKE[bridged])
    for one, other, cosine in pairs[:3]:
        warnings.warn(
            f"The classes {one!r} and {other!r} are nearly the same to the encoder (cosine {cosine:.2f}). Describe "
            "what sets them apart.",
            stacklevel=stacklevel + 1,
        )


def is_vector(value: object) -> bool:
    """Whether a class's description is a vector of numbers."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind in "fiu" and value.ndim == 1)
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(one, (int, float)) for one in value)
