"""Write the vectors of the names in the bundled thesaurus: src/anyshot/data/thesaurus_vectors.npy.

Run: python benchmarks/thesaurus_vectors.py          # again whenever a name is added to thesaurus.json

A class whose name is not listed is read by the words of the listed names that are most similar to it for the default
encoder (`anyshot.zero_shot.thesaurus.similar_words`). Each vector is that of the name in its sentences, rounded to 8
bits: of 2,438 names, 1.2 MB. A test compares some of them with the encoder's.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anyshot import data
from anyshot.base.validation import Vectors
from anyshot.encoders.registry import default_for, load_encoder
from anyshot.zero_shot.class_embeddings import embed_classes
from anyshot.zero_shot.class_texts import describe
from anyshot.zero_shot.thesaurus import listed_names


def rounded(vectors: Vectors) -> NDArray[np.int8]:
    """Return vectors (n, d) in 8 bits, the largest number of each as 127 or -127."""
    largest: Vectors = np.abs(vectors).max(axis=1, keepdims=True)
    found: NDArray[np.int8] = np.rint(127 * vectors / largest).astype(np.int8)
    return found


def main() -> None:
    """Encode the names and write the file."""
    vectors = embed_classes(describe(listed_names()), load_encoder(default_for("text")).encode)
    path = Path(data.__file__).with_name("thesaurus_vectors.npy")
    np.save(path, rounded(vectors))
    print(f"{path}: {len(vectors):,} vectors, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
