"""What a page shows of a project: the items in an order, with their answers, and the number of answers of a class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from anyshot.app.studio.feature_items import search_in_rows
from anyshot.app.studio.file_rows import folded, items_with, search_in_text
from anyshot.app.studio.items import Item, LabelOf, Labels, shown_label
from anyshot.app.studio.project import Project
from anyshot.app.studio.quality import likely_errors
from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import InputError
from anyshot.training import active_learning

if TYPE_CHECKING:  # it loads the encoders, which are needed only where answers are found
    from anyshot.app.studio.answers import Answers
    from anyshot.app.studio.learning import Learned

Order: TypeAlias = Literal["useful", "class", "confidence", "unsure", "errors", "added"]


@dataclass(frozen=True)
class Query:
    """Which items are shown, and in which order.

    Parameters
    ----------
    order : {"useful", "class", "confidence", "unsure", "errors", "added"}
        "useful": those whose labels would teach most first, and every eighth at random; "class": class by class, the
        surest first; "confidence": the surest first; "unsure": the least sure first; "errors": labels that are likely
        wrong, and no other items.
    class_id : int, optional
        Only items of this class, -1 for unknown: by their label, or else by their answer.
    is_labeled : bool, optional
        Only items with a label, or without one.
    text : str
        Only items that contain all of these words, in any case, or whose row in a file does; for images, in the name of
        the file; for rows, in the names and values of the columns, numbers as a whole.
    like : int, optional
        The items most similar to this one first, whatever the order.
    about : str
        The items most similar in meaning to this text first, whatever the order.
    """

    order: Order = "useful"
    class_id: int | None = None
    is_labeled: bool | None = None
    text: str = ""
    like: int | None = None
    about: str = ""


@dataclass(frozen=True)
class ItemRow:
    """One item as it is shown.

    answer: class id, "unknown", or None while there is none; confidence: its probability.
    """

    item: Item
    answer: LabelOf
    confidence: float


def order(project: Project, answers: "Answers", query: Query) -> Indexes:
    """Return the ids of all items that a query finds, in its order; InputError for one that there is not."""
    if query.order not in get_args(Order):
        raise InputError(f"There is no order {query.order!r}. Choose one of: {', '.join(get_args(Order))}.")
    labels = project.items.labels()
    shown, sure = _shown_classes(answers, labels)
    chosen = np.ones(len(labels.ids), dtype=bool)
    if query.class_id is not None:
        chosen &= shown == query.class_id
    if query.is_labeled is not None:
        chosen &= (labels.labels != 0) == query.is_labeled
    if query.text.strip():
        chosen &= np.isin(labels.ids, _containing(project, query.text))
    rows = np.flatnonzero(chosen)
    if query.like is not None or query.about.strip():
        return _by_similarity(project, answers, query, labels.ids[rows])
    if query.order == "useful":
        return _by_usefulness(project, answers, labels, labels.ids[rows], sure[rows], labels.labels[rows] != 0)
    if query.order == "errors":
        likely = likely_errors(project, answers)
        return likely[np.isin(likely, labels.ids[rows])]
    if query.order == "class":
        places = {one.id: place for place, one in enumerate(project.classes.all())} | {-1: 10**6}
        place = np.array([places.get(number, 10**6 + 1) for number in shown[rows].tolist()], dtype=np.intp)
        return labels.ids[rows[np.lexsort((-sure[rows], place))]]
    if query.order == "added":
        return labels.ids[rows]
    by = -sure[rows] if query.order == "confidence" else np.where(labels.labels[rows] != 0, 2.0, sure[rows])
    return labels.ids[rows[np.argsort(by, kind="stable")]]


def rows(project: Project, answers: "Answers", ids: Sequence[int] | Indexes) -> list[ItemRow]:
    """Return items as they are shown, in the order of the ids; those that are gone are left out."""
    found, items = answers.current, project.items.get(ids)
    at = found.rows_of([item.id for item in items]).tolist()
    return [
        ItemRow(item, *(_shown(found.classes[row]), float(found.confidence[row])) if row >= 0 else (None, 0.0))
        for item, row in zip(items, at, strict=True)
    ]


def groups(project: Project, answers: "Answers", ids: Indexes) -> list[tuple[LabelOf, int]]:
    """Return the runs of items of one class, by their label or else by their answer: the class, and how many items."""
    labels = project.items.labels()
    shown = _shown_classes(answers, labels)[0][labels.rows_of(ids)]
    starts = np.flatnonzero(np.append(True, shown[1:] != shown[:-1])[: len(shown)])
    sizes = np.diff(np.append(starts, len(shown)))
    return [(_shown(number), n) for number, n in zip(shown[starts].tolist(), sizes.tolist(), strict=True)]


def counts(project: Project, answers: "Answers") -> dict[LabelOf, int]:
    """Return the number of items of each class, by their label or else by their answer; None: not answered yet."""
    shown, _ = _shown_classes(answers, project.items.labels())
    return {_shown(number): n for number, n in Counter(shown.tolist()).items()}


# --- private --------------------------------------------------------------------------------------------------------

N_SUGGESTED = 100
"""Items that are put first because their labels would teach most; the others follow, the least sure first."""
RANDOM_EVERY = 8
"""Every so many labels, a random item is proposed: labels of hard items alone do not tell how good answers are."""
MAX_CANDIDATES = 1_000
"""Items among which these are looked for: all, or so many at random, always the same ones."""


def _shown_classes(answers: "Answers", labels: Labels) -> tuple[Indexes, Vectors]:
    """Return the class of each item, by its label or else by its answer, and how sure the answer is.

    0 and -1.0 stand for an item that is not answered yet.
    """
    found = answers.current
    at = found.rows_of(labels.ids)
    predicted, sure = np.zeros(len(at), np.intp), np.full(len(at), -1.0)
    if len(found.ids):
        predicted = np.where(at >= 0, found.classes[at], 0)
        sure = np.where(at >= 0, found.confidence[at], -1.0)
    return np.where(labels.labels != 0, labels.labels, predicted), sure


def _by_usefulness(
    project: Project, answers: "Answers", labels: Labels, ids: Indexes, sure: Vectors, is_labeled: Indexes
) -> Indexes:
    """Return the ids, those whose labels would teach most first, and the labeled ones last."""
    learned = answers.learned
    if not project.kind_facts.names_help and answers.left_out:
        learned = None  # it lacks a class, and is sure of wrong answers for its items
    # Texts and images without a model are shown as they came: soon, names will tell more of them.
    has_order = learned is not None or not project.kind_facts.names_help
    suggested = np.array(_suggested(answers, labels, learned) if has_order else [], dtype=np.intp)
    useful, chance = suggested[np.isin(suggested, ids)].tolist(), _at_random(ids[~is_labeled])[:N_SUGGESTED].tolist()
    n_labels, first = int((labels.labels != 0).sum()), dict[int, None]()
    for place in range(n_labels, n_labels + len(useful)):
        source = chance if place % RANDOM_EVERY == RANDOM_EVERY - 1 else useful
        item = next((one for one in source if one not in first), None)
        if item is not None:
            first[item] = None
    rest = ids[np.argsort(np.where(is_labeled, 2.0, sure), kind="stable")]
    return np.concatenate([np.array(list(first), dtype=np.intp), rest[~np.isin(rest, list(first))]])


def _at_random(ids: Indexes) -> Indexes:
    """Return ids in an order without a pattern, in which they stay as labels are given."""
    return ids[np.argsort(ids.astype(np.uint32) * np.uint32(2_654_435_761), kind="stable")]  # a large odd number


def _suggested(answers: "Answers", labels: Labels, learned: "Learned | None") -> list[int]:
    """Return the ids of the items without a label whose labels would teach a model most, the most useful first.

    Without a model, those that are most like the others, and unlike the labeled ones.
    """
    open_ids, _ = answers.vectors(labels.ids[labels.labels == 0])
    if not len(open_ids):
        return []
    ids, vectors = answers.vectors(_at_random(open_ids)[:MAX_CANDIDATES])
    n = min(N_SUGGESTED, len(ids))
    if learned is None:
        equal, (_, labeled) = np.full((len(ids), 2), 0.5), answers.vectors(labels.ids[labels.labels != 0])
        chosen = active_learning.suggest(vectors, equal, n, labeled=labeled, counts=np.zeros(2))
    else:
        data = learned.model.data
        centered = data.centered(learned.joined(ids, vectors))
        probabilities = learned.model.probabilities(centered)
        chosen = active_learning.suggest(centered, probabilities, n, labeled=data.labeled, counts=data.counts)
    return [int(item) for item in ids[chosen]]


def _by_similarity(project: Project, answers: "Answers", query: Query, ids: Indexes) -> Indexes:
    """Return the ids, those most similar to an item or a text first; items that are not encoded yet are left out."""
    if query.like is not None:
        known, target = answers.vectors(np.array([project.items.one(query.like).id], dtype=np.intp))
        if not len(known):
            return ids[:0]
    else:
        of_text = answers.encode_text(query.about)
        if of_text is None:
            raise InputError("These items cannot be searched by meaning. Choose one, and show those like it.")
        target = of_text
    known, vectors = answers.vectors(ids)
    learned = answers.learned  # read once, as another thread may replace it; models of texts have no center
    center = learned.model.data.center if learned is not None and learned.model.data.centering else 0
    return known[np.argsort(-((vectors - center) @ (target - center)[0]), kind="stable")]


def _containing(project: Project, text: str) -> Indexes:
    """Return the ids of the items that contain all words of a text, in any case, or whose rows in files do."""
    words, columns = folded(text).split(), project.items.columns()
    column = "name" if project.kind == "images" else "content"
    found = project.database.read(f"select id, {column} as content from items where not hidden")
    has = search_in_rows(words, columns) if columns else search_in_text(words)
    ids = [row["id"] for row in found if has(row["content"])]
    return np.array(ids + items_with(project, words), dtype=np.intp)


def _shown(stored: int) -> LabelOf:
    return shown_label(int(stored))
