"""How an encoder reads texts: which it cannot read, which are in a language that it hardly knows, and which are cut.

A text that programs write for a missing one, such as NA, says nothing. A text in a script that is not in the encoder's
vocabulary cannot be read. A network for English divides German or Spanish into pieces that it hardly saw, and gives
vectors that look like any others: such texts are recognized by the commonest words of their language, function words
and the like, which nearly every sentence has, and none of which is English. A text that is longer than an encoder reads
is cut, or gets the mean over its parts.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import compress
from pathlib import Path
from typing import Final, Literal, TypeAlias

from anyshot.base.columns import is_missing_mark
from anyshot.base.messages import count, first_of, shortened, warn_of_items
from anyshot.base.protocols import Limited, OfOneLanguage, WithVocabulary
from anyshot.base.validation import Vectors, unit
from anyshot.errors import ItemWarning

LEAST_WORDS: Final = 2
"""Different words of a language that a text must have: one may be a name, a dish or a quotation."""
LEAST_OF_LIST: Final = 3
"""Texts with words of a language alone, and different such words, that a list must have for one word to be enough."""
LEAST_SHARE: Final = 0.25
"""Share of these texts among those of the list, at least."""
LETTERS_READ: Final = 1_000
"""Letters of a text that are looked at for its language."""
WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
MULTILINGUAL: Final = "'hf:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2'"
FAULTS: Final = frozenset(("missing", "letters", "language", "cut"))
"""The kinds of faults that `TextReading.warn` warns of."""
_SPECIAL_TOKENS: Final = 2  # at the beginning and the end of a text

LongTexts: TypeAlias = Literal["cut", "mean"]


@dataclass(frozen=True)
class TextReading:
    """How an encoder reads texts; each is looked at once for each fault, when that is asked for.

    encoder: without one, only which texts are written as missing is known.
    """

    texts: Sequence[str] = ()
    encoder: object = None

    @cached_property
    def missing(self) -> list[int]:
        """The rows of the texts that programs write for a missing one."""
        return [row for row, text in enumerate(self.texts) if is_missing_mark(text)]

    @cached_property
    def unread(self) -> list[int]:
        """The rows of the texts of which the encoder does not know at least half of the tokens.

        Every encoder reads ASCII, so only the others are looked at.
        """
        rows = [row for row, text in enumerate(self.texts) if not text.isascii()]
        if not rows or not isinstance(self.encoder, WithVocabulary):
            return []
        return list(compress(rows, self.encoder.is_unread([self.texts[row] for row in rows])))

    @cached_property
    def foreign(self) -> dict[int, str]:
        """The languages of the texts in others than English, by row, if the encoder was trained on English alone."""
        if not isinstance(self.encoder, OfOneLanguage) or self.encoder.language != "English":
            return {}
        return languages_of(self.texts)

    @cached_property
    def long(self) -> list[int]:
        """The rows of the texts of which the encoder reads the beginning only."""
        if not isinstance(self.encoder, Limited) or self.encoder.max_tokens is None:
            return []
        # A token is one byte or more, so that only texts of more bytes than that need to be tokenized.
        least = self.encoder.max_tokens - _SPECIAL_TOKENS
        rows = [row for row, text in enumerate(self.texts) if len(text.encode("utf-8", "replace")) > least]
        return list(compress(rows, self.encoder.is_cut([self.texts[row] for row in rows]))) if rows else []

    def warn(self, name: str, known: frozenset[str]) -> frozenset[str]:
        """Warn of texts with faults that are not `known`; return the faults of which a user knows then.

        name: of the encoder. Texts that are written as missing are each time others, and never known.
        """
        if "missing" not in known and self.missing:
            shown = self.texts[self.missing[0]].strip()
            fault = f"written as programs write a missing one ({shown}), so that predictions for them are guesses"
            self._warn(self.missing, fault, "Leave them out.")
        if "letters" not in known and self.unread:
            unknown = f"mostly in letters that the encoder {name!r} does not know"
            remedy = f"Use an encoder for this language, such as {MULTILINGUAL}, or leave them out."
            self._warn(self.unread, f"{unknown}, so that predictions for them are guesses", remedy)
            known |= {"letters"}
        if "language" not in known and self.foreign:
            named = first_of([one for one, _ in Counter(self.foreign.values()).most_common()], at_most=3)
            fault = f"in another language ({named}) than English, the one that {name!r} was trained on"
            remedy = f"Such texts need more labels, or an encoder for many languages, such as {MULTILINGUAL}."
            self._warn(list(self.foreign), fault, remedy)
            known |= {"language"}
        if "cut" not in known and self.long and isinstance(self.encoder, Limited):
            fault = f"longer than the {self.encoder.max_tokens} tokens that the encoder reads; it ignores the rest"
            remedy = 'In Python: AnyShotClassifier(long_texts="mean") uses the mean over parts.'
            self._warn(self.long, fault, remedy)
            known |= {"cut"}
        return known

    def _warn(self, rows: list[int], fault: str, remedy: str) -> None:
        """Warn of what the texts in some rows are."""

        def warning_of(places: list[str], texts: list[str], rows: Sequence[int]) -> ItemWarning:
            names = places or [repr(shortened(text)) for text in texts]
            found = f"{count(len(names), 'text is', 'texts are')} {fault}: {first_of(names, at_most=5)}"
            return ItemWarning(f"{found}. {remedy}", rows)

        warn_of_items(fault, warning_of, [self.texts[row] for row in rows], rows=rows)

    def with_means(self, vectors: Vectors, encode: Callable[[list[str]], Vectors]) -> Vectors:
        """Return the vectors (n, d) of the texts, with the mean over its parts for each of the long ones.

        encode: returns the vectors of texts. The parts of a text have about the same length, and count the same.
        """
        if not self.long or not isinstance(self.encoder, Limited):
            return vectors
        parts = [parts_of(self.texts[row], self.encoder) for row in self.long]
        found = encode([part for own in parts for part in own])
        means, start = vectors.copy(), 0
        for row, own in zip(self.long, parts, strict=True):
            means[row] = unit(found[start : start + len(own)].mean(axis=0, keepdims=True))[0]
            start += len(own)
        return means


# --- long texts -----------------------------------------------------------------------------------------------------


def reason_of_long_texts(n_long: int, encoder: object, long_texts: LongTexts) -> str | None:
    """Return what becomes of the long texts among the items that a model is fitted to, in a sentence; None if none."""
    if not n_long:
        return None
    limit = encoder.max_tokens if isinstance(encoder, Limited) else None
    texts, whose = count(n_long, "text is", "texts are"), "its" if n_long == 1 else "their"
    cut = f"the encoder reads only {whose} first {limit} tokens"
    effect = "the mean over parts is used" if long_texts == "mean" else cut
    return f"{texts} longer than {limit} tokens; {effect}."


def parts_of(text: str, encoder: Limited) -> list[str]:
    """Return the parts of a text, in order, of which an encoder reads every token: halves of halves, between words."""
    if not encoder.is_cut([text])[0]:
        return [text]
    words = text.split()
    if len(words) > 1:
        halves = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    else:
        halves = text[: len(text) // 2], text[len(text) // 2 :]
    return [part for half in halves for part in parts_of(half, encoder)]


# --- languages ------------------------------------------------------------------------------------------------------


def languages_of(texts: Sequence[str]) -> dict[int, str]:
    """Return the languages of the texts that are in others than English, by row; a text that is too short has none.

    A text has `LEAST_WORDS` words of its language, and more than of English. In a list, one is enough if a quarter of
    the texts have a word of this language, and none of English.

    Of 140,000 rows of English data sets, 55 are taken for another language, and nearly all of these are: reviews in
    Spanish, titles in French. Of tweets in five languages, 48 to 80 % are recognized. Of 170,000 lists of ten rows of
    the English sets, whole or cut to 2 to 6 words, one is taken for one in another language, and has tweets in it. Of
    lists of ten foreign tweets that are cut to three words, 66 to 99 % are. The Spanish "los" and "las" are not among
    the words: they begin the names of cities in America.

    >>> languages_of(["Das Gerät ist leider kaputt", "The schnitzel und das Bier were great, and so are you"])
    {0: 'German'}
    """
    found: dict[int, str] = {}
    alone: dict[str, dict[int, set[str]]] = {}  # of each language, the words of texts that have none of English
    for row, words in enumerate(map(_common_words, texts)):
        if not words:
            continue
        n_english = len(words.pop("English", ()))
        language = max(words, key=lambda one: len(words[one]))
        if len(words[language]) >= max(LEAST_WORDS, 1 + n_english):
            found[row] = language
        for other in words if not n_english else ():
            if found.get(row, other) == other:
                alone.setdefault(other, {})[row] = words[other]
    for language, rows in sorted(alone.items(), key=lambda own: -len(own[1]))[:1]:
        if (
            len(rows) >= max(LEAST_OF_LIST, LEAST_SHARE * len(texts))
            and len(set().union(*rows.values())) >= LEAST_OF_LIST
        ):
            found = dict(sorted((dict.fromkeys(rows, language) | found).items()))
    return found


def _common_words(text: str) -> dict[str, set[str]]:
    """Return the common words of each language that a text has, nothing if there are none but of English."""
    start = text[:LETTERS_READ].lower().replace("\u2019", "'")
    if _foreign().isdisjoint(start.split()):  # most English texts end here, at a quarter of the cost
        return {}
    found, languages = dict[str, set[str]](), _languages()
    for word in sorted(languages.keys() & WORD.findall(start)):
        for language in languages[word]:
            found.setdefault(language, set()).add(word)
    return found


@cache
def _languages() -> dict[str, list[str]]:
    """Return of each common word the languages that have it."""
    words: dict[str, str] = json.loads((Path(__file__).parent / "common_words.json").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for language, own in words.items():
        for word in own.split():
            found.setdefault(word, []).append(language)
    return found


@cache
def _foreign() -> frozenset[str]:
    return frozenset(word for word, languages in _languages().items() if languages != ["English"])
