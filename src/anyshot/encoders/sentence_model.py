"""Any text model of sentence-transformers, pooled as the model states."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from sentence_transformers import SentenceTransformer

from anyshot import progress
from anyshot.checks import Vectors, unit
from anyshot.encoders import hub
from anyshot.encoders.batching import windows
from anyshot.encoders.compute import choose
from anyshot.encoders.language_model import quiet
from anyshot.errors import EncoderError, MissingWeightsError
from anyshot.items import Items, check_texts

BATCH_TEXTS: Final = {"cpu": 32, "cuda": 256}
WINDOW_TEXTS: Final = 1024


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
        self._compute = choose(device)
        _refuse_pickles(folder)
        with quiet():
            self._model = _opened(folder, device=str(self._compute.device)).to(self._compute.dtype)
        self._model.eval().requires_grad_(False)
        self.digest: str = hub.digest_of_folder(folder, str(self._compute.dtype), "1")
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
        for window, part in progress.track(self._steps(texts), total=len(texts), doing="Encoding texts"):
            vectors[window] = part
        return vectors

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _steps(self, texts: list[str]) -> Iterator[tuple[int, tuple[slice, Vectors]]]:
        for window in windows(texts, at_most=WINDOW_TEXTS):
            yield len(texts[window]), (window, self._vectors(texts[window]))

    def _vectors(self, texts: list[str]) -> Vectors:
        size = BATCH_TEXTS.get(self._compute.device.type, BATCH_TEXTS["cpu"])
        made = self._model.encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(made, dtype=np.float32))


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
