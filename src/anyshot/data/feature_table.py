"""Rows of features as vectors: the columns that they must have, and whether these are standardized."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anyshot.base.columns import are_texts, column_labels, item_count, no_table, plain, text_columns
from anyshot.base.messages import first_of, nearest, warn
from anyshot.base.number_columns import check_size, column_std
from anyshot.base.validation import Floats, number_rows
from anyshot.data.table_vectors import TableVectors, frame_or_vectors
from anyshot.errors import InputError

WIDE: Final = 64
"""Tables of so many columns are vectors of a network, unless their scales differ very much."""
MAX_RATIO: Final = 10.0
"""Ratio of the largest to the smallest standard deviation of a column, above which a narrow table holds features."""
MAX_WIDE_RATIO: Final = 100.0
"""The same for a wide table, of the 90 % to the 10 % quantile."""
FAR: Final = 2.0
"""Rows so many times as long as the longest in `fit` begin to be unlike all of them."""
FLOAT32: Final = 1.5e-7
"""Error of a number between -1 and 1 in float32, and more."""
EQUAL_LENGTHS: Final = 0.01
"""Standard deviation of the rows' lengths, relative to that of the rows, below which they are vectors of a network."""

N_COLUMNS: Final = 3
LEAST_SHARE: Final = 0.25
"""Most columns that explain an answer, and what each must count in relation to the first."""


