"""The data of the ablation: halves of the train rows of eighteen sets, and the labels that are drawn from them."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from support import draw, load_train, uneven

from anyshot.any_shot.defaults import Defaults
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import TrainingSet, without_items
from anyshot.base.validation import Indexes, Vectors
from anyshot.encoders.registry import default_for
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once
from anyshot.tasks import shared_words
from anyshot.zero_shot import class_embeddings, class_texts
from anyshot.zero_shot.class_readings import readings
from anyshot.zero_shot.latent_semantics import LatentSemantics, learn_semantics

OLD_TEXTS: Final = (
    *("ag_news", "banking77", "clinc150", "sms_spam", "sst2", "sst5"),
    *("customer_reviews", "movie_reviews", "mpqa_opinion", "subjectivity"),
)
FRESH: Final = ("snips", "tweet_irony", "reuters", "multilingual_sentiment")
"""Sets of texts that had no part in the choice of any default."""
IMAGES: Final = ("caltech101_20", "caltech101_rest", "chest_xray", "cifar10")
SETS: Final = (*OLD_TEXTS, *IMAGES, *FRESH)
MANY_CLASSES: Final = ("banking77", "clinc150", "caltech101_20", "caltech101_rest")
"""Sets of 20 classes or more, which also get uneven numbers of labels."""
MANY_DRAWS: Final = (
    *("sms_spam", "sst2", "customer_reviews", "movie_reviews", "mpqa_opinion", "subjectivity", "tweet_irony"),
)
"""Sets of short texts with two classes: accuracies of single draws vary by 3 to 16 points."""

MAX_ROWS: Final = 6_000
"""Train rows encoded at most, or `MAX_ROWS_PER_CLASS` times the classes if that is more."""
MAX_ROWS_PER_CLASS: Final = 130
MAX_HALF: Final = 3_000
"""Unlabeled items, and items that are predicted, at most."""
UNEVEN: Final = "uneven"
"""0, 1, 3 or 20 labels, each for a random quarter of the classes."""


class Setting(NamedTuple):
    """How many labels per class a model gets, and whether it gets the unlabeled items."""

    labels: int | str
    pool: bool

    @property
    def key(self) -> str:
        """Name of the setting in the result files."""
        return f"{self.labels} pool" if self.pool else str(self.labels)


SETTINGS: Final = tuple(Setting(labels, pool) for pool in (False, True) for labels in (0, 1, 2, 5, 10, UNEVEN))


class Reading(NamedTuple):
    """How class names are read: their sentences, how often the bare name may count, and by which words."""

    templates: tuple[str, ...] = class_embeddings.TEXT_TEMPLATES
    max_name_count: int = class_embeddings.MAX_NAME_COUNT
    words: bool = True  # of the thesaurus
    similar: bool = True  # words of similar names, for names that the thesaurus lacks


READING: Final = Reading()
"""How the library reads class names."""


class Halves(NamedTuple):
    """The train rows of a set in two halves: models learn from one and predict the other."""

    vectors: Vectors  # (n, d), from which labels are drawn
    index: Indexes  # (n,)
    test_vectors: Vectors  # (t, d)
    truth: Indexes  # (t,)
    names: NDArray[np.str_]  # (c,)
    texts: NDArray[np.object_]  # (n,), empty for images
    test_texts: NDArray[np.object_]  # (t,), empty for images

    @property
    def unlabeled(self) -> Vectors:
        """The pool of unlabeled items (m, d)."""
        return self.vectors[:MAX_HALF]

    def rows(self, labels: int | str, seed: int) -> Indexes:
        """Return the rows whose labels a model gets (k,)."""
        return uneven(self.index, seed) if labels == UNEVEN else draw(self.index, labels, seed)


class Fitted(NamedTuple):
    """What a model is fitted with, and the vectors that it predicts."""

    embedder: Embedder
    data: TrainingSet
    test_vectors: Vectors  # (t, d)


def settings_of(name: str) -> list[Setting]:
    """Return the settings in which a set is measured."""
    return [setting for setting in SETTINGS if setting.labels != UNEVEN or name in MANY_CLASSES]


def draws_of(name: str, setting: Setting, wanted: int | None = None) -> int:
    """Return the number of draws of labels: one without labels, else as many as `wanted`, by default 5 or 20."""
    return 1 if setting.labels == 0 else wanted or (20 if name in MANY_DRAWS else 5)


def encode_train(name: str, folder: Path) -> None:
    """Encode random train rows of a set and write them to `folder`, unless they are there."""
    file = vector_file(name, folder)
    if file.exists():
        return
    items, y = load_train(name)
    limit = max(MAX_ROWS, MAX_ROWS_PER_CLASS * len(np.unique(y)))
    rows = np.sort(np.random.default_rng(0).permutation(len(items))[:limit])
    encoder = embedder(name, folder).encoder
    X = encode_once(encoder, [items[row] for row in rows], cache=None)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.npz")
    np.savez(unfinished, X=X, y=y[rows])
    if name not in IMAGES:
        text_file(name, folder).write_text(json.dumps([str(items[row]) for row in rows]))
    unfinished.replace(file)


def text_file(name: str, folder: Path) -> Path:
    """Return the file of a set's texts."""
    return folder / "vectors" / f"{name}.json"


