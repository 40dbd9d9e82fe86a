"""Encoder of text models of sentence-transformers, which pools as the model specifies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from anyshot.base.validation import Vectors, unit
from anyshot.encoders.huggingface.base import HuggingFaceTextEncoder, opening, random_model
from anyshot.encoders.huggingface.files import check_files
from anyshot.encoders.huggingface.stages import text_stages
from anyshot.encoders.stages import Network, State
from anyshot.encoders.texts import windows
from anyshot.errors import EncoderError

BATCH_TEXTS: Final = {"cpu": 32, "cuda": 256}
WINDOW_TEXTS: Final = 1024  # texts that are sorted by length together


class SentenceModelEncoder(HuggingFaceTextEncoder):
    """Encoder of a text model of sentence-transformers: the model's modules in order, then scaling to unit length.

    Parameters and attributes are those of `HuggingFaceEncoder`. In stages, "pooling" is all modules but the first.
    """

    def _open(self) -> None:
        check_files(self._folder)
        self._model = _open_model(self._folder, device=str(self._compute.device)).to(self._compute.dtype)
        self._model.eval().requires_grad_(False)
        self._settings = ("1",)
        self._tokenizer, self.max_tokens = self._model.tokenizer, self._model.max_seq_length
        self.width = self._vectors(["width"]).shape[1]
        pad = getattr(getattr(_transformer(self._model[0]), "config", None), "pad_token_id", None) or 0
        self._preparation = self._preparation_of_texts(pad)

    def _stages(self) -> Network:
        first, *others = _open_model(self._folder, device="cpu").float().eval()
        transformer = _transformer(first)
        if not hasattr(transformer, "config"):
            raise EncoderError(
                f"The first module of {self._folder} is a {type(first).__name__}, which has no stages to freeze or "
                "train. Train a classifier on its vectors."
            )
        return text_stages(transformer.requires_grad_(False), pool=_Modules(others))

    def _random_stages(self) -> Network:
        first, *others = _open_model(self._folder, device="cpu").float().eval()
        for part in _parts(others):
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
        return text_stages(random_model(_transformer(first).config), pool=_Modules(others))

    def _encoded(self, texts: list[str]) -> Iterator[tuple[slice, Vectors]]:
        return ((window, self._vectors(texts[window])) for window in windows(texts, at_most=WINDOW_TEXTS))

    def _prompted(self, texts: Sequence[str]) -> list[str]:
        """Return texts after the model's prompt, as sentence-transformers reads them."""
        prompt = self._model.prompts.get(self._model.default_prompt_name or "") or ""
        return [prompt + text.strip() for text in texts]

    def _vectors(self, texts: list[str]) -> Vectors:
        size = self._compute.batch_size(BATCH_TEXTS)
        vectors = self._model.encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(vectors, dtype=np.float32))


class _Modules(nn.Module):
    """The modules after the first one, which map a text's token states to its vector."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(modules)

    def forward(self, state: State) -> Tensor:
        """Map states (n, t, width) to (n, width)."""
        mask = torch.ones(state.x.shape[:2], device=state.x.device) if state.mask is None else state.mask
        features = {"token_embeddings": state.x.float(), "attention_mask": mask.long()}
        for step in self.steps:
            features = step(features)
        return features["sentence_embedding"]


def _transformer(module: Any) -> Any:
    """Return the model of transformers in a module, or None if it has none."""
    return getattr(module, "model", None)


def _parts(modules: Sequence[nn.Module]) -> Iterator[Any]:
    for module in modules:
        yield from module.modules()


def _open_model(folder: Path, *, device: str) -> SentenceTransformer:
    with opening(folder, library="sentence-transformers"):
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
