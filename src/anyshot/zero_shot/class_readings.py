"""How classes are read: by which words, in which sentences, and with which vectors among the items of an encoder.

Words are worth more than names. The accuracy without a label is 67 % by names, 75 % by the words of the thesaurus, and
77 % by words that somebody who knows the data writes down (mean over halves of the train rows of seven text sets).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from anyshot.base.class_words import Words
from anyshot.base.labels import Label
from anyshot.base.messages import first_of, warn
from anyshot.base.validation import Floats, Indexes, Vectors
from anyshot.zero_shot import class_embeddings
from anyshot.zero_shot.class_embeddings import Embed
from anyshot.zero_shot.class_texts import ClassTexts, Reading, Source, describe, has_letters, own_readings
from anyshot.zero_shot.denials import denies, is_manner
from anyshot.zero_shot.latent_semantics import NO_WORDS, LatentSemantics
from anyshot.zero_shot.thesaurus import (
    bundled_vectors,
    listed_names,
    lookup,
    sample_of_words,
    similar_words,
    translated,
)

SHORT_DESCRIPTION: Final = 4
"""Most words of a description that is looked up like a name."""
ANY_WORDS: Final = 64
"""Words that stand for any text: a class "not ironic" was predicted rightly in 59 % instead of 40 (tweet_irony)."""
REST_OFFSET: Final = 0.1
"""Added to cosines to such a class, smaller than to any subject; not for listed names, of manners ("not ironic")."""
SAME_ENCODER: Final = 0.99
"""Least cosine of an encoder's vectors to the bundled vectors of the same names, which are rounded to 8 bits."""

SHOWN_WORDS: Final = 24
SHOWN_CLASSES: Final = 4
"""Words of a class, and classes, that a sentence names: all words of a class that were found for its name."""


class Bridge(Protocol):
    """What predicts class embeddings from names for an image classifier that reads no texts, as `ImageNetBridge`."""

    templates: tuple[str, ...]

    def embed_classes(self, texts: ClassTexts) -> Vectors:
        """Return class embeddings (c, d)."""
        ...

    def similar_classes(self, texts: ClassTexts) -> list[list[tuple[str, float]]]:
        """Return, for each class, the known classes that its embedding consists of, with their shares."""
        ...


