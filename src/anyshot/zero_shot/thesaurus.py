"""A thesaurus of class names: the words that texts of a class contain, for the names that people use most.

The bundled list thesaurus.json was written from knowledge of the language, without looking at any data set. It has
six tables:

- words: the words of each name;
- aliases: other names, each with the name whose words it has;
- senses: for names with several senses, the name whose words it has beside some other class. "normal" beside "urgent"
  is a priority, and beside "spam" a message;
- opposites: names, each with the name of what it is not. "not positive" means what "negative" means;
- general: words that say what kind of item a class contains. "spam messages" means what "spam" means;
- rest: names of a class that contains what the others do not.

All names are in their normal form.

translations.json lists names in other languages, each with the English name that it means, for the default encoder,
which hardly reads them.

A name that is not listed has the words of the listed names that are most similar to it for an encoder. For the default
encoder, the vectors of the listed names come with the package (thesaurus_vectors.npy, written by
benchmarks/thesaurus_vectors.py).
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Vectors, unit
from anyshot.zero_shot.spellings import normal_form

DATA: Final = Path(__file__).parents[1] / "data"
"""The folder of the bundled lists; importlib.resources needs 30 ms for its first file."""

JOINED: Final = re.compile(r"\s*(?:[&/,+]|\band\b|\bor\b)\s*")
"""What joins the parts of a name."""

SIMILAR_NAMES: Final = 5
"""Listed names whose words a name has that is not listed itself.

Without a label they bring 3 points, and 2 with a pool (benchmarks/RESULTS.md); 3 names, 10 names, or the 30 most
similar words of the encoder's vocabulary bring 0.2 to 2 less.
"""
SIMILAR_WORDS: Final = 24
"""Most words that such a name has; with 12, half a point less."""
CONTRAST: Final = 0.5
"""How much of the similarity to the most similar other class counts against a listed name."""
LEAST_SIMILARITY: Final = 0.42
"""Centered cosine of a name and a listed name from which they are similar; "ham" has 0.33 to "food"."""
LEAST_RELATED: Final = 0.3
"""Centered cosine of the other listed names whose words it has too."""
MOST_CLASSES: Final = 0.75
"""Share of the classes that must be the most similar of all to some listed name, as "cats" beside "dogs" is not.

