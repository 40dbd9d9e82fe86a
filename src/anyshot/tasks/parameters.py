"""The parameters of AnyShotClassifier: whether they are in range, and the shares of classes by `class_prior`."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.model import METHODS
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.labels import Label, clean_names
from anyshot.base.messages import warn
from anyshot.base.validation import generator, is_number
from anyshot.errors import ClassesError, InputError, NotEnoughLabelsError

SUM_ERROR: Final = 0.02
"""Most by which shares below 1 may add up to another number than 1, as they do if they were rounded."""


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
    """Return the expected share of each class (c,), as `class_shares`; raise ClassesError if one is not given."""
    if isinstance(class_prior, str):
        return class_shares(class_prior, data)
    given = dict(zip(clean_names(class_prior, what="classes"), class_prior.values(), strict=True))
    names = data.classes.tolist()
    wrong = next((f"names {name!r}, which is not a class" for name in given if name not in names), None)
    lacking = next((f"does not name the class {name!r}" for name in names if name not in given), None)
    if wrong or lacking:
        raise ClassesError(
            f"class_prior {wrong or lacking}. Give every class a number above 0 and nothing else. Of a fitted model, "
            "set class_prior before its classes change, or fit it again."
        )
    shares = [given[name] for name in names]
    for name, share in zip(names, shares, strict=True):
        if not (is_number(share) and 0 < share < np.inf):  # NaN is neither
            raise ClassesError(f"class_prior gives {name!r} {share!r}. Give every class a number above 0.")
    if max(shares) < 1 and abs(sum(shares) - 1) > SUM_ERROR:
        warn(
            f"The shares of class_prior add up to {sum(shares):.3g}, not to 1. They are divided by it; give shares "
            "that add up to 1, or numbers of items, to silence this."
        )
    return np.asarray(np.array(shares) / sum(shares), dtype=np.float64)


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
    n_distinct = len(set(data.counts.tolist()))
    return not data.counts.all() or n_distinct <= max(1, len(data.counts) // data.defaults.classes_per_count)
