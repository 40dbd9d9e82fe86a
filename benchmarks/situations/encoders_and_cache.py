"""Encoders, own and given, and the cache of their vectors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from anyshot import VectorCache, encode_once, load_encoder
from situations.libraries import TEXTS_OF_LIBRARIES
from situations.situation import Subject, photo

holds = Subject("encoders and cache")

# --- encode ----------------------------------------------------------------------------------------------------------

holds.each(
    "encode texts as {}: a vector for each",
    TEXTS_OF_LIBRARIES,
)(lambda _, X: load_encoder("minilm").encode(X).shape == (12, 384))
holds.refused("encode one text: refused, with [item]", "[item]")(lambda _: load_encoder("minilm").encode("refund"))
holds.refused("stream one text: refused, with [text]", "[text]")(lambda _: load_encoder("minilm").stream("hello"))
holds.refused("encode a table of two columns: refused, with the column", "'text'")(
    lambda _: load_encoder("minilm").encode(pd.DataFrame({"id": [1], "text": ["refund"]}))
)
holds.refused("encode one image: refused, with [image]", "[image]")(
    lambda _: load_encoder("efficientnet-lite0").encode(np.zeros((64, 64, 3), np.uint8))
)
holds.refused("encode one path: refused, with [item]", "[item]")(
    lambda f: load_encoder("efficientnet-lite0").encode(photo(f, "a.png"))
)
holds.refused("encode images with channels first: refused by row, with transpose", "row 0", "transpose")(
    lambda _: load_encoder("efficientnet-lite0").encode([np.zeros((3, 32, 32), np.uint8)])
)
holds.refused("encode images of truth values: refused by row", "row 0", "255")(
    lambda _: load_encoder("efficientnet-lite0").encode([np.zeros((32, 32), bool)])
)

# --- an encoder of one's own -----------------------------------------------------------------------------------------


class _Encoder:
    modality, width = "text", 2

    def __init__(self, answer: Callable[[int], object]) -> None:
        self.answer = answer

    def encode(self, texts: list[str]) -> Any:
        return self.answer(len(texts))


def _encoded_by(answer: Callable[[int], object]) -> Any:
    return encode_once(_Encoder(answer), ["a", "b"], cache=None)


holds.refused("an encoder that returns texts: refused", "numbers")(
    lambda _: _encoded_by(lambda n: np.array([["a", "b"]] * n))
)
holds("an encoder that returns tensors with gradients: taken as numbers")(
    lambda _: np.allclose(_encoded_by(lambda n: torch.ones(n, 2, requires_grad=True)), 0.5**0.5)
)

# --- cache -----------------------------------------------------------------------------------------------------------

holds.refused("fewer vectors than keys: refused", "2 keys")(
    lambda folder: VectorCache(folder).put_many([b"a" * 32, b"b" * 32], np.ones((1, 2), np.float32))
)
holds.refused("keys that are too short: refused, with 32 bytes", "32 bytes")(
    lambda folder: VectorCache(folder).put_many([b"a"], np.ones((1, 2), np.float32))
)
holds("~ in the folder of a cache: the home folder")(lambda _: VectorCache("~/x").folder == Path.home() / "x")
holds.refused("the limit of a cache as text: refused, with MB", "MB")(lambda f: VectorCache(f, limit="2GB"))