class FeatureTable:
    """How rows of features become vectors.

    The columns of a table of measurements have units of their own: each is standardized, categories are one-hot
    encoded, and missing numbers replaced with the median. A constant is appended, so that a row's length still tells
    when rows are scaled to unit length. With 5 labels per class of the wine data (UCI), this raises accuracy from 58 to
    94 %; of the breast cancer data, from 89 to 90 %. A last number is 0, except in rows that are more than twice as
    long as any in `fit`: there it makes all cosines to the others smaller by the factor by which they are too long, so
    that rows far outside are like no class. Vectors of a network stay as they are.

    Parameters
    ----------
    names : list or None
        Names of the columns of the table given to `fit`, also numbers and names of several levels; None for an array.
    columns : TableVectors or None
        What encodes the columns of a table that is standardized.
    mean, std : ndarray of shape (n_features,) or None
        What is subtracted and divided by; None if the features stay as they are.
    reach : float or None
        Twice the length of the longest row in `fit`, with the constant; None in models of earlier versions, whose
        vectors lack the last number.
    """

    def __init__(
        self,
        names: list[Any] | None,
        columns: TableVectors | None,
        mean: Floats | None,
        std: Floats | None,
        reach: float | None = None,
    ) -> None:
        self.names, self.columns, self.mean, self.std, self.reach = names, columns, mean, std, reach

    @classmethod
    def fit(cls, parts: Sequence[Any], *, standardize: bool) -> Self:
        """Learn from the rows of several tables or arrays with the same columns."""
        frames = [frame_or_vectors(part) for part in parts]
        names = column_labels(frames[0])
        table = cls(names, None, None, None)
        for frame in frames[1:]:
            table.check_names(frame)
        if not standardize:
            return table
        tables = [own if isinstance(own, pd.DataFrame) else number_rows(own, dtype=np.float64) for own in frames]
        _refuse_other_columns(tables)
        if isinstance(tables[0], pd.DataFrame):
            parts = [pd.DataFrame(own, columns=frames[0].columns) for own in tables]
            whole = pd.concat(parts, ignore_index=len(parts) > 1)
            table.columns = TableVectors().set_output(transform="default").fit(whole)
            rows = table.columns.transform(whole)
        else:
            rows = np.concatenate([number_rows(own, dtype=np.float64) for own in tables])
        if rows.ndim == 2:  # another shape is refused where vectors are needed
            check_size(rows, "X")
        std = column_std(rows)
        table.mean, table.std = rows.mean(axis=0), np.where(std > 0, std, 1.0)
        table.reach = FAR * float(np.linalg.norm(table._scaled(rows), axis=1).max())
        return table

    def transform(self, X: Any) -> Any:
        """Return the vectors (n, d) of rows with the same columns.

        Raises
        ------
        InputError
            The columns have other names than in `fit`, or another order.
        """
        if self.mean is not None and (not_rows := no_table(X, name="X")):
            raise InputError(f"A table of rows is needed; {not_rows}.")
        frame = frame_or_vectors(X)
        if self.mean is not None and not isinstance(frame, pd.DataFrame):
            frame = number_rows(frame)  # also a column of vectors
        shape = np.shape(frame)
        if self.mean is not None and len(shape) == 1:
            raise InputError(
                f"A table of rows is needed; the shape is {shape}. X[None, :] is a table of one row, as is "
                "table.iloc[[0]] of pandas."
            )
        self.check_names(frame)
        if self.mean is None or self.std is None:
            return frame if not isinstance(frame, pd.DataFrame) else _numbers(frame)
        if self.columns is None:
            rows = number_rows(frame, dtype=np.float64)
        elif isinstance(frame, pd.DataFrame):
            rows = self.columns.transform(frame)
        else:
            if shape[1:] != (len(self.columns.columns_),):
                needed = ", ".join(self.columns.columns_)
                raise InputError(f"The rows have the shape {shape}. Give a table with the columns {needed}.")
            rows = self.columns.transform(pd.DataFrame(frame, columns=self.columns.columns_))
        if rows.shape[1:] != self.mean.shape:
            raise InputError(f"Rows have shape {rows.shape}; the model needs {len(self.mean)} features.")
        scaled = self._scaled(rows)
        if self.reach is None:
            return scaled
        lengths = np.linalg.norm(scaled, axis=1)  # (n,)
        beyond = np.sqrt(np.maximum((lengths / self.reach) ** 2 - 1, 0))
        return np.column_stack([scaled, lengths * beyond])

    def inverse_transform(self, vectors: Any) -> pd.DataFrame | None:
        """Return the rows of standardized vectors (n, d), at unit length or not, as far as float32 tells.

        None if the features were not standardized, or were an array.
        """
        if self.mean is None or self.columns is None:
            return None
        return self.columns.inverse_transform(self._unscaled(vectors))

    def as_numbers(self, vectors: Any) -> dict[str, Floats]:
        """Return each column of standardized vectors (n, d) as numbers (n,), as `TableVectors.as_numbers` does.

        Columns without a name are called by their number; there are none if the features were not standardized.
        """
        if self.mean is None:
            return {}
        rows = self._unscaled(vectors)
        if self.columns is not None:
            return self.columns.as_numbers(rows)
        return {name: rows[:, place.start] for name, place in self.places.items()}

    @property
    def places(self) -> dict[str, slice]:
        """Where the elements of each column stand in a standardized vector; none if the features stay as they are."""
        if self.mean is None or self.columns is not None:
            return {} if self.columns is None else self.columns.places
        names = range(len(self.mean)) if self.names is None else self.names
        return {str(name): slice(place, place + 1) for place, name in enumerate(names)}

    def largest_columns(self, added: NDArray[np.floating]) -> list[tuple[str, ...]]:
        """Return, for each row, the columns that add most to a score, the largest first; none if not standardized.

        added (n, d): what each element of standardized vectors adds. Vectors are relative to the mean in `fit`, so a
        column counts by how much it differs from its mean.
        """
        if not self.places:
            return [()] * len(added)
        by_column = [added[:, place].sum(axis=1) for place in self.places.values()]
        counted = np.column_stack(by_column).clip(min=0)  # (n, number of columns)
        names, least = list(self.places), LEAST_SHARE * counted.max(axis=1)
        first = np.argsort(-counted, axis=1, kind="stable")[:, :N_COLUMNS]
        return [
            tuple(names[k] for k in best if own[k] > limit)
            for best, own, limit in zip(first.tolist(), counted, least, strict=True)
        ]

    def _unscaled(self, vectors: Any) -> Floats:
        """Return the rows (n, d) of standardized vectors, rounded to what float32 tells."""
        assert self.mean is not None
        assert self.std is not None
        given, width = np.asarray(vectors, dtype=np.float64), len(self.mean)
        scale = np.sqrt(width) / given[:, width : width + 1]  # (n, 1), by the constant
        rows: Floats = given[:, :width] * scale * self.std + self.mean
        if not len(rows):
            return rows
        exact = FLOAT32 * scale.max() * self.std  # (d,)
        decimals = np.where(self.std > 0, -np.floor(np.log10(exact)) - 1, 0).astype(int)
        return np.column_stack([np.round(column, n) for column, n in zip(rows.T, decimals.tolist(), strict=True)])

    def _scaled(self, rows: Floats) -> Floats:
        """Return standardized rows (n, d + 1) with the constant, which is as long as a typical row."""
        assert self.mean is not None
        assert self.std is not None
        scaled = (rows - self.mean) / self.std
        return np.column_stack([scaled, np.full(len(scaled), np.sqrt(len(self.mean)))])

    def check_names(self, X: Any) -> None:
        """Raise InputError if columns have other names than in `fit`, or another order; warn if they have none."""
        given = column_labels(frame_or_vectors(X))
        if self.names is not None and given is None and are_texts(self.names):
            warn(
                "These rows have no column names, which the table in `fit` had; they are taken to be "
                f"{first_of(self.names, at_most=5)}, in this order. Pass a table to have the names compared."
            )
        if self.names is None or given is None or given == self.names or are_texts(given) != are_texts(self.names):
            return
        missing = [name for name in self.names if name not in given]
        extra = [name for name in given if name not in self.names]
        fault = "The columns are in another order than in `fit`."
        if missing:
            near = nearest(missing[0], extra)
            hint = "" if near is None else f" Did you rename it to {near!r}?"
            fault = f"The table lacks the column {missing[0]!r}, which was in `fit`.{hint}"
        elif extra:
            fault = f"The table has the column {extra[0]!r}, which was not in `fit`."
        remedy = "table[model.feature_names_in_]" if are_texts(given) else f"the columns in the order {self.names}"
        raise InputError(f"{fault} Pass {remedy}.")

    @property
    def reason(self) -> str | None:
        """How the features were used, in a sentence; None if they stay as they are."""
        if self.mean is None:
            return None
        return (
            "The columns are taken for features with units of their own, and standardized. In Python: if they are "
            "vectors of a network, pass encoder='vectors'."
        )

    def facts(self) -> dict[str, Any]:
        """Return the state as JSON values, for a saved model."""
        mean, std = (None if values is None else values.tolist() for values in (self.mean, self.std))
        columns = None if self.columns is None else self.columns.facts()
        return {"names": self.names, "columns": columns, "mean": mean, "std": std, "reach": self.reach}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the table whose `facts` these are."""
        mean, std = (None if facts[name] is None else np.array(facts[name]) for name in ("mean", "std"))
        columns = None if facts["columns"] is None else TableVectors.from_facts(facts["columns"])
        return cls(facts["names"], columns, mean, std, facts.get("reach"))


def _refuse_other_columns(tables: Sequence[Any]) -> None:
    """Raise InputError if tables or arrays differ in the number of columns, or tables in the kind of their names."""
    names = [column_labels(own) for own in tables]
    unlike = any(own.shape[1:] != tables[0].shape[1:] for own in tables)
    if unlike or (names[0] and any(own and own != names[0] for own in names)):
        found = (own or f"{table.shape[-1]} without names" for own, table in zip(names, tables, strict=True))
        raise InputError(f"X, unlabeled and source must have the same columns; they are {'; '.join(map(str, found))}.")


def column_names_of(X: Any) -> list[str] | None:
    """Return the names of a table's columns if all are texts, as `feature_names_in_` of scikit-learn, else None."""
    names = column_labels(frame_or_vectors(X))
    return None if names is None or not are_texts(names) else names


