"""Changes of a served model: each is applied to a copy of the classifier, which nobody sees until it is on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias

from anyshot import data as datasets
from anyshot.base.items import Item
from anyshot.base.labels import Label
from anyshot.base.messages import collecting, warn
from anyshot.errors import LeakWarning

Change: TypeAlias = Callable[[Any], None]
"""What changes a fitted classifier, which is a copy."""
SLOW_FIT: Final = 2_000_000
"""Labels times classes times width of the vectors from which a fit takes more than a tenth of a second."""


@contextmanager
def model_input(items: Sequence[Item]) -> Iterator[Any]:
    """Give items as a model takes them: rows of features, which are objects here, as a table, and others unchanged.

    Warnings of rows are dropped, since they show them, and logs hold no items: each answer says it of its own row.
    Those of columns that determine the label are issued.
    """
    if not (items and isinstance(items[0], dict)):
        yield items
        return
    with collecting() as found:
        yield datasets.table_of_rows(items)
    for one in found:
        if isinstance(one, LeakWarning):
            warn(one)


@dataclass(frozen=True)
class AddExamples:
    """The change that learns from labeled items."""

    items: Sequence[Item]
    labels: Sequence[Label]

    def __call__(self, classifier: Any) -> None:
        """Learn from the items."""
        with model_input(self.items) as items:
            classifier.partial_fit(items, self.labels)


@dataclass(frozen=True)
class AddUnlabeled:
    """The change that learns from items without labels."""

    items: Sequence[Item]

    def __call__(self, classifier: Any) -> None:
        """Learn from the items."""
        with model_input(self.items) as items:
            classifier.partial_fit(unlabeled=items)


def adding_class(name: Label, description: Any = None, examples: Sequence[Item] = ()) -> Change:
    """Return the change that adds a class; where a fit takes long, alone, so that it is answered at once.

    description: a text, Words, several of them, or a vector.
    """

    def add(classifier: Any) -> None:
        with model_input(examples) as items:
            classifier.add_class(name, description, examples=items, refit=not fits_slowly(classifier))

    return add


def noting(change: Change, said: list[str]) -> Change:
    """Return the same change, which adds to `said` what it warns of, such as classes that look alike."""

    def noted(classifier: Any) -> None:
        with collecting() as found:
            change(classifier)
        for one in found:
            warn(one)
        said.extend(map(str, found))

    return noted


def fit_classes(classifier: Any) -> None:
    """Fit all classes, where some were added alone."""
    if classifier.any_shot_model().provisional:
        classifier.partial_fit([], [])


def fits_slowly(classifier: Any) -> bool:
    """Return whether a class that is added should be answered before all classes are fitted again."""
    data = classifier.any_shot_model().data
    return bool(len(data.index) * data.class_embeddings.size >= SLOW_FIT)


def joined(changes: Sequence[Change]) -> Change:
    """Return one change with the effect of several of the same kind, labeled or unlabeled items."""
    if len(changes) == 1:
        return changes[0]
    if isinstance(changes[0], AddExamples):
        examples = [change for change in changes if isinstance(change, AddExamples)]
        labels = [label for change in examples for label in change.labels]
        return AddExamples([item for change in examples for item in change.items], labels)
    unlabeled = [change for change in changes if isinstance(change, AddUnlabeled)]
    return AddUnlabeled([item for change in unlabeled for item in change.items])


def in_groups(changes: Sequence[Change]) -> Iterator[list[int]]:
    """Yield the positions of neighboring changes that can be joined, those of another kind alone.

    >>> changes = [AddExamples(["a"], ["x"]), AddExamples(["b"], ["y"]), fit_classes, fit_classes]
    >>> list(in_groups(changes))
    [[0, 1], [2], [3]]
    """
    for kind, rows in groupby(range(len(changes)), key=lambda row: type(changes[row])):
        if issubclass(kind, AddExamples | AddUnlabeled):
            yield list(rows)
        else:
            yield from ([row] for row in rows)
