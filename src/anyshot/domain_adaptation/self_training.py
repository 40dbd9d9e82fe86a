"""Self-training: add the most confident predictions on the target to the training data, round by round."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import ClassifierMixin, clone

from anyshot.base.validation import Indexes, check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base, probabilities
from anyshot.domain_adaptation.domains import Domains, Floats, stack_domains
from anyshot.errors import InputError

# Round r of R uses the most confident r / R of the predictions of each class; the most confident of all would come
# from the easy classes only (Zou et al., section 4).


def most_confident(predicted: Floats, fraction: float) -> Indexes:
    """Return the sorted rows of the most confident `fraction` of each predicted class; predicted (n, c)."""
    best, confidence = predicted.argmax(axis=1), predicted.max(axis=1)
    rows = [np.flatnonzero(best == k) for k in np.unique(best)]
    chosen = [row[np.argsort(-confidence[row], kind="stable")[: int(np.ceil(fraction * len(row)))]] for row in rows]
    return np.sort(np.concatenate(chosen))


@dataclass(kw_only=True, eq=False, repr=False)
class SelfTraining(AdaptedClassifier):
    """Train the base classifier on the source and on its own most confident predictions on the target.

    Parameters
    ----------
    rounds : int, default=5
        Number of rounds; the last one uses the predictions for all target items.
    base : classifier, default=None
        Must have `predict_proba`. None means logistic regression. An adapted classifier, such as `MSDA()`, receives
        the target in every round.
    normalize : see `AdaptedClassifier`, as for the attributes

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

    rounds: int = 5

    def _adapt(self, domains: Domains) -> None:
        check_whole(1, rounds=self.rounds)
        model = self._fit(domains)
        if not hasattr(model, "predict_proba"):
            raise InputError(f"Self-training needs a base with predict_proba; {type(model).__name__} has none.")
        for number in range(1, self.rounds + 1):
            predicted = probabilities(model, domains.target, domains.n_classes)
            rows = most_confident(predicted, number / self.rounds)
            weights = None if domains.weights is None else np.concatenate([domains.weights, np.ones(len(rows))])
            joined = replace(
                domains,
                source=stack_domains(domains.source, domains.target[rows]),
                index=np.concatenate([domains.index, predicted[rows].argmax(axis=1)]),
                weights=weights,
            )
            model = self._fit(joined)
        self.model_ = model

    def _fit(self, domains: Domains) -> ClassifierMixin:
        if not isinstance(self.base, AdaptedClassifier):
            return fit_base(self.base, domains.source, domains.index, domains.weights)
        model = clone(self.base)
        return model.fit(domains.source, domains.index, target=domains.target, sample_weight=domains.weights)
