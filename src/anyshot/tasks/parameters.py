"""The parameters of AnyShotClassifier: whether they are in range, and the shares of classes by `class_prior`."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot.any_shot.model import METHODS
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.labels import Label, clean_names
from anyshot.base.messages import in_percent, shortened, warn
from anyshot.base.validation import Floats, generator, is_number
from anyshot.errors import ClassesError, InputError, NotEnoughLabelsError
from anyshot.zero_shot.class_shares import UNEQUAL, equal_shares

SUM_ERROR: Final = 0.02
"""Relative difference between the sum of shares and 1, or 100 percent, that may be due to rounding."""
LEAST_SHARE: Final = 1e-9
"""Smallest share of a class; the factors by which probabilities are moved to shares have the same limit."""
CONTRADICTION: Final = 0.001
"""Probability of labels as unusual as those given, below which they contradict the class shares."""
ALIKE: Final = 0.05
"""The same probability for equal class shares, above which as many labels may have been wanted of each class."""
CONTRADICTING_POOL: Final = 2.0
"""Divergence of shares found in a pool from those given, in units of their error, above which they contradict them.

From the true shares it is at most 1.1, on fourteen of the sets of `benchmarks/ablation.py` whose clusters are used, and
from equal ones 9.4 (sms_spam) and 3.4 (reuters).
"""


class Parameters(Protocol):
    """The parameters of AnyShotClassifier."""

    encoder: Any
    method: Any
    budget: Any
    class_prior: Any
    unknown_rate: Any
    long_texts: Any
    words: Any
    cache: Any
    random_state: Any

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name."""
        ...


def check_parameters(clf: Parameters) -> None:
    """Raise InputError if a parameter of the classifier is out of range."""
    budget, rate, prior = clf.budget, clf.unknown_rate, clf.class_prior
    if clf.method not in ("auto", *METHODS):
        raise InputError(f"Unknown method {clf.method!r}. Choose one of: auto, {', '.join(METHODS)}.")
    if budget not in ("fast", "best") and not (is_number(budget) and 0 < budget < np.inf):
        raise InputError(f"budget must be 'fast', 'best' or a number of seconds; got {budget!r}.")
    if rate is not None and not (is_number(rate) and 0 < rate < 1):
        raise InputError(f"unknown_rate must be None or a number between 0 and 1; got {rate!r}.")
    if not isinstance(prior, Mapping) and not (isinstance(prior, str) and prior in ("auto", "balanced", "labels")):
        hint = " Pass shares.to_dict()." if hasattr(prior, "to_dict") else ""
        raise InputError(f"class_prior must be 'auto', 'balanced', 'labels' or {{name: share}}; got {prior!r}.{hint}")
    if clf.long_texts not in ("cut", "mean"):
        raise InputError(f"long_texts must be 'cut' or 'mean'; got {clf.long_texts!r}.")
    if not isinstance(clf.words, bool | np.bool_):
        hint = "To give words of a class, put Words beside its name in classes."
        raise InputError(f"words must be True or False; got {clf.words!r}. {hint}")
    state = clf.random_state
    if state is not None and not isinstance(state, np.random.RandomState):  # a number would be taken from it
        generator(state)
    if not isinstance(clf.cache, bool | np.bool_):
        hint = "To store vectors in another folder, set ANYSHOT_CACHE."
        raise InputError(f"cache must be True or False; got {clf.cache!r}. {hint}")


def check_needs_no_items(clf: Parameters) -> None:
    """Raise NotEnoughLabelsError if a parameter of the classifier needs items, and there are only class names."""
    if clf.unknown_rate is not None:
        raise NotEnoughLabelsError(
            f"unknown_rate={clf.unknown_rate:g} needs labeled or unlabeled items to set a threshold. Give "
            "unlabeled ones (--unlabeled), or leave unknown_rate out (--unknown-rate)."
        )
    if clf.method not in ("auto", "zero-shot", "any-shot"):
        raise NotEnoughLabelsError(f"method={clf.method!r} needs labels, and there are none. Use method='auto'.")


# --- expected shares of the classes ---------------------------------------------------------------------------------


def expected_shares(class_prior: str | Mapping[Label, float], data: TrainingSet) -> NDArray[np.floating] | None:
    """Return the expected share of each class (c,), as `class_shares`; raise ClassesError if one is not given.

    Given shares that the training set has already, since they changed with its classes, stay.
    """
    if isinstance(class_prior, str):
        return class_shares(class_prior, data)
    if data.class_prior is not None:
        return data.class_prior
    given = dict(zip(clean_names(class_prior, what="classes"), class_prior.values(), strict=True))
    names = data.classes.tolist()
    wrong = next((f"names {name!r}, which is not a class" for name in given if name not in names), None)
    lacking = next((f"does not name the class {name!r}" for name in names if name not in given), None)
    if wrong or lacking:
        raise ClassesError(
            f"class_prior (--class-prior) {wrong or lacking}. Give every class a number above 0 and nothing else."
        )
    shares = [_number(given[name]) for name in names]
    for name, share in zip(names, shares, strict=True):
        if not 0 < share < np.inf:  # NaN is neither
            shown = shortened(repr(given[name]))
            raise ClassesError(
                f"class_prior (--class-prior) gives {name!r} {shown}. Give every class a number above 0."
            )
    parts = np.array([share / max(shares) for share in shares])  # their sum is no infinity
    parts = np.asarray(parts / parts.sum())
    if parts.min() < LEAST_SHARE:
        row = int(parts.argmin())
        raise ClassesError(
            f"class_prior (--class-prior) gives {names[row]!r} {shares[row]:.3g}, less than a billionth of all. Give a "
            "larger share, or leave the class out of the classes."
        )
    if min(shares) < 1 and all(abs(sum(shares) - total) > SUM_ERROR * total for total in (1, 100)):
        warn(
            f"The shares of class_prior (--class-prior) add up to {sum(shares):.3g}, not to 1. They are divided by it; "
            "give shares that add up to 1, or numbers of items, to silence this."
        )
    return parts


