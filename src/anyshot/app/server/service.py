"""What all routes share: the models, the batcher, the settings, and what observes the service."""

from dataclasses import dataclass, field

from anyshot.app.server.batching import Batcher
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.service_errors import UnknownModelError
from anyshot.app.server.settings import Settings


class Observer:
    """What is told of the work of the service; metrics override these methods, which may be called by any thread."""

    def on_batch(self, n_requests: int, n_items: int, seconds: float) -> None:
        """Note that a batch was encoded."""

    def on_answers(self, model: str, *, n_items: int, n_unknown: int, closeness: float) -> None:
        """Note answers of a model: how many are "unknown", and the mean closeness of their items."""

    def on_change(self, model: str, version: int) -> None:
        """Note that a model has a new version."""


@dataclass
class Service:
    """The state of the application, `app.state.service`."""

    models: dict[str, LiveModel]
    settings: Settings
    observer: Observer = field(default_factory=Observer)
    closing: bool = False  # whether the service is shutting down

    def __post_init__(self) -> None:
        self.batcher = Batcher(lambda *facts: self.observer.on_batch(*facts))

    def model(self, name: str) -> LiveModel:
        """Return the model of this name, or raise UnknownModelError."""
        if name not in self.models:
            known = ", ".join(sorted(self.models))
            raise UnknownModelError(f"There is no model of this name. The models are: {known}.")
        return self.models[name]

    async def close(self) -> None:
        """Finish what was accepted."""
        self.closing = True
        await self.batcher.close()
        for live in self.models.values():
            live.close()
