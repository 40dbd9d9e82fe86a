"""Regression with few labels: what a source knows is the prior, and each label moves the answers away from it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.validation import pair
from anyshot.data.table_vectors import TableVectors, is_plain
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.calibration import cross_conformal_interval
from anyshot.evaluation.regression import NumberEvaluation, evaluate_numbers
from anyshot.tasks.prior_ridge import TRUST, Effects, Scaling, SourceBelief, ridge_effects

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = ArrayLike | pd.DataFrame  # vectors (n, d), or a table of n rows

FOLDS: Final = 20
"""Folds on which intervals are found; with fewer labels, each is a fold."""
SOURCE_ROWS: Final = 20
"""What all rows of the source count together when features are scaled, in rows of the target."""
CHUNK: Final = 2_000


class Regressor(Protocol):
    """Anything fitted that answers with numbers."""

    def predict(self, X: Any) -> Any:
        """Return one number a row (n,)."""
        ...


class AnyShotRegressor(RegressorMixin, BaseEstimator):
    """Ridge regression whose prior is a source: a model, or the same question asked elsewhere. Without one, ridge.

    How far the source is believed, and how strong the penalty is, no choice settles with few labels: the answer is the
    average over all of them, each by its evidence.

    Parameters
    ----------
    alpha : float or "evidence", default="evidence"
        The penalty, as of scikit-learn's Ridge on scaled features; "evidence" averages over all.
    scale : bool, default=True
        Whether features are brought to mean 0 and deviation 1, over labeled and unlabeled rows.
    table_encoder : {"scikit-learn", "skrub"}, default="scikit-learn"
        Who turns a table's categories and gaps into numbers: see `TableVectors`.

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_vector_features,), float
        Effects of the features as given, beside the source's answer.
    source_ : fitted regressor or None
    source_weight_ : float
        How many times the source's answer is taken; 0 without one.
    source_belief_ : float or None
        Belief that the source's answers mean something for these labels.
    alpha_ : float
        The penalty, as a geometric mean.
    table_ : TableVectors or None
        How a table with categories or gaps is read.
    residuals_ : ndarray of shape (n,)
        How far each labeled row is from the answer of the model fitted without its fold.

    Examples
    --------
    >>> hours = np.arange(12.0)[:, None]
    >>> last_year, this_year = (hours, 2 * hours.ravel() + np.tile([0.5, -0.5], 6)), ([[1.0], [2.0]], [5.1, 6.9])
    >>> AnyShotRegressor().fit(*this_year, source=last_year).predict([[10.0]]).round()
    array([21.])
    """

    def __init__(
        self,
        *,
        alpha: float | Literal["evidence"] = "evidence",
        scale: bool = True,
        table_encoder: Literal["scikit-learn", "skrub"] = "scikit-learn",
    ) -> None:
        self.alpha = alpha
        self.scale = scale
        self.table_encoder = table_encoder

    def fit(
        self,
        X: Rows | None = None,
        y: ArrayLike | None = None,
        *,
        source: tuple[Rows, ArrayLike] | Regressor | None = None,
        unlabeled: Rows | None = None,
    ) -> Self:
        """Learn from rows `X` (n, d) with numbers `y` (n,), and from what a source knows.

        A row whose number is NaN or None is an unlabeled one. source: rows and numbers (Xs, ys) of another course,
        site or year, or a fitted model; with it alone, the answers are the source's. unlabeled: rows without numbers.

        Raises
        ------
        NotEnoughLabelsError
            There is neither a number nor a source.
        InputError
            A number is infinite, or alpha is neither "evidence" nor a number above 0.
        """
        model: Any = source
        data = None
        if source is not None and not hasattr(source, "predict"):
            data = pair(source, name="source", of="(rows, numbers), or a fitted model")
        alpha = _checked_alpha(self.alpha)
        labeled, rest, theirs = self._read(X, unlabeled, None if data is None else data[0])
        numbers = _numbers(y, n_rows=len(labeled), needed=X is not None)
        known = np.isfinite(numbers)
        if not known.any() and source is None:
            raise NotEnoughLabelsError(f"None of the {len(numbers)} rows has a number. Give some, or a source.")
        self.source_: Regressor | None = model if data is None else clone(self).fit(*data)
        scaling = self._scaling(np.concatenate([labeled, rest]), theirs)
        if known.any():
            answers = self._source_answers(X, len(labeled))
            belief = self._belief(answers[known], numbers[known], X, unlabeled)
            self._learn(labeled[known], answers[known], numbers[known], scaling, source=belief, alpha=alpha)
        else:
            alone = Effects(0.0, 1.0, np.zeros(labeled.shape[1]), TRUST, np.inf)
            self._settle([alone], np.zeros(0, np.intp), np.zeros(0))
        return self

    def predict(self, X: Rows) -> Floats:
        """Return one number a row (n,)."""
        check_is_fitted(self)
        return self._whole(self._vectors(X), self._source_answers(X))

    def predict_interval(self, X: Rows, *, coverage: float = 0.9) -> Floats:
        """Return the interval (n, 2) that holds a row's number about as often as `coverage` says.

        Where there are too few labels for that, fewer than 9 for 0.9, it is infinite. It speaks of rows like the
        labeled ones of `fit`. See `evaluation.calibration.cross_conformal_interval`.
        """
        check_is_fitted(self)
        vectors, answers = self._vectors(X), self._source_answers(X)
        without = np.array([fold(vectors, answers) for fold in self._without]).reshape(len(self._without), len(vectors))
        chunks = range(0, len(vectors), CHUNK)
        return np.concatenate(
            [
                cross_conformal_interval(
                    without[:, start : start + CHUNK].T, self._folds, self.residuals_, coverage=coverage
                )
                for start in chunks
            ]
        )

    @property
    def reasons_(self) -> tuple[str, ...]:
        """What the answers rest on, in lines."""
        check_is_fitted(self)
        n = len(self.residuals_)
        if self.source_ is None:
            return (f"Ridge regression on {n} labels; there is no source to start from.",)
        if not n:
            return ("The source alone: there is no label to move its answers.",)
        belief = "" if self.source_belief_ is None else f", believed {self.source_belief_:.0%}"
        return (
            f"The source's answer counts {self.source_weight_:.2g} times{belief}; {n} labels move it from there.",
            "How far the source is believed, and how strong the penalty is, is averaged by the evidence of the labels.",
        )

    def evaluate(self, X: Rows, y: ArrayLike) -> NumberEvaluation:
        """Return how good the answers to rows (n, d) with known numbers (n,) are; it prints."""
        return evaluate_numbers(y, self.predict(X))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder that `load` reads.

        Raises
        ------
        InputError
            The source is a foreign model, or a table was read by skrub's encoders.
        ModelFolderError
            The folder cannot be written.
        """
        check_is_fitted(self)
        arrays: dict[str, NDArray[Any]] = {}
        facts = {"kind": "AnyShotRegressor", **_facts(self, arrays)}
        write_model(folder, facts=facts, arrays=arrays, card=_card(self))

    def _learn(
        self,
        rows: Floats,
        answers: Floats,
        y: Floats,
        scaling: Scaling,
        *,
        source: SourceBelief | None,
        alpha: float | None,
    ) -> None:
        """Fit the model, and once more without each fold, for the intervals."""
        models = [ridge_effects(rows, answers, y, scaling, source=source, alpha=alpha)]
        folds, residuals = np.arange(len(y)) % FOLDS, np.full(len(y), np.nan)
        for fold in range(min(len(y), FOLDS) if len(y) > 1 else 0):
            out = folds == fold
            models.append(ridge_effects(rows[~out], answers[~out], y[~out], scaling, source=source, alpha=alpha))
            residuals[out] = y[out] - models[-1](rows[out], answers[out])
        tested = np.isfinite(residuals)
        self._settle(models, folds[tested], residuals[tested])

    def _settle(self, models: list[Effects], folds: NDArray[np.intp], residuals: Floats) -> None:
        """Take the models, the first of all labels and the others without one fold each, as what was learned."""
        self._whole, *self._without = models
        self._folds, self.residuals_ = folds, residuals
        self.intercept_, self.source_weight_, self.coef_, self.source_belief_, self.alpha_ = self._whole

    def _read(self, *parts: Rows | None) -> list[Floats]:
        """Return the vectors (n, d) of the labeled rows, the unlabeled ones and the source's, none for None."""
        given = [part for part in parts if part is not None]
        self.table_ = None
        if not given:
            return [np.zeros((0, 0))] * len(parts)
        if any(isinstance(part, Sequence) and any(isinstance(row, str) for row in part) for part in given):
            raise InputError(
                "Rows must be vectors (n, d) or a table. Texts and images are encoded first, by "
                "load_encoder(...).encode(items)."
            )
        if not all(is_plain(part) for part in given):
            self.table_ = TableVectors(encoder=self.table_encoder).fit(_one_table(given))
        validate_data(self, given[0], skip_check_array=self.table_ is not None, dtype=np.float64)
        vectors = [None if part is None else self._vectors(part) for part in parts]
        width = next(one.shape[1] for one in vectors if one is not None)
        return [np.zeros((0, width)) if one is None else one for one in vectors]

    def _vectors(self, X: Rows) -> Floats:
        if self.table_ is not None:
            if not isinstance(X, pd.DataFrame):
                raise InputError("The model learned from a table; rows must be a table (pandas DataFrame) again.")
            return self.table_.transform(X)
        if not hasattr(self, "n_features_in_"):  # the source alone was given: it knows what its rows are
            return np.zeros((len(np.asarray(X)), 0))
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64))

    def _scaling(self, target: Floats, theirs: Floats) -> Scaling:
        width = target.shape[1]
        if not self.scale or not len(target) + len(theirs):
            return Scaling(np.zeros(width), np.ones(width))
        share = min(1.0, SOURCE_ROWS / max(len(theirs), 1))
        weights = np.concatenate([np.ones(len(target)), np.full(len(theirs), share)])
        return Scaling.of(np.concatenate([target, theirs]), weights)

    def _source_answers(self, X: Rows | None, n_rows: int | None = None) -> Floats:
        """Return what the source answers (n,), zeros without one."""
        if self.source_ is None or X is None:
            return np.zeros(len(np.asarray(X)) if n_rows is None else n_rows)
        answers = np.asarray(self.source_.predict(X), dtype=np.float64)
        if answers.ndim != 1 or not np.isfinite(answers).all():
            raise InputError(f"The source must answer one finite number a row; its answers' shape is {answers.shape}.")
        return answers

    def _belief(self, answers: Floats, y: Floats, *rows: Rows | None) -> SourceBelief | None:
        """Return what is expected of the source, given its answers (n,) to the labeled rows and to all `rows`."""
        if self.source_ is None:
            return None
        everywhere = np.concatenate([self._source_answers(part) for part in rows if part is not None])
        level, spread = float(everywhere.mean()), float(everywhere.std())
        spread = spread if spread > 1e-9 * max(abs(level), 1.0) else 1.0
        own = self.source_.residuals_ if isinstance(self.source_, AnyShotRegressor) else np.zeros(0)
        if len(own):
            return SourceBelief(level, spread, noise=float(np.mean(own**2)), noise_items=4.0)
        return SourceBelief(level, spread, noise=float(np.mean((y - answers) ** 2)), noise_items=1.0)


