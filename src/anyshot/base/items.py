"""Items as users pass them, alone or with labels: check them, detect their modality, index them by position."""

import os
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.columns import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    TEXT_COLUMNS,
    column_names,
    column_values,
    is_blank,
    is_missing,
    is_table,
    is_tensor,
    item_count,
    numeric_array,
    only_column,
    python_value,
    text_columns,
    unmasked,
)
from anyshot.base.item_remedies import DATA_URL, how_to_bytes, remedy_for
from anyshot.base.labels import Label, Labels, label_list, wrong_number_of_labels
from anyshot.base.messages import first_of, named_rows, warn_of_order
from anyshot.base.validation import refuse_lazy
from anyshot.errors import BadItemError, InputError, MixedInputError

Modality: TypeAlias = Literal["text", "image", "vectors"]
Item: TypeAlias = Any  # a str, a path, a PIL image, or an array
Items: TypeAlias = Sequence[Item] | NDArray[Any]

_READ: Final = (
    "apng avif avifs blp bmp bw cur dcx dds dib fit fits ftc ftu gif icb icns ico im j2c j2k jfif jp2 jpc jpe jpeg jpf "
    "jpg jpx msp pbm pcd pcx pfm pgm png pnm ppm psd pxr qoi ras rgb rgba sgi tga tif tiff vda vst webp xbm xpm"
)
IMAGE_SUFFIXES: Final = frozenset(f".{name}" for name in _READ.split(" "))
"""Suffixes of the image files that PIL reads, without those of documents, films and data (.eps, .mpg, .hdf)."""
_ENDS: Final = tuple(IMAGE_SUFFIXES)
_LONGEST_SUFFIX: Final = max(map(len, IMAGE_SUFFIXES))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def by_position(items: Any) -> Items:
    """Return items that are indexed by position: a list, a tuple, or an array.

    `items[3]` of a pandas column looks up the index, which after a shuffle is not the position. A column of any library
    becomes a list, as does a table of one column of texts or vectors; a table of numbers becomes an array.

    Raises InputError if a table has several columns, not all of numbers.
    """
    if isinstance(items, (list, tuple)):
        return [python_value(item) for item in items] if items and hasattr(items[0], "as_py") else items
    items = np.asarray(items) if isinstance(items, memoryview) else items
    if isinstance(items, np.ndarray):
        return _array_by_position(unmasked(items) if items.dtype.kind in "fiub" else items)
    if hasattr(items, "toarray"):
        return items  # type: ignore[no-any-return]  # sparse: `vectors` checks its size before it becomes dense
    if is_tensor(items) and items.ndim > 1:
        return numeric_array(items)
    if not is_table(items):
        return column_values(items)
    others = text_columns(items)
    if others and items.shape[1] > 1:
        first, *more = (f"table[{name!r}]" for name in others)
        joined = f', or two joined by {first} + "\\n" + {more[0]}' if more else ""
        raise InputError(
            f"The table has {items.shape[1]} columns, and {others[0]!r} does not hold numbers. To use all columns, as "
            "numbers, dates and categories, use AnyShotClassifier(encoder='table'); to use texts or vectors alone, "
            f"pass their column, such as {first}{joined}."
        )
    return column_values(only_column(items)) if others else numeric_array(items)


def _array_by_position(array: NDArray[Any]) -> Items:
    if array.dtype.kind not in "OUS":
        return array
    if array.ndim == 2 and array.shape[1] > 1 and not any(isinstance(value, (str, bytes)) for value in array.flat):
        return numeric_array(array, dtype=np.float64)
    return column_values(array)


def check_list(items: object, *, what: str = "A list of items") -> None:
    """Raise InputError if `items` is a single item, a mapping, a set, or has no length."""
    kind = type(items).__name__
    if hasattr(items, "toarray"):
        return
    if isinstance(items, Mapping):
        of_labels = "Write list(values.values()), or of several tasks the labels of one, values[name]"
        remedy = "Only fit and evaluate accept {label: items}" if "items" in what else of_labels
        raise InputError(f"{what} is needed; got a {kind}. {remedy}.")
    if isinstance(items, (set, frozenset)):
        raise InputError(f"{what} is needed; got a {kind}, which has no order. Write sorted(...).")
    refuse_lazy(items)
    single = isinstance(items, (str, bytes, PathLike)) or getattr(items, "ndim", 1) == 0
    if single or not isinstance(items, Iterable | Sized):
        raise InputError(f"{what} is needed; got one {kind}. Write [item].")
    if not isinstance(items, Sized):
        raise InputError(f"{what} is needed; got a {kind}, which has no length. Write list(...).")


