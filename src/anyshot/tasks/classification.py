"""The front door: an encoder, classes, and whatever labels there are, to the method that fits."""

import os
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from anyshot import encoders
from anyshot.any_shot import cross_validation as selection
from anyshot.any_shot import model as fitted
from anyshot.any_shot.class_knowledge import (
    Described,
    Description,
    bare_classes,
    check_known,
    check_none_is_unknown,
    known_from_source,
    placed_classes,
    said_of,
    shares_of,
    warn_of_duplicates,
    with_items,
)
from anyshot.any_shot.embedder import Space, encoder_for
from anyshot.any_shot.explanation import Explanations
from anyshot.any_shot.model import Fitted
from anyshot.any_shot.prior import Step
from anyshot.any_shot.solver import Deviation
from anyshot.any_shot.training_set import Evidence
from anyshot.base import items as base_items
from anyshot.base.items import Classes, Items, Label, Labels, check_list, items_and_labels, modality_of, to_indexes
from anyshot.base.model_card import encoder_name, model_card
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes, RandomState, check_whole, generator, is_number, pair
from anyshot.encoders.registry import card_facts
from anyshot.errors import InputError, ModelFolderError, NotEnoughLabelsError
from anyshot.evaluation.classification import Evaluation, evaluate_answers
from anyshot.store.disk_cache import EncodingCounts, VectorCache
from anyshot.tasks.tuning_choice import tune_if_it_pays
from anyshot.zero_shot.class_embeddings import describe


