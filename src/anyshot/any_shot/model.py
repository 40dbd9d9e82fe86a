"""The fitted any-shot model: predictions, prediction sets, suggestions and saving."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from anyshot import encoders
from anyshot.any_shot import active_learning
from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.solver import LinearModel, class_means
from anyshot.any_shot.training_set import TrainingSet, closeness, without_items
from anyshot.base.items import Items, Label, class_table
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.calibration import ConformalThreshold, conformal_threshold, prediction_sets, threshold_of
from anyshot.store.disk_cache import VectorCache
from anyshot.zero_shot.class_embeddings import ClassTexts

Method: TypeAlias = Literal["any-shot", "zero-shot", "prototype", "logistic-regression"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
FittedMethod: TypeAlias = Method | Literal["fine-tuned"]
PriorKind: TypeAlias = Literal["names", "corrected", "refined", "attributes", "none"]
"""Where the class vectors of a model come from: names, names moved by labeled classes or by unlabeled examples,
attributes, or nowhere."""

CHUNK: Final = 2**22
"""Scores computed at once: 16 MB, whatever the number of classes and items."""


class CrossValidationResult(NamedTuple):
    """Performance of one method on labels that were held out."""

    method: FittedMethod
    accuracy: float  # mean over classes
    log_likelihood: float  # at the temperature [nats per label]
    temperature: float
    correct: NDArray[np.bool_]  # (n,), whether each held-out label was predicted correctly
    probabilities: NDArray[np.float64]  # (n,), predicted for each held-out label


@dataclass(frozen=True)
class Model:
    """A fitted any-shot model: linear scores of vectors, whose softmax is the calibrated probability of each class."""

    embedder: Embedder  # turns items into vectors
    data: TrainingSet  # what the model was fitted to
    coef: Vectors  # (c, d)
    intercept: NDArray[np.float32]  # (c,)
    method: FittedMethod  # the method that was chosen
    prior: PriorKind  # where its class vectors come from
    reasons: tuple[str, ...]  # why, in sentences
    class_means: Vectors  # (c, d), for the closeness
    leaderboard: tuple[CrossValidationResult, ...] = ()  # every method compared, the most accurate first
    # What labels added to the head of each strength; a later fit starts from it.
    deltas: Mapping[Strength, LinearModel] = field(default_factory=dict, repr=False)
    # Probability that was predicted for each held-out label (n,); empty if none was held out.
    held_out: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)
    unknown_threshold: float | None = None  # items with a smaller closeness are unknown

    # --- predictions ---

    def encode(self, items: Items) -> Vectors:
        """Return the vectors of items (n, d), centered as those of the training set."""
        if len(items) == 0:
            return np.zeros((0, self.class_means.shape[1]), np.float32)
        return self.data.centered(self.embedder.encode(items))

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the scores (n, c): log-probabilities up to a constant per item."""
        return np.concatenate([self._scores(some) for some in _in_chunks(vectors, self.class_means)])

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probability of each class (n, c)."""
        return np.asarray(softmax(self.scores(vectors).astype(np.float64), axis=1))

    def predict(self, vectors: Vectors) -> Indexes:
        """Return the row of the most probable class (n,), -1 where no class is close enough."""
        chunks = _in_chunks(vectors, self.class_means)
        best = np.concatenate([self._scores(some).argmax(axis=1) for some in chunks])
        if self.unknown_threshold is None:
            return best
        return np.where(self.closeness(vectors) < self.unknown_threshold, -1, best)

    def closeness(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return how close vectors (n, d) are to the nearest class mean (n,)."""
        return np.concatenate([closeness(some, self.class_means) for some in _in_chunks(vectors, self.class_means)])

    def prediction_sets(self, vectors: Vectors, threshold: ConformalThreshold) -> list[list[Label]]:
        """Return the classes above the threshold for each vector (n lists), the most probable first."""
        names, probabilities = self.data.classes.tolist(), self.probabilities(vectors)
        members = prediction_sets(probabilities, threshold)
        order = np.argsort(-probabilities, axis=1, kind="stable")
        return [[names[k] for k in ranked if inside[k]] for ranked, inside in zip(order, members, strict=True)]

    def conformal_threshold(self, coverage: float, calibration: tuple[Vectors, Indexes] | None) -> ConformalThreshold:
        """Return the threshold of prediction sets, from the held-out labels or from vectors (n, d) and classes (n,).

        Raises NotEnoughLabelsError if no label was held out and no calibration items are given.
        """
        if calibration is not None:
            return conformal_threshold(self.probabilities(calibration[0]), calibration[1], coverage)
        if not len(self.held_out):
            raise NotEnoughLabelsError(
                "Prediction sets with a stated coverage need held-out labels, and there were too few labels to hold "
                "any out. Give calibration=(items, labels), with items that the model was not fitted to."
            )
        return threshold_of(1 - self.held_out, coverage, score="lac")

    def suggest(self, items: Items, n: int, random: np.random.Generator) -> Indexes:
        """Return the rows of the items whose labels would help most (n,)."""
        vectors = self.encode(items)
        rows = active_learning.candidates(len(vectors), n, random)
        probabilities = self.probabilities(vectors[rows])
        return rows[active_learning.suggest(vectors[rows], probabilities, n, labeled=self.data.labeled)]

    def _scores(self, vectors: Vectors) -> NDArray[np.float32]:
        return np.asarray(vectors @ self.coef.T + self.intercept, dtype=np.float32)

    # --- changes ---

    def with_reason(self, reason: str) -> Self:
        """Return the model with one more reason, as the last one."""
        return replace(self, reasons=(*self.reasons, reason))

    def with_result(self, result: CrossValidationResult) -> Self:
        """Return the model with one more row on the leaderboard."""
        results = sorted((*self.leaderboard, result), key=lambda one: -one.accuracy)
        return replace(self, leaderboard=tuple(results))

    def with_fine_tuned(
        self,
        embedder: Embedder,
        head: LinearModel,
        result: CrossValidationResult,
        items: Items,
        unlabeled: Items | None,
    ) -> Self:
        """Return the model that predicts with a fine-tuned encoder and its head.

        result: the performance of fine-tuning; items (n): the labeled ones, in order; unlabeled: the unlabeled ones.
        """
        data, prior = self.data, self.data.class_prior
        vectors = embedder.encode(items)
        embeddings = embedder.embed_classes(data.texts) if embedder.reads_texts else None
        if embeddings is None:
            embeddings = np.zeros((len(data.classes), vectors.shape[1]), np.float32)
        moved = without_items(data.classes, data.texts, embeddings).with_labels(vectors, data.index, data.examples)
        if unlabeled is not None and len(unlabeled):
            moved = moved.with_unlabeled(embedder.encode(unlabeled))
        return replace(
            self.with_result(result),
            embedder=embedder,
            data=replace(moved, class_prior=prior),
            coef=head.coef,
            intercept=head.intercept if prior is None else head.intercept + np.log(prior).astype(np.float32),
            method="fine-tuned",
            prior="none",
            deltas={},
            held_out=result.probabilities,
            class_means=class_means(moved.vectors, moved.index, unit(embeddings)),
            unknown_threshold=None,
        )

    # --- saving ---

    def described_classes(self) -> dict[Label, Any]:
        """Return the classes as the user gave them: with vectors if the items are vectors, else with texts."""
        data, names = self.data, self.data.classes.tolist()
        if data.attributes.size:
            return dict(zip(names, data.attributes, strict=True))
        if self.embedder.requested == "vectors" and data.class_embeddings.any():
            return dict(zip(names, data.class_embeddings, strict=True))
        return {name: list(own) for name, own in zip(names, data.texts.texts, strict=True)}

    def facts(self) -> dict[str, Any]:
        """Return the parts of a saved model that are not arrays."""
        data, embedder, trained = self.data, self.embedder, self.embedder.trained
        about_encoder = {
            "name": embedder.name,
            "digest": embedder.digest,
            "modality": embedder.encoder.modality if embedder.encoder else None,
            "tuned": trained.facts() if trained else None,
        }
        return {
            "encoder": about_encoder,
            "training_set": {
                "classes": data.classes.tolist(),
                "texts": [list(own) for own in data.texts.texts],
                "examples": list(data.examples),
                "centering": data.centering,
                "from_source": data.from_source,
            },
            "model": {"method": self.method, "prior": self.prior, "reasons": list(self.reasons)},
            "strengths": [[strength.C, strength.prior_weight] for strength in self.deltas],
            "leaderboard": [[result.method, *result[1:4]] for result in self.leaderboard],
            "unknown_threshold": self.unknown_threshold,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a saved model."""
        deltas: dict[str, NDArray[Any]] = {}
        for number, delta in enumerate(self.deltas.values()):
            deltas |= {f"delta.{number}.coef": delta.coef, f"delta.{number}.intercept": delta.intercept}
        return {
            "class_embeddings": self.data.class_embeddings,
            "vectors": self.data.vectors,
            "index": self.data.index.astype(np.int64),
            "unlabeled": self.data.unlabeled,
            "attributes": self.data.attributes,
            "coef": self.coef,
            "intercept": self.intercept,
            **deltas,
            "class_means": self.class_means,
            "held_out": self.held_out,
            **(self.embedder.trained.arrays() if self.embedder.trained else {}),
        }

    @classmethod
    def from_saved(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, cache: VectorCache | None
    ) -> Self:
        """Return the model that was saved as `facts` and `arrays`."""
        about, name, trained = facts["model"], facts["encoder"]["name"], facts["encoder"]["tuned"]
        encoder = encoders.tuned_from_saved(name, trained, arrays) if trained else name
        none = np.zeros(0, dtype=bool), np.zeros(0)
        digest, width = None if trained else facts["encoder"]["digest"], arrays["class_embeddings"].shape[1]
        reads_texts = facts["encoder"].get("modality") == "text"  # not stated in format 1
        return cls(
            Embedder(encoder, cache=cache, digest=digest, text_width=width if reads_texts else None),
            _data_from_saved(facts["training_set"], arrays),
            arrays["coef"],
            arrays["intercept"],
            about["method"],
            about["prior"],
            tuple(about["reasons"]),
            arrays["class_means"],
            tuple(CrossValidationResult(row[0], row[1], row[2], row[3], *none) for row in facts["leaderboard"]),
            {
                _strength(*strength): LinearModel(arrays[f"delta.{number}.coef"], arrays[f"delta.{number}.intercept"])
                for number, strength in enumerate(facts["strengths"])
            },
            arrays["held_out"],
            facts["unknown_threshold"],
        )


def _in_chunks(vectors: Vectors, class_means: Vectors) -> Iterator[Vectors]:
    """Yield some rows of the vectors (n, d) at a time, so that the memory for their scores stays bounded."""
    rows = max(1, CHUNK // len(class_means))
    for first in range(0, max(1, len(vectors)), rows):
        yield vectors[first : first + rows]


def _strength(C: float, prior_weight: float) -> Strength:
    """Return the strength of the defaults with these values, or a new one."""
    saved = Strength(C, prior_weight)
    return next((own for own in DEFAULTS.strengths if own[:2] == saved[:2]), saved)


def _data_from_saved(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TrainingSet:
    classes = class_table(facts["classes"])
    data = TrainingSet(
        arrays["class_embeddings"],
        arrays["vectors"],
        arrays["index"].astype(np.intp),
        classes=classes,
        texts=ClassTexts(tuple(classes.tolist()), tuple(tuple(own) for own in facts["texts"])),
        examples=tuple(facts["examples"]),
        unlabeled=arrays["unlabeled"],
        attributes=arrays["attributes"],
        centering=facts["centering"],
        from_source=facts.get("from_source", False),
    )
    return data.with_pool() if len(data.unlabeled) else data