def modality_of(items: Items) -> Modality:
    """Return "text", "image" or "vectors", whichever `items` are.

    Texts are strings. Images are paths, PIL images, uint8 arrays (n, h, w) or (n, h, w, channels), or strings that are
    paths of existing image files. Vectors are a table of numbers (n, d), or a sequence of arrays or lists (d,).

    Raises
    ------
    InputError
        `items` is empty or not a list.
    MixedInputError
        The items are of several kinds, or of a kind that is not supported.
    BadItemError
        An item is missing.
    """
    check_list(items)
    if hasattr(items, "toarray"):
        return "vectors"
    items = by_position(items)
    if isinstance(items, np.ndarray) and items.dtype.kind in "fiub":
        return _modality_of_array(items)
    if len(items) == 0:
        raise InputError("There are no items: the list is empty.")
    kinds = Counter(_kind(item) for item in items)
    if _MISSING in kinds:
        raise BadItemError(_missing([row for row, item in enumerate(items) if _kind(item) == _MISSING]))
    if len(kinds) > 1:
        refuse_missing_images([item for item in items if _kind(item) == "texts"])
        raise MixedInputError(_mixed(items, kinds))
    kind = next(iter(kinds))
    if kind not in _MODALITIES:
        raise MixedInputError(
            "Items must be texts, images (paths, PIL images, uint8 arrays) or float vectors; found "
            f"{_describe(items[0])} in row 0.{remedy_for(items[0])}"
        )
    return _MODALITIES[kind]


def _mixed(items: Items, kinds: Counter[str]) -> str:
    """Return the message on items of several kinds, which shows one that is no item, or not of the usual kind."""
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    usual, unknown = kinds.most_common(1)[0][0], kinds.keys() - _MODALITIES.keys()
    row = next(row for row, item in enumerate(items) if (_kind(item) in unknown if unknown else _kind(item) != usual))
    remedy = "Correct or remove it." if unknown else "Make one call per kind."
    if usual == "texts" and isinstance(items[row], _NUMBER):
        remedy = "Write numbers as texts, str(item), or remove them."
    return f"All items must be of one kind; found {found}. Row {row} has {_describe(items[row])}. {remedy}"


def refuse_missing_images(items: Items) -> None:
    """Raise BadItemError if every item is a text that looks like the path of an image."""
    if len(items) and all(isinstance(item, str) and reads_as_path(item, IMAGE_SUFFIXES) for item in items):
        if "://" in items[0]:
            raise BadItemError(
                f"{items[0]!r} is an address, and nothing is downloaded. Download the image, and give its path."
            )
        raise BadItemError(
            f"{items[0]!r} looks like the path of an image, but there is no such file in {os.getcwd()}. Correct the "
            "path; or, if it is a text, name a text encoder, such as 'minilm'."
        )


def refuse_files(items: Items) -> None:
    """Raise BadItemError if every item is the path of a file or folder, or an image as text; all look like texts.

    A folder counts if its path has a separator: "data" is a text.
    """
    if len(items) and all(isinstance(item, str) and item[:11] == "data:image/" for item in items):
        raise BadItemError(f"{items[0][:30]!r} is an image written as text. {DATA_URL}")
    if len(items) and all(isinstance(item, str) and _is_path(item) for item in items):
        kind = "a folder" if not _is_file(items[0]) else "a file, but not an image by its suffix"
        raise BadItemError(
            f"{items[0]!r} is {kind}. Read the items in it by "
            "anyshot.data.read_data(path).items; or, if it is a text, name a text encoder, such as 'minilm'."
        )


def reads_as_path(text: str, suffixes: Collection[str]) -> bool:
    """Return whether a text has no spaces and ends in one of these file suffixes."""
    return Path(text).suffix.lower() in suffixes and not any(letter.isspace() for letter in text)


