"""The any-shot model written again from docs/how_it_works.md alone, with numpy and scipy, in float64."""

import hashlib
import re
from collections import Counter
from functools import partial

import numpy as np
from scipy.optimize import brentq, lsq_linear, minimize, minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import multivariate_normal


def fit(S, X, y, U=None, *, temperature=1 / 60):
    """Return W (c, d), b (c,) and the temperature that divides the scores of items in U.

    S (c, d): class vectors; X (n, d), y (n,): labeled items; U (m, d): unlabeled items.
    """
    names, confidence, U = S, 1.0, None if is_other_domain(U, X, y, len(S)) else U
    with_clusters = U is not None and len(U) >= len(S)
    prior = S = S if U is None else unit(filtered(S, np.concatenate([U, X])))
    if with_clusters:
        move, Z = partial(refined, S, U, temperature=temperature), whitened(U)
        prior, P, _ = move(weight=1)
        agreed = agreement(names, prior, U)
        with_clusters = agreed >= 0.7
        if with_clusters:
            weight = weight_of_names(evidence(Z, P)[0], min(len(S) - 1, Z.shape[1])) + 15 * len(S) / len(U)
            move, prior, pi, agreed = clustered(partial(move, weight=weight), Z, names, U)
            other = agreement_outside(partial(refined, S, weight=weight, temperature=temperature), names, U)
            with_clusters, agreed = (agreed if len(U) < 10 * len(S) else min(agreed, other)) >= 0.7, min(agreed, other)
        if not with_clusters:
            S = prior = names
        elif not len(y):
            prior, _, pi = move(labeled=np.zeros_like(S))
        confidence = max(agreed, 0.1) ** 2
    correcting = not with_clusters and len(np.unique(y)) >= 10

    def start(X, y):  # of heads for held-out labels, from the other labels
        return corrected(S, X, y) if correcting else prior

    def clusters_of(U, X, y, **known):
        return refined(S, U, weight=weight, temperature=temperature, labeled=3 * sums(X, y, len(S)), **known)[0]

    def in_clusters(X, y):  # the same for the temperature
        return clusters_of(U[evenly_spaced(U)], X, y, pi=pi, rounds=3)

    g = confidence * scale_by_spread(prior)
    if len(y):
        factors, t, held_out_any = average(start, in_clusters if with_clusters else None, X, y, len(S), g)
        if with_clusters:
            prior, _, pi = move(labeled=3 * sums(X, y, len(S)))
        else:
            prior = start(X, y)
        W, b = weighted_heads(prior, X, y, factors)
        W, b = W / t, b / t
    else:
        factors, W, b = default_factors(heads(y, len(S)), g), 23 * g * prior, np.zeros(len(S))
    if not with_clusters:
        return W, b, 1

    of_labels = len(y) and held_out_any

    def without(out):  # the prior and the model without some of the unlabeled items
        rest = clusters_of(np.delete(U, out, axis=0), X, y)
        zero_shot = 23 * confidence * scale_by_spread(rest) * rest, np.zeros(len(S))
        return rest, [own / t for own in weighted_heads(rest, X, y, factors)] if of_labels else zero_shot

    return with_pool(U, prior, pi, X, y, factors, confidence, (W, b), without, of_labels)


def is_other_domain(U, X, y, c):
    if U is None or len(np.unique(y)) < c:
        return False
    n, u = np.bincount(y), U.mean(axis=0)
    means = sums(X, y, len(n)) / n[:, None]
    p = lsq_linear(np.vstack([means.T, np.full(len(n), 1e4)]), np.append(u, 1e4), bounds=(0, np.inf)).x  # of the sum 1
    V = max(A.var(axis=0).sum() for A in (U, X))
    e = (p**2 / n).sum() + 1 / len(U)
    return ((u - p @ means) ** 2).sum() / V - e > max(0.1, e)


