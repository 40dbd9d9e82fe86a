"""Class embeddings (c, d) from class names and descriptions, words of classes, and the hypernyms of rare nouns."""

import json
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from anyshot import data
from anyshot.base.class_words import Words
from anyshot.base.columns import column_values
from anyshot.base.labels import UNKNOWN, Label, Labels, class_table, classes_in, sorted_rows
from anyshot.base.names import clean_names
from anyshot.base.validation import Indexes, Vectors, unit, vectors
from anyshot.errors import ClassesError, InputError, WidthError
from anyshot.zero_shot.class_names import as_words, has_letters

TextDescription: TypeAlias = str | Words | Sequence[str | Words] | None
Description: TypeAlias = TextDescription | NDArray[np.floating]
ClassesWithDescriptions: TypeAlias = Sequence[Label] | Mapping[Label, Description] | NDArray[Any] | None
Embed: TypeAlias = Callable[[Sequence[str]], Vectors]  # texts -> unit-length vectors (n, d)

TEXT_TEMPLATES = ("{}", "The topic is {}.")
IMAGE_TEMPLATES = ("a photo of a {}",)  # for models trained on captions, such as CLIP

# "refund not showing up" is nearly a sentence and best embedded by itself; "spam" or "positive" needs a sentence around
# it. Accuracy without a label, mean over the train rows of fourteen text sets: bare name 61.3, the sentence 63.2, both
# 63.3. "{} message" and "I have a question about {}." beside them added 0.4 and 0.1, nothing on the four sets that had
# no part in any choice, and lost 0.9 to 2.1 by themselves where names are abstract nouns ("joy", "disappointment").
MAX_NAME_COUNT = 3
"""The bare name counts among the templates as often as it has words, but at most this many times."""

PLURALS = (("ies", "y"), ("ves", "f"), ("es", ""), ("s", ""))
"""Endings of plurals, and of their singulars."""

DUPLICATE_COSINE = {False: 0.97, True: 0.995}
"""Cosine of two class embeddings from which a warning is given: of texts, and over the bridge of an image network."""

_BLOCK = 1024  # rows of class embeddings compared at once: 10,000 classes need 40 MB instead of 400


@dataclass(frozen=True)
class ClassTexts:
    """The names of classes, the texts that describe each, and the words that their items contain."""

    names: tuple[Label, ...]  # as given
    texts: tuple[tuple[str, ...], ...]  # of each class its name as words, then its descriptions, without duplicates
    words: tuple[Words | None, ...] = ()  # of each class those that the user gave; if empty, of no class

    def __post_init__(self) -> None:
        if not self.words:
            object.__setattr__(self, "words", (None,) * len(self.names))  # the class is frozen

    @property
    def descriptions(self) -> list[list[str | Words]]:
        """The texts of each class, and its words if the user gave any, as `describe` takes them."""
        return [[*own, words] if words else list(own) for own, words in zip(self.texts, self.words, strict=True)]

    def of(self, rows: Sequence[int]) -> "ClassTexts":
        """Return the names, texts and words of some classes."""
        names, texts, words = self.names, self.texts, self.words
        return ClassTexts(
            tuple(names[row] for row in rows), tuple(texts[row] for row in rows), tuple(words[row] for row in rows)
        )

    def joined(self, others: "ClassTexts") -> "ClassTexts":
        """Return these classes followed by others."""
        return ClassTexts(self.names + others.names, self.texts + others.texts, self.words + others.words)


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


def embed_classes(texts: ClassTexts, embed: Embed, *, templates: str | Sequence[str] = TEXT_TEMPLATES) -> Vectors:
    """Return one unit-length vector for each class (c, d): the mean of the unit vectors of its texts.

    The vector of the name is a mean over `templates`, in which the bare name counts as often as it has words, up to
    three times. Descriptions are embedded as they are. A text without letters, such as the number of a class, is left
    out; a class without any other text gets a vector of zeros.

    texts: from `describe`; embed: texts to unit-length vectors (n, d), as an encoder's `encode`, called once, with
    distinct texts; templates: sentences with ``{}`` for the name, `TEXT_TEMPLATES` for texts, `IMAGE_TEMPLATES` for an
    image-text model.

    Raises
    ------
    ClassesError
        There is no class.
    InputError
        There is no template, or one has no ``{}``.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021, section 3.1.4
    (ensembles of templates, averaged over vectors).
    """
    phrases = _checked_templates(templates)
    if not texts.names:
        raise ClassesError("There are no classes to embed. Name at least one.")
    sentences = [_sentences(own, phrases) for own in texts.texts]
    distinct = [text for own in sentences for group in own for text in group]
    row_of, table = _embedded(distinct or [str(texts.names[0])], embed)  # any text, to learn the width
    found = np.zeros((len(sentences), table.shape[1]), np.float32)
    for row, own in enumerate(sentences):
        if own:
            means = [table[[row_of[text] for text in group]].mean(axis=0) for group in own]
            found[row] = unit(np.stack(means)).mean(axis=0)
    return unit(found)  # (c, d)