def check_texts(texts: Items) -> list[str]:
    """Return `texts` as a list of texts that have something to read.

    Raises InputError if `texts` is one text, or a table of several columns. Raises BadItemError if an item is missing,
    not a string, empty, or contains an unpaired surrogate; the message names the rows.
    """
    check_list(texts, what="A list of texts")
    listed = by_position(texts)
    missing = [row for row, text in enumerate(listed) if not isinstance(text, str) and _kind(text) == _MISSING]
    if missing:
        raise BadItemError(_missing(missing))
    for row, text in enumerate(listed):
        if not isinstance(text, str):
            raise BadItemError(f"Row {row} is not a text but {_describe(text)}. Pass strings.")
        if not text.isascii() and _SURROGATE.search(text):
            raise BadItemError(
                f"The text in row {row} contains an unpaired surrogate, {text[:40]!r}: it was decoded wrongly. "
                "Read it as UTF-8, or remove it."
            )
    empty = [row for row, text in enumerate(listed) if is_blank(text)]
    if empty:
        raise BadItemError(f"The text in {named_rows(empty)} is empty. Remove it or add words.")
    return [str.__str__(text) for text in listed]  # of a subclass, str() may be another text


def check_images(images: Items) -> Items:
    """Return images as a list or an array; raise InputError for one image, and for a table of several columns."""
    check_list(images, what="A list of images")
    listed = by_position(images)
    if isinstance(listed, np.ndarray) and _modality_of_array(listed) != "image":
        raise MixedInputError(
            f"An array of {listed.dtype} with shape {listed.shape} holds no images, which are uint8 (n, height, width) "
            "or (n, height, width, channels). Write [image] for one image."
        )
    return listed


def item_names(items: Any) -> list[str]:
    """Return how to display each item: a text or path unchanged, a row by its name, the rest by type and row."""
    if hasattr(items, "toarray") or (is_table(items) and items.shape[1] > 1):
        return [f"row {name}" for name in (items.index if hasattr(items, "iloc") else range(item_count(items)))]
    return [_item_name(item, row) for row, item in enumerate(by_position(items))]


def _item_name(item: Any, row: int) -> str:
    """Return how to display an item in a row of a list."""
    if isinstance(item, str):
        return str.__str__(item)  # of a subclass, str() may be another text
    return str(item) if isinstance(item, PathLike) else f"{type(item).__name__} {row}"


def _modality_of_array(array: NDArray[Any]) -> Modality:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4:
        raise MixedInputError(
            f"An array of uint8 with shape {array.shape} is one color image, or very narrow gray ones. Write [image], "
            "or pass the gray ones as a list."
        )
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return "image"  # gray images (n, h, w), or (n, h, w, channels)
    if array.ndim == 2:
        return "vectors"
    raise MixedInputError(
        f"An array of {array.dtype} with shape {array.shape} is neither vectors, numbers (n, d), nor images, "
        f"uint8 (n, height, width, channels).{how_to_bytes(array) if array.ndim in (3, 4) else ''}"
    )


_MISSING: Final = "missing"
_MODALITIES: dict[str, Modality] = {
    "texts": "text",
    "image files": "image",
    "images": "image",
    "uint8 arrays": "image",
    "float vectors": "vectors",
}


def _kind(item: Item) -> str:
    """Return the kind of one item, in the plural, as error messages show it."""
    if isinstance(item, str):
        ends_as_one = item[-_LONGEST_SUFFIX:].lower().endswith(_ENDS)  # first, since a Path of every text takes longer
        is_image = ends_as_one and Path(item).suffix.lower() in IMAGE_SUFFIXES and _is_file(item)
        return "image files" if is_image else "texts"
    if isinstance(item, PathLike):
        return "image files"
    if is_tensor(item):
        item = numeric_array(item)
    if isinstance(item, np.ndarray) and item.ndim:
        return _kind_of_array(item)
    if hasattr(item, "convert") and hasattr(item, "getbands"):
        return "images"  # a PIL image, recognized without importing PIL
    if isinstance(item, (list, tuple)) and item and all(isinstance(number, _NUMBER) for number in item):
        return "float vectors"
    return _MISSING if is_missing(python_value(item)) else f"of type {type(item).__name__}"


_NUMBER: Final = (int, float, np.number, np.bool_)


def _kind_of_array(item: NDArray[Any]) -> str:
    if item.dtype == np.uint8 and item.ndim in (2, 3):
        return "uint8 arrays"
    if item.dtype.kind in "fiub" and item.ndim == 1:
        return "float vectors"
    return f"arrays of {item.dtype} with {item.ndim} dimensions"