def with_pool(U, prior, pi, X, y, factors, confidence, model, without, held_out_any):
    """Return W and b fitted to the unlabeled items too, whose class shares are pi by the prior."""
    W, b = model
    c, g, scores = len(prior), confidence * scale_by_spread(prior), U @ W.T + b
    h = confidence if held_out_any else 4 / 3 * g
    if len(y):
        pi = likely_shares(scores / h, pi, pi, 20 / (1 + len(y)), rounds=20)
    answers = softmax(scores + offsets(scores, pi, h), axis=1)
    rows = evenly_spaced(U)
    total = min(0.3 * len(rows), 20 * c)

    def fitted(prior, rows):
        return weighted_heads(prior, X, y, factors, (U[rows], answers[rows], np.full(len(rows), total / len(rows))))

    W, b = fitted(prior, rows)
    tested, expected, found = [], [], []
    for k in range(min(5, int(np.ceil(1000 / len(rows))))):
        out = rows[k::5]
        rest, before = without(out)
        for scores_of, (W_rest, b_rest) in ((expected, before), (found, fitted(rest, np.setdiff1d(rows, out)))):
            scores_of.append(U[out] @ W_rest.T + b_rest)
        tested.append(out)
    expected = np.concatenate(expected)
    t = matching_temperature(np.concatenate(found), expected)
    of_pool = matching_temperature((U[np.concatenate(tested)] @ W.T + b) / t, expected)
    return W / t, b / t + offsets((U @ W.T + b) / t, pi, h), max(1, of_pool)


def evenly_spaced(U):
    return np.unique(np.linspace(0, len(U) - 1, 5000).astype(int))


def unit(A):
    return A / np.linalg.norm(A, axis=1, keepdims=True).clip(1e-12)


def class_vectors(texts, words, encode):
    """Return S (c, d) from the texts of each class, of which the first is the name, and its words."""
    found = []
    for (name, *descriptions), own in zip(texts, words, strict=True):
        groups = [[name] * min(len(name.split()), 3) + [f"The topic is {name}."], *([text] for text in descriptions)]
        groups += [own, [f"It was {word}." for word in own]] if own else []
        found.append(np.mean([unit(encode(group).mean(axis=0, keepdims=True))[0] for group in groups], axis=0))
    return unit(np.stack(found))


