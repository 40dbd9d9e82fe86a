"""The texts of classes as a user gives them: names, descriptions and words; and class vectors in place of texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from anyshot.base.class_words import Words
from anyshot.base.columns import column_values, is_column, is_tensor, numeric_array, text_columns
from anyshot.base.labels import (
    UNKNOWN,
    Label,
    Labels,
    class_table,
    classes_in,
    clean_names,
    label_list,
    refuse_several_columns,
    row_of,
    sorted_rows,
)
from anyshot.base.messages import shortened, warn
from anyshot.base.terminal import whole_characters
from anyshot.base.validation import Vectors, vectors
from anyshot.errors import BadItemError, ClassesError, NotEnoughLabelsError, WidthError
from anyshot.zero_shot.spellings import as_words

TextDescription: TypeAlias = str | Words | Sequence[str | Words] | None
Description: TypeAlias = TextDescription | NDArray[np.floating]
ClassesWithDescriptions: TypeAlias = Sequence[Label] | Mapping[Label, Description] | NDArray[Any] | None

Source: TypeAlias = Literal["own", "bundled", "translated", "similar", "any", "none"]
"""Where the words of a class come from: the user; the thesaurus, for the name itself, for its translation, or for names
that are similar to it; or any text, for a name that denies; or nowhere."""


class Reading(NamedTuple):
    """The words by which a class is read in addition to its texts, and where they come from."""

    words: tuple[str, ...] = ()
    # "any": the words stand alone, and the texts do not count; "translated": the name does not count.
    source: Source = "none"


@dataclass(frozen=True)
class ClassTexts:
    """The names of classes, the texts that describe each, and the words that their items contain."""

    names: tuple[Label, ...]  # as given
    # Of each class its name as words, "" if it is left out as a code, then its descriptions, without duplicates.
    texts: tuple[tuple[str, ...], ...]
    words: tuple[Words | None, ...] = ()  # of each class those that the user gave; if empty, of no class

    def __post_init__(self) -> None:
        if not self.words:
            object.__setattr__(self, "words", (None,) * len(self.names))  # the class is frozen

    @property
    def descriptions(self) -> list[list[str | Words]]:
        """The texts of each class, and its words if the user gave any, as `describe` takes them."""
        texts = [[text for text in own if text] for own in self.texts]
        return [[*own, words] if words else [*own] for own, words in zip(texts, self.words, strict=True)]

    def of(self, rows: Sequence[int]) -> "ClassTexts":
        """Return the names, texts and words of some classes."""
        names, texts, words = self.names, self.texts, self.words
        return ClassTexts(
            tuple(names[row] for row in rows), tuple(texts[row] for row in rows), tuple(words[row] for row in rows)
        )

    def joined(self, others: "ClassTexts") -> "ClassTexts":
        """Return these classes followed by others."""
        return ClassTexts(self.names + others.names, self.texts + others.texts, self.words + others.words)

    def with_names(self) -> "ClassTexts":
        """Return the classes with the names that were left out as saying nothing to the encoder."""
        both = zip(self.names, self.texts, strict=True)
        return replace(
            self, texts=tuple((own[0] or as_words(str(name)), *own[1:]) if own else () for name, own in both)
        )

    def facts(self) -> dict[str, Any]:
        """Return the texts as JSON values."""
        words = [own and own.facts() for own in self.words]
        return {"classes": list(self.names), "texts": [list(own) for own in self.texts], "words": words}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the texts that were saved as `facts`; the first edition had no words."""
        words = tuple(own and Words.from_facts(own) for own in facts.get("words", ()))
        return cls(tuple(facts["classes"]), tuple(map(tuple, facts["texts"])), words)

    def replaced(self, row: int, new: "ClassTexts") -> "ClassTexts":
        """Return these classes with another one in the place of a row."""
        return self.of(range(row)).joined(new).joined(self.of(range(row + 1, len(self.names))))

    def renamed(self, row: int, name: Label) -> "ClassTexts":
        """Return one class with another name, and its descriptions and words."""
        own = self.texts[row]
        texts = tuple(dict.fromkeys((as_words(str(name)), *own[1:]))) if own else ()
        return ClassTexts((name,), (texts,), (self.words[row],))

    def merged(self, rows: Sequence[int], name: Label) -> "ClassTexts":
        """Return one class with the descriptions and words of several; their names become descriptions too."""
        every = [text for row in rows for text in self.texts[row] if text]
        texts = tuple(dict.fromkeys((as_words(str(name)), *every))) if every else ()
        words = [own for own in (self.words[row] for row in rows) if own is not None]
        return ClassTexts((name,), (texts,), (Words.joined(words) if words else None,))


