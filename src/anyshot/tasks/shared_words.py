"""Words that the texts of a task share, joined to the encoder's vectors where the classes are topics."""

from collections.abc import Sequence

import numpy as np

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.prior import initial_class_vectors, names_are_guesses, refine_with_shares
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.folds import evenly_spaced
from anyshot.base.validation import Floats, Indexes
from anyshot.zero_shot.latent_semantics import learn_semantics


def with_shared_words(embedder: Embedder, data: TrainingSet, unlabeled: Sequence[str]) -> tuple[Embedder, TrainingSet]:
    """Return embedder and training set with the words that the texts share, unless they say little about the classes.

    unlabeled (m): the texts without labels, in the order of the training set, which has those with labels. Nothing
    changes with class vectors that were learned in another domain, or an encoder that was fine-tuned.
    """
    own, texts = data.defaults, [*data.examples, *unlabeled]
    n_texts, n_classes = min(len(set(texts)), own.semantics_texts), len(data.class_embeddings)
    if data.from_source or embedder.trained is not None or not n_texts:
        return embedder, data
    most = own.semantics_weight * n_texts / (n_texts + own.semantics_items * n_classes)
    if most < own.least_semantics_weight or (semantics := learn_semantics(texts)) is None:
        return embedder, data
    of_words = semantics.vectors(texts)
    rows, probabilities = class_probabilities(data)
    if not len(rows):
        return embedder, data
    semantics = semantics.weighted(of_words[rows], probabilities, most=most, evidence=own.semantics_evidence)
    if semantics.weight < own.least_semantics_weight:
        return embedder, data
    changed = embedder.with_semantics(semantics)
    of_labeled, of_unlabeled = np.split(of_words, [len(data.vectors)])
    vectors, pool = semantics.joined(data.vectors, of_labeled), semantics.joined(data.unlabeled, of_unlabeled)
    of_names = changed.reader.joined(data.texts, data.class_embeddings)
    return changed, data.with_vectors(vectors, pool, of_names)


def without_shared_words(embedder: Embedder, data: TrainingSet) -> tuple[Embedder, TrainingSet]:
    """Return embedder and training set with the vectors of the encoder alone."""
    if embedder.semantics is None:
        return embedder, data
    alone = map(embedder.semantics.separated, (data.vectors, data.unlabeled, data.class_embeddings))
    return embedder.with_semantics(None), data.with_vectors(*alone)


def class_probabilities(data: TrainingSet) -> tuple[Indexes, Floats]:
    """Return rows of labeled and unlabeled items together (k,), and probabilities of their classes (k, c).

    They are the labels, and, if each class has a class vector, those of the clusters of the unlabeled items.
    """
    n_labeled, n_classes = len(data.index), len(data.class_embeddings)
    known = np.arange(n_labeled), np.eye(n_classes)[data.index]
    S = initial_class_vectors(data)
    if data.pool is None or not S.any(axis=1).all() or data.pool_size < n_classes or names_are_guesses(data):
        return known
    kept = evenly_spaced(len(data.unlabeled), data.defaults.max_pool)  # the rows that are in the pool
    some = evenly_spaced(len(kept), data.defaults.semantics_texts)
    refined = refine_with_shares(S, data, data.pool[some], 1.0, mix=False)
    return np.concatenate([known[0], n_labeled + kept[some]]), np.concatenate([known[1], refined.probabilities])
