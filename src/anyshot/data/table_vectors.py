"""Convert tables with categories and missing values to vectors."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import OneHotEncoder

from anyshot.base.columns import column_values, is_sparse_tensor, is_table, numeric_array, unmasked, vector_column
from anyshot.base.estimator import all_or_nothing
from anyshot.base.lazy import extra
from anyshot.base.messages import first_of, named_rows, nearest, note, note_unlike_fit, warn_unlike_fit
from anyshot.base.validation import Floats, refuse_lazy
from anyshot.base.written_labels import as_whole, spelling_of
from anyshot.data.column_kinds import Kind, as_numbers, from_numbers, kind_of, plain_kind
from anyshot.data.column_ranges import Range, shown, warn_of_missing_codes
from anyshot.data.row_names import warn_of_numbers, warn_of_texts
from anyshot.data.year_first import date_in_digits
from anyshot.errors import InputError, ItemWarning

MISSING: Final = "(none)"
"""The category of a missing value."""

log = logging.getLogger(__name__)


class TableVectors(TransformerMixin, BaseEstimator):
    """Convert a table to vectors.

    Numbers are unchanged; dates become days since 1970; durations and times of day become days. Objects and texts count
    as what they stand for: numbers (also Decimals, and 5 % as 0.05), dates (also 20240503) or durations. Missing ones
    are replaced with the median, and marked in an extra column if there were some in `fit`. All other values are
    categories, one-hot encoded, missing ones included.

    Parameters
    ----------
    encoder : {"scikit-learn", "skrub"}, default="scikit-learn"
        The library whose encoders are used. skrub's, from the extra [tables], also encode long and dirty text, and
        parts of dates; they cannot be saved.
    max_categories : int, default=40
        Of a column with more, only the most frequent are encoded; the others, and unseen ones, are 0 everywhere. For
        skrub, the number from which a column is text.

    Attributes
    ----------
    columns_ : list of str
        The table's columns.
    kinds_ : dict of str
        What each column holds: "number", "date", "day first" or "month first" (dates as text), "duration", "category".
    ranges_ : dict of str
        The `Range` of columns of numbers, dates and durations, outside of which `transform` warns of another unit.
    names_ : list of str
        Name of each element of a vector.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [15, None, 17], "school": ["north", "south", "north"]})
    >>> vectors = TableVectors().fit(table)
    >>> vectors.names_
    ['age', 'age is missing', 'school = north', 'school = south']
    >>> vectors.transform(table)
    array([[15.,  0.,  1.,  0.],
           [16.,  1.,  0.,  1.],
           [17.,  0.,  1.,  0.]])
    """

    def __init__(self, *, encoder: Literal["scikit-learn", "skrub"] = "scikit-learn", max_categories: int = 40) -> None:
        self.encoder = encoder
        self.max_categories = max_categories

    @all_or_nothing
    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn the columns of the table `X` (n rows) and their categories; `y` is ignored.

        Raises
        ------
        InputError
            `X` is not a DataFrame, has no rows, or repeats a column name.
        """
        table = _checked(X)
        self.columns_ = [str(name) for name in table.columns]
        if self.encoder == "skrub":
            skrub = extra("skrub", "tables", purpose="TableVectors(encoder='skrub')")
            self.skrub_ = skrub.TableVectorizer(cardinality_threshold=self.max_categories).fit(table)
            self.names_ = [str(name) for name in self.skrub_.get_feature_names_out()]
            return self
        if self.encoder != "scikit-learn":
            raise InputError(f"encoder must be 'scikit-learn' or 'skrub'; it is {self.encoder!r}.")
        kinds: dict[str, Kind] = {}
        medians: dict[str, float] = {}
        gaps: list[str] = []
        ranges: dict[str, Range] = {}
        categories: dict[str, list[str]] = {}
        for name in self.columns_:
            if table[name].isna().all():  # it says nothing, whatever it holds in other tables
                continue
            kinds[name] = kind_of(table[name])
            if kinds[name] != "category":
                _note_digits(table[name], kinds[name])
                numbers = as_numbers(table[name], kinds[name])
                if kinds[name] == "number":
                    warn_of_numbers(name, numbers)
                    warn_of_missing_codes(name, numbers)
                medians[name] = float(np.nanmedian(numbers))
                gaps += [name] if np.isnan(numbers).any() else []
                if (own := Range.of(numbers, plain_kind(kinds[name]))) is not None:
                    ranges[name] = own
            else:
                texts = _categories(table[name])
                _note_alike(table[name])
                warn_of_texts(name, texts[texts != MISSING].tolist())
                categories[name] = sorted(texts.value_counts().index[: self.max_categories])
        if not kinds:
            raise InputError("No column of the table has a value; at least one is needed. Leave out empty columns.")
        self._learn(kinds, medians, gaps, categories, ranges)
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return the vectors (n, d) of a table with the same columns, in any order; other columns are ignored.

        Raises
        ------
        InputError
            A column is missing, or contains text but was numeric in `fit`.
        """
        if not hasattr(self, "names_"):
            raise NotFittedError("This TableVectors is not fitted yet: call fit with a table first.")
        table = _checked(X, self.columns_)
        if self.encoder == "skrub":
            return np.nan_to_num(np.asarray(self.skrub_.transform(table[self.columns_]), dtype=np.float64))
        parts = []
        for name, median in self.medians_.items():
            numbers = as_numbers(table[name], self.kinds_.get(name) or kind_of(table[name]))
            missing = np.isnan(numbers)
            self._warn_if_missing(name, missing, table.index)
            self._warn_if_outside(name, numbers, table.index)
            parts.append(np.where(missing, median, numbers)[:, None])
            parts += [missing[:, None].astype(np.float64)] if name in self.gaps_ else []
        if self.categories_:
            words = np.column_stack([_categories(table[name], known) for name, known in self.categories_.items()])
            for name, column in zip(self.categories_, words.T, strict=True):
                self._warn_if_unseen(name, column, table.index)
            parts.append(self.one_hot_.transform(words))
        return np.concatenate(parts, axis=1)

    def inverse_transform(self, X: Any) -> pd.DataFrame:
        """Return the rows of vectors (n, d), with the table's columns; None for missing values.

        A category that is too rare to be encoded counts as missing.
        """
        numbers = self.as_numbers(np.asarray(X, dtype=np.float64))
        columns: dict[str, list[Any]] = {name: [None] * len(X) for name in self.columns_}
        for name, values in numbers.items():
            there = np.flatnonzero(values >= 0 if name in self.categories_ else ~np.isnan(values))
            if name in self.categories_:
                found = [self.categories_[name][place] for place in values[there].astype(int)]
            else:
                found = from_numbers(values[there], self.kinds_.get(name, "number"))
            for row, value in zip(there.tolist(), found, strict=True):
                columns[name][row] = value
        return pd.DataFrame(columns, dtype=object)

    def as_numbers(self, vectors: Floats) -> dict[str, Floats]:
        """Return each column of vectors (n, d) as numbers (n,), NaN for missing values.

        Of a category, it is the position among the `categories_`, -1 for one that is too rare to be encoded.
        """
        found = {}
        for name, place in self.places.items():
            part = vectors[:, place]
            if name in self.medians_:
                found[name] = np.where(part[:, 1] < 0.5, part[:, 0], np.nan) if name in self.gaps_ else part[:, 0]
            else:
                best = np.where(part.max(axis=1) > 0.5, part.argmax(axis=1), -1).astype(float)
                known = self.categories_[name]
                found[name] = np.where(best == known.index(MISSING), np.nan, best) if MISSING in known else best
        return found

    @property
    def places(self) -> dict[str, slice]:
        """Where the elements of each column that is used stand in a vector."""
        widths = {name: 2 if name in self.gaps_ else 1 for name in self.medians_}
        widths |= {name: len(known) for name, known in self.categories_.items()}
        ends = np.cumsum([*widths.values()]).tolist()
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}

    def _warn_if_missing(self, name: str, missing: NDArray[np.bool_], names: "pd.Index[Any]") -> None:
        """Warn of missing numbers (n,) in a column that had none in `fit`; names (n,): of the rows."""
        if missing.any() and name not in self.gaps_:
            rows = np.flatnonzero(missing)
            fault = f"Column {name!r} had no missing value in `fit` and has some in {named_rows(names[rows].tolist())}."
            remedy = "They count as the median; where that is wrong, fill them in or leave out these rows."
            warn_unlike_fit(ItemWarning(f"{fault} {remedy}", rows))

    def outside(self, name: str, numbers: Floats) -> NDArray[np.bool_]:
        """Return which numbers of a column (n,), NaN for missing ones, are of another scale than those in `fit`."""
        if name not in self.ranges_:
            return np.zeros(len(numbers), dtype=bool)
        return self.ranges_[name].is_outside(numbers, plain_kind(self.kinds_[name]))

    def _warn_if_outside(self, name: str, numbers: Floats, names: "pd.Index[Any]") -> None:
        """Warn of numbers (n,) that are probably of another unit than in `fit`; names (n,): of the rows."""
        rows = np.flatnonzero(self.outside(name, numbers))
        if len(rows):
            kind = plain_kind(self.kinds_[name])
            given, known = shown(numbers[rows].tolist(), kind), self.ranges_[name].shown(kind)
            fault = f"Column {name!r} is {given} in {named_rows(names[rows].tolist())}, but {known} in `fit`."
            what = "the date" if kind == "date" else "its unit"
            warn_unlike_fit(
                ItemWarning(f"{fault} Check {what}: answers for rows so far from the others may be wrong.", rows)
            )

    def _warn_if_unseen(self, name: str, values: NDArray[np.object_], names: "pd.Index[Any]") -> None:
        """Warn if no category of a column was in `fit`, and log those that were not; names (n,): of the rows.

        One of many categories may be too rare to be encoded.
        """
        known, given = self.categories_[name], set(values) - {MISSING}
        if len(known) >= self.max_categories or given <= set(known):
            return
        if given.intersection(known):
            rows = [row for row, value in enumerate(values) if value != MISSING and value not in known]
            note_unlike_fit(
                log,
                f"Column {name!r} has values that it did not have in `fit`, such as {values[rows[0]]!r}, in "
                f"{named_rows(names[rows].tolist())}; it says nothing about such rows",
            )
        else:
            warn_unlike_fit(
                f"Column {name!r} has no value that it had in `fit`: {first_of(sorted(given), at_most=3)} in place of "
                f"{first_of(known, at_most=3)}. It says nothing about these rows; write the values as in `fit`."
            )

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return `names_`, as scikit-learn requires."""
        return np.array(self.names_, dtype=object)

    def facts(self) -> dict[str, Any]:
        """Return the fitted state as JSON values, for a saved model."""
        if self.encoder == "skrub":
            raise InputError("Fitted encoders of skrub cannot be saved. Use encoder='scikit-learn'.")
        learned = {"kinds": self.kinds_, "medians": self.medians_, "gaps": self.gaps_, "categories": self.categories_}
        learned["ranges"] = {name: list(own) for name, own in self.ranges_.items()}
        return {"columns": self.columns_, "max_categories": self.max_categories, **learned}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the encoder whose `facts` these are."""
        encoder = cls(max_categories=facts["max_categories"])
        encoder.columns_ = list(facts["columns"])
        medians, gaps, categories = dict(facts["medians"]), list(facts["gaps"]), dict(facts["categories"])
        kinds: dict[str, Kind] = dict(facts.get("kinds", {}))  # models of earlier versions do not state them
        ranges = {name: Range(*own) for name, own in facts.get("ranges", {}).items()}
        encoder._learn(kinds, medians, gaps, categories, ranges)
        return encoder

    def _learn(
        self,
        kinds: dict[str, Kind],
        medians: dict[str, float],
        gaps: list[str],
        categories: dict[str, list[str]],
        ranges: dict[str, Range],
    ) -> None:
        self.kinds_, self.medians_, self.gaps_, self.categories_ = kinds, medians, gaps, categories
        self.ranges_ = ranges
        names = []
        for name in medians:
            names += [name, f"{name} is missing"] if name in gaps else [name]
        self.names_ = names + [f"{name} = {value}" for name, values in categories.items() for value in values]
        if categories:
            listed = [np.array(values, dtype=object) for values in categories.values()]
            one_hot = OneHotEncoder(categories=listed, handle_unknown="ignore", sparse_output=False)
            one_hot.set_output(transform="default")  # an array, whatever sklearn.set_config says
            self.one_hot_ = one_hot.fit(np.array([[values[0] for values in listed]], dtype=object))


def is_plain(table: TableVectors) -> bool:
    """Return whether the table that was fitted had only numbers, and no missing ones."""
    return not hasattr(table, "skrub_") and not table.gaps_ and len(table.medians_) == len(table.columns_)


def as_frame(X: Any) -> Any:
    """Return a table of polars or pyarrow as a DataFrame of pandas, a masked array with NaN, and the rest unchanged."""
    refuse_lazy(X)
    if is_sparse_tensor(X):
        return numeric_array(X)
    if hasattr(X, "to_arrow") and is_table(X) and any(str(own) == "Object" for own in X.dtypes):
        return pd.DataFrame({name: pd.Series(column_values(X[name]), dtype=object) for name in X.columns})
    table = X.to_arrow() if hasattr(X, "to_arrow") and is_table(X) else unmasked(X)
    if not hasattr(table, "column_names"):
        return table
    return table.to_pandas(types_mapper=pd.ArrowDtype)  # as it is, integers beside missing values would be floats


def frame_or_vectors(X: Any) -> Any:
    """Return a table of one column of vectors as that column, and anything else as `as_frame` does."""
    return as_frame(vector_column(X))


def one_table(parts: Sequence[Any]) -> pd.DataFrame:
    """Return all rows as one table, with the columns of the first."""
    frames = [part for part in map(as_frame, parts) if isinstance(part, pd.DataFrame)]
    if len(frames) < len(parts):
        raise InputError("X, unlabeled and source must all be tables (pandas DataFrames), or all be vectors.")
    for frame in frames[1:]:
        missing = [str(name) for name in frames[0].columns if name not in frame.columns]
        if missing:
            raise InputError(f"The column {missing[0]!r} is missing in one of X, unlabeled and source. Add it there.")
    return pd.concat([frame[frames[0].columns] for frame in frames], ignore_index=True)


def _checked(X: object, columns: list[str] | None = None) -> pd.DataFrame:
    """Return the table with strings as column names, after checking that all of `columns` are present."""
    X = as_frame(X)
    if not isinstance(X, pd.DataFrame) or not len(X.columns):
        given = type(X).__name__ if not isinstance(X, pd.DataFrame) else "DataFrame without columns"
        raise InputError(f"A table with named columns (a pandas DataFrame) is needed; this is a {given}.")
    if columns is None and not len(X):
        raise InputError("The table has no rows; at least one is needed.")
    table = X.set_axis([str(name) for name in X.columns], axis=1)
    if not table.columns.is_unique:
        repeated = table.columns[table.columns.duplicated()][0]
        raise InputError(f"The table has several columns named {repeated!r}. Give each column its own name.")
    for name in columns or []:
        if name not in table:
            near = nearest(name, table.columns)
            remedy = f"Did you rename it to {near!r}?" if near else "Add it, with missing values if unknown."
            raise InputError(f"The table lacks the column {name!r}, which the model needs. {remedy}")
    return table


def _categories(column: "pd.Series[Any]", known: Sequence[str] = ()) -> "pd.Series[Any]":
    """Return every value as text (n,), as known from `fit`, else without spaces at its ends; `MISSING` for none."""
    spelled, kept = spelling_of(known), set(known)

    def category(value: Any) -> str:
        found = str(spelled(value))
        return found if found in kept else str(spelled(found.strip() or found))

    return column.astype(object).map(category, na_action="ignore").where(column.notna(), MISSING).astype(object)


def _note_digits(column: "pd.Series[Any]", kind: Kind) -> None:
    """Log that numbers such as 20240503 are read as dates."""
    first = next(iter(column.dropna()))
    if kind == "date" and date_in_digits(first) is not None:
        note(
            log,
            f"Column {column.name!r}: {as_whole(first)} and other numbers there are read as dates. If they are none, "
            "leave the column out",
        )


def _note_alike(column: "pd.Series[Any]") -> None:
    """Log categories that differ in spaces at their ends, which are the same, and in capitals, which are not."""
    different = {value for value in column.dropna() if isinstance(value, str)}
    given = sorted(different)
    joined = [value for value in given if value != value.strip() and value.strip() in different]
    if joined:
        note(
            log, f"Column {column.name!r} has {joined[0]!r} and {joined[0].strip()!r}, which count as the same category"
        )
    first: dict[str, str] = {}
    others = [value for value in map(str.strip, given) if first.setdefault(value.casefold(), value) != value]
    if others:
        note(
            log,
            f"Column {column.name!r} has {first[others[0].casefold()]!r} and {others[0]!r}, which count as two "
            "categories. If they are one, write them alike",
        )
