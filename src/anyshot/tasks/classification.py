"""Classification of texts, images or vectors with any number of labels."""

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot import encoders, evaluation
from anyshot.any_shot import training_set
from anyshot.any_shot.model import MethodOrAuto
from anyshot.base.columns import are_texts, item_count
from anyshot.base.items import Items, items_and_labels
from anyshot.base.labels import Label, Labels, from_indexes, label_list, row_of
from anyshot.base.messages import warn
from anyshot.base.misleading_names import learned_classes
from anyshot.base.model_folder import SavedModel
from anyshot.base.protocols import Encoder
from anyshot.base.repeated_items import n_repeated, repeated_note
from anyshot.base.threads import one_at_a_time
from anyshot.base.validation import RandomState
from anyshot.base.weighted_items import refuse_fractions
from anyshot.encoders.readability import LongTexts
from anyshot.store.memory_cache import KeepsVectors
from anyshot.tasks.class_changes import warn_of_unused_texts
from anyshot.tasks.encoded_classifier import EncodedClassifier
from anyshot.tasks.fitted_classifier import FittedClassifier
from anyshot.tasks.fitting import (
    Given,
    embedder_for,
    fit_model,
    unpredictable,
    warn_of_classes,
    warn_of_labels,
    warn_of_names,
    without_corrected,
)
from anyshot.tasks.parameters import check_parameters
from anyshot.tasks.saved_classifier import read_classifier, write_classifier
from anyshot.tasks.shared_words import with_shared_words, without_shared_words
from anyshot.tasks.tuning_choice import Budget, fine_tune_if_better
from anyshot.zero_shot import class_texts
from anyshot.zero_shot.class_texts import ClassesWithDescriptions

if TYPE_CHECKING:  # each is loaded by who asks for it
    from anyshot.evaluation.classification import Evaluation


