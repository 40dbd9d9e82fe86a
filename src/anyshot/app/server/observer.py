"""What is told of the work of the service: nothing by default; `metrics` counts it."""


class Observer:
    """What is told of the work of the service; metrics override these methods, which may be called by any thread."""

    def on_batch(self, n_requests: int, n_items: int, seconds: float) -> None:
        """Note that a batch was encoded."""

    def on_answers(self, model: str, *, n_items: int, n_unknown: int, closeness: float) -> None:
        """Note answers of a model: how many are "unknown", and the mean closeness of their items."""

    def on_change(self, model: str, version: int) -> None:
        """Note that a model has a new version."""
