"""Whether fine-tuning pays: the closed forms and it side by side on labels held out, and what it costs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from anyshot import encoders, fine_tuning
from anyshot.any_shot.cross_validation import Budget, Model, Trial, as_method, fit_model
from anyshot.any_shot.embedder import Space
from anyshot.any_shot.scoring import Scorer
from anyshot.any_shot.training_set import Evidence
from anyshot.base import progress
from anyshot.base.items import Items
from anyshot.base.validation import Indexes, RandomState
from anyshot.errors import EncoderError
from anyshot.evaluation.splits import first_copies, folds_by_arrival

if TYPE_CHECKING:  # both load torch, which only a model that is trained needs
    from anyshot.encoders.tuned import TunedEncoder
    from anyshot.fine_tuning.classifier import FineTunedClassifier

LABELS_NEEDED: Final = 5
"""Labels that every class needs before training is tried."""
FOLDS: Final = 3


@dataclass(frozen=True)
class Choice:
    """What came of it."""

    reason: str
    trial: Trial | None = None  # of fine-tuning, where it was tried to the end
    model: "FineTunedClassifier | None" = None  # where it won

    def encoder(self, name: str) -> "TunedEncoder":
        """Return the trained network before its head; `name` is what it was trained from."""
        assert self.model is not None  # asked for only where fine-tuning won
        center = None if self.model.head_.center is None else self.model.head_.center.cpu().numpy()
        backbone, freeze_at, rest = self.model.backbone_, self.model.freeze_at_, self.model.rest_
        tuned: TunedEncoder = encoders.TunedEncoder(name, backbone, freeze_at, rest, center=center)
        return tuned

    def scorer(self) -> Scorer:
        """Return the trained head."""
        assert self.model is not None  # as above
        head = self.model.head_
        return Scorer(head.coef.detach().cpu().numpy(), head.intercept.detach().cpu().numpy())


@dataclass(frozen=True)
class _Told:
    """What fine-tuning says of the labels held out in turn."""

    folds: Indexes  # (n,)
    scores: NDArray[np.float64]  # (n, c)
    began: float
    shares: NDArray[np.floating] | None

    def believed(self, index: Indexes) -> NDArray[np.float64]:
        """Return how likely the answering model would call each item's own class (n,)."""
        moved = self.scores if self.shares is None else self.scores + np.log(self.shares)
        return np.asarray(softmax(moved, axis=1)[np.arange(len(index)), index])


def tune_if_it_pays(
    space: Space,
    evidence: Evidence,
    items: Items,
    closed: Model,
    *,
    budget: Budget,
    shares: NDArray[np.floating] | None,
    random_state: RandomState,
) -> Choice:
    """Fine-tune the encoder in turn without each third of the labels, and on all of them if that told more rightly.

    items (n): those of the evidence's labels, in their order. closed: the model that answers otherwise. Fine-tuning
    wins by more than one standard error of the paired difference: less is the noise of the labels at hand, and it
    costs more. budget: the seconds that it may take in all; after the first part it is known how many it will. shares
    (c,): of the classes in the work to come, equal if None; they weigh in the answers, not in the comparison.
    """
    cause = _cannot(space, evidence, items)
    if cause:
        return Choice(f"Fine-tuning was not tried: {cause}.")
    folds = folds_by_arrival(evidence.index, FOLDS, same=first_copies(evidence.vectors))
    limit = float("inf") if isinstance(budget, str) else float(budget)
    scores = np.zeros((len(items), len(evidence.classes)))
    began = time.monotonic()
    for done, out in enumerate(progress.track(_parts(folds), total=FOLDS, description="Fine-tuning"), start=1):
        scores[out] = _tuned(space, evidence, items, ~out, random_state).scores(part_of(items, out))
        needed = (time.monotonic() - began) / done * (FOLDS + 1.5)  # the last fit is on half as many items again
        if needed > limit:
            return Choice(f"Fine-tuning was not tried to the end: it would take about {needed:.0f} s of {limit:.0f}.")
    return _judged(space, evidence, items, closed, _Told(folds, scores, began, shares), random_state)


