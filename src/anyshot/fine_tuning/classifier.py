"""Fine-tuning of a pretrained network, starting from the any-shot head."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, get_args

import numpy as np

from anyshot.any_shot.embedder import Embedder
from anyshot.base.labels import Classes, Label
from anyshot.base.protocols import Encoder
from anyshot.base.validation import RandomState, unit
from anyshot.encoders.stages import Backbone
from anyshot.errors import InputError
from anyshot.fine_tuning import partial
from anyshot.fine_tuning.lora import add_lora, merge_lora
from anyshot.fine_tuning.network import NetworkClassifier, TrainedNetwork, closed_form_head
from anyshot.fine_tuning.partial import LinearHead, StageTraining, digest
from anyshot.fine_tuning.probe import probe_head
from anyshot.fine_tuning.training_labels import TrainingLabels
from anyshot.fine_tuning.tuning import Tuning, check_tuning
from anyshot.training.networks import seeded
from anyshot.training.run import History
from anyshot.zero_shot.class_texts import TextDescription

FineTuningMethod = Literal["partial", "probe", "lora", "full"]


class FineTunedClassifier(NetworkClassifier):
    """Classify texts or images by a pretrained network whose last stages are trained on labels.

    The stages below the freeze point are frozen, and their output is computed once for each item. The head starts from
    the any-shot head, which uses the class names. With held-out items, the weights of the epoch with the best accuracy
    on them are kept, which may be the initial ones. The statistics of batch norms stay frozen.

    Parameters
    ----------
    encoder : str or Encoder, default="auto"
        "auto" is "minilm" for texts and "efficientnet-lite0" for images; "hf:ID-or-folder"; or an encoder. "minilm" is
        also trained in place of "minilm-words".
    freeze_at : str or int, default="auto"
        The first trained stage, by name or index; "auto" trains the last third of the layers, or all for method="full".
    method : {"partial", "probe", "lora", "full"}, default="partial"
        What is trained: "partial" trains the stages above the freeze point; "probe" the head alone, by logistic
        regression; "lora" low-rank matrices beside the weights of these stages (Hu et al., ICLR 2022); "full" all
        stages.
    classes : sequence of names, or mapping of names to descriptions and `Words`; optional
        The classes. By default the labels are the class names.
    epochs : int, default=10
    learning_rate : float or "auto", default="auto"
        Learning rate of the last stage; see `Tuning` for the other stages. "auto" is 3e-4 for images, 1e-4 for texts.
    tuning : Tuning, optional
        Further settings.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : History
        Loss and held-out accuracy by epoch; `plot` draws them.
    freeze_at_ : str
        The first trained stage.
    recipe_ : Recipe
        The settings of the training loop.
    reasons_ : tuple of str
        What was decided in `fit`, and why.
    """

    _LEARNING_RATES: ClassVar = {"image": 3e-4, "text": 1e-4}  # convolutions tolerate more than attention does

    def __init__(
        self,
        encoder: str | Encoder = "auto",
        *,
        freeze_at: str | int = "auto",
        method: FineTuningMethod = "partial",
        classes: Sequence[Label] | Mapping[Label, TextDescription] | None = None,
        epochs: int = 10,
        learning_rate: float | Literal["auto"] = "auto",
        tuning: Tuning | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.encoder, self.freeze_at, self.method, self.classes = encoder, freeze_at, method, classes
        self.epochs, self.learning_rate, self.tuning, self.random_state = epochs, learning_rate, tuning, random_state

    def _settings(self) -> Tuning:
        tuning = check_tuning(self.tuning)
        if self.method not in get_args(FineTuningMethod):
            raise InputError(f"Unknown method {self.method!r}. Choose one of: {', '.join(get_args(FineTuningMethod))}.")
        if self.method in ("probe", "full") and self.freeze_at != "auto":
            trained = "only the head" if self.method == "probe" else "all stages"
            raise InputError(
                f"method={self.method!r} trains {trained}, so freeze_at={self.freeze_at!r} has no effect. Leave it "
                "'auto', or use method='partial'."
            )
        return replace(tuning, augment=0, held_out=0) if self.method == "probe" else tuning

    def _first_trained_stage(self, backbone: Backbone) -> str:
        if self.method in ("probe", "full"):
            return backbone.stages[-1 if self.method == "probe" else 0]
        return super()._first_trained_stage(backbone)

    def _train(
        self, run: StageTraining, labels: TrainingLabels, embedder: Embedder, classes: Classes
    ) -> TrainedNetwork:
        head, reason = self._initial_head(run, labels, embedder, classes)
        reasons = f"Trained from {run.freeze_at} on, of {', '.join(run.backbone.stages)}.", reason
        if self.method == "probe":
            return TrainedNetwork(head, History(stopped="closed form"), reasons)
        head.to(run.backbone.device)
        about = {
            "method": self.method,
            "labels": digest(labels.index),
            "held-out items": digest(labels.train, labels.held_out),
            "first head": digest(*(tensor.cpu().numpy() for tensor in head.state_dict().values())),
        }
        about |= {} if labels.weights is None else {"weights": digest(labels.weights)}
        initial, seed = partial.copy_weights(run.rest, head), int(run.random.integers(2**31))
        if self.method == "lora":
            with seeded(seed):
                add_lora(run.rest, rank=run.tuning.rank)
        history = partial.fine_tune(run, head, labels, about=about, random_state=seed)
        if self.method == "lora":
            merge_lora(run.rest)
        factor = partial.interpolate(run, head, initial, labels) if history.best_epoch != 0 else 1.0
        run.check_finite(run.scores(head, labels.train[:64]))
        return TrainedNetwork(head, history, (*reasons, _outcome(history, labels, factor)))

    def _initial_head(
        self, run: StageTraining, labels: TrainingLabels, embedder: Embedder, classes: Classes
    ) -> tuple[LinearHead, str]:
        """Return the closed-form head on the features of the untrained network, and how it was fitted."""
        rows, copy_of = np.unique(labels.train, return_inverse=True)
        z, index = unit(run.features(rows)), labels.index[rows]  # (n, width), (n,)
        shares = None
        if run.tuning.class_prior == "labels":
            shares = (labels.counts + 0.5) / (labels.counts + 0.5).sum()
        if self.method == "probe":
            weights = None if labels.weights is None else labels.weights[rows] * np.bincount(copy_of)
            return probe_head(z, index, labels.n_classes, weights=weights, shares=shares, generator=run.random)
        z, index, weights = z[copy_of], index[copy_of], labels.train_weights
        embeddings = self._class_embeddings(embedder, classes)
        center = np.average(z, axis=0, weights=weights) if embedder.reader.bridge is not None else None
        z = z if center is None else unit(z - center)
        head, reasons = closed_form_head(z, index, embeddings, shares=shares, center=center, weights=weights)
        return head, reasons[-1]


def _outcome(history: History, labels: TrainingLabels, factor: float) -> str:
    """Return which weights were kept, and why."""
    kept = "kept" if factor == 1 else f"kept, {100 * factor:.0f} % of the way from the initial weights"
    if labels.why_none:
        return f"No items were held out ({labels.why_none}): trained for all epochs; the last weights are {kept}."
    best, accuracy = history.best_epoch, f"Accuracy on {len(labels.held_out)} held-out items was best"
    if best == 0:
        return f"{accuracy} before training, so the initial weights are kept ({history.stopped})."
    return f"{accuracy} after epoch {best}, whose weights are {kept} ({history.stopped})."
