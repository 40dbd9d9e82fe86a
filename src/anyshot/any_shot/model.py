"""The fitted any-shot model: scores, probabilities, prediction sets and its saved state, with numpy alone."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.defaults import Strength
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.columns import item_count
from anyshot.base.folds import row_digests
from anyshot.base.items import Items
from anyshot.base.labels import Label, sorted_rows
from anyshot.base.messages import with_interval
from anyshot.base.validation import Floats, Indexes, Vectors, softmax
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.conformal import ConformalThreshold, conformal_threshold, prediction_sets, threshold_of
from anyshot.evaluation.open_set import closeness
from anyshot.training import active_learning
from anyshot.zero_shot.class_texts import ClassTexts

if TYPE_CHECKING:  # what loads encoders and the cache, which vectors do not need, and pandas
    from anyshot.any_shot.embedder import Embedder

Method: TypeAlias = Literal["any-shot", "zero-shot", "prototype", "logistic-regression"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
MethodOrAuto: TypeAlias = Method | Literal["auto"]
FittedMethod: TypeAlias = Method | Literal["fine-tuned"]
PriorKind: TypeAlias = Literal["names", "corrected", "refined", "attributes", "none"]
"""Where the class vectors of a model come from: names, names moved by labeled classes or by unlabeled examples,
attributes, or nowhere."""

WITHOUT_LABELS: Final = "No labels were given, so methods are not compared; {method} is used."

CHUNK: Final = 2**22
"""Scores computed at once: 16 MB, whatever the number of classes and items."""
DATA_ARRAYS: Final = ("class_embeddings", "vectors", "index", "weights", "unlabeled", "attributes")
MODEL_ARRAYS: Final = ("coef", "intercept", "class_means", "held_out")
"""The arrays of a saved model: of its training set, and its own."""


class LinearModel(NamedTuple):
    """A linear model: scores = X coef' + intercept."""

    coef: Vectors  # (c, d)
    intercept: NDArray[np.float32]  # (c,)

    def __call__(self, X: Vectors) -> NDArray[np.float32]:
        """Return the scores (n, c)."""
        return np.asarray(X @ self.coef.T + self.intercept, dtype=np.float32)

    def scaled(self, factor: float) -> Self:
        """Return the model whose scores are `factor` times as large."""
        return self._replace(coef=self.coef * np.float32(factor), intercept=self.intercept * np.float32(factor))

    def with_class_prior(self, shares: NDArray[np.floating] | None) -> Self:
        """Return the model for classes with these shares (c,), where it expected equal ones."""
        if shares is None:
            return self
        return self._replace(intercept=self.intercept + np.log(shares).astype(np.float32))

    def rounded(self) -> Self:
        """Return the model in half precision, which is enough to begin from."""
        return type(self)(*(values.astype(np.float16).astype(np.float32) for values in self))

    def of_rows(self, rows: Indexes) -> Self:
        """Return the model of other classes: those of some rows (c,), with weights of zero where a row is -1."""
        known = rows >= 0
        coef = np.where(known[:, None], self.coef[rows], np.float32(0))
        return self._replace(coef=coef, intercept=np.where(known, self.intercept[rows], np.float32(0)))


class FoldHead(NamedTuple):
    """A head that is fitted without the labels of one fold."""

    n_folds: int
    fold: int
    strength: Strength


Starts: TypeAlias = Mapping[Strength | FoldHead, LinearModel]
"""What labels added to heads, those of all labels first, in half precision; a later fit may begin from it."""
Fit: TypeAlias = tuple[LinearModel, Starts]
Factors: TypeAlias = Mapping[Strength, float]
"""The heads that are averaged, and the factor of each one's scores."""


