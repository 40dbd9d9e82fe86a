"""Reading a tokenizer from the file of a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyshot.errors import MissingWeightsError

if TYPE_CHECKING:  # it is loaded with the first tokenizer
    from tokenizers import Tokenizer

KINDS: Final = ("BPE", "Unigram", "WordLevel", "WordPiece")
"""The models of tokenizers; old files do not name theirs."""


def read_tokenizer(file: Path, *, max_tokens: int, is_published: bool = False) -> "Tokenizer":
    """Return the tokenizer of a tokenizer.json, which truncates at `max_tokens` and does not pad.

    is_published: whether the file has the published content, which need not be read twice to see if it is a tokenizer.

    Raises MissingWeightsError if the file is missing, or is not a tokenizer.
    """
    try:
        text = file.read_text(encoding="utf-8")
        if not is_published:
            _check_tokenizer(text)
    except FileNotFoundError as error:
        raise MissingWeightsError(
            f"{file.parent} has no tokenizer.json. Download the model again, or save its tokenizer with it: "
            "tokenizer.save_pretrained(folder)."
        ) from error
    except OSError as error:
        raise MissingWeightsError(f"{file} cannot be read: {error.strerror}. Check who may read it.") from error
    except (ValueError, TypeError) as error:
        raise MissingWeightsError(f"{file} is not a tokenizer: {error}. Download the model again.") from error
    from tokenizers import Tokenizer  # here, since models of vectors do without

    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _check_tokenizer(text: str) -> None:
    """Raise ValueError or TypeError if this is no tokenizer; the tokenizer's own errors would be plain Exceptions."""
    model_of_text = dict(json.loads(text)).get("model") or {}
    if not model_of_text or model_of_text.get("type", KINDS[0]) not in KINDS:
        raise ValueError(f"it has no model of type {', '.join(KINDS)}")
