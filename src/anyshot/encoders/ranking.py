"""Rank encoders for labeled items: transferability scores, compared with the accuracy of a linear probe."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax
from scipy.stats import kendalltau
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from anyshot.base import validation
from anyshot.base.items import Items, by_position
from anyshot.base.labels import Labels, class_table, classes_in, to_indexes
from anyshot.base.protocols import Classifying, Encoder
from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats, Indexes, RandomState, Vectors, check_indexes, class_rows
from anyshot.encoders.registry import load_encoder
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once

T = TypeVar("T")

MAX_ITERATIONS: Final = 100
"""Of the fixed-point iteration of LogME, which usually needs ten."""
FEATURE_LENGTH: Final = 20.0
"""Assumed length of a source network's features before they were scaled to unit length, a factor of its logits. It is
about 14 for EfficientNet-Lite0 and 24 for two MobileNets. LEEP depends on it, NCE does not."""
SCORES: Final = ("LogME", "H-score", "LEEP", "NCE")

# LogME. A linear model y = F w + e with w ~ N(0, 1 / alpha) and e ~ N(0, 1 / beta), its evidence maximized over alpha
# and beta. With F = U S V', z = U' y and s the singular values, in the axes of V:
#
#     m = beta s z / (alpha + beta s^2),    |F m - y|^2 = |y|^2 - |z|^2 + sum (alpha z / (alpha + beta s^2))^2
#     gamma = sum beta s^2 / (alpha + beta s^2),    alpha <- gamma / |m|^2,    beta <- (n - gamma) / |F m - y|^2
#     2 log p(y | F) = n log beta + d log alpha - n log 2 pi - beta |F m - y|^2 - alpha |m|^2 - log |alpha + beta F'F|


def log_me(vectors: ArrayLike, targets: ArrayLike) -> float:
    """Return the log evidence of a linear model per item, the mean over target columns: higher is better.

    vectors (n, d); targets (n,) or (n, k): numbers, or a column of 0 and 1 for each class.

    You, Liu, Wang, Long. LogME: Practical Assessment of Pre-trained Models for Transfer Learning. ICML 2021,
    eq. (2) and algorithm 1, by one singular value decomposition for all columns.
    """
    F = np.asarray(validation.vectors(vectors), dtype=np.float64)
    Y = np.asarray(targets, dtype=np.float64)
    if Y.ndim not in (1, 2) or len(Y) != len(F):
        raise InputError(
            f"targets must have shape (n,) or (n, k) with n={len(F)}, the number of vectors; got {Y.shape}."
        )
    Y = Y.reshape(len(F), -1)
    with threads_for(F.size):
        U, S, _ = np.linalg.svd(F, full_matrices=False)
    projected = U.T @ Y  # (p, k)
    residual = np.maximum(np.square(Y).sum(axis=0) - np.square(projected).sum(axis=0), 0)  # (k,)
    return float(np.mean([_evidence(S**2, z, rest, F.shape) for z, rest in zip(projected.T, residual, strict=True)]))


def h_score(vectors: ArrayLike, y: ArrayLike) -> float:
    """Return the H-score, the variance between classes relative to the features' covariance; higher is better.

    vectors (n, d); y (n,): class indexes. The score is tr(cov_a(f)^-1 (1 - a) cov(E[f | y])), where a is the shrinkage
    of the covariance by Ledoit and Wolf.

    Bao et al. An Information-Theoretic Approach to Transferability in Task Transfer Learning. ICIP 2019, definition 2.
    Ibrahim, Ponomareva, Mazumder. Newer is Not Always Better: Rethinking Transferability Metrics. ECML 2022, for a.
    """
    F, index = _vectors_and_index(vectors, y)
    F -= F.mean(axis=0)
    with threads_for(F.size):
        covariance, shrinkage = ledoit_wolf(F, assume_centered=True)  # (d, d)
    counts = np.bincount(index)
    present = np.flatnonzero(counts)
    means = np.stack([F[index == k].mean(axis=0) for k in present])  # (c, d)
    if not covariance.any():
        return 0.0
    floor = 1e-10 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    with threads_for(covariance.size):
        apart = means @ cho_solve(cho_factor(covariance + floor), means.T)  # (c, c)
    return float((1 - shrinkage) * (np.diag(apart) * counts[present]).sum() / len(F))


def leep(source_probabilities: ArrayLike, y: ArrayLike) -> float:
    """Return LEEP, the mean log probability of `y` predicted from the source classes; higher is better, at most 0.

    source_probabilities (n, z): each row a distribution over the source classes; y (n,): class indexes.

    Nguyen, Hassner, Seeger, Archambeau. LEEP: A New Measure to Evaluate Transferability. ICML 2020, eq. (2).
    """
    theta, index = _vectors_and_index(source_probabilities, y)
    if (theta < 0).any() or not np.allclose(theta.sum(axis=1), 1, atol=1e-3):
        raise InputError("Each row of source_probabilities must be a distribution: numbers of at least 0 with sum 1.")
    joint = np.eye(int(index.max()) + 1)[index].T @ theta / len(theta)  # (c, z)
    given = joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)  # P(y | z)
    return float(np.log((given[index] * theta).sum(axis=1)).mean())


def nce(source_labels: ArrayLike, y: ArrayLike) -> float:
    """Return NCE, the negative conditional entropy of `y` given the source labels [nats]; higher is better, at most 0.

    source_labels (n,); y (n,): class indexes. Tran, Nguyen, Hassner. Transferability and Hardness of Supervised
    Classification Tasks. ICCV 2019, eq. (5).
    """
    z = np.asarray(source_labels)
    if z.shape != np.shape(y) or z.ndim != 1:
        raise InputError(f"source_labels and y must have the same shape (n,); got {z.shape} and {np.shape(y)}.")
    index, source = _index(y, n_items=len(z)), np.unique(z, return_inverse=True)[1]
    joint = np.zeros((source.max() + 1, int(index.max()) + 1))
    np.add.at(joint, (source, index), 1 / len(z))
    given = joint / joint.sum(axis=1, keepdims=True)
    return float((joint[joint > 0] * np.log(given[joint > 0])).sum())


@dataclass(frozen=True)
class EncoderRanking:
    """Encoders in order of the accuracy of a linear probe, with their transferability scores."""

    table: pd.DataFrame
    """One row per encoder: `probe`, `probe_sd` (cross-validated accuracy), scores, `*_seconds`, `empty` (reason)."""
    agreement: Mapping[str, float]
    """Kendall's tau between each score and the probe; NaN if fewer than two encoders have the score."""
    disagreements: tuple[str, ...]
    """A sentence for each pair of encoders that a score orders differently than the probe clearly does."""
    folds: Mapping[str, Floats] = field(repr=False)
    """Accuracy of each encoder's probe in each fold; all encoders have the same folds."""

    @property
    def best(self) -> str:
        """Name of the encoder with the best probe."""
        return str(self.table.index[0])

    def __str__(self) -> str:
        table = self.table.drop(columns="empty").to_string(float_format=lambda number: f"{number:.3f}", na_rep="-")
        notes = [f"{name}: {reason}" for name, reason in self.table["empty"].items() if reason]
        return "\n".join([table, *notes, *(self.disagreements or ("No score contradicts the probe.",))])


