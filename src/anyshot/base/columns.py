"""Arrays, columns, tables and scalars of numpy, pandas, polars, pyarrow and torch, as Python values and numpy arrays.

The libraries are recognized by the methods of their objects, so none of them is imported.
"""

import enum
import numbers
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# The first name of each has priority over the others.
TEXT_COLUMNS: Final = (
    *("text", "sentence", "message", "utterance", "query", "question", "review", "comment", "content", "body"),
    *("document", "tweet", "title", "description", "subject"),
    *("nachricht", "nachrichtentext", "anfrage", "frage", "kommentar", "bewertung", "inhalt"),  # German
    *("beschreibung", "betreff"),
    *("texte", "commentaire", "avis", "texto", "mensaje", "comentario", "mensagem", "comentário"),  # French and others
    *("testo", "messaggio", "commento", "tekst", "bericht", "opmerking"),
)
IMAGE_COLUMNS: Final = (
    *("image", "file", "path", "filename", "file_name", "filepath", "file_path", "image_path", "img", "photo"),
    "picture",
)
LABEL_COLUMNS: Final = (
    *("label", "labels", "class", "category", "target", "intent", "topic", "sentiment", "y"),
    *("klasse", "kategorie", "kategorien", "thema", "stimmung"),  # German
    *("classe", "catégorie", "clase", "categoría", "categoria", "categorie"),  # French and others
)

MISSING_MARKS: Final = frozenset({"NaN", "nan", "NaT", "<NA>", "NULL", "NA", "N/A", "n/a"})
"""What pandas, R and databases write for a missing text; "null" and "None" are also what people answer."""

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols without a mark
_UNSEEN_ASCII: Final = "".join(map(chr, [*range(33), 127]))
_UNSEEN: Final = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp", "Zs"})  # categories of characters that show nothing alone


def column_values(column: Any) -> list[Any]:
    """Return the values of a list, an array or a column as Python values (n,), missing ones as None.

    A table of one column counts as that column. Integers stay integers next to missing values.

    >>> column_values(np.array([[1], [2]], dtype=np.int64))
    [1, 2]
    """
    column = only_column(column)
    if hasattr(column, "read_direct") or isinstance(column, memoryview):  # h5py, whose texts have no type object
        column = np.asarray(column)
    if isinstance(column, np.ndarray) and column.dtype.char == "g":  # longer than Python's floats
        column = column.astype(np.float64)
    if isinstance(column, np.ndarray) and column.dtype.kind in "biufU":
        return list(column.tolist())
    if hasattr(column, "to_pylist"):  # pyarrow
        return [python_value(value) for value in column.to_pylist()]
    if hasattr(column, "to_list") and not hasattr(column, "astype"):  # polars
        return [python_value(value) for value in column.to_list()]
    if is_tensor(column):
        return list(column.tolist()) if column.ndim else [column.item()]
    if hasattr(column, "astype") and not isinstance(column, np.ndarray):  # pandas; to_numpy makes gaps floats
        column = column.astype(object)
    return [python_value(value) for value in column]


def python_value(value: Any) -> Any:
    """Return a scalar as a Python value, a missing one (pandas.NA, NaT, a null of pyarrow) as None.

    A member of an Enum of texts or numbers is its text or number.

    >>> python_value(np.float32(0.5)), python_value(b"cat")
    (0.5, 'cat')
    """
    if isinstance(value, enum.Enum) and isinstance(value, (str, int, float)):
        value = value.value
    if isinstance(value, np.longdouble) or (isinstance(value, Decimal) and value.is_nan()):
        return float("nan") if isinstance(value, Decimal) else float(value)
    if value is None or isinstance(value, (int, float)):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass, str() may be another text
    if type(value).__name__ == "MaskedConstant":
        return None
    if hasattr(value, "as_py"):  # pyarrow
        value = value.as_py()
    elif (isinstance(value, np.generic) or getattr(value, "ndim", None) == 0) and hasattr(value, "item"):
        value = None if isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value) else value.item()
    if isinstance(value, bytes):
        return _decoded(value)
    return None if type(value).__name__ in ("NAType", "NaTType") else value


def is_blank(text: str) -> bool:
    r"""Return whether a text has no visible character.

    >>> is_blank("\u200b \ufeff"), is_blank("\u200b.")
    (True, False)
    """
    if text.isascii():
        return not text.strip(_UNSEEN_ASCII)
    return all(letter in _BLANK or unicodedata.category(letter) in _UNSEEN for letter in text)


