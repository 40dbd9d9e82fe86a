"""Fine-tuning compared with a closed-form model by cross-validation, and used if it is better."""

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot, encoders, evaluation, fine_tuning
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import CrossValidationResult, LinearModel, Model
from anyshot.any_shot.training_set import without_items
from anyshot.base import progress
from anyshot.base.columns import take
from anyshot.base.folds import first_copies, folds_by_arrival, ranks_in_class
from anyshot.base.items import Items
from anyshot.base.messages import with_interval
from anyshot.base.validation import Indexes, RandomState, class_means, unit
from anyshot.errors import EncoderError, MissingExtraError

if TYPE_CHECKING:  # it loads torch, which is needed only if an encoder is trained
    from anyshot.fine_tuning.classifier import FineTunedClassifier

Budget: TypeAlias = Literal["fast", "best"] | float
"""Time for learning: closed forms only, fine-tuning however long it takes, or a number of seconds."""

MIN_LABELS_PER_CLASS: Final = 5
"""Labels that every class needs before fine-tuning is tried."""
N_FOLDS: Final = 3  # of the comparison; each trains a network
TRIAL: Final = 5
"""The trial that shows how long fine-tuning takes uses one label in so many."""

log = logging.getLogger(__name__)


def fine_tune_if_better(
    model: Model, items: Items, unlabeled: Items | None, *, method: str, budget: str | float, random_state: RandomState
) -> Model:
    """Return the model with a fine-tuned encoder, if that predicts held-out labels better, or the model as it is.

    The encoder is fine-tuned without each third of the labels in turn, and on all of them if it is better by more than
    one standard error of the paired difference: smaller differences are noise, and fine-tuning costs more.

    items (n): those of the labels of `model.data`, in order; unlabeled: its unlabeled items; method: that was asked
    for, "auto" if fine-tuning may be used; budget: "best", or the seconds that all of it may take. A trial on a fifth
    of the labels shows how long it will take, before it begins, and the first fold shows it again.
    """
    obstacle = _obstacle(model, items, method)
    if obstacle:
        return model.with_reason(f"Fine-tuning was not tried: {obstacle}.")
    data = model.data
    folds = folds_by_arrival(data.index, N_FOLDS, same=first_copies(data.vectors))
    limit = float("inf") if isinstance(budget, str) else float(budget)
    scores = np.zeros((len(items), len(data.classes)))
    began = time.monotonic()
    expected = _expected_seconds(model, items, random_state)
    if expected > limit:
        return model.with_reason(f"Fine-tuning was not tried: {_over_budget(expected, limit)}.")
    within = "" if np.isinf(limit) else f", of a budget of {progress.duration(limit)}"
    log.info("Fine-tuning will take about %s%s", progress.duration(expected), within)
    rows_of = [(1, folds == fold) for fold in np.unique(folds)]  # as `progress.track` counts them
    for done, out in enumerate(progress.track(rows_of, total=N_FOLDS, description="Fine-tuning"), start=1):
        scores[out] = _fine_tuned(model, items, ~out, random_state).scores(take(items, np.flatnonzero(out)))
        needed = (time.monotonic() - began) / done * (N_FOLDS + 1.5)  # the last fit has half as many items again
        if needed > limit:
            return model.with_reason(f"Fine-tuning was stopped: {_over_budget(needed, limit)}.")
    result = any_shot.result_from_scores("fine-tuned", scores, data.index, data.class_prior, weight=data.weights)
    correct = _closed_form_scores(model, folds).argmax(axis=1) == data.index
    found = (
        f"accuracy on {len(data.index)} labels in cross-validation, with 95 % intervals: fine-tuning "
        f"{_share(result.correct)}, {model.method} {_share(correct)}"
    )
    if not is_better(result.correct, correct):
        seconds = time.monotonic() - began
        reason = f"Fine-tuning is not used, because it is not better ({found}). The comparison took {seconds:.0f} s."
        return _with_result(model, result).with_reason(reason)
    tuned = _fine_tuned(model, items, np.ones(len(items), dtype=bool), random_state)
    seconds = time.monotonic() - began
    reason = f"Fine-tuning from stage {tuned.freeze_at_} on is used ({found}). It took {seconds:.0f} s."
    return with_fine_tuned(model, *_embedder_and_head(tuned, model.embedder), result, items, unlabeled).with_reason(
        reason
    )


