"""Generalized zero-shot learning: predictions among seen and unseen classes, corrected for the bias to seen classes.

A model trained on labels of some classes scores these too high. Calibrated stacking subtracts a penalty from the scores
of all seen classes (Chao et al., ECCV 2016); a gate decides first whether an item belongs to a seen class. Penalty and
gate are set by class-wise cross-validation, without labels of unseen classes.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from anyshot.base.validation import Floats, Indexes, RandomState, Vectors, unit, vectors
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.zero_shot.base import ZeroShotEstimator, candidate_mask, copy_of
from anyshot.zero_shot.class_wise_search import ClassFold, class_folds, held_out_scores
from anyshot.zero_shot.semantic_map import SemanticMapClassifier


def penalize_seen(scores: Floats, seen: NDArray[np.bool_], penalty: float) -> Floats:
    """Return the scores (n, c) with `penalty` subtracted from the seen classes (c,). Chao et al. 2016, eq. (2).

    A penalty of inf excludes the seen classes, -inf the unseen ones.
    """
    if np.isinf(penalty):
        return np.where(seen if penalty > 0 else ~seen, -np.inf, scores)
    return np.asarray(scores - penalty * seen)


def harmonic_curve(
    margin: Floats, correct: tuple[NDArray[np.bool_], NDArray[np.bool_]], y: Indexes, of_seen: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return rising thresholds on `margin` (n,), and the harmonic mean of the accuracies at each.

    The best seen class is predicted for items whose margin is above the threshold, the best unseen class for the
    others; `correct`: whether each of these two predictions is correct (n,). y (n,): the classes, which weigh the same;
    of_seen (n,): whether the class is seen.
    """
    size = np.bincount(y)[y]  # (n,)
    order = np.argsort(margin)
    n_seen, n_unseen = len(np.unique(y[of_seen])), len(np.unique(y[~of_seen]))
    lost = np.where(of_seen & correct[0], 1 / size, 0)[order] / n_seen  # by a threshold above this item's margin
    won = np.where(~of_seen & correct[1], 1 / size, 0)[order] / n_unseen
    unseen = np.append(0, np.cumsum(won))  # (n + 1,), from the threshold below all margins
    seen = np.maximum(lost.sum() - np.append(0, np.cumsum(lost)), 0)
    ordered = margin[order]
    thresholds = np.concatenate([[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]])
    both = unseen + seen
    return thresholds, np.where(both > 0, 2 * unseen * seen / np.where(both > 0, both, 1), 0)


