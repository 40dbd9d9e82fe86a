"""Linear multitask model: the heads of all tasks share a Gaussian prior."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.base import validation
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.threads import threads_for
from anyshot.errors import InputError
from anyshot.tasks.multitask.shared_prior import Floats, fit_shared_prior
from anyshot.tasks.multitask.task import Task, TaskKind, TaskLabels, kinds_listed, read_tasks, task_card


class MultitaskModel(BaseEstimator):
    """Linear classifiers and regressions for several tasks on the same vectors, with a prior that the tasks share.

    The prior covariance between tasks is estimated by expectation-maximization: related tasks share what they learn,
    unrelated tasks do not. Items may have labels in some tasks only.

    Parameters
    ----------
    tasks : {task: "classification" or "regression"}, optional
        A task that is not in it is regression if a label is a number with a fraction, else classification.
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
        self.tasks = tasks
        self.shared = shared
        self.scale = scale

    def fit(self, X: ArrayLike, y: TaskLabels) -> Self:
        """Fit to vectors `X` (n, d) and {task: labels (n,)}, None for items without a label in that task.

        Raises
        ------
        InputError
            `y` is not {task: labels}, a task has a wrong number of labels, a number is infinite, or all vectors are the
            same.
        NotEnoughLabelsError, NotEnoughClassesError
            A task has no labels, or all its labels are the same.
        """
        validation.vectors(X)
        vectors = validate_data(self, X, dtype=np.float64)
        tasks = read_tasks(y, n_items=len(vectors), kinds=self.tasks)
        center, std = vectors.mean(axis=0), vectors.std(axis=0)
        varies = std > 1e-9 * np.maximum(np.abs(center), 1e-6)
        if not varies.any():
            raise InputError(f"All {len(vectors)} vectors are the same. Check X.")
        scale = np.where(varies, std, 1.0) if self.scale else np.ones_like(std)
        with threads_for(vectors.size * sum(task.width for task in tasks)):
            heads = fit_shared_prior((vectors - center) / scale, tasks, shared=self.shared)
        coef = heads.coef / scale[:, None]  # (d, k)
        intercept = heads.intercept - center @ coef
        parts = _columns(tasks)
        self.tasks_ = tasks
        self.coef_ = {name: coef[:, part] for name, part in parts.items()}
        self.intercept_ = {name: intercept[part] for name, part in parts.items()}
        self.covariance_, self.relations_ = heads.covariance, _relations(heads.covariance, parts)
        return self

    def predict(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return {task: predictions (n,)}: classes, or numbers in the units of the labels."""
        scores = self._scores(X)
        return {task.name: task.predictions(scores[task.name]) for task in self.tasks_}

    def predict_proba(self, X: ArrayLike) -> dict[str, Floats]:
        """Return {task: probabilities (n, c)} of the classification tasks."""
        scores = self._scores(X)
        return {task.name: task.probabilities(scores[task.name]) for task in self.tasks_ if task.classes is not None}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder as JSON and safetensors, without items and labels; `load` reads it.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or contains something else.
        """
        check_is_fitted(self)
        facts = {
            "kind": type(self).__name__,
            "parameters": {**self.get_params(), "tasks": kinds_listed(self.tasks)},
            "tasks": [task.facts() for task in self.tasks_],
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
        model.tasks = None if model.tasks is None else dict(model.tasks)
        model.tasks_ = tuple(Task.from_facts(task) for task in facts["tasks"])
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
        vectors = validate_data(self, X, reset=False, dtype=np.float64)
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
