"""The default text encoder, all-MiniLM-L6-v2, with or without what its second layer says of the words.

The network is BERT (Devlin et al., NAACL 2019) with six layers. A text's vector is the mean of its token states, scaled
to unit length (Reimers, Gurevych, Sentence-BERT, EMNLP 2019). openvino runs it on the CPU, and torch on a GPU.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from anyshot.base.lazy import extra
from anyshot.encoders import networks
from anyshot.encoders.engines.choice import choose_engine
from anyshot.encoders.engines.language_models import MINILM, states_of_layers
from anyshot.encoders.engines.layers import Node, constant, dense, mean_over, ops, unit_length
from anyshot.encoders.engines.openvino import fast_precision
from anyshot.encoders.engines.texts import TextEngine, TokenizingEncoder, TokenNodes
from anyshot.encoders.engines.weights import read_safetensors
from anyshot.encoders.published_files import PUBLISHED, published_file
from anyshot.encoders.texts import TextTokenizer
from anyshot.encoders.tokenizer_files import read_tokenizer
from anyshot.encoders.word_layer import LAYER, WEIGHT, WordLayer, bundled_word_layer

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
MAX_TOKENS: Final = 256  # the published max_seq_length


class MiniLMEncoder(TokenizingEncoder):
    """The all-MiniLM-L6-v2 text encoder.

    A text longer than 256 tokens is truncated, as the published model does.

    Parameters
    ----------
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda".
    engine : {"auto", "openvino", "torch"}, default="auto"
        What runs the network. "auto" is openvino on the CPU and torch on a GPU.
    threads : int, optional
        Number of threads of openvino. Default: the processors that the process may use.
    word_layer : bool, default=False
        Whether the vectors also say which words the texts contain, by the second layer (`encoders.word_layer`).

    Attributes
    ----------
    width : int
        384, the number of dimensions of a vector; 512 with `word_layer`.
    language : str
        "English", the language of the texts that it was trained on.
    word_width : int
        How many of these say which words a text contains: 0, or 128 with `word_layer`.
    engine : str
        What runs the network, "openvino" or "torch".
    digest : str
        Hash of weights, tokenizer and precision; it changes whenever the vectors would.

    Raises
    ------
    MissingWeightsError
        The weights are not on this machine, or are not the published ones.
    """

    language: Final = "English"

    def __init__(
        self, *, device: str = "auto", engine: str = "auto", threads: int | None = None, word_layer: bool = False
    ) -> None:
        self._device, self._threads, self._weights = device, threads, published_file("minilm", WEIGHTS)
        self._words: WordLayer | None = bundled_word_layer() if word_layer else None
        self.word_width = len(self._words.directions) if self._words else 0
        self.width = MINILM.width + self.word_width
        tokenizer, digest = _tokenizer(published_file("minilm", TOKENIZER)), _digest(self._words)
        self.engine = choose_engine(engine, device)
        if self.engine == "torch":
            compute = networks.choose_compute(device)
            self._runner = networks.MiniLMRunner(tokenizer, self._weights, compute, self._words)
            self.digest: str = compute.with_precision(digest)
        else:
            self._runner = _compiled(self._weights, tokenizer, width=self.width, threads=threads)
            self.digest = f"{digest} {fast_precision()}"

    def without_words(self) -> "MiniLMEncoder":
        """Return the encoder of the sentence vectors alone, run in the same way."""
        return MiniLMEncoder(device=self._device, engine=self.engine, threads=self._threads) if self._words else self

    def joined(self, network: Any) -> Any:
        """Return the stages of the backbone, and the words that are joined to their output (a `Network`), in torch."""
        return networks.minilm_with_words(network, self._words) if self._words else network

    def backbone(self) -> Any:
        """Return the network in stages (a `Backbone`), in torch, with the weights read again in float32.

        It is that of the sentence vectors, which is trained, with or without `word_layer`.

        Raises
        ------
        MissingExtraError
            torch is not installed.
        """
        extra("torch", "torch", purpose="Training a network")
        return networks.minilm_backbone(self._runner.tokenizer, self._weights, digest=_digest(), device=self._device)


def _digest(words: WordLayer | None = None) -> str:
    """Return the hash of weights, tokenizer and pooling, without the precision."""
    digests = {file.name: file.sha256 for file in PUBLISHED["minilm"].files}
    parts = [digests[WEIGHTS], digests[TOKENIZER], f"mean of {MAX_TOKENS} tokens, unit length, 1"]
    parts += [words.digest] if words else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def _tokenizer(file: Path) -> TextTokenizer:
    """Return the model's tokenizer, truncating at 256 tokens without padding; its file says 128, padded."""
    return TextTokenizer(read_tokenizer(file, max_tokens=MAX_TOKENS, is_published=True), MAX_TOKENS)


def _compiled(file: Path, tokenizer: TextTokenizer, *, width: int, threads: int | None) -> TextEngine:
    """Return the network compiled by openvino, which reads the weights at the first use.

    It always computes the part of the words, which takes little time, so that a process with both encoders has one
    network in memory.
    """
    words = bundled_word_layer()

    def graph(tokens: TokenNodes) -> Node:
        states = states_of_layers(MINILM, read_safetensors([file], source=file), tokens)
        sentence = mean_over(tokens.of_texts(states[-1]), tokens.mask)  # (m, d)
        early = unit_length(mean_over(tokens.of_texts(states[LAYER]), tokens.mask))  # (m, d)
        early = unit_length(dense(ops.subtract(early, constant(words.mean)), words.directions))  # (m, k)
        return ops.concat([unit_length(sentence), ops.multiply(early, constant(WEIGHT))], 1)

    return TextEngine(
        tokenizer,
        graph,
        width=width,
        vocabulary=MINILM.vocabulary,
        key=_digest(words),
        precision=fast_precision(),
        threads=threads,
    )