def _number(share: object) -> float:
    """Return a share as a number; NaN if it is none, infinity if it is too large."""
    try:
        return float(share) if is_number(share) else np.nan
    except OverflowError:
        return np.inf


def doubts_about_shares(class_prior: str | Mapping[Label, float], data: TrainingSet) -> list[str]:
    """Return why given shares may be wrong, by the labels and by the pool, and what to do, in sentences."""
    if class_prior == "labels" and not len(data.index):
        return ["There are no labels from which class shares could be taken, so all classes count as equally frequent."]
    shares = equal_shares(len(data.class_embeddings)) if class_prior == "balanced" else data.class_prior
    if class_prior in ("auto", "labels") or shares is None:
        return []
    given = "class_prior (--class-prior) gives"
    reasons, names = [], [repr(name) for name in data.classes.tolist()]
    if (row := contradicted_by_labels(shares, data)) is not None:
        of_labels = data.counts[row] / data.counts.sum()
        reasons.append(
            f"{given} {names[row]} {in_percent(shares[row])}, but {in_percent(of_labels)} of the labels are of this "
            "class; unless items were chosen for labeling by class, take the shares of the labels, with "
            "class_prior='labels' (--class-prior labels)."
        )
    if (found := contradicting_pool(shares, data)) is not None:
        row = int((shares - found).argmax())  # of two classes, both differ alike
        reasons.append(
            f"{given} {names[row]} {in_percent(shares[row])}, but {in_percent(found[row])} of the unlabeled examples "
            "seem to be of this class; if new items are like them, leave out class_prior (--class-prior), and the "
            "shares of the unlabeled examples are taken."
        )
    return reasons


def contradicted_by_labels(shares: NDArray[np.floating], data: TrainingSet) -> int | None:
    """Return the row of the class whose share, of the given ones (c,), the labels contradict most; None if none.

    Only the classes that have labels are compared. Labels of which as many may have been wanted of each class, or that
    were drawn by another plan, say nothing about shares.
    """
    labeled = np.flatnonzero(data.counts)
    counts, given = data.counts[labeled], shares[labeled] / shares[labeled].sum()
    if _few_distinct(counts, data) or _chances(counts, equal_shares(len(counts))).min() >= ALIKE:
        return None
    chances = np.where(np.abs(counts / counts.sum() / given - 1) < UNEQUAL, 1.0, _chances(counts, given))
    row = int(chances.argmin())
    return int(labeled[row]) if chances[row] < CONTRADICTION else None


def contradicting_pool(shares: NDArray[np.floating], data: TrainingSet) -> Floats | None:
    """Return the class shares (c,) that are found in the pool if they contradict the given ones (c,), else None."""
    if data.pool is None or (clusters := any_shot.fit_prior(data.with_class_prior(None)).clusters) is None:
        return None
    found = clusters.shares
    divergence = float((found * np.log(found / shares)).sum())
    return found if divergence > CONTRADICTING_POOL * data.shares_error else None


def _chances(counts: Floats, shares: NDArray[np.floating]) -> Floats:
    """Return the probability of a count of each class (c,) at least as unusual, if labels are drawn by the shares (c,).

    It is that of the two-sided exact binomial test, times the number of classes (Bonferroni). Counts may be fractions,
    those of weights, so the binomial distribution is that of the incomplete beta function.
    """
    others = counts.sum() - counts
    at_most = scipy.special.betainc(np.maximum(others, 1e-9), counts + 1, 1 - shares)
    at_least = scipy.special.betainc(np.maximum(counts, 1e-9), others + 1, shares)
    return np.asarray(np.minimum(1.0, 2 * len(counts) * np.minimum(at_most, at_least)))


def class_shares(class_prior: str, data: TrainingSet) -> NDArray[np.floating] | None:
    """Return the expected share of each class (c,); None: to be found from the pool, or equal where there is none.

    class_prior: "balanced", "labels" or "auto", which without a pool takes the shares of the labels if they look like a
    natural sample. Labels that were drawn by a plan, such as five for each class, have few distinct counts, or leave
    classes without a label.
    """
    own, n_classes = data.defaults, len(data.class_embeddings)
    if class_prior == "balanced":
        return np.full(n_classes, 1 / n_classes) if data.pool is not None else None
    if class_prior == "auto" and (data.pool is not None or drawn_by_plan(data)):
        return None
    counts = data.counts + (own.natural_share_items if class_prior == "auto" else own.label_share_items)
    return np.asarray(counts / counts.sum())


def drawn_by_plan(data: TrainingSet) -> bool:
    """Return whether the labels are no natural sample: some class has none, or few distinct numbers were chosen."""
    return not data.counts.all() or _few_distinct(data.counts, data)


def _few_distinct(counts: Floats, data: TrainingSet) -> bool:
    """Return whether the numbers of labels (c,) have few distinct values, as where five of each class were wanted."""
    return len(set(counts.tolist())) <= max(1, len(counts) // data.defaults.classes_per_count)
