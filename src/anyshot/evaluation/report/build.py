"""The report: how good a model is, what more labels would bring, where it fails and whom; one file to show."""

import html
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, NoReturn, TypeVar

import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.base import is_regressor

from anyshot.base.files import atomic_file
from anyshot.base.items import Items, Labels
from anyshot.errors import MissingPartError
from anyshot.evaluation.classification import Evaluation
from anyshot.evaluation.learning_curves import LearningCurve, Predictor
from anyshot.evaluation.printing import as_text
from anyshot.evaluation.regression import NumberEvaluation
from anyshot.evaluation.regression_curve import NumberCurve
from anyshot.evaluation.report.collect import Asked, Extras
from anyshot.evaluation.report.failures import (
    by_class,
    by_group,
    confusions,
    mistakes,
    next_labels,
    trust,
    unknowns,
    wrong_labels,
)
from anyshot.evaluation.report.findings import Findings, ask
from anyshot.evaluation.report.number_findings import NumberFindings, ask_for_numbers
from anyshot.evaluation.report.number_sections import (
    agreement,
    coverage,
    number_asked,
    number_groups,
    number_labels_worth,
    number_mistakes,
    number_next,
    number_tiles,
    number_verdict,
    residuals,
)
from anyshot.evaluation.report.render import Page, Part, Tile, render
from anyshot.evaluation.report.sections import (
    asked,
    choice,
    cost,
    labels_worth,
    method,
    reproduced,
    tiles,
    verdict,
    warnings,
)

TITLE = "How good is this model?"


T = TypeVar("T")
F = TypeVar("F", bound=Asked)


@dataclass(frozen=True)
class Kind(Generic[F]):
    """What is asked of one kind of model, and what is said of its answers, in the page's order."""

    ask: Callable[..., F]
    verdict: Callable[[F], str]
    tiles: Callable[[F], tuple[Tile, ...]]
    sections: tuple[Callable[[F], Part], ...]


CLASSES: Final = Kind[Findings](
    ask, verdict, tiles,
    (
        asked, labels_worth, choice, confusions, trust, unknowns, by_class, by_group, mistakes, wrong_labels,
        next_labels, cost, reproduced,
    ),
)  # fmt: skip
NUMBERS: Final = Kind[NumberFindings](
    ask_for_numbers, number_verdict, number_tiles,
    (
        number_asked, number_labels_worth, method, agreement, residuals, coverage, number_groups, number_mistakes,
        number_next, cost, reproduced,
    ),
)  # fmt: skip


class Parts(dict[str, T]):
    """Figures or tables by name; asked for one that is not there, it says what that would have needed."""

    def __init__(self, parts: Mapping[str, T], missing: Mapping[str, str]) -> None:
        super().__init__(parts)
        self._missing = missing

    def __missing__(self, name: str) -> NoReturn:
        there = f"There is no {name!r} among {', '.join(self) or 'nothing'}."
        raise MissingPartError(self._missing.get(name, there))


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What is known of a model, to look at, to work with and to send to somebody."""

    evaluation: Evaluation | NumberEvaluation
    figures: Parts[Figure]
    """Pictures by name: "curve", "reliability", "confusions", "groups", "unknowns"; of a regressor "agreement",
    "residuals", "coverage" too."""
    tables: Parts[pd.DataFrame]
    """Tables by name: "classes", "confusions", "groups", "mistakes", "label_errors", "leaderboard", "cost", ..."""
    missing: Mapping[str, str]
    """The figures and tables that are not there, each with what it would need and how to get it."""
    page: Page

    def to_html(self, *, title: str = TITLE) -> str:
        """Return the whole report as one HTML page that needs no network."""
        return render(Page(title, self.page.verdict, self.page.tiles, self.page.sections, self.page.warnings))

    def save(self, file: str | os.PathLike[str], *, title: str = TITLE) -> Path:
        """Write the page to a file and return its path; an old file stays whole until the new one is complete."""
        target = Path(file)
        with atomic_file(target) as part:
            part.write_text(self.to_html(title=title), encoding="utf-8")
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
    sample_weight: ArrayLike | None = None,
    train: tuple[Items, Labels] | None = None,
    curve: LearningCurve | NumberCurve | None = None,
    pool: Items | None = None,
) -> Report:
    """Report on a fitted model by items with known classes, or numbers, that it has not learned from.

    What cannot be shown, for want of data or because the model cannot say it, is named on the page and in `.missing`
    with the way to get it.

    Parameters
    ----------
    model : any fitted classifier or regressor with `predict`; what else it can say is shown: `predict_proba`,
        `classes_`, `explain`, `closeness`, `suggest`, `leaderboard_`, `reasons_`, `predict_interval`
    X : n items: texts, images, vectors or rows of a table; of more than 20,000, as many are drawn, and it is said
    y : n labels, None for none; classes that the model does not know are shown as never seen. n numbers for a regressor
    groups : the group of each item (n,), or several such columns by name
    sample_weight : (n,) how much each item counts in every share and error
    train : the items and labels that the model learned from, to count them, to look for wrong ones, and, unless `curve`
        is given, to measure a learning curve: some twenty further fits
    curve : what `learning_curve` returned; for a regressor, `evaluation.number_curve.number_curve`
    pool : items without labels, among which to look for those to label next

    Raises
    ------
    InputError
        Items, labels, groups and weights differ in number, the weights sum to zero, or `predict_proba` gives no
        probabilities.
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
    extras = Extras(train, curve, pool)
    # A model need not be scikit-learn's own: without tags it is taken to name classes.
    numbers = hasattr(model, "__sklearn_tags__") and is_regressor(model)
    return _made(NUMBERS if numbers else CLASSES, model, X, y, _columns(groups), sample_weight, extras)


def _made(
    kind: Kind[Any],
    model: Predictor,
    X: Items,
    y: Labels,
    groups: Mapping[str, Sequence[Any]],
    sample_weight: ArrayLike | None,
    extras: Extras,
) -> Report:
    """Ask the model, and say all that its kind has to say."""
    found = kind.ask(model, X, y, groups=groups, sample_weight=sample_weight, extras=extras)
    parts = [section(found) for section in kind.sections]
    missing = {name: needs for part in parts for name, needs in part.missing.items()}
    shown = tuple(part.section for part in parts)
    head = warnings(found, found.evaluation.notes)
    return Report(
        found.evaluation,
        Parts({name: figure for part in parts for name, figure in part.figures.items()}, missing),
        Parts({name: table for part in parts for name, table in part.tables.items()}, missing),
        missing,
        Page(TITLE, kind.verdict(found), kind.tiles(found), shown, head),
    )


def _columns(groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    """Return the columns of groups by name, a single one as "group"."""
    if groups is None:
        return {}
    if isinstance(groups, (Mapping, pd.DataFrame)):
        return {str(name): list(one) for name, one in groups.items()}
    return {"group": list(groups)}