class CrossValidationResult(NamedTuple):
    """Performance of one method on labels that were held out."""

    method: FittedMethod
    accuracy: float  # mean over classes
    log_likelihood: float  # at the temperature [nats per label]
    temperature: float
    correct: NDArray[np.bool_]  # (n,), whether each held-out label was predicted correctly
    probabilities: Floats  # (n,), predicted for each held-out label
    factors: Mapping[Strength, float] = {}  # of the heads that are averaged
    interval: tuple[float, float] = (math.nan, math.nan)  # Wilson's 95 % interval of the accuracy
    rows: Indexes = np.zeros(0, np.intp)  # (n,), the held-out labels among the labeled examples; not saved
    predicted: Floats = np.zeros((0, 0))  # (n, c), probabilities of all classes for each of them; not saved

    def facts(self) -> list[Any]:
        """Return what is saved with the model, as JSON values."""
        known = not math.isnan(self.interval[0])
        return [self.method, self.accuracy, self.log_likelihood, self.temperature, *(self.interval if known else ())]

    def __str__(self) -> str:
        """Return the accuracy with its interval in percent."""
        return f"{self.method} {with_interval(self.accuracy, self.interval)}"


@dataclass(frozen=True)
class Model:
    """A fitted any-shot model: linear scores of vectors, whose softmax is the calibrated probability of each class."""

    embedder: "Embedder"  # turns items into vectors
    data: TrainingSet  # what the model was fitted to
    coef: Vectors  # (c, d)
    intercept: NDArray[np.float32]  # (c,)
    method: FittedMethod  # the method that was chosen
    prior: PriorKind  # where its class vectors come from
    reasons: tuple[str, ...]  # why, in sentences
    class_means: Vectors  # (c, d), for the closeness
    unknown_threshold: float | None = None  # items with a smaller closeness are unknown
    provisional: bool = False  # whether some class was added without fitting the others again
    pool_temperature: float = 1.0  # divides the scores of vectors in the pool, to which the model was fitted
    leaderboard: tuple[CrossValidationResult, ...] = ()  # every method compared, the most accurate first
    starts: Starts = field(default_factory=dict, repr=False)  # where a later fit begins
    # Probability that was predicted for each held-out label (n,); empty if none was held out.
    held_out: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    # --- predictions ---

    def encode(self, items: Items) -> Vectors:
        """Return the vectors of items (n, d), centered as those of the training set."""
        if item_count(items) == 0:
            return np.zeros((0, self.class_means.shape[1]), np.float32)
        return self.data.centered(self.embedder.encode(items))

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the scores (n, c): log-probabilities up to a constant per item."""
        scores = self._in_chunks(LinearModel(self.coef, self.intercept).__call__, vectors)
        if self.pool_temperature != 1:
            scores[[one in self.data.pool_digests for one in row_digests(vectors)]] /= np.float32(self.pool_temperature)
        return scores

    def probabilities(self, vectors: Vectors) -> Floats:
        """Return the probability of each class (n, c)."""
        return softmax(self.scores(vectors).astype(np.float64))

    def predict(self, vectors: Vectors) -> Indexes:
        """Return the row of the most probable class (n,), -1 where no class is close enough."""
        linear = LinearModel(self.coef, self.intercept)
        best = self._in_chunks(lambda some: linear(some).argmax(axis=1), vectors)
        if self.unknown_threshold is None:
            return best
        return np.where(self.closeness(vectors) < self.unknown_threshold, -1, best)

    def closeness(self, vectors: Vectors) -> Floats:
        """Return how close vectors (n, d) are to the nearest class mean (n,)."""
        return self._in_chunks(lambda some: closeness(some, self.class_means), vectors)

    def _in_chunks(self, answers_to: Callable[[Vectors], NDArray[Any]], vectors: Vectors) -> NDArray[Any]:
        """Return the answers to vectors (n, d), some rows at a time, so that the memory for scores stays bounded."""
        rows = max(1, CHUNK // len(self.class_means))
        return np.concatenate([answers_to(vectors[i : i + rows]) for i in range(0, max(1, len(vectors)), rows)])

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
        return threshold_of(1 - self.held_out, coverage)

    def suggest(self, vectors: Vectors, n: int, random: "np.random.Generator") -> tuple[Indexes, Floats]:
        """Return the rows of the vectors (m, d) whose labels would help most (n,), and their probabilities (n, c)."""
        rows, data = active_learning.candidates(len(vectors), n, random), self.data
        probabilities = self.probabilities(vectors[rows])
        best = active_learning.suggest(vectors[rows], probabilities, n, labeled=data.labeled, counts=data.counts)
        return rows[best], probabilities[best]

    def with_reason(self, reason: str) -> Self:
        """Return the model with one more reason, as the last one."""
        return replace(self, reasons=(*self.reasons, reason))

    # --- saving ---

    def facts(self) -> dict[str, Any]:
        """Return the parts of a saved model that are not arrays."""
        own = {name: getattr(self.data, name) for name in ("examples", "centering", "from_source")}
        return {
            "encoder": self.embedder.facts(),
            "training_set": self.data.texts.facts() | own,
            "model": {"method": self.method, "prior": self.prior, "reasons": list(self.reasons)},
            "strengths": [[*head] for head in self.starts if isinstance(head, Strength)],
            "fold_heads": [[*head[:2], *head.strength] for head in self.starts if isinstance(head, FoldHead)],
            "leaderboard": [result.facts() for result in self.leaderboard],
            "unknown_threshold": self.unknown_threshold,
            "provisional": self.provisional,
            "pool_temperature": self.pool_temperature,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a saved model."""
        found = {name: getattr(self.data, name) for name in DATA_ARRAYS}
        found |= {name: getattr(self, name) for name in MODEL_ARRAYS}
        for number, delta in enumerate(self.starts.values()):
            found[f"delta.{number}.coef"] = delta.coef.astype(np.float16)
            found[f"delta.{number}.intercept"] = delta.intercept.astype(np.float16)
        return found | self.embedder.arrays()

    @classmethod
    def from_saved(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], embedder: "Embedder") -> Self:
        """Return the model that was saved as `facts` and `arrays`, with the embedder of its encoder."""
        given: dict[str, Any] = {**facts["model"], **{name: arrays[name] for name in MODEL_ARRAYS}}
        heads: list[Strength | FoldHead] = [Strength(*saved) for saved in facts["strengths"]]
        for n_folds, fold, *strength in facts.get("fold_heads", []):  # not in version 0.1
            heads.append(FoldHead(n_folds, fold, Strength(*strength)))
        saved = cls(
            embedder,
            _data_from_saved(facts["training_set"], arrays),
            **{**given, "reasons": tuple(given["reasons"])},
            leaderboard=tuple(_result_from_saved(row) for row in facts["leaderboard"]),
            starts={
                head: LinearModel(*(arrays[f"delta.{i}.{part}"].astype(np.float32) for part in LinearModel._fields))
                for i, head in enumerate(heads)
            },
            unknown_threshold=facts["unknown_threshold"],
            provisional=facts.get("provisional", False),
            pool_temperature=facts.get("pool_temperature", 1.0),
        )
        return saved.sorted()

    def sorted(self) -> Self:
        """Return the model with its classes sorted by name; models of earlier versions have another order."""
        order = np.array(sorted_rows(self.data.texts.names))
        if (order == np.arange(len(order))).all():
            return self
        return replace(
            self,
            data=self.data.sorted(),
            **LinearModel(self.coef, self.intercept).of_rows(order)._asdict(),
            class_means=self.class_means[order],
            starts={head: added.of_rows(order) for head, added in self.starts.items()},
        )


def _result_from_saved(row: Sequence[Any]) -> CrossValidationResult:
    """Return a row of the leaderboard; version 0.1 had no interval."""
    method, accuracy, log_likelihood, temperature, *interval = row
    result = CrossValidationResult(method, accuracy, log_likelihood, temperature, np.zeros(0, dtype=bool), np.zeros(0))
    return result._replace(interval=(interval[0], interval[1])) if interval else result


def _data_from_saved(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TrainingSet:
    given: dict[str, Any] = {name: arrays[name] for name in DATA_ARRAYS if name in arrays}
    return TrainingSet(
        **{**given, "index": arrays["index"].astype(np.intp)},
        texts=ClassTexts.from_facts(facts),
        examples=tuple(facts["examples"]),
        centering=facts["centering"],
        from_source=facts.get("from_source", False),
    )