@dataclass(frozen=True)
class ClassReader:
    """Reads the texts of classes and returns their embeddings among the items of one encoder."""

    encode: Embed | None = None  # texts to vectors among those of the items; None if the encoder reads no texts
    width: int = 0  # of the encoder's vectors; 0 where items are vectors
    of_texts: bool = False  # whether the items are texts
    # Whether names of classes of texts are also read by the words of the thesaurus, and codes are left out.
    thesaurus: bool = False
    bridge: Bridge | None = None  # what embeds names for an image classifier that reads no texts
    word_width: int = 0  # how many numbers of a vector say which words a text contains
    semantics: LatentSemantics = NO_WORDS  # the words that the items share, joined to the encoder's vectors
    # The last texts that were read; fitting and the reasons of a model ask for them again.
    _found: dict[ClassTexts, tuple[Reading, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def templates(self) -> tuple[str, ...]:
        """The sentences into which class names are put before they are encoded; empty where they are not encoded."""
        if self.encode is not None:
            return class_embeddings.TEXT_TEMPLATES if self.of_texts else class_embeddings.IMAGE_TEMPLATES
        return () if self.bridge is None else self.bridge.templates

    def readings(self, texts: ClassTexts) -> tuple[Reading, ...]:
        """Return the words by which classes are read; those of the thesaurus are words of texts, not of images."""
        if not (self.thesaurus and self.of_texts):
            return own_readings(texts)
        if (found := self._found.get(texts)) is None:
            found = readings(texts, self._similar_words, self._translated)
            self._found.clear()
            self._found[texts] = found
        return found

    def offsets(self, texts: ClassTexts) -> Floats | float:
        """Return what is added to the cosines of items to the class vectors (c,), or 0 for all."""
        rest = {name for name, _ in _of(texts, self.readings(texts), "any") if not is_manner(str(name))}
        return REST_OFFSET * np.array([name in rest for name in texts.names]) if rest else 0.0

    def warn_of_words(self, texts: ClassTexts, names: Collection[Label] | None = None) -> None:
        """Warn of words that a user drops from classes that do not have them, or gives though every class has them.

        names: the classes whose words are checked, all by default.
        """
        self._warn_of_absent_words(texts, names)
        self.warn_of_words_of_every_class(texts, names)

    def warn_of_words_of_every_class(self, texts: ClassTexts, names: Collection[Label] | None = None) -> None:
        """Warn of words that a user gave a class, one of `names`, all by default, though every class has them."""
        both = zip(texts.names, texts.words, strict=True)
        given = [word for name, own in both if own and (names is None or name in names) for word in own.given]
        if not given or len(texts.names) < 2 or not self.templates:  # without them, no text of a class is read
            return
        every = [set(map(str.casefold, own.words)) for own in self.readings(texts)]
        shared = list(dict.fromkeys(word for word in map(str.casefold, given) if all(word in own for own in every)))
        if shared:
            listed = first_of(list(map(repr, shared)), at_most=5)
            warn(
                f"Every class has the {'word' if len(shared) == 1 else 'words'} {listed}, which cannot tell classes "
                "apart. Give each word to one class."
            )

    def _warn_of_absent_words(self, texts: ClassTexts, names: Collection[Label] | None) -> None:
        """Warn of words that a user drops from classes that do not have them."""
        asked = [
            (name, own, row)
            for row, (name, own) in enumerate(zip(texts.names, texts.words, strict=True))
            if own and own.drop and (names is None or name in names)
        ]
        if not asked or not self.templates:  # without them, no text of a class is read
            return
        kept = tuple(own and Words(own.words, add=own.add) for own in texts.words)
        read_by = self.readings(replace(texts, words=kept))
        for name, own, row in asked:
            found = read_by[row].words
            absent = [word for word in own.drop if word.casefold() not in map(str.casefold, found)]
            if absent:
                has = f"has the words {first_of(found, at_most=SHOWN_WORDS)}" if found else "has no words"
                warn(f"Words drops {absent[0]!r}, but the class {name!r} {has}. Correct it, or leave it out.")

    def reasons(self, texts: ClassTexts) -> list[str]:
        """Return how class names are read, in sentences; none if they are not."""
        if not self.templates:
            return []
        encoded = [own[0] != "" for own in texts.texts if own]
        names = "Class names" if all(encoded) else "Class names that are no codes"
        sentences = f"{names} are encoded as {', '.join(map(repr, self.templates))}."
        return [
            *([sentences] if any(encoded) else ()),
            *reading_reasons(texts, self.readings(texts), self._translated, ask=self.thesaurus and self.of_texts),
        ]

    def embed(self, texts: ClassTexts, *, rows: Sequence[int] | None = None) -> Vectors:
        """Return class embeddings (c, d) of the classes' texts, zeros for a class whose texts the encoder cannot read.

        Embeddings that come over the bridge are longer for names that are closer to known classes. rows: the classes to
        embed, all by default; how they are read depends on all.
        """
        rows = range(len(texts.names)) if rows is None else rows
        some = texts.of(rows)
        if self.encode is not None:
            return self.joined(texts, rows, self._embed(texts, rows, self.encode, self.word_width))
        if self.bridge is not None:
            return self.bridge.embed_classes(some)
        return np.zeros((len(rows), self.width), np.float32)

    def joined(self, texts: ClassTexts, rows: Sequence[int], embeddings: Vectors) -> Vectors:
        """Return embeddings (c, d) of some classes with those of the words that the items share joined to them."""
        own = self.semantics
        return own.joined(embeddings, self._embed(texts, rows, own.vectors, own.width)) if own.words else embeddings

    def _embed(self, texts: ClassTexts, rows: Sequence[int], encode: Embed, word_width: int) -> Vectors:
        """Return the embeddings of some classes by the vectors that `encode` gives to texts."""
        read_by = self.readings(texts)
        return class_embeddings.embed_classes(
            texts.of(rows),
            encode,
            templates=self.templates,
            word_templates=class_embeddings.WORD_TEMPLATES if self.of_texts else self.templates,
            read_by=[read_by[row] for row in rows],
            word_width=word_width,
        )

    def _similar_words(self, texts: ClassTexts) -> list[tuple[str, ...]]:
        """Return the words of names in the thesaurus that are similar to the name and descriptions of each class."""
        listed, names = self._listed_vectors, _names(texts)
        return [()] * len(names) if listed is None else similar_words(self._vectors(texts), listed, written=names)

    def _translated(self, name: str) -> tuple[str, ...]:
        """Return the words of a name in another language than English, which the default encoder hardly reads."""
        return () if self._listed_vectors is None else translated(name)

    @cached_property
    def _listed_vectors(self) -> Vectors | None:
        """The bundled vectors of the names in the thesaurus (n, d); None if the encoder gives others."""
        listed, names = bundled_vectors(self.width), listed_names()
        if self.encode is None or listed.shape != (len(names), self.width):
            return None
        some = [0, len(names) // 2, len(names) - 1]
        own = self._vectors(describe(names[row] for row in some))
        return listed if (own * listed[some]).sum(axis=1).min() >= SAME_ENCODER else None

    def _vectors(self, texts: ClassTexts) -> Vectors:
        """Return the vectors (c, d) of classes without words."""
        assert self.encode is not None
        return class_embeddings.embed_classes(replace(texts, words=()), self.encode, templates=self.templates)

    def without_codes(self, texts: ClassTexts) -> ClassTexts:
        """Return the texts without the names that say nothing to the encoder."""
        if self.encode is None or not self.thesaurus:
            return texts
        return class_embeddings.without_codes(texts, self.encode, templates=self.templates)

    def embed_again(
        self, texts: ClassTexts, embeddings: Vectors, *, before: ClassTexts, origin: Indexes, known: bool
    ) -> tuple[ClassTexts, Vectors]:
        """Return the texts and embeddings (c, d) of classes, of which some are new or read otherwise than before.

        embeddings (c, d): as before; origin (c,): the row of each class in the texts `before`, -1 for a new one; known:
        whether classes that are not new keep their embeddings, however they are read.
        """
        texts = self.without_codes(texts.with_names())  # what is a code depends on the descriptions of all
        earlier = list(zip(before.texts, self.readings(before), strict=True))
        now = zip(texts.texts, self.readings(texts), origin, strict=True)
        rows = [row for row, (*read, old) in enumerate(now) if old < 0 or (tuple(read) != earlier[old] and not known)]
        if rows and self.templates:
            embeddings = embeddings.copy()
            embeddings[rows] = self.embed(texts, rows=rows)
        return texts, embeddings


def readings(
    texts: ClassTexts,
    similar: Callable[[ClassTexts], Sequence[tuple[str, ...]]] | None = None,
    translate: Callable[[str], tuple[str, ...]] | None = None,
) -> tuple[Reading, ...]:
    """Return how each class is read with the thesaurus.

    A user's words count always; what they add or drop refers to the words of the thesaurus. For other classes the
    thesaurus counts only if it has words for each of them, since a class that is read by a name alone would be at a
    disadvantage. Classes whose names deny are read by any words, unless there is no other class.

    similar: returns the words of names in the thesaurus that are similar to the texts of each class. It is asked if
    some classes are not listed. translate: returns the words of a name in another language.

    Examples
    --------
    >>> from anyshot.zero_shot.class_texts import describe
    >>> [own.words[:3] for own in readings(describe(["ham", "Spam"]))]
    [('meet', 'home', 'later'), ('prize', 'winner', 'free')]
    >>> readings(describe(["ham", "zyzzyva"]))
    (Reading(words=(), source='none'), Reading(words=(), source='none'))
    """
    denying, names = set(_denying(texts)), _names(texts)
    found: dict[int, Reading] = dict.fromkeys(denying, Reading(sample_of_words(ANY_WORDS) if denying else (), "any"))
    others = [row for row in range(len(names)) if row not in denying]
    entries = {row: Reading(_entry(texts, names, row), "bundled") for row in others}
    missing = [row for row, entry in entries.items() if not entry.words and _needs_words(texts, row)]
    if translate is not None:
        entries |= {row: Reading(words, "translated") for row in missing if (words := translate(names[row]))}
        missing = [row for row in missing if not entries[row].words]
    if similar is not None and missing and all(any(map(has_letters, texts.texts[row])) for row in missing):
        words_of = dict(zip(others, similar(texts.of(others)), strict=True))
        entries |= {row: Reading(words_of[row], "similar") for row in missing}
    listed = {}
    for row, entry in entries.items():
        own = texts.words[row]
        words = entry.words if own is None else own.chosen_from(entry.words)
        if own is not None and (own.words or own.add):
            found[row] = Reading(words, "own")
        else:
            listed[row] = Reading(words, entry.source)
    if all(reading.words for reading in listed.values()):
        found |= listed
    return tuple(found.get(row, Reading()) for row in range(len(names)))


def reading_reasons(
    texts: ClassTexts,
    read_by: Sequence[Reading],
    translate: Callable[[str], tuple[str, ...]] = translated,
    *,
    ask: bool = False,
) -> list[str]:
    """Return by which words the classes are read, and how to change them, in sentences.

    translate: returns the words of a name in another language; ask: whether to ask for words if no class has any.
    """
    by_words = _of(texts, read_by, "own", "bundled", "translated", "similar")
    shown = [f"{name!r} as {first_of(own.words, at_most=SHOWN_WORDS)}" for name, own in by_words]
    sources = {own.source for own in read_by}
    reasons = []
    if shown:
        ways = {"bundled": "the name", "translated": "the English name", "similar": "similar names"}
        found = " or ".join(text for source, text in ways.items() if source in sources)
        by = "" if found in ("", "the name") else f", by {found}"
        where = " or ".join(["your own"] * ("own" in sources) + [f"from the bundled list{by}"] * bool(found))
        off = ", or leave the list out with words=False (--no-thesaurus)" if found else ""
        listed = first_of(shown, at_most=SHOWN_CLASSES)
        reasons.append(f"Classes are read by words ({where}): {listed}. Change them with Words (--words){off}.")
    elif ask and texts.names:
        dropped = " that you do not drop" if any(own and own.drop for own in texts.words) else ""
        reasons.append(
            "Class names are read without words, since the bundled list has none for "
            f"{_without_words(texts, translate)}{dropped}. Before you label more, write ten words a class with Words "
            "(--words), such as good and great for 'positive'."
        )
    if "translated" in sources:
        reasons.append(
            "The encoder is for English: names in another language are read by the English name, but texts in it are "
            "understood badly. Such texts need more labels, or another encoder (--encoder)."
        )
    reasons += synonyms(texts, read_by)
    any_text = [repr(name) for name, _ in _of(texts, read_by, "any")]
    if any_text:
        reasons.append(
            f"The name {any_text[0]} does not say what its items are, so it is read as any text that is of no other "
            "class. Name the class by what it is, or describe it with Words (--words)."
        )
    codes = [repr(name) for name, own in zip(texts.names, texts.texts, strict=True) if own and not own[0]]
    if codes:
        reasons.append(f"Names that are codes do not count beside descriptions: {first_of(codes, at_most=5)}.")
    return reasons


def synonyms(texts: ClassTexts, read_by: Sequence[Reading], names: Collection[Label] | None = None) -> list[str]:
    """Return which two classes have the same descriptions, and which are read by the same words, in sentences.

    names: the classes of which one must be among the two, all by default.
    """
    described = [(name, own[1:]) for name, own in zip(texts.names, texts.texts, strict=True) if own[1:]]
    by_words = [
        (name, own.words[own.source == "translated" :])  # the first one is the English name
        for name, own in _of(texts, read_by, "own", "bundled", "translated", "similar")
    ]
    found = {
        "descriptions. Describe how they differ.": _first_equal(described, names),
        "words. Give others with Words (--words).": _first_equal(by_words, names),
    }
    return [f"The classes {pair[0]!r} and {pair[1]!r} have the same {what}" for what, pair in found.items() if pair]


def _first_equal(
    own: Sequence[tuple[Label, Sequence[str]]], names: Collection[Label] | None
) -> tuple[Label, Label] | None:
    """Return the first two classes with the same texts, of which one is among `names`, if given; None if all differ."""
    first: dict[frozenset[str], Label] = {}
    for name, some in own:
        other = first.setdefault(frozenset(map(str.casefold, some)), name)
        if other != name and (names is None or not {name, other}.isdisjoint(names)):
            return other, name
    return None


def _of(texts: ClassTexts, read_by: Sequence[Reading], *sources: Source) -> list[tuple[Label, Reading]]:
    """Return the name and the reading of each class whose words come from one of these sources."""
    both = zip(texts.names, read_by, strict=True)
    return [(name, own) for name, own in both if own.source in sources and own.words]


def _without_words(texts: ClassTexts, translate: Callable[[str], tuple[str, ...]]) -> str:
    """Return the classes for which the thesaurus has no words, or none that the user does not drop."""
    names, words = _names(texts), [own or Words() for own in texts.words]
    others = sorted({*range(len(names))} - {*_denying(texts)})
    found = {row: _entry(texts, names, row) or translate(names[row]) for row in others}
    missing = [repr(texts.names[row]) for row, own in found.items() if not words[row].chosen_from(own)]
    return first_of(missing, at_most=SHOWN_CLASSES) or "every class"


def _denying(texts: ClassTexts) -> list[int]:
    """Return the rows of the classes that have a name only, which denies; none if all of them do."""
    names = _names(texts)
    rows = [
        row
        for row, (own, words) in enumerate(zip(texts.texts, texts.words, strict=True))
        if len(own) == 1 and words is None and denies(own[0], among=names)
    ]
    return rows if len(rows) < len(texts.names) else []


def _needs_words(texts: ClassTexts, row: int) -> bool:
    """Return whether the user has given no words for a class, but at most some to add or drop."""
    own = texts.words[row]
    return own is None or not own.words


def _entry(texts: ClassTexts, names: Sequence[str], row: int) -> tuple[str, ...]:
    """Return the words that the thesaurus has for the name of a class, or else for a short description."""
    short = [text for text in texts.texts[row][1:] if len(text.split()) <= SHORT_DESCRIPTION]
    found = (lookup(text, beside=[*names[:row], *names[row + 1 :]]) for text in (names[row], *short))
    return next((words for words in found if words), ())


def _names(texts: ClassTexts) -> list[str]:
    """Return the name of each class; a name that says nothing to the encoder is no text, but counts here."""
    return [own[0] if own and own[0] else str(name) for name, own in zip(texts.names, texts.texts, strict=True)]