class AnyShotClassifier(ClassifierMixin, BaseEstimator):
    """Classify texts, images or vectors with the labels at hand: none, one, a few, or many.

    Parameters
    ----------
    classes : sequence of names, or mapping of names to what is said of them; optional
        A description, several, or, where the items are vectors, the class's vector (d,). Without classes, the labels
        given to `fit` name them.
    encoder : str or Encoder, default="auto"
        "auto" takes the default for the items: "minilm", "efficientnet-lite0" or "vectors". Others: "hf:ID-or-folder",
        or any object with `modality`, `width` and `encode`.
    method : {"auto", "any-shot", "zero-shot", "prototype", "logistic-regression"}, default="auto"
        "auto" compares them by cross-validation as far as the labels allow.
    budget : "fast", "best" or float, default="fast"
        Time that `fit` may take: "fast" for the closed forms alone; "best" to try fine-tuning the encoder beside them
        as well, however long that takes; or the seconds [s] that trying may take.
    class_prior : "balanced", "labels" or mapping of names to shares, default="balanced"
        How frequent the classes are in the work to come: equally, as among the labels, or as given.
    unknown_rate : float, optional
        Share of items that belong to some class which may be answered `UNKNOWN`; without it, nothing is.
    cache : bool, default=True
        Whether vectors are kept on disk.
    random_state : int, RandomState, Generator or None
        For `suggest` on pools of more than 4,000 items.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        In the order given; sorted where the labels named them, as scikit-learn's scorers of probabilities expect.
    method_ : str
        The method that answers.
    reasons_ : tuple of str
        Why.
    leaderboard_ : DataFrame
        Methods compared on labels held out; empty where there were too few.
    unknown_threshold_ : float or None
        Closeness to the nearest class (a cosine) below which an item is unknown.

    Examples
    --------
    >>> clf = AnyShotClassifier({"left": [-1.0, 0.2], "right": [1.0, 0.2]}, cache=False).fit()
    >>> clf.predict([[0.9, 0.5], [-0.3, 0.1]])
    array(['right', 'left'], dtype='<U5')
    """

    def __init__(
        self,
        classes: Described = None,
        *,
        encoder: str | Encoder = "auto",
        method: selection.Wanted = "auto",
        budget: selection.Budget = "fast",
        class_prior: str | Mapping[Label, float] = "balanced",
        unknown_rate: float | None = None,
        cache: bool = True,
        random_state: RandomState = None,
    ) -> None:
        self.classes = classes
        self.encoder = encoder
        self.method = method
        self.budget: selection.Budget = budget
        self.class_prior = class_prior
        self.unknown_rate = unknown_rate
        self.cache = cache
        self.random_state = random_state

    # --- learning -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Items | Mapping[Label, Items] | None = None,
        y: Labels | None = None,
        *,
        unlabeled: Items | None = None,
        source: tuple[Items, Labels] | None = None,
    ) -> Self:
        """Learn from items with labels, None being "no label", and from unlabeled ones; or from the names alone.

        X : n items, or a mapping of labels to items; y : n labels; unlabeled : m items; source : items and labels of
        another domain, of the same classes: what a model of them knows stands for what is said of the classes.

        Raises
        ------
        InputError
            The items cannot be used, or a parameter is out of range.
        ClassesError
            There are fewer than two classes, one twice, or a label is not among them.
        NotEnoughLabelsError
            Of some class nothing is known: neither a label nor a name that the encoder understands.
        """
        self._check_parameters()
        items, labels = items_and_labels(X, y)
        if unlabeled is not None:
            check_list(unlabeled, what="A list of items without labels")
        theirs = None if source is None else items_and_labels(*pair(source, name="source"))
        everything = labels if theirs is None else [*labels, *theirs[1]]
        if isinstance(X, Mapping):
            everything = [*X, *everything]  # a class may have no example yet
        bare = bare_classes(self.classes, everything, with_unknown=self.unknown_rate is not None)
        seen = next((some for some in (items, unlabeled, theirs and theirs[0]) if some is not None and len(some)), [])
        if self.encoder == "auto" and not len(seen) and not bare.said.any():
            self._wait(bare)
            return self
        space = self._space(seen)
        evidence = placed_classes(space, bare, seen)
        if theirs is not None:
            evidence = known_from_source(space, evidence, *theirs)
        evidence = with_items(space, evidence, items, labels)
        if unlabeled is not None and len(unlabeled):
            evidence = evidence.with_unlabeled(space.place(unlabeled))
        self._take(space, evidence, {})
        if self.budget != "fast":
            self._tune(
                [item for item, label in zip(items, labels, strict=True) if not base_items.is_missing(label)], unlabeled
            )
        warn_of_duplicates(evidence, bridged=space.is_bridged, stacklevel=2)
        return self

    def partial_fit(self, X: Items | Mapping[Label, Items], y: Labels | None = None) -> Self:
        """Learn from further items with labels, as `fit` takes them, without the earlier ones being given again."""
        if not hasattr(self, "classes_"):
            return self.fit(X, y)
        items, labels = items_and_labels(X, y)
        model = self._settled(items)
        evidence = with_items(model.space, model.evidence, items, labels)
        return self._take(model.space, evidence, model.model.deviations)

    def add_class(self, name: Label, description: Description = None, *, examples: Items = ()) -> Self:
        """Add a class with what is said of it and labeled examples, either of which may be missing."""
        self._check_fitted()
        check_list(examples, what="A list of examples")
        if self._fitted is None and not len(examples):
            texts = describe({name: description})
            self._wait(self._pending.with_class(texts, np.zeros((1, 0), np.float32)))
            return self
        model = self._settled(examples)
        texts, said = said_of(model.space, model.evidence, name, description)
        evidence = model.evidence.with_class(texts, said)
        evidence = with_items(model.space, evidence, examples, [name] * len(examples))
        start = {step: _with_row(deviation) for step, deviation in model.model.deviations.items()}
        return self._take(model.space, evidence, start)

    def remove_class(self, name: Label) -> Self:
        """Forget a class and its labeled items."""
        self._check_fitted()
        if self._fitted is None:
            self._wait(self._pending.without_class(name))
            return self
        row = base_items.row_of(name, self.classes_)
        start = {step: _without_row(deviation, row) for step, deviation in self._fitted.model.deviations.items()}
        return self._take(self._fitted.space, self._fitted.evidence.without_class(name), start)

    # --- answering ----------------------------------------------------------------------------------------------------

    def predict(self, X: Items) -> NDArray[Any]:
        """Return the likeliest class of each item (n,), or `UNKNOWN` where none is close enough."""
        model = self._settled(X)
        return base_items.from_indexes(model.best(model.place(X)), self.classes_)

    def predict_proba(self, X: Items) -> NDArray[np.float64]:
        """Return the calibrated probability of each class (n, c), given that the item belongs to one."""
        model = self._settled(X)
        return model.probabilities(model.place(X))

    def decision_function(self, X: Items) -> NDArray[np.floating]:
        """Return each class's score (n, c), its log-probability up to a constant; of two, the second's lead (n,)."""
        model = self._settled(X)
        return base_items.decision_scores(model.scores(model.place(X)))

    def predict_set(
        self, X: Items, *, coverage: float = 0.9, calibration: tuple[Items, Labels] | None = None
    ) -> list[list[Label]]:
        """Return, for each item, classes among which its own is with probability `coverage`, the likeliest first.

        The labels that were held out in choosing the method say how likely a class must be (conformal prediction), or
        those of `calibration`, items that the model has not learned from. The promise is for items like these: harder
        ones are covered less often. A set may be empty: no class is likely enough. Where labels are too few to promise
        the coverage, every set holds every class.
        """
        model = self._settled(X)
        known = None
        if calibration is not None:
            items, labels = items_and_labels(*pair(calibration, name="calibration"))
            known = (model.place(items), to_indexes(labels, self.classes_, n_items=len(items)))
        return model.sets(model.place(X), model.set_threshold(coverage, known))

    def closeness(self, X: Items) -> NDArray[np.float64]:
        """Return how close each item lies to the nearest class (n,), a cosine; small is strange."""
        model = self._settled(X)
        return model.closeness(model.place(X))

    def explain(self, X: Items, *, k: int = 3) -> Explanations:
        """Say what the answer for each item rests on: class, runner-up, matching description, `k` nearest examples."""
        check_whole(0, k=k)
        return self._settled(X).explain(X, k=int(k))

    def suggest(self, pool: Items, *, n: int = 10) -> Indexes:
        """Return the rows of the pool most worth labeling next (n,): uncertain, and standing for others like them."""
        check_whole(0, n=n)
        return self._settled(pool).suggest(pool, int(n), generator(self.random_state))

    def evaluate(self, X: Items | Mapping[Label, Items], y: Labels | None = None) -> Evaluation:
        """Return how good the answers to items with known classes are; it prints."""
        items, labels = items_and_labels(X, y)
        model = self._settled(items)
        placed = model.place(items)
        answers = base_items.from_indexes(model.best(placed), self.classes_)
        return evaluate_answers(self.classes_, labels, answers, model.probabilities(placed))

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """Methods compared on labels held out, the most accurate first."""
        self._check_fitted()
        trials = self._fitted.model.leaderboard if self._fitted is not None else ()
        rows = [(trial.method, trial.accuracy, trial.log_likelihood, trial.temperature) for trial in trials]
        return pd.DataFrame(rows, columns=["method", "accuracy", "log_likelihood", "temperature"])

    @property
    def encoding_counts(self) -> EncodingCounts:
        """How many items were encoded, and how many the cache answered."""
        return self._fitted.space.counts if self._fitted is not None else EncodingCounts()

    # --- keeping ------------------------------------------------------------------------------------------------------

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder: JSON and safetensors, no code. Labeled examples are kept, to be shown again."""
        self._check_fitted()
        if self._fitted is None:
            raise NotFittedError("No item was encoded yet, so there is no model to save. Give items to fit or predict.")
        if not self._fitted.space.is_saveable:
            raise ModelFolderError("A model with an encoder object cannot be saved; name the encoder, as hf:FOLDER.")
        parameters = {name: value for name, value in self.get_params().items() if name in _SAVED}
        parameters["encoder"] = self._fitted.space.name if self.encoder != "auto" else "auto"
        if isinstance(self.class_prior, Mapping):
            parameters["class_prior"] = list(self.class_prior.items())  # JSON's keys are texts; names may be numbers
        facts = {"kind": "AnyShotClassifier", "parameters": parameters, **self._fitted.facts()}
        modality, base_model = card_facts(encoder_name(facts))
        card = model_card(facts, modality=modality, base_model=base_model)
        write_model(folder, facts=facts, arrays=self._fitted.arrays(), card=card)

    def assembled(self) -> Any:
        """Return encoder and head as one network, an `Assembled`, for `export`."""
        self._check_fitted()
        if self._fitted is None:
            raise NotFittedError("Nothing was encoded yet, so there is no network. Give items to fit, or predict.")
        space, scorer = self._fitted.space, self._fitted.model.scorer
        center = self._fitted.evidence.center if space.trained is None else space.trained.center
        return encoders.assemble(space.encoder, scorer.coef, scorer.intercept, self.classes_, center=center)

    # --- within -------------------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        selection.as_method(self.method)
        selection.check_budget(self.budget)
        rate, prior = self.unknown_rate, self.class_prior
        if rate is not None and not (is_number(rate) and 0 < rate < 1):
            raise InputError(f"unknown_rate must lie between 0 and 1, or be None; it is {rate!r}.")
        if not isinstance(prior, Mapping) and not (isinstance(prior, str) and prior in ("balanced", "labels")):
            raise InputError(f"class_prior={prior!r} is neither 'balanced', 'labels' nor {{name: share}}.")
        if not isinstance(self.cache, bool | np.bool_):
            raise InputError(
                f"cache must be True or False; it is {self.cache!r}. To keep vectors elsewhere, set ANYSHOT_CACHE to a "
                "folder."
            )

    def _space(self, items: Items) -> Space:
        name = self.encoder
        if isinstance(name, str) and name == "auto":
            name = encoder_for(items) if len(items) else "vectors"
        return Space(name, cache=VectorCache() if self.cache else None)

    def _take(self, space: Space, evidence: Evidence, start: Mapping[Step, Deviation]) -> Self:
        """Make the model of the evidence."""
        if self.unknown_rate is not None:
            check_none_is_unknown(evidence.classes)
        check_known(evidence, method=self.method, encoder=space.name)
        shares = shares_of(self.class_prior, evidence)
        self._set(
            fitted.fit(space, evidence, method=self.method, shares=shares, unknown_rate=self.unknown_rate, start=start)
        )
        return self

    def _tune(self, items: Items, unlabeled: Items | None) -> None:
        """Try fine-tuning beside the closed forms; items (n): those with a label; unlabeled (m): remembered."""
        model = self._fitted
        assert model is not None  # `fit` has just set it
        if self.method != "auto" or self.unknown_rate is not None:
            asked = f"method={self.method!r} is asked for" if self.method != "auto" else "unknown_rate is set"
            return self._add(f"Fine-tuning was not tried: {asked}.")
        shares = shares_of(self.class_prior, model.evidence)
        choice = tune_if_it_pays(
            model.space,
            model.evidence,
            items,
            model.model,
            budget=self.budget,
            shares=shares,
            random_state=self.random_state,
        )
        if choice.model is not None and choice.trial is not None:
            space = Space(choice.encoder(model.space.name), cache=model.space.cache)
            moved = fitted.in_space(space, model.evidence, items, unlabeled)
            self._set(fitted.with_head(model, space, moved, choice.scorer(), choice.trial, shares))
        elif choice.trial is not None:
            self._set(model.with_trial(choice.trial))
        return self._add(choice.reason)

    def _add(self, reason: str) -> None:
        """Put a reason last."""
        assert self._fitted is not None  # there is a model to give reasons for
        self._set(self._fitted.with_reason(reason))

    def _set(self, model: Fitted) -> None:
        self._fitted: Fitted | None = model
        self.classes_: Classes = model.evidence.classes
        self.method_, self.reasons_ = model.model.method, model.model.reasons
        self.unknown_threshold_ = model.threshold

    def _wait(self, bare: Evidence) -> None:
        """Remember the classes until the first items tell which encoder they need."""
        if self.unknown_rate is not None:
            raise NotEnoughLabelsError(
                f"unknown_rate={self.unknown_rate:g} needs labeled or unlabeled items to find its threshold by; none "
                "was given. Give fit(unlabeled=...), or unknown_rate=None."
            )
        self._pending, self._fitted = bare, None
        self.classes_, self.method_, self.unknown_threshold_ = bare.classes, "zero-shot", None
        self.reasons_ = ("0 labels: too few to compare methods by, so zero-shot answers.",)
        if self.method not in ("auto", "zero-shot", "any-shot"):
            raise NotEnoughLabelsError(f"method={self.method!r} needs labels; none was given.")

    def _settled(self, items: Items) -> Fitted:
        """Return what answers, choosing the encoder by the first items if none was needed before."""
        self._check_fitted()
        check_list(items)
        if self._fitted is None:
            if self.encoder == "auto":
                modality_of(items)  # an empty list does not tell which encoder is needed
            space = self._space(items)
            evidence = placed_classes(space, self._pending, items)
            self._take(space, evidence, {})
            warn_of_duplicates(evidence, bridged=space.is_bridged, stacklevel=3)
        assert self._fitted is not None  # _take has just set it
        return self._fitted

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise NotFittedError("This AnyShotClassifier is not fitted yet. Call fit() first, with or without labels.")


_SAVED = ("encoder", "method", "budget", "class_prior", "unknown_rate")


def classifier_from_saved(saved: SavedModel, *, cache: bool = True) -> AnyShotClassifier:
    """Return the classifier that `AnyShotClassifier.save` wrote."""
    facts: dict[str, Any] = saved.facts
    model = Fitted.from_saved(facts, saved.arrays, cache=VectorCache() if cache else None)
    parameters = facts["parameters"]
    if not isinstance(parameters["class_prior"], str):
        parameters = {**parameters, "class_prior": dict(parameters["class_prior"])}
    clf = AnyShotClassifier(model.described(), cache=cache, **parameters)
    clf._set(model)
    return clf


def _with_row(deviation: Deviation) -> Deviation:
    V = np.vstack([deviation.V, np.zeros_like(deviation.V[:1])])
    return Deviation(V, np.append(deviation.b, np.float32(0)))


def _without_row(deviation: Deviation, row: int) -> Deviation:
    return Deviation(np.delete(deviation.V, row, axis=0), np.delete(deviation.b, row))
