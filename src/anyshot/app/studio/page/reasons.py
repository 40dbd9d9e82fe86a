"""Why an item has its answer, in the words of the page's language."""

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from anyshot.app.studio.feature_items import Columns, shown_cells, shown_row
from anyshot.app.studio.items import Item
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.texts import Texts
from anyshot.app.studio.quality import why

SHOWN_TEXT: Final = 160
"""Characters of a labeled text that are shown as a reason."""
SHOWN_WORDS: Final = 2
SHOWN_ITEMS: Final = 2
NEIGHBORS: Final = 50
"""Most similar labeled items among which those of the answer's class are shown; the others are no reason for it."""


def reasons(opened: Opened, number: int, t: Texts, base: str) -> list[dict[str, Any]]:
    """Return the reasons for the answer to an item: sentences, with pictures of similar images.

    base: the address of the project, under which the pictures lie.
    """
    project = opened.project
    names = {one.id: one.name for one in project.classes.all()}
    found = why(project, opened.answers, number, k=NEIGHBORS)
    explained, name = found.explanation, str(found.explanation.label)
    sentences: list[Markup] = []
    item = project.items.one(number)
    if item.label is not None:
        sentences.append(t.rich("why_confirmed"))
        given, without = _name(item, names, t), names.get(found.without_label or 0)
        if given != name:
            sentences.append(t.rich("why_other", name=name))
        elif without not in (None, given):
            sentences.append(t.rich("why_without", name=without))
    if not explained.is_known:
        sentences.append(t.rich("why_unknown", name=name))
    columns = project.items.columns()
    if explained.columns:
        cells = dict(shown_cells(columns, item.content, t.language))
        counted = ", ".join(f"{one}: {cells[one]}" if one in cells else one for one in explained.columns)
        sentences.append(t.rich("why_columns", text=counted, name=name))
    if explained.words:
        sentences += [t.rich("why_word", text=word, name=name) for word in explained.words[:SHOWN_WORDS]]
    elif explained.matched is not None and explained.matched != name:
        sentences.append(t.rich("why_description", text=explained.matched, name=name))
    elif explained.matched is not None:
        sentences.append(t.rich("why_name", name=name))
    shown: list[dict[str, Any]] = [{"sentence": sentence, "image": ""} for sentence in sentences]
    near = [item for item in project.items.get(found.neighbors) if item.id != number and _name(item, names, t) == name]
    shown += [_neighbor(item, name, t, base, columns) for item in near[:SHOWN_ITEMS]]
    if not shown and explained.is_known and project.kind_facts.names_help:
        shown.append({"sentence": t.rich("why_name", name=name), "image": ""})
    second = round(100 * (explained.probability - explained.margin))
    if second > 0:
        shown.append({"sentence": t.rich("why_second", name=str(explained.runner_up), n=second), "image": ""})
    return shown


def _name(item: Item, names: Mapping[int, str], t: Texts) -> str:
    return names.get(item.label, "") if isinstance(item.label, int) else t("unknown")


def _neighbor(item: Item, name: str, t: Texts, base: str, columns: Columns) -> dict[str, Any]:
    """Return a labeled item that is similar, as a reason."""
    if item.name:
        image = f"{base}items/{item.id}/thumbnail"
        return {"sentence": t.rich("why_label_image", text=item.name, name=name), "image": image, "alt": item.name}
    text = shown_row(columns, item.content, t.language) if columns else item.content
    text = text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]}…"
    return {"sentence": t.rich("why_label", text=text, name=name), "image": ""}