def wins(right: NDArray[np.bool_], before: NDArray[np.bool_]) -> bool:
    """Whether the one told more labels rightly than the other by more than a standard error of the difference."""
    ahead = right.astype(float) - before  # (n,)
    return bool(ahead.sum() > np.sqrt((ahead**2).sum()))


def part_of(items: Items, rows: NDArray[np.bool_]) -> list[object]:
    """Return some of the items."""
    return [items[int(row)] for row in np.flatnonzero(rows)]


def _judged(
    space: Space,
    evidence: Evidence,
    items: Items,
    closed: Model,
    told: _Told,
    random_state: RandomState,
) -> Choice:
    """Compare what both say of the labels held out, and train on all of them if training told more rightly."""
    theirs = _closed_form(evidence, closed, told.folds)
    index = evidence.index
    right, before = told.scores.argmax(axis=1) == index, theirs.argmax(axis=1) == index
    found = f"held out in turn, {len(index)} labels are told by fine-tuning {right.mean():.1%}, {closed.method} "
    found += f"{before.mean():.1%}"
    answers = log_softmax(told.scores, axis=1)[np.arange(len(index)), index]
    by_class = float(np.mean([right[index == k].mean() for k in np.unique(index)]))
    trial = Trial("fine-tuned", by_class, float(answers.mean()), 1.0, right, told.believed(index))
    if not wins(right, before):
        price = time.monotonic() - told.began
        return Choice(f"Fine-tuning does not win: {found}. Finding that out took {price:.0f} s.", trial)
    model = _tuned(space, evidence, items, np.ones(len(index), dtype=bool), random_state)
    price = time.monotonic() - told.began
    return Choice(f"Fine-tuning from {model.freeze_at_} on answers: {found}. It took {price:.0f} s.", trial, model)


def _cannot(space: Space, evidence: Evidence, items: Items) -> str:
    """Return why fine-tuning cannot be tried; nothing where it can."""
    if space.encoder is None:
        return "vectors have no network to train"
    if len(items) != len(evidence.index):
        return "of some labeled items only the vectors are at hand"
    fewest = int(np.bincount(evidence.index, minlength=len(evidence.classes)).min())
    if fewest < LABELS_NEEDED:
        return f"some class has {fewest} labels, and it needs {LABELS_NEEDED} of each"
    try:
        encoders.backbone_of(space.encoder)
    except EncoderError as error:
        return f"the encoder cannot be split ({error})"
    return ""


def _parts(folds: Indexes) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the rows of each fold, as `progress.track` counts them."""
    for fold in np.unique(folds):
        yield 1, folds == fold


def _tuned(
    space: Space, evidence: Evidence, items: Items, rows: NDArray[np.bool_], random_state: RandomState
) -> "FineTunedClassifier":
    said = {name: list(texts) for name, texts in zip(evidence.classes.tolist(), evidence.texts.texts, strict=True)}
    assert space.encoder is not None  # `_cannot` saw to that
    tuning = fine_tuning.Tuning(cache=space.cache is not None)
    fresh = fine_tuning.FineTunedClassifier(space.encoder, classes=said, tuning=tuning, random_state=random_state)
    model: FineTunedClassifier = fresh.fit(part_of(items, rows), evidence.classes[evidence.index[rows]].tolist())
    return model


def _closed_form(evidence: Evidence, closed: Model, folds: Indexes) -> NDArray[np.float64]:
    """Return what the closed form says of the labels held out (n, c)."""
    known = evidence.known(None)
    scores = np.zeros((len(folds), len(evidence.classes)))
    for fold in np.unique(folds):
        out = folds == fold
        scores[out] = fit_model(known.without(out), method=as_method(closed.method)).scorer(known.vectors[out])
    return scores
