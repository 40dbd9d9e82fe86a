"""Density-ratio weighting: weight the source items by how much more frequent they are in the target."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from anyshot.base.threads import threads_for
from anyshot.base.validation import is_number
from anyshot.domain_adaptation.base import AdaptedClassifier, ScaledLogisticRegression, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats, Normalize, Table, stack_with_folds
from anyshot.errors import EffectiveSampleError, InputError
from anyshot.evaluation.intervals import effective_size

# If the domains differ in p(x) but not in p(y | x), the target's risk is the source's with each item weighted by
# p_target(x) / p_source(x) (Shimodaira). That ratio is (n_s / n_t) times the odds of "target" by a classifier of the
# domains (Bickel et al., eq. 5). Odds of training items are too extreme, so they are cross-validated; and the penalty
# makes them too mild where the domains hardly overlap, so they are calibrated (Platt).

N_FOLDS: Final = 3  # of the classifier of the domains
CALIBRATION_C: Final = 1000.0  # hardly any penalty: it has two parameters


def density_ratio(source: Table, target: Table, *, exponent: float = 1.0) -> Floats:
    """Return the weight of each source item (n_s,), with mean 1; source (n_s, d), target (n_t, d).

    exponent: power of the ratio, from 1, the ratio itself, to 0, uniform weights (Shimodaira's compromise).
    """
    items, domain, fold = stack_with_folds(source, target, N_FOLDS)
    with threads_for(items.shape[0] * items.shape[1]):
        scores = cross_val_predict(
            ScaledLogisticRegression(tol=1e-2), items, domain, cv=PredefinedSplit(fold), method="decision_function"
        )[:, None]  # (n, 1)
        calibration = LogisticRegression(C=CALIBRATION_C, tol=1e-3, max_iter=1000).fit(scores, domain)
        logits = exponent * calibration.decision_function(scores)[: source.shape[0]]
    weights: Floats = np.exp(logits - logits.max())
    return np.asarray(weights / weights.mean())


@dataclass(kw_only=True, eq=False, repr=False)
class DensityRatioWeighting(AdaptedClassifier):
    """Train the base classifier on the source, each item weighted by the density ratio of target to source.

    Parameters
    ----------
    exponent : float, default=1.0
        Power of the ratio: 1 is the ratio itself, 0 gives uniform weights.
    min_sample_fraction : float, default=0.05
        Lowest effective sample size, as a fraction of the source items.
    base : classifier, default=None
        Must accept `sample_weight`. None means logistic regression.
    normalize : {"source", "domain", None}, default="source"
        Statistics used to standardize the vectors. "domain" would remove the shift that the weights correct.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Weights of the source items, with mean 1; absent if `fit` had no target.
    effective_sample_size_ : float
        Effective sample size of the weights [items]; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    References
    ----------
    Shimodaira. Improving predictive inference under covariate shift. J. Statistical Planning and Inference 2000.
    Bickel, Brueckner, Scheffer. Discriminative Learning Under Covariate Shift. JMLR 2009.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0, 0, 1, 1, 0, 0]
    >>> model = DensityRatioWeighting().fit(X, y, target=[[0.5], [1.5], [2.5], [3.0], [2.0]])
    >>> model.effective_sample_size_ < 6
    True
    """

    exponent: float = 1.0
    min_sample_fraction: float = 0.05
    normalize: Normalize = "source"

    def _adapt(self, domains: Domains) -> None:
        for name, value in (("exponent", self.exponent), ("min_sample_fraction", self.min_sample_fraction)):
            if not (is_number(value) and 0 <= value <= 1):
                raise InputError(f"{name}={value!r} must be a number from 0 to 1.")
        self.weights_ = density_ratio(domains.source, domains.target, exponent=self.exponent)
        self.effective_sample_size_ = effective_size(self.weights_)
        n, size = len(self.weights_), self.effective_sample_size_
        if size < self.min_sample_fraction * n:
            raise EffectiveSampleError(
                f"The effective sample size is {size:.1f} of {n} source items ({100 * size / n:.1f} %); at least "
                f"{100 * self.min_sample_fraction:.1f} % is required. The domains hardly overlap: keep the source "
                "model, use a method that transforms the vectors, use fewer features, or lower exponent."
            )
        counted = self.weights_ if domains.weights is None else self.weights_ * domains.weights
        self.model_ = fit_base(self.base, domains.source, domains.index, counted)
