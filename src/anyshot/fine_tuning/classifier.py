"""Fine-tuning as an estimator of raw items: its head starts from the any-shot head, what is frozen runs once."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self, get_args

import numpy as np
import torch

from anyshot.any_shot.cross_validation import Wanted, fit_model
from anyshot.any_shot.embedder import Space, encoder_for
from anyshot.any_shot.prior import Known
from anyshot.base.items import Classes, Items, Label, Labels
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes, RandomState, unit
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import Rest, backbone_of
from anyshot.encoders.stages import Backbone
from anyshot.errors import InputError, MixedInputError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.fine_tuning.between import Start
from anyshot.fine_tuning.head import LinearHead, finite
from anyshot.fine_tuning.held_out import Parted, hold_out
from anyshot.fine_tuning.identity import subject
from anyshot.fine_tuning.lora import add_lora, merge_lora
from anyshot.fine_tuning.network_classifier import NetworkClassifier, labeled_items, last_third, settled_rate
from anyshot.fine_tuning.partial import Labeled, check_answers, features, fine_tune, scores_of
from anyshot.fine_tuning.probe import probe
from anyshot.fine_tuning.tuning import Tuning, settled
from anyshot.store.activation_cache import ActivationCache
from anyshot.store.disk_cache import VectorCache
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.history import History
from anyshot.training.loop import Recipe
from anyshot.zero_shot.class_embeddings import describe

Method = Literal["partial", "probe", "lora", "full"]

RATES: Final = {"image": 3e-4, "text": 1e-4}
"""Learning rates of "auto": convolutions bear more than attention does."""


class FineTunedClassifier(NetworkClassifier):
    """Classify texts or images by a pretrained network whose last stages are trained on the labels at hand.

    The stages before the freeze point are frozen, and what they make of the items is computed once. The head starts
    from the any-shot head, which knows the classes' names; with items held out, the weights of the epoch that answers
    them best stay, be it the one before the first step. Statistics of batch norms stay as they were learned.

    Parameters
    ----------
    encoder : str or Encoder, default="auto"
        "auto" takes the default for the items, "minilm" or "efficientnet-lite0"; "hf:ID-or-folder", or an encoder.
    freeze_at : str or int, default="auto"
        The first trained stage, by name or place; "auto" trains the last third of the layers, all for method="full".
    method : {"partial", "probe", "lora", "full"}, default="partial"
        What is trained: the stages above the freeze point; the head alone, by logistic regression; matrices of low
        rank beside these stages' weights (Hu et al., ICLR 2022); everything.
    classes : sequence of names, or mapping of names to descriptions; optional
        What is said of the classes. Without it the labels name them.
    epochs : int, default=10
    learning_rate : float or "auto", default="auto"
        Of the last stage; see `Tuning` for the others. "auto" is 3e-4 for images and 1e-4 for texts.
    tuning : Tuning, optional
        All that is settled beside.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : History
        Losses and held-out figures by epoch; `plot` draws them.
    freeze_at_ : str
        The first trained stage.
    recipe_ : Recipe
        Epochs, learning rate and the like, as they were settled.
    reasons_ : tuple of str
        What was decided on the way, and why.
    """

    def __init__(
        self,
        encoder: str | Encoder = "auto",
        *,
        freeze_at: str | int = "auto",
        method: Method = "partial",
        classes: Sequence[Label] | Mapping[Label, str | Sequence[str] | None] | None = None,
        epochs: int = 10,
        learning_rate: float | Literal["auto"] = "auto",
        tuning: Tuning | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.encoder = encoder
        self.freeze_at = freeze_at
        self.method = method
        self.classes = classes
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.tuning = tuning
        self.random_state = random_state

    def fit(self, X: Items, y: Labels) -> Self:
        """Learn from items `X` (n) and their labels `y` (n), None being "no label".

        Raises
        ------
        InputError
            The items are of another kind than the encoder reads, or a parameter is out of range.
        UnknownStageError
            The encoder has no stage of the name of `freeze_at`; its stages are named.
        NotEnoughLabelsError
            There is no label.
        TrainingDivergedError
            The loss is no number any more; the step is named.
        BatchMemoryError
            A batch does not fit into memory; the message says which would.
        """
        tuning = self._checked()
        items, index, table = labeled_items(X, y, self.classes)
        return self._learn(self._space(items, tuning), items, table, index, tuning)

    # --- within -------------------------------------------------------------------------------------------------------

    def _learn(self, space: Space, items: Items, table: Classes, index: Indexes, tuning: Tuning) -> Self:
        backbone, trains = backbone_of(space.encoder), self.method != "probe"
        random = tuning.randomness(self.random_state, device=backbone.device)
        rate = settled_rate(self.learning_rate, RATES[backbone.modality])
        recipe = tuning.recipe(epochs=self.epochs, learning_rate=rate, device=backbone.device)
        freeze_at, views = self._freeze_at(backbone), tuning.augment if trains else 0
        store = ActivationCache() if tuning.cache else None
        known = activations(
            backbone, items, freeze_at=freeze_at, cache=store, budget_mb=tuning.budget_mb, augment=views
        )
        parted = Parted(np.arange(len(index)), np.arange(0))
        if trains:
            parted = hold_out(index, share=tuning.held_out, generator=random)
        data = Labeled(known, index, len(table), parted.train, parted.held_out)
        rest = split(backbone, freeze_at).rest
        head, why = self._first_head(space, table, rest, data, tuning, random)
        head.to(backbone.device)
        reasons: tuple[str, ...] = (f"Trained from {freeze_at} on, of {', '.join(backbone.stages)}.", why)
        history = History(stopped="closed form")
        if trains:
            about = subject(backbone, freeze_at, data, head, tuning, method=self.method)
            start = Start(rest, head)
            history = self._train(rest, head, data, recipe, tuning, random, about)
            moved = start.settle(rest, head, data, tuning) if history.best_epoch != 0 else 1.0
            check_answers(rest, head, known, parted.train, recipe)
            reasons += (_outcome(history, parted, moved),)
        _calibrate(rest, head, data)
        self.recipe_ = recipe
        return self.take_over(
            classes=table,
            backbone=backbone,
            freeze_at=freeze_at,
            rest=rest,
            head=head,
            history=history,
            reasons=reasons,
            encoder_name=space.name,
        )

    def _train(
        self,
        rest: Rest,
        head: LinearHead,
        data: Labeled,
        recipe: Recipe,
        tuning: Tuning,
        random: np.random.Generator,
        about: Mapping[str, str],
    ) -> History:
        seed = int(random.integers(2**31))
        if self.method == "lora":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                add_lora(rest, rank=tuning.rank)
        kept = None if tuning.checkpoints is None else Checkpoints(tuning.checkpoints, about=about)
        history = fine_tune(rest, head, data, recipe=recipe, tuning=tuning, checkpoints=kept, random_state=seed)
        if self.method == "lora":
            merge_lora(rest)
        return history

    def _first_head(
        self,
        space: Space,
        table: Classes,
        rest: Rest,
        data: Labeled,
        tuning: Tuning,
        random: np.random.Generator,
    ) -> tuple[LinearHead, str]:
        """Return the closed form on the features that the untrained network makes, and why it is as it is."""
        z = unit(features(rest, data.activations, data.train))  # (n, width)
        index = data.index[data.train]
        counts = np.bincount(index, minlength=data.n_classes) + 0.5
        shares = counts / counts.sum() if tuning.class_prior == "labels" else None
        if self.method == "probe":
            found = probe(z, index, data.n_classes, generator=random)
            sharpness = 1 / fit_temperature(found.scores, index[found.rows])
            added = 0 if shares is None else np.log(shares)
            why = f"Logistic regression, C={found.strength:g} by cross-validation."
            return LinearHead(sharpness * found.model.V, sharpness * found.model.b + added), why
        said = space.place_classes(describe(self.classes if self.classes is not None else table.tolist()))
        center = z.mean(axis=0) if said is not None and space.is_bridged else None
        said = np.zeros((data.n_classes, z.shape[1]), np.float32) if said is None else said
        closed_form: Wanted = "any-shot" if said.any() else "logistic-regression"
        placed = z if center is None else unit(z - center)
        answer = fit_model(Known(said, placed, index, shares=shares), method=closed_form)
        return LinearHead(answer.scorer.coef, finite(answer.scorer.intercept), center=center), answer.reasons[-1]

    def _space(self, items: Items, tuning: Tuning) -> Space:
        name = self.encoder
        if isinstance(name, str) and name == "auto":
            name = encoder_for(items)
        if name == "vectors":
            raise MixedInputError("Vectors have no network to fine-tune. Give texts or images, or AnyShotClassifier.")
        return Space(name, cache=VectorCache() if tuning.cache else None)

    def _freeze_at(self, backbone: Backbone) -> str:
        """Return the name of the first trained stage."""
        stages = backbone.stages
        if self.method == "probe":
            return stages[-1]
        if self.freeze_at != "auto":
            return stages[backbone.place(self.freeze_at)]
        return stages[0] if self.method == "full" else last_third(backbone)

    def _checked(self) -> Tuning:
        tuning = settled(self.tuning)
        if self.method not in get_args(Method):
            raise InputError(f"method={self.method!r} is none of {', '.join(get_args(Method))}.")
        if self.method in ("probe", "full") and self.freeze_at != "auto":
            what = "the head alone" if self.method == "probe" else "everything"
            raise InputError(
                f"method={self.method!r} trains {what}: freeze_at={self.freeze_at!r} has no say. Leave it 'auto', or "
                "take method='partial'."
            )
        return tuning


def _calibrate(rest: Rest, head: LinearHead, data: Labeled) -> None:
    """Scale the head so that what it says of the held-out items is as sure as it is right."""
    if not len(data.held_out):
        return
    scores = scores_of(rest, head, data.activations, data.held_out)
    temperature = fit_temperature(scores, data.index[data.held_out])
    with torch.no_grad():
        head.coef.div_(temperature)
        head.intercept.div_(temperature)


def _outcome(history: History, parted: Parted, moved: float) -> str:
    way = "" if moved == 1 else f", {moved:.0%} of the way from the first ones"
    if parted.why_none:
        return f"Nothing was held out ({parted.why_none}): trained for all epochs, the last weights stay{way}."
    best = history.best_epoch
    of = f"{len(parted.held_out)} held-out items are answered best"
    if best == 0:
        return f"{of} before any training, so the closed form's weights stay ({history.stopped})."
    return f"{of} after epoch {best}, whose weights stay{way} ({history.stopped})."