def of_shared_words(texts, new):
    """Vectors z of the words that `texts` share, of `new` texts."""
    different = sorted(set(texts))
    counts = [Counter(re.findall(r"\w\w+", text.casefold())) for text in different]
    in_texts = Counter(word for own in counts for word in own)
    words = [word for word, n in in_texts.items() if 2 <= n <= 0.3 * len(different)]

    idf = {word: 1 + np.log((1 + len(different)) / (1 + in_texts[word])) for word in words}

    def weighted(counts):
        return np.array([[(1 + np.log(own[j])) * idf[j] if j in own else 0 for j in words] for own in counts])

    V = np.linalg.svd(unit(weighted(counts)))[2][: min(100, len(different) // 10)].T
    m = unit(weighted(counts) @ V).mean(axis=0)
    z = unit(weighted([Counter(re.findall(r"\w\w+", text.casefold())) for text in new]) @ V)
    return unit(np.where(z.any(axis=1, keepdims=True), z - m, 0))


def weight_of_words(z, P, n, c):
    """Length w of the vectors z of items with the probabilities P, for n texts and c classes."""
    Z, random = whitened(z), np.random.default_rng(0)
    by_chance = np.mean([evidence(Z, P[random.permutation(len(P))])[0] for _ in range(3)])
    e = max(0, (evidence(Z, P)[0] - by_chance) / min(c - 1, Z.shape[1]))
    w = n / (n + 100 * c) * e / (e + 0.015)
    return w if w >= 0.15 else 0


def scale_by_spread(S):
    c = len(S)
    spread = (1 - S @ S.T).sum() / (c * (c - 1))
    return np.sqrt((c - 1) / c / np.sqrt(max(spread, 0.05)))


def weight_of_names(found, directions):
    return np.clip(0.03 * directions / max(found, 1e-9), 0.5, 2)


def clustered(move, Z, names, U):
    """Return how class vectors are moved, with shares from cosines or a mixture, and the prior that this gives."""
    move = partial(with_shares, move, Z)
    prior, _, pi = move()
    return move, prior, pi, agreement(names, prior, U)


def sums(X, y, c):
    return np.stack([X[y == k].sum(axis=0) for k in range(c)])


def filtered(S, items, noise=3.0, prior_items=1000.0):
    V = items - items.mean(axis=0)
    n, d = V.shape
    a = prior_items * (V**2).mean()
    b = a + noise * (n + prior_items) * (V**2).mean()
    mean, apart = S.mean(axis=0), S - S.mean(axis=0)
    turned = np.linalg.solve(V.T @ V + b * np.eye(d), (V.T @ V + a * np.eye(d)) @ apart.T).T
    return mean + unit(turned) * np.linalg.norm(apart, axis=1, keepdims=True)


def refined(S, U, *, weight, temperature, labeled=None, pi=None, rounds=10):
    """Return the moved class vectors, the probabilities and the class shares of U, found unless `pi` gives them.

    Absent classes are looked for if `labeled` is given, which may be zeros.
    """
    search = labeled is not None and len(S) <= 20 and rounds == 10
    labeled = np.zeros_like(S) if labeled is None else labeled
    found = in_rounds(S, U, weight, temperature, labeled, pi, None, rounds)
    absent = absent_classes(S, U, labeled, found[1]) if search else np.zeros(len(S), bool)
    return in_rounds(S, U, weight, temperature, labeled, pi, absent, rounds) if absent.any() else found


def absent_classes(S, U, labeled, P):
    c, unlabeled = len(S), ~labeled.any(axis=1)
    moved = unit(S + unit(labeled))
    R = S if unlabeled.all() else moved_like_others(S, moved, unlabeled)
    before, after = (U @ R.T).argmax(axis=1), P.argmax(axis=1)
    kept, size = np.bincount(after[before == after], minlength=c), np.bincount(after, minlength=c)
    absent = unlabeled & (size >= 5) & (kept < min(0.5, 3 / c) * size)
    return absent & ~absent.all()


def moved_like_others(S, moved, rows):
    shift = (moved - S)[~rows].mean(axis=0)
    return np.where(rows[:, None], unit(S + shift), moved)


def in_rounds(S, U, weight, temperature, labeled, pi, absent, rounds):
    moved, equal, found = unit(S + unit(labeled)), np.full(len(S), 1 / len(S)), pi is None
    pi = equal if found else pi
    for _ in range(rounds):
        P = softmax(U @ moved.T / temperature, axis=1)
        for _ in range(3):
            P = P * (pi / P.mean(axis=0)) ** 0.5
            P = P / P.sum(axis=1, keepdims=True)
        moved = unit(weight * S + unit(P.T @ U + labeled))
        moved = moved if absent is None else moved_like_others(S, moved, absent)
        pi = likely_shares(23 * U @ moved.T, pi, equal, 0.1, rounds=3) if found else pi
    return moved, P, pi


def with_shares(move, Z, labeled=None):
    """Return the class vectors at shares from cosines, or at those of a Gaussian mixture if the clusters fit better."""
    found = move(labeled=labeled)
    P = found[1]
    for _ in range(8):
        P = evidence(Z, P)[1]
    other = move(labeled=labeled, pi=0.95 * P.mean(axis=0) + 0.05 / P.shape[1])
    return other if evidence(Z, other[1])[0] >= evidence(Z, found[1])[0] + 0.015 else found


def likely_shares(scores, pi, expected, count, *, rounds):
    for _ in range(rounds):
        pi = (softmax(scores + np.log(pi), axis=1).mean(axis=0) + count * expected) / (1 + count)
    return pi


def offsets(scores, pi, h):
    divergence = np.log(len(pi)) + (pi * np.log(pi)).sum()
    noise, o = 0.02 * (1 + 800 / len(scores)) * np.log2(len(pi)), np.zeros(len(pi))
    for _ in range(20):
        o = o + np.log(pi) - np.log(softmax(scores / h + o, axis=1).mean(axis=0))
    return divergence / (divergence + noise) * h * o


def whitened(U):
    centered = U - U.mean(axis=0)
    variance, directions = np.linalg.eigh(centered.T @ centered / len(U))
    r = max(1, min(20, len(U) // 10))
    return centered @ directions[:, -r:] / np.sqrt(variance[-r:])


def evidence(Z, P):
    """Return what a mixture of Gaussians explains better than one Gaussian, and the mixture's probabilities."""
    pi, means = P.mean(axis=0), (P.T @ Z) / P.sum(axis=0)[:, None]
    within = 1.001 * np.eye(Z.shape[1]) - (means.T * pi) @ means
    one = multivariate_normal(np.zeros(Z.shape[1])).logpdf(Z)
    logs = np.stack([np.log(p) + multivariate_normal(m, within).logpdf(Z) for p, m in zip(pi, means, strict=True)])
    return (logsumexp(logs, axis=0) - one).mean(), softmax(logs, axis=0).T


def agreement_outside(move, names, U):
    """Return A3."""
    U = np.array(sorted(U, key=lambda u: hashlib.blake2b(u.astype(np.float32).tobytes(), digest_size=8).digest()))
    halves = U[::2], U[1::2]
    pairs = zip(map(move, halves), halves[::-1], strict=True)
    return np.mean([agreement(names, moved, others) for (moved, *_), others in pairs])


def agreement(names, moved, U):
    scores = U @ names.T
    scores = scores - scores.mean(axis=0)
    best = np.sort(scores, axis=1)
    rows = np.argsort(best[:, -2] - best[:, -1])[: max(1, len(U) // 2)]
    same = ((U @ moved.T).argmax(axis=1) == scores.argmax(axis=1))[rows].mean()
    return max(0.0, (same - 1 / len(names)) / (1 - 1 / len(names)))


def corrected(S, X, y):
    seen, counts = np.unique(y, return_counts=True)
    gap = unit(sums(X, y, len(S))[seen]) - S[seen]
    squared = ((S[:, None] - S[None, seen]) ** 2).sum(axis=2)
    kernel = np.exp(-squared / np.median(squared[seen][np.triu_indices(len(seen), 1)]))
    return unit(S + kernel @ np.linalg.solve(kernel[seen] + np.diag(0.1 + 3 / counts), gap))


def head(S, X, y, C, pool=None):
    """Softmax regression from the prior 5 S, by a solver of scipy."""
    c, d = S.shape
    named = np.flatnonzero(S.any(axis=1))
    parts = [(X, np.eye(c)[y], np.ones(len(y))), (S[named], np.eye(c)[named], np.full(len(named), 1.0))]
    R, T, w = (np.concatenate(own) for own in zip(*parts, *([pool] if pool else []), strict=True))
    base = 5 * R @ S.T + np.log(w @ T)
    R1 = np.column_stack([R, np.full(len(R), 2.0)])

    def loss(flat):
        M = flat.reshape(c, d + 1)
        logs = log_softmax(base + R1 @ M.T, axis=1)
        slope = (w[:, None] * (np.exp(logs) - T)).T @ R1 + M / C
        return -(w @ (T * logs).sum(axis=1)) + (M**2).sum() / (2 * C), slope.ravel()

    M = minimize(loss, np.zeros(c * (d + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x.reshape(c, -1)
    return 5 * S + M[:, :-1], 2 * M[:, -1]


def heads(y, c):
    """Return the strength and prior weight of each head that takes part, with its odds."""
    fewest = np.bincount(y, minlength=c).min()
    odds = ({(0.2, 1): 1.0} if len(y) <= 200 else {}) | {(20.0, 1): 0.01 * c**2}
    odds |= {(C, 0): 0.0008 * min(fewest, 20) ** 2 for C in (1.0, 10.0)} if fewest >= 5 else {}
    return odds


def default_factors(odds, g):
    found = shares({head: np.log(own) for head, own in odds.items()})
    return {head: share * 4.6 * (g if head[1] else 1) for head, share in found.items()}


def shares(logs):
    found = dict(zip(logs, softmax(list(logs.values())), strict=True))
    kept = {head: share for head, share in found.items() if share >= 0.02}
    return {head: share / sum(kept.values()) for head, share in kept.items()}


def weighted_heads(S, X, y, factors, pool=None):
    found = [(factor, *head(weight * S, X, y, C, pool)) for (C, weight), factor in factors.items()]
    return sum(factor * W for factor, W, _ in found), sum(factor * b for factor, _, b in found)


def average(start, in_clusters, X, y, c, g):
    """Return the factor of each head, the temperature of their sum, and whether held-out labels set both."""
    odds = heads(y, c)
    counted = np.bincount(y, minlength=c)[y] > 1
    if counted.sum() < 4 or len(np.unique(y[counted])) < 2:
        factors = default_factors(odds, g)
        if in_clusters or len(np.unique(y)) < 4:
            return factors, 1.0, False
        scores = held_out(start, X, y, factors)
        t = best_temperature(sum(factor * scores[own] for own, factor in factors.items()), y, 1.0)
        return factors, t, False
    scores, known = {own: table[counted] for own, table in held_out(start, X, y, odds).items()}, y[counted]
    t = {own: best_temperature(scores[own], known, 1 / (4.6 * (g if own[1] else 1))) for own in odds}
    logs = {own: np.log(odds[own]) + log_likelihood(scores[own] / t[own], known) for own in odds}
    factors = {own: share / t[own] for own, share in shares(logs).items()}
    if in_clusters:
        scores = {own: table[counted] for own, table in held_out(in_clusters, X, y, factors).items()}
    return factors, best_temperature(sum(factor * scores[own] for own, factor in factors.items()), known, 1.0), True


def held_out(start, X, y, odds):
    """Return the scores (n, c) of each head for labels that it was fitted without."""
    n = len(y)
    n_folds = 10 if n <= 50 else 5 if n <= 500 else 3
    rank = np.array([(y[:row] == k).sum() for row, k in enumerate(y)])
    number_of_class = {k: number for number, k in enumerate(dict.fromkeys(y.tolist()))}
    fold = (rank + np.array([number_of_class[k] for k in y.tolist()])) % n_folds
    scores = {own: np.zeros((n, len(start(X, y)))) for own in odds}
    for out in (fold == number for number in np.unique(fold)):
        prior = start(X[~out], y[~out])
        for own in odds:
            W, b = head(own[1] * prior, X[~out], y[~out], own[0])
            scores[own][out] = X[out] @ W.T + b
    return scores


def log_likelihood(scores, y):
    return log_softmax(scores, axis=1)[np.arange(len(y)), y].sum()


def best_temperature(scores, y, toward):
    def loss(log_t):
        return -log_likelihood(scores / np.exp(log_t), y) + 20 * (toward / np.exp(log_t) + log_t)

    return np.exp(minimize_scalar(loss, bounds=(-8, 8), method="bounded", options={"xatol": 1e-7}).x)


def matching_temperature(scores, reference):
    confidence = softmax(reference, axis=1).max(axis=1).mean()

    def excess(log_t):
        return softmax(scores / np.exp(log_t), axis=1).max(axis=1).mean() - confidence

    return np.exp(brentq(excess, -7, 7))