def is_missing_mark(text: str) -> bool:
    """Return whether a text is what programs write for a missing one.

    >>> is_missing_mark(" NA"), is_missing_mark("Nan bread")
    (True, False)
    """
    return len(text) < 20 and text.strip() in MISSING_MARKS


def is_missing(value: object) -> bool:
    """Return whether a value is missing: None, pandas.NA, or a value unequal to itself, such as NaN and NaT."""
    if value is None or type(value).__name__ == "NAType":
        return True
    same = value == value
    return isinstance(same, (bool, np.bool_)) and not same


def _decoded(value: bytes) -> str | bytes:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def is_tensor(given: object) -> bool:
    """Return whether this is a tensor of torch; a file can be detached too."""
    return hasattr(given, "detach") and hasattr(given, "cpu")


def is_sparse_tensor(given: Any) -> bool:
    """Return whether this is a tensor of torch that stores only some of its elements."""
    return is_tensor(given) and str(given.layout) != "torch.strided"


def is_column_of_vectors(given: Any) -> bool:
    """Return whether this is a column of lists, arrays or tensors of pandas, polars or pyarrow."""
    kind = str(getattr(given, "type", getattr(given, "dtype", ""))).lower()
    if kind == "object" and hasattr(given, "iloc") and not is_table(given) and len(given):
        return isinstance(given.iloc[0], list | tuple | np.ndarray) or is_tensor(given.iloc[0])
    return not isinstance(given, np.ndarray) and ("list" in kind or "array" in kind)


def vector_column(given: Any) -> Any:
    """Return the column of a table that has one, of vectors, and anything else unchanged."""
    column = only_column(given) if is_table(given) else None
    return column if is_column_of_vectors(column) else given


def is_column(given: object) -> bool:
    """Return whether this is an array or a column (n,) of numpy, pandas, polars, pyarrow or torch, and no scalar."""
    if isinstance(given, np.generic) or is_table(given) or getattr(given, "ndim", 1) != 1:
        return False
    return hasattr(given, "to_pylist") or hasattr(given, "dtype")


def is_table(given: object) -> bool:
    """Return whether this is a data frame of pandas or polars, or a table of pyarrow."""
    return hasattr(given, "columns") and hasattr(given, "shape")


def column_names(table: Any) -> list[Any]:
    """Return the names of a table's columns."""
    return list(table.column_names if hasattr(table, "column_names") else table.columns)


def column_labels(given: Any) -> list[Any] | None:
    """Return the names of a pandas frame's columns as values of JSON, levels as lists; None for anything else."""
    if not (is_table(given) and hasattr(given, "iloc")):
        return None
    return [
        str(name) if isinstance(name, str) else int(name) if isinstance(name, numbers.Integral) else _levels(name)
        for name in given.columns
    ]


def _levels(name: Any) -> list[str]:
    return [str(level) for level in (name if isinstance(name, tuple) else (name,))]


def are_texts(names: list[Any]) -> bool:
    """Return whether all names of columns are texts, which scikit-learn compares itself."""
    return all(isinstance(name, str) for name in names)


def text_columns(table: Any) -> list[Any]:
    """Return the names of the columns that hold anything but numbers: texts, dates, lists or objects."""
    if hasattr(table, "iloc"):
        columns = [table.iloc[:, position] for position in range(table.shape[1])]  # names may be repeated
        return [name for name, own in zip(table.columns, columns, strict=True) if not _is_of_numbers(own)]
    return [name for name in column_names(table) if not _is_of_numbers(table[name])]


def _is_of_numbers(column: Any) -> bool:
    """Return whether a column holds numbers, also as objects and Decimals, and not lists of them."""
    if hasattr(column, "iloc") and column.dtype.kind != "O":
        return column.dtype.kind in "fiub"
    array = np.asarray(column)
    if array.dtype.kind != "O":
        return array.ndim == 1 and array.dtype.kind in "fiub"
    return _are_numbers(column_values(column))


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(value is None or isinstance(value, _NUMBERS) for value in values)


_NUMBERS: Final = (int, float, Decimal)


