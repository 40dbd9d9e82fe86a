"""Generalized zero-shot: seen and unseen classes answered together, corrected for the pull of the seen ones.

A model that has seen labels of some classes scores these too high. Calibrated stacking subtracts one penalty from all
seen classes' scores (Chao et al., ECCV 2016); a gate decides first whether an item is of a seen class at all. Both are
set by holding seen classes out, never by labels of unseen ones.
"""

from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from anyshot.base.items import check_indexes
from anyshot.base.validation import Indexes, RandomState, Vectors, unit, vectors
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.zero_shot.class_vectors import Floats, checked_class_vectors
from anyshot.zero_shot.class_wise import class_folds, held_out_scores
from anyshot.zero_shot.standard import ZeroShotEstimator, candidate_mask


def penalize_seen(scores: Floats, seen: NDArray[np.bool_], penalty: float) -> Floats:
    """Return the scores (n, c) with `penalty` subtracted from the seen classes (c,). Chao et al. 2016, eq. (2).

    A penalty of inf leaves the unseen classes alone, -inf the seen ones.
    """
    if np.isinf(penalty):
        return np.where(seen if penalty > 0 else ~seen, -np.inf, scores)
    return np.asarray(scores - penalty * seen)


def harmonic_curve(
    lead: Floats, right: tuple[NDArray[np.bool_], NDArray[np.bool_]], y: Indexes, of_seen: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return thresholds on `lead` (n,), rising, and the harmonic mean of the accuracies at each.

    An item is answered with its best seen class where its lead is above the threshold, with its best unseen class
    elsewhere; `right` says whether each of these answers, seen and unseen, would be right (n,). y (n,): the classes,
    each of which weighs the same; of_seen (n,): whether the item is of a seen class.
    """
    size = np.bincount(y)[y]  # (n,)
    order = np.argsort(lead)
    n_seen, n_unseen = len(np.unique(y[of_seen])), len(np.unique(y[~of_seen]))
    lost = np.where(of_seen & right[0], 1 / size, 0)[order] / n_seen  # an item passed by the threshold is called unseen
    won = np.where(~of_seen & right[1], 1 / size, 0)[order] / n_unseen
    unseen = np.append(0, np.cumsum(won))  # (n + 1,), the threshold below all leads first
    seen = np.maximum(lost.sum() - np.append(0, np.cumsum(lost)), 0)
    at = np.concatenate([[lead[order[0]] - 1], (lead[order][1:] + lead[order][:-1]) / 2, [lead[order[-1]] + 1]])
    both = unseen + seen
    return at, np.where(both > 0, 2 * unseen * seen / np.where(both > 0, both, 1), 0)


class GeneralizedZeroShotClassifier(ClassifierMixin, BaseEstimator):
    """A zero-shot method made fit for items of seen and unseen classes together.

    Parameters
    ----------
    base : zero-shot estimator
        Its scores are corrected; a clone is fitted.
    seen_penalty : "auto" or float, default="auto"
        What is subtracted from seen classes' scores (correction="penalty"), or the cosine to the nearest seen class
        mean above which an item is of a seen class ("gate"). "auto" takes the value of the best harmonic mean with seen
        classes held out; inf leaves the unseen classes alone.
    correction : {"penalty", "gate"}, default="penalty"
        Calibrated stacking, or a gate: first seen or unseen, then the class within.
    random_state : int, generator or None, default=0
        How classes are divided for "auto".

    Attributes
    ----------
    base_ : the fitted clone
    seen_penalty_ : float
        The value in use.
    held_out_harmonic_mean_ : float
        The harmonic mean at that value with classes held out, 0 to 1; NaN where the value was given.

    References
    ----------
    Chao, Changpinyo, Gong, Sha. An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
    Recognition in the Wild. ECCV 2016, eq. (2). The gate: Socher et al. Zero-Shot Learning Through Cross-Modal
    Transfer. NIPS 2013.
    """

    def __init__(
        self,
        base: ZeroShotEstimator,
        *,
        seen_penalty: float | Literal["auto"] = "auto",
        correction: Literal["penalty", "gate"] = "penalty",
        random_state: RandomState = 0,
    ) -> None:
        self.base = base
        self.seen_penalty: float | Literal["auto"] = seen_penalty
        self.correction: Literal["penalty", "gate"] = correction
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike) -> Self:
        """Fit the base and set the penalty: `X` (n, d), `y` (n,) rows of `class_vectors` (c, a), -1 for no label.

        Raises
        ------
        NotEnoughLabelsError
            No class is unseen or seen, or for "auto", fewer than three are seen.
        """
        if self.correction not in ("penalty", "gate"):
            raise InputError(f"correction={self.correction!r} is neither 'penalty' nor 'gate'.")
        items, table = vectors(X), checked_class_vectors(class_vectors)
        index = check_indexes(y, n_items=len(items), n_classes=len(table))
        n_seen = len(np.unique(index[index >= 0]))
        if n_seen in (0, len(table)):
            raise NotEnoughLabelsError(
                f"{n_seen} of {len(table)} classes have labels; generalized zero-shot learning needs seen and unseen "
                "classes. With none or all of them seen, use the base estimator alone."
            )
        self.base_ = clone(self.base).fit(items, index, class_vectors=table)
        self.classes_, self.seen_classes_ = self.base_.classes_, self.base_.seen_classes_
        self.unseen_classes_ = self.base_.unseen_classes_
        self.seen_means_ = _unit_means(items, index, self.seen_classes_)
        self.seen_penalty_, self.held_out_harmonic_mean_ = (
            self._choose(items, index, table)
            if isinstance(self.seen_penalty, str)
            else (float(self.seen_penalty), float("nan"))
        )
        return self

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the corrected scores (n, c), -inf outside the candidates.

        With a gate, the classes on the wrong side of it are -inf too, unless no candidate is on the other.
        """
        check_is_fitted(self, "base_")
        scores: Floats = self.base_.decision_function(X, candidates)
        seen = candidate_mask(self.seen_classes_, n_classes=len(self.classes_))
        if self.correction == "penalty":
            return penalize_seen(scores, seen, self.seen_penalty_)
        # A gate chooses between sides; where the candidates leave one side only there is nothing to choose.
        allowed = candidate_mask(candidates, n_classes=len(self.classes_))
        if not (allowed & seen).any() or not (allowed & ~seen).any():
            return scores
        inside = nearness(vectors(X), self.seen_means_) > self.seen_penalty_  # (n,)
        return np.where(inside[:, None] == seen[None, :], scores, -np.inf)

    def predict(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Indexes:
        """Return the class of each of `X` (n, d), as a row of the class table (n,)."""
        return np.asarray(self.decision_function(X, candidates).argmax(axis=1), dtype=np.intp)

    def uncorrected_scores(self, X: ArrayLike) -> Floats:
        """Return the base's scores (n, c), for the raw figures that belong beside the corrected ones."""
        check_is_fitted(self, "base_")
        return np.asarray(self.base_.decision_function(X))

    def _choose(self, X: Vectors, y: Indexes, S: Floats) -> tuple[float, float]:
        """Return the value with the best mean harmonic mean over folds, and that mean."""
        curves = []
        for fold in class_folds(y, n_classes=len(S), random_state=self.random_state):
            scores, truth = held_out_scores(self.base, X, y, S, fold)
            kept, held_out = (
                np.where(candidate_mask(side, n_classes=len(S)), scores, -np.inf) for side in (fold.kept, fold.held_out)
            )
            lead = kept.max(axis=1) - held_out.max(axis=1)
            if self.correction == "gate":
                lead = nearness(X[fold.test], _unit_means(X[fold.train], y[fold.train], fold.kept))
            right = kept.argmax(axis=1) == truth, held_out.argmax(axis=1) == truth
            of_kept = np.isin(truth, fold.kept)
            if of_kept.any():
                curves.append(harmonic_curve(lead, right, truth, of_kept))
        if not curves:
            raise NotEnoughLabelsError(
                "No class keeps a row to measure on. Give more labels, or seen_penalty=a number."
            )
        return best_threshold(curves)


def best_threshold(curves: list[tuple[Floats, Floats]]) -> tuple[float, float]:
    """Return the threshold with the highest mean of several curves, steps of (at, height), and that mean."""
    places = np.quantile(np.concatenate([at for at, _ in curves]), np.linspace(0, 1, 513))
    # The threshold between two leads holds from the one lead to the other: the nearest known place is the step's.
    heights = np.mean([np.interp(places, at, height) for at, height in curves], axis=0)
    smooth = np.convolve(np.pad(heights, 8, mode="edge"), np.full(17, 1 / 17), mode="valid")  # a plateau, not a spike
    best = int(smooth.argmax())
    return float(places[best]), float(heights[best])


def nearness(X: Vectors, means: Vectors) -> Floats:
    """Return the cosine of each item (n, d) to the nearest of `means` (c_seen, d), unit rows: (n,)."""
    return np.asarray((unit(X) @ means.T).max(axis=1), dtype=np.float64)


def _unit_means(X: Vectors, y: Indexes, classes: Indexes) -> Vectors:
    return unit(np.stack([unit(X[y == k]).mean(axis=0) for k in classes]))
