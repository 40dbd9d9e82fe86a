"""The report function: it collects the results of a model, and makes each section of its report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import is_regressor

from anyshot.base.items import Items, check_list
from anyshot.base.labels import Labels
from anyshot.base.messages import one_call, warn_of_order
from anyshot.base.repeated_items import repeated_note
from anyshot.base.validation import pair
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.regression import NumberCurve
from anyshot.evaluation.report import collect, failures, number_sections
from anyshot.evaluation.report.collect import ClassResults, Inputs, NumberResults
from anyshot.evaluation.report.render import Report, Section, Tile, sentence
from anyshot.evaluation.report.sections import (
    class_tiles,
    class_verdict,
    cost,
    learning,
    method,
    number_tiles,
    number_verdict,
    promised_accuracy,
    reproduction,
    task,
)
from anyshot.evaluation.splits import Predictor


@one_call()
def report(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    train: tuple[Items, Labels] | None = None,
    curve: LearningCurve | NumberCurve | None = None,
    pool: Items | None = None,
) -> Report:
    """Return a report on a fitted model, from labeled items that it was not trained on.

    What cannot be shown, because data are missing or the model does not provide it, is listed on the page and in
    `.missing`, with what it needs.

    Parameters
    ----------
    model : fitted classifier or regressor with `predict`. Also used, if it has them: `predict_proba`, `classes_`,
        `explain`, `closeness`, `suggest`, `leaderboard_`, `reasons_`, `predict_interval`
    X : n items: texts, images, vectors or rows of a table; of more than 20,000, a random sample is used
    y : n labels, None for none; classes that the model does not know are marked. For a regressor, n numbers
    groups : the group of each item (n,), or several such columns by name
    sample_weight : weight of each item (n,) in every share and error
    train : training items and labels, by default those that the model keeps, to count labels, to find wrong ones and,
        without `curve`, to measure a learning curve by about twenty fits
    curve : result of `learning_curve`; for a regressor, of `number_curve`
    pool : unlabeled items from which to suggest the next to label

    Raises
    ------
    InputError
        Items, labels, groups and weights differ in number, weights sum to zero, or probabilities are invalid.
    NotEnoughLabelsError
        No item has a label.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = [[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"]
    >>> found = report(LogisticRegression().fit(X, y), [[0.5], [4.5], [3.9]], ["low", "high", "low"])
    >>> found.tables["confusions"][["truth", "answer", "n"]].values.tolist()
    [['low', 'high', 1]]
    """
    check_list(X)
    check_list(y, what="A list of labels")
    check_list([] if pool is None else pool, what="A list of items without labels")
    if train is not None:
        train = pair(train, name="train")
    elif hasattr(model, "training_examples") and not isinstance(model, type):
        train = model.training_examples()
    for given, what in ((y, "labels"), (groups, "groups"), (sample_weight, "weights")):
        warn_of_order(X, given, names=("items", what))
    inputs = Inputs(
        model=model, X=X, y=y, groups=_columns(groups), sample_weight=sample_weight, train=train, curve=curve, pool=pool
    )
    # A model without scikit-learn's tags is taken for a classifier.
    if hasattr(model, "__sklearn_tags__") and is_regressor(model):
        numbers = collect.collect_numbers(inputs)
        return _assembled(numbers, number_verdict(numbers), number_tiles(numbers))
    classes = collect.collect_classes(inputs)
    return _assembled(classes, class_verdict(classes), class_tiles(classes))


def _assembled(results: ClassResults | NumberResults, verdict: str, tiles: tuple[Tile, ...]) -> Report:
    notes, n = [sentence(note) for note in results.evaluation.notes], len(results.inputs.y)
    if isinstance(results, ClassResults) and (promised := promised_accuracy(results)) is not None:
        notes.insert(0, promised)
    if results.n_repeated:
        notes.insert(0, sentence(repeated_note(results.n_repeated, n)))
    if n < results.inputs.n_given:
        notes.insert(0, f"Only a random sample of {n:,} of the {results.inputs.n_given:,} items was used.")
    sections = {}
    for name, short, title, for_classes, for_numbers in SECTIONS:
        make: Callable[[Any], Section] | None = for_classes if isinstance(results, ClassResults) else for_numbers
        if make is not None:
            sections[name] = replace(make(results), title=title, short_title=short)
    return Report(results.evaluation, verdict, tiles, tuple(notes), sections)


def _columns(groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    """Return the columns of groups by name, a single one as "group"."""
    named = groups if isinstance(groups, (Mapping, pd.DataFrame)) else {} if groups is None else {"group": groups}
    return {str(name): list(values) for name, values in named.items()}


# name, title in the navigation, title, section of a classifier, section of a regressor
SECTIONS: Final = (
    ("task", "Task", "The task", task, task),
    ("curve", "More labels", "What more labels would bring", learning, learning),
    ("method", "Method", "Why this method", method, method),
    ("confusions", "Confusions", "Which classes it confuses", failures.confusions, None),
    ("calibration", "Calibration", "Are its probabilities right?", failures.calibration, None),
    ("unknowns", "Unknowns", "Items of unknown classes", failures.unknowns, None),
    ("classes", "Classes", "Results by class", failures.classes, None),
    ("fit", "Fit", "Predicted and true values", None, number_sections.fit),
    ("residuals", "Errors", "Where the errors are", None, number_sections.residuals),
    ("coverage", "Intervals", "Are its intervals right?", None, number_sections.coverage),
    ("groups", "Groups", "Results by group", failures.groups, failures.groups),
    ("mistakes", "Mistakes", "The worst mistakes", failures.mistakes, failures.mistakes),
    ("labels", "Labels", "Labels that may be wrong", failures.wrong_labels, None),
    ("next", "Next", "What to label next", failures.next_labels, failures.next_labels),
    ("cost", "Cost", "What it costs", cost, cost),
    ("reproduce", "Reproduce", "How to reproduce it", reproduction, reproduction),
)