def regressor_from_saved(saved: SavedModel) -> AnyShotRegressor:
    """Return the regressor that `AnyShotRegressor.save` wrote."""
    return _restored(saved.facts, saved.arrays)


def _facts(model: AnyShotRegressor, arrays: dict[str, NDArray[Any]], *, prefix: str = "") -> dict[str, Any]:
    """Return what is no array, and put the arrays of the model, and of its source, into `arrays`."""
    source = model.source_
    if source is not None and not isinstance(source, AnyShotRegressor):
        raise InputError(
            f"The source is a {type(source).__name__}, which cannot be saved. Fit with its rows, source=(Xs, ys), or "
            "with an AnyShotRegressor."
        )
    effects = [model._whole, *model._without]
    arrays[f"{prefix}models"] = np.array([[one.level, one.share, *one.coef] for one in effects])
    arrays[f"{prefix}folds"], arrays[f"{prefix}residuals"] = model._folds, model.residuals_
    names = getattr(model, "feature_names_in_", None)
    return {
        "parameters": model.get_params(),
        "width": getattr(model, "n_features_in_", None),
        "names": None if names is None else names.tolist(),
        "belief": [None if one.belief is None else one.belief for one in effects],
        "alpha": [one.alpha if np.isfinite(one.alpha) else None for one in effects],
        "table": None if model.table_ is None else model.table_.facts(),
        "source": None if source is None else _facts(source, arrays, prefix=f"{prefix}source."),
    }


