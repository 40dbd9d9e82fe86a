"""Messages and warnings of the library in the language of the page, recognized by their templates in texts.json."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from anyshot.app.studio.page.texts import Texts, all_texts, texts_in

_INSIDE: Final = frozenset({"reason", "place", "advice"})
"""Placeholders whose value is a message itself; any other value is a name or a number, and stays."""
_NUMBERS: Final = frozenset({"n", "number", "most", "width", "needed", "good", "bad"})
_NAMED: Final = re.compile(r"\{(\w+)\}")
_MORE: Final = re.compile(r" and ([\d,]+) more$")
"""The end of a list of which the first entries are named."""
_THOUSANDS: Final = re.compile(r"\d{1,3}(,\d{3})+")


def message_in(message: str, t: Texts) -> str:
    """Return a message of the library in a language; one that no template fits stays English, and is introduced.

    Examples
    --------
    >>> from anyshot.app.studio.page.texts import texts_in
    >>> message_in("mail.csv has no usable text: the text is empty.", texts_in("de"))
    'mail.csv enthält keinen brauchbaren Text: der Text ist leer.'
    """
    if not _templates(t.language):
        return message
    found = translated(message, t.language)
    return t("other_message", message=message) if found is None else found


def warnings_in(warnings: Iterable[str], t: Texts) -> list[str]:
    """Return warnings of the library in plain words of a language, each once, without those that no person needs.

    Examples
    --------
    >>> from anyshot.app.studio.page.texts import texts_in
    >>> found = "is not UTF-8; it was read as cp1252. If texts look wrong, name another encoding (--encoding)"
    >>> warnings_in([f"mail.csv {found}"], texts_in("en"))
    ['mail.csv is read in the older encoding cp1252. If letters such as ä or é look wrong, save it in the encoding \
UTF-8 (in Excel: “CSV UTF-8”) and add it again.']
    """
    translated = [(one, _translated(one, _plain_words(t.language), t.language)) for one in warnings]
    shown = [t("other_warning", message=one) if own is None else own for one, own in translated]
    return list(dict.fromkeys(filter(None, shown)))


def place_in(place: str, t: Texts) -> str:
    """Return where something is, such as "line 3", in a language; the name of a file stays."""
    return translated(place, t.language) or place


def translated(message: str, language: str) -> str | None:
    """Return a message in another language, None if no template fits."""
    return _translated(message, _templates(language), language)


def _translated(message: str, templates: Iterable[tuple[re.Pattern[str], str]], language: str) -> str | None:
    for pattern, template in templates:
        found = pattern.fullmatch(message)
        if found is not None:
            return _filled(template, found, language)
    return None


def _filled(template: str, found: re.Match[str], language: str) -> str:
    return _NAMED.sub(lambda one: _value(one[1], found[one[1]], language), template)


def _value(name: str, value: str, language: str) -> str:
    if name in _INSIDE:
        return translated(value, language) or value
    t = texts_in(language)
    value = _MORE.sub(lambda found: t("and_more", n=int(found[1].replace(",", ""))), value)
    return t.number(int(value.replace(",", ""))) if _THOUSANDS.fullmatch(value) else value


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the pattern of each English message with its translation."""
    return _patterns(all_texts()["messages"].get(language, {}))


@cache
def _plain_words(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the pattern of each warning with its plain words, "" for one that is not shown."""
    return _patterns({warning: own[language] for warning, own in all_texts()["warnings"].items()})


def _patterns(given: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """Return the pattern of each template with its text, those with the most letters of their own first.

    A quote in a template stands for both kinds, since a name that has one is shown in the other.
    """
    ordered = sorted(given, key=lambda template: -len(_NAMED.sub("", template)))
    return [(_pattern(template), given[template]) for template in ordered]


def _pattern(template: str) -> re.Pattern[str]:
    texts = [re.escape(part).replace("'", "['\"]") for part in _NAMED.split(template)]
    texts[1::2] = [f"(?P<{name}>{'[0-9.,]+' if name in _NUMBERS else '.*?'})" for name in texts[1::2]]
    return re.compile("".join(texts), re.DOTALL)