def has_letters(text: str) -> bool:
    """Return whether a text has a letter; an encoder can make nothing of a number."""
    return any(character.isalpha() for character in text)


def own_readings(texts: ClassTexts) -> tuple[Reading, ...]:
    """Return how each class is read by the words that the user gave, without the thesaurus."""
    chosen = (() if own is None else own.chosen_from(()) for own in texts.words)
    return tuple(Reading(words, "own") if words else Reading() for words in chosen)


def describe(classes: Iterable[Label] | Mapping[Label, TextDescription]) -> ClassTexts:
    """Return the texts of each class from its name, or from its name, descriptions and words.

    Parameters
    ----------
    classes : iterable of names, or mapping from name to description(s)
        A description is a string, `Words`, a list of strings with at most one `Words`, or None; empty ones are left
        out.

    Raises
    ------
    ClassesError
        `classes` is one string, a description is not a text, or a class has words twice.

    Examples
    --------
    >>> describe({"late_parcel": ["where is my order?", ""], "Sci/Tech": None}).texts
    (('late parcel', 'where is my order?'), ('Sci / Tech',))
    >>> describe({"spam": Words("prize winner"), "ham": None}).words
    (Words('prize, winner'), None)
    """
    if isinstance(classes, str):
        raise ClassesError(f"A list of class names is needed; got the string {classes!r}. Write [{classes!r}].")
    described = classes if isinstance(classes, Mapping) else dict.fromkeys(classes)
    read = [_descriptions(name, value) for name, value in described.items()]
    texts = [(as_words(str(name)), *own) for name, (own, _) in zip(described, read, strict=True)]
    return ClassTexts(
        tuple(described), tuple(tuple(dict.fromkeys(own)) for own in texts), tuple(words for _, words in read)
    )


def read_classes(
    classes: ClassesWithDescriptions, labels: Labels, *, allow_unknown: bool
) -> tuple[ClassTexts, Vectors]:
    """Return the texts of the classes that a user gave, and the class vectors (c, d) if these were given, else (c, 0).

    The classes are sorted, as scikit-learn expects. labels: name the classes if `classes` is None; allow_unknown:
    whether items may be predicted `UNKNOWN`.
    """
    kind = "string" if isinstance(classes, str) else type(classes).__name__
    if hasattr(classes, "vectors") and hasattr(classes, "names"):
        raise ClassesError(f"classes is a {kind}. Write dict(zip(classes.names, classes.vectors)).")
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable | None):
        raise ClassesError(f"classes must be a list of names; got one {kind}: {classes!r}.")
    if isinstance(classes, Iterator):
        raise ClassesError(f"classes is a {kind}, which can be read only once. Write list(...).")
    _refuse_indexed(classes)
    refuse_several_columns(classes)
    found = classes_in(labels)
    listed = found if classes is None else clean_names(column_values(classes), what="classes")
    class_table(listed)  # refuses a name that is empty or given twice
    values: list[Any] = list(classes.values()) if isinstance(classes, Mapping) else [None] * len(listed)
    described = {listed[row]: values[row] for row in sorted_rows(listed)}
    if allow_unknown:
        check_not_named_unknown(tuple(described))
    if any(is_vector(value) for value in values):
        return ClassTexts(tuple(described), ((),) * len(described)), described_by_vectors(described)
    none = np.zeros((len(described), 0), np.float32)
    texts = describe(described)
    _check_readable(texts, found)
    if not _are_positions(found, listed):
        return texts, none
    if listed != list(described):
        warn(
            f"The labels are whole numbers and the classes names, so 0 is taken for {texts.names[0]!r} and so on, in "
            "sorted order, as scikit-learn encodes labels. Pass names as labels to be safe."
        )
    return replace(texts, names=tuple(range(len(listed)))), none


def _refuse_indexed(classes: Any) -> None:
    """Raise ClassesError for a pandas Series, or a table of numbers, whose index may be the names of the classes."""
    index = classes.index if hasattr(classes, "iloc") else ()
    if not len(index) or not all(isinstance(name, str) for name in index):
        return
    if classes.ndim == 1:
        raise ClassesError("classes is a Series with names as its index. Pass classes.to_dict() or classes.tolist().")
    if classes.shape[1] > 1 and not text_columns(classes):
        raise ClassesError(
            "classes is a table with names as its index. If its rows are class vectors, pass dict(classes.iterrows())."
        )


def of_first_call(own: ClassesWithDescriptions, named: Labels | None) -> ClassesWithDescriptions:
    """Return the classes of a first `partial_fit`: its own, or those named in the call, which must be among them.

    Raises UnknownClassError for a name that is not.
    """
    listed = [] if named is None else label_list(named)
    if own is None:
        return listed or None
    names = clean_names(column_values(own), what="classes")
    for name in [] if _are_positions(listed, names) else listed:
        row_of(name, class_table(names))
    return own


