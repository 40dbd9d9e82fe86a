"""Words that the texts of a task share, joined to the encoder's vectors where the classes are topics."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.prior import initial_class_vectors, names_are_guesses, refine_with_shares
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.folds import evenly_spaced
from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats, Indexes, Vectors, class_sums, unit
from anyshot.zero_shot.latent_semantics import MAX_DIRECTIONS, NO_WORDS, LatentSemantics, learn_semantics
from anyshot.zero_shot.pool_refinement import agreement


def with_shared_words(embedder: Embedder, data: TrainingSet, unlabeled: Sequence[str]) -> tuple[Embedder, TrainingSet]:
    """Return embedder and training set with the words that the texts share, unless they say little about the classes.

    unlabeled (m): the texts without labels, in the order of the training set, which has those with labels. Nothing
    changes if words are known already, with class vectors that were given or learned in another domain, or with an
    encoder that was fine-tuned.
    """
    texts = [*data.examples, *unlabeled]
    n_texts = len(set(texts))
    given = any(known and not own for known, own in zip(data.has_description, data.texts.texts, strict=True))
    is_other = given or data.from_source or embedder.trained is not None
    if embedder.semantics.words or is_other or not are_enough(n_texts, data):
        return embedder, data
    with threads_for(len(texts) * MAX_DIRECTIONS):
        semantics = learn_semantics(texts)
        return with_semantics(embedder, data, semantics, semantics.vectors(texts), n_texts=n_texts)


def are_enough(n_texts: int, data: TrainingSet) -> bool:
    """Return whether so many texts are enough for their words to count, however clearly they tell the classes."""
    return n_texts > 0 and _largest_weight(n_texts, data) >= data.defaults.least_semantics_weight


def with_semantics(
    embedder: Embedder, data: TrainingSet, semantics: LatentSemantics, of_words: Vectors, *, n_texts: int
) -> tuple[Embedder, TrainingSet]:
    """Return embedder and training set with words that were learned, unless they say little about the classes.

    of_words (n + m, r): vectors of the labeled and the unlabeled texts; n_texts: from how many they were learned.
    """
    own, (rows, probabilities) = data.defaults, class_probabilities(data)
    if not semantics.words or not len(rows):
        return embedder, data
    most = _largest_weight(min(n_texts, len(rows)), data)  # of few labels alone, the evidence is unsure too
    semantics = semantics.weighted(of_words[rows], probabilities, most=most, evidence=own.semantics_evidence)
    if semantics.weight < own.least_semantics_weight:
        return embedder, data
    changed = embedder.with_semantics(semantics)
    of_labeled, of_unlabeled = np.split(of_words, [len(data.vectors)])
    vectors, pool = semantics.joined(data.vectors, of_labeled), semantics.joined(data.unlabeled, of_unlabeled)
    of_names = changed.reader.joined(data.texts, range(len(data.classes)), data.class_embeddings)
    return changed, replace(data, vectors=vectors, unlabeled=pool, class_embeddings=of_names)


def _largest_weight(n_texts: int, data: TrainingSet) -> float:
    """Return the weight of the words of so many texts where the classes are clear clusters of them."""
    own, n_counted = data.defaults, min(n_texts, data.defaults.semantics_texts)
    return own.semantics_weight * n_counted / (n_counted + own.semantics_items * len(data.class_embeddings))


def without_shared_words(embedder: Embedder, data: TrainingSet) -> tuple[Embedder, TrainingSet]:
    """Return embedder and training set with the vectors of the encoder alone."""
    vectors, pool, of_names = map(embedder.semantics.separated, (data.vectors, data.unlabeled, data.class_embeddings))
    return embedder.with_semantics(NO_WORDS), replace(data, vectors=vectors, unlabeled=pool, class_embeddings=of_names)


def class_probabilities(data: TrainingSet) -> tuple[Indexes, Floats]:
    """Return rows of labeled and unlabeled items together (k,), and probabilities of their classes (k, c).

    They are the labels, and, if each class has a class vector or labels, those of the clusters of the unlabeled items,
    unless the clusters contradict the names: these items are not used, and may be of another domain.
    """
    n_labeled, n_classes = len(data.index), len(data.class_embeddings)
    known = np.arange(n_labeled), np.eye(n_classes)[data.index]
    S = initial_class_vectors(data)
    lacking = np.asarray(~S.any(axis=1))  # (c,), classes that only labels tell anything about
    if (
        data.pool is None
        or data.pool_size < n_classes
        or names_are_guesses(data)
        or np.any(lacking & (data.counts == 0))
    ):
        return known
    kept = evenly_spaced(len(data.unlabeled), data.defaults.max_pool)  # the rows that are in the pool
    some = evenly_spaced(len(kept), data.defaults.semantics_texts)
    sums = data.defaults.label_weight * class_sums(data.weighted, data.index, n_classes) if lacking.any() else None
    refined = refine_with_shares(S, data, data.pool[some], 1.0, labeled_sums=sums, mix=False)
    names = (
        unit(data.class_embeddings) if sums is None else unit(np.where(lacking[:, None], sums, data.class_embeddings))
    )
    if agreement(names, refined.class_vectors, data.pool[some]) < data.defaults.least_agreement:
        return known
    return np.concatenate([known[0], n_labeled + kept[some]]), np.concatenate([known[1], refined.probabilities])