class GeneralizedZeroShotClassifier(ZeroShotEstimator):
    """A zero-shot estimator corrected for predictions among seen and unseen classes together.

    It needs seen and unseen classes, and three seen ones for "auto".

    Parameters
    ----------
    base : zero-shot estimator
        A clone is fitted, and its scores are corrected.
    seen_penalty : "auto" or float, default="auto"
        Subtracted from the scores of seen classes (correction="penalty"); or the cosine with the nearest seen class
        mean above which an item is taken to belong to a seen class ("gate"). "auto" selects the value with the largest
        harmonic mean in class-wise cross-validation; inf excludes the seen classes.
    correction : {"penalty", "gate"}, default="penalty"
        Calibrated stacking; or a decision between seen and unseen classes before that between classes.
    random_state : int, generator or None, default=0
        Of the folds for "auto".

    Attributes
    ----------
    base_ : zero-shot estimator
        The fitted clone.
    seen_penalty_ : float
        The value in use.
    held_out_harmonic_mean_ : float
        The harmonic mean at that value in cross-validation, 0 to 1; NaN unless "auto".

    References
    ----------
    Chao, Changpinyo, Gong, Sha. An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
    Recognition in the Wild. ECCV 2016, eq. (2). The gate: Socher et al. Zero-Shot Learning Through Cross-Modal
    Transfer. NIPS 2013.
    """

    _fits_to_unlabeled = True

    def __init__(
        self,
        base: ZeroShotEstimator,
        *,
        seen_penalty: float | Literal["auto"] = "auto",
        correction: Literal["penalty", "gate"] = "penalty",
        random_state: RandomState = 0,
    ) -> None:
        self.base, self.seen_penalty, self.correction = base, seen_penalty, correction
        self.random_state = random_state

    def _check_seen(self) -> None:
        n_seen, n_classes = len(self.seen_classes_), len(self.classes_)
        if n_seen in (0, n_classes):
            raise NotEnoughLabelsError(
                f"{n_seen} of {n_classes} classes have labels; generalized zero-shot learning needs seen and unseen "
                "classes. Use the base estimator alone."
            )

    def _fit(self, X: Vectors, y: Indexes) -> None:
        if not isinstance(self.seen_penalty, str) and np.isnan(self.seen_penalty):
            raise InputError("seen_penalty is nan. Give a number, inf to exclude the seen classes, or 'auto'.")
        self.base_ = copy_of(self.base).fit(X, y, class_vectors=self.class_vectors_)
        self.seen_means_ = _unit_means(X, y, self.seen_classes_)
        self.seen_penalty_, self.held_out_harmonic_mean_ = (
            self._cross_validate(X, y, self.class_vectors_)
            if isinstance(self.seen_penalty, str)
            else (float(self.seen_penalty), float("nan"))
        )

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the corrected scores (n, c), -inf outside the candidates.

        With a gate, the classes of the other side are -inf too, if there are candidates on both sides.
        """
        check_is_fitted(self, "base_")
        items = vectors(X, width=self.n_features_in_)
        self._check_columns(X, reset=False)
        scores: Floats = self.base_.decision_function(items, candidates)
        seen = candidate_mask(self.seen_classes_, n_classes=len(self.classes_))
        if self.correction == "penalty":
            return penalize_seen(scores, seen, self.seen_penalty_)
        allowed = candidate_mask(candidates, n_classes=len(self.classes_))
        if not (allowed & seen).any() or not (allowed & ~seen).any():
            return scores
        inside = largest_cosine(items, self.seen_means_) > self.seen_penalty_  # (n,)
        return np.where(inside[:, None] == seen[None, :], scores, -np.inf)

    def uncorrected_scores(self, X: ArrayLike) -> Floats:
        """Return the scores of the base estimator (n, c), to report uncorrected figures beside the corrected ones."""
        return super().decision_function(X)

    def _scores(self, X: Vectors) -> Floats:
        return np.asarray(self.base_.decision_function(X))

    def _cross_validate(self, X: Vectors, y: Indexes, S: Floats) -> tuple[float, float]:
        """Return the value with the largest mean harmonic mean over folds, and that mean."""
        folds = class_folds(y, n_classes=len(S), random_state=self.random_state)
        curves = [curve for fold in folds if (curve := self._fold_curve(X, y, S, fold)) is not None]
        if not curves:
            raise NotEnoughLabelsError(
                "Class-wise cross-validation needs a class with two or more labels. Add labels, or set seen_penalty to "
                "a number."
            )
        return best_threshold(curves)

    def _fold_curve(self, X: Vectors, y: Indexes, S: Floats, fold: ClassFold) -> tuple[Floats, Floats] | None:
        scores, truth = held_out_scores(self.base, X, y, S, fold)
        of_seen = np.isin(truth, fold.train_classes)
        if not of_seen.any():
            return None
        seen, unseen = (
            np.where(candidate_mask(side, n_classes=len(S)), scores, -np.inf)
            for side in (fold.train_classes, fold.held_out_classes)
        )
        margin = seen.max(axis=1) - unseen.max(axis=1)
        if self.correction == "gate":
            margin = largest_cosine(X[fold.test], _unit_means(X[fold.train], y[fold.train], fold.train_classes))
        return harmonic_curve(margin, (seen.argmax(axis=1) == truth, unseen.argmax(axis=1) == truth), truth, of_seen)


def generalized_weights(X: Vectors, y: Indexes, class_vectors: Vectors) -> tuple[Floats, Floats, float | None]:
    """Return weights (c, d), intercepts (c,) and seen penalty of a `SemanticMapClassifier` for all classes together.

    X (n, d), y (n,): labeled items of the seen classes; class_vectors (c, a). The softmax of the scores is as confident
    as that of the estimator. The penalty is in the intercepts; None if there are fewer than three seen classes.
    """
    model, seen, penalty = SemanticMapClassifier(), np.bincount(y, minlength=len(class_vectors)) > 0, None
    model.fit(X, y, class_vectors=class_vectors)
    if np.count_nonzero(seen) >= 3:
        corrected = GeneralizedZeroShotClassifier(SemanticMapClassifier()).fit(X, y, class_vectors=class_vectors)
        penalty = corrected.seen_penalty_
    scale = 1 / model.temperature
    return scale * model.coef_, scale * (model.intercept_ - (penalty or 0.0) * seen), penalty


def best_threshold(curves: list[tuple[Floats, Floats]]) -> tuple[float, float]:
    """Return the threshold with the largest mean of several curves (thresholds, values), and that mean."""
    thresholds = np.quantile(np.concatenate([at for at, _ in curves]), np.linspace(0, 1, 513))
    values = np.mean([np.interp(thresholds, at, value) for at, value in curves], axis=0)
    smooth = np.convolve(np.pad(values, 8, mode="edge"), np.full(17, 1 / 17), mode="valid")  # a plateau, not a peak
    best = int(smooth.argmax())
    return float(thresholds[best]), float(values[best])


def largest_cosine(X: Vectors, means: Vectors) -> Floats:
    """Return the cosine of each item (n, d) with the nearest of `means` (c_seen, d), unit rows: (n,)."""
    return np.asarray((unit(X) @ means.T).max(axis=1), dtype=np.float64)


def _unit_means(X: Vectors, y: Indexes, classes: Indexes) -> Vectors:
    return unit(np.stack([unit(X[y == k]).mean(axis=0) for k in classes]))
