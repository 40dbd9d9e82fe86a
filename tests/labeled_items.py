"""Labeled items for tests of classifiers: texts of letters, clouds of vectors, a table, and classes by attributes."""

import numpy as np
import pandas as pd

WORDS = {  # no two of a class with the same letters, which would be copies
    "zoo": ["zzz oo", "oozz zo", "zoozoo", "ozozz z", "zzo oozo", "o zz zooooz"],
    "tea": ["teatea", "aett eat", "tae teaa", "eat teae", "ea ttt aee", "tettea aa"],
    "hub": ["hubbub", "bhu hub", "uhb buhh", "hhub ubb", "bub huhu", "uu bbb hhu"],
}
TEXTS = [text for own in WORDS.values() for text in own]
LABELS = [name for name, own in WORDS.items() for _ in own]


def clouds(n_each, *, width=8, n_classes=3, spread=0.25, seed=0):
    """Vectors in one cloud a class, their labels c0, c1, ..., and the center of each cloud by name."""
    random = np.random.default_rng(seed)
    centers = np.eye(width)[:n_classes]
    index = np.repeat(np.arange(n_classes), n_each)
    X = centers[index] + spread * random.normal(size=(len(index), width))
    names = [f"c{i}" for i in range(n_classes)]
    return X.astype(np.float32), [names[i] for i in index], dict(zip(names, centers, strict=True))


def animals(*, n_classes=12, n_unseen=3, n_each=20, seed=0):
    """Items (n, 30) whose classes' centers follow from 6 attributes, their names, and the attributes by name."""
    random = np.random.default_rng(seed)
    attributes = random.normal(size=(n_classes, 6))
    centers = attributes @ random.normal(size=(6, 30))
    index = np.repeat(np.arange(n_classes), n_each)
    X = (centers[index] + random.normal(size=(len(index), 30))).astype(np.float32)
    names = np.array([f"animal{i}" for i in range(n_classes)])
    return X, names[index], dict(zip(names.tolist(), attributes, strict=True)), names[-n_unseen:]


def measurements(n=60):
    """Return a table of three columns with units of their own, and whether the first is positive."""
    X = np.random.default_rng(0).normal(size=(n, 3)) * [1, 500, 0.01] + [0, 1000, 3]
    return pd.DataFrame(X, columns=["a", "b", "c"]), np.where(X[:, 0] > 0, "yes", "no")


def assert_same_model(changed, at_once, items):
    assert changed.classes_.tolist() == at_once.classes_.tolist()
    assert changed.predict(items).tolist() == at_once.predict(items).tolist()
    probabilities = changed.predict_proba(items), at_once.predict_proba(items)
    np.testing.assert_allclose(*probabilities, atol=0.012)  # by held_out_tol