class AnyShotClassifier(FittedClassifier):
    """Classify texts, images or vectors with any number of labels: none, one, a few, or many.

    Parameters
    ----------
    classes : sequence of names, or mapping of names to descriptions; optional
        A description is a text, `Words` that the class's texts contain, several of them, or, if the items are vectors,
        the class's vector (d,). Without classes, the labels given to `fit` name them.
    encoder : str or Encoder, default="auto"
        "auto" takes the default for the items: "minilm-words", "efficientnet-lite0", or, for numbers, "vectors" of a
        network or a "table" of features, which are standardized. Others: "minilm", "hf:ID-or-folder", or any object
        with `modality`, `width` and `encode`.
    method : {"auto", "any-shot", "zero-shot", "prototype", "logistic-regression"}, default="auto"
        "auto" is the any-shot head, or zero-shot without labels; without class vectors, logistic regression.
    budget : "fast", "best" or float, default="fast"
        Time for `fit`: "fast" for closed forms only; "best" to also try fine-tuning the encoder, however long that
        takes; or the number of seconds for trying it.
    class_prior : {"auto", "balanced", "labels"} or mapping of names to shares, default="auto"
        Expected share of each class among the items to predict: equal, as among the labels, or as given. "auto" finds
        those of the unlabeled items; without such items, those of labels that look like a natural sample, else equal.
        Shares that are given stay with classes that are renamed, merged or removed; one that is added has their mean.
    unknown_rate : float, optional
        Fraction of the items of known classes that may be predicted `UNKNOWN`, which needs 1 / unknown_rate labeled or
        unlabeled items; without it, no item is.
    long_texts : {"cut", "mean"}, default="cut"
        What becomes of texts longer than the encoder reads: it ignores the rest, or the mean over parts is used.
    words : bool, default=True
        Whether the names of classes of texts are also read by the words of the bundled list that mean them.
    cache : bool, default=True
        Whether vectors are stored on disk.
    random_state : int, RandomState, Generator or None
        Used by `suggest` for pools of more than 4,000 items, and by fine-tuning.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted, as scikit-learn's scorers of probabilities expect.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of the table given to `fit`; only if it had names.
    method_ : str
        The method that was used.
    reasons_ : tuple of str
        What was done and why, in sentences.
    leaderboard_ : DataFrame
        Accuracy of the methods on held-out labels, with 95 % intervals; empty if there were too few of them.
    unknown_threshold_ : float or None
        Items whose closeness to the nearest class (a cosine) is smaller are unknown.
    encoding_counts : EncodingCounts
        How many items were encoded, and how many vectors came from the cache.
    columns_ : dict
        Columns of the table that a command fitted it to, by what they hold; commands look for them in other tables.

    Examples
    --------
    >>> clf = AnyShotClassifier({"left": [-1.0, 0.2], "right": [1.0, 0.2]}, cache=False).fit()
    >>> clf.predict([[0.9, 0.5], [-0.3, 0.1]])
    array(['right', 'left'], dtype='<U5')
    """

    columns_: dict[str, str]

    def __init__(
        self,
        classes: ClassesWithDescriptions = None,
        *,
        encoder: str | Encoder = "auto",
        method: MethodOrAuto = "auto",
        budget: Budget = "fast",
        class_prior: str | Mapping[Label, float] = "auto",
        unknown_rate: float | None = None,
        long_texts: LongTexts = "cut",
        words: bool = True,
        cache: bool = True,
        random_state: RandomState = None,
    ) -> None:
        self.classes, self.encoder, self.method = classes, encoder, method
        self.budget: Budget = budget
        self.class_prior, self.unknown_rate = class_prior, unknown_rate
        self.long_texts: LongTexts = long_texts
        self.words, self.cache, self.random_state = words, cache, random_state

    # --- fitting ---

    @one_at_a_time
    def fit(
        self,
        X: Items | Mapping[Label, Items] | None = None,
        y: Labels | None = None,
        *,
        unlabeled: Items | None = None,
        source: tuple[Items, Labels] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from items with labels, None for "no label", and from unlabeled items; or from the class names alone.

        X : n items, or a mapping of labels to items; y : n labels; unlabeled : m items; source : items and labels of
        another domain with the same classes: a model of them replaces the class names; sample_weight : (n,) how often
        each item counts: 3 as if it were there three times, 0.5 as half an item, 0 as if it were not there.

        Raises
        ------
        InputError
            The items cannot be used, or a parameter is out of range.
        ClassesError
            There are fewer than two classes, one appears twice, or a label is not among them.
        NotEnoughLabelsError
            A class has neither a label nor a name that the encoder can embed.
        """
        check_parameters(self)
        given = Given.read(X, y, unlabeled=unlabeled, source=source, sample_weight=sample_weight)
        return self._fit(given, self.classes, unlabeled=unlabeled)

    def _fit(
        self, given: Given, names: ClassesWithDescriptions, *, unlabeled: Items | None, is_first_part: bool = False
    ) -> Self:
        """Learn from what was read; names: the classes, None to take them from the labels.

        is_first_part: whether classes may be without a label, since more labels follow.
        """
        if self.budget != "fast":
            refuse_fractions(given.weights, f"budget={self.budget!r}, which fine-tunes the encoder,")
        if names is None:
            learned_classes(given.names)  # refuses numbers to predict, and warns of missing labels as text
        read = class_texts.read_classes(names, given.names, allow_unknown=self.unknown_rate is not None)
        classes = training_set.without_items(*read)
        described = bool(classes.class_embeddings.any())
        if self.encoder == "auto" and not given.parts and not described:
            return self._postpone(classes)
        embedder = embedder_for(given.parts, self, vectors_given=described)
        data = given.training_set(classes, embedder)
        warn_of_classes(data)
        if embedder.requested in ("vectors", "table"):
            warn_of_unused_texts(data.texts)
        warn_of_names(embedder, data)
        embedder.reader.warn_of_words(data.texts)
        warn_of_labels(embedder, data, n_new=len(data.index))
        if embedder.reader.of_texts:
            embedder, data = with_shared_words(embedder, data, given.without_label)
        model = self._set_model(fit_model(self, embedder, data, may_wait=is_first_part))
        if self.budget != "fast":
            options = {name: getattr(self, name) for name in ("method", "budget", "random_state")}
            self._set_model(fine_tune_if_better(model, given.labeled, unlabeled, **options))
        return self

    @one_at_a_time
    def partial_fit(
        self,
        X: Items | Mapping[Label, Items] | None = None,
        y: Labels | None = None,
        classes: Labels | None = None,
        *,
        unlabeled: Items | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from more items, with labels and unlabeled ones, in addition to the earlier ones.

        The label of a text or image that is given again with another label replaces the earlier one.

        classes : all classes, for a first call with items of some of them, as scikit-learn has it; `add_class` adds
        further ones. A class with neither a label nor a name that the encoder can embed is predicted once it has a
        label. The other arguments are those of `fit`. The words that texts share are learned by `fit`, or from the
        first unlabeled texts after it, which are best given together.
        """
        check_parameters(self)
        if not hasattr(self, "classes_"):
            given = Given.read(X, y, unlabeled=unlabeled, source=None, sample_weight=sample_weight)
            names = class_texts.of_first_call(self.classes, classes)
            return self._fit(given, names, unlabeled=unlabeled, is_first_part=True)
        for name in [] if classes is None else label_list(classes):
            row_of(name, self.classes_)
        given = Given.read(X, y, unlabeled=unlabeled, source=None, sample_weight=sample_weight)
        model = self._fitted_model(given.items if unlabeled is None or item_count(given.items) else unlabeled)
        data = given.added_to(self._with_shares(model.data), model.embedder)
        n_new = len(data.index) - len(model.data.index)
        data = without_corrected(model.embedder, data, n_new=n_new)
        warn_of_labels(model.embedder, data, n_new=n_new)
        waits, embedder, start = unpredictable(model.data), model.embedder, model.starts
        is_first_pool = len(data.unlabeled) > 0 and not len(model.data.unlabeled)
        if is_first_pool and embedder.reader.of_texts:
            embedder, data = with_shared_words(embedder, data, given.without_label)
            start = start if embedder is model.embedder else {}
        self._set_model(fit_model(self, embedder, data, start=start, may_wait=waits))
        return self

    # --- evaluating ---

    def evaluate(self, X: Items | Mapping[Label, Items], y: Labels | None = None) -> "Evaluation":
        """Return accuracy, calibration and more on n items with n labels, None for no label; it prints as a table."""
        return self._evaluated(X, y)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy as `evaluate` counts it.

        For an item of a class that the model does not know, whatever its label is called, `UNKNOWN` is the correct
        prediction; items without a label are left out.
        """
        return self._evaluated(X, y, sample_weight=sample_weight).accuracy

    def _evaluated(self, X: Any, y: Labels | None, *, sample_weight: ArrayLike | None = None) -> "Evaluation":
        """Return the figures of `evaluate`, with weights of the items (n,)."""
        items, labels = items_and_labels(X, y)
        model = self._fitted_model(items)
        vectors, classes = model.encode(items), model.data.classes
        predicted, sure = from_indexes(model.predict(vectors), classes), model.probabilities(vectors)
        found: Evaluation = evaluation.evaluate_answers(classes, labels, predicted, sure, sample_weight=sample_weight)
        texts = model.embedder.requested not in ("vectors", "table") and self.training_examples() is not None
        again = n_repeated(items, model.data.examples) if texts else n_repeated(vectors, model.data.labeled)
        return replace(found, notes=(repeated_note(again, len(labels)), *found.notes)) if again else found

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the columns of the table given to `fit`."""
        table = self.any_shot_model().embedder.table
        if table is None or table.names is None or not are_texts(table.names):
            raise AttributeError("The classifier was not fitted to a table with names for its columns.")
        return np.array(table.names, dtype=object)

    # --- saving ---

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder of JSON and safetensors, without code.

        It contains the labeled examples, and the words that several of the texts share, of those without labels too.
        """
        self._check_fitted()
        classes = self._pending if self._model is None else self._model.data
        write_classifier(folder, self, self._model, classes=classes, columns=getattr(self, "columns_", {}))

    @classmethod
    def from_saved(cls, saved: SavedModel, *, cache: bool = True) -> Self:
        """Return the classifier whose folder was read; `anyshot.load` reads it."""
        parameters, model = read_classifier(saved, cache=cache)
        clf = cls(cache=cache, **parameters)
        if model is None:
            return clf.fit()
        clf._set_model(model)
        columns: Any = saved.facts.get("columns", {})
        clf.columns_ = dict(columns)
        return clf

    def training_examples(self) -> tuple[Items, Labels] | None:
        """Return the labeled texts or vectors that the model keeps, with labels; None for images, tables or none."""
        self._check_fitted()
        if self._model is None:  # no item was encoded yet
            return None
        model = self._model
        data, encoder = model.data, model.embedder.encoder
        if not len(data.index) or (encoder is not None and encoder.modality != "text"):
            return None
        if model.embedder.requested == "table":  # what it keeps is standardized, and no row of the table
            return None
        items: Items = data.vectors if encoder is None else list(data.examples)
        return items, data.classes[data.index].tolist()

    def encoded(self) -> EncodedClassifier:
        """Return a classifier of vectors of the encoder, which `report` fits to some of the labeled items."""
        return EncodedClassifier(self, self.any_shot_model())

    def with_cache(self, cache: KeepsVectors | None) -> Self:
        """Return a copy with another cache, such as a `MemoryCache`, or with none; it warns of no long text.

        Its encoder is loaded. Without a cache, the time of predictions is that of encoding every item.
        """
        model, changed = self.any_shot_model(), copy.copy(self)
        changed._set_model(replace(model, embedder=model.embedder.with_cache(cache)))
        return changed

    def assembled(self) -> Any:
        """Return encoder and head as one network, an `Assembled`, for `export`.

        A network counts no words, so the head of a model that does is fitted again to the encoder's vectors alone.
        """
        model = self.any_shot_model()
        if model.embedder.semantics.words:
            warn(
                "The network does not count the words that the texts share, as the classifier does, so its answers "
                "differ a little. Evaluate it by itself."
            )
            embedder, data = without_shared_words(model.embedder, model.data)
            model = fit_model(self, embedder, data, may_wait=unpredictable(data))
        center = model.data.center if model.embedder.trained is None else model.embedder.trained.center
        return encoders.assemble(model.embedder.encoder, model.coef, model.intercept, model.data.classes, center=center)
