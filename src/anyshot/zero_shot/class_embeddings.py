"""What a person says of a class -- its name, descriptions -- as class vectors (c, d) in the encoder's space."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from anyshot.base.items import Label
from anyshot.base.validation import Indexes, Vectors, unit, vectors
from anyshot.errors import ClassesError, InputError

Embed: TypeAlias = Callable[[Sequence[str]], Vectors]  # texts -> unit-length vectors (n, d)
Described: TypeAlias = Iterable[Label] | Mapping[Label, str | Sequence[str] | None]

TEXT_TEMPLATES = ("{}", "The topic is {}.", "{} message", "I have a question about {}.")
IMAGE_TEMPLATES = ("a photo of a {}",)  # for towers trained on captions, as CLIP is

# "refund not showing up" is nearly a sentence and says best by itself what it means; "spam" or "positive" needs one
# around it. On the train rows of ten text sets, mean over sets of per-class accuracy with 0 (and 1) labels a class, the
# bare name beside these three sentences counted once 63.8 (66.5), thrice 62.9 (65.6), by its words 63.9 (66.5); with no
# label and the pool 69.2, 68.8, 69.4, since names of several words lose by it least.
WORDS_COUNTED = 3
"""A bare name counts among its templates as often as it has words, up to this."""


@dataclass(frozen=True)
class ClassTexts:
    """The texts that stand for each class.

    Attributes
    ----------
    names : tuple of str or number
        The classes as the person wrote them.
    texts : tuple of tuple of str
        For each class its name as words, then its descriptions, each text once.
    """

    names: tuple[Label, ...]
    texts: tuple[tuple[str, ...], ...]

    def of(self, rows: Sequence[int]) -> "ClassTexts":
        """Return the texts of some classes."""
        return ClassTexts(tuple(self.names[row] for row in rows), tuple(self.texts[row] for row in rows))


def describe(classes: Described) -> ClassTexts:
    """Collect the texts of each class from names, or from names with one or several descriptions.

    Parameters
    ----------
    classes : iterable of names, or mapping from name to description(s)
        A description is a string, a list of strings, or None; with an empty one the name stands alone.

    Returns
    -------
    ClassTexts
        In the order given.

    Raises
    ------
    ClassesError
        One string was given for all classes, or a description is no text.

    Examples
    --------
    >>> describe({"late_parcel": ["where is my order?", ""], "Sci/Tech": None}).texts
    (('late parcel', 'where is my order?'), ('Sci / Tech',))
    """
    if isinstance(classes, str):
        raise ClassesError(f"A list of class names is needed; one string was given: {classes!r}. Write [{classes!r}].")
    said = classes if isinstance(classes, Mapping) else dict.fromkeys(classes)
    texts = [(as_words(str(name)), *_descriptions(name, given)) for name, given in said.items()]
    return ClassTexts(names=tuple(said), texts=tuple(tuple(dict.fromkeys(own)) for own in texts))


def as_words(name: str) -> str:
    """Write a name made for a machine as words a text encoder knows.

    Underscores become spaces and a slash between words gets spaces around it. A name with no space or underscore is
    also split at hyphens and inner capitals; where words are set apart already, "PayPal refund", inner capitals belong
    to the word. One letter before a capital, "iPhone", is no word of its own.

    Examples
    --------
    >>> [as_words(name) for name in ("Refund_not_showing_up", "topUpFailed", "APIError", "API_error", "Sci/Tech")]
    ['Refund not showing up', 'top up failed', 'API error', 'API error', 'Sci / Tech']
    """
    spaced = re.sub(r"(?<=[^\W\d_])\s*/\s*(?=[^\W\d_])", " / ", name.replace("_", " "))
    if not re.search(r"[\s_]", name.strip()):
        spaced = " ".join(_split_at_capitals(part) for part in re.split(r"[\s-]+", spaced))
    return " ".join(spaced.split()) or name


def class_vectors(texts: ClassTexts, embed: Embed, *, templates: str | Sequence[str] = TEXT_TEMPLATES) -> Vectors:
    """Return one unit-length vector a class (c, d): the mean of its texts' unit vectors.

    The name is one text: the mean over `templates` that hold it, where the name alone counts as often as it has words,
    up to three. Each description is another, taken as it stands. A text without a letter, as a class's number is, says
    nothing; of a class with no other text, or with none at all, the vector is zero.

    Parameters
    ----------
    texts : ClassTexts
        From `describe`.
    embed : callable
        Texts to unit-length vectors (n, d), as an encoder's `encode` does; called once, with distinct texts.
    templates : str or sequence of str
        Sentences with a place ``{}`` for the name; `TEXT_TEMPLATES` for texts, `IMAGE_TEMPLATES` for an image-text
        model.

    Raises
    ------
    ClassesError
        There is no class.
    InputError
        A template has no place for the name, or there is none.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021, section 3.1.4
    (ensembles of templates, averaged over vectors).
    """
    phrases = _checked_templates(templates)
    if not texts.names:
        raise ClassesError("There is no class to describe. Name at least one.")
    told = [_sentences(own, phrases) for own in texts.texts]
    everything = [text for own in told for sentences in own for text in sentences]
    place, space = _embedded(everything or [str(texts.names[0])], embed)  # any text, to learn the width
    rows = np.zeros((len(told), space.shape[1]), np.float32)
    for row, own in enumerate(told):
        if own:
            means = [space[[place[text] for text in sentences]].mean(axis=0) for sentences in own]
            rows[row] = unit(np.stack(means)).mean(axis=0)
    return unit(rows)  # (c, d)


def best_text(X: Vectors, index: Indexes, texts: ClassTexts, embed: Embed) -> list[str | None]:
    """Return, for each vector of `X` (n, d), the text of its class `index` (n,) that lies nearest to it.

    It is what an explanation shows: which of the name and the descriptions the item matched; None where the class has
    no text that says something.
    """
    told = {int(row): [text for text in texts.texts[row] if says_something(text)] for row in index}
    everything = [text for own in told.values() for text in own]
    if not everything:
        return [None] * len(index)
    place, space = _embedded(everything, embed)

    def nearest(vector: Vectors, own: Sequence[str]) -> str | None:
        return own[int(np.argmax(space[[place[text] for text in own]] @ vector))] if own else None

    table = vectors(X, width=space.shape[1])
    return [nearest(vector, told[int(row)]) for vector, row in zip(table, index, strict=True)]


def near_duplicates(
    vectors: Vectors, names: Sequence[Label], *, threshold: float = 0.95, n: int = 3
) -> list[tuple[Label, Label, float]]:
    """List the `n` pairs of classes that are most nearly the same in the space, the closest pair first.

    Parameters
    ----------
    vectors : ndarray of shape (c, d)
        Class vectors of unit length.
    names : sequence of length c
        What to call them.
    threshold : float
        Cosine from which on a pair is listed.
    n : int
        How many pairs are listed at most.

    Returns
    -------
    list of (name, name, cosine)
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


