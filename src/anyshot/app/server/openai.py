"""Embeddings and the list of models in the shape that OpenAI's clients send and read."""

import base64
from typing import Final, Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import Field

from anyshot.app.server.answers import check_any_shot, vectors_of
from anyshot.app.server.bodies import read_body, read_items
from anyshot.app.server.schemas import Item, Many, Schema, described, with_example
from anyshot.app.server.service import json_answer, service_of, unless_gone, written
from anyshot.base.validation import Vectors
from anyshot.errors import InputError

router = APIRouter(tags=["OpenAI"])
_LITTLE_FLOATS: Final = "<f4"


class EmbeddingsRequest(Schema):
    """Texts, or images as data URLs."""

    model_config = with_example({"model": "support", "input": ["I was charged twice", "My parcel is late"]})
    model: str = Field(description="Name of a served model.")
    input: str | Many[str | int | Many[int]] = Field(description="One text or several; no tokens.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(None, description="The width of the model's vectors; no other can be given.")
    user: str | None = Field(None, description="Ignored.")


class Embedding(Schema):
    """The vector of one item."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="Numbers, or base64 of little-endian 32-bit floats.")
    cut: bool | None = Field(None, description="True where only the beginning of the text was read.")


class Embeddings(Schema):
    """The vectors of all items, in their order, of length 1."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: dict[str, int] = Field(description="Tokens that were read of texts; 0 for images.")


@router.post("/v1/embeddings", openapi_extra=described(EmbeddingsRequest, Embeddings))
async def embeddings(request: Request) -> Response:
    """Return the vector of each item, as the encoder of a model makes it."""
    service = service_of(request)
    asked = await read_body(request, EmbeddingsRequest, service.settings)
    snapshot = service.model(asked.model).snapshot
    check_any_shot(snapshot, what="Embeddings")
    if asked.dimensions not in (None, width := snapshot.width):
        raise InputError(f"dimensions={asked.dimensions} is not the width of the model's vectors, {width}.")
    given = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = [one for one in given if isinstance(one, str)]
    if not given or len(texts) < len(given):
        raise InputError("input must be a text or a list of texts. Lists of tokens are not read: send the texts.")
    images = snapshot.modality == "image"
    encoded: list[Item] = [{"image": one} for one in texts] if images else list(texts)
    items = await read_items(request, encoded, snapshot, service.settings)
    vectors, cut, n_tokens = await unless_gone(request, service.batcher.run(vectors_of, snapshot, items))
    usage = dict.fromkeys(("prompt_tokens", "total_tokens"), int(n_tokens.sum()))

    def write() -> Response:
        data = [
            {"object": "embedding", "index": row, "embedding": own, **({"cut": True} if cut[row] else {})}
            for row, own in enumerate(_written(vectors, asked.encoding_format))
        ]
        return json_answer({"object": "list", "data": data, "model": asked.model, "usage": usage})

    return await written(write, n_numbers=vectors.size)


def _written(vectors: Vectors, encoding_format: str) -> list[list[float]] | list[str]:
    """Return vectors (n, d) as numbers, or as base64 of their bytes."""
    if encoding_format == "float":
        numbers: list[list[float]] = vectors.tolist()
        return numbers
    return [base64.b64encode(np.asarray(own, _LITTLE_FLOATS).tobytes()).decode("ascii") for own in vectors]