With 0.9, banking77, where it is 0.83, has 1.0 points less without a label, and 1.0 less with a pool.
"""

_JOINED_BY: Final = frozenset({"about", "concerning", "for", "my", "of", "on", "regarding", "with"})
"""Words between a general word and what it is about: "questions about billing", "problems with my login"."""

_DENIAL: Final = (
    "(?:is )?(?:no|non|not)|isn'?t|without|other than|excluding|(?:(?:all|anything|everything) )?(?:but|except)",
    "(?:ist |es |é )?(?:nicht|no|non|não|nao|niet|geen|kein|keine|keinerlei)|ohne|pas|sin|senza|zonder"
    "|aucune?|ning[uú]n|ninguna|nessuna?|nenhuma?",
)
"""How names begin that say what a class is not, in normal form: in English, and in other languages."""
_DENIED: Final = tuple(re.compile(rf"(?:{words}) (?:(?:about|un|une|de|es|é) )?(.*[^\W\d_].*)") for words in _DENIAL)
_WRITTEN_TOGETHER: Final = re.compile("(?!nomad|nonstop|nowhere)(non|not|no)(.{3,})")


class Thesaurus(NamedTuple):
    """The tables of the bundled list."""

    words: dict[str, str]  # the words of each name, separated by commas
    aliases: dict[str, str]
    senses: dict[str, dict[str, str]]
    opposites: dict[str, str]
    general: str
    rest: str


def lookup(name: object, *, beside: Collection[object] = ()) -> tuple[str, ...]:
    """Return the words that texts of a class with this name contain, from the bundled list; none if it is not listed.

    Case, number and punctuation are ignored. A name that is not listed is looked up without general words at its end
    and its beginning, such as "message", "intent" or "question about". A name that joins several, such as "society &
    culture", has words of each.

    name: of the class; beside: names of the other classes, which decide between the senses of a name.

    Examples
    --------
    >>> lookup("SPAM messages")[:4], lookup("ham", beside=["spam"])[:4], lookup("zyzzyva")
    (('prize', 'winner', 'free', 'cash'), ('meet', 'home', 'later', 'dinner'), ())
    >>> lookup("science & mathematics")[:4]
    ('scientists', 'equation', 'research', 'theorem')
    """
    listed = listed_name(name, beside=beside)
    parts = [name] if listed is not None else JOINED.split(str(name))
    names = [listed_name(part, beside=beside) for part in parts]
    words = [_listed().words[own].split(", ") for own in names if own is not None]
    if len(words) < len(parts):
        return ()
    return _in_turn(words)[: max(map(len, words)) + 3 * (len(words) - 1)]


def listed_name(name: object, *, beside: Collection[object] = ()) -> str | None:
    """Return the name under which the words of a name are listed, as for `lookup`; None if it is not listed.

    >>> listed_name("no findings"), listed_name("normal", beside=["urgent"]), listed_name("not positive")
    ('normal', 'routine', 'negative')
    """
    return _entry_of(name, beside) or _opposite_of(_denied(name, _DENIED[:1]), {})


def _entry_of(name: object, beside: Collection[object] = ()) -> str | None:
    """Return the name under which a name is listed as it is, without opposites."""
    listed = _listed()
    for form in forms_of(name):
        senses = listed.senses.get(form, {})
        others = (own for other in beside for own in forms_of(other)) if senses else ()
        found = next((senses[other] for other in others if other in senses), listed.aliases.get(form, form))
        if found in listed.words:
            return found
    return None


def denied(name: object, *, among: Collection[object] = ()) -> str | None:
    """Return the normal form of what a name says that its class is not; None if it does not say so.

    among: the names of all classes. A denial that is written together with one of them or a listed name is found too.

    >>> [denied(name) for name in ("not a refund", "nonspam", "everything but sports", "pas positif", "nonprofit")]
    ['refund', 'spam', 'sport', 'positif', None]
    """
    found, parts = _denied(name, _DENIED), _WRITTEN_TOGETHER.fullmatch(normal_form(str(name)))
    if found is None and parts and any(parts[2] in forms_of(other) for other in among):
        return parts[2]
    return found


def _denied(name: object, patterns: Sequence[re.Pattern[str]]) -> str | None:
    form = next(iter(forms_of(name)), "")
    return next((found[1] for pattern in patterns if (found := pattern.fullmatch(form))), None)


def opposite(name: str) -> str | None:
    """Return the opposite of a listed name; None if the list has none."""
    return _listed().opposites.get(name)


def _opposite_of(name: str | None, known: Mapping[str, str]) -> str | None:
    """Return the opposite of a name that is listed, or whose translation is `known`, and that denies nothing itself."""
    if name is None or denied(name) is not None:
        return None
    return opposite(_entry_of(name) or next((known[form] for form in forms_of(name) if form in known), ""))


def translated(name: object) -> tuple[str, ...]:
    """Return the listed name that a name in another language means, and its words; nothing if there is none.

    >>> translated("Rechnungen")[:4], translated("pas positif")[:2], translated("billing")
    (('billing', 'invoice', 'charge', 'charged'), ('negative', 'bad'), ())
    """
    known = _translations()
    found = next((known[form] for form in forms_of(name) if form in known), None)
    found = found or _opposite_of(_denied(name, _DENIED[1:]), known)
    return () if found is None else tuple(dict.fromkeys((found, *_listed().words[found].split(", "))))


def listed_names() -> tuple[str, ...]:
    """Return the names that have words in the bundled list, and their aliases, in normal form."""
    listed = _listed()
    return (*listed.words, *listed.aliases)


def general_words() -> list[str]:
    """Return the words that say what kind of item a class contains."""
    return _listed().general.split(", ")


def rest_names() -> list[str]:
    """Return the normal forms of names of a class that contains what the others do not."""
    return _listed().rest.split(", ")


def all_words() -> list[str]:
    """Return all words in the bundled list, in the order of the alphabet."""
    return sorted({word for text in _listed().words.values() for word in text.split(", ")})


def sample_of_words(n: int) -> tuple[str, ...]:
    """Return `n` of all words in the bundled list, evenly spaced in the order of the alphabet: words of any text."""
    distinct = all_words()
    return tuple(distinct[len(distinct) * number // n] for number in range(n))


def similar_words(names: Vectors, listed: Vectors, *, written: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return words for each of the names of classes: those of the listed names that are most similar to it, in turn.

    A listed name that is also similar to another class counts less, and words that several classes would have are left
    out. Nothing is found unless most of the names are similar to a listed name, and more so than other classes. A name
    that is not, such as "museum", has the words of those listed names alone that have it among their words, such as
    "art", if there are any: "debt collection" is more similar to it.

    names (c, d): vectors of the names of classes; listed (n, d): vectors of `listed_names`; written (c,): the names.
    """
    center = listed.mean(axis=0)  # what all names have in common says nothing about any
    cosines = _with_aliases(unit(names - center) @ unit(listed - center).T)  # (c, m)
    others = _largest_of_others(cosines)
    nearest = np.where(cosines >= others, cosines, -1).max(axis=1, keepdims=True)
    if (nearest >= LEAST_SIMILARITY).mean() < MOST_CLASSES:
        return [()] * len(names)
    words = [text.split(", ") for text in _listed().words.values()]
    related = cosines >= np.minimum(nearest, LEAST_RELATED)
    # Of the 707 words of the list that are like none of its names, 133 are words of the most similar one.
    for row, name in enumerate(written):
        forms = {name.casefold(), normal_form(name)}
        if nearest[row] < LEAST_SIMILARITY and any(has_name := [not forms.isdisjoint(own) for own in words]):
            related[row] = has_name
    scores = np.where(related, cosines - CONTRAST * others, -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :SIMILAR_NAMES]
    found = [_in_turn([words[k] for k in row if np.isfinite(own[k])]) for row, own in zip(best, scores, strict=True)]
    counts = Counter(word for own in found for word in own)
    return [(tuple(word for word in own if counts[word] == 1) or own)[:SIMILAR_WORDS] for own in found]