def vector_file(name: str, folder: Path) -> Path:
    """Return the file of a set's encoded train rows."""
    return folder / "vectors" / f"{name}.npz"


@lru_cache(maxsize=2)
def load_halves(name: str, folder: Path) -> Halves:
    """Return the encoded train rows of a set in two halves, each class divided equally."""
    with np.load(vector_file(name, folder)) as arrays:
        X, y = arrays["X"].astype(np.float32), arrays["y"]
    texts = np.zeros(len(X), object)
    if name not in IMAGES:
        texts[:] = json.loads(text_file(name, folder).read_text())
    names, index = np.unique(y, return_inverse=True)
    random = np.random.default_rng(0)
    halves: tuple[list[Indexes], list[Indexes]] = ([], [])
    for k in range(len(names)):
        own = random.permutation(np.flatnonzero(index == k))
        middle = (len(own) + 1) // 2
        halves[0].append(own[:middle])
        halves[1].append(own[middle:])
    learn, test = (random.permutation(np.concatenate(parts)) for parts in halves)
    test = test[:MAX_HALF]
    return Halves(X[learn], index[learn], X[test], index[test], names, texts[learn], texts[test])


@lru_cache(maxsize=4)
def class_data(name: str, folder: Path, reading: Reading) -> TrainingSet:
    """Return the classes of a set with their embeddings, without any item."""
    encoder = embedder(name, folder, reading.words)
    names = load_halves(name, folder).names.tolist()
    data = without_items(*class_texts.read_classes(names, [], allow_unknown=False))
    if name in IMAGES or reading._replace(words=True) == READING:
        return encoder.with_embeddings(data, [])
    without_similar = reading.words and not reading.similar
    read_by = readings(data.texts) if without_similar else encoder.reader.readings(data.texts)
    with _name_count(reading.max_name_count):
        embeddings = class_embeddings.embed_classes(
            data.texts,
            encoder.encode_texts,
            templates=reading.templates,
            word_templates=class_embeddings.WORD_TEMPLATES,
            read_by=read_by,
        )
    return without_items(data.texts, embeddings)


@lru_cache(maxsize=4)
def pool_data(name: str, folder: Path, reading: Reading, defaults: Defaults) -> TrainingSet:
    """Return the classes of a set with the pool of unlabeled items."""
    data = class_data(name, folder, reading).with_defaults(defaults)
    return data.with_unlabeled(load_halves(name, folder).unlabeled)


def with_shared_words(name: str, folder: Path, reading: Reading, data: TrainingSet) -> Fitted:
    """Return the embedder of a set, the training set, and the vectors to predict, with the words that texts share.

    The sentences in which names are read change only the encoder's part.
    """
    found, halves = embedder(name, folder, reading.words), load_halves(name, folder)
    if name not in IMAGES:
        pool = halves.texts[:MAX_HALF] if len(data.unlabeled) else []
        with patch.object(shared_words, "learn_semantics", _learned_once):
            found, data = shared_words.with_shared_words(found, data, list(pool))
    vectors = halves.test_vectors if name in IMAGES else found.joined(halves.test_vectors, halves.test_texts.tolist())
    return Fitted(found, data, vectors)


def _learned_once(texts: Sequence[str]) -> LatentSemantics:
    """Return the latent semantics of texts, which many draws have in common, in whatever order they are."""
    return _learned(frozenset(texts))


@lru_cache(maxsize=8)
def _learned(texts: frozenset[str]) -> LatentSemantics:
    return learn_semantics(list(texts))


@lru_cache
def embedder(name: str, folder: Path, words: bool = True) -> Embedder:
    """Return the embedder of a set's items and class names, which keeps the vectors of names in `folder`."""
    encoder = "efficientnet-lite0" if name in IMAGES else default_for("text")
    return Embedder(encoder, cache=VectorCache(folder / "cache"), words=words)


@contextmanager
def _name_count(most: int) -> Iterator[None]:
    """Let the bare name count `most` times at most while the block runs."""
    before = class_embeddings.MAX_NAME_COUNT
    vars(class_embeddings)["MAX_NAME_COUNT"] = most
    try:
        yield
    finally:
        vars(class_embeddings)["MAX_NAME_COUNT"] = before
