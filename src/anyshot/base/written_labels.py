"""Labels and categories as people and files write them: 1.0 is 1, TRUE is true, in the type of the class."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from anyshot.base.labels import Label, clean_name
from anyshot.errors import ClassesError

TRUTH_VALUES: Final = (
    *("true false", "wahr falsch", "vrai faux", "verdadero falso", "vero falso", "verdadeiro falso", "waar onwaar"),
    *("sant falskt", "sand falsk", "sann usann", "tosi epätosi", "prawda fałsz", "pravda nepravda", "igaz hamis"),
    *("do\u011fru yanliş", "истина ложь"),
)
"""True and false of spreadsheets in lower case, in English, German, French, Spanish, Italian and Portuguese.

Also in Dutch, Swedish, Danish, Norwegian, Finnish, Polish, Czech, Hungarian, Turkish and Russian.
"""
_IN_ENGLISH: Final = {
    word: own for pair in TRUTH_VALUES for word, own in zip(pair.split(), ("true", "false"), strict=True)
}
_WHOLE: Final = re.compile(r"^([+-]?\d+)\.0$")


def as_whole(label: object) -> str:
    """Return a label as text, 1.0 as "1": JSON, JavaScript and spreadsheets do not distinguish the two."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def spelling_of(names: Iterable[Any]) -> Callable[[Any], Any]:
    """Return a function that returns the name that a value means, in the type of the name; other values are unchanged.

    The same are 1, 1.0, "1" and "1.0", unless each has a name of its own, and a truth value however it is written:
    spreadsheets write TRUE, German ones WAHR, JSON true. They also take the zeros off codes of equal length: 1234 is
    "01234".

    >>> list(map(spelling_of(["1", "2", "b", "true"]), [1, 2.0, "b", True, None, "c"]))
    ['1', '2', 'b', 'true', None, 'c']
    >>> list(map(spelling_of([False, True]), ["FALSE", "true", "WAHR", "maybe"]))
    [False, True, True, 'maybe']
    >>> list(map(spelling_of(["01234", "80331"]), [1234, "80331", "1234", 34]))
    ['01234', '80331', '01234', 34]
    """
    listed = list(names)
    exact = {(type(name), str(name)): name for name in listed}
    texts = {str(name): name for name in listed}
    whole = {_without_point(name): name for name in listed}
    words = {str(name).casefold(): name for name in listed}
    # Both words of another language must be names: "sand" alone, which is Danish for true, may be the soil.
    pairs = [pair.split() for pair in TRUTH_VALUES if words.keys() >= set(pair.split())]
    truth = {_IN_ENGLISH[word]: words[word] for pair in pairs for word in pair} | words
    lengths = {len(text) for text in texts if text.isdigit()}
    length = lengths.pop() if len(lengths) == 1 else 0

    def spelled(value: Any) -> Any:
        if value is None:
            return None  # no label, whatever the names are
        text = str(value)
        if (type(value), text) in exact:
            return exact[type(value), text]
        found = texts.get(text, whole.get(_without_point(value), value))
        digits = _without_point(value)
        if found is value and digits.isdigit() and (code := texts.get(digits.zfill(length))) is not None:
            return code
        same = truth.get(truth_in_english(text), found)
        return same if isinstance(value, bool) or (found is value and isinstance(same, bool)) else found

    return spelled


def truth_in_english(text: str) -> str:
    """Return a text in lower case, and a truth value of a spreadsheet in English.

    >>> truth_in_english("WAHR"), truth_in_english("Maybe")
    ('true', 'maybe')
    """
    return _IN_ENGLISH.get(text.casefold(), text.casefold())


def _without_point(value: object) -> str:
    """Return a value as text, with "1.0" as "1" too."""
    return _WHOLE.sub(r"\1", as_whole(value))


def as_classes_write_them(labels: Iterable[Label], classes: Iterable[Label]) -> list[Label]:
    """Return each label in the type of the matching class, as `spelling_of` does; other labels are not changed."""
    return list(map(spelling_of(classes), labels))


def one_class(name: str, classes: Iterable[Label]) -> Label:
    """Return a class named on the command line, or in an address, in the type of the model's classes."""
    listed = list(classes)
    found = as_classes_write_them([clean_name(name)], listed)[0]
    if found in listed or not all(type(one) is int for one in listed):
        return found
    try:
        return int(name)
    except ValueError as error:
        raise ClassesError(
            f"The classes of the model are integers, such as {listed[0]}; {name!r} is not an integer."
        ) from error
