"""Feature generation: an ordinary classifier trained on generated features of the unseen classes."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import Indexes, RandomState, Vectors
from anyshot.zero_shot.base import ProbabilisticZeroShotEstimator
from anyshot.zero_shot.gfzsl import GFZSL


class FeatureGeneration(ProbabilisticZeroShotEstimator):
    """Sample features of the unseen classes from `GFZSL`, then train logistic regression on all classes.

    Parameters
    ----------
    n_samples : int or "match", default="match"
        Features generated for each unseen class; "match" uses the mean number of items of a seen class.
    C : float, default=10.0
        Inverse penalty of the logistic regression.
    shrinkage, penalty : floats, defaults 0.3 and 0.1
        Of the Gaussian model; see `GFZSL`.
    random_state : int, generator or None, default=None
        Of the generated features.

    Attributes
    ----------
    generator_ : GFZSL
        The model that generates features.
    head_ : LogisticRegression
        Over all classes.

    References
    ----------
    Xian, Lorenz, Schiele, Akata. Feature Generating Networks for Zero-Shot Learning. CVPR 2018: the protocol, with
    Gaussian distributions instead of the adversarial network.
    """

    _min_seen = 2

    def __init__(
        self,
        *,
        n_samples: int | Literal["match"] = "match",
        C: float = 10.0,
        shrinkage: float = 0.3,
        penalty: float = 0.1,
        random_state: RandomState = None,
    ) -> None:
        self.n_samples: int | Literal["match"] = n_samples
        self.C = C
        self.shrinkage = shrinkage
        self.penalty = penalty
        self.random_state = random_state

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.generator_ = GFZSL(shrinkage=self.shrinkage, penalty=self.penalty)
        self.generator_.fit(X, y, class_vectors=self.class_vectors_)
        n = round(len(y) / len(self.seen_classes_)) if self.n_samples == "match" else self.n_samples
        features, index = self.generator_.sample(self.unseen_classes_, n_samples=n, random_state=self.random_state)
        head = LogisticRegression(C=self.C, max_iter=1000)
        self.head_ = head.fit(np.concatenate([X, features]), np.concatenate([y, index]))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return np.asarray(self.head_.predict_log_proba(X))
