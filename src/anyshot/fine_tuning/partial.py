"""Partial fine-tuning: train the stages above a freeze point, and a linear head, on activations computed once.

Every method of this package trains through `StageTraining.train`; the methods differ in the batches and the loss that
they pass to it.
"""

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import dropout, linear, normalize

from anyshot.base.items import Items
from anyshot.base.validation import Indexes, RandomState, Vectors
from anyshot.encoders.activations import Activations, activations
from anyshot.encoders.freeze import Rest
from anyshot.encoders.stages import Backbone, State
from anyshot.errors import TrainingDivergedError
from anyshot.fine_tuning.training_labels import TrainingLabels
from anyshot.fine_tuning.tuning import Tuning
from anyshot.store.disk_cache import VectorCache
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.loop import train
from anyshot.training.recipe import LayerGroup, Recipe, balanced_weights, by_depth, cross_entropy
from anyshot.training.run import HeldOut, History

FORWARD_TOGETHER: Final = 64  # items, outside of training
SORTED_TOGETHER: Final = 50  # batches
DEFAULT_INTERPOLATION: Final = 0.5
"""Interpolation without held-out items to choose it by (Wortsman et al., CVPR 2022, recommend the same)."""
INTERPOLATIONS: Final = (1.0, 0.75, 0.5, 0.25)  # the candidates, of which held-out items choose
NOT_PART_OF_A_RUN: Final = ("cache", "budget_mb", "checkpoints")  # settings that do not change the trained weights


