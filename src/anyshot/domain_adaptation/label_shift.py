"""Label shift: the classes are not as frequent in the target as in the source, and nothing else changed."""

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin

from anyshot.base.items import decision_scores
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base, probabilities
from anyshot.domain_adaptation.normalization import Normalize, Table
from anyshot.errors import InputError, NotEnoughLabelsError

# With p(x | y) the same in both domains, a source model's answers P (n_t, c) become the target's by weighing classes,
#
#     P_t(y | x)  ~  P(y | x) q_y / p_y
#
# where p (c,) are the source's shares and q the target's. Two ways to q:
#
# - EM (Saerens, Latinne, Decaestecker. Neural Computation 2002, eq. 2.9): q <- mean of P_t, from q = p. It is the
#   maximum of the likelihood where P is calibrated, so the answers are calibrated first, by a temperature and a bias a
#   class on answers that cross-fitting gave (Alexandari, Kundaje, Shrikumar. ICML 2020, section 3).
# - BBSE (Lipton, Wang, Smola. Detecting and Correcting for Label Shift with Black Box Predictors. ICML 2018,
#   section 4): mean target answer = sum_y q_y * mean source answer where the class is y; needs no calibration.

FOLDS: Final = 5
MOST_ROUNDS: Final = 1000

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class PriorEstimate:
    """The target's class shares with their 95 % intervals."""

    prior: Floats  # (c,)
    low: Floats  # (c,)
    high: Floats  # (c,)


def em_prior(answers: Floats, source_prior: Floats, *, weights: Floats | None = None, tol: float = 1e-6) -> Floats:
    """Return the target's shares (c,) that make its items likeliest.

    answers (n_t, c): calibrated probabilities by a model of the source, whose shares are source_prior (c,); weights
    (n_t,): how often each item counts; tol: change of a share at which to stop.
    """
    count = np.full(len(answers), 1.0) if weights is None else weights
    odds = answers / np.maximum(source_prior, 1e-12)  # (n_t, c)
    prior = np.asarray(source_prior, dtype=float)
    for _ in range(MOST_ROUNDS):
        joint = odds * prior
        moved = count @ (joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)) / count.sum()
        settled = np.abs(moved - prior).max() < tol
        prior = moved
        if settled:
            break
    return np.asarray(prior)


def bbse_prior(source_answers: Floats, index: Indexes, target_answers: Floats) -> Floats:
    """Return the target's shares (c,), none below 0, that explain its mean answer best.

    source_answers (n_s, c): answers on source items that the model has not learned from, whose classes are `index`
    (n_s,); target_answers (n_t, c). Probabilities, or 1 for the answer and 0 elsewhere.
    """
    given = _class_means(source_answers, index)  # (c, c), column y is the mean answer where the class is y
    shares = nnls(given, target_answers.mean(axis=0))[0]
    return np.asarray(shares / max(shares.sum(), 1e-12))


def _class_means(values: Floats, index: Indexes) -> Floats:
    c = int(index.max()) + 1
    members = np.eye(c)[index]
    return np.asarray(values.T @ members / np.maximum(members.sum(axis=0), 1))


@dataclass(frozen=True)
class Calibration:
    """A temperature and a bias for each class, put on log-probabilities."""

    sharpness: float
    bias: Floats  # (c,)

    def __call__(self, answers: Floats) -> Floats:
        """Return calibrated probabilities (n, c)."""
        return np.asarray(softmax(self.sharpness * _logs(answers) + self.bias, axis=1))


def fit_calibration(answers: Floats, index: Indexes) -> Calibration:
    """Find the temperature and biases that make the true classes `index` (n,) likeliest; answers (n, c)."""
    logs, rows, c = _logs(answers), np.arange(len(index)), answers.shape[1]

    def loss(free: Floats) -> tuple[float, Floats]:
        scores = log_softmax(free[0] * logs + free[1:], axis=1)
        gap = np.exp(scores)
        gap[rows, index] -= 1
        slope = np.r_[(gap * logs).sum(), gap.sum(axis=0)] / len(rows) + 1e-3 * (free - start)
        return float(-scores[rows, index].mean() + 5e-4 * np.square(free - start).sum()), slope

    start = np.r_[1.0, np.zeros(c)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.01, 100)] + [(-20, 20)] * c).x
    return Calibration(float(found[0]), found[1:])


def _logs(answers: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(answers, 1e-6)))


def cross_fitted(base: ClassifierMixin | None, table: Table, index: Indexes, n_classes: int) -> Floats:
    """Return the answers (n, c) of models that have not learned from the item, `FOLDS`-fold.

    Raises
    ------
    NotEnoughLabelsError
        A class has one item.
    """
    fold = _place_in_class(index) % FOLDS
    counts = np.bincount(index, minlength=n_classes)
    if counts.min() < 2:
        raise NotEnoughLabelsError(f"Class number {counts.argmin()} has 1 source item; label shift needs 2 of each.")
    answers = np.zeros((len(index), n_classes))
    for number in np.unique(fold):
        held = fold == number
        answers[held] = probabilities(fitted_base(base, table[~held], index[~held]), table[held], n_classes)
    return answers


def _place_in_class(index: Indexes) -> Indexes:
    """Return, for each item, how many of its class came before (n,)."""
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], index[order])
    place = np.empty(len(index), dtype=np.intp)
    place[order] = np.arange(len(index)) - starts
    return place