def _is_file(text: str) -> bool:
    """Return whether a text is the path of a file; a long one cannot be, and is not looked up."""
    return len(text) < 4096 and os.path.isfile(os.path.expanduser(text))


def _is_path(text: str) -> bool:
    """Return whether a text is the path of a file, or that of a folder with a separator."""
    return _is_file(text) or (len(text) < 4096 and "/" in text.replace(os.sep, "/") and os.path.isdir(text))


def _missing(rows: Sequence[int]) -> str:
    return f"The item in {named_rows(rows)} is missing (None, NaN or NA). Remove it, and its label if it has one."


def _describe(item: Item) -> str:
    text = repr(item)
    return f"{type(item).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


# --- items with labels -----------------------------------------------------------------------------------------------


def items_and_labels(X: Items | Mapping[Label, Items] | None, y: Labels | None) -> tuple[Items, list[Label]]:
    """Return items and labels, of equal length; `X` may also be {label: items}.

    Raises InputError if only one of the two is given, their lengths differ, or items are not a list.
    """
    given: Any = X
    if isinstance(given, Mapping) and not hasattr(given, "toarray"):  # a sparse matrix by keys is a mapping too
        if y is not None:
            raise InputError(
                "The keys of the mapping are the labels; leave y out. If they are the columns of a table, pass "
                "pandas.DataFrame(X)."
            )
        for label, own in given.items():
            check_list(own, what=f"A list of the items of {label!r}")
        labels = label_list([label for label, own in given.items() for _ in range(item_count(own))])
        return _joined(given), labels
    if X is None:
        if y is not None:
            raise InputError("Labels were given without items. Pass the items they belong to.")
        return [], []
    check_list(given)
    n_items = item_count(given)
    if y is None:
        raise InputError(f"{n_items} items were given without labels. Pass y; unlabeled items go into unlabeled=items.")
    check_list(y, what="A list of labels")
    if n_items != item_count(y):
        raise wrong_number_of_labels(n_items, item_count(y))
    warn_of_order(given, y)
    return given, label_list(y)


def _joined(given: Mapping[Label, Any]) -> Items:
    """Return the items of all classes as one list, or as one table if they are tables of several columns.

    Raises InputError if such tables have different columns.
    """
    given = {label: own for label, own in given.items() if item_count(own)}
    tables = {label: own for label, own in given.items() if is_table(own) and own.shape[1] > 1}
    library = _library_of(next(iter(tables.values()), None))
    if not (hasattr(library, "concat") or hasattr(library, "concat_tables")):  # pandas and polars, or pyarrow
        lists = {label: by_position(own) for label, own in given.items()}
        _refuse_columns(lists)
        return [item for own in lists.values() for item in own]
    names = column_names(next(iter(tables.values())))
    for label, own in given.items():
        if label not in tables or {*column_names(own)} != {*names} or _library_of(own) is not library:
            raise InputError(
                f"The items of {label!r} are no table with the columns {first_of(names, at_most=5)}, as those of "
                f"{next(iter(tables))!r} are. Give each class a table of the same library with the same columns."
            )
    joined: Items
    if hasattr(library, "concat"):
        joined = library.concat([own[names] for own in tables.values()])
    else:
        parts = [library.table({name: own[name] for name in names}) for own in tables.values()]
        joined = library.concat_tables(parts, promote_options="permissive")
    return joined


def _library_of(table: object) -> Any:
    return sys.modules.get(type(table).__module__.partition(".")[0])


def _refuse_columns(lists: Mapping[Label, Items]) -> None:
    """Raise InputError if {label: items} is a table, {"text": texts, "label": labels}, as Hugging Face's data are."""
    names = {str(name).casefold(): name for name in lists}
    of_items = next((names[one] for one in (*TEXT_COLUMNS, *IMAGE_COLUMNS) if one in names), None)
    of_labels = next((names[one] for one in LABEL_COLUMNS if one in names), None)
    if of_items is None or of_labels is None or of_items == of_labels:
        return
    labels = [str(label) for label in lists[of_labels]]
    if len(labels) == len(lists[of_items]) and len(set(labels)) < len(labels):
        raise InputError(
            f"The mapping has the columns {of_items!r} and {of_labels!r} of a table; {{label: items}} was expected. "
            f"Pass data[{of_items!r}] as X and data[{of_labels!r}] as y."
        )
