"""The texts of the page are complete in both languages."""

import re
from typing import get_args

import pytest

from anyshot.app.studio.entries import PASTED, Entry
from anyshot.app.studio.entries import SENTENCES as DONE
from anyshot.app.studio.page.texts import LANGUAGES, PAGE, sentence_of, texts_in
from anyshot.app.studio.quality import Action

NAMED = re.compile(r"\{(\w+)\}")


def forms(text):
    return [text] if isinstance(text, str) else [text["one"], text["other"]]


def test_german_has_the_texts_and_placeholders_of_english():
    english, german = (texts_in(language).texts for language in LANGUAGES)
    assert set(english) == set(german)
    for key, text in english.items():
        assert type(text) is type(german[key]), key
        assert {*NAMED.findall(forms(text)[-1])} == {*NAMED.findall(forms(german[key])[-1])}, key


def test_the_source_of_pasted_texts_is_translated():
    entry = Entry(1, "", "add_items", {"count": 2, "source": PASTED})
    assert sentence_of(entry, texts_in("de")) == "2 Einträge aus eingefügtem Text hinzugefügt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_has_its_sentence(language):
    texts = texts_in(language).texts
    assert {f"done_{action}" for action in DONE} <= set(texts)
    assert {f"next_{action}" for action in get_args(Action)} <= set(texts)


def test_every_text_that_templates_and_scripts_name_is_there():
    files = [*(PAGE / "templates").glob("*.html"), *(PAGE / "static").glob("[!h]*.js"), *PAGE.glob("*.py")]
    named = {
        key[0] or key[1]
        for file in files
        for key in re.findall(
            r"""\bt(?:\.rich)?\(["'](\w+)["'][,)]|\bt\.of\([\w.]+, ["'](\w+)["']""", file.read_text("utf-8")
        )
    }
    assert len(named) > 100
    assert named <= set(texts_in("en").texts)


def test_what_is_filled_in_is_never_read_as_html_or_as_a_placeholder():
    t = texts_in("en")
    assert t.rich("filter_class", name="<script>{n}</script>") == "Only <b>&lt;script&gt;{n}&lt;/script&gt;</b>"


def test_a_kind_of_project_has_its_own_text_or_that_of_all():
    t = texts_in("en")
    assert t.of("rows", "paste_title") == "Cells of a spreadsheet, with the names of the columns"
    assert t.of("texts", "paste_title") == t("paste_title") == "One text per line"
