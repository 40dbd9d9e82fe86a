"""Regression with few labels, with a source model as the prior."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from anyshot.base.columns import item_count, plain
from anyshot.base.estimator import all_or_nothing, validate_data
from anyshot.base.messages import warn_of_order
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.number_columns import check_size, target_numbers
from anyshot.base.validation import Floats, dense, pair
from anyshot.data.table_vectors import TableVectors, frame_or_vectors, is_plain, one_table
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.conformal import cross_conformal_interval
from anyshot.evaluation.regression import NumberEvaluation, evaluate_numbers
from anyshot.tasks.prior_ridge import (
    SOURCE_PROBABILITY,
    SourceRidge,
    SourceStatistics,
    Standardization,
    fit_source_ridge,
)
from anyshot.tasks.regression_inputs import (
    Rows,
    check_widths,
    checked_alpha,
    counted,
    named_columns,
    number_labels,
    repeated_rows,
)

MAX_FOLDS: Final = 20
"""Cross-validation folds for intervals; with fewer labels, each label is a fold."""
SOURCE_ROWS: Final = 20
"""Total weight of the source rows in the statistics of features, in target rows."""
CHUNK: Final = 2_000
"""Rows in a batch of `predict_interval`."""


class Regressor(Protocol):
    """A fitted regression model."""

    def predict(self, X: Any) -> Any:
        """Return one number for each row (n,)."""
        ...


class AnyShotRegressor(RegressorMixin, BaseEstimator):
    """Ridge regression with a source as the prior: a fitted model, or labeled rows of another domain.

    Few labels do not determine how reliable the source is and how large the penalty should be: predictions are averaged
    over both, weighted by the evidence.

    Parameters
    ----------
    alpha : float or "evidence", default="evidence"
        The penalty, as in scikit-learn's Ridge on standardized features; "evidence" averages over penalties.
    scale : bool, default=True
        Whether features are standardized, with statistics of labeled and unlabeled rows.
    table_encoder : {"scikit-learn", "skrub"}, default="scikit-learn"
        How categories and missing values of a table become numbers: see `TableVectors`.

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_vector_features,), float
        Effects of the features, in addition to the source's prediction.
    source_ : fitted regressor or None
    source_weight_ : float
        Coefficient of the source's prediction; 0 without a source.
    source_probability_ : float or None
        Posterior probability that the source is informative for these labels.
    alpha_ : float
        The geometric mean of the penalty.
    table_ : TableVectors or None
        Encoder of a table.
    residuals_ : ndarray of shape (n,)
        Label minus the prediction of the model fitted without its fold, for each labeled row.

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
        self.alpha, self.scale, self.table_encoder = alpha, scale, table_encoder

    @all_or_nothing
    def fit(
        self,
        X: Rows | None = None,
        y: ArrayLike | None = None,
        *,
        source: tuple[Rows, ArrayLike] | Regressor | None = None,
        unlabeled: Rows | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit to rows `X` (n, d) with labels `y` (n,), and a source.

        A row with the label NaN or None is unlabeled. source: rows and labels (Xs, ys) of another domain, such as
        another year, or a fitted model; without labels, its predictions are used. unlabeled: rows without labels.
        sample_weight (n,): how often each row of `X` counts, from 0 (as if it were absent) to below 1,000. A row of
        weight 3 is fitted as three equal rows; intervals take its label once.

        Raises
        ------
        NotEnoughLabelsError
            There are no labels and no source.
        InputError
            A label is infinite, alpha is neither "evidence" nor a number above 0, or a weight is out of range.
        """
        model: Any = source
        is_data = source is not None and (not hasattr(source, "predict") or isinstance(source, type))
        data = pair(source, name="source", of="(rows, numbers), or a fitted model") if is_data else None
        alpha = checked_alpha(self.alpha)
        warn_of_order(X, y, names=("X", "y"))
        given = None
        if sample_weight is not None:
            X, y, given = counted(X, y, sample_weight)
        rows, rest, source_rows = self._read(X, unlabeled, None if data is None else data[0], weights=given)
        weights = np.ones(len(rows)) if given is None else given
        labels = number_labels(plain(y), n_rows=len(rows), needed=X is not None)
        labeled = np.isfinite(labels)
        if not labeled.any() and source is None:
            raise NotEnoughLabelsError(f"None of the {len(labels)} rows has a label. Add labels, or pass a source.")
        self.source_: Regressor | None = model if data is None else clone(self).fit(*data)
        counts = np.concatenate([weights, np.ones(len(rest))])
        scaling = self._scaling(np.concatenate([rows, rest]), counts, source_rows)
        if labeled.any():
            predicted = self._source_predictions(X, len(rows))
            everywhere = np.concatenate([predicted, self._source_predictions(unlabeled)])
            own = predicted[labeled], labels[labeled], weights[labeled]
            statistics = self._source_statistics(everywhere, counts, *own)
            self._fit_folds(rows[labeled], *own, scaling, source=statistics, alpha=alpha)
        else:
            source_only = SourceRidge(0.0, 1.0, np.zeros(rows.shape[1]), SOURCE_PROBABILITY, np.inf)
            self._set_models([source_only], np.zeros(0, np.intp), np.zeros(0))
        return self

    def predict(self, X: Rows) -> Floats:
        """Return one number for each row (n,)."""
        check_is_fitted(self)
        vectors = self._vectors(X)
        return self._model(vectors, self._source_predictions(X, len(vectors)))

    def predict_interval(self, X: Rows, *, coverage: float = 0.9) -> Floats:
        """Return prediction intervals (n, 2) that contain the label of a row with probability `coverage`.

        They hold for rows like the labeled ones of `fit`, and are infinite if there are too few labels: fewer than 9
        for 0.9. See `evaluation.conformal.cross_conformal_interval`.
        """
        check_is_fitted(self)
        vectors = self._vectors(X)
        predicted = self._source_predictions(X, len(vectors))
        by_fold = np.array([model(vectors, predicted) for model in self._fold_models]).reshape(
            len(self._fold_models), len(vectors)
        )
        intervals = [
            cross_conformal_interval(by_fold[:, i : i + CHUNK].T, self._folds, self.residuals_, coverage=coverage)
            for i in range(0, max(len(vectors), 1), CHUNK)
        ]
        return np.concatenate(intervals)

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2 on the rows (n, d) whose label is not missing, weighted by `sample_weight` (n,)."""
        numbers, predicted = target_numbers(y), self.predict(X)
        if len(numbers) != len(predicted) or np.isnan(numbers).all():
            return float(super().score(X, y, sample_weight))  # which raises an error
        has = ~np.isnan(numbers)
        weights = None if sample_weight is None else np.asarray(sample_weight)[has]
        return float(r2_score(numbers[has], predicted[has], sample_weight=weights))

    @property
    def reasons_(self) -> tuple[str, ...]:
        """How the labels and the source are used."""
        check_is_fitted(self)
        n = len(self.residuals_)
        if self.source_ is None:
            return (f"Ridge regression on {n} labels, without a source.",)
        if not n:
            return ("There are no labels, so the source's predictions are used.",)
        probability = self.source_probability_
        weight = f"{self.source_weight_:.2g} times the source's prediction"
        informative = (
            "" if probability is None else f", which is informative with probability {100 * probability:.0f} %"
        )
        return (
            f"Ridge regression on {n} labels, plus {weight}{informative}.",
            "The result is averaged over penalties and over the reliability of the source, weighted by the evidence.",
        )

    def evaluate(self, X: Rows, y: ArrayLike) -> NumberEvaluation:
        """Return the evaluation of predictions for rows (n, d) with labels (n,)."""
        warn_of_order(X, y, names=("X", "y"))
        return evaluate_numbers(y, self.predict(X))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder that `load` reads.

        Raises
        ------
        InputError
            The source is not an AnyShotRegressor, or a table was encoded by skrub.
        ModelFolderError
            The folder cannot be written.
        """
        check_is_fitted(self)
        arrays: dict[str, NDArray[Any]] = {}
        facts = {"kind": "AnyShotRegressor", **_facts(self, arrays)}
        write_model(folder, facts=facts, arrays=arrays, card=_card(self))

    @classmethod
    def from_saved(cls, saved: SavedModel) -> "AnyShotRegressor":
        """Return the regressor whose folder was read; `anyshot.load` reads it."""
        return _restored(saved.facts, saved.arrays)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _fit_folds(
        self,
        rows: Floats,
        predicted: Floats,
        y: Floats,
        weights: Floats,
        scaling: Standardization,
        *,
        source: SourceStatistics | None,
        alpha: float | None,
    ) -> None:
        """Fit the model to all labels, and for the intervals to all but each fold."""
        fit = partial(fit_source_ridge, scaling=scaling, source=source, alpha=alpha)
        models = [fit(rows, predicted, y, weights=weights)]
        folds, residuals = np.arange(len(y)) % MAX_FOLDS, np.full(len(y), np.nan)
        for fold in range(min(len(y), MAX_FOLDS) if len(y) > 1 else 0):
            out = folds == fold
            model = fit(rows[~out], predicted[~out], y[~out], weights=weights[~out])
            residuals[out] = y[out] - model(rows[out], predicted[out])
            models.append(model)
        tested = np.isfinite(residuals)
        self._set_models(models, folds[tested], residuals[tested])

    def _set_models(self, models: list[SourceRidge], folds: NDArray[np.intp], residuals: Floats) -> None:
        """Set the fitted attributes; the first model is of all labels, the others of all but one fold."""
        self._model, *self._fold_models = models
        self._folds, self.residuals_ = folds, residuals
        self.intercept_, self.source_weight_, self.coef_, self.source_probability_, self.alpha_ = self._model

    def _read(self, *parts: Rows | None, weights: Floats | None) -> list[Floats]:
        """Return the vectors (n, d) of each part, without rows for None; weights: of the rows of the first part."""
        parts = tuple(plain(dense(frame_or_vectors(part))) for part in parts)
        present = [part for part in parts if part is not None]
        self.table_ = None
        if not present:
            return [np.zeros((0, 0))] * len(parts)
        if any(isinstance(part, pd.DataFrame) for part in present):
            counted = present if weights is None else [repeated_rows(present[0], weights), *present[1:]]
            self.table_ = TableVectors(encoder=self.table_encoder).fit(one_table(counted))
        validate_data(self, present[0], skip_check_array=self.table_ is not None, dtype=np.float64)
        check_widths(self.n_features_in_, X=parts[0], unlabeled=parts[1], source=parts[2])
        vectors = [None if part is None else self._vectors(part) for part in parts]
        width = next(one.shape[1] for one in vectors if one is not None)
        return [np.zeros((0, width)) if one is None else one for one in vectors]

    def _vectors(self, X: Rows) -> Floats:
        X = plain(dense(frame_or_vectors(X)))
        if self.table_ is not None:
            if is_plain(self.table_):  # as of any estimator of scikit-learn, the columns must keep their order
                validate_data(self, X, reset=False, skip_check_array=True)
            return self.table_.transform(named_columns(X, self.table_.columns_))
        if not hasattr(self, "n_features_in_"):  # fitted to a source only, which reads the rows itself
            return np.zeros((len(np.asarray(X)), 0))
        rows = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        check_size(rows, "X")
        return rows

    def _scaling(self, target: Floats, counts: Floats, source: Floats) -> Standardization:
        if not self.scale or not len(target) + len(source):
            return Standardization(np.zeros(target.shape[1]), np.ones(target.shape[1]))
        share = min(1.0, SOURCE_ROWS / max(len(source), 1))
        weights = np.concatenate([counts, np.full(len(source), share)])
        return Standardization.of(np.concatenate([target, source]), weights)

    def _source_predictions(self, X: Rows | None, n_rows: int = 0) -> Floats:
        """Return the predictions of the source (n,), zeros without a source."""
        if self.source_ is None or X is None:
            return np.zeros(n_rows)
        answers = self.source_.predict(X)
        try:
            predicted = np.asarray(answers, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"The source must predict one number for each row: {error}.") from error
        if predicted.shape != (item_count(X),) or not np.isfinite(predicted).all():
            shape = f"got an array of shape {predicted.shape}"
            raise InputError(f"The source must predict one finite number for each of {item_count(X)} rows; {shape}.")
        return predicted

    def _source_statistics(
        self, everywhere: Floats, counts: Floats, predicted: Floats, y: Floats, weights: Floats
    ) -> SourceStatistics | None:
        """Return the statistics of the source, from its predictions for all rows (m,) and for the labeled ones (n,)."""
        if self.source_ is None:
            return None
        mean = float(np.average(everywhere, weights=counts))
        std = float(np.sqrt(np.average((everywhere - mean) ** 2, weights=counts)))
        std = std if std > 1e-9 * max(abs(mean), 1.0) else 1.0
        own = self.source_.residuals_ if isinstance(self.source_, AnyShotRegressor) else np.zeros(0)
        if len(own):
            return SourceStatistics(mean, std, noise=float(np.mean(own**2)), noise_items=4.0)
        noise = float(np.average((y - predicted) ** 2, weights=weights))
        return SourceStatistics(mean, std, noise=noise, noise_items=1.0)


def _facts(model: AnyShotRegressor, arrays: dict[str, NDArray[Any]], *, prefix: str = "") -> dict[str, Any]:
    """Return the JSON part of the model and its source, and add their arrays to `arrays`."""
    source = model.source_
    if source is not None and not isinstance(source, AnyShotRegressor):
        raise InputError(
            f"The source is a {type(source).__name__}, which cannot be saved. Pass its rows, source=(Xs, ys), or an "
            "AnyShotRegressor."
        )
    models = [model._model, *model._fold_models]
    arrays[f"{prefix}models"] = np.array([[one.intercept, one.source_weight, *one.coef] for one in models])
    arrays[f"{prefix}folds"], arrays[f"{prefix}residuals"] = model._folds, model.residuals_
    return {
        "parameters": model.get_params(),
        "width": getattr(model, "n_features_in_", None),
        "names": None if (names := getattr(model, "feature_names_in_", None)) is None else names.tolist(),
        "source_probabilities": [one.source_probability for one in models],
        "alpha": [one.alpha if np.isfinite(one.alpha) else None for one in models],
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
    probabilities = facts["source_probabilities"] if "source_probabilities" in facts else facts["belief"]  # version 0.1
    rows = zip(arrays[f"{prefix}models"], probabilities, facts["alpha"], strict=True)
    models = [
        SourceRidge(float(row[0]), float(row[1]), row[2:], probability, np.inf if alpha is None else alpha)
        for row, probability, alpha in rows
    ]
    model._set_models(models, arrays[f"{prefix}folds"], arrays[f"{prefix}residuals"])
    return model


def _card(model: AnyShotRegressor) -> str:
    """Return the model card of a saved regressor."""
    n = len(model.residuals_)
    error = f"{np.sqrt(np.mean(model.residuals_**2)):.3g} in cross-validation" if n else "not measured: no labels"
    p = model.source_probability_
    source = "" if p is None else f" The source is informative with probability {100 * p:.0f} %."
    return f"""---
library_name: anyshot
tags:
- transfer-learning
- regression
---

# Regression with {n} labels{" and a source" if model.source_ is not None else ""}

Root mean squared error: {error}.{source}

```python
from anyshot import load
load("this/folder").predict(rows)
```
"""
