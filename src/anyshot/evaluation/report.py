"""The report: how good a model is, what more labels would bring, where it fails and whom; one file to show."""

import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from anyshot.checks import RandomState
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.answers import Evaluation
from anyshot.evaluation.findings import (
    Findings,
    ask,
    next_to_label,
    own_curve,
    plain_labels,
    training_errors,
)
from anyshot.evaluation.printing import as_text
from anyshot.evaluation.protocols import LearningCurve, Predictor
from anyshot.evaluation.report_failures import (
    by_class,
    by_group,
    confusions,
    mistakes,
    next_labels,
    trust,
    unknowns,
    wrong_labels,
)
from anyshot.evaluation.report_page import Page, Part, Section, render
from anyshot.evaluation.report_sections import asked, choice, cost, labels_worth, reproduced, tiles, verdict, warnings
from anyshot.items import Items
from anyshot.labels import Labels

TITLE = "How good is this model?"


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What is known of a model, to look at, to work with and to send to somebody."""

    evaluation: Evaluation
    figures: dict[str, Figure]
    """Pictures by name: "curve", "reliability", "confusions", "groups", "unknowns", as far as the model allows."""
    tables: dict[str, pd.DataFrame]
    """Tables by name: "classes", "confusions", "groups", "mistakes", "label_errors", "leaderboard", ..."""
    page: Page

    def to_html(self, *, title: str = TITLE) -> str:
        """Return the whole report as one HTML page that needs no network."""
        return render(Page(title, self.page.verdict, self.page.tiles, self.page.sections, self.page.warnings))

    def save(self, file: str | os.PathLike[str], *, title: str = TITLE) -> Path:
        """Write the page to a file and return its path."""
        target = Path(file)
        target.write_text(self.to_html(title=title), encoding="utf-8")
        return target

    def __str__(self) -> str:
        return f"{self.page.verdict}\n\n{as_text(self.evaluation.__rich__())}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # A frame of its own keeps the page's style and the notebook's apart.
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" title="{TITLE}" style="width:100%;height:44rem;border:0"></iframe>'


def report(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None = None,
    train: tuple[Items, Labels] | None = None,
    curve: LearningCurve | None = None,
    pool: Items | None = None,
    random_state: RandomState = 0,
) -> Report:
    """Report on a fitted model by items with known classes that it has not learned from.

    Parameters
    ----------
    model : any fitted classifier with `predict`; what else it can say is shown: `predict_proba`, `classes_`, `explain`,
        `closeness`, `suggest`, `leaderboard_`, `reasons_`
    X : n items: texts, images, vectors or rows of a table; of more than 20,000, as many are drawn, and it is said
    y : n labels, None for none; classes that the model does not know are shown as never seen
    groups : the group of each item (n,), or several such columns by name
    train : the items and labels that the model learned from, to count them, to look for wrong ones, and, unless `curve`
        is given, to measure a learning curve: some twenty further fits
    curve : what `learning_curve` returned
    pool : items without labels, among which to look for those to label next
    random_state : draws the sample of more than 20,000 items

    Raises
    ------
    InputError
        Items, labels and groups differ in number, or `predict_proba` gives no probabilities.
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
    found = ask(model, X, y, groups=_columns(groups), random_state=random_state)
    learned = None if train is None else plain_labels(train[1])
    if curve is None and train is not None:
        curve = _curve_if_possible(found, train)
    parts: list[Part] = [
        asked(found, learned),
        labels_worth(curve),
        choice(found),
        confusions(found),
        trust(found),
        unknowns(found),
        by_class(found, learned),
        by_group(found, learned),
        mistakes(found),
        wrong_labels(found, None if train is None else (train[0], training_errors(found, train))),
        next_labels(found, pool, None if pool is None else next_to_label(found, pool)),
        cost(found),
        reproduced(found, random_state),
    ]
    shown: list[Section] = [part.section for part in parts if part.section is not None]
    return Report(
        found.evaluation,
        {name: figure for part in parts for name, figure in part.figures.items()},
        {name: table for part in parts for name, table in part.tables.items()},
        Page(TITLE, verdict(found), tiles(found, learned), tuple(shown), warnings(found)),
    )


def _columns(groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    """Return the columns of groups by name, a single one as "group"."""
    if groups is None:
        return {}
    if isinstance(groups, (Mapping, pd.DataFrame)):
        return {str(name): list(one) for name, one in groups.items()}
    return {"group": list(groups)}


def _curve_if_possible(found: Findings, train: tuple[Items, Labels]) -> LearningCurve | None:
    try:
        return own_curve(found, train)
    except NotEnoughLabelsError:
        return None
