"""The default text encoder, all-MiniLM-L6-v2.

The network is BERT (Devlin et al., NAACL 2019) with six layers. A text's vector is the mean of its token states, scaled
to unit length (Reimers, Gurevych, Sentence-BERT, EMNLP 2019). openvino runs it on the CPU, and torch on a GPU.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from anyshot.base.extras import extra
from anyshot.encoders import networks
from anyshot.encoders.engines.choice import choose_engine
from anyshot.encoders.engines.language_models import MINILM, token_states
from anyshot.encoders.engines.layers import Node, mean_over
from anyshot.encoders.engines.openvino import fast_precision
from anyshot.encoders.engines.texts import TextEngine, TokenizingEncoder, TokenNodes
from anyshot.encoders.engines.weights import read_safetensors
from anyshot.encoders.published_files import PUBLISHED, published_file
from anyshot.encoders.text_tokenizer import TextTokenizer, read_tokenizer

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
MAX_TOKENS: Final = 256  # the published max_seq_length


class MiniLMEncoder(TokenizingEncoder):
    """The all-MiniLM-L6-v2 text encoder.

    A text longer than 256 tokens is truncated, as the published model does; the number of truncated texts is logged at
    level DEBUG.

    Parameters
    ----------
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda".
    engine : {"auto", "openvino", "torch"}, default="auto"
        What runs the network. "auto" is openvino on the CPU and torch on a GPU.
    threads : int, optional
        Number of threads of openvino. Default: the processors that the process may use.

    Attributes
    ----------
    width : int
        384, the number of dimensions of a vector.
    engine : str
        What runs the network, "openvino" or "torch".
    digest : str
        Hash of weights, tokenizer and precision; it changes whenever the vectors would.

    Raises
    ------
    MissingWeightsError
        The weights are not on this machine, or are not the published ones.
    """

    width = MINILM.width

    def __init__(self, *, device: str = "auto", engine: str = "auto", threads: int | None = None) -> None:
        self._device, self._weights = device, published_file("minilm", WEIGHTS)
        tokenizer = _tokenizer()
        self.engine = choose_engine(engine, device)
        if self.engine == "torch":
            compute = networks.choose_compute(device)
            self._runner = networks.MiniLMRunner(tokenizer, self._weights, compute)
            self.digest: str = compute.with_precision(_digest())
        else:
            self._runner = _compiled(self._weights, tokenizer, threads=threads)
            self.digest = f"{_digest()} {fast_precision()}"

    def backbone(self) -> Any:
        """Return the network in stages (a `Backbone`), in torch, with the weights read again in float32.

        Raises
        ------
        MissingExtraError
            torch is not installed.
        """
        extra("torch", "torch", purpose="Training a network")
        return networks.minilm_backbone(self._runner.tokenizer, self._weights, digest=_digest(), device=self._device)


def _digest() -> str:
    """Return the hash of weights, tokenizer and pooling, without the precision."""
    digests = {file.name: file.sha256 for file in PUBLISHED["minilm"].files}
    parts = (digests[WEIGHTS], digests[TOKENIZER], f"mean of {MAX_TOKENS} tokens, unit length, 1")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _tokenizer() -> TextTokenizer:
    """Return the model's tokenizer, truncating at 256 tokens without padding; its file says 128, padded."""
    file = published_file("minilm", TOKENIZER)
    return TextTokenizer(read_tokenizer(file, max_tokens=MAX_TOKENS, is_published=True), MAX_TOKENS)


def _compiled(file: Path, tokenizer: TextTokenizer, *, threads: int | None) -> TextEngine:
    """Return the network compiled by openvino, which reads the weights at the first use."""

    def graph(tokens: TokenNodes) -> Node:
        states = token_states(MINILM, read_safetensors([file], source=file), tokens)
        return mean_over(tokens.of_texts(states), tokens.mask)

    return TextEngine(
        tokenizer,
        graph,
        width=MINILM.width,
        vocabulary=MINILM.vocabulary,
        key=_digest(),
        precision=fast_precision(),
        threads=threads,
    )
