"""Answers that were given before the label of their item, from which the accuracy is estimated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from anyshot.app.studio.answer_accuracy import SHARPENINGS, log_odds
from anyshot.app.studio.items import Labels
from anyshot.base.validation import Indexes, Vectors

if TYPE_CHECKING:  # they load scipy and the encoders, which a project that is only looked at does not need
    from anyshot.app.studio.item_vectors import ItemVectors
    from anyshot.app.studio.learning import Learned

MAX_TESTED: Final = 1_000
"""Tested answers that are kept, the last ones, since older models differ more from the present one."""


@dataclass(frozen=True)
class TestedAnswers:
    """The answers that items had when they got their label, one for each item."""

    items: Indexes = field(default_factory=lambda: np.zeros(0, np.intp))  # (n,)
    answers: Indexes = field(default_factory=lambda: np.zeros(0, np.intp))  # (n,), ids of classes, -1 for unknown
    log_odds: Vectors = field(default_factory=lambda: np.zeros((0, len(SHARPENINGS)), np.float32))  # (n, t)

    def and_those_of(self, learned: "Learned", items: Indexes, vectors: "ItemVectors") -> Self:
        """Return these, and the answers of a model to items that it knew no label of."""
        new = vectors.known(items)[-MAX_TESTED:]
        encoded = learned.joined(new, vectors.of(new))
        kept = np.flatnonzero(~np.isin(self.items, new))
        kept = kept[max(0, len(kept) + len(new) - MAX_TESTED) :]
        return type(self)(
            np.concatenate([self.items[kept], new]),
            np.concatenate([self.answers[kept], learned.answers(encoded)[0]]),
            np.concatenate([self.log_odds[kept], log_odds(learned.probabilities(encoded)).astype(np.float32)]),
        )

    def with_labels(self, labels: Labels) -> tuple[Indexes, Indexes]:
        """Return the rows of those whose items have a label now, and the labels, -1 for unknown."""
        at = labels.rows_of(self.items)
        rows = np.flatnonzero(np.isin(self.items, labels.ids[at]))
        given = labels.labels[at]
        return rows[given != 0], given[given != 0]

    def arrays(self) -> dict[str, Any]:
        """Return what is stored."""
        return {f"tested_{name}": getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what was stored; nothing, where answers were stored without it or with other temperatures."""
        if arrays.get("tested_log_odds", np.zeros((0, 0))).shape[1] != len(SHARPENINGS):
            return cls()
        return cls(*(arrays[f"tested_{name}"] for name in cls.__dataclass_fields__))