class LinearHead(nn.Module):
    """Linear classifier of unit-length features: z = unit(features), scores = coef z + intercept.

    Parameters
    ----------
    coef : ndarray of shape (c, width)
    intercept : ndarray of shape (c,)
        Finite.
    center : ndarray of shape (width,), optional
        Subtracted from z, which is then scaled to unit length again. It is not trained.
    """

    center: Tensor | None

    def __init__(
        self, coef: Vectors, intercept: NDArray[np.floating], *, center: NDArray[np.floating] | None = None
    ) -> None:
        super().__init__()
        self.coef = nn.Parameter(torch.tensor(coef, dtype=torch.float32))
        self.intercept = nn.Parameter(torch.tensor(intercept, dtype=torch.float32))
        self.register_buffer("center", None if center is None else torch.tensor(center, dtype=torch.float32))

    @classmethod
    def zeros(cls, n_classes: int, width: int) -> Self:
        """Return a head that scores every class 0."""
        return cls(np.zeros((n_classes, width), np.float32), np.zeros(n_classes, np.float32))

    def arrays(self) -> tuple[Vectors, NDArray[np.float32], NDArray[np.float32] | None]:
        """Return coef, intercept and center as numpy arrays."""
        center = None if self.center is None else self.center.cpu().numpy()
        return self.coef.detach().cpu().numpy(), self.intercept.detach().cpu().numpy(), center

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores (n, c) of features (n, width)."""
        z = normalize(features.float(), dim=1)
        return linear(z if self.center is None else normalize(z - self.center, dim=1), self.coef, self.intercept)


@dataclass(frozen=True)
class Batch:
    """Rows of the items in a batch, and the seed that chooses the augmented view of each."""

    rows: Indexes
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> "Batch":
        return replace(self, rows=self.rows[part])


@dataclass(frozen=True)
class StageTraining:
    """A training run of the stages above a freeze point."""

    backbone: Backbone
    freeze_at: str  # the first trained stage
    rest: Rest  # the trained stages, changed in place
    activations: Activations  # of the items, at the freeze point
    tuning: Tuning
    recipe: Recipe
    random: np.random.Generator

    @classmethod
    def open(
        cls,
        backbone: Backbone,
        items: Items,
        *,
        freeze_at: str,
        tuning: Tuning,
        epochs: int,
        learning_rate: float,
        random_state: RandomState,
    ) -> Self:
        """Check the settings, copy the stages to train, and compute the activations of `items`."""
        random = tuning.generator(random_state, device=backbone.device)
        recipe = tuning.recipe(epochs=epochs, learning_rate=learning_rate, device=backbone.device)
        rest, cache = Rest(backbone, freeze_at), VectorCache() if tuning.cache else None
        states = activations(
            backbone, items, freeze_at=freeze_at, cache=cache, budget_mb=tuning.budget_mb, augment=tuning.augment
        )
        return cls(backbone, freeze_at, rest, states, tuning, recipe, random)

    def train(
        self,
        head: LinearHead | None,
        batches: Callable[[np.random.Generator], Sequence[Any]],
        loss: Callable[[Any, float], Tensor],
        *,
        held_out: Callable[[], HeldOut] | None = None,
        about: Mapping[str, str] | None = None,
        random_state: RandomState,
    ) -> History:
        """Train the stages and the head in place, and return the history.

        batches, loss, held_out: see `training.loop.train`, which also lists the errors. about: what a checkpoint must
        agree on with this run before it is resumed, beside backbone, settings and items.
        """
        saved, groups = None, layer_groups(self.rest, head, self.tuning)
        if self.tuning.checkpoints is not None:
            saved = Checkpoints(self.tuning.checkpoints, about=self.identity() | dict(about or {}))
        return train(
            groups, batches, loss, recipe=self.recipe, held_out=held_out, checkpoints=saved, random_state=random_state
        )

    def identity(self) -> dict[str, str]:
        """Return what identifies the run in a checkpoint: backbone, freeze point, settings and items."""
        settings = {name: value for name, value in asdict(self.tuning).items() if name not in NOT_PART_OF_A_RUN}
        return {
            "backbone": self.backbone.digest,
            "freeze_at": self.freeze_at,
            "settings": ", ".join(f"{name}={value}" for name, value in settings.items()),
            "items": self.activations.digest,
        }

    def batches(self, rows: Indexes) -> Callable[[np.random.Generator], Sequence[Batch]]:
        """Return a function that shuffles `rows` into batches of items of similar length."""

        def shuffled(generator: np.random.Generator) -> Sequence[Batch]:
            size, lengths = self.tuning.batch_size, self.activations.lengths
            parts = similar_lengths(lengths, rows, batch_size=size, generator=generator)
            return [Batch(part, int(generator.integers(2**31))) for part in parts]

        return shuffled

    def state(self, batch: Batch) -> State:
        """Return the activations of a batch, on the device of the backbone."""
        views = np.random.default_rng(batch.seed)
        return self.activations.batch(batch.rows, generator=views, device=self.backbone.device)

    def features(self, rows: Indexes) -> Vectors:
        """Return the pooled features (n, width), float32, not of unit length, of some rows."""
        features = np.zeros((len(rows), self.backbone.width), np.float32)
        order = np.argsort(self.activations.lengths[rows], kind="stable")  # texts of similar length together
        self.rest.eval()
        with torch.inference_mode():
            for first in range(0, len(rows), FORWARD_TOGETHER):
                part = order[first : first + FORWARD_TOGETHER]
                state = self.activations.batch(rows[part], device=self.backbone.device)
                features[part] = self.rest(state).float().cpu().numpy()
        return features

    def scores(self, head: LinearHead, rows: Indexes) -> NDArray[np.float32]:
        """Return the scores (n, c) of some rows."""
        with torch.inference_mode():
            scores: NDArray[np.float32] = head(torch.from_numpy(self.features(rows)).to(head.coef.device)).cpu().numpy()
        return scores

    def check_finite(self, values: NDArray[np.floating]) -> None:
        """Raise TrainingDivergedError where outputs of the trained network are NaN or infinite.

        The training loop sees the loss before each step, so it cannot see that the last step diverged.
        """
        if not np.isfinite(values).all():
            raise TrainingDivergedError(
                "The trained network returns NaN or infinite values: the last steps were too large. Lower "
                f"learning_rate (it is {self.recipe.learning_rate:g}) or raise warm_up (it is {self.recipe.warm_up:g})."
            )


def similar_lengths(
    lengths: Sequence[int] | NDArray[np.integer], rows: Indexes, *, batch_size: int, generator: np.random.Generator
) -> list[Indexes]:
    """Return shuffled batches of `rows`, each of texts of similar length, to reduce padding.

    lengths (n,): of every item; rows (m,): the items to use, each once. Randomly chosen rows for `SORTED_TOGETHER`
    batches at a time are sorted by length, and the batches are shuffled, so that batches remain largely random.
    """
    shuffled = generator.permutation(np.asarray(rows, dtype=np.intp))
    length_of = np.asarray(lengths)
    batched: list[Indexes] = []
    for first in range(0, len(shuffled), SORTED_TOGETHER * batch_size):
        window = shuffled[first : first + SORTED_TOGETHER * batch_size]
        window = window[np.argsort(length_of[window], kind="stable")]
        batched += [window[start : start + batch_size] for start in range(0, len(window), batch_size)]
    return [batched[index] for index in generator.permutation(len(batched))]


def layer_groups(rest: Rest, head: LinearHead | None, tuning: Tuning) -> list[LayerGroup]:
    """Return the modules to train with their learning rates: highest for the head, then for the last stage."""
    trained = [(name, stage) for name, stage in rest.named_stages() if any(p.requires_grad for p in stage.parameters())]
    stages = by_depth(trained, decay=tuning.depth_decay, unfreeze_every=tuning.unfreeze_every)
    if head is None:
        return stages
    later = [replace(group, starts=group.starts + tuning.unfreeze_every) for group in stages]
    return [*later, LayerGroup("head", head, rate=tuning.head_rate if stages else 1.0)]


# The objective of supervised fine-tuning, whichever stages are trained and whatever their initial weights, is that of
# the any-shot head:
#
#     mean over the training items of  u w[y] cross_entropy(head(rest(state)) + log p, y)
#
# p is the share of each class among the training labels, so that the scores without log p are those of a sample in
# which all classes are equally frequent (logit adjustment, Menon et al., ICLR 2021, eq. (10)). p is uniform over the
# labeled classes where the scores should follow the shares of the labels, or where the weights w balance them already.
# u is the weight of an item, 1 by default.
# A class without labels has log p = -inf and takes no part in training: its score could only be pushed down, and Adam
# takes full steps even for the smallest gradients.


def fine_tune(
    run: StageTraining,
    head: LinearHead,
    labels: TrainingLabels,
    *,
    about: Mapping[str, str] | None = None,
    random_state: RandomState,
) -> History:
    """Train the stages and the head in place by cross-entropy on the training rows, and return the history.

    With held-out rows the weights of the epoch with the best accuracy on them are kept, which may be the initial ones.
    """
    device, tuning = run.backbone.device, run.tuning
    index, log_shares = torch.from_numpy(labels.index).to(device), log_class_shares(labels, tuning).to(device)
    labeled = torch.from_numpy(labels.counts > 0).to(device)
    class_weights, item_weights = None, None
    if tuning.class_weight == "balanced":
        class_weights = balanced_weights(labels.index[labels.train], labels.n_classes, labels.train_weights).to(device)
    if labels.weights is not None:
        item_weights = torch.from_numpy(labels.weights).to(device)

    def loss(batch: Batch, progress: float) -> Tensor:
        state = run.state(batch)
        if state.x.ndim == 3:  # token states; pixels, ids and maps get no dropout
            state = state._replace(x=dropout(state.x, tuning.dropout))
        scores = head(dropout(run.rest(state), tuning.dropout)) + log_shares
        rows = torch.from_numpy(batch.rows).to(device)
        return cross_entropy(
            scores,
            index[rows],
            weights=class_weights,
            item_weights=None if item_weights is None else item_weights[rows],
            smoothing=tuning.smoothing,
            spread_over=labeled,
        )

    def evaluate() -> HeldOut:
        scores, own = torch.from_numpy(run.scores(head, labels.held_out)), index[labels.held_out].cpu()
        return HeldOut(float(cross_entropy(scores, own)), float((scores.argmax(dim=1) == own).float().mean()))

    held_out = evaluate if len(labels.held_out) else None
    return run.train(head, run.batches(labels.train), loss, held_out=held_out, about=about, random_state=random_state)


def log_class_shares(labels: TrainingLabels, tuning: Tuning) -> Tensor:
    """Return log p (c,) of the objective above."""
    counts = labels.counts.astype(np.float32)
    if tuning.class_prior == "labels" or tuning.class_weight == "balanced":
        counts[counts > 0] = 1
    return torch.log(torch.from_numpy(counts / counts.sum()))


def copy_weights(*modules: nn.Module) -> list[dict[str, Tensor]]:
    """Return a copy of the weights of each module."""
    return [copy.deepcopy(module.state_dict()) for module in modules]


def interpolate(
    run: StageTraining, head: LinearHead, initial: list[dict[str, Tensor]], labels: TrainingLabels
) -> float:
    """Interpolate between the initial weights of `run.rest` and `head` and the trained ones; return the factor.

    The loss is low on the whole line between the two weights. A point between them is often more accurate than either,
    above all on items that differ from the labeled ones (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR
    2022, section 3). Factor 1 keeps the trained weights; see `Tuning.interpolation` for "auto".
    """
    trained = copy_weights(run.rest, head)

    def load(factor: float) -> None:
        for module, first, last in zip((run.rest, head), initial, trained, strict=True):
            floats = {name: torch.lerp(first[name], w, factor) for name, w in last.items() if w.is_floating_point()}
            module.load_state_dict(last | floats)

    def loss(factor: float) -> float:
        load(factor)
        scores = torch.from_numpy(run.scores(head, labels.held_out))
        return float(cross_entropy(scores, torch.from_numpy(labels.index[labels.held_out])))

    factor = DEFAULT_INTERPOLATION if run.tuning.interpolation == "auto" else run.tuning.interpolation
    if run.tuning.interpolation == "auto" and len(labels.held_out):
        factor = min(INTERPOLATIONS, key=loss)
    load(factor)
    return factor


def digest(*arrays: NDArray[Any]) -> str:
    """Return a hash of the contents, shapes and types of arrays."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(f"{array.shape} {array.dtype}".encode() + array.tobytes())
    return hashed.hexdigest()
