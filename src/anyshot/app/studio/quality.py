"""How good the answers of a project are: accuracy on held-out labels, what is confused, and what to do next."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot.app.studio.answer_accuracy import answer_accuracy, log_odds
from anyshot.app.studio.classes import ClassRow
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.items import Labels
from anyshot.app.studio.project import Project
from anyshot.app.studio.tested_answers import MAX_TESTED
from anyshot.base.folds import evenly_spaced
from anyshot.base.messages import count
from anyshot.base.validation import Floats, Indexes
from anyshot.errors import InputError
from anyshot.evaluation.label_errors import label_errors

if TYPE_CHECKING:  # they load scipy and the encoders, which a project that is only looked at does not need
    from anyshot.any_shot.explanation import Explanation
    from anyshot.any_shot.model import CrossValidationResult
    from anyshot.app.studio.answers import Answers
    from anyshot.app.studio.learning import Learned

Action: TypeAlias = Literal[
    "add_items",
    "add_class",
    "describe",
    "add_words",
    "label_first",
    "label_class",
    "label",
    "tell_apart",
    "check_errors",
    "done",
]
Hint: TypeAlias = Literal["says_nothing", "needs_label", "no_answers"]
Headline: TypeAlias = Literal["all", "above", "of_10"]

FEW_LABELS: Final = 5
"""Labels of a class to propose at a time; with fewer in a class, its accuracy is a matter of chance."""
MEASURED_LABELS: Final = 2
"""Labels to propose for each class first: of fewer, none can be held out."""
MIN_LABELS: Final = 5
"""Labels from which the accuracy is shown."""
N_ASKED: Final = 200
"""Answers that stand for all whose accuracy is asked for; 300,000 would take seconds."""
NEARLY_ALL: Final = 0.95
"""Lower end of the interval from which nearly all answers are said to be right, once each class has a label."""
GOOD_ACCURACY: Final = 0.9
"""Lower end of the interval from which the proposal is to use the answers."""
CLEAR_ERROR: Final = 0.1
"""Probability of a held-out label below which it may be an error; nearly all labels of hard items are surprising."""

HEADLINES: Final[dict[Headline, str]] = {
    "all": "Nearly all right",
    "above": "More than {n} of 10 right",
    "of_10": "About {n} of 10 right",
}


@dataclass(frozen=True)
class NextStep:
    """What would help most now; facts: names and ids of classes, and numbers."""

    action: Action
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Confusion:
    """Two classes of which labels were answered by the other one; items: those whose held-out answer was wrong."""

    first: int
    second: int
    n_wrong: int
    n_labels: int  # held-out labels of both
    items: tuple[int, ...]


@dataclass(frozen=True)
class Quality:
    """How good the answers are.

    accuracy, lower, upper: expected of the answers to items without a label, with its 95 % interval, from their
    confidence and from answers that labels tested; None with fewer than five labels.
    untested: the ids of the classes without a label, for whose answers only their confidence speaks.
    curve: (labels, accuracy, lower, upper) as they were measured, by the number of labels; confused: the pairs of
    classes, the most often confused first.
    """

    n_labels: int
    is_current: bool
    accuracy: float | None
    lower: float
    upper: float
    curve: list[tuple[int, float, float, float]]
    confused: list[Confusion]
    next_step: NextStep
    untested: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.accuracy is None:
            return f"The accuracy is shown once {MIN_LABELS} items have a label."
        headline, of_10 = self.headline
        lower, upper = self.of_100
        n = len(self.untested)
        untested = f" {count(n, 'class')} {'has' if n == 1 else 'have'} no label yet." if n else ""
        shown = HEADLINES[headline].format(n=of_10)
        return f"{shown}. Probably between {lower} and {upper} of 100.{untested}"

    @property
    def of_100(self) -> tuple[int, int]:
        """How many of 100 answers are probably right, at least and at most; no estimate is certain of all of them."""
        return min(99, round(100 * self.lower)), round(100 * self.upper)

    @property
    def headline(self) -> tuple[Headline, int]:
        """Which of `HEADLINES` says how good the answers are, and how many of ten are right in it."""
        of_10 = round(10 * (self.accuracy or 0))
        if self.lower >= NEARLY_ALL and not self.untested:
            return "all", of_10
        return ("above", 9) if of_10 == 10 else ("of_10", of_10)


@dataclass(frozen=True)
class Why:
    """Why an item has its answer.

    neighbors: the ids of the labeled items most similar to it; without_label: the class that it is answered with where
    its own label is held out, None if it has no label.
    """

    explanation: "Explanation"
    neighbors: tuple[int, ...]
    without_label: int | None = None


def quality(project: Project, answers: "Answers") -> Quality:
    """Return how good the answers are, and what to do next."""
    learned, classes = answers.learned, project.classes.all()
    n_labels = int((project.items.labels().labels > 0).sum())
    errors, result = likely_errors(project, answers), _held_out(learned)
    confused = _confused(project, learned, result)
    accuracy, lower, upper = _accuracy(project, answers, learned, result)
    if accuracy is not None and answers.is_current():
        _remember(project, (n_labels, accuracy, lower, upper))
    return Quality(
        n_labels,
        answers.is_current(),
        accuracy,
        lower,
        upper,
        _curve(project, n_labels),
        confused,
        _next_step(project, answers, classes, confused, len(errors), lower),
        tuple(one.id for one in classes if not one.n_labels),
    )


def likely_errors(project: Project, answers: "Answers") -> Indexes:
    """Return the ids of the items whose label is likely wrong, the clearest first (confident learning).

    Labels that a person has kept, knowing that, are left out.
    """
    learned = answers.learned
    result = _held_out(learned)
    if learned is None or result is None:
        return np.zeros(0, np.intp)
    found = label_errors(result.predicted, learned.model.data.index[result.rows])["row"].to_numpy(dtype=np.intp)
    clear = found[result.probabilities[found] < CLEAR_ERROR]
    likely, kept = _still_labeled(project, learned.items[result.rows[clear]]), project.items.kept_labels()
    labels = project.items.labels()
    given = labels.labels[labels.rows_of(likely)].tolist()
    return np.array(
        [item for item, label in zip(likely.tolist(), given, strict=True) if kept.get(item) != label], np.intp
    )


def hints(project: Project, answers: "Answers") -> dict[int, Hint]:
    """Return what is wrong with classes: they need words or a label, or none of many items is answered with them."""
    classes, answered = project.classes.all(), set(answers.current.classes.tolist())
    answered = answered if len(answers.current.ids) >= FEW_LABELS * len(classes) else set()
    silent = [one for one in classes if answered and one.id not in answered and not one.n_labels]
    found: dict[int, Hint] = {one.id: "no_answers" for one in silent}
    unclear: Hint = "says_nothing" if project.kind_facts.names_help else "needs_label"
    return found | {one.id: unclear for one in classes if one.name in answers.left_out}


def why(project: Project, answers: "Answers", item: int, *, k: int = 3) -> Why:
    """Return why an item has its answer: the most similar labeled items, and the matching words or description."""
    learned, given = answers.learned, project.items.contents([project.items.one(item).id])
    if learned is None and not project.kind_facts.names_help:
        raise InputError("There is no answer yet. Label at least one row of each class.")
    if learned is None:
        raise InputError("There is no answer yet. Name two classes, and wait until the items are read.")
    explanation = any_shot.explain(learned.model, given, k=k)[0]
    cosines = (learned.model.encode(given) @ learned.model.data.labeled.T)[0] if len(learned.items) else []
    nearest = np.argsort(-np.asarray(cosines), kind="stable")[:k]
    result, without = _held_out(learned), None
    if result is not None:
        held_out = np.flatnonzero(learned.items[result.rows] == item)[:1]
        without = next((int(learned.class_ids[result.predicted[row].argmax()]) for row in held_out), None)
    return Why(explanation, tuple(int(learned.items[row]) for row in nearest), without)


# --- private --------------------------------------------------------------------------------------------------------


def _held_out(learned: "Learned | None") -> "CrossValidationResult | None":
    """Return how well the model's method predicted held-out labels; None with too few of them."""
    if learned is None:
        return None
    return next((one for one in learned.model.leaderboard if one.method == learned.model.method), None)


