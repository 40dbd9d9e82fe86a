"""Messages of the library in the language of the page: each is recognized by its English template in texts.json."""

import re
from functools import cache
from typing import Final

from anyshot.app.studio.page.texts import Texts, all_texts

_INSIDE: Final = frozenset({"reason", "place", "advice"})
"""Placeholders whose value is a message itself; any other value is a name or a number, and stays."""
_NUMBERS: Final = frozenset({"n", "number", "most", "width", "needed", "good", "bad"})
_NAMED: Final = re.compile(r"\{(\w+)\}")
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


def place_in(place: str, t: Texts) -> str:
    """Return where something is, such as "line 3", in a language; the name of a file stays."""
    return translated(place, t.language) or place


def translated(message: str, language: str) -> str | None:
    """Return a message in another language, None if no template fits."""
    for pattern, template in _templates(language):
        found = pattern.fullmatch(message)
        if found is not None:
            return _filled(template, found, language)
    return None


def _filled(template: str, found: re.Match[str], language: str) -> str:
    return _NAMED.sub(lambda one: _value(one[1], found[one[1]], language), template)


def _value(name: str, value: str, language: str) -> str:
    if name in _INSIDE:
        return translated(value, language) or value
    return value.replace(",", ".") if _THOUSANDS.fullmatch(value) else value


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Return the pattern of each English message with its translation, those with the most letters of their own first.

    A quote in a template stands for both kinds, since a name that has one is shown in the other.
    """
    given = all_texts().get("messages", {}).get(language, {})
    ordered = sorted(given, key=lambda template: -len(_NAMED.sub("", template)))
    return [(_pattern(template), given[template]) for template in ordered]


def _pattern(template: str) -> re.Pattern[str]:
    texts = [re.escape(part).replace("'", "['\"]") for part in _NAMED.split(template)]
    texts[1::2] = [f"(?P<{name}>{'[0-9.,]+' if name in _NUMBERS else '.+?'})" for name in texts[1::2]]
    return re.compile("".join(texts), re.DOTALL)
