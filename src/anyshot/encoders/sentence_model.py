"""Any text model of sentence-transformers, pooled as the model states."""

import copy
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from anyshot.base import progress
from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors, unit
from anyshot.encoders import hub
from anyshot.encoders.language_model import fresh_model, quiet
from anyshot.encoders.stages import Backbone, Network, State, TextPreparation, choose, windows
from anyshot.encoders.stages_text import text_stages
from anyshot.errors import EncoderError, MissingWeightsError

BATCH_TEXTS: Final = {"cpu": 32, "cuda": 256}
WINDOW_TEXTS: Final = 1024

log = logging.getLogger(__name__)


class SentenceModelEncoder:
    """A text model of sentence-transformers: its own modules, one after the other, then unit length.

    Parameters
    ----------
    folder : Path
        A model in sentence-transformers' layout, its weights in safetensors.
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda", "mps".

    Attributes
    ----------
    width : int
        d of the vectors.
    digest : str
        Changes whenever the vectors would.
    """

    modality: Literal["text"] = "text"

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self._folder = folder
        self._compute = choose(device)
        _refuse_pickles(folder)
        with quiet():
            self._model = _opened(folder, device=str(self._compute.device)).to(self._compute.dtype)
        self._model.eval().requires_grad_(False)
        self.digest: str = self._compute.marked(hub.digest_of_folder(folder, "1"))
        self.width: int = self._vectors(["width"]).shape[1]

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts.

        Raises
        ------
        BadItemError
            An item is no text, or an empty one; its row is named.
        """
        texts = check_texts(inputs)
        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        for window, part in progress.track(self._steps(texts), total=len(texts), description="Encoding texts"):
            vectors[window] = part
        return vectors

    def backbone(self) -> Backbone:
        """Return the network in stages, its weights read again in float32; "pooling" holds all modules but the first.

        Raises
        ------
        EncoderError
            The first module is no transformer.
        """
        with quiet():
            first, *others = _opened(self._folder, device="cpu").float().eval()
        transformer: Any = getattr(first, "model", None) or getattr(first, "auto_model", None)  # its name before 6
        if not hasattr(transformer, "config"):
            raise EncoderError(
                f"{self._folder} begins with a {type(first).__name__}, which has no stages to freeze or train. Train a "
                "head on its vectors."
            )
        pad = getattr(transformer.config, "pad_token_id", None) or 0

        def fresh() -> Network:
            anew = [copy.deepcopy(module) for module in others]
            parts: list[Any] = [part for module in anew for part in module.modules()]
            for part in parts:
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
            return text_stages(fresh_model(transformer.config), pooled=_Sentences(anew))

        return Backbone(
            name=f"hf:{self._folder}",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=text_stages(transformer.requires_grad_(False), pooled=_Sentences(others)),
            preparation=TextPreparation(
                self._tokens,
                pad=pad,
                tokenizer=getattr(getattr(self._model.tokenizer, "backend_tokenizer", None), "to_str", None),
                about={"at_most": self._model.max_seq_length, "filled_up": f"on the right with {pad}"},
            ),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _steps(self, texts: list[str]) -> Iterator[tuple[int, tuple[slice, Vectors]]]:
        for window in windows(texts, at_most=WINDOW_TEXTS):
            yield len(texts[window]), (window, self._vectors(texts[window]))

    def _tokens(self, texts: list[str], first_row: int) -> list[list[int]]:
        """Return the token ids of each text, with the model's own prompt before it, and say how many were cut."""
        prompt = self._model.prompts.get(self._model.default_prompt_name or "") or ""
        limit, tokenizer = self._model.max_seq_length, self._model.tokenizer
        tokens: list[list[int]] = tokenizer([prompt + text.strip() for text in texts], verbose=False)["input_ids"]
        cut = tokenizer([prompt + text.strip() for text in texts], truncation=limit is not None, max_length=limit)
        n_cut = sum(len(one) < len(other) for one, other in zip(cut["input_ids"], tokens, strict=True))
        if n_cut:
            log.info("%d of %d texts are longer than %d tokens and were cut there", n_cut, len(texts), limit)
        kept: list[list[int]] = cut["input_ids"]
        return kept

    def _vectors(self, texts: list[str]) -> Vectors:
        size = BATCH_TEXTS.get(self._compute.device.type, BATCH_TEXTS["cpu"])
        made = self._model.encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(made, dtype=np.float32))


class _Sentences(nn.Module):
    """The modules after the first one: from a text's token states to its vector."""

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


def load_sentence_model(folder: Path, *, device: str = "auto") -> SentenceModelEncoder:
    """Return the encoder of a text model of sentence-transformers."""
    return SentenceModelEncoder(folder, device=device)


def _opened(folder: Path, *, device: str) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"{folder} cannot be opened by sentence-transformers: {why}") from error


def _refuse_pickles(folder: Path) -> None:
    """Raise where a module's weights are a pickle only: sentence-transformers would open it."""
    for module in hub.read_settings(folder / "modules.json"):
        place = folder / str(module.get("path", ""))
        pickles = [file for file in place.glob("*") if file.suffix in hub.PICKLES]
        if pickles and not any(place.glob("*.safetensors")):
            raise MissingWeightsError(
                f"{folder} has weights in {pickles[0].relative_to(folder)} only, a pickle, which is never opened. "
                "Save it as safetensors: SentenceTransformer(...).save_pretrained(folder, safe_serialization=True)."
            )
