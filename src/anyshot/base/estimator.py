"""The base of estimators that work without scikit-learn, and meet its contract where it is used.

Importing scikit-learn takes longer than most answers. A class that is to answer without it has this base instead of
`BaseEstimator` with `ClassifierMixin`; `clone`, `Pipeline`, `cross_val_score` and the search of parameters accept it.
"""

import functools
import inspect
import re
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar, cast

import numpy as np

from anyshot.base.columns import are_texts, column_labels, no_table, plain, unmasked
from anyshot.base.items import check_list
from anyshot.base.labels import Labels, label_list
from anyshot.base.messages import warn_of_order
from anyshot.base.metadata_routing import MetadataConsumer
from anyshot.base.misleading_names import learned_classes
from anyshot.base.validation import check_finite, check_rows, refuse_lazy, refuse_not_finite
from anyshot.errors import InputError, WidthError

Fit = TypeVar("Fit", bound=Callable[..., Any])


class ClassifierBase(MetadataConsumer, ABC):
    """Parameters and tags of a classifier, as scikit-learn defines them."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of `__init__` by name; `deep` changes nothing, since no parameter is an estimator."""
        return {name: getattr(self, name) for name in _defaults(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; raise InputError if there is none with this name."""
        known = _defaults(type(self))
        for name in params:
            if name not in known:
                raise InputError(f"{type(self).__name__} has no parameter {name!r}. It has: {', '.join(known)}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    @abstractmethod
    def predict(self, X: Any) -> Any:
        """Return the class of each item (n,)."""

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator: that this is a classifier."""
        from sklearn.base import BaseEstimator, ClassifierMixin  # loaded already, since it asks

        return type("Classifier", (ClassifierMixin, BaseEstimator), {})().__sklearn_tags__()

    def __repr__(self) -> str:
        """Return the class with the parameters that differ from their defaults."""
        short = reprlib.Repr()
        short.maxstring = short.maxother = 60
        usual = _defaults(type(self))
        given = {name: value for name, value in self.get_params().items() if repr(value) != repr(usual[name])}
        return f"{type(self).__name__}({', '.join(f'{name}={short.repr(value)}' for name, value in given.items())})"


def all_or_nothing(fit: Fit) -> Fit:
    """Decorate a `fit`, so that an error or an interrupt in it leaves the estimator as it was fitted before."""

    @functools.wraps(fit)
    def called(estimator: Any, *given: Any, **options: Any) -> Any:
        before = dict(vars(estimator))
        try:
            return fit(estimator, *given, **options)
        except BaseException:
            for name in vars(estimator).keys() - before:
                delattr(estimator, name)
            vars(estimator).update(before)
            raise

    return cast(Fit, called)


def fresh_copy(model: Any) -> Any:
    """Return a copy of an estimator that is not fitted; raise InputError if it is a class or has no `fit`."""
    from sklearn.base import clone  # here, so that predicting does not import it

    if isinstance(model, type):
        raise InputError(f"The model is the class {model.__name__}. Pass an instance, {model.__name__}().")
    if not hasattr(model, "fit"):
        raise InputError(f"The model is a {type(model).__name__}. Pass one estimator, an object with fit and predict.")
    return clone(model)


def check_predicts_classes(model: object, *, name: str, instead: str) -> None:
    """Raise InputError for a model that predicts numbers; name: of the model, instead: what to use for it."""
    from sklearn.base import is_regressor  # here, so that predicting does not import it

    if hasattr(model, "__sklearn_tags__") and is_regressor(model):
        raise InputError(f"{name} predicts numbers. Use {instead}.")


def validate_data(estimator: Any, X: Any, *given: Any, reset: bool = True, **options: Any) -> Any:
    """Check and convert `X` as scikit-learn does, and compare names of columns that are not texts, which it does not.

    given: labels `y` of classes; a warning says if their pandas index has another order than that of `X`. Raises
    InputError if columns differ from those of `fit`, the rows are a mapping, texts, of different lengths, not finite,
    or no table, or labels are none of classes.
    """
    from sklearn.utils import validation  # here, so that predicting texts does not import it

    refuse_lazy(X)
    if not_rows := no_table(X, name="X"):
        raise InputError(f"X must be a table of numbers (n, d); {not_rows}.")
    X, names = unmasked(plain(X)), column_labels(X)
    for y in given:
        check_list(y if isinstance(y, Iterable) else [], what="A list of labels")
        warn_of_order(X, y, names=("X", "y"))
    if reset:
        estimator._column_labels = None if names is None or are_texts(names) else names
    known = getattr(estimator, "_column_labels", None)
    if None not in (known, names) and names != known and not are_texts(names or []):
        raise InputError(f"The columns are {names}; in `fit` they were {known}, which must be in the same order.")
    try:
        with np.errstate(over="ignore"):  # of float32, refused below
            found = validation.validate_data(estimator, X, *map(class_labels, given), reset=reset, **options)
    except (TypeError, ValueError) as error:
        if not options.get("skip_check_array"):
            check_rows(X)
            check_finite(X)
        refused = _refused(estimator, X, str(error))
        if refused is None:
            raise
        raise refused from error
    table = found[0] if given else found
    if options.get("dtype") is np.float32 and isinstance(table, np.ndarray):
        refuse_not_finite(table, X, name="X")
    return found


def class_labels(y: Any) -> Any:
    """Return the labels of items (n,) as an array of names, of numbers or of truth values, as `label_list` reads them.

    What is no list is returned, and so are a column (n, 1) and complex numbers, of which scikit-learn tells.

    Raises InputError if a label is missing, or cannot be that of a class, or some are texts and others numbers.
    """
    if not isinstance(y, Iterable) or (isinstance(y, np.ndarray) and (y.shape[1:] == (1,) or y.dtype.kind == "c")):
        return y
    listed = label_list(cast(Labels, y))
    if None in listed:
        raise InputError(f"y has no label in row {listed.index(None)} (NaN or None). Leave out items without a label.")
    learned_classes(listed)
    texts = [isinstance(label, str) for label in listed]
    if len(set(texts)) > 1:
        one, other = listed[texts.index(True)], listed[texts.index(False)]
        raise InputError(f"y has texts and numbers, {one!r} and {other!r}. Write all as texts: list(map(str, y)).")
    array = np.array(listed)
    return array if array.tolist() == listed else np.array(listed, dtype=object)  # beyond 64 bits


def _refused(estimator: Any, X: Any, message: str) -> InputError | None:
    """Return what scikit-learn's `message` refuses, with the remedy; None if its message is kept."""
    if "feature names should match" in message:
        return InputError(f"{message.rstrip()}\nPass X[model.feature_names_in_].")
    if "features as input" in message:
        return WidthError(f"{message.rstrip('.')}. Pass the columns that `fit` got, in the same order.")
    if numbers := re.search(r"inconsistent numbers of samples: \[(\d+), (\d+)\]", message):
        return InputError(f"X has {numbers[1]} rows and y has {numbers[2]} labels. Give one label for each row.")
    if "dense data is required" in message:
        return InputError(f"X is sparse; {type(estimator).__name__} needs a dense table. Write X.toarray().")
    shape = tuple(np.shape(X))
    if len(shape) < 2 and any(word in message for word in ("array", "container", "any features")):
        kind = "one number" if not shape else f"a {type(X).__name__} of shape {shape}"
        return InputError(
            f"X must be a table of vectors (n, d); it is {kind}. Reshape your data: X[:, None] is a table of one "
            "feature, X[None, :] one of one item; of a pandas column, X.to_frame(), of a row, table.iloc[[row]]."
        )
    if shape[:1] == (0,) and "0 sample(s)" in message:
        return InputError("X has no rows; at least one is needed.")
    return None


def not_fitted(message: str) -> Exception:
    """Return scikit-learn's NotFittedError, which is imported only when it is raised."""
    from sklearn.exceptions import NotFittedError

    error: Exception = NotFittedError(message)
    return error


def _defaults(kind: type) -> dict[str, Any]:
    """Return the parameters of a class's `__init__` with their defaults."""
    return {name: one.default for name, one in inspect.signature(kind).parameters.items()}
