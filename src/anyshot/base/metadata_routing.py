"""Which arguments besides `X` and `y` scikit-learn passes on to a classifier that is not a `BaseEstimator`.

After `sklearn.set_config(enable_metadata_routing=True)`, a pipeline, a search or a cross-validation passes weights on
to `fit` if the estimator requests them. Source: scikit-learn's user guide, "Metadata Routing".
"""

import copy
import inspect
from typing import Any, Self

from anyshot.errors import InputError

METHODS = ("fit", "partial_fit", "score")


class MetadataConsumer:
    """Keeps the requests of a classifier where `clone` looks for them, and loads scikit-learn only when asked."""

    _metadata_request: Any

    def get_metadata_routing(self) -> Any:
        """Return scikit-learn's `MetadataRequest`: whether each argument is passed on; None until it is decided."""
        from sklearn.utils.metadata_routing import MetadataRequest  # loaded already, since it asks

        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        found = MetadataRequest(owner=type(self).__name__)
        for method in METHODS:
            for name in self._metadata_of(method):
                getattr(found, method).add_request(param=name, alias=None)
        return found

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Set which arguments are passed on to `fit`: True, False, or the name by which a caller gives it."""
        return self._set_requests("fit", requests)

    def set_partial_fit_request(self, **requests: bool | str | None) -> Self:
        """Set which arguments are passed on to `partial_fit`, as `set_fit_request`."""
        return self._set_requests("partial_fit", requests)

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Set which arguments are passed on to `score`, as `set_fit_request`."""
        return self._set_requests("score", requests)

    def _set_requests(self, method: str, requests: dict[str, bool | str | None]) -> Self:
        from sklearn import get_config  # here, so that predicting does not import it

        if not get_config().get("enable_metadata_routing", False):
            raise RuntimeError(  # the type that scikit-learn's estimators raise
                f"set_{method}_request needs metadata routing. Call sklearn.set_config(enable_metadata_routing=True)."
            )
        known = self._metadata_of(method)
        for name in requests:
            if name not in known:
                has = f"has: {', '.join(known)}" if known else "has none"
                raise InputError(f"{method} has no argument {name!r} to pass on. It {has}.")
        found = self.get_metadata_routing()
        for name, alias in requests.items():
            getattr(found, method).add_request(param=name, alias=alias)
        self._metadata_request = found
        return self

    def _metadata_of(self, method: str) -> list[str]:
        """Return the arguments of a method besides the items and their labels."""
        if not hasattr(self, method):
            return []
        return [name for name in inspect.signature(getattr(self, method)).parameters if name not in ("X", "y")]
