"""OpenAI's client gets embeddings and the list of models."""

import base64

import numpy as np
import openai
import pytest

from anyshot import load
from served import Served, save_support, served

TEXTS = ["I was charged twice", "My parcel is late"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openai")
    with served({"support": save_support(folder / "support")}, folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Served):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def vectors(server: Served, tmp_path_factory):
    folder = save_support(tmp_path_factory.mktemp("model") / "support")
    return load(folder).any_shot_model().embedder.encode(TEXTS)


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_the_client_gets_the_vectors_of_the_encoder(client, vectors, options):
    found = client.embeddings.create(model="support", input=TEXTS, **options)
    own = [one.embedding for one in found.data]
    if options.get("encoding_format") == "base64":
        own = [np.frombuffer(base64.b64decode(one), "<f4") for one in own]
    assert np.allclose(own, vectors, atol=1e-3)
    assert [one.index for one in found.data] == [0, 1]


def test_one_text_is_a_list_of_one(client, vectors):
    (one,) = client.embeddings.create(model="support", input=TEXTS[0]).data
    assert np.allclose(one.embedding, vectors[0], atol=1e-3)


def test_the_client_lists_the_models(client):
    assert [one.id for one in client.models.list()] == ["support"]
    one = client.models.retrieve("support")
    assert (one.id, one.owned_by, one.created) == ("support", "anyshot", 0)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"model": "gpt"}, openai.NotFoundError, "The models are: support"),
        ({"input": [[1, 2]]}, openai.UnprocessableEntityError, "send the texts"),
        ({"input": []}, openai.UnprocessableEntityError, "list of texts"),
        ({"input": ""}, openai.UnprocessableEntityError, "empty"),
        ({"dimensions": 7}, openai.UnprocessableEntityError, "512"),
    ],
)
def test_the_client_raises_what_is_wrong(client, given, error, words):
    with pytest.raises(error) as caught:
        client.embeddings.create(**{"model": "support", "input": TEXTS, **given})
    assert words in str(caught.value)


def test_a_long_text_says_that_it_was_cut(client):
    found = client.embeddings.create(model="support", input=["word " * 1_000, "short"])
    assert found.usage.prompt_tokens == found.usage.total_tokens == 256 + 3, "what was read, with the two around a text"
    assert [getattr(one, "cut", None) for one in found.data] == [True, None]
