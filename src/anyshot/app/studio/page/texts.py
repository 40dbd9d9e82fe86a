"""The texts of the page, in the languages of page/texts.json."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from anyshot.app.studio.entries import PASTED, Entry

LANGUAGES: Final = ("en", "de")
PAGE: Final = Path(__file__).parent
"""The folder of templates, style sheet and scripts."""
_NAMED: Final = re.compile(r"\{(\w+)\}")


class Texts:
    """The texts of one language; a call fills in a text.

    Examples
    --------
    >>> t = Texts("de")
    >>> t("n_items", n=1), t("n_items", n=12345)
    ('1 Eintrag', '12.345 Einträge')
    >>> t.rich("filter_class", name="<i>")
    Markup('Nur <b>&lt;i&gt;</b>')
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.texts: Mapping[str, Any] = all_texts()[language]

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its {names} filled in; `n` chooses between singular and plural."""
        return _NAMED.sub(lambda found: self.number(values[found[1]]), self._form(key, values))

    def of(self, kind: str, key: str, **values: Any) -> str:
        """Return a text for one kind of project, if it has its own, else that of all kinds."""
        return self(f"{key}_{kind}" if f"{key}_{kind}" in self.texts else key, **values)

    def rich(self, key: str, **values: Any) -> Markup:
        """Return a text as HTML, with what is filled in bold and escaped."""
        parts = _NAMED.split(self._form(key, values))  # text, name, text, ...
        bold = [Markup("<b>{}</b>").format(self.number(values[name])) for name in parts[1::2]]
        texts = [escape(text) for text in parts[::2]]
        return Markup("").join(part for pair in zip(texts, [*bold, Markup("")], strict=True) for part in pair)

    def number(self, value: object) -> str:
        """Return a number as it is written in this language, any other value as it is."""
        if not isinstance(value, int):
            return str(value)
        return f"{value:,}".replace(",", ".") if self.language == "de" else f"{value:,}"

    def _form(self, key: str, values: Mapping[str, Any]) -> str:
        text = self.texts[key]
        return str(text if isinstance(text, str) else text["one" if values["n"] == 1 else "other"])


def sentence_of(entry: Entry, t: Texts) -> str:
    """Return what an entry of the history says."""
    facts = dict(entry.facts)
    if facts.get("source") == PASTED:
        facts["source"] = t("pasted_texts")
    return t(f"done_{entry.action}", n=facts.pop("count", 1), **facts)


def undo_of(entry: Entry | None, t: Texts) -> dict[str, Any]:
    """Return what undo takes back after a change, as the page is told it; nothing if the change changed nothing."""
    return {} if entry is None else {"undo": {"id": entry.id, "sentence": sentence_of(entry, t)}}


@cache
def texts_in(language: str) -> Texts:
    """Return the texts of a language."""
    return Texts(language)


def chosen_language(cookie: str | None, accepted: str) -> str:
    """Return the language that was chosen on the page, or the first that the browser asks for.

    >>> chosen_language(None, "fr, de-CH;q=0.8, en;q=0.5"), chosen_language("en", "de"), chosen_language("xx", "")
    ('de', 'en', 'en')
    """
    wanted = [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    return next((one for one in (cookie, *wanted) if one in LANGUAGES), LANGUAGES[0])


@cache
def all_texts() -> Mapping[str, Mapping[str, Any]]:
    """Return what texts.json holds: the texts of each language, and the translated messages of the library."""
    return dict(json.loads((PAGE / "texts.json").read_text(encoding="utf-8")))