def nearest_text(X: Vectors, index: Indexes, texts: ClassTexts, embed: Embed) -> list[str | None]:
    """Return, for each vector of `X` (n, d), the nearest of the texts of its class `index` (n,).

    None for a class without a text that has letters.
    """
    candidates = {int(row): [text for text in texts.texts[row] if has_letters(text)] for row in index}
    distinct = [text for own in candidates.values() for text in own]
    if not distinct:
        return [None] * len(index)
    row_of, table = _embedded(distinct, embed)

    own_texts = [candidates[int(row)] for row in index]
    return [
        own[int(np.argmax(table[[row_of[text] for text in own]] @ vector))] if own else None
        for vector, own in zip(vectors(X, width=table.shape[1]), own_texts, strict=True)
    ]


def read_classes(
    classes: ClassesWithDescriptions, labels: Labels, *, allow_unknown: bool
) -> tuple[ClassTexts, Vectors]:
    """Return the texts of the classes that a user gave, and the class vectors (c, d) if these were given, else (c, 0).

    The classes are sorted, as scikit-learn expects. labels: name the classes if `classes` is None; allow_unknown:
    whether items may be predicted `UNKNOWN`.
    """
    kind = "string" if isinstance(classes, str) else type(classes).__name__
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable | None):
        raise ClassesError(f"classes must be a list of names; got one {kind}: {classes!r}.")
    listed = classes_in(labels) if classes is None else clean_names(column_values(classes), what="classes")
    class_table(listed)  # refuses a name that is empty or given twice
    values: list[Any] = list(classes.values()) if isinstance(classes, Mapping) else [None] * len(listed)
    described = {listed[row]: values[row] for row in sorted_rows(listed)}
    if allow_unknown:
        check_not_named_unknown(tuple(described))
    if any(is_vector(value) for value in values):
        return ClassTexts(tuple(described), ((),) * len(described)), described_by_vectors(described)
    none = np.zeros((len(described), 0), np.float32)
    texts = describe(described)
    _warn_of_words_of_every_class(texts, stacklevel=5)  # of the caller of `fit`, which holds a lock
    if not _are_positions(classes_in(labels), listed):
        return texts, none
    if listed != list(described):
        warnings.warn(
            f"The labels are whole numbers and the classes names, so 0 is taken for {texts.names[0]!r} and so on, in "
            "sorted order, as scikit-learn encodes labels. Pass names as labels to be safe.",
            stacklevel=5,
        )
    return replace(texts, names=tuple(range(len(listed)))), none


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
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind in "fiu" and value.ndim == 1)
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(one, (int, float)) for one in value)


def described_by_vectors(classes: Mapping[Label, Description]) -> Vectors:
    """Return the class vectors that the user gave (c, d), zeros for a class with None."""
    widths = {name: len(value) for name, value in classes.items() if value is not None and is_vector(value)}
    first, width = next(iter(widths.items()))
    for name, value in classes.items():
        if value is not None and not is_vector(value):
            raise ClassesError(
                f"Class {first!r} is given by a vector and {name!r} by {value!r}. Give a vector or None for each class."
            )
        if widths.get(name, width) != width:
            raise WidthError(f"The vector of class {first!r} has width {width} and that of {name!r} {widths[name]}.")
    rows = [np.zeros(width) if value is None else value for value in classes.values()]
    return vectors(np.array(rows), name="The class vectors")


def near_duplicates(
    vectors: Vectors, names: Sequence[Label], *, threshold: float = 0.95, n: int = 3
) -> list[tuple[Label, Label, float]]:
    """Return the `n` most similar pairs of classes, the most similar first.

    vectors (c, d): class embeddings of unit length; names (c,); threshold: pairs with a smaller cosine are left out.
    Each pair is (name, name, cosine).
    """
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T  # (block, c)
        cosines[np.tri(len(cosines), len(vectors), start, dtype=bool)] = -np.inf  # each pair once
        least = max(threshold, np.partition(cosines, -n, axis=None)[-n]) if cosines.size > n else threshold
        rows, columns = np.nonzero(cosines >= least)
        closest = np.argsort(-cosines[rows, columns], kind="stable")[:n]
        found += [(-float(cosines[rows[p], columns[p]]), start + int(rows[p]), int(columns[p])) for p in closest]
    return [(names[row], names[column], -cosine) for cosine, row, column in sorted(found)[:n]]


def warn_of_duplicates(embeddings: Vectors, names: Sequence[Label], *, from_bridge: bool, stacklevel: int) -> None:
    """Warn of the first three pairs of classes whose embeddings (c, d) are nearly equal."""
    for one, other, cosine in near_duplicates(unit(embeddings), names, threshold=DUPLICATE_COSINE[from_bridge]):
        warnings.warn(
            f"The classes {one!r} and {other!r} are nearly the same for the encoder (cosine {cosine:.2f}). Add "
            "descriptions that distinguish them.",
            stacklevel=stacklevel + 1,
        )


