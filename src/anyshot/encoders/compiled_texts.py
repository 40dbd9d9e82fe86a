"""Encoder of text models in Hugging Face layout that openvino runs, without torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tokenizers import normalizers

from anyshot.base.lazy import extra
from anyshot.encoders import huggingface
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.engines.images import Config
from anyshot.encoders.engines.language_models import (
    FAMILIES,
    Architecture,
    architecture,
    check_weights,
    token_states,
    why_unsupported,
)
from anyshot.encoders.engines.layers import Node
from anyshot.encoders.engines.openvino import fast_precision
from anyshot.encoders.engines.sentence_modules import (
    SentenceModules,
    pooled_vector,
    pooled_width,
    read_sentence_modules,
)
from anyshot.encoders.engines.texts import TextEngine, TokenizingEncoder, TokenNodes
from anyshot.encoders.engines.weights import Weights, read_safetensors
from anyshot.encoders.huggingface.files import (
    digest_of_folder,
    language_of_model,
    optional_settings,
    read_settings,
    refuse_code,
    weight_files,
)
from anyshot.encoders.texts import TextTokenizer
from anyshot.encoders.tokenizer_files import read_tokenizer
from anyshot.errors import UnknownEncoderError

OLD_NAMES: Final = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""Names of weights in BERT models that were converted from TensorFlow."""


class CompiledTextEncoder(TokenizingEncoder):
    """Encoder of a text model in Hugging Face layout, run by openvino on the CPU.

    The model is a BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT or MPNet. A folder of sentence-transformers states its
    pooling, dense layers, prompt and the longest text; of another folder, the vector is the mean of the token states. A
    longer text is truncated.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, with weights in safetensors and a tokenizer.json.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of the model's files, the pooling and the precision; it changes whenever the vectors would.
    language : str or None
        "English" if the model's README.md says that it is for English alone.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        modules, config = read_supported(folder)
        network = architecture(config, source=folder / modules.transformer / "config.json")
        check_weights(network, _read_weights(folder / modules.transformer, network))
        self._folder, self._is_sentence_model = folder, (folder / "modules.json").is_file()
        digest = digest_of_folder(folder, *(("1",) if self._is_sentence_model else ("mean_of_tokens", "1")))
        self.width = pooled_width(modules, width=network.width)
        self._runner = TextEngine(
            _tokenizer(folder / modules.transformer, modules, network),
            _graph(folder, modules, network),
            width=self.width,
            vocabulary=network.vocabulary,
            key=digest,
            precision=fast_precision(),
            threads=threads,
        )
        self.digest = f"{digest} {fast_precision()}"
        self.language = language_of_model(folder)

    @staticmethod
    def check(folder: Path) -> None:
        """Raise UnsupportedModelError if openvino cannot run the model in a folder. No weights are read."""
        read_supported(folder)

    def backbone(self) -> Any:
        """Return the network in stages (a `Backbone`), opened by torch, with the weights read again in float32.

        Raises
        ------
        MissingExtraError
            torch or transformers is not installed.
        """
        extra("transformers", "torch", purpose="Training a network")
        kind = huggingface.SentenceModelEncoder if self._is_sentence_model else huggingface.LanguageModelEncoder
        return kind(self._folder).backbone()


def read_supported(folder: Path) -> tuple[SentenceModules, Config]:
    """Return the modules of a text model, and the config of its network. No weights are read.

    Raises UnsupportedModelError if openvino cannot run the model. Raises UnknownEncoderError if the folder's settings
    cannot be read, or ask for code.
    """
    modules = read_sentence_modules(folder) if (folder / "modules.json").is_file() else SentenceModules()
    config = read_settings(folder / modules.transformer / "config.json")
    refuse_code(config, folder)
    obstacle = why_unsupported(config) or modules.obstacle
    if obstacle is None and not (folder / modules.transformer / "tokenizer.json").is_file():
        obstacle = "it has no tokenizer.json"
    if obstacle is not None:
        raise UnsupportedModelError(obstacle)
    return modules, config


def _graph(folder: Path, modules: SentenceModules, network: Architecture) -> Callable[[TokenNodes], Node]:
    """Return the function from tokens to vectors; it reads the weights, and keeps none."""

    def graph(tokens: TokenNodes) -> Node:
        states = token_states(network, _read_weights(folder / modules.transformer, network), tokens)
        return pooled_vector(modules, tokens.of_texts(states), tokens.mask)

    return graph


def _read_weights(folder: Path, network: Architecture) -> Weights:
    """Return the weights of the network, without those of a head."""
    weights = read_safetensors(weight_files(folder), source=folder, renamed=OLD_NAMES)
    return weights.without_head(FAMILIES[network.model_type].prefix)


def _tokenizer(folder: Path, modules: SentenceModules, network: Architecture) -> TextTokenizer:
    """Return the tokenizer, which truncates at what sentence-transformers or else transformers would."""
    settings = optional_settings(folder / "tokenizer_config.json")
    stated = settings.get("model_max_length") if modules.max_tokens is None else modules.max_tokens
    most = min(int(number) for number in (stated, network.most_tokens) if number is not None)
    tokenizer = read_tokenizer(folder / "tokenizer.json", max_tokens=max(most, 1))
    if most <= (n_special := tokenizer.num_special_tokens_to_add(False)):
        raise UnknownEncoderError(
            f"{folder} says that the model reads at most {most} tokens, but {n_special} are put around each text. "
            "Download the model again."
        )
    if modules.lower_case:
        before = [normalizers.Lowercase(), *([tokenizer.normalizer] if tokenizer.normalizer else [])]
        tokenizer.normalizer = normalizers.Sequence(before)
    return TextTokenizer(tokenizer, most, padding=network.padding, prompt=modules.prompt)
