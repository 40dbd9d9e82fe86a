"""Changes of a model's classes: one is added, removed, renamed or described anew, or several are merged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from anyshot import any_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import LinearModel, Model
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.columns import item_count
from anyshot.base.items import Items
from anyshot.base.labels import Label, class_name, label_list, row_of, sorted_rows
from anyshot.base.messages import warn
from anyshot.base.validation import Indexes, Vectors, class_means, unit
from anyshot.base.validation import vectors as check_vectors
from anyshot.errors import ClassesError, DuplicateClassError, InputError, NotEnoughClassesError
from anyshot.zero_shot.class_shares import shares_of_groups
from anyshot.zero_shot.class_texts import ClassTexts, Description, describe, is_vector

PROVISIONAL: Final = (
    "{new} was added without fitting the other classes again: its weights follow from its examples and its name, as "
    "those of the others do on average. The next change fits all of them, as does partial_fit()."
)

_SAYS_NOTHING: Final = "The description or words of class {name!r} say nothing about numbers."


class ClassChange(NamedTuple):
    """The training set with other classes, and where they come from."""

    data: TrainingSet
    origin: Indexes  # (c,), the row of each class before the change, -1 for a new one


def added(
    embedder: Embedder, data: TrainingSet, *, name: Label, description: Description, examples: Items
) -> ClassChange:
    """Add a class with a description and labeled examples."""
    name = class_name(name)
    if name in data.classes.tolist():
        raise DuplicateClassError(f"Cannot add {name!r}: there is a class of this name already. Add examples to it.")
    _refuse_texts_of_numbers(embedder, data, name, description)
    texts, vector = _described(embedder, data, name, description)
    changed, origin = _changed(embedder, data, data.texts.joined(texts), [*_each(data), []], vector=vector)
    embedder.reader.warn_of_words(changed.texts, [name])
    return ClassChange(embedder.with_items(changed, examples, [name] * item_count(examples)), origin)


def removed(embedder: Embedder, data: TrainingSet, *, name: Label) -> ClassChange:
    """Remove a class and its labeled examples."""
    row = row_of(name, data.classes)
    if len(data.classes) == 2:
        raise NotEnoughClassesError(
            f"Cannot remove {name!r}: a classifier needs two classes, and only two are left. Add another first."
        )
    stay = [other for other in range(len(data.classes)) if other != row]
    return _changed(embedder, data, data.texts.of(stay), [[other] for other in stay])


def renamed(embedder: Embedder, data: TrainingSet, *, old: Label, new: Label) -> ClassChange:
    """Rename a class; its labeled examples, descriptions and words stay."""
    new, row = class_name(new), row_of(old, data.classes)
    if new in data.classes.tolist()[:row] + data.classes.tolist()[row + 1 :]:
        raise DuplicateClassError(f"Cannot rename {old!r}: there is a class {new!r} already. To join both, merge them.")
    return _changed(embedder, data, data.texts.replaced(row, data.texts.renamed(row, new)), _each(data))


def described(embedder: Embedder, data: TrainingSet, *, name: Label, description: Description) -> ClassChange:
    """Replace the descriptions and the words of a class, or its vector."""
    row = row_of(name, data.classes)
    _refuse_texts_of_numbers(embedder, data, data.texts.names[row], description)
    texts, vector = _described(embedder, data, data.texts.names[row], description)
    if vector is None and not data.texts.texts[row] and data.has_description[row]:
        raise InputError(f"The class {name!r} is described by a vector. Give a vector to describe it anew.")
    change = _changed(embedder, data, data.texts.replaced(row, texts), _each(data), vector=vector, row=row)
    embedder.reader.warn_of_words(change.data.texts, texts.names)
    return change


def merged(embedder: Embedder, data: TrainingSet, *, names: Sequence[Label], into: Label) -> ClassChange:
    """Merge classes into one, a new one or one of the classes, which has all their labeled examples and texts.

    The names that are lost become descriptions. A class vector is the mean of theirs.
    """
    if isinstance(names, str | Mapping | set) or not isinstance(names, Iterable):
        raise ClassesError(f"A list of class names is needed to merge classes; got {names!r}.")
    names = label_list(names)
    into, classes = class_name(into), data.classes.tolist()
    given = [row_of(name, data.classes) for name in names]
    rows = list(dict.fromkeys([*([classes.index(into)] if into in classes else []), *given]))
    if len(rows) < 2:
        raise ClassesError(f"Two classes or more are needed to merge them into {into!r}; got {list(names)!r}.")
    if len(rows) == len(classes):
        raise NotEnoughClassesError(f"Cannot merge all {len(rows)} classes into {into!r}: a classifier needs two.")
    others = [[row] for row in range(len(classes)) if row not in rows]
    texts = data.texts.of([row for (row,) in others]).joined(data.texts.merged(rows, into))
    return _changed(embedder, data, texts, [*others, rows])


def can_stay(model: Model, change: ClassChange) -> bool:
    """Return whether a class can be added to a model whose other classes stay as they are.

    All are fitted again if only class vectors count, since that takes no time; if a pool or attributes move the class
    vectors; and if a class waits for its first label.
    """
    moved_by_examples = model.method in ("any-shot", "logistic-regression", "fine-tuned") and len(model.data.index) > 0
    all_predicted = bool(np.isfinite(model.intercept).all())
    return moved_by_examples and all_predicted and not len(change.data.unlabeled) and not change.data.attributes.size


# A row of the weights points roughly in the direction of the mean of its class: w_k - w = r_k (m_k - m), with w and m
# the means over the classes. A class that is added gets this row for its own mean, with the mean of r_k (Qi et al.,
# Low-Shot Learning with Imprinted Weights, CVPR 2018, take the mean itself). Its name counts as one example, moved as
# the fit moves it.


def with_class_alone(model: Model, change: ClassChange) -> Model:
    """Return the model with one more class; the weights of the others, and all that was found by fitting, stay."""
    data, origin = change
    is_new = origin < 0  # (c,)
    data = replace(data, offsets=0.0)
    prior = any_shot.moved_by_labels(any_shot.fit_prior(data), data)
    means = class_means(data.weighted, data.index, prior.class_vectors)  # (c, d)
    m, w, b = means[~is_new].mean(axis=0), model.coef.mean(axis=0), model.intercept.mean()
    away = means[~is_new] - m  # (c - 1, d)
    r = np.einsum("kd,kd->k", model.coef - w, away) / np.maximum(np.einsum("kd,kd->k", away, away), 1e-12)
    linear = LinearModel(model.coef, model.intercept).of_rows(origin)
    linear.coef[is_new], linear.intercept[is_new] = w + r.mean() * (means[is_new] - m), b
    closest = class_means(data.weighted, data.index, unit(data.class_embeddings))
    (name,) = data.classes[is_new].tolist()
    return replace(
        model.with_reason(PROVISIONAL.format(new=f"The class {name!r}")),
        data=data,
        **linear._asdict(),
        class_means=np.where(is_new[:, None], closest, model.class_means[origin]),
        starts={head: delta.of_rows(origin) for head, delta in model.starts.items()},
        provisional=True,
    )


def _each(data: TrainingSet) -> list[list[int]]:
    """Return each class as a group of its own."""
    return [[row] for row in range(len(data.texts.names))]


def _described(
    embedder: Embedder, data: TrainingSet, name: Label, description: Description
) -> tuple[ClassTexts, Vectors | None]:
    """Return the texts of one class, or its vector (1, d), or its attributes (1, a).

    A vector is one of the encoder, so the class has 0 for all that is joined to those.
    """
    n_attributes, d = data.attributes.shape[1], data.class_embeddings.shape[1]
    width = n_attributes or embedder.reader.width or d
    if is_vector(description) and width:
        vector = check_vectors(np.array([description]), width=width, name="The class vector")
        if not vector.any():
            raise ClassesError(f"The vector of class {name!r} contains only zeros. Give another.")
        return ClassTexts((name,), ((),)), vector if n_attributes else unit(np.pad(vector, ((0, 0), (0, d - width))))
    if n_attributes:
        raise InputError(f"Classes are described by attributes. Pass {n_attributes} numbers for {name!r}.")
    return describe({name: description}), None


def _refuse_texts_of_numbers(embedder: Embedder, data: TrainingSet, name: Label, description: Description) -> None:
    """Raise InputError for descriptions and words of a class if items are numbers, of which they say nothing.

    Of rows of features, a class vector does not either: it would be one of standardized columns.
    """
    features = embedder.requested == "table"
    if not features and (embedder.requested != "vectors" or not data.class_embeddings.size):  # 0: no item yet
        return
    is_text = not is_vector(description)
    if (features and not is_text) or (is_text and _has_texts(describe({name: description}), 0)):
        remedy = "give labeled examples of it" + ("" if features else ", or a class vector")
        raise InputError(f"{_SAYS_NOTHING.format(name=name)} Leave them out, and {remedy}.")


def warn_of_unused_texts(texts: ClassTexts) -> None:
    """Warn of descriptions and words of classes of vectors or rows of features, of which they say nothing."""
    row = next((row for row in range(len(texts.names)) if _has_texts(texts, row)), None)
    if row is not None:
        warn(f"{_SAYS_NOTHING.format(name=texts.names[row])} Such texts are left out; only labels count.")


def _has_texts(texts: ClassTexts, row: int) -> bool:
    """Return whether a class has a description or words beside its name."""
    return len(texts.texts[row]) > 1 or texts.words[row] is not None


def _changed(
    embedder: Embedder,
    data: TrainingSet,
    texts: ClassTexts,
    groups: Sequence[Sequence[int]],
    *,
    vector: Vectors | None = None,
    row: int = -1,
) -> ClassChange:
    """Return the training set of other classes, sorted, with embeddings of those that are read otherwise.

    groups: the rows of the earlier classes that each class contains; vector (1, d): of the class in this row.
    """
    changed = data.regrouped(texts, groups)
    order = sorted_rows(texts.names)
    if vector is not None:
        changed = changed.with_class_vector(row, vector)
    origin = np.array([groups[own][0] if groups[own] else -1 for own in order])
    changed = changed.sorted()
    if data.class_prior is not None:
        changed = changed.with_class_prior(shares_of_groups(data.class_prior, [groups[own] for own in order]))
    if vector is None and not data.attributes.size:
        found = embedder.reader.embed_again(
            changed.texts, changed.class_embeddings, before=data.texts, origin=origin, known=data.from_source
        )
        changed = changed.with_class_embeddings(*found)
    return ClassChange(changed, origin)
