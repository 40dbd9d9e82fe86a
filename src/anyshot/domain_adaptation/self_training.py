"""Self-training: the model's surest answers on the target become its labels, round by round."""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone

from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, domains_stacked, fitted_base, probabilities
from anyshot.domain_adaptation.normalization import Normalize, Table
from anyshot.errors import InputError

# In round r of R, the surest r / R of each class's answers are believed, class by class: the surest overall would be of
# the easy classes alone (Zou, Yu, Kumar, Wang. Unsupervised Domain Adaptation for Semantic Segmentation via
# Class-Balanced Self-Training. ECCV 2018, section 4). Every round learns from the source and from what is believed.


def surest(answers: NDArray[np.floating], share: float) -> Indexes:
    """Return the rows of answers (n, c), in order, that are the surest `share` of those with the same best class."""
    best, sureness = answers.argmax(axis=1), answers.max(axis=1)
    rows = [np.flatnonzero(best == k) for k in np.unique(best)]
    kept = [row[np.argsort(-sureness[row], kind="stable")[: int(np.ceil(share * len(row)))]] for row in rows]
    return np.sort(np.concatenate(kept))


class SelfTraining(AdaptedClassifier):
    """Learn from the source, then from its own surest answers on the target too, more of them each round.

    Parameters
    ----------
    rounds : int, default=5
        After the last, every target item's answer is believed.
    base : classifier, default=None
        Must have `predict_proba`. Logistic regression if not given. An adapted classifier, such as
        `MSDA()`, is given the target in every round.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores before all else.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    model_ : classifier
        The fitted base of the last round.

    References
    ----------
    Zou, Yu, Kumar, Wang. Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training.
    ECCV 2018.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["a", "a", "b", "b"], [[0.0], [3.0], [4.0], [5.0]]
    >>> SelfTraining(normalize=None).fit(X, y, target=target).predict(target)
    array(['a', 'b', 'b', 'b'], dtype='<U1')
    """

    def __init__(
        self, *, rounds: int = 5, base: ClassifierMixin | None = None, normalize: Normalize = "domain"
    ) -> None:
        self.rounds = rounds
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if self.rounds < 1:
            raise InputError(f"rounds={self.rounds} must be at least 1.")
        model = self._learned(domains.source, domains.index, domains.target)
        if not hasattr(model, "predict_proba"):
            raise InputError(f"Self-training needs a base with predict_proba; {type(model).__name__} has none.")
        for number in range(1, self.rounds + 1):
            answers = probabilities(model, domains.target, domains.n_classes)
            rows = surest(answers, number / self.rounds)
            both = domains_stacked(domains.source, domains.target[rows])
            index = np.concatenate([domains.index, answers[rows].argmax(axis=1)])
            model = self._learned(both, index, domains.target)
        self.model_ = model

    def _learned(self, table: Table, index: Indexes, target: Table) -> ClassifierMixin:
        if isinstance(self.base, AdaptedClassifier):
            return clone(self.base).fit(table, index, target=target)
        return fitted_base(self.base, table, index)