def bundled_vectors(width: int) -> Vectors:
    """Return the vectors of `listed_names` (n, d) for the default encoder, rounded to 8 bits.

    width: d, or fewer for the encoder of the sentence vectors alone, which come first.
    """
    rounded: NDArray[np.int8] = np.load(DATA / "thesaurus_vectors.npy", mmap_mode="r")
    return unit(rounded[:, :width].astype(np.float32))


def forms_of(name: object) -> list[str]:
    """Return the normal form of a name, and the same without general words at its end, and also at its beginning."""
    return list(_forms_of(str(name)))


@lru_cache(4096)
def _forms_of(name: str) -> tuple[str, ...]:
    words, general = _parted(normal_form(name)).split(), general_words()
    forms = [" ".join(words)]
    while len(words) > 1 and words[-1] in general:
        words = words[:-1]
        forms.append(" ".join(words))
    n_words = len(words)
    while len(words) > 1 and (words[0] in general or (words[0] in _JOINED_BY and len(words) < n_words)):
        words = words[1:]
        forms.append(" ".join(words))
    return tuple(forms)


def _parted(form: str) -> str:
    """Return "non spam" for "nonspam": a denial and a listed name that are written together, unless they mean more."""
    parts, listed = _WRITTEN_TOGETHER.fullmatch(form), _listed()
    if parts is None or not (parts[2] in listed.words or parts[2] in listed.aliases):
        return form
    known = listed.aliases.get(form, form)  # "nontoxic" is listed as "not toxic", and "nonprofit" as itself
    is_other = known in listed.words and not known.startswith("not ")
    return form if is_other or form in _translations() else f"{parts[1]} {parts[2]}"


def _in_turn(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the distinct words of several lists, the first of each before the second of any."""
    return tuple(dict.fromkeys(word for row in zip_longest(*lists) for word in row if word is not None))


def _largest_of_others(values: Vectors) -> Vectors:
    """Return for each row and column of `values` (c, n) the largest value of the other rows; zeros for a single row."""
    if len(values) == 1:
        return np.zeros_like(values)
    second, first = np.partition(values, -2, axis=0)[-2:]  # (n,) each
    others: Vectors = np.where(values == first, second, first)
    return others


def _with_aliases(cosines: Vectors) -> Vectors:
    """Return the largest of the cosines (c, n) to a name with words and to its aliases (c, m)."""
    row_of = {name: row for row, name in enumerate(_listed().words)}
    rows = [*row_of.values(), *(row_of[name] for name in _listed().aliases.values())]
    found = np.full((len(row_of), len(cosines)), -1, cosines.dtype)
    np.maximum.at(found, rows, cosines.T)
    return found.T


@cache
def _listed() -> Thesaurus:
    return Thesaurus(**json.loads((DATA / "thesaurus.json").read_text(encoding="utf-8")))


@cache
def _translations() -> dict[str, str]:
    text = (DATA / "translations.json").read_text(encoding="utf-8")
    by_language: dict[str, dict[str, str]] = json.loads(text)
    return {form: name for names in by_language.values() for form, name in names.items()}
