"""Write the mean and the directions of the default text encoder's second layer: src/anyshot/data/word_layer.npy.

Run: python benchmarks/word_layer.py          # if LAYER or the number of directions is changed

`anyshot.encoders.word_layer` says what they are for. They are those of `N_LISTS` random lists of 4 to 23 words of the
bundled thesaurus, which was written without looking at any data set. The file has the mean and the principal directions
`DIRECTIONS` in 16 bits: 0.1 MB.
"""

from pathlib import Path
from typing import Final

import numpy as np

from anyshot import data
from anyshot.base.validation import Vectors
from anyshot.encoders.engines.language_models import MINILM, states_of_layers
from anyshot.encoders.engines.layers import Node, mean_over
from anyshot.encoders.engines.texts import TextEngine, TokenNodes
from anyshot.encoders.engines.weights import read_safetensors
from anyshot.encoders.minilm import MAX_TOKENS, TOKENIZER, WEIGHTS
from anyshot.encoders.published_files import published_file
from anyshot.encoders.texts import TextTokenizer
from anyshot.encoders.tokenizer_files import read_tokenizer
from anyshot.encoders.word_layer import LAYER
from anyshot.zero_shot.thesaurus import all_words

N_LISTS: Final = 3_000
DIRECTIONS: Final = slice(3, 131)


def early_vectors(texts: list[str]) -> Vectors:
    """Return the unit-length means (n, d) of the token states after layer `LAYER`, in 32 bits."""
    weights = published_file("minilm", WEIGHTS)
    tokens = read_tokenizer(published_file("minilm", TOKENIZER), max_tokens=MAX_TOKENS, is_published=True)

    def graph(nodes: TokenNodes) -> Node:
        states = states_of_layers(MINILM, read_safetensors([weights], source=weights), nodes)[LAYER]
        return mean_over(nodes.of_texts(states), nodes.mask)

    options = {"width": MINILM.width, "vocabulary": MINILM.vocabulary, "key": f"layer {LAYER}"}
    return TextEngine(TextTokenizer(tokens, MAX_TOKENS), graph, **options, precision="float32").encode(texts)


def main() -> None:
    """Encode the lists of words and write the file."""
    random, words = np.random.default_rng(0), all_words()
    lists = [" ".join(random.choice(words, size=random.integers(4, 24))) for _ in range(N_LISTS)]
    vectors = early_vectors(lists)
    mean = vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    path = Path(data.__file__).with_name("word_layer.npy")
    np.save(path, np.concatenate([mean[None], directions[DIRECTIONS]]).astype(np.float16))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