def _restored(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, prefix: str = "") -> AnyShotRegressor:
    model = AnyShotRegressor(**facts["parameters"])
    if facts["width"] is not None:
        model.n_features_in_ = facts["width"]
    if facts["names"] is not None:
        model.feature_names_in_ = np.array(facts["names"], dtype=object)
    source = facts["source"]
    model.source_ = None if source is None else _restored(source, arrays, prefix=f"{prefix}source.")
    model.table_ = None if facts["table"] is None else TableVectors.from_facts(facts["table"])
    rows = zip(arrays[f"{prefix}models"], facts["belief"], facts["alpha"], strict=True)
    effects = [
        Effects(float(row[0]), float(row[1]), row[2:], belief, np.inf if alpha is None else alpha)
        for row, belief, alpha in rows
    ]
    model._settle(effects, arrays[f"{prefix}folds"], arrays[f"{prefix}residuals"])
    return model


def _card(model: AnyShotRegressor) -> str:
    """Return the README of a saved regressor."""
    n = len(model.residuals_)
    error = f"{np.sqrt(np.mean(model.residuals_**2)):.3g} on labels held out" if n else "not measured: no labels"
    belief = "" if model.source_belief_ is None else f" The source is believed {model.source_belief_:.0%}."
    return f"""---
library_name: anyshot
tags:
- transfer-learning
- regression
---

# A number for each row, learned from {n} labels{" and a source" if model.source_ is not None else ""}

Root mean squared error: {error}.{belief}

```python
from anyshot import load
load("this/folder").predict(rows)
```
"""


