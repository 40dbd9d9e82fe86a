"""The head: a linear classifier of unit-length features, which starts where a closed form ended."""

from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from anyshot.base.validation import Vectors

NEVER: Final = 20.0
"""How far below the lowest score a class begins of which nothing is known: training would choke on minus infinity."""


def finite(intercept: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return offsets (c,) of which none is minus infinity, as a closed form's are of classes it knows nothing of."""
    lowest = float(intercept[np.isfinite(intercept)].min(initial=0.0)) - NEVER
    raised: NDArray[np.floating] = np.maximum(intercept, lowest)
    return raised


class LinearHead(nn.Module):
    """Scores of classes: z = unit(features), z' = unit(z - center) where there is a center, scores = W z' + b.

    Parameters
    ----------
    coef : ndarray of shape (c, width)
        W to start from.
    intercept : ndarray of shape (c,)
        b to start from; finite.
    center : ndarray of shape (width,), optional
        Stays as it is.
    """

    center: Tensor | None

    def __init__(
        self, coef: Vectors, intercept: NDArray[np.floating], *, center: NDArray[np.floating] | None = None
    ) -> None:
        super().__init__()
        self.coef = nn.Parameter(torch.tensor(coef, dtype=torch.float32))
        self.intercept = nn.Parameter(torch.tensor(intercept, dtype=torch.float32))
        self.register_buffer("center", None if center is None else torch.tensor(center, dtype=torch.float32))

    @classmethod
    def blank(cls, n_classes: int, width: int) -> Self:
        """Return a head that knows nothing: every class is as likely."""
        return cls(np.zeros((n_classes, width), np.float32), np.zeros(n_classes, np.float32))

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores (n, c) of features (n, width)."""
        return linear(self.placed(features), self.coef, self.intercept)

    def placed(self, features: Tensor) -> Tensor:
        """Return what the head reads of features (n, width): unit length, and centered where there is a center."""
        z = normalize(features.float(), dim=1)
        return z if self.center is None else normalize(z - self.center, dim=1)
