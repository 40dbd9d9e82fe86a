"""Objects that never change, such as encoders, which may be copied and pickled without their weights."""

from functools import partial
from typing import Any, Self


class Immutable:
    """An object that never changes after it is created: a copy is the object itself, and a pickle creates it again.

    A pickle holds the arguments of the class, not the weights, which are read again where it is loaded.
    """

    _made_from: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *given: Any, **options: Any) -> Self:
        """Create the object and keep the arguments for its pickle."""
        made = super().__new__(cls)
        made._made_from = given, options
        return made

    def __sklearn_clone__(self) -> Self:
        return self  # a clone need not copy the weights

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        given, options = self._made_from
        return partial(type(self), *given, **options), ()
