"""Fitting an AnyShotClassifier: items are read and encoded, faults in them are warned of, and the model is fitted."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot import any_shot, data, zero_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import Model, Starts
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.columns import is_table, item_count, take
from anyshot.base.items import Items, by_position, check_list, items_and_labels
from anyshot.base.labels import Label, Labels, warn_of_look_alikes
from anyshot.base.messages import count, first_of, new_to_warn_of, places_of, shortened, warn
from anyshot.base.protocols import Encoder, WithVocabulary
from anyshot.base.validation import pair
from anyshot.base.weighted_items import refuse_fractions, weighted_items
from anyshot.data.label_leaks import warn_of_leaks
from anyshot.encoders.readability import TextReading
from anyshot.encoders.registry import encoder_for
from anyshot.errors import ClassesError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.store.disk_cache import VectorCache
from anyshot.tasks.parameters import Parameters, doubts_about_shares, expected_shares
from anyshot.zero_shot import class_embeddings
from anyshot.zero_shot.class_readings import synonyms
from anyshot.zero_shot.class_texts import check_not_named_unknown
from anyshot.zero_shot.denials import denies

MayWait: TypeAlias = bool | NDArray[np.bool_]
"""Whether each class (c,), or all classes, may be without a label and a description, and not be predicted."""

_MARK: Final = re.compile(r"\d+|\b[^\W\d_]\b")
"""What numbers the names of classes: "complaint 1", "team A"."""


# --- items ------------------------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """The items that `fit` was given: with labels, without, and with labels of another domain."""

    items: Items
    labels: list[Label]
    names: Sequence[Label] = ()  # every label, and those of classes that have no example yet
    unlabeled: Items | None = None
    source: tuple[Items, list[Label]] | None = None
    weights: NDArray[np.float32] | None = None  # (n,), of the items with labels

    @classmethod
    def read(
        cls,
        X: Items | Mapping[Label, Items] | None,
        y: Labels | None,
        *,
        unlabeled: Items | None,
        source: tuple[Items, Labels] | None,
        sample_weight: ArrayLike | None,
    ) -> Self:
        """Return the items and labels that a user gave, checked."""
        items, labels, weights = *items_and_labels(X, y), None
        if sample_weight is not None:
            items, labels, weights = weighted_items(items, labels, sample_weight)
        check_list([] if unlabeled is None else unlabeled, what="A list of items without labels")
        other = None if source is None else items_and_labels(*pair(source, name="source"))
        keys = X if isinstance(X, Mapping) and not hasattr(X, "toarray") else ()  # a sparse matrix may be a mapping
        names = [*keys, *labels, *(other[1] if other else ())]
        return cls(items, labels, names, unlabeled, other, weights)

    @property
    def parts(self) -> list[Items]:
        """The lists of items that are not empty."""
        several = (self.items, self.unlabeled, self.source[0] if self.source else None)
        return [some for some in several if some is not None and item_count(some)]

    @property
    def labeled(self) -> Items:
        """The items that have a label."""
        items: Items = self.items if is_table(self.items) else by_position(self.items)
        labeled: Items = take(items, [row for row, label in enumerate(self.labels) if label is not None])
        return labeled

    @property
    def without_label(self) -> list[Any]:
        """The items that have no label."""
        some = [item for item, label in zip(by_position(self.items), self.labels, strict=True) if label is None]
        return some if self.unlabeled is None else [*some, *by_position(self.unlabeled)]

    def training_set(self, classes: TrainingSet, embedder: Embedder) -> TrainingSet:
        """Return the training set of these classes with all items, encoded.

        A model of the source replaces the embeddings of the classes of which the source has labels.
        """
        found = embedder.with_embeddings(classes, self.parts[0] if self.parts else [])
        if self.source is not None:
            source = embedder.with_items(found, *self.source)
            if np.count_nonzero(source.counts) < 2:
                n_labeled = np.count_nonzero(source.counts)
                raise NotEnoughLabelsError(
                    f"The source has labels of {n_labeled} of the classes; two are needed. Leave it out, or add labels."
                )
            found = found.with_source_weights(any_shot.fit_model(embedder, source).coef, source.counts > 0)
        return self.added_to(found, embedder)

    def added_to(self, data: TrainingSet, embedder: Embedder) -> TrainingSet:
        """Return a training set with the items besides those of the source, encoded."""
        labeled = embedder.with_items(data, self.items, self.labels, self.weights)
        return embedder.with_unlabeled(labeled, self.unlabeled)


def embedder_for(parts: Sequence[Items], clf: Parameters, *, vectors_given: bool = False) -> Embedder:
    """Return a new embedder of a classifier; the encoder "auto" is the default one for the items.

    parts: the labeled, unlabeled and source items, as far as there are any; vectors_given: whether the classes are
    given by vectors.
    """
    encoder: str | Encoder = clf.encoder
    kind, table = encoder, None
    if isinstance(encoder, str) and encoder == "auto":
        kind = encoder_for(parts[0]) if parts else "vectors"
    if isinstance(kind, str) and kind in ("vectors", "table"):
        choice = "auto" if encoder == "auto" else kind
        kind, table = data.fit_features(parts, encoder=choice, vectors_given=vectors_given or not parts)
    cache = VectorCache() if clf.cache else None
    return Embedder(kind, cache=cache, table=table, long_texts=clf.long_texts, words=clf.words)


# --- labels and names that contradict or mislead ----------------------------------------------------------------------


def warn_of_classes(data: TrainingSet) -> None:
    """Warn of classes that look alike, or are nearly the same for the encoder, and of names that say nothing to it."""
    warn_of_look_alikes(data.texts.names)
    own = data.class_embeddings, data.texts.names
    if not data.counts.all() and any_shot.names_are_guesses(data):
        remedy = "Give labels of each class, or use an image-text model, such as 'hf:openai/clip-vit-base-patch32'."
        warn(f"{zero_shot.GUESSES} {remedy}")
    class_embeddings.warn_of_duplicates(*own, from_bridge=data.centering)


def warn_of_names(embedder: Embedder, data: TrainingSet, new: Collection[Label] | None = None) -> None:
    """Warn of classes of texts without labels whose names alone say little to the encoder, or that have equal words.

    new: the classes to warn of, all by default.
    """
    if data.from_source or data.counts.all():
        return
    encoder, texts, read_by = embedder.encoder, data.texts, embedder.reader.readings(data.texts)
    for same in synonyms(texts, read_by, new):
        warn(same)
    _warn_of_some_words(embedder, data, new)
    if not isinstance(encoder, WithVocabulary):
        return
    rows = zip(texts.names, texts.texts, read_by, data.counts, strict=True)
    bare = {
        name: own[0]
        for name, own, reading, n in rows
        if len(own) == 1 and own[0] and reading.source in ("similar", "none") and not n
    }
    numbered = Counter(_MARK.sub("0", name) for name in bare.values())
    names = [own for name, own in bare.items() if new is None or name in new]
    unread = [names[row] for row in TextReading(names, encoder).unread]
    letters = [name for name in names if sum(map(str.isalpha, name)) == 1 and name not in unread]
    faults = {
        f"are in letters that the encoder {embedder.name!r} does not know": unread,
        "have only one letter": letters,
        "say what a class is not": [name for name in names if denies(name, among=texts.names)],
        "differ from others only in numbers or single letters": [
            name for name in names if numbered[_MARK.sub("0", name)] > 1 and name not in {*letters, *unread}
        ],
    }
    for fault, found in faults.items():
        if found:
            warn(
                f"Names of classes without labels, such as {shortened(found[0])!r}, {fault}, so predictions of these "
                "classes are guesses. Give labels, a description or Words (--words) of each."
            )


def _warn_of_some_words(embedder: Embedder, data: TrainingSet, new: Collection[Label] | None) -> None:
    """Warn if a user gave words of some classes, and others have none, while there are neither labels nor a pool.

    Of ag_news, 66 % are right by names without words, and 42 to 53 if one of the four classes has words.
    """
    if len(data.index) or len(data.unlabeled) or not (embedder.reader.of_texts and embedder.reader.templates):
        return
    read_by = list(zip(data.texts.names, embedder.reader.readings(data.texts), strict=True))
    own = [name for name, reading in read_by if reading.source == "own"]
    none = [name for name, reading in read_by if not reading.words]
    if own and none and (new is None or not {*own, *none}.isdisjoint(new)):
        warn(
            f"Class {own[0]!r} has words, but {none[0]!r} has none, so without labels it is predicted too rarely. Give "
            "words of each class with Words (--words), or labels."
        )


def warn_of_labels(embedder: Embedder, data: TrainingSet, *, n_new: int) -> None:
    """Warn of those of the last `n_new` labeled items that equal an earlier one with another label.

    Equal rows of a table may well have different labels; of a table, warn of columns that determine the label.
    """
    if embedder.table is not None:
        warn_of_leaks(embedder.table.as_numbers(data.vectors), data.index, n_new=n_new)
    if embedder.requested in ("vectors", "table"):
        return
    first = data.first_copies
    found = np.flatnonzero(data.index != data.index[first])
    rows = found[found >= len(data.index) - n_new].tolist()
    texts = new_to_warn_of("conflict", [data.examples[row] for row in rows])
    if not texts:
        return
    names = data.classes.tolist()
    one, other = (names[data.index[row]] for row in (first[rows[0]], rows[0]))
    remedy = "Both labels count. Leave out the wrong one."
    if len(np.unique(first)) < len(np.unique(data.index)):
        remedy = "There are more classes than different items: were items and labels exchanged?"
    places = places_of(texts)
    listed = f": {first_of(places, at_most=5)}" if places else ""
    warn(
        f"{count(len(rows), 'labeled item')} {'is' if len(rows) == 1 else 'are'} the same to the encoder as an earlier "
        f"one with another label, such as {shortened(data.examples[rows[0]])!r}, {one!r} and {other!r}{listed}. "
        f"{remedy}"
    )


def without_corrected(embedder: Embedder, data: TrainingSet, *, n_new: int) -> TrainingSet:
    """Leave out earlier labels of items that are among the last `n_new` ones with another label.

    Equal rows of a table may well have different labels.
    """
    if embedder.requested in ("vectors", "table"):
        return data
    is_text = embedder.encoder is not None and embedder.encoder.modality == "text"
    items: Sequence[str | int] = data.examples if is_text else data.first_copies.tolist()  # long texts share vectors
    pairs, n_earlier = list(zip(items, data.index.tolist(), strict=True)), len(items) - n_new
    given_again, same = set(items[n_earlier:]), set(pairs[n_earlier:])
    stays = np.array([item not in given_again or (item, label) in same for item, label in pairs], dtype=bool)
    kept = tuple(example for example, stay in zip(data.examples, stays, strict=True) if stay)
    return data if stays.all() else replace(data.subset(stays), examples=kept)


# --- the model --------------------------------------------------------------------------------------------------------


def fit_model(
    clf: Parameters, embedder: Embedder, data: TrainingSet, *, start: Starts | None = None, may_wait: MayWait = False
) -> Model:
    """Return the model of a classifier; start: what labels added to an earlier one, to begin from.

    may_wait: which classes may have neither a label nor a description, and are then not predicted.
    """
    data = checked_classes(clf, embedder, data, may_wait)
    waiting = [repr(name) for name in data.classes[unpredictable(data)].tolist()]
    waits = f"Classes that are not predicted until they have a label: {first_of(waiting, at_most=5)}."
    model: Model = any_shot.fit_model(embedder, data, method=clf.method, unknown_rate=clf.unknown_rate, start=start)
    for reason in (*doubts_about_shares(clf.class_prior, model.data), *embedder.reasons, *([waits] if waiting else ())):
        model = model.with_reason(reason)
    return model


def checked_classes(clf: Parameters, embedder: Embedder, data: TrainingSet, may_wait: MayWait = False) -> TrainingSet:
    """Return the training set with the expected shares of its classes; raise an error if no method can predict some."""
    if clf.unknown_rate is not None:
        check_not_named_unknown(data.texts.names)
    if data.attributes.size:
        refuse_fractions(data.weights, "Class vectors of another width than the items")
        if lacking := data.classes[~data.has_description].tolist():
            raise ClassesError(
                f"Class {lacking[0]!r} has no vector. Class vectors of another width than the items are needed for "
                f"every class. Pass {data.attributes.shape[1]} numbers for it, or leave it out until they are known; "
                "or, if it has labels, give each class a number more: 1 for it, 0 for the others."
            )
    check_trainable(data, method=clf.method, encoder=embedder.name, may_wait=may_wait)
    return data.with_class_prior(expected_shares(clf.class_prior, data))


def check_trainable(data: TrainingSet, *, method: str, encoder: str, may_wait: MayWait = False) -> None:
    """Raise NotEnoughLabelsError if no method could predict some class that may not wait for a label, or any class.

    Raise NotEnoughClassesError if logistic regression lacks labels of a second class, and no class may wait.
    """
    if method in ("prototype", "logistic-regression") and not len(data.index):
        raise NotEnoughLabelsError(f"method={method!r} needs labels, and there are none. Use method='auto'.")
    lacking = unpredictable(data)
    refused = data.classes[lacking if lacking.all() else lacking & ~np.asarray(may_wait)].tolist()
    if refused:
        why, remedy = f"the encoder {encoder!r} cannot embed its name", ", or words or a description"
        if encoder in ("vectors", "table"):
            why, remedy = "its name says nothing about numbers", ", or a class vector" if encoder == "vectors" else ""
        raise NotEnoughLabelsError(
            f"Class {refused[0]!r} has no label, and {why}. Give a labeled example of it{remedy}."
        )
    if method == "logistic-regression" and not np.any(may_wait) and np.count_nonzero(data.counts) < 2:
        raise NotEnoughClassesError(
            "method='logistic-regression' needs labels of two classes, and there are labels of one. Use method='auto'."
        )


def unpredictable(data: TrainingSet) -> NDArray[np.bool_]:
    """Return the classes (c,) that no method can predict: they have neither a label nor a description."""
    return np.asarray(~data.has_description & (data.counts == 0))
