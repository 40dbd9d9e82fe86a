"""The parameters of AnyShotClassifier, and whether they are in range."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from anyshot.any_shot.model import METHODS
from anyshot.base.validation import generator, is_number
from anyshot.errors import InputError, NotEnoughLabelsError


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