# A text encoder has rarely seen "ketch", cuts it into pieces and places it near "Keeshond" and "ketchup". The list
# noun_kinds.json holds some two thousand common nouns of things that can be photographed, with their hypernyms: a ketch
# is a sailing boat. With ImageNet's own classes as the new ones, a fifth at a time held out and classified among twenty
# by the ImageNet bridge, it raised accuracy from 81 to 89 %.


def hypernyms_of(noun: str) -> tuple[str, ...]:
    """Return the hypernyms of a noun from the list of the package, one for each sense; none if it is not listed.

    Case is ignored, and a plural is looked up by its singular.

    Examples
    --------
    >>> [hypernyms_of(noun) for noun in ("Ketch", "butterflies", "bass", "velocity")]
    [('sailing boat',), (), ('fish', 'stringed instrument'), ()]
    """
    listed = _listed_hypernyms()
    word = noun.lower()
    singulars = (word[: -len(end)] + instead for end, instead in PLURALS if word.endswith(end))
    return next((listed[form] for form in (word, *singulars) if form in listed), ())


def with_hypernyms(texts: ClassTexts, *, known: Collection[str] = ()) -> ClassTexts:
    """Return the texts with the hypernyms of each class that has a name only.

    Classes with a description, and names in `known` (in lower case), stay as they are.
    """
    more = tuple(
        own if len(own) != 1 or own[0].lower() in known else (*own, *hypernyms_of(own[0])) for own in texts.texts
    )
    return replace(texts, texts=more)


@cache
def _listed_hypernyms() -> dict[str, tuple[str, ...]]:
    text = resources.files(data).joinpath("noun_kinds.json").read_text(encoding="utf-8")
    hypernyms: dict[str, tuple[str, ...]] = {}
    for hypernym, nouns in json.loads(text).items():
        for noun in nouns.split(", "):
            hypernyms[noun] = (*hypernyms.get(noun, ()), hypernym)
    return hypernyms


def _descriptions(name: Label, value: object) -> tuple[list[str], Words | None]:
    """Return the descriptions of a class that are not empty, and its words."""
    listed = [value] if isinstance(value, str | Words) or value is None else value
    if not isinstance(listed, Sequence) or not all(isinstance(one, str | Words | None) for one in listed):
        raise ClassesError(
            f"The description of class {name!r} is of type {type(value).__name__}: {value!r}. Use a text, Words, a "
            "list of them, or None."
        )
    words = [one for one in listed if isinstance(one, Words)]
    if len(words) > 1:
        raise ClassesError(f"Class {name!r} has Words twice: {words[0]} and {words[1]}. Join them.")
    return [one.strip() for one in listed if isinstance(one, str) and one.strip()], next(iter(words), None)


def _warn_of_words_of_every_class(texts: ClassTexts, *, stacklevel: int) -> None:
    """Warn of words that the user gave for every class."""
    given = [() if own is None else (*own.words, *own.add) for own in texts.words]
    counts = Counter(word for own in given for word in dict.fromkeys(word.casefold() for word in own))
    shared = [word for word, count in counts.items() if count == len(given) > 1]
    if shared:
        listed = ", ".join(map(repr, shared[:5]))
        warnings.warn(
            f"{'A word is' if len(shared) == 1 else f'{len(shared)} words are'} given for every class and cannot tell "
            f"classes apart: {listed}. Give each word to one class.",
            stacklevel=stacklevel,
        )


def _checked_templates(templates: str | Sequence[str]) -> list[str]:
    phrases = [templates] if isinstance(templates, str) else list(templates)
    without = [phrase for phrase in phrases if "{}" not in phrase]
    if without or not phrases:
        problem = f"{without[0]!r} has none" if without else "there is no template"
        raise InputError(f"A template needs {{}} for the class name; {problem}. Write 'a photo of a {{}}'.")
    return phrases


def _sentences(own: Sequence[str], phrases: Sequence[str]) -> list[list[str]]:
    """Return, for each text of a class that has letters, the sentences to average; the first text is the name."""
    found = []
    if own and has_letters(own[0]):
        count = min(len(own[0].split()), MAX_NAME_COUNT)
        repeated = [phrase for phrase in phrases for _ in range(count if phrase == "{}" else 1)]
        found.append([phrase.replace("{}", own[0]) for phrase in repeated])
    return found + [[text] for text in own[1:] if has_letters(text)]


def _embedded(texts: Sequence[str], embed: Embed) -> tuple[dict[str, int], Vectors]:
    """Embed each distinct text once; return the row of each text, and the vectors (n, d)."""
    distinct = list(dict.fromkeys(texts))
    table = vectors(embed(distinct), name="the vectors of the class texts")
    if len(table) != len(distinct):
        raise InputError(f"embed returned {len(table)} vectors for {len(distinct)} texts. Return one vector a text.")
    return {text: row for row, text in enumerate(distinct)}, unit(table)
