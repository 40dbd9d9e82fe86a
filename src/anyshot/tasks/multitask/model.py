"""Several tasks on the same vectors, in closed form: each task's head is drawn to a prior that all tasks share."""

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
from anyshot.tasks.multitask.task import Kind, Task, TaskLabels, kinds_listed, read_tasks, task_card


class MultitaskModel(BaseEstimator):
    """Answer several questions about the same vectors: linear heads whose prior the tasks share.

    How far a task follows the others is found by evidence, for each pair of tasks. An item needs no label in every
    task, and a task whose labels say that it is alone stays alone.

    Parameters
    ----------
    tasks : {task: "classification" or "regression"}, optional
        What it does not name is a regression where a label is a number with a fraction, else a classification.
    shared : bool, default=True
        Whether tasks may learn from each other; False is each task on its own, by the same method.
    scale : bool, default=True
        Whether features are brought to deviation 1; their mean is taken off in any case.

    Attributes
    ----------
    tasks_ : tuple of Task
        What was asked, in the order given.
    coef_, intercept_ : dict of ndarray of shape (n_features, width), (width,)
        Each task's head: one column for a number (brought to deviation 1) or two classes, else one a class.
    relations_ : DataFrame of shape (n_tasks, n_tasks)
        How far two tasks' heads agree, 0 to 1: the largest correlation among their columns under the shared prior.
    covariance_ : ndarray of shape (n_columns, n_columns)
        That prior: of a feature's weights in all heads.

    References
    ----------
    Bonilla, Chai, Williams. Multi-task Gaussian Process Prediction. NeurIPS 2007.

    Examples
    --------
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = MultitaskModel().fit(X, {"tall": ["no", None, "yes", "yes"], "weight": [50.5, 60.0, None, 80.0]})
    >>> {task: answers.tolist() for task, answers in model.predict([[-1.0]]).items()}["tall"]
    ['no']
    """

    def __init__(self, *, tasks: Mapping[str, Kind] | None = None, shared: bool = True, scale: bool = True) -> None:
        self.tasks = tasks
        self.shared = shared
        self.scale = scale

    def fit(self, X: ArrayLike, y: TaskLabels) -> Self:
        """Learn from vectors `X` (n, d) and {task: labels (n,)}, None where an item has no label in that task.

        Raises
        ------
        InputError
            `y` is no {task: labels}, a task has another number of labels than X has rows, a number is infinite, or
            all vectors are the same.
        NotEnoughLabelsError, NotEnoughClassesError
            A task has no label at all, or all its labels are the same; the task is named.
        """
        validation.vectors(X)
        vectors = validate_data(self, X, dtype=np.float64)
        tasks = read_tasks(y, n_items=len(vectors), kinds=self.tasks)
        center, deviation = vectors.mean(axis=0), vectors.std(axis=0)
        varies = deviation > 1e-9 * np.maximum(np.abs(center), 1e-6)
        if not varies.any():
            raise InputError(f"All {len(vectors)} vectors are the same, so nothing can be told apart. Check X.")
        spread = np.where(varies, deviation, 1.0) if self.scale else np.ones_like(deviation)
        with threads_for(vectors.size * sum(task.width for task in tasks)):
            heads = fit_shared_prior((vectors - center) / spread, tasks, shared=self.shared)
        coef = heads.coef / spread[:, None]  # (d, k)
        intercept = heads.intercept - center @ coef
        parts = _columns(tasks)
        self.tasks_ = tasks
        self.coef_ = {name: coef[:, part] for name, part in parts.items()}
        self.intercept_ = {name: intercept[part] for name, part in parts.items()}
        self.covariance_, self.relations_ = heads.covariance, _relations(heads.covariance, parts)
        return self

    def predict(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return {task: answers (n,)}: classes, or numbers in the units of the labels."""
        scores = self._scores(X)
        return {task.name: task.answers(scores[task.name]) for task in self.tasks_}

    def predict_proba(self, X: ArrayLike) -> dict[str, Floats]:
        """Return {task: probabilities (n, c)} of the tasks that ask for a class."""
        scores = self._scores(X)
        return {task.name: task.probabilities(scores[task.name]) for task in self.tasks_ if task.classes is not None}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder: JSON and safetensors, no code; `load` reads it. No item or label is in it.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or holds something else.
        """
        check_is_fitted(self)
        facts = {
            "kind": type(self).__name__,
            "parameters": {**self.get_params(), "tasks": kinds_listed(self.tasks)},
            "tasks": [task.facts() for task in self.tasks_],
            "n_features": self.n_features_in_,
            "feature_names": getattr(self, "feature_names_in_", None),
        }
        arrays = {f"{what}/{place}": heads[task.name]
            for what, heads in (("coef", self.coef_), ("intercept", self.intercept_))
            for place, task in enumerate(self.tasks_)
        }  # fmt: skip
        write_model(folder, facts=facts, arrays={**arrays, "covariance": self.covariance_}, card=task_card(self.tasks_))

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return what `save` wrote."""
        facts: dict[str, Any] = saved.facts
        model = cls(**facts["parameters"])
        model.tasks = None if model.tasks is None else dict(model.tasks)
        model.tasks_ = tuple(Task.from_facts(task) for task in facts["tasks"])
        model.coef_, model.intercept_ = (
            {task.name: saved.arrays[f"{what}/{place}"] for place, task in enumerate(model.tasks_)}
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
    """Return which columns of all heads side by side are each task's."""
    ends = np.cumsum([task.width for task in tasks])
    return {task.name: slice(end - task.width, end) for task, end in zip(tasks, ends, strict=True)}


def _relations(covariance: Floats, parts: Mapping[str, slice]) -> pd.DataFrame:
    deviation = np.sqrt(np.diag(covariance))
    agreement = np.abs(covariance) / np.outer(deviation, deviation)
    table = [[agreement[one, other].max() for other in parts.values()] for one in parts.values()]
    return pd.DataFrame(table, index=list(parts), columns=list(parts))
