"""Contrastive fine-tuning (SetFit): train on pairs of items, so that few labels make many training examples.

n labeled items make n (n - 1) / 2 pairs. After training on pairs, a head is fitted on the tuned vectors.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from anyshot.any_shot.embedder import Embedder
from anyshot.base.labels import Classes, Label
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes, RandomState, check_whole, unit
from anyshot.base.weighted_items import refuse_fractions
from anyshot.encoders.tuned import TunedEncoder
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.network import NetworkClassifier, TrainedNetwork, closed_form_head
from anyshot.fine_tuning.partial import StageTraining
from anyshot.fine_tuning.training_labels import TrainingLabels
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.run import History
from anyshot.zero_shot.class_texts import TextDescription

BATCH_SIZE: Final = 32  # pairs
TUNING: Final = Tuning(held_out=0, patience=None, precision="float32", cache=False)


class Pairs(NamedTuple):
    """Pairs of items, and whether both are of the same class."""

    left: Indexes  # (n,) rows
    right: Indexes  # (n,) rows
    same: NDArray[np.bool_]  # (n,)


class ContrastiveClassifier(NetworkClassifier):
    """Classify texts or images by an encoder whose last stages are trained on pairs of labeled items.

    The output of the frozen stages is computed once for each item. This helps where labels are few and the encoder does
    not separate the classes; where it does, the any-shot head alone is as accurate in a fraction of the time.

    Parameters
    ----------
    encoder : str or Encoder, default="auto"
        "auto" is "minilm" for texts and "efficientnet-lite0" for images; "hf:ID-or-folder"; or an encoder. "minilm" is
        also trained in place of "minilm-words".
    freeze_at : str or int, default="auto"
        The first trained stage, by name or index; "auto" trains the last third of the layers.
    classes : sequence of names, or mapping of names to descriptions and `Words`; optional
        The classes. By default the labels are the class names.
    epochs : int, default=2
    pairs_per_item : int, default=20
        Number of pairs in an epoch, as a multiple of the number of labeled items.
    learning_rate : float or "auto", default="auto"
        "auto" is 3e-4 for images and 5e-5 for texts.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : History
        Loss by epoch.
    reasons_ : tuple of str
        How the head was chosen.

    References
    ----------
    Tunstall et al. Efficient Few-Shot Learning Without Prompts. 2022.
    """

    _LEARNING_RATES: ClassVar = {"image": 3e-4, "text": 5e-5}

    def __init__(
        self,
        encoder: str | Encoder = "auto",
        *,
        freeze_at: str | int = "auto",
        classes: Sequence[Label] | Mapping[Label, TextDescription] | None = None,
        epochs: int = 2,
        pairs_per_item: int = 20,
        learning_rate: float | Literal["auto"] = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.encoder, self.freeze_at, self.classes, self.epochs = encoder, freeze_at, classes, epochs
        self.pairs_per_item, self.learning_rate, self.random_state = pairs_per_item, learning_rate, random_state

    @property
    def encoder_(self) -> TunedEncoder:
        """The tuned encoder, which can be used like any other encoder."""
        self._check_fitted()
        return TunedEncoder(self._encoder_name, self.backbone_, self.freeze_at_, self.rest_)

    def _settings(self) -> Tuning:
        check_whole(1, pairs_per_item=self.pairs_per_item)
        return TUNING

    def _train(
        self, run: StageTraining, labels: TrainingLabels, embedder: Embedder, classes: Classes
    ) -> TrainedNetwork:
        refuse_fractions(labels.weights, "ContrastiveClassifier, which trains on pairs of items,")
        index = labels.index[labels.train]
        history = train_on_pairs(run, index, rows=labels.train, pairs_per_item=self.pairs_per_item)
        z = unit(run.features(labels.train))
        run.check_finite(z)
        tuned = TunedEncoder(embedder.name, run.backbone, run.freeze_at, run.rest)
        embeddings = self._class_embeddings(Embedder(tuned, cache=None), classes)
        head, reasons = closed_form_head(z, index, embeddings)
        return TrainedNetwork(head, history, reasons)


def pair_loss(left: Tensor, right: Tensor, same: Tensor) -> Tensor:
    """Return the mean squared difference between the cosines of pairs and `same`, a scalar.

    left, right (n, d): unit-length vectors; same (n,): 1 for two items of one class, 0 for items of two classes. The
    loss of SetFit (Tunstall et al., 2022, section 3.1; Reimers, Gurevych, Sentence-BERT, 2019).
    """
    cosines = (left * right).sum(dim=1)  # (n,)
    return ((cosines - same) ** 2).mean()


def train_on_pairs(
    run: StageTraining, index: Indexes, *, rows: Indexes | None = None, pairs_per_item: int = 20
) -> History:
    """Train the stages of `run` in place so that items of one class get similar vectors, and return the history.

    index (n,): the class of each item, -1 for none; rows (n,): which items of `run` these are, by default all;
    pairs_per_item: pairs in an epoch for each labeled item. Raises InputError if no stage above the freeze point has
    weights, NotEnoughLabelsError if fewer than two classes have labels, and what `training.loop.train` raises.
    """
    if not list(run.rest.parameters()):
        raise InputError(f"No stage from freeze_at={run.freeze_at!r} on has weights to train. Choose an earlier stage.")
    device = run.backbone.device
    n_pairs = pairs_per_item * int(np.count_nonzero(index >= 0))

    def batches(generator: np.random.Generator) -> Sequence[Indexes]:
        pairs = np.column_stack(draw_pairs(index, n_pairs=n_pairs, generator=generator))  # (n_pairs, 3)
        return np.split(pairs[generator.permutation(n_pairs)], range(BATCH_SIZE, n_pairs, BATCH_SIZE))

    def loss(batch: Indexes, progress: float) -> Tensor:
        one, other, same = batch.T  # (pairs,) each: two rows, and whether they are of the same class
        used, row_of = np.unique(np.concatenate([one, other]), return_inverse=True)  # each item runs once
        used = used if rows is None else rows[used]
        vectors = normalize(run.rest(run.activations.batch(used, device=device)), dim=1)  # (used, d)
        left, right = vectors[torch.from_numpy(row_of).to(device)].chunk(2)  # (pairs, d) each
        return pair_loss(left, right, torch.from_numpy(same).to(device, torch.float32))

    return run.train(None, batches, loss, random_state=run.random)


def draw_pairs(index: Indexes, *, n_pairs: int, generator: np.random.Generator) -> Pairs:
    """Sample pairs of items, half of the same class and half of different classes, with all classes equally likely.

    index (n,): the class of each item. SetFit also samples half and half (Tunstall et al., 2022, section 3.1). If no
    class has two items, every pair is of different classes; an item is never paired with itself.

    Raises NotEnoughLabelsError if there are fewer than two classes.
    """
    members = [np.flatnonzero(index == one) for one in np.unique(index[index >= 0])]
    if len(members) < 2:
        raise NotEnoughLabelsError(f"Pairs need items of at least two classes; there is {len(members)}. Label more.")
    several = [rows for rows in members if len(rows) > 1]
    n_same = n_pairs // 2 if several else 0
    pairs = np.empty((n_pairs, 2), np.intp)
    for number in range(n_pairs):
        if number < n_same:
            pairs[number] = generator.choice(several[generator.integers(len(several))], 2, replace=False)
        else:
            one, other = generator.choice(len(members), 2, replace=False)
            pairs[number] = generator.choice(members[one]), generator.choice(members[other])
    return Pairs(pairs[:, 0], pairs[:, 1], np.arange(n_pairs) < n_same)
