"""Spellings of class names: their words, and one normal form for all spellings of a name."""

import re
from functools import lru_cache
from itertools import pairwise
from unicodedata import normalize

SINGULARS = (("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("ies", "y"))
"""Endings of plurals that lose more than an s, and of their singulars."""

IRREGULAR = {
    "calories": "calorie",
    "children": "child",
    "cookies": "cookie",
    "goods": "goods",
    "men": "man",
    "movies": "movie",
    "news": "news",
    "series": "series",
    "women": "woman",
    "zombies": "zombie",
}
"""Singulars that no rule gives, and words in -s that are no plurals of the word without it."""

LEFT_OUT = frozenset({"a", "an", "and", "or", "the"})
"""Words that do not tell names apart: "science & technology", "Sci/Tech" and "the arts" are written in many ways."""


def as_words(name: str) -> str:
    """Return a name in snake case, camel case or with hyphens as words separated by spaces.

    Underscores become spaces and a slash between words gets spaces around it. A name without spaces and underscores is
    also split at hyphens and inner capitals; in a name like "PayPal refund" inner capitals belong to the word. A single
    letter before a capital, as in "iPhone", is not split off.

    Examples
    --------
    >>> [as_words(name) for name in ("Refund_not_showing_up", "topUpFailed", "APIError", "API_error", "Sci/Tech")]
    ['Refund not showing up', 'top up failed', 'API error', 'API error', 'Sci / Tech']
    """
    spaced = re.sub(r"(?<=[^\W\d_])\s*/\s*(?=[^\W\d_])", " / ", name.replace("_", " "))
    if not re.search(r"[\s_]", name.strip()):
        spaced = " ".join(_split_at_capitals(part) for part in re.split(r"[\s-]+", spaced))
    return " ".join(spaced.split()) or name


@lru_cache(maxsize=2**14)
def normal_form(name: str) -> str:
    """Return the form in which spellings of one name agree: lower case, singular, words and numbers with one space.

    Punctuation, the words in `LEFT_OUT` and a leading "label" are left out.

    Examples
    --------
    >>> [normal_form(name) for name in ("5-stars", "featureRequest", "__label__Crude_Oil", "Science & Technology")]
    ['5 star', 'feature request', 'crude oil', 'science technology']
    """
    words = re.findall(r"\d+|[^\W\d_]+", re.sub("['\u2019]", "", as_words(normalize("NFKC", name)).casefold()))
    if len(words) > 1 and words[0] == "label" and not words[1].isdigit():
        del words[0]
    kept = [word for word in words if word not in LEFT_OUT] or words
    return " ".join(_singular(word) for word in kept)


def _split_at_capitals(word: str) -> str:
    """Split "topUpFailed" at its capitals; later words are written in lower case unless they are abbreviations."""
    starts = [0, *(position for position in range(1, len(word)) if _begins_word(word, position)), len(word)]
    parts = [word[start:end] for start, end in pairwise(starts)]
    if len(parts) == 1 or len(parts[0]) == 1:
        return word
    return " ".join([parts[0], *(part if part[:2].isupper() else part.lower() for part in parts[1:])])


def _begins_word(word: str, position: int) -> bool:
    """Return whether a word begins here: a capital after a lower-case letter, or the last of several capitals."""
    before, here, after = word[position - 1], word[position], word[position + 1 : position + 2]
    return here.isupper() and (before.islower() or (before.isupper() and after.islower()))


def _singular(word: str) -> str:
    """Return the singular of an English plural, by its ending."""
    if word in IRREGULAR or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return IRREGULAR.get(word, word)
    for plural, singular in SINGULARS:
        if word.endswith(plural):
            return word.removesuffix(plural) + singular
    return word.removesuffix("s")