def _expected_seconds(model: Model, items: Items, random_state: RandomState) -> float:
    """Return how long fine-tuning on each fold and on all labels will take, from a trial on a fifth of the labels."""
    index, n_classes = model.data.index, len(model.data.classes)
    n_each = max(2, len(index) // (TRIAL * n_classes))
    rows = ranks_in_class(index, np.arange(len(index))) < n_each
    began = time.monotonic()
    with progress.hidden():
        _fine_tuned(model, items, rows, random_state)
    # Each of the folds trains on the others, (N_FOLDS - 1) / N_FOLDS of the labels, and the last fit on all.
    return (time.monotonic() - began) * len(index) / np.count_nonzero(rows) * N_FOLDS


def _over_budget(seconds: float, limit: float) -> str:
    """Return why fine-tuning is not done, as a clause."""
    return f"it would take about {seconds:.0f} s, and the budget is {limit:.0f} s"


def _embedder_and_head(tuned: "FineTunedClassifier", own: Embedder) -> tuple[Embedder, LinearModel]:
    """Return the fine-tuned encoder in an embedder with the settings of `own`, and its head."""
    coef, intercept, center = tuned.head_.arrays()
    encoder = encoders.TunedEncoder(
        encoders.trainable(own.name), tuned.backbone_, tuned.freeze_at_, tuned.rest_, center=center
    )
    embedder = Embedder(encoder, cache=own.cache, long_texts=own.long_texts, words=own.words)
    return embedder, LinearModel(coef, intercept)


def _share(correct: NDArray[np.bool_]) -> str:
    """Return the share of correct predictions (n,) with its interval in percent."""
    return with_interval(correct.mean(), evaluation.wilson_interval(float(correct.sum()), len(correct)))


def with_fine_tuned(
    model: Model,
    embedder: Embedder,
    head: LinearModel,
    result: CrossValidationResult,
    items: Items,
    unlabeled: Items | None,
) -> Model:
    """Return the model that predicts with a fine-tuned encoder and its head.

    result: the performance of fine-tuning; items (n): the labeled ones, in order; unlabeled: the unlabeled ones.
    """
    data, prior = model.data, model.data.class_prior
    vectors = embedder.encode(items)
    embeddings = embedder.reader.embed(data.texts)
    moved = without_items(data.texts, embeddings).with_labels(vectors, data.index, data.examples)
    if unlabeled is not None and len(unlabeled):
        moved = moved.with_unlabeled(embedder.encode(unlabeled))
    coef, intercept = head.with_class_prior(prior)
    of_words = model.embedder.semantics.reason  # the fine-tuned encoder does not count words that the texts share
    return replace(
        _with_result(model, result),
        reasons=tuple(reason for reason in model.reasons if reason != of_words),
        embedder=embedder,
        data=moved.with_class_prior(prior),
        coef=coef,
        intercept=intercept,
        method="fine-tuned",
        prior="none",
        starts={},
        held_out=result.probabilities,
        class_means=class_means(moved.vectors, moved.index, unit(embeddings)),
        unknown_threshold=None,
        pool_temperature=1.0,
    )


def _with_result(model: Model, result: CrossValidationResult) -> Model:
    """Return the model with one more row on the leaderboard."""
    results = sorted((*model.leaderboard, result), key=lambda one: -one.accuracy)
    return replace(model, leaderboard=tuple(results))


def is_better(correct: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Return whether more predictions are correct than of the other, by over one standard error of the difference."""
    ahead = correct.astype(float) - other  # (n,)
    return bool(ahead.sum() > np.sqrt((ahead**2).sum()))


def _obstacle(model: Model, items: Items, method: str) -> str:
    """Return why fine-tuning cannot be tried, or an empty string."""
    if method != "auto":
        return f"method={method!r} was chosen"
    if model.unknown_threshold is not None:
        return "unknown_rate is set"
    if model.embedder.encoder is None:
        return "vectors have no network to train"
    if len(items) != len(model.data.index):
        return "only the vectors of some labeled items are stored"
    fewest = int(model.data.counts.min())
    if fewest < MIN_LABELS_PER_CLASS:
        return f"some class has {fewest} labels, and every class needs {MIN_LABELS_PER_CLASS}"
    try:
        encoders.backbone_of(model.embedder.encoder)
    except EncoderError as error:
        return f"the encoder cannot be split into stages ({error})"
    except MissingExtraError:
        return 'it needs torch, which pip install "anyshot[torch]" adds, and is compared with the others then'
    return ""


def _fine_tuned(
    model: Model, items: Items, rows: NDArray[np.bool_], random_state: RandomState
) -> "FineTunedClassifier":
    """Return a classifier fine-tuned on some of the items."""
    data, encoder = model.data, encoders.trainable(model.embedder.encoder)
    assert encoder is not None  # `_obstacle` checked it
    classes = dict(zip(data.classes.tolist(), data.texts.descriptions, strict=True))
    tuning = fine_tuning.Tuning(cache=model.embedder.cache is not None)
    new = fine_tuning.FineTunedClassifier(encoder, classes=classes, tuning=tuning, random_state=random_state)
    tuned: FineTunedClassifier = new.fit(take(items, np.flatnonzero(rows)), data.classes[data.index[rows]].tolist())
    return tuned


def _closed_form_scores(model: Model, folds: Indexes) -> NDArray[np.float64]:
    """Return the scores (n, c) of each labeled item from a closed form fitted without its fold."""
    data = model.data.with_class_prior(None)
    scores = np.zeros((len(folds), len(data.classes)))
    for fold in np.unique(folds):
        out = folds == fold
        closed: Model = any_shot.fit_model(model.embedder, data.subset(~out), method=model.method)
        scores[out] = closed.scores(data.labeled[out])
    return scores
