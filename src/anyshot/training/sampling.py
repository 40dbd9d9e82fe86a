"""What a step of few-label training looks at: episodes, small tasks drawn from many classes, and pairs of items."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes
from anyshot.errors import NotEnoughLabelsError


class Pairs(NamedTuple):
    """Pairs of items, and whether both are of one class."""

    left: Indexes  # (n,) rows
    right: Indexes  # (n,) rows
    same: NDArray[np.bool_]  # (n,)


@dataclass(frozen=True)
class Episodes:
    """Labeled items from which episodes are drawn: some classes, and some different items of each.

    Attributes
    ----------
    groups : list of list of ndarray
        For each group, such as an alphabet, the rows of each of its classes.
    n_classes, n_each : int
        Classes of an episode, and items of each class.
    """

    groups: list[list[Indexes]]
    n_classes: int
    n_each: int

    def draw(self, generator: np.random.Generator) -> Indexes:
        """Return the rows (classes, n_each) of one episode.

        All classes are of one group, drawn as often as it has classes: a task as hard as telling these apart is trained
        on. A group with fewer than `n_classes` gives all that it has.
        """
        sizes = np.array([len(group) for group in self.groups])
        group = self.groups[generator.choice(len(sizes), p=sizes / sizes.sum())]
        drawn = generator.permutation(len(group))[: self.n_classes]
        return np.stack([generator.choice(group[one], self.n_each, replace=False) for one in drawn])


def episodes_of(index: Indexes, *, n_classes: int, n_each: int, groups: Indexes | None = None) -> Episodes:
    """Sort labeled items for episodes.

    index (n,): the class of each item, -1 for none; groups (n,): which group the class of each item is of; without it
    all classes are of one. Classes with fewer than `n_each` items are left out, and groups with fewer than two classes.

    Raises
    ------
    NotEnoughLabelsError
        No group has two classes with `n_each` items each.
    """
    of_item = np.zeros_like(index) if groups is None else groups
    sorted_rows: dict[int, list[Indexes]] = {}
    order = np.argsort(index, kind="stable")
    order = order[index[order] >= 0]
    classes = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    for rows in classes:
        if len(rows) >= n_each:
            sorted_rows.setdefault(int(of_item[rows[0]]), []).append(rows)
    kept = [group for group in sorted_rows.values() if len(group) > 1]
    if not kept:
        most = max((len(rows) for rows in classes), default=0)
        raise NotEnoughLabelsError(
            f"An episode needs at least two classes with {n_each} items each"
            f"{' in one group' if groups is not None else ''}; the largest of {len(classes)} classes has {most}. "
            "Label more, or ask for fewer items of each class."
        )
    return Episodes(kept, n_classes, n_each)


def draw_pairs(index: Indexes, *, n_pairs: int, generator: np.random.Generator) -> Pairs:
    """Draw pairs of items, half of them of one class and half of two, each class as often as any other.

    index (n,): the class of each item. Half and half is what SetFit draws (Tunstall et al., 2022, section 3.1). Where
    no class has two items every pair is of two classes; an item is never paired with itself.

    Raises
    ------
    NotEnoughLabelsError
        There are fewer than two classes.
    """
    members = [np.flatnonzero(index == one) for one in np.unique(index[index >= 0])]
    if len(members) < 2:
        raise NotEnoughLabelsError(f"Pairs need items of at least two classes; there is {len(members)}. Label more.")
    several = [rows for rows in members if len(rows) > 1]
    n_same = n_pairs // 2 if several else 0
    drawn = np.empty((n_pairs, 2), np.intp)
    for place in range(n_pairs):
        if place < n_same:
            drawn[place] = generator.choice(several[generator.integers(len(several))], 2, replace=False)
        else:
            one, other = generator.choice(len(members), 2, replace=False)
            drawn[place] = generator.choice(members[one]), generator.choice(members[other])
    return Pairs(drawn[:, 0], drawn[:, 1], np.arange(n_pairs) < n_same)
