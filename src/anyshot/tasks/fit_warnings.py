"""What `fit` warns of: names that mislead the encoder or say little to it, and labels that contradict each other."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from anyshot import any_shot, zero_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.labels import warn_of_look_alikes
from anyshot.base.messages import count, first_of, new_to_warn_of, places_of, shortened, warn
from anyshot.base.protocols import WithVocabulary
from anyshot.data.label_leaks import warn_of_leaks
from anyshot.encoders.texts import rows_of_unread_texts
from anyshot.zero_shot import class_embeddings

_NUMBER: Final = re.compile(r"\d+")


def warn_of_classes(data: TrainingSet) -> None:
    """Warn of classes that look alike, or are nearly the same for the encoder, and of names that say nothing to it."""
    warn_of_look_alikes(data.texts.names)
    own = data.class_embeddings, data.texts.names
    if not data.counts.all() and any_shot.names_are_guesses(data):
        remedy = "Give labels of each class, or use an image-text model, such as 'hf:openai/clip-vit-base-patch32'."
        warn(f"{zero_shot.GUESSES} {remedy}")
    class_embeddings.warn_of_duplicates(*own, from_bridge=data.centering)


def warn_of_names(embedder: Embedder, data: TrainingSet) -> None:
    """Warn of classes of texts without labels whose names alone say little to the encoder, and that have no words."""
    encoder = embedder.encoder
    if not isinstance(encoder, WithVocabulary) or data.from_source:
        return
    rows = zip(data.texts.texts, embedder.reader.readings(data.texts), data.counts, strict=True)
    names = [own[0] for own, reading, n in rows if len(own) == 1 and own[0] and not reading.words and not n]
    unread = [names[row] for row in rows_of_unread_texts(encoder, names)]
    numbered = Counter(_NUMBER.sub("0", name) for name in names)
    faults = {
        f"are in letters that the encoder {embedder.name!r} does not know": unread,
        "have only one letter": [name for name in names if sum(map(str.isalpha, name)) == 1 and name not in unread],
        "differ from others only in numbers": [name for name in names if numbered[_NUMBER.sub("0", name)] > 1],
    }
    for fault, found in faults.items():
        if found:
            warn(
                f"Names of classes without labels, such as {shortened(found[0])!r}, {fault}, so predictions of these "
                "classes are guesses. Give labels, a description or Words (--words) of each."
            )


def warn_of_labels(embedder: Embedder, data: TrainingSet, *, n_new: int) -> None:
    """Warn of those of the last `n_new` labeled items that equal an earlier one with another label.

    Equal rows of a table may well have different labels; of a table, warn of columns that determine the label.
    """
    if embedder.table is not None:
        warn_of_leaks(embedder.table.as_numbers(data.vectors), data.index, n_new=n_new)
    if embedder.requested in ("vectors", "table"):
        return
    first = data.first_copies
    found = np.flatnonzero(data.index != data.index[first])
    rows = found[found >= len(data.index) - n_new].tolist()
    texts = new_to_warn_of("conflict", [data.examples[row] for row in rows])
    if not texts:
        return
    names = data.classes.tolist()
    one, other = (names[data.index[row]] for row in (first[rows[0]], rows[0]))
    remedy = "Both labels count. Leave out the wrong one."
    if len(np.unique(first)) < len(np.unique(data.index)):
        remedy = "There are more classes than different items: were items and labels exchanged?"
    places = places_of(texts)
    listed = f": {first_of(places, at_most=5)}" if places else ""
    warn(
        f"{count(len(rows), 'labeled item')} {'is' if len(rows) == 1 else 'are'} the same to the encoder as an earlier "
        f"one with another label, such as {shortened(data.examples[rows[0]])!r}, {one!r} and {other!r}{listed}. "
        f"{remedy}"
    )


def without_corrected(embedder: Embedder, data: TrainingSet, *, n_new: int) -> TrainingSet:
    """Leave out earlier labels of items that are among the last `n_new` ones with another label.

    Equal rows of a table may well have different labels.
    """
    if embedder.requested in ("vectors", "table"):
        return data
    is_text = embedder.encoder is not None and embedder.encoder.modality == "text"
    items: Sequence[str | int] = data.examples if is_text else data.first_copies.tolist()  # long texts share vectors
    pairs, n_earlier = list(zip(items, data.index.tolist(), strict=True)), len(items) - n_new
    given_again, same = set(items[n_earlier:]), set(pairs[n_earlier:])
    stays = np.array([item not in given_again or (item, label) in same for item, label in pairs], dtype=bool)
    kept = tuple(example for example, stay in zip(data.examples, stays, strict=True) if stay)
    return data if stays.all() else replace(data.subset(stays), examples=kept)
