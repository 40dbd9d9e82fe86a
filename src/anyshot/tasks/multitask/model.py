"""Linear multitask model: the heads of all tasks share a Gaussian prior, estimated by expectation-maximization."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax
from sklearn.utils.validation import check_is_fitted

from anyshot.base import validation
from anyshot.base.estimator import all_or_nothing, validate_data
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.number_columns import column_std
from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats
from anyshot.base.weighted_items import checked_weights
from anyshot.errors import InputError
from anyshot.tasks.multitask.task import FittedTasks, Task, TaskKind, TaskLabels, read_tasks, task_card

# The model. The tasks' heads are the columns of W (d, k), one for a number or two classes, c for c classes:
#
#     scores = Z W + b,    each row of W ~ N(0, S),    y = score + N(0, noise) or a class by the softmax of its scores
#
# S (k, k) is the prior covariance of the heads: labels of one task inform the heads of all tasks that are correlated
# with it under S, and with a diagonal S each task is learned alone. S and the noise are estimated by EM (the prior of
# Bonilla, Chai, Williams, Multi-task Gaussian Process Prediction, NeurIPS 2007, in feature space; the update is that of
# Murphy, Machine Learning: a Probabilistic Perspective, 2012, section 9.5), with Laplace's approximation for classes:
#
#     S <- mean over features of w w' + V,    noise <- mean of (y - score)^2 + its variance
#
# V, the posterior covariance of a feature's weights, has a closed form in the principal axes of the features, where
# Z'Z = diag(n l), if the labeled items of each task are assumed to have the axes of all items. With the curvature h
# (k,) of each head's loss, H = diag(h) and H^1/2 S H^1/2 = Q diag(q) Q':
#
#     V = (S^-1 + l H)^-1 = H^-1/2 Q diag(q / (1 + l q)) Q' H^-1/2
#
# The heads minimize the exact objective, by L-BFGS in coordinates in which V is the identity.

MAX_ROUNDS: Final = 300
"""Of expectation-maximization."""
TOLERANCE: Final = 1e-4
"""Relative change of S at which EM stops."""
INNER_STEPS: Final = 8
"""L-BFGS steps in each round; the last round runs to convergence."""
INDEPENDENCE_WEIGHT: Final = 2.0
"""Weight of the prior that tasks are independent, in numbers of features."""


class SharedHeads(NamedTuple):
    """The heads of all tasks, and the estimated prior."""

    coef: Floats  # (d, k)
    intercept: Floats  # (k,)
    covariance: Floats  # (k, k), S
    noise: Floats  # (tasks,), noise variance of standardized labels; NaN for classification


def fit_shared_prior(
    Z: Floats, tasks: Sequence[Task], *, shared: bool = True, weights: Floats | None = None
) -> SharedHeads:
    """Fit the model above.

    Z (n, d): features of all items, with or without labels; shared: False keeps S block-diagonal, so that each task is
    learned alone; weights (n,): how often each item counts, 1 by default.
    """
    counted = np.ones(len(Z)) if weights is None else weights
    _, scale, axes = np.linalg.svd(np.sqrt(counted)[:, None] * Z, full_matrices=False)
    nonzero = scale > max(Z.shape) * np.finfo(np.float64).eps * scale.max(initial=0)
    rows, variances = Z @ axes[nonzero].T, scale[nonzero] ** 2 / counted.sum()  # (n, p), (p,): l
    parts = list(_columns(tasks).values())
    problem = _Problem(rows, tasks, parts)
    k, noise = parts[-1].stop, np.full(len(tasks), 0.5)
    S = np.eye(k) / max(len(variances) * variances.mean(), 1e-12)
    heads = _Heads(np.zeros((len(variances), k)), np.zeros(k))
    for _ in range(MAX_ROUNDS):
        coordinates = _Coordinates.of(S, problem.curvature(heads, noise), variances)
        heads = problem.minimum(heads, noise, coordinates, steps=INNER_STEPS)
        moment = heads.U.T @ heads.U + coordinates.total_variance()
        before, S = S, _prior_covariance(moment, len(variances), parts, shared=shared)
        noise = problem.noise(heads, coordinates, variances)
        if np.abs(S - before).max() <= TOLERANCE * np.abs(before).max():
            break
    coordinates = _Coordinates.of(S, problem.curvature(heads, noise), variances)
    heads = problem.minimum(heads, noise, coordinates, steps=500)
    is_number = np.array([task.kind == "regression" for task in tasks])
    return SharedHeads(axes[nonzero].T @ heads.U, heads.b, S, np.where(is_number, noise, np.nan))


class _Heads(NamedTuple):
    U: Floats  # (p, k), weights along the principal axes
    b: Floats  # (k,)


class _Coordinates(NamedTuple):
    """Coordinates in which all weights are independent with variance 1."""

    back: Floats  # (k, k), H^-1/2 Q
    forth: Floats  # (k, k), H^1/2 Q
    scale: Floats  # (p, k), sqrt(q / (1 + l q))
    prior_share: Floats  # (p, k), 1 / (1 + l q), share of the prior in the precision

    @classmethod
    def of(cls, S: Floats, h: Floats, variances: Floats) -> "_Coordinates":
        root = np.sqrt(h)
        q, Q = np.linalg.eigh(root[:, None] * S * root)
        q = np.maximum(q, 1e-12)
        prior_share = 1 / (1 + variances[:, None] * q)
        return cls(Q / root[:, None], Q * root[:, None], np.sqrt(q * prior_share), prior_share)

    def total_variance(self) -> Floats:
        """Return the sum of V over the axes (k, k)."""
        return np.asarray((self.back * np.square(self.scale).sum(axis=0)) @ self.back.T)


class _Problem(NamedTuple):
    rows: Floats  # (n, p)
    tasks: Sequence[Task]
    parts: list[slice]  # columns of each task

    def loss(self, scores: Floats, noise: Floats) -> tuple[float, Floats]:
        """Return the loss of all labels, and its gradient with respect to the scores (n, k)."""
        total, slope = 0.0, np.zeros_like(scores)
        for task, part, variance in zip(self.tasks, self.parts, noise, strict=True):
            own, y, weights = scores[task.rows, part], task.targets, task.weights
            if task.kind == "regression":
                gap = own[:, 0] - y
                total += float(weights @ gap**2) / (2 * variance)
                slope[task.rows, part] = (weights * gap)[:, None] / variance
            elif task.width == 1:
                total += float(weights @ np.logaddexp(0, np.where(y == 1, -own[:, 0], own[:, 0])))
                slope[task.rows, part] = (weights * (expit(own[:, 0]) - y))[:, None]
            else:
                each = np.arange(len(y))
                total += float(weights @ (logsumexp(own, axis=1) - own[each, y]))
                gaps = softmax(own, axis=1)
                gaps[each, y] -= 1
                slope[task.rows, part] = weights[:, None] * gaps
        return total, slope

    def curvature(self, heads: _Heads, noise: Floats) -> Floats:
        """Return the second derivative of the loss with respect to each column of scores, summed over items (k,)."""
        scores, found = self.rows @ heads.U + heads.b, []
        for task, part, variance in zip(self.tasks, self.parts, noise, strict=True):
            if task.kind == "regression":
                found.append(task.weights.sum(keepdims=True) / variance)
            else:
                p = task.probabilities(scores[task.rows, part])[:, -task.width :]
                found.append(task.weights @ (p * (1 - p)))
        return np.asarray(np.maximum(np.concatenate(found), 1e-6))

    def noise(self, heads: _Heads, coordinates: _Coordinates, variances: Floats) -> Floats:
        """Return the noise variance of each regression task (tasks,); 1 for classification."""
        of_scores = np.square(coordinates.back) @ (np.square(coordinates.scale).T @ variances)  # (k,), variance
        found = np.ones(len(self.tasks))
        for number, (task, part) in enumerate(zip(self.tasks, self.parts, strict=True)):
            if task.kind == "regression":
                gap = self.rows[task.rows] @ heads.U[:, part.start] + heads.b[part.start] - task.targets
                found[number] = max(float(np.average(gap**2, weights=task.weights)) + of_scores[part.start], 1e-4)
        return found

    def minimum(self, start: _Heads, noise: Floats, coordinates: _Coordinates, *, steps: int) -> _Heads:
        """Return the heads after some steps of L-BFGS on loss + w' S^-1 w / 2."""
        shape, prior = start.U.shape, coordinates.prior_share

        def unfold(x: Floats) -> _Heads:
            return _Heads((x[: -shape[1]].reshape(shape) * coordinates.scale) @ coordinates.back.T, x[-shape[1] :])

        def objective(x: Floats) -> tuple[float, Floats]:
            heads, v = unfold(x), x[: -shape[1]].reshape(shape)
            loss, slope = self.loss(self.rows @ heads.U + heads.b, noise)
            along = (self.rows.T @ slope) @ coordinates.back * coordinates.scale + prior * v  # (p, k)
            return loss + 0.5 * float((prior * v**2).sum()), np.concatenate([along.ravel(), slope.sum(axis=0)])

        x = np.concatenate([((start.U @ coordinates.forth) / coordinates.scale).ravel(), start.b])
        found = minimize(
            objective, x, jac=True, method="L-BFGS-B", options={"maxiter": steps, "gtol": 1e-5, "ftol": 1e-13}
        )
        return unfold(found.x)