def _checked_alpha(alpha: object) -> float | None:
    if isinstance(alpha, str) and alpha == "evidence":
        return None
    if isinstance(alpha, (int, float, np.number)) and 0 < float(alpha) < np.inf:
        return float(alpha)
    raise InputError(f"alpha must be 'evidence' or a number above 0; it is {alpha!r}.")


def _numbers(y: ArrayLike | None, *, n_rows: int, needed: bool) -> Floats:
    """Return the numbers (n_rows,), NaN for none."""
    if y is None:
        if needed:
            raise InputError(
                "AnyShotRegressor.fit requires y to be passed, but the target y is None. Rows without numbers go to "
                "unlabeled=."
            )
        return np.zeros(0)
    try:
        numbers = np.asarray(column_or_1d(np.asarray(y), warn=True), dtype=np.float64)
    except TypeError as error:
        raise InputError(f"y must hold numbers, None for no label: {error}.") from error
    check_consistent_length(numbers, np.empty(n_rows))
    if np.isinf(numbers).any():
        raise InputError(f"Input y contains infinity, in row {np.flatnonzero(np.isinf(numbers))[0]}. Mend it.")
    return numbers


def _one_table(parts: list[Rows]) -> pd.DataFrame:
    """Return all rows as one table, in the columns of the first."""
    frames = [part for part in parts if isinstance(part, pd.DataFrame)]
    if len(frames) < len(parts):
        raise InputError("X, unlabeled and source must all be tables (pandas DataFrames), or all be vectors.")
    for frame in frames[1:]:
        lacking = [str(name) for name in frames[0].columns if name not in frame.columns]
        if lacking:
            raise InputError(f"One of X, unlabeled and source lacks the column {lacking[0]!r}, which another has.")
    return pd.concat([frame[frames[0].columns] for frame in frames], ignore_index=True)