def reads_as_number(value: Any) -> bool:
    """Return whether a value is a number, or a text that is one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def no_number_in(table: Any) -> str:
    """Return which column of a table does not hold numbers, and what to do; "" where no column has a name."""
    for column in text_columns(table) if is_table(table) else []:
        for row, value in enumerate(column_values(table[column])):
            if not reads_as_number(value):
                return (
                    f"its column {column!r} has {value!r} in row {row}; leave the column out, or encode it, as by "
                    "pandas.get_dummies"
                )
    return ""


def no_table(X: Any, *, name: str) -> str | None:
    """Return what `X` is and what to write if it holds mappings, tables or records, or has no length; else None."""
    found, first = type(X).__name__, X[0] if isinstance(X, list | tuple) and X else None
    if isinstance(first, Mapping) or is_table(first):
        found = f"{found} of {type(first).__name__}"
        remedy = f"pandas.{'DataFrame' if isinstance(first, Mapping) else 'concat'}({name})"
    elif getattr(getattr(X, "dtype", None), "names", None):
        remedy = f"pandas.DataFrame({name})"
    elif isinstance(X, Mapping) and not hasattr(X, "toarray"):
        is_row = all(np.ndim(value) == 0 for value in X.values())
        remedy = f"pandas.DataFrame({f'[{name}]' if is_row else name})"
    elif isinstance(X, Iterator):
        remedy = f"list({name})"
    else:
        return None
    return f"it is a {found}. Write {remedy}"


def only_column(given: Any) -> Any:
    """Return the column of a table or array (n, 1), and anything else unchanged."""
    if getattr(given, "ndim", 2) != 2 or not hasattr(given, "shape") or tuple(given.shape)[1:] != (1,):
        return given
    if not is_table(given):
        return given[:, 0]
    if hasattr(given, "iloc"):
        return given.iloc[:, 0]
    return given.column(0) if hasattr(given, "column_names") else given.to_series(0)


def unmasked(given: Any) -> Any:
    """Return a masked array as an array with NaN for what is masked, and anything else unchanged."""
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)  # numpy loads it late: nothing is masked before
    if masked is None or not isinstance(given, masked):
        return given
    return np.ma.filled(given.astype(np.float64 if given.dtype.kind in "fiub" else object), np.nan)


def numeric_array(given: Any, *, dtype: Any = None) -> NDArray[Any]:
    """Return a table, array or list of numbers as an array, missing values as NaN.

    dtype: of the array; None for that of the numbers. Raises TypeError or ValueError if there are other values.
    """
    given = unmasked(given.toarray() if hasattr(given, "toarray") else given)
    given = vector_column(given)
    given = column_values(given) if is_column_of_vectors(given) else given
    given = np.asarray(given) if isinstance(given, memoryview) else given
    if is_tensor(given):
        given = (given.to_dense() if is_sparse_tensor(given) else given).detach().cpu()
        given = given.float() if given.is_floating_point() and given.element_size() < 4 else given  # bfloat16
    elif hasattr(given, "iloc"):
        given = _pandas_array(given)
    elif isinstance(given, Sequence) and any(is_tensor(row) for row in islice(given, 1)):
        given = [numeric_array(row) for row in given]
    first = given[:1] if isinstance(given, Sequence) else given
    if dtype is not None and np.asarray(first).dtype.kind == "c":
        raise TypeError("complex numbers are not supported")  # numpy would keep their real part
    array = np.asarray(given, dtype=dtype)
    if array.dtype.kind == "O" and array.size and _are_numbers(array.flat):
        return array.astype(np.float64)  # Decimals
    return array


def _pandas_array(table: Any) -> NDArray[Any]:
    """Return a frame or column of pandas, as floats if numpy would make it an array of objects."""
    types = list(table.dtypes) if is_table(table) else [table.dtype]
    if all(isinstance(own, np.dtype) and own.kind in "iuf" for own in types) or set(types) == {np.dtype(bool)}:
        return np.asarray(table)
    return np.asarray(table.astype(object).where(table.notna(), np.nan), dtype=np.float64)


def plain(given: Any) -> Any:
    """Return a tensor, a list of tensors or a column of vectors as an array, and anything else unchanged."""
    given = vector_column(given)
    is_list = isinstance(given, Sequence) and any(is_tensor(row) for row in islice(given, 1))
    return numeric_array(given) if is_list or is_tensor(given) or is_column_of_vectors(given) else given


def item_count(items: Any) -> int:
    """Return the number of items in a list, an array or a table."""
    return int(items.shape[0]) if hasattr(items, "shape") else len(items)


def take(items: Any, rows: Any) -> Any:
    """Return the items of these rows (m,), in the same kind of collection."""
    if hasattr(items, "iloc"):
        return items.iloc[rows]
    if hasattr(items, "column_names"):  # pyarrow
        return items.take(rows)
    items = items.tocsr() if hasattr(items, "tocsr") else items  # some kinds of sparse matrices have no rows
    return items[rows] if hasattr(items, "shape") else [items[row] for row in rows]