def rank_encoders(
    X: Items,
    y: Labels,
    encoders: Sequence[str | Encoder] | Mapping[str, str | Encoder],
    *,
    n_folds: int = 5,
    C: float = 10.0,
    cache: VectorCache | None = None,
    random_state: RandomState = 0,
) -> EncoderRanking:
    """Rank encoders for items `X` (n,) with labels `y` (n,), None if unknown. Each encoder encodes each item once.

    encoders: names or encoders, or a dict of either by name; n_folds, C: of the probe, a logistic regression on the
    vectors; cache: for vectors, None for no cache; random_state: seeds the folds.

    Raises
    ------
    InputError
        There is no encoder, or two have the same name.
    NotEnoughClassesError, NotEnoughLabelsError
        Fewer than two classes have a label, or a class has fewer than `n_folds` labels.
    """
    named = _named(encoders)
    classes = class_table(classes_in(y))
    index = to_indexes(y, classes, n_items=len(X))
    rows = np.flatnonzero(index >= 0)
    counts = np.bincount(index[rows])
    if n_folds < 2 or counts.min() < n_folds:
        raise NotEnoughLabelsError(
            f"Class {classes.tolist()[counts.argmin()]!r} has {counts.min()} labels, but n_folds={n_folds} "
            "(at least 2) needs as many of each class. Label more items, or lower n_folds."
        )
    given, known = by_position(X), index[rows]
    items = given[rows] if isinstance(given, np.ndarray) else [given[row] for row in rows.tolist()]
    seed = int(validation.generator(random_state).integers(2**31))
    splits = list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(known, known))
    lines, folds = {}, {}
    for name, encoder in named.items():
        lines[name], folds[name] = _line(load_encoder(encoder), items, known, splits, C=C, cache=cache)
    table = pd.DataFrame.from_dict(lines, orient="index").sort_values("probe", ascending=False, kind="stable")
    agreement = {score: _tau(table[score], table["probe"]) for score in SCORES}
    return EncoderRanking(table, agreement, _disagreements(table, folds), folds)


def source_probabilities(encoder: Classifying, vectors: Vectors) -> Floats:
    """Return the probabilities (n, source classes) of the encoder's classifier for its unit-length vectors (n, d)."""
    logits = FEATURE_LENGTH * vectors.astype(np.float64) @ encoder.classifier.weights.T
    return np.asarray(softmax(logits, axis=1), dtype=np.float64)


