"""What an AnyShotClassifier has learned: a model, or class names until the first items show which encoder they need."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import WITHOUT_LABELS, Model
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.class_words import Words
from anyshot.base.columns import item_count
from anyshot.base.estimator import ClassifierBase, not_fitted
from anyshot.base.items import Items, check_list, items_and_labels, modality_of
from anyshot.base.labels import Classes, Label, Labels, clean_names, from_indexes, to_indexes, warn_of_look_alikes
from anyshot.base.messages import in_percent, warn
from anyshot.base.threads import one_at_a_time
from anyshot.base.validation import Indexes, RandomState, check_whole, decision_scores, generator, pair
from anyshot.store.encoding import EncodingCounts
from anyshot.tasks.class_changes import (
    ClassChange,
    added,
    can_stay,
    described,
    merged,
    removed,
    renamed,
    with_class_alone,
)
from anyshot.tasks.fitting import (
    checked_classes,
    embedder_for,
    fit_model,
    warn_of_classes,
    warn_of_labels,
    warn_of_names,
    without_corrected,
)
from anyshot.tasks.parameters import Parameters, check_needs_no_items, check_parameters, expected_shares
from anyshot.zero_shot.class_texts import Description

if TYPE_CHECKING:  # each is loaded by who asks for it
    import pandas as pd

    from anyshot.any_shot.explanation import Explanations

NOT_READ_YET: Final = "The classes are read, and their words listed here, once the first items are predicted."


class FittedClassifier(ClassifierBase, Parameters):
    """The fitted attributes of AnyShotClassifier, its predictions, and the methods that change its classes.

    A change fits the model again, without encoding any item twice. If it fails, the classifier stays as it was.
    """

    random_state: RandomState

    # --- predicting ---

    def predict(self, X: Items) -> NDArray[Any]:
        """Return the most probable class of each item (n,), or `UNKNOWN` where none is close enough."""
        model = self._fitted_model(X)
        rows = model.predict(model.encode(X))
        return model.data.classes[rows] if model.unknown_threshold is None else from_indexes(rows, model.data.classes)

    def predict_proba(self, X: Items) -> NDArray[np.float64]:
        """Return the calibrated probability of each class (n, c), assuming that the item belongs to one of them."""
        model = self._fitted_model(X)
        return model.probabilities(model.encode(X))

    def decision_function(self, X: Items) -> NDArray[np.floating]:
        """Return log-probabilities up to a constant per item (n, c); for two classes, the second's lead (n,)."""
        model = self._fitted_model(X)
        return decision_scores(model.scores(model.encode(X)))

    def predict_set(
        self, X: Items, *, coverage: float = 0.9, calibration: tuple[Items, Labels] | None = None
    ) -> list[list[Label]]:
        """Return, for each item, a set of classes that contains its own with probability `coverage`.

        The most probable class comes first. The threshold is found by conformal prediction, on the labels held out in
        cross-validation or on `calibration`, items that the model was not fitted to. The coverage holds for items like
        these; harder items are covered less often. A set may be empty, if no class is probable enough. With too few
        labels for the coverage, every set holds every class.
        """
        model = self._fitted_model(X)
        encoded = None
        if calibration is not None:
            items, labels = items_and_labels(*pair(calibration, name="calibration"))
            encoded = (model.encode(items), to_indexes(labels, model.data.classes, n_items=len(labels)))
        return model.prediction_sets(model.encode(X), model.conformal_threshold(coverage, encoded))

    def closeness(self, X: Items) -> NDArray[np.float64]:
        """Return how close each item is to the nearest class (n,), a cosine; small for items of no known class."""
        model = self._fitted_model(X)
        return model.closeness(model.encode(X))

    def explain(self, X: Items, *, k: int = 3) -> "Explanations":
        """Return why each of n items got its prediction: runner-up, most similar description, `k` labeled examples."""
        check_whole(0, k=k)
        explained: Explanations = any_shot.explain(self._fitted_model(X), X, k=int(k))
        return explained

    def suggest(self, pool: Items, *, n: int = 10) -> Indexes:
        """Return the `n` rows of the pool whose labels would help most, the best first; fewer if it has fewer items.

        They are uncertain items that represent others.
        """
        check_whole(0, n=n)
        model = self._fitted_model(pool)
        return model.suggest(model.encode(pool), int(n), generator(self.random_state))[0]

    # --- changing classes ---

    def add_class(
        self, name: Label, description: Description = None, *, examples: Items = (), refit: bool = True
    ) -> Self:
        """Add a class by a description, labeled examples, or both. Raises DuplicateClassError if its name is taken.

        A text or image that had another label loses it, as in `partial_fit`.

        refit: False to compute the weights of the new class only, in a few milliseconds, where fitting takes longer.
        The answers are less exact until the next change, or `partial_fit()` without items, which fits all classes.
        """
        check_list(examples, what="A list of examples")
        change = partial(added, name=name, description=description, examples=examples)
        return self._change_classes(change, examples=examples, refit=refit)

    def remove_class(self, name: Label) -> Self:
        """Remove a class and its labeled examples. Raises NotEnoughClassesError if only one would be left."""
        return self._change_classes(partial(removed, name=name))

    def rename_class(self, old: Label, new: Label) -> Self:
        """Rename a class; its labeled examples, descriptions and words stay.

        Raises UnknownClassError if there is no class `old`, and DuplicateClassError if there is one `new`.
        """
        return self._change_classes(partial(renamed, old=old, new=new))

    def merge_classes(self, names: Sequence[Label], into: Label) -> Self:
        """Merge classes into one, which has all their labeled examples, descriptions and words.

        names: two or more; into: a new name, or that of a class, which then is one of them. The names that are lost
        become descriptions. If classes are given by vectors, that of the new one is the mean of theirs. Raises
        NotEnoughClassesError if no other class would be left.
        """
        return self._change_classes(partial(merged, names=names, into=into))

    def describe_class(self, name: Label, description: Description) -> Self:
        """Replace all descriptions and words of a class, or its vector; with None it has its name alone."""
        return self._change_classes(partial(described, name=name, description=description))

    def any_shot_model(self) -> Model:
        """Return the fitted model; raise NotFittedError while no item has shown which encoder it needs."""
        self._check_fitted()
        if (model := self._model) is None:
            raise not_fitted("No item was encoded yet, so there is no model. Give items to fit or predict.")
        return model

    @property
    def leaderboard_(self) -> "pd.DataFrame":
        """The methods compared by cross-validation, the most accurate first."""
        import pandas as pd  # here, so that a prediction does not import it

        self._check_fitted()
        results = () if self._model is None else self._model.leaderboard
        columns = ["method", "accuracy", "lower", "upper", "log_likelihood", "temperature"]
        return pd.DataFrame([[*one[:2], *one.interval, *one[2:4]] for one in results], columns=columns)

    # --- private ---

    @one_at_a_time
    def _change_classes(
        self, change: Callable[[Embedder, TrainingSet], ClassChange], *, examples: Items = (), refit: bool = True
    ) -> Self:
        """Change the classes and fit again; examples: items that the change adds; refit: as for `add_class`."""
        self._check_fitted()
        check_parameters(self)
        if self._model is None and not item_count(examples):
            pending = self._changed(change, Embedder("vectors", cache=None), self._pending).data
            warn_of_look_alikes(pending.texts.names, new=_new_names(pending, self._pending))
            return self._postpone(pending)
        model = self._fitted_model(examples)
        changed, n_new = self._changed(change, model.embedder, model.data), item_count(examples)
        data, origin = without_corrected(model.embedder, changed.data, n_new=n_new), changed.origin
        warn_of_look_alikes(data.texts.names, new=_new_names(data, model.data))
        warn_of_names(model.embedder, data, _new_names(data, model.data, described=True))
        warn_of_labels(model.embedder, data, n_new=n_new)
        if not refit and can_stay(model, changed):
            data = checked_classes(self, model.embedder, data, origin >= 0)
            self._set_model(with_class_alone(model, changed._replace(data=data)))
            return self
        start = {head: delta.of_rows(origin) for head, delta in model.starts.items()}
        self._set_model(fit_model(self, model.embedder, data, start=start, may_wait=origin >= 0))
        return self

    def _changed(
        self, change: Callable[[Embedder, TrainingSet], ClassChange], embedder: Embedder, data: TrainingSet
    ) -> ClassChange:
        """Return a change of a training set; warn if `class_prior` gives shares, and none of a class that is added."""
        changed = change(embedder, self._with_shares(data))
        shares = changed.data.class_prior
        if isinstance(self.class_prior, Mapping) and shares is not None:
            for row in np.flatnonzero(changed.origin < 0):
                warn(
                    f"class_prior (--class-prior) gives no share of the new class {changed.data.texts.names[row]!r}. "
                    f"The mean of the others is taken, {in_percent(shares[row])}. To give another, fit again with the "
                    "shares of all classes; in Python, set class_prior to them before the class is added."
                )
        return changed

    def _with_shares(self, data: TrainingSet) -> TrainingSet:
        """Return a training set with the shares that `class_prior` gives its classes, if it gives shares.

        Those of classes that were changed since stay, unless `class_prior` was set to other shares. If it was, and does
        not name these classes, it is for those that a change will make, and there are no shares yet.
        """
        given = self.class_prior
        if not isinstance(given, Mapping) or (given == self._prior_of_fit and data.class_prior is not None):
            return data
        names_all = set(clean_names(given, what="classes")) == set(data.texts.names)
        data = data.with_class_prior(None)
        return data.with_class_prior(expected_shares(given, data)) if names_all else data

    def _set_model(self, model: Model) -> Model:
        """Set the fitted attributes. Every answer reads `_model` alone, so that it comes from one model."""
        self._model: Model | None = model
        self.classes_: Classes = model.data.classes
        self.method_, self.reasons_, self.unknown_threshold_ = model.method, model.reasons, model.unknown_threshold
        self.encoding_counts, self._prior_of_fit = model.embedder.counts, copy(self.class_prior)
        return model

    def _postpone(self, classes: TrainingSet) -> Self:
        """Store the classes until the first items show which encoder they need."""
        check_needs_no_items(self)
        classes = classes.with_class_prior(expected_shares(self.class_prior, classes))  # raises if a class has none
        self._pending, self._model, self.encoding_counts = classes, None, EncodingCounts()
        self._prior_of_fit = copy(self.class_prior)
        self.classes_, self.method_, self.unknown_threshold_ = classes.classes, "zero-shot", None
        self.reasons_ = (WITHOUT_LABELS.format(method="zero-shot"), NOT_READ_YET)
        return self

    def _fitted_model(self, items: Items) -> Model:
        """Return the model; if no items were encoded yet, the first ones choose the encoder."""
        self._check_fitted()
        check_list(items)
        model = self._model  # read once, since another thread may replace it
        return self._first_model(items) if model is None else model

    @one_at_a_time
    def _first_model(self, items: Items) -> Model:
        """Return the model of a classifier that was fitted without items, made for the kind of these."""
        if self._model is not None:  # made by another thread meanwhile
            return self._model
        if self.encoder == "auto":
            modality_of(items)  # an empty list does not show which encoder is needed
        embedder = embedder_for([items], self)
        data = embedder.with_embeddings(self._with_shares(self._pending), items)
        warn_of_classes(data)
        warn_of_names(embedder, data)
        embedder.reader.warn_of_words(data.texts)
        return self._set_model(fit_model(self, embedder, data))

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise not_fitted("This AnyShotClassifier is not fitted yet. Call fit() first, with or without labels.")


def _new_names(data: TrainingSet, before: TrainingSet, *, described: bool = False) -> list[Label]:
    """Return the names of classes that were not there before; described: or that have other texts or words now."""
    now, earlier = _descriptions(data), _descriptions(before)
    return [name for name in now if name not in earlier or (described and now[name] != earlier[name])]


def _descriptions(data: TrainingSet) -> dict[Label, tuple[tuple[str, ...], Words | None]]:
    """Return the texts and words of each class by its name."""
    own = data.texts
    return dict(zip(own.names, zip(own.texts, own.words, strict=True), strict=True))
