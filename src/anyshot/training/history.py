"""What a training run went through, epoch by epoch, and its picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

import pandas as pd
from matplotlib.figure import Figure


class HeldOut(NamedTuple):
    """How good the model is on items it does not learn from."""

    loss: float
    accuracy: float = 0.0  # 0 to 1; leave it where the loss alone decides

    def betters(self, other: "HeldOut | None") -> bool:
        """Tell whether this is better: more accurate, or as accurate at a lower loss."""
        return other is None or (self.accuracy, -self.loss) > (other.accuracy, -other.loss)


@dataclass(frozen=True)
class Record:
    """One epoch. Epoch 0 is what stood before the first step: its loss is not known, its held-out figures are."""

    epoch: int
    loss: float | None  # mean over the epoch's batches, as the weights were when each was seen
    held_out: HeldOut | None
    learning_rate: float  # the last step's
    seconds: float  # since training began or was resumed, work of interrupted runs added


@dataclass
class History:
    """A training run's records.

    Attributes
    ----------
    records : list of Record
        One an epoch, and one before the first where there were held-out items.
    stopped : str
        Why training ended.
    best_epoch : int or None
        The epoch whose weights were kept; None where nothing was held out, and the last ones stayed.
    """

    records: list[Record] = field(default_factory=list)
    stopped: str = ""

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the best held-out figures."""
        best: Record | None = None
        for record in self.records:
            if record.held_out is not None and (best is None or record.held_out.betters(best.held_out)):
                best = record
        return None if best is None else best.epoch

    def table(self) -> pd.DataFrame:
        """Return the records, a row each."""
        rows = [
            {
                "epoch": record.epoch,
                "loss": record.loss,
                "held_out_loss": record.held_out.loss if record.held_out else None,
                "held_out_accuracy": record.held_out.accuracy if record.held_out else None,
                "learning_rate": record.learning_rate,
                "seconds": record.seconds,
            }
            for record in self.records
        ]
        columns = ["epoch", "loss", "held_out_loss", "held_out_accuracy", "learning_rate", "seconds"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self) -> Figure:
        """Draw loss and held-out accuracy over the epochs."""
        return plot_histories({"": self})

    def facts(self) -> dict[str, Any]:
        """Return what JSON keeps of it."""
        return {"stopped": self.stopped, "records": [asdict(record) for record in self.records]}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """Return the history that `facts` was made of."""
        records = [
            Record(**{**one, "held_out": HeldOut(*one["held_out"]) if one["held_out"] else None})
            for one in facts["records"]
        ]
        return cls(records, facts["stopped"])


def plot_histories(histories: dict[str, History]) -> Figure:
    """Draw several runs side by side: loss in training on the left, held-out accuracy on the right."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, history in histories.items():
        table = history.table()
        line = left.plot(table.epoch, table.loss.astype(float), marker="o", markersize=3, label=name or "training")
        held_out = table.held_out_loss.astype(float)
        if held_out.notna().any():
            left.plot(table.epoch, held_out, "--", color=line[0].get_color(), label=f"{name} held out".strip())
            right.plot(table.epoch, 100 * table.held_out_accuracy.astype(float), color=line[0].get_color(), label=name)
    left.set(xlabel="epoch", ylabel="loss [nats]")
    right.set(xlabel="epoch", ylabel="accuracy on held-out items [%]")
    _finish([left, right])
    return figure


def _finish(axes: Sequence[Any]) -> None:
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        if any(label for label in axis.get_legend_handles_labels()[1]):
            axis.legend(frameon=False)
