"""Sampling of what is trained on together: batches of similar lengths, episodes (small tasks), and pairs of items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes
from anyshot.errors import NotEnoughLabelsError


class Pairs(NamedTuple):
    """Pairs of items, and whether both are of the same class."""

    left: Indexes  # (n,) rows
    right: Indexes  # (n,) rows
    same: NDArray[np.bool_]  # (n,)


@dataclass(frozen=True)
class Episodes:
    """Labeled items from which episodes are sampled: some classes, and some different items of each.

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

        All classes are of one group, sampled with probability proportional to its number of classes, so that the
        tasks are as hard as within a group. A group with fewer than `n_classes` contributes all its classes.
        """
        sizes = np.array([len(group) for group in self.groups])
        group = self.groups[generator.choice(len(sizes), p=sizes / sizes.sum())]
        classes = generator.permutation(len(group))[: self.n_classes]
        return np.stack([generator.choice(group[one], self.n_each, replace=False) for one in classes])


def episodes_of(index: Indexes, *, n_classes: int, n_each: int, groups: Indexes | None = None) -> Episodes:
    """Group labeled items for episodes.

    index (n,): the class of each item, -1 for none; groups (n,): the group of each item's class, by default the same
    for all. Classes with fewer than `n_each` items are left out, and groups with fewer than two classes.

    Raises
    ------
    NotEnoughLabelsError
        No group has two classes with `n_each` items each.
    """
    of_item = np.zeros_like(index) if groups is None else groups
    rows_by_group: dict[int, list[Indexes]] = {}
    order = np.argsort(index, kind="stable")
    order = order[index[order] >= 0]
    classes = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    for rows in classes:
        if len(rows) >= n_each:
            rows_by_group.setdefault(int(of_item[rows[0]]), []).append(rows)
    usable = [group for group in rows_by_group.values() if len(group) > 1]
    if not usable:
        most = max((len(rows) for rows in classes), default=0)
        raise NotEnoughLabelsError(
            f"An episode needs at least two classes with {n_each} items each"
            f"{' in one group' if groups is not None else ''}; the largest of {len(classes)} classes has {most}. "
            "Label more, or request fewer items of each class."
        )
    return Episodes(usable, n_classes, n_each)


def draw_pairs(index: Indexes, *, n_pairs: int, generator: np.random.Generator) -> Pairs:
    """Sample pairs of items, half of the same class and half of different classes, with all classes equally likely.

    index (n,): the class of each item. SetFit also samples half and half (Tunstall et al., 2022, section 3.1). If no
    class has two items, every pair is of different classes; an item is never paired with itself.

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
    pairs = np.empty((n_pairs, 2), np.intp)
    for number in range(n_pairs):
        if number < n_same:
            pairs[number] = generator.choice(several[generator.integers(len(several))], 2, replace=False)
        else:
            one, other = generator.choice(len(members), 2, replace=False)
            pairs[number] = generator.choice(members[one]), generator.choice(members[other])
    return Pairs(pairs[:, 0], pairs[:, 1], np.arange(n_pairs) < n_same)


def similar_lengths(
    lengths: Sequence[int] | NDArray[np.integer], rows: Indexes, *, batch_size: int, generator: np.random.Generator
) -> list[Indexes]:
    """Return shuffled batches of `rows`, each of texts of similar length, to reduce padding.

    lengths (n,): of every item; rows (m,): the items to use, each once. Fifty batches of randomly chosen rows at a time
    are sorted by length, and the batches are shuffled, so that batches remain largely random.
    """
    shuffled = generator.permutation(np.asarray(rows, dtype=np.intp))
    length_of = np.asarray(lengths)
    batched: list[Indexes] = []
    for first in range(0, len(shuffled), 50 * batch_size):
        window = shuffled[first : first + 50 * batch_size]
        window = window[np.argsort(length_of[window], kind="stable")]
        batched += [window[start : start + batch_size] for start in range(0, len(window), batch_size)]
    return [batched[index] for index in generator.permutation(len(batched))]
