"""Triton's client, which speaks the Open Inference Protocol, gets answers, as bytes and as JSON."""

import io

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

from anyshot import AnyShotClassifier, load
from anyshot.app.server.inference_protocol import InferAnswer, ModelMetadata
from served import PATIENT, save_support, served

TEXTS = ["I was charged twice", "where is my parcel?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("triton")


@pytest.fixture(scope="module")
def server(folder):
    random = np.random.default_rng(0)
    vectors = AnyShotClassifier().fit(random.normal(size=(20, 5)), ["a", "b"] * 10)
    vectors.save(folder / "vectors")
    with served(
        {"support": save_support(folder / "support"), "vectors": folder / "vectors"}, folder / "log"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    found = triton.InferenceServerClient(f"{server.host}:{server.port}", network_timeout=PATIENT)
    yield found
    found.close()


def tensor(values, datatype: str, *, binary: bool = True) -> triton.InferInput:
    found = triton.InferInput("items", list(values.shape), datatype)
    return found.set_data_from_numpy(values, binary_data=binary)


def test_the_client_sees_that_the_server_and_its_models_are_ready(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("support")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    found = client.get_model_metadata("support")
    assert (found["inputs"][0]["datatype"], found["parameters"]["classes"]) == (
        "BYTES",
        ["billing", "delivery", "login"],
    )


@pytest.mark.parametrize("sent", [True, False], ids=["bytes", "json"])
@pytest.mark.parametrize("asked", [None, True, False], ids=["all", "bytes", "json"])
def test_texts_get_the_same_answers_as_in_python(client, folder, sent, asked):
    names = ("label", "probabilities")
    outputs = None if asked is None else [triton.InferRequestedOutput(name, binary_data=asked) for name in names]
    found = client.infer("support", [tensor(np.array(TEXTS, object), "BYTES", binary=sent)], outputs=outputs)
    clf = load(folder / "support")
    labels = [label.decode() if isinstance(label, bytes) else label for label in found.as_numpy("label")]
    assert labels == clf.predict(TEXTS).tolist()
    assert np.allclose(found.as_numpy("probabilities"), clf.predict_proba(TEXTS), atol=1e-4)
    assert (found.as_numpy("closeness") is None) == (asked is not None)


def test_vectors_are_read_in_any_type_of_number(client, folder):
    rows = np.random.default_rng(1).normal(size=(4, 5))
    expected = load(folder / "vectors").predict_proba(rows)
    for dtype, datatype in ((np.float32, "FP32"), (np.float64, "FP64")):
        found = client.infer("vectors", [tensor(rows.astype(dtype), datatype)])
        assert np.allclose(found.as_numpy("probabilities"), expected, atol=1e-4)


def test_a_dimension_of_one_for_the_batch_is_left_out(client):
    found = client.infer("support", [tensor(np.array([[text] for text in TEXTS], object), "BYTES")])
    assert found.as_numpy("label").shape == (2,)


@pytest.mark.parametrize(
    ("model", "version", "given", "words"),
    [
        ("nix", "", tensor(np.array(["a"], object), "BYTES"), "no model of this name"),
        ("support", "", tensor(np.array([], object), "BYTES", binary=False), "no items"),
        ("support", "99", tensor(np.array(["a"], object), "BYTES"), "Leave out the version"),
        ("support", "", tensor(np.ones((1, 5), np.float32), "FP32"), "BYTES"),
        ("support", "", tensor(np.array([b"\xff"], object), "BYTES"), "UTF-8"),
        ("vectors", "", tensor(np.array(["a"], object), "BYTES"), "numbers"),
        ("vectors", "", tensor(np.ones((1, 4), np.float32), "FP32"), "5"),
    ],
)
def test_the_client_raises_what_is_wrong(client, model, version, given, words):
    with pytest.raises(InferenceServerException, match=words):
        client.infer(model, [given], model_version=version)


def test_json_before_bytes_is_checked_as_other_json(server):
    text = b'{"id": "a", "id": "b"}'
    headers = {"inference-header-content-length": str(len(text))}
    answer = httpx.post(f"{server.url}/v2/models/vectors/infer", content=text, headers=headers, timeout=PATIENT)
    assert (answer.status_code, "twice" in answer.json()["error"]) == (400, True)


def test_a_compressed_body_is_refused(client):
    given = tensor(np.array(TEXTS, object), "BYTES")
    with pytest.raises(InferenceServerException, match="415"):
        client.infer("support", [given], request_compression_algorithm="gzip")


def test_an_image_for_a_model_of_texts_is_no_text(server):
    content = io.BytesIO()
    Image.new("RGB", (2, 2)).save(content, "PNG")
    answer = httpx.post(
        f"{server.url}/v1/models/support/predict",
        files={"items": ("x.png", content.getvalue(), "image/png")},
        timeout=PATIENT,
    )
    assert answer.status_code == 422
    assert "texts" in answer.json()["detail"]


def test_the_description_has_an_example_that_is_answered_as_described(server):
    with httpx.Client(base_url=server.url, timeout=PATIENT) as client:
        described = client.get("/openapi.json").json()
        example = described["components"]["schemas"]["InferRequest"]["examples"][0]
        answer = client.post("/v2/models/support/infer", json=example).json()
        metadata = client.get("/v2/models/support").json()
    for path, method, schema, found in (
        ("/v2/models/{model}/infer", "post", InferAnswer, answer),
        ("/v2/models/{model}", "get", ModelMetadata, metadata),
    ):
        content = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith(f"/{schema.__name__}")
        schema.model_validate(found, strict=True, extra="forbid")