def prior_interval(
    source_answers: Floats,
    index: Indexes,
    target_answers: Floats,
    *,
    method: Literal["em", "bbse"],
    n_draws: int = 200,
    random_state: RandomState = None,
) -> PriorEstimate:
    """Estimate the target's shares, with 95 % intervals by drawing items of both domains anew.

    source_answers (n_s, c) on items not learned from, index (n_s,), target_answers (n_t, c); calibrated for "em". The
    model and its calibration are not fitted anew, so that the intervals are a little narrow: with 300 labels those of
    "em" held 84 % of the true shares, those of "bbse" 89 %.
    """
    random = generator(random_state)
    n_s, n_t = len(index), len(target_answers)

    def estimate(ours: Indexes, theirs: Indexes) -> Floats:
        if method == "bbse":
            return bbse_prior(source_answers[ours], index[ours], target_answers[theirs])
        shares = np.bincount(index[ours], minlength=target_answers.shape[1]) / n_s
        return em_prior(target_answers, shares, weights=np.bincount(theirs, minlength=n_t).astype(float), tol=1e-4)

    # Source items are drawn within their class, so that no class runs empty.
    of_class = [np.flatnonzero(index == k) for k in range(target_answers.shape[1])]
    draws = np.stack(
        [
            estimate(
                np.concatenate([random.choice(rows, len(rows)) for rows in of_class]), random.integers(n_t, size=n_t)
            )
            for _ in range(n_draws)
        ]
    )  # (draws, c)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return PriorEstimate(estimate(np.arange(n_s), np.arange(n_t)), low, high)


class ShiftedPrior(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose answers are calibrated and weighed by class; its verbs are a classifier's."""

    def __init__(self, model: ClassifierMixin, calibration: Calibration, ratio: Floats) -> None:
        self.model = model
        self.calibration = calibration
        self.ratio = ratio

    @property
    def classes_(self) -> Indexes:
        """Rows of the class table."""
        return np.arange(len(self.ratio))

    def fit(self, X: Table, y: Indexes) -> Self:
        """Change nothing: there is nothing left to learn."""
        return self

    def predict_proba(self, X: Table) -> Floats:
        """Return the probability of each class (n, c)."""
        joint = self.calibration(probabilities(self.model, X, len(self.ratio))) * self.ratio
        return np.asarray(joint / joint.sum(axis=1, keepdims=True))

    def decision_function(self, X: Table) -> Floats:
        """Return log-probabilities (n, c), or the second's log-odds (n,) of two classes."""
        return np.asarray(decision_scores(np.log(np.maximum(self.predict_proba(X), 1e-300))))

    def predict(self, X: Table) -> Indexes:
        """Return the row of the likeliest class (n,)."""
        return np.asarray(self.predict_proba(X).argmax(axis=1))


class LabelShiftCorrection(AdaptedClassifier):
    """Answer at the target's class shares, which its items tell without a label.

    Parameters
    ----------
    method : {"em", "bbse"}, default="em"
        How the shares are found: by expectation maximization, or from the mean answer.
    n_draws : int, default=200
        Draws behind the shares' intervals.
    base : classifier, default=None
        Logistic regression if not given.
    normalize : {"source", "domain", None}, default="source"
        Whose statistics make the z-scores. By "domain" they would take away some of the shift.
    random_state : int, generator or None, default=None
        Draws the intervals; the answers do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    prior_ : PriorEstimate
        The target's class shares and their intervals; there is none without a target.
    model_ : ShiftedPrior
        The fitted base at these shares.

    References
    ----------
    Saerens, Latinne, Decaestecker. Adjusting the Outputs of a Classifier to New a Priori Probabilities. Neural
    Computation 2002.
    Lipton, Wang, Smola. Detecting and Correcting for Label Shift with Black Box Predictors. ICML 2018.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [1.5], [3.0], [4.0]], ["a", "a", "a", "b", "b", "b"]
    >>> model = LabelShiftCorrection(random_state=0).fit(X, y, target=[[3.0], [3.5], [1.7], [4.0], [2.8], [3.6]])
    >>> bool(model.prior_.prior[1] > 0.5)
    True
    """

    def __init__(
        self,
        *,
        method: Literal["em", "bbse"] = "em",
        n_draws: int = 200,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "source",
        random_state: RandomState = None,
    ) -> None:
        self.method = method
        self.n_draws = n_draws
        self.base = base
        self.normalize = normalize
        self.random_state = random_state

    def _adapt(self, domains: Domains) -> None:
        if self.method not in ("em", "bbse"):
            raise InputError(f"method={self.method!r} is no choice. Take 'em' or 'bbse'.")
        if self.n_draws < 1:
            raise InputError(f"n_draws={self.n_draws} must be at least 1: the intervals are made of draws.")
        c = domains.n_classes
        held = cross_fitted(self.base, domains.source, domains.index, c)
        calibration = fit_calibration(held, domains.index)
        model = fitted_base(self.base, domains.source, domains.index)
        answers = calibration(probabilities(model, domains.target, c))
        self.prior_ = prior_interval(
            calibration(held), domains.index, answers, method=self.method, n_draws=self.n_draws,
            random_state=self.random_state,
        )  # fmt: skip
        shares = np.bincount(domains.index, minlength=c) / len(domains.index)
        self.model_ = ShiftedPrior(model, calibration, np.maximum(self.prior_.prior, 1e-6) / shares)
