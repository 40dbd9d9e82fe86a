"""A classifier once fitted: the space, the evidence, the model made from it, and every answer that they give."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from anyshot import encoders
from anyshot.any_shot import active_learning, open_set
from anyshot.any_shot import cross_validation as selection
from anyshot.any_shot import prior as belief
from anyshot.any_shot.analogy import Analogy, analogies_of_bridge, analogies_of_shares
from anyshot.any_shot.embedder import Space
from anyshot.any_shot.explanation import Explanation, Explanations, Neighbor
from anyshot.any_shot.prototypes import prototypes
from anyshot.any_shot.scoring import Scorer
from anyshot.any_shot.solver import Deviation
from anyshot.any_shot.training_set import Evidence, evidence_from_saved, first_evidence
from anyshot.base.items import Items, Label, item_names
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.calibration import ConformalThreshold, conformal_threshold, prediction_sets, threshold_of
from anyshot.store.disk_cache import VectorCache
from anyshot.zero_shot.class_embeddings import nearest_text

CHUNK = 2**22
"""Scores computed at once: 16 MB, whatever the number of classes and items."""


@dataclass(frozen=True)
class Fitted:
    """What answers.

    Attributes
    ----------
    space : Space
        Where items become vectors.
    evidence : Evidence
        What the model was made from.
    model : selection.Model
        How a vector is scored.
    class_means : ndarray of shape (c, d)
        Where each class lies, for the closeness.
    threshold : float or None
        Closeness below which an item is unknown.
    """

    space: Space
    evidence: Evidence
    model: selection.Model
    class_means: Vectors
    threshold: float | None

    def place(self, items: Items) -> Vectors:
        """Return the vectors (n, d) of items as the model compares them."""
        if len(items) == 0:
            return np.zeros((0, self.model.scorer.coef.shape[1]), np.float32)
        return self.evidence.centered(self.space.place(items))

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the scores (n, c): log-probabilities up to a constant of the item."""
        return np.concatenate(list(self._in_chunks(vectors)))

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probability of each class (n, c)."""
        return np.asarray(softmax(self.scores(vectors).astype(np.float64), axis=1))

    def best(self, vectors: Vectors) -> Indexes:
        """Return the row of the likeliest class (n,), -1 where none is close enough."""
        best = np.concatenate([scores.argmax(axis=1) for scores in self._in_chunks(vectors)])
        if self.threshold is None:
            return best
        return np.where(self.closeness(vectors) < self.threshold, -1, best)

    def closeness(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return how close vectors (n, d) lie to the nearest class (n,)."""
        rows = max(1, CHUNK // len(self.class_means))
        starts = range(0, max(1, len(vectors)), rows)
        return np.concatenate([open_set.closeness(vectors[i : i + rows], self.class_means) for i in starts])

    def explain(self, items: Items, *, k: int) -> Explanations:
        """Say what the answer for each item rests on, with the `k` nearest labeled examples."""
        if len(items) == 0:
            return Explanations(())
        vectors, names = self.place(items), self.evidence.classes.tolist()
        probabilities = self.probabilities(vectors)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]  # (n, 2)
        known = self.best(vectors) >= 0
        matched, near = self._matched(vectors, order[:, 0]), self._neighbors(vectors, k)
        alike = self._analogies(order[:, 0])
        explanations = []
        for row, item in enumerate(item_names(items)):
            first, second = order[row]
            explanations.append(
                Explanation(
                    item=item,
                    is_known=bool(known[row]),
                    label=names[first],
                    probability=float(probabilities[row, first]),
                    runner_up=names[second],
                    margin=float(probabilities[row, first] - probabilities[row, second]),
                    matched=matched[row],
                    neighbors=near[row],
                    analogy=alike.get(int(first)),
                )
            )
        return Explanations(tuple(explanations))

    def sets(self, vectors: Vectors, threshold: ConformalThreshold) -> list[list[Label]]:
        """Return each vector's classes that are likely enough (n lists), the likeliest first."""
        names, probabilities = self.evidence.classes.tolist(), self.probabilities(vectors)
        members = prediction_sets(probabilities, threshold)
        order = np.argsort(-probabilities, axis=1, kind="stable")
        return [[names[k] for k in ranked if inside[k]] for ranked, inside in zip(order, members, strict=True)]

    def set_threshold(self, coverage: float, calibration: tuple[Vectors, Indexes] | None) -> ConformalThreshold:
        """Return what classes of a set must reach, by labels held out of the fit, or by items (n, d) with classes (n,).

        Raises
        ------
        NotEnoughLabelsError
            No label was held out, and no other items are given.
        """
        if calibration is not None:
            return conformal_threshold(self.probabilities(calibration[0]), calibration[1], coverage)
        if not len(self.model.held_out):
            raise NotEnoughLabelsError(
                "Sets with a stated coverage need labels that were held out, and with the labels at hand none were. "
                "Give calibration=(items, labels) of items that the model has not learned from."
            )
        return threshold_of(1 - self.model.held_out, coverage, score="lac")

    def suggest(self, pool: Items, n: int, random: np.random.Generator) -> Indexes:
        """Return the rows of the pool most worth labeling next (n,)."""
        vectors = self.place(pool)
        rows = active_learning.looked_at(len(vectors), n, random)
        labeled = self.evidence.centered(self.evidence.vectors)
        return rows[active_learning.suggest(vectors[rows], self.probabilities(vectors[rows]), n, labeled=labeled)]

    def with_reason(self, reason: str) -> Self:
        """Return the same with one more reason."""
        return replace(self, model=replace(self.model, reasons=(*self.model.reasons, reason)))

    def with_trial(self, trial: selection.Trial) -> Self:
        """Return the same with one more line on the leaderboard."""
        ranked = sorted((*self.model.leaderboard, trial), key=lambda one: -one.accuracy)
        return replace(self, model=replace(self.model, leaderboard=tuple(ranked)))

    def described(self) -> dict[Label, Any]:
        """Return the classes as they were given: by their vectors where items are vectors too, else by their texts."""
        names, texts = self.evidence.classes.tolist(), self.evidence.texts.texts
        if self.evidence.attributes.size:
            return dict(zip(names, self.evidence.attributes, strict=True))
        if self.space.asked == "vectors" and self.evidence.said.any():
            return dict(zip(names, self.evidence.said, strict=True))
        return {name: list(own) for name, own in zip(names, texts, strict=True)}

    def facts(self) -> dict[str, Any]:
        """Return what is no array, for a saved model."""
        model, tuned = self.model, self.space.trained
        return {
            "encoder": {
                "name": self.space.name,
                "digest": self.space.digest,
                "tuned": tuned.facts() if tuned else None,
            },
            "evidence": self.evidence.facts(),
            "model": {"method": model.method, "prior": model.prior, "reasons": list(model.reasons)},
            "steps": [list(step) for step in model.deviations],
            "leaderboard": [[trial.method, *trial[1:4]] for trial in model.leaderboard],
            "unknown_threshold": self.threshold,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays, for a saved model."""
        deviations: dict[str, NDArray[Any]] = {}
        for place, deviation in enumerate(self.model.deviations.values()):
            deviations |= {f"deviation.{place}.V": deviation.V, f"deviation.{place}.b": deviation.b}
        scorer = {"scorer.coef": self.model.scorer.coef, "scorer.intercept": self.model.scorer.intercept}
        more: dict[str, NDArray[Any]] = {"class_means": self.class_means, "held_out": self.model.held_out}
        tuned = self.space.trained.arrays() if self.space.trained else {}
        return {**self.evidence.arrays(), **scorer, **deviations, **more, **tuned}

    @classmethod
    def from_saved(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, cache: VectorCache | None
    ) -> Self:
        """Return what `facts` and `arrays` were taken from."""
        deviations = {
            belief.Step(*step): Deviation(arrays[f"deviation.{place}.V"], arrays[f"deviation.{place}.b"])
            for place, step in enumerate(facts["steps"])
        }
        board = tuple(
            selection.Trial(row[0], row[1], row[2], row[3], np.zeros(0, dtype=bool), np.zeros(0))
            for row in facts["leaderboard"]
        )
        about, scorer = facts["model"], Scorer(arrays["scorer.coef"], arrays["scorer.intercept"])
        model = selection.Model(
            scorer, about["method"], about["prior"], tuple(about["reasons"]), board, deviations, arrays["held_out"]
        )
        name, tuned = facts["encoder"]["name"], facts["encoder"]["tuned"]
        encoder = encoders.tuned_from_saved(name, tuned, arrays) if tuned else name
        space = Space(encoder, cache=cache, digest=None if tuned else facts["encoder"]["digest"])
        evidence = evidence_from_saved(facts["evidence"], arrays)
        return cls(space, evidence, model, arrays["class_means"], facts["unknown_threshold"])

    def _in_chunks(self, vectors: Vectors) -> Iterator[NDArray[np.float32]]:
        """Yield the scores (rows, c), some rows at a time, so that memory stays bounded."""
        rows = max(1, CHUNK // len(self.class_means))
        for first in range(0, max(1, len(vectors)), rows):
            yield self.model.scorer(vectors[first : first + rows])

    def _matched(self, vectors: Vectors, index: Indexes) -> Sequence[str | None]:
        """Return what was said of each vector's class that lies nearest to it (n,)."""
        if not self.space.places_texts:
            return [None] * len(index)
        return nearest_text(vectors, index, self.evidence.texts, self.space.place_texts)

    def _analogies(self, index: Indexes) -> dict[int, Analogy]:
        """Return what each class among `index` (n,) that has no example rests on instead."""
        evidence, names = self.evidence, self.evidence.classes.tolist()
        bare = np.setdiff1d(index, evidence.index)
        found: list[Analogy] = []
        if self.space.is_bridged:
            bare = bare[[bool(evidence.texts.texts[row]) for row in bare]]
        if len(bare) and self.space.is_bridged:
            texts = evidence.texts.of(bare.tolist())
            found = analogies_of_bridge(texts.names, self.space.rests_on(texts))
        elif len(bare) and self.model.prior == "corrected":
            moved = belief.corrections(evidence.known(None))
            found = analogies_of_shares(moved.shares, moved.seen, names, of=bare)
        return dict(zip(bare.tolist(), found, strict=False))

    def _named(self, example: str) -> str:
        """Return an example as it is shown: of an image file its folder and name, for reports go to others."""
        is_text = self.space.encoder is None or self.space.encoder.modality == "text"
        return example if is_text else "/".join(Path(example).parts[-2:])

    def _neighbors(self, vectors: Vectors, k: int) -> list[tuple[Neighbor, ...]]:
        """Return the `k` labeled examples nearest to each vector (n, d)."""
        evidence, names = self.evidence, self.evidence.classes.tolist()
        named = [self._named(example) for example in evidence.examples]
        labeled = evidence.centered(evidence.vectors)  # (l, d)
        rows = max(1, CHUNK // max(1, len(labeled)))
        found: list[tuple[Neighbor, ...]] = []
        for first in range(0, len(vectors), rows):  # so that memory stays bounded
            for cosines in vectors[first : first + rows] @ labeled.T:  # (l,)
                reach = np.partition(-cosines, k - 1)[k - 1] if k < len(cosines) else np.inf
                near = np.flatnonzero(-cosines <= reach)
                places = near[np.argsort(-cosines[near], kind="stable")][:k]
                found.append(tuple(Neighbor(named[p], names[evidence.index[p]], float(cosines[p])) for p in places))
        return found


def in_space(space: Space, evidence: Evidence, items: Items, unlabeled: Items | None) -> Evidence:
    """Return the same evidence as another encoder sees it; items (n): those of its labels, in their order."""
    said = space.place_classes(evidence.texts) if space.places_texts else None
    vectors = space.place(items)
    said = np.zeros((len(evidence.classes), vectors.shape[1]), np.float32) if said is None else said
    bare = first_evidence(evidence.classes, evidence.texts, said)
    moved = bare.with_labels(vectors, evidence.index, evidence.examples)
    return moved if unlabeled is None or not len(unlabeled) else moved.with_unlabeled(space.place(unlabeled))


def with_head(
    model: Fitted,
    space: Space,
    evidence: Evidence,
    scorer: Scorer,
    told: selection.Trial,
    shares: NDArray[np.floating] | None,
) -> Fitted:
    """Return the model that answers by a trained encoder and its head in the place of `model`.

    evidence: in the encoder's space; told: how the training was measured; shares (c,): of the classes in the work to
    come.
    """
    if shares is not None:
        scorer = scorer._replace(intercept=scorer.intercept + np.log(shares).astype(np.float32))
    board = tuple(sorted((*model.model.leaderboard, told), key=lambda one: -one.accuracy))
    answers = selection.Model(scorer, "fine-tuned", "none", model.model.reasons, board, held_out=told.believed)
    means = prototypes(evidence.vectors, evidence.index, unit(evidence.said), name_weight=1.0)
    return Fitted(space, evidence, answers, means, None)


def fit(
    space: Space,
    evidence: Evidence,
    *,
    method: str,
    shares: NDArray[np.floating] | None,
    unknown_rate: float | None,
    start: Mapping[belief.Step, Deviation],
) -> Fitted:
    """Make what answers from the evidence; the same evidence makes the same model, wherever it starts from.

    shares (c,): of the classes in the work to come, equal if not given; start: an earlier model's deviations.
    """
    known = evidence.known(shares)
    model = selection.fit_model(known, method=selection.as_method(method), start=start)
    if model.prior != "none" and space.templates:
        read = ", ".join(repr(template) for template in space.templates)
        model = replace(model, reasons=(*model.reasons, f"Class names are read as {read}."))
    if space.trained is not None:
        kept = "The encoder stays as it was trained on earlier labels; the head above it is fitted anew."
        model = replace(model, reasons=(*model.reasons, kept))
    means = prototypes(known.vectors, known.index, known.class_vectors, name_weight=1.0)
    threshold = None
    if unknown_rate is not None:
        pool = known.pool.vectors if known.pool else known.vectors[:0]
        threshold = open_set.fit_threshold(
            known.vectors, known.index, known.class_vectors, pool, unknown_rate=unknown_rate
        )
    return Fitted(space, evidence, model, means, threshold)
