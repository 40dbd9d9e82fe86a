"""Changes of a served model: each is applied to a copy of the classifier, which nobody sees until it is on disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Protocol, TypeAlias

from anyshot.base.items import Item
from anyshot.base.labels import Label

Description: TypeAlias = Any  # a text, Words, several of them, or a vector
SLOW_FIT: Final = 2_000_000
"""Labels times classes times width of the vectors from which a fit takes more than a tenth of a second."""


class Change(Protocol):
    """A change of a fitted classifier."""

    def apply(self, classifier: Any) -> None:
        """Change the classifier, which is a copy."""
        ...


@dataclass(frozen=True)
class AddExamples:
    """Labeled items."""

    items: Sequence[Item]
    labels: Sequence[Label]

    def apply(self, classifier: Any) -> None:
        """Learn from the items."""
        classifier.partial_fit(self.items, self.labels)


@dataclass(frozen=True)
class AddUnlabeled:
    """Items without labels."""

    items: Sequence[Item]

    def apply(self, classifier: Any) -> None:
        """Learn from the items."""
        classifier.partial_fit(unlabeled=self.items)


@dataclass(frozen=True)
class AddClass:
    """A new class."""

    name: Label
    description: Description = None
    examples: Sequence[Item] = field(default=())

    def apply(self, classifier: Any) -> None:
        """Add the class; where a fit takes long, alone, so that it is answered at once."""
        refit = not fits_slowly(classifier)
        classifier.add_class(self.name, self.description, examples=self.examples, refit=refit)


@dataclass(frozen=True)
class RemoveClass:
    """A class that is removed."""

    name: Label

    def apply(self, classifier: Any) -> None:
        """Remove the class."""
        classifier.remove_class(self.name)


@dataclass(frozen=True)
class EditClass:
    """Another name of a class, another description, or both."""

    name: Label
    new_name: Label = None
    description: Description = None
    described: bool = False  # whether the description replaces the earlier ones

    def apply(self, classifier: Any) -> None:
        """Describe the class, then rename it."""
        if self.described:
            classifier.describe_class(self.name, self.description)
        if self.new_name is not None:
            classifier.rename_class(self.name, self.new_name)


@dataclass(frozen=True)
class MergeClasses:
    """Classes that become one."""

    names: Sequence[Label]
    into: Label

    def apply(self, classifier: Any) -> None:
        """Merge the classes."""
        classifier.merge_classes(self.names, self.into)


@dataclass(frozen=True)
class FitClasses:
    """A fit of all classes, where some were added alone."""

    def apply(self, classifier: Any) -> None:
        """Fit the classes."""
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

    >>> changes = [AddExamples(["a"], ["x"]), AddExamples(["b"], ["y"]), RemoveClass("x"), RemoveClass("y")]
    >>> list(in_groups(changes))
    [[0, 1], [2], [3]]
    """
    for kind, rows in groupby(range(len(changes)), key=lambda row: type(changes[row])):
        if issubclass(kind, AddExamples | AddUnlabeled):
            yield list(rows)
        else:
            yield from ([row] for row in rows)