def _accuracy(
    project: Project, answers: "Answers", learned: "Learned | None", result: "CrossValidationResult | None"
) -> tuple[float | None, float, float]:
    """Return the expected accuracy of the answers to items without a label, or of all answers if there are none."""
    found, labels = answers.current, project.items.labels()
    is_class = found.classes != UNKNOWN_ID
    is_open = is_class & np.isin(found.ids, labels.ids[labels.labels == 0])
    rows = np.flatnonzero(is_open if is_open.any() else is_class)
    if learned is None or not len(rows) or np.count_nonzero(labels.labels) < MIN_LABELS:
        return None, 0.0, 1.0
    tested, correct = _tested(answers, labels, learned, result)
    by_confidence = rows[np.argsort(found.confidence[rows], kind="stable")]
    some = by_confidence[evenly_spaced(len(rows), N_ASKED)]
    asked = learned.probabilities(learned.joined(*answers.vectors(found.ids[some])))
    return answer_accuracy(tested, correct, log_odds(asked), len(rows))


def _tested(
    answers: "Answers", labels: Labels, learned: "Learned", result: "CrossValidationResult | None"
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the log odds (n, t) of answers to labeled items, and whether they were right.

    They are answers from before the label was given; where there was none, as to the labels of a table, the answer to
    the held-out label.
    """
    rows, given = answers.tested.with_labels(labels)
    kept = np.isin(answers.tested.answers[rows], learned.class_ids)  # unknown is no class, and classes may be merged
    odds, correct = answers.tested.log_odds[rows[kept]].astype(float), answers.tested.answers[rows[kept]] == given[kept]
    if result is None:
        return odds, correct
    others = np.flatnonzero(~np.isin(learned.items[result.rows], answers.tested.items))[-MAX_TESTED:]
    predicted, index = result.predicted[others], learned.model.data.index[result.rows[others]]
    odds = np.concatenate([odds, log_odds(predicted)])
    return odds, np.concatenate([correct, predicted.argmax(axis=1) == index])


def _confused(project: Project, learned: "Learned | None", result: "CrossValidationResult | None") -> list[Confusion]:
    if learned is None or result is None:
        return []
    given, predicted = learned.model.data.index[result.rows], result.predicted.argmax(axis=1)
    wrong = np.flatnonzero(given != predicted)
    pairs = Counter(tuple(sorted((int(given[row]), int(predicted[row])))) for row in wrong)
    labels = np.bincount(given, minlength=len(learned.class_ids))
    found = []
    for (first, second), n in pairs.most_common():
        own = [row for row in wrong if {given[row], predicted[row]} == {first, second}]
        items = _still_labeled(project, learned.items[result.rows[own]])
        ids = int(learned.class_ids[first]), int(learned.class_ids[second])
        found.append(Confusion(*ids, n, int(labels[first] + labels[second]), tuple(items.tolist())))
    return found


def _still_labeled(project: Project, ids: Indexes) -> Indexes:
    labels = project.items.labels()
    return ids[np.isin(ids, labels.ids[labels.labels > 0])]


def _remember(project: Project, point: tuple[int, float, float, float]) -> None:
    """Store a point of the curve, if there is none for this number of labels or it differs."""
    if project.database.read("select * from curve where n_labels = ? and accuracy = ?", *point[:2]):
        return
    with project.database.transaction() as transaction:
        transaction.connection.execute(
            "insert or replace into curve (n_labels, accuracy, lower, upper) values (?, ?, ?, ?)", point
        )


def _curve(project: Project, n_labels: int) -> list[tuple[int, float, float, float]]:
    rows = project.database.read("select * from curve where n_labels <= ? order by n_labels", n_labels)
    return [(row["n_labels"], row["accuracy"], row["lower"], row["upper"]) for row in rows]


def _next_step(
    project: Project,
    answers: "Answers",
    classes: list[ClassRow],
    confused: list[Confusion],
    n_errors: int,
    lower: float,
) -> NextStep:
    """Return the first of these that applies: what is missing, what is unclear, what is confused."""
    if not project.items.count():
        return NextStep("add_items")
    if len(classes) < 2:
        return NextStep("add_class")
    silent = next((one for one in classes if one.name in answers.left_out), None)
    if silent is not None:
        action: Action = "describe" if project.kind_facts.names_help else "label_first"
        return NextStep(action, {"class_id": silent.id, "name": silent.name})
    if project.kind == "texts" and not any(one.n_labels for one in classes):
        chips = answers.chips()
        wordless = next((one for one in classes if not chips[one.id] and not one.description), None)
        if wordless is not None:
            return NextStep("add_words", {"class_id": wordless.id, "name": wordless.name})
    if n_errors:
        return NextStep("check_errors", {"n": n_errors})
    if any(one.n_labels < MEASURED_LABELS for one in classes):
        return _label_class(classes, MEASURED_LABELS)
    if lower >= GOOD_ACCURACY:
        return NextStep("done")
    if not confused and any(one.n_labels < FEW_LABELS for one in classes):
        return _label_class(classes, FEW_LABELS)
    if confused:
        named = {one.id: one for one in classes}
        pair = [named[number] for number in (confused[0].first, confused[0].second) if number in named]
        if len(pair) == 2:
            few, other = sorted(pair, key=lambda one: one.n_labels)
            facts = {"class_id": few.id, "name": few.name, "other_id": other.id, "other": other.name}
            return NextStep("tell_apart", facts | {"n": FEW_LABELS})
    return NextStep("label", {"n": 10})


def _label_class(classes: list[ClassRow], enough: int) -> NextStep:
    """Return the step to give a class with too few labels enough; what was begun is finished first."""
    one = max((one for one in classes if one.n_labels < enough), key=lambda one: one.n_labels)
    facts = {"class_id": one.id, "name": one.name, "labels": one.n_labels, "n": enough - one.n_labels}
    return NextStep("label_class", facts)