def _check_readable(texts: ClassTexts, labels: Sequence[Label]) -> None:
    """Raise NotEnoughLabelsError if a class has neither a label nor a text with letters, before any is encoded.

    The classes of an estimator that is fitted to numbers are often numbers too: if no class has letters, each needs a
    label, which is checked once the labels are counted.
    """
    readable = [
        words is not None or any(map(has_letters, own)) for own, words in zip(texts.texts, texts.words, strict=True)
    ]
    known = set(labels) if any(readable) else set(texts.names)
    named = zip(texts.names, readable, strict=True)
    bare = next((name for name, is_readable in named if not is_readable and name not in known), None)
    if bare is not None:
        raise NotEnoughLabelsError(
            f"Class {bare!r} has no label and no letters in its name, so an encoder cannot embed it. Give a labeled "
            "example of it, or Words or a description."
        )


def _are_positions(labels: Sequence[Label], names: Sequence[Label]) -> bool:
    """Return whether labels are positions in the sorted names.

    scikit-learn's `cross_val_predict`, stacking and voting fit an estimator to such labels.
    """
    whole = all(type(label) is int and 0 <= label < len(names) for label in labels)
    return bool(labels) and whole and all(isinstance(name, str) for name in names)


def check_not_named_unknown(names: Sequence[Label]) -> None:
    """Raise ClassesError if a class has the name that marks items of no class."""
    if UNKNOWN in names:
        raise ClassesError(f"A class is named {UNKNOWN!r}, the prediction for items of no class. Rename it.")


def is_vector(value: object) -> TypeGuard[Sequence[float] | NDArray[np.floating]]:
    """Return whether a class description is a vector of numbers."""
    if isinstance(value, np.ndarray) or is_tensor(value):
        value = numeric_array(value)
        return bool(value.dtype.kind in "fiu" and value.ndim == 1)
    listed = column_values(value) if is_column(value) else value
    number = (int, float, np.number)
    return isinstance(listed, (list, tuple)) and len(listed) > 0 and all(isinstance(one, number) for one in listed)


def described_by_vectors(classes: Mapping[Label, Description]) -> Vectors:
    """Return the class vectors that the user gave (c, d), zeros for a class with None."""
    widths = {name: len(value) for name, value in classes.items() if value is not None and is_vector(value)}
    first, width = next(iter(widths.items()))
    for name, value in classes.items():
        if value is not None and not is_vector(value):
            raise ClassesError(
                f"Class {first!r} is given by a vector and {name!r} by {shortened(repr(value))}. Give a vector or "
                "None for each class."
            )
        if widths.get(name, width) != width:
            raise WidthError(
                f"The vector of class {first!r} has width {width} and that of {name!r} {widths[name]}. Give vectors of "
                "one width."
            )
    rows = np.array([np.zeros(width) if value is None else numeric_array(value) for value in classes.values()])
    for (name, value), row in zip(classes.items(), rows, strict=True):
        if value is not None and not np.isfinite(row).all():
            raise BadItemError(f"The vector of class {name!r} contains NaN or infinity. Correct it.")
        if value is not None and not row.any():
            raise ClassesError(f"The vector of class {name!r} contains only zeros. Give another, or None.")
    return vectors(rows, name="The class vectors")


def _descriptions(name: Label, value: object) -> tuple[list[str], Words | None]:
    """Return the descriptions of a class that are not empty, and its words."""
    listed = [value] if isinstance(value, str | Words) or value is None else value
    listed = column_values(listed) if is_column(listed) else listed
    if not isinstance(listed, Sequence) or not all(isinstance(one, str | Words | None) for one in listed):
        raise ClassesError(
            f"The description of class {name!r} is of type {type(value).__name__}: {shortened(repr(value))}. Use a "
            "text, Words, a list of them, or None."
        )
    half = next((one for one in listed if isinstance(one, str) and whole_characters(one) != one), None)
    if half is not None:
        raise ClassesError(
            f"The description of class {name!r} has an unpaired surrogate, half of a character, {half!r}. Remove it."
        )
    words = [one for one in listed if isinstance(one, Words)]
    if len(words) > 1:
        raise ClassesError(f"Class {name!r} has Words twice: {words[0]} and {words[1]}. Join them.")
    if words and not words[0].facts():
        raise ClassesError(
            f"No words are given for class {name!r}, or none of them has letters. Give some that its texts contain, "
            'such as "good, great, excellent".'
        )
    return [one.strip() for one in listed if isinstance(one, str) and one.strip()], next(iter(words), None)
