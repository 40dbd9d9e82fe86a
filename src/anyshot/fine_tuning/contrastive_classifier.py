"""Few labels move the encoder itself: its last stages are tuned on pairs, then the head is fitted above them."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self

import numpy as np

from anyshot.any_shot.cross_validation import fit_model
from anyshot.any_shot.embedder import Space, encoder_for
from anyshot.any_shot.prior import Known
from anyshot.base.items import Items, Label, Labels
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import backbone_of
from anyshot.encoders.stages import Backbone
from anyshot.encoders.tuned import TunedEncoder
from anyshot.errors import MixedInputError, TrainingDivergedError
from anyshot.fine_tuning.contrastive import tune_on_pairs
from anyshot.fine_tuning.head import LinearHead, finite
from anyshot.fine_tuning.network_classifier import NetworkClassifier, labeled_items, last_third, settled_rate
from anyshot.training.history import History
from anyshot.training.loop import Recipe
from anyshot.zero_shot.class_embeddings import describe

RATES: Final = {"image": 3e-4, "text": 5e-5}
"""Learning rates of "auto"."""


class ContrastiveClassifier(NetworkClassifier):
    """Classify texts or images by an encoder whose last stages were tuned on pairs of labeled items.

    What is frozen is computed once. It pays where labels are few and the encoder places items by other things than the
    classes; where it places them well already, the any-shot head alone does as well in a fraction of the time.

    Parameters
    ----------
    encoder : str or Encoder, default="auto"
        "auto" takes the default for the items, "minilm" or "efficientnet-lite0"; "hf:ID-or-folder", or an encoder.
    freeze_at : str or int, default="auto"
        The first trained stage, by name or place; "auto" trains the last third of the layers.
    classes : sequence of names, or mapping of names to descriptions; optional
        What is said of the classes. Without it the labels name them.
    epochs : int, default=2
    pairs_per_item : int, default=20
        Pairs an epoch over the labeled items.
    learning_rate : float or "auto", default="auto"
        "auto" is 3e-4 for images and 5e-5 for texts.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : History
        Losses by epoch.
    reasons_ : tuple of str
        Why the head is as it is.

    References
    ----------
    Tunstall et al. Efficient Few-Shot Learning Without Prompts. 2022.
    """

    def __init__(
        self,
        encoder: str | Encoder = "auto",
        *,
        freeze_at: str | int = "auto",
        classes: Sequence[Label] | Mapping[Label, str | Sequence[str] | None] | None = None,
        epochs: int = 2,
        pairs_per_item: int = 20,
        learning_rate: float | Literal["auto"] = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.encoder = encoder
        self.freeze_at = freeze_at
        self.classes = classes
        self.epochs = epochs
        self.pairs_per_item = pairs_per_item
        self.learning_rate = learning_rate
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
            Fewer than two classes have labels.
        TrainingDivergedError
            The loss, or what the tuned encoder makes, is no number any more.
        """
        items, own, table = labeled_items(X, y, self.classes)
        name = encoder_for(items) if isinstance(self.encoder, str) and self.encoder == "auto" else self.encoder
        if name == "vectors":
            raise MixedInputError("Vectors have no network to tune. Give texts or images, or AnyShotClassifier.")
        space = Space(name, cache=None)
        encoder, backbone, history = self._tuned(space, items, own)
        tuned = Space(encoder, cache=None)
        z = tuned.place(items)
        if not np.isfinite(z).all():
            raise TrainingDivergedError(
                "The tuned encoder makes vectors that are no numbers: its last steps went too far. Take a lower "
                f"learning_rate than {self.learning_rate}."
            )
        said = tuned.place_classes(describe(self.classes if self.classes is not None else table.tolist()))
        if said is None:
            said = np.zeros((len(table), z.shape[1]), np.float32)
        method: Literal["any-shot", "logistic-regression"] = "any-shot" if said.any() else "logistic-regression"
        model = fit_model(Known(said, z, own), method=method)
        return self.take_over(
            classes=table,
            backbone=backbone,
            freeze_at=encoder.freeze_at,
            rest=encoder.rest,
            head=LinearHead(model.scorer.coef, finite(model.scorer.intercept)),
            history=history,
            reasons=model.reasons,
            encoder_name=space.name,
        )

    @property
    def encoder_(self) -> TunedEncoder:
        """The tuned encoder, for vectors like any other's."""
        self._check_fitted()
        return TunedEncoder(self._encoder_name, self.backbone_, self.freeze_at_, self.rest_)

    def _tuned(self, space: Space, items: Items, index: Indexes) -> tuple[TunedEncoder, Backbone, History]:
        backbone = backbone_of(space.encoder)
        freeze_at = last_third(backbone)
        if self.freeze_at != "auto":
            freeze_at = backbone.stages[backbone.place(self.freeze_at)]
        rate = settled_rate(self.learning_rate, RATES[backbone.modality])
        rest = split(backbone, freeze_at).rest
        history = tune_on_pairs(
            rest,
            activations(backbone, items, freeze_at=freeze_at),
            index,
            recipe=Recipe(self.epochs, rate),
            pairs_per_item=self.pairs_per_item,
            random_state=generator(self.random_state),
        )
        return TunedEncoder(space.name, backbone, freeze_at, rest.eval()), backbone, history