def _line(
    encoder: Encoder,
    items: Items,
    index: Indexes,
    splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    *,
    C: float,
    cache: VectorCache | None,
) -> tuple[dict[str, float | str], Floats]:
    """Return an encoder's row of the table and the accuracies of its probe."""
    vectors, encoding = _timed(lambda: encode_once(encoder, items, cache=cache))
    hits, probing = _timed(lambda: np.array([_probe(vectors, index, train, test, C=C) for train, test in splits]))
    evidence, first = _timed(lambda: log_me(vectors, np.eye(int(index.max()) + 1)[index]))
    apart, second = _timed(lambda: h_score(vectors, index))
    by_source, third, reason = (
        [np.nan, np.nan],
        0.0,
        "LEEP and NCE need a source classifier, which this encoder does not have",
    )
    if isinstance(encoder, Classifying):
        theta, third = _timed(lambda: source_probabilities(encoder, vectors))
        by_source, reason = [leep(theta, index), nce(theta.argmax(axis=1), index)], ""
    line: dict[str, float | str] = {"probe": float(hits.mean()), "probe_sd": float(hits.std(ddof=1))}
    line |= dict(zip(SCORES, [evidence, apart, *by_source], strict=True))
    line |= {"encoding_seconds": encoding, "probe_seconds": probing, "score_seconds": first + second + third}
    return {**line, "empty": reason}, hits


def _probe(vectors: Vectors, index: Indexes, train: Indexes, test: Indexes, *, C: float) -> float:
    with threads_for(vectors.size * (int(index.max()) + 1)):
        model = LogisticRegression(C=C, max_iter=1000).fit(vectors[train], index[train])
        return float(model.score(vectors[test], index[test]))


def _disagreements(table: pd.DataFrame, folds: Mapping[str, Floats]) -> tuple[str, ...]:
    """Describe each pair that a score orders wrongly, if the probes differ by more than one standard error."""
    sentences = []
    for position, better in enumerate(table.index):
        for worse in table.index[position + 1 :]:
            gap = folds[better] - folds[worse]
            if gap.mean() <= gap.std(ddof=1) / np.sqrt(len(gap)):
                continue
            wrong = [score for score in SCORES if table[score][better] < table[score][worse]]
            if wrong:
                sentences.append(
                    f"{' and '.join(wrong)} rank{'s' * (len(wrong) == 1)} {worse} above {better}, but the probe "
                    f"of {better} is more accurate by {100 * gap.mean():.1f} points."
                )
    return tuple(sentences)


def _tau(score: pd.Series, probe: pd.Series) -> float:
    there = score.notna()
    return float(kendalltau(score[there], probe[there]).statistic) if there.sum() > 1 else float("nan")


def _evidence(squares: Floats, z: Floats, rest: float, shape: tuple[int, ...]) -> float:
    """Return the maximum log evidence per item of one target with projection `z` (p,) and squared residual `rest`."""
    n, d = shape
    tiny = 1e-12 * max(float(z @ z) + rest, 1e-12)
    alpha = beta = 1.0
    for _ in range(MAX_ITERATIONS):
        pull = alpha + beta * squares
        size = max(float(np.square(beta * z / pull) @ squares), tiny)
        missed = max(float(np.square(alpha * z / pull).sum()) + rest, tiny)
        gamma = float((beta * squares / pull).sum())
        before, alpha, beta = alpha / beta, max(gamma, 1e-12) / size, max(n - gamma, 1e-6) / missed
        if abs(alpha / beta - before) <= 1e-6 * before:
            break
    pull = alpha + beta * squares
    size, missed = float(np.square(beta * z / pull) @ squares), float(np.square(alpha * z / pull).sum()) + rest
    log_det = np.log(pull).sum() + (d - len(squares)) * np.log(alpha)
    twice = n * np.log(beta / (2 * np.pi)) + d * np.log(alpha) - beta * missed - alpha * size - log_det
    return float(twice / (2 * n))


def _vectors_and_index(vectors: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    table = validation.vectors(vectors).astype(np.float64)
    return table, _index(y, n_items=len(table))


def _index(y: ArrayLike, *, n_items: int) -> Indexes:
    """Return class indexes (n,); raise NotEnoughLabelsError unless every item has a label."""
    index = class_rows(y)
    index = check_indexes(index, n_items=n_items, n_classes=int(index.max(initial=-1)) + 1)
    if not len(index) or index.min() < 0:
        raise NotEnoughLabelsError("Every item needs a label. Remove the items with label -1.")
    return index


def _named(encoders: Sequence[str | Encoder] | Mapping[str, str | Encoder]) -> dict[str, str | Encoder]:
    if isinstance(encoders, Mapping):
        named = dict(encoders)
    elif isinstance(encoders, str):
        raise InputError(f"encoders must be a list or dict, not a single name. Use [{encoders!r}, ...].")
    else:
        names = [encoder if isinstance(encoder, str) else type(encoder).__name__ for encoder in encoders]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"Two encoders have the name {twice[0]!r}. Pass a dict of encoders by name.")
        named = dict(zip(names, encoders, strict=True))
    if not named:
        raise InputError("There is no encoder to rank. Pass at least one; `anyshot models` lists the available ones.")
    return named


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of `work` and its duration [s]."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began