def _prior_covariance(moment: Floats, n_axes: int, parts: list[slice], *, shared: bool) -> Floats:
    """Return S from the sum over axes of w w' + V (k, k), shrunk toward independent tasks."""
    own = np.zeros_like(moment)
    for part in parts:
        size = part.stop - part.start
        own[part, part] = np.trace(moment[part, part]) / size * np.eye(size) / n_axes
    free = moment / n_axes
    if not shared:
        free = sum((_block(free, part) for part in parts), np.zeros_like(free))
    return (n_axes * free + INDEPENDENCE_WEIGHT * own) / (n_axes + INDEPENDENCE_WEIGHT)


def _block(table: Floats, part: slice) -> Floats:
    only = np.zeros_like(table)
    only[part, part] = table[part, part]
    return only


class MultitaskModel(FittedTasks):
    """Linear classifiers and regressions for several tasks on the same vectors, with a prior that the tasks share.

    The prior covariance between tasks is estimated by expectation-maximization: related tasks share what they learn,
    unrelated tasks do not. Items may have labels in some tasks only.

    Parameters
    ----------
    tasks : {task: "classification" or "regression"}, optional
        For other tasks the labels decide: numbers with fractions, or more than ten different whole numbers, are a
        regression; names, and whole numbers from 0 on, a classification. What was taken is stated in `reasons_`.
    shared : bool, default=True
        Whether tasks share a prior; False fits each task alone by the same method.
    scale : bool, default=True
        Whether features are scaled to standard deviation 1; they are centered in any case.

    Attributes
    ----------
    tasks_ : tuple of Task
        The tasks, in the order of `y`.
    coef_, intercept_ : dict of ndarray of shape (n_features, width), (width,)
        The head of each task: one column for regression (of standardized labels) or two classes, else one for each
        class.
    relations_ : DataFrame of shape (n_tasks, n_tasks)
        Largest absolute correlation between columns of two heads under the shared prior, 0 to 1.
    covariance_ : ndarray of shape (n_columns, n_columns)
        The shared prior covariance of a feature's weights in all heads.

    References
    ----------
    Bonilla, Chai, Williams. Multi-task Gaussian Process Prediction. NeurIPS 2007.

    Examples
    --------
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = MultitaskModel().fit(X, {"tall": ["no", None, "yes", "yes"], "weight": [50.5, 60.0, None, 80.0]})
    >>> model.predict([[-1.0]])["tall"].tolist()
    ['no']
    """

    def __init__(self, *, tasks: Mapping[str, TaskKind] | None = None, shared: bool = True, scale: bool = True) -> None:
        self.tasks, self.shared, self.scale = tasks, shared, scale

    @all_or_nothing
    def fit(self, X: ArrayLike, y: TaskLabels, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to vectors `X` (n, d) and {task: labels (n,)}, None for items without a label in that task.

        An item counts in each task in which it has a label; a missing one is None, NaN, pandas.NA or masked. An item
        without any label counts only in the mean and the scale of the features. sample_weight (n,): how often each item
        counts in all tasks, from 0 (as if it were absent) to below 1,000; 3 is as three copies.

        Raises
        ------
        InputError
            `y` is not {task: labels}, a task has a wrong number of labels, a number is infinite, or all vectors are the
            same.
        NotEnoughLabelsError, NotEnoughClassesError
            A task has no labels, or all its labels are the same.
        """
        validation.vectors(X)
        vectors = validate_data(self, validation.dense(X), dtype=np.float64)
        weights = None if sample_weight is None else checked_weights(X, sample_weight, len(vectors))
        tasks = read_tasks(y, n_items=len(vectors), kinds=self.tasks, items=X, weights=weights)
        center, std = np.average(vectors, axis=0, weights=weights), column_std(vectors, weights)
        varies = std > 0
        if not varies.any():
            raise InputError(f"All {len(vectors)} vectors are the same. Check X.")
        scale = np.where(varies, std, 1.0) if self.scale else np.ones_like(std)
        with threads_for(vectors.size * sum(task.width for task in tasks)):
            heads = fit_shared_prior((vectors - center) / scale, tasks, shared=self.shared, weights=weights)
        coef = heads.coef / scale[:, None]  # (d, k)
        intercept = heads.intercept - center @ coef
        parts = _columns(tasks)
        self.tasks_ = tasks
        self.coef_ = {name: coef[:, part] for name, part in parts.items()}
        self.intercept_ = {name: intercept[part] for name, part in parts.items()}
        self.covariance_, self.relations_ = heads.covariance, _relations(heads.covariance, parts)
        return self

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder as JSON and safetensors, without items and labels; `load` reads it.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or contains something else.
        """
        facts = {
            **self._facts(),
            "n_features": self.n_features_in_,
            "feature_names": getattr(self, "feature_names_in_", None),
        }
        arrays = {f"{what}/{number}": heads[task.name]
            for what, heads in (("coef", self.coef_), ("intercept", self.intercept_))
            for number, task in enumerate(self.tasks_)
        }  # fmt: skip
        write_model(folder, facts=facts, arrays={**arrays, "covariance": self.covariance_}, card=task_card(self.tasks_))

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return the model from a folder that `save` wrote."""
        facts: dict[str, Any] = saved.facts
        model = cls(**facts["parameters"])
        model._set_tasks(facts)
        model.coef_, model.intercept_ = (
            {task.name: saved.arrays[f"{what}/{number}"] for number, task in enumerate(model.tasks_)}
            for what in ("coef", "intercept")
        )
        model.covariance_ = saved.arrays["covariance"]
        model.relations_ = _relations(model.covariance_, _columns(model.tasks_))
        model.n_features_in_ = facts["n_features"]
        if facts["feature_names"] is not None:
            model.feature_names_in_ = np.array(facts["feature_names"], dtype=object)
        return model

    def _scores(self, X: ArrayLike) -> dict[str, Floats]:
        check_is_fitted(self)
        X = validation.dense(X)
        vectors = validate_data(self, X, reset=False, dtype=np.float64, ensure_min_samples=0)
        return {name: vectors @ coef + self.intercept_[name] for name, coef in self.coef_.items()}


def _columns(tasks: Sequence[Task]) -> dict[str, slice]:
    """Return the columns of each task in the concatenated heads."""
    ends = np.cumsum([task.width for task in tasks])
    return {task.name: slice(end - task.width, end) for task, end in zip(tasks, ends, strict=True)}


def _relations(covariance: Floats, parts: Mapping[str, slice]) -> pd.DataFrame:
    std = np.sqrt(np.diag(covariance))
    correlation = np.abs(covariance) / np.outer(std, std)
    table = [[correlation[one, other].max() for other in parts.values()] for one in parts.values()]
    return pd.DataFrame(table, index=list(parts), columns=list(parts))
