"""Names that do not say what the items of a class are: those of the rest, such as "other", and "not billing"."""

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from anyshot.zero_shot.thesaurus import denied, forms_of, general_words, listed_name, opposite, rest_names, translated

RESTS: Final = frozenset({"out of scope", "irrelevant"})
"""Listed names of the rest: read by any text instead of their words, they are right in 66 % instead of 50 to 55."""
_ABSENCE: Final = re.compile("(?:no|without|keine?|ohne|geen) ")
"""How names begin that may say what is missing."""


def denies(name: str, *, among: Collection[object] = ()) -> bool:
    """Return whether a name does not say what the items of its class are, and the thesaurus does not either.

    A name of the rest does not, nor one with "not" or "no" that denies another class, a listed name, or the only other
    class. "not delivered" beside "damaged" and "wrong size" is a subject of its own, and so are "no sound" and "no
    internet" beside each other. among: the names of all classes.

    >>> [denies(name) for name in ("not ironic", "Others", "N/A", "non_fiction", "no finding", "no", "nonprofit")]
    [True, True, True, True, False, False, False]
    >>> [denies(name, among=[name, "damaged", "wrong size"]) for name in ("not delivered", "not damaged")]
    [False, True]
    """
    if is_rest(name, among=among):
        return True
    own = denied(name, among=among)
    if own is None:
        return False
    meaning = _meaning(name)
    if meaning is not None:  # "no finding" is "normal", "not toxic" itself
        return denied(meaning) is not None
    if any(own in forms_of(other) for other in among):
        return True
    if _ABSENCE.match(forms_of(name)[0]) and any(denied(other) not in (None, own) for other in among):
        return False
    return len(among) <= 2 or _meaning(own) is not None


def is_rest(name: str, *, among: Collection[object] = ()) -> bool:
    """Return whether a class contains what the other classes, whose names are `among`, do not.

    >>> [is_rest(name) for name in ("misc/other", "Other (specify)", "no topic", "Sonstiges", "no", "other card")]
    [True, True, True, True, False, False]
    """
    forms = [*forms_of(name), "".join(filter(str.isalpha, name.casefold()))]  # "n/a" has the normal form "n"
    if any(_rest_pattern().fullmatch(form) for form in forms):
        return True
    if (own := denied(name)) is not None and set(own.split()) <= set(general_words()):
        return True
    meaning = _meaning(name)
    if meaning not in RESTS:
        return False
    other = opposite(meaning)  # "relevant" says what "irrelevant" beside it is
    return other is None or all(_meaning(own) != other for own in among)


def is_manner(name: str) -> bool:
    """Return whether a name is listed, or means a name that is, such as "not ironic", and is not of the rest."""
    return _meaning(name) is not None and not is_rest(name)


def _meaning(name: object) -> str | None:
    """Return the listed name that a name in any language means; None if there is none."""
    return listed_name(name) or next(iter(translated(name)), None)


@cache
def _rest_pattern() -> re.Pattern[str]:
    """Return the pattern of the normal forms of names of the rest, of which some consist of several."""
    names = rest_names()
    rest = "|".join(dict.fromkeys([*names, *(name.replace(" ", "") for name in names)]))
    more = "|".join([rest, *general_words(), "(?:please )?(?:specify|describe)"])
    return re.compile(rf"(?:none|neither) .+|(?:{rest})(?: (?:{more}))*")
