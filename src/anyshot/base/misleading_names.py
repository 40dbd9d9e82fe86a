"""Classes that labels name, and warnings of names that mislead: missing ones, joined ones, numbers."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from anyshot.base.labels import Label, Labels, classes_in, label_list, look_of
from anyshot.base.messages import warn
from anyshot.errors import InputError

MAX_FRACTIONS: Final = 10
"""Most classes that may be numbers with fractions, such as half stars."""
MAX_WHOLE: Final = 20
"""Most classes that may be any whole numbers, however few labels they have."""
LABELS_OF_CODES: Final = 5
"""With so many labels for each, whole numbers are codes of classes rather than quantities."""

_FRACTION: Final = re.compile(r"[+-]?\d+[.,]\d+")
_LISTED: Final = re.compile(r"[;,|\n]")
_JOINED: Final = re.compile(r"[;,|/+&\n]")
"""What people write between several labels in one cell; the first one, of lists alone."""
WRITTEN_MISSING: Final = frozenset(
    {"nan", "NaN", "NaT", "<NA>", "None", "NULL", "null", "NA", "N/A", "n/a", "n.a.", "N.A.", "#N/A", "k.A.", "k. A."}
    | {"-", "--", "---", "\u2013", "\u2014", "?", ".", "/", "#", "(blank)", "(empty)", "(none)", "(leer)", "TBD"}
    | {"tbd", "TODO", "todo", "Select one", "Select one...", "Please select"}
    | {"Bitte ausw\u00e4hlen", "Bitte w\u00e4hlen"}
)
"""What `str`, `astype(str)`, databases, spreadsheets, R and people write for a missing label."""


def learned_classes(labels: Labels) -> list[Label]:
    """Return the classes that labels name, as `classes_in`, where no list of classes was given.

    Warns of missing labels written as text, of a class that joins others, and of many texts that are numbers with
    fractions. Raises InputError if the labels are such numbers of which none occurs twice, or of which there are many.
    """
    listed = label_list(labels)
    if {bool} < (kinds := {type(label) for label in listed}) and kinds & {int, float}:
        warn("Some labels are truth values and others numbers; True counts as 1, False as 0. Write them all alike.")
    found = classes_in(list(set(listed)))
    fractions = fractions_in(found)
    numbers = [label for label in fractions if isinstance(label, float)]
    if numbers and (len(found) > MAX_FRACTIONS or len(found) == len(listed) - listed.count(None)):
        raise InputError(
            f"The labels are {len(found)} different numbers with fractions, such as {numbers[0]:g}, which are hardly "
            "classes. In Python, AnyShotRegressor predicts continuous ones; if they are classes, write them as texts."
        )
    if len(fractions) > max(MAX_FRACTIONS, len(found) / 2):
        warn(
            f"Labels are numbers with fractions, such as {fractions[0]}; each of {len(found):,} different ones is a "
            "class. In Python, AnyShotRegressor predicts numbers; if they are classes, list these by classes=[...] "
            "(--classes)."
        )
    _warn_of_quantities(found, len(listed) - listed.count(None))
    warn_of_missing(found)
    warn_of_joined(found)
    return found


def _warn_of_quantities(names: list[Label], n_labels: int) -> None:
    """Warn of many whole numbers with few labels each that are not counted from 0 or 1, as codes of classes are."""
    numbers = sorted(name for name in names if isinstance(name, (int, float)))
    if len(numbers) < len(names) or len(names) <= MAX_WHOLE or n_labels >= LABELS_OF_CODES * len(names):
        return
    if numbers[0] in (0, 1) and numbers[-1] - numbers[0] == len(numbers) - 1:
        return
    if not any(isinstance(name, float) and not name.is_integer() for name in numbers):
        warn(
            f"The {n_labels:,} labels are {len(names)} different whole numbers, from {numbers[0]:g} to "
            f"{numbers[-1]:g}; each is a class. If they are quantities, such as ages, AnyShotRegressor predicts them "
            "(in Python); if they are classes, list these by classes=[...] (--classes)."
        )


def fractions_in(names: Iterable[Label]) -> list[Label]:
    """Return the class names that are numbers with fractions, also as texts, with a decimal comma too."""
    return [
        name for name in names if (not name.is_integer() if isinstance(name, float) else _FRACTION.fullmatch(str(name)))
    ]


def warn_of_missing(names: Iterable[Label], *, remedy: str = "list all classes") -> None:
    """Warn of class names that are a missing label written as text; remedy: what to do where they are classes."""
    for name in names:
        if name in WRITTEN_MISSING:
            warn(
                f"The label {name!r} counts as a class. If it stands for a missing label, leave it out (None, or an "
                f"empty cell); if not, {remedy}."
            )


def warn_of_joined(names: Iterable[Label]) -> None:
    """Warn of class names that consist of names of other classes, as "spam;phishing", or of parts of others.

    Parts of others count between the marks of lists only: "spam;urgent" and "bug;urgent" beside "spam" and "bug".
    """
    parts = {name: _parts(name) for name in names}
    n_names = Counter(look for own in parts.values() for look in own)
    looks = {look for own in parts.values() if len(own) == 1 for look in own}
    joined = [
        name
        for name, own in parts.items()
        if len(own) > 1 and (own <= looks or (_LISTED.search(str(name)) and all(n_names[look] > 1 for look in own)))
    ]
    if joined:
        more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        warn(
            f"The label {joined[0]!r}{more} consists of names that other labels have, too. It counts as a class of its "
            "own, since an item can have only one class. Give each item its main class, or fit one classifier for each "
            "class."
        )


def _parts(name: Label) -> set[str]:
    """Return what is compared of the names between separators in a label; Microsoft Forms writes one after each."""
    return {look_of(part) for part in _JOINED.split(str(name)) if part.strip()}