def holds_features(X: Any) -> bool:
    """Return whether a table or array holds features with units of their own, rather than vectors of a network.

    A table with names for its columns does, and an array of integers, of a single column, or one whose columns differ
    in scale, unless it is wide, or its rows have equal lengths.
    """
    frame = frame_or_vectors(X)
    if hasattr(frame, "toarray") or (isinstance(frame, pd.DataFrame) and text_columns(frame)):
        return False
    rows = number_rows(frame)
    if rows.dtype.kind in "iub" and rows.ndim == 2 and rows.shape[1] < WIDE:
        return True
    if rows.ndim == 2 and rows.shape[1] == 1:
        return True  # of a vector with one number, only the sign would remain
    rows = rows.astype(np.float64)
    if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] < 2 or not np.isfinite(rows).all():
        return isinstance(frame, pd.DataFrame) and rows.ndim == 2 and 2 <= rows.shape[1] < WIDE
    std = column_std(rows)
    varying = std[std > 0]
    if len(varying) < 2:
        return False
    # The rows of a table with a year have similar lengths too, but vary in them as much as the year does.
    lengths, spread = np.linalg.norm(rows / std.max(), axis=1), np.linalg.norm(std / std.max())
    if lengths.std() <= EQUAL_LENGTHS * spread:
        return False
    if rows.shape[1] >= WIDE:
        low, high = np.quantile(varying, [0.1, 0.9])
        return bool(high > MAX_WIDE_RATIO * low)
    return column_names_of(frame) is not None or bool(varying.max() > MAX_RATIO * varying.min())


def _numbers(frame: pd.DataFrame) -> Any:
    others = text_columns(frame)
    if others and frame.shape[1] > 1:
        raise InputError(
            f"Column {others[0]!r} does not hold numbers. Leave it out, or pass encoder='table', which encodes "
            "categories and dates."
        )
    return frame


def fit_features(parts: Sequence[Any], *, encoder: str, vectors_given: bool) -> tuple[str, FeatureTable | None]:
    """Return the name of the encoder for rows of numbers, "table" or "vectors", and how they become vectors.

    parts: tables or arrays with the same columns, the first of which decides; encoder: "auto", "table" or "vectors";
    vectors_given: whether the classes are given by vectors, which must stay comparable with the rows.
    """
    if encoder != "vectors" and not vectors_given and sum(map(item_count, parts)) == 1:
        _warn_of_one_row(parts[0])
    if encoder == "auto":
        encoder = "table" if not vectors_given and holds_features(parts[0]) else "vectors"
    table = FeatureTable.fit(parts, standardize=encoder == "table") if parts else None
    plain = table is None or (table.names is None and table.mean is None)
    return encoder, None if plain else table


def _warn_of_one_row(X: Any) -> None:
    """Warn that one row does not show the scales of its columns, unless it is wide, as vectors of a network are."""
    if np.shape(plain(frame_or_vectors(X)))[-1] < WIDE:
        warn(
            "There is only one row at first, from which the scales of the columns cannot be learned, so they are not "
            "standardized, now and later. Give more rows in the first call; or, if they are vectors of a network, pass "
            "encoder='vectors'."
        )
