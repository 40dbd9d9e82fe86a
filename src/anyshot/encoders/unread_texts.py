"""Texts that an encoder cannot read, since they are in a script that its vocabulary does not have."""

import warnings
from collections.abc import Sequence

import numpy as np

from anyshot.base.columns import named_rows
from anyshot.base.protocols import WithVocabulary
from anyshot.base.validation import Indexes


def rows_of_unread_texts(encoder: object, texts: Sequence[str]) -> Indexes:
    """Return the rows of the texts of which an encoder does not know at least half of the tokens (m,).

    Every encoder reads ASCII, so only the others are looked at.
    """
    rows = [row for row, text in enumerate(texts) if not text.isascii()]
    if not rows or not isinstance(encoder, WithVocabulary):
        return np.zeros(0, np.intp)
    return np.array(rows, dtype=np.intp)[encoder.is_unread([texts[row] for row in rows])]


def warn_of_unread_texts(texts: Sequence[str], encoder: object, *, name: str, stacklevel: int) -> bool:
    """Warn of texts that the encoder of this name cannot read; return whether there are any."""
    rows = rows_of_unread_texts(encoder, texts)
    if not len(rows):
        return False
    are = "is" if len(rows) == 1 else "are"
    warnings.warn(
        f"{len(rows):,} of {len(texts):,} texts {are} mostly in letters that the encoder {name!r} does not know "
        f"({named_rows(rows)}), so predictions for them are guesses. Use an encoder for this language, such as "
        "encoder='hf:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2', or leave them out.",
        stacklevel=stacklevel + 1,
    )
    return True