_BLOCK = 1024  # rows of the class table compared at once: 10,000 classes then need 40 MB, not 400


def _descriptions(name: Label, given: str | Sequence[str] | None) -> list[str]:
    """Return the descriptions that say something, or name the class whose description is no text."""
    listed = [given] if isinstance(given, str) or given is None else given
    if not isinstance(listed, Sequence) or not all(text is None or isinstance(text, str) for text in listed):
        raise ClassesError(
            f"Class {name!r} is described by {type(given).__name__} {given!r}. Give a text, a list of texts, or None."
        )
    return [text.strip() for text in listed if text and text.strip()]


def _split_at_capitals(word: str) -> str:
    """Split "topUpFailed" at its capitals; the later words begin small unless they are abbreviations."""
    starts = [0, *(place for place in range(1, len(word)) if _begins_word(word, place)), len(word)]
    parts = [word[start:end] for start, end in pairwise(starts)]
    if len(parts) == 1 or len(parts[0]) == 1:
        return word
    return " ".join([parts[0], *(part if part[:2].isupper() else part.lower() for part in parts[1:])])


def _begins_word(word: str, place: int) -> bool:
    """Tell whether a capital at `place` begins a word: after a small letter, or as the last of several capitals."""
    before, here, after = word[place - 1], word[place], word[place + 1 : place + 2]
    return here.isupper() and (before.islower() or (before.isupper() and after.islower()))


def _checked_templates(templates: str | Sequence[str]) -> list[str]:
    phrases = [templates] if isinstance(templates, str) else list(templates)
    bare = [phrase for phrase in phrases if "{}" not in phrase]
    if bare or not phrases:
        given = f"{bare[0]!r} has none" if bare else "no template was given"
        raise InputError(f"A template needs a place {{}} for the class name; {given}. Write 'a photo of a {{}}'.")
    return phrases


def says_something(text: str) -> bool:
    """Whether a text has a letter in it; a number, as some classes are called, tells an encoder nothing."""
    return any(letter.isalpha() for letter in text)


def _sentences(own: Sequence[str], phrases: Sequence[str]) -> list[list[str]]:
    """Return, for each text of a class that says something, the sentences whose mean it is.

    The name, which comes first, is put into each phrase, and stands alone as often as it counts.
    """
    told = []
    if own and says_something(own[0]):
        times = min(len(own[0].split()), WORDS_COUNTED)
        told.append([phrase.replace("{}", own[0]) for phrase in phrases for _ in range(times if phrase == "{}" else 1)])
    return told + [[text] for text in own[1:] if says_something(text)]


def _embedded(texts: Sequence[str], embed: Embed) -> tuple[dict[str, int], Vectors]:
    """Embed each distinct text once; return its row by text, and the vectors (n, d)."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        raise ClassesError("There is no class to describe. Name at least one.")
    space = vectors(embed(distinct), name="the vectors of the class texts")
    if len(space) != len(distinct):
        raise InputError(f"embed was given {len(distinct)} texts and returned {len(space)} vectors. Return one a text.")
    return {text: row for row, text in enumerate(distinct)}, unit(space)
