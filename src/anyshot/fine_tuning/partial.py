"""Training the stages above a freeze point, with a head, on activations computed once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import dropout

from anyshot.base.validation import Indexes, RandomState, Vectors
from anyshot.encoders.activation_batches import Activations, similar_lengths
from anyshot.encoders.freeze import Rest
from anyshot.encoders.stages import State
from anyshot.errors import TrainingDivergedError
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.history import HeldOut, History
from anyshot.training.loop import Recipe, train
from anyshot.training.losses import balanced_weights, cross_entropy
from anyshot.training.schedule import LayerGroup, by_depth

ANSWERED_TOGETHER = 64


@dataclass(frozen=True)
class Drawn:
    """A batch of rows, and the number that decides which view of each is shown."""

    rows: Indexes
    seed: int

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def __getitem__(self, part: slice) -> "Drawn":
        """Return some of the rows."""
        return replace(self, rows=self.rows[part])


@dataclass(frozen=True)
class Labeled:
    """Items at the freeze point, with their classes; some are trained on, others tell how well that goes.

    Attributes
    ----------
    index : ndarray of shape (n,)
        The class of each item.
    train, held_out : ndarray
        Rows of the items.
    """

    activations: Activations
    index: Indexes
    n_classes: int
    train: Indexes
    held_out: Indexes


def fine_tune(
    rest: Rest,
    head: LinearHead,
    data: Labeled,
    *,
    recipe: Recipe,
    tuning: Tuning,
    checkpoints: Checkpoints | None = None,
    random_state: RandomState = None,
) -> History:
    """Train `rest` and `head` in place on the rows to train on; return what happened.

    Where rows are held out, the weights of the epoch that answers them best stay, be it the one before the first step.
    Raises as `training.loop.train` does.
    """
    device = head.coef.device
    index = torch.from_numpy(data.index).to(device)
    adjustment = log_shares(data, tuning).to(device)
    labeled = torch.from_numpy(np.bincount(data.index[data.train], minlength=data.n_classes) > 0).to(device)
    weights = None
    if tuning.class_weight == "balanced":
        weights = balanced_weights(data.index[data.train], data.n_classes).to(device)

    def batches(generator: np.random.Generator) -> Sequence[Drawn]:
        parts = similar_lengths(data.activations.lengths, data.train, batch_size=tuning.batch_size, generator=generator)
        return [Drawn(rows, int(generator.integers(2**31))) for rows in parts]

    def loss_of(batch: Drawn, progress: float) -> Tensor:
        views = np.random.default_rng(batch.seed)
        state = data.activations.batch(batch.rows, generator=views, device=device)
        scores = head(with_dropout(rest, state, tuning.dropout)) + adjustment
        own = index[torch.from_numpy(batch.rows).to(device)]
        return cross_entropy(scores, own, weights=weights, smoothing=tuning.smoothing, spread_over=labeled)

    return train(
        layer_groups(rest, head, tuning),
        batches,
        loss_of,
        recipe=recipe,
        held_out=_asked(rest, head, data) if len(data.held_out) else None,
        checkpoints=checkpoints,
        random_state=random_state,
    )


def with_dropout(rest: Rest, state: State, share: float) -> Tensor:
    """Return pooled features (n, width) without a share of their numbers, and of the tokens' states they are made of.

    Pixels, ids and maps stay whole.
    """
    thinned = state._replace(x=dropout(state.x, share)) if state.x.ndim == 3 else state
    return dropout(rest(thinned), share)


def layer_groups(rest: Rest, head: LinearHead, tuning: Tuning) -> list[LayerGroup]:
    """Return what is trained and how fast: the head fastest, then the stages, the later the faster."""
    trained = [(name, stage) for name, stage in rest.named_stages() if any(True for _ in _learning(stage))]
    stages = by_depth(trained, decay=tuning.depth_decay, unfreeze_every=tuning.unfreeze_every)
    later = [replace(group, starts=group.starts + tuning.unfreeze_every) for group in stages]
    return [*later, LayerGroup("head", head, rate=tuning.head_rate if stages else 1.0)]


def log_shares(data: Labeled, tuning: Tuning) -> Tensor:
    """Return what is added to the scores in training only (c,), so that the answers are those of a balanced sample.

    It is the log of the classes' shares (logit adjustment, Menon et al., ICLR 2021, eq. (10)); the same for each class
    where the answers are to follow the labels' shares, or where the loss is weighted already. A class without a label
    is left out, at minus infinity: all that training could teach of it is to deny it, and Adam makes full steps of the
    smallest gradients.
    """
    counts = np.bincount(data.index[data.train], minlength=data.n_classes).astype(np.float32)
    if tuning.class_prior == "labels" or tuning.class_weight == "balanced":
        counts[counts > 0] = 1
    return torch.log(torch.from_numpy(counts / counts.sum()))


def features(rest: Rest, activations: Activations, rows: Indexes) -> Vectors:
    """Return the pooled features (n, width), float32, not of unit length, of some rows."""
    made = np.zeros((len(rows), 0), np.float32)
    order = np.argsort(activations.lengths[rows], kind="stable")  # texts of one length together
    device = next((p.device for p in rest.parameters()), torch.device("cpu"))
    rest.eval()
    with torch.inference_mode():
        for first in range(0, len(rows), ANSWERED_TOGETHER):
            places = order[first : first + ANSWERED_TOGETHER]
            own = rest(activations.batch(rows[places], device=device)).float().cpu().numpy()
            if not made.shape[1]:
                made = np.zeros((len(rows), own.shape[1]), np.float32)
            made[places] = own
    return made


def scores_of(rest: Rest, head: LinearHead, activations: Activations, rows: Indexes) -> NDArray[np.float32]:
    """Return the scores (n, c) of some rows."""
    made = torch.from_numpy(features(rest, activations, rows)).to(head.coef.device)
    with torch.inference_mode():
        scores: NDArray[np.float32] = head(made).cpu().numpy()
    return scores


def check_answers(rest: Rest, head: LinearHead, activations: Activations, rows: Indexes, recipe: Recipe) -> None:
    """Raise TrainingDivergedError where the trained network answers no number: the last step's loss was before it."""
    if np.isfinite(scores_of(rest, head, activations, rows[:ANSWERED_TOGETHER])).all():
        return
    raise TrainingDivergedError(
        "The trained network answers no numbers: its last steps went too far. Take a lower learning_rate (it is "
        f"{recipe.learning_rate:g}), or more warm_up (it is {recipe.warm_up:g})."
    )


def _asked(rest: Rest, head: LinearHead, data: Labeled) -> Callable[[], HeldOut]:
    """Return the question how well the held-out rows are answered."""
    own = torch.from_numpy(data.index[data.held_out])

    def ask() -> HeldOut:
        scores = torch.from_numpy(scores_of(rest, head, data.activations, data.held_out))
        return HeldOut(float(cross_entropy(scores, own)), float((scores.argmax(dim=1) == own).float().mean()))

    return ask


def _learning(stage: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in stage.parameters() if parameter.requires_grad]
