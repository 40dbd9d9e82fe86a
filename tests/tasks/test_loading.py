"""Loading: every kind of model is restored; other folders, and models of other weights, are refused."""

import re
import socket
import subprocess
import sys

import numpy as np
import pytest
from huggingface_hub import constants
from sklearn.base import clone

from anyshot import AnyShotClassifier, AnyShotRegressor, MultitaskModel, load
from anyshot.base.model_folder import read_model, write_model
from anyshot.errors import InputError, MissingWeightsError, ModelFolderError

TEXTS = ["my card", "card lost", "refund me", "refund please"]
NAMES = ["card", "card", "refund", "refund"]
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(12, 3)), np.repeat([0, 1], 6)


def clouds(n_each, *, seed=0):
    """Return vectors of four classes and their labels."""
    random, index = np.random.default_rng(seed), np.repeat(np.arange(4), n_each)
    return np.eye(4, 6)[index] + 0.4 * random.normal(size=(len(index), 6)), [f"c{k}" for k in index]


BY_VECTOR = {f"c{k}": np.eye(4, 6)[k] for k in range(4)}
BY_ATTRIBUTES = {f"c{k}": [float(k == 0), float(k == 1), 1.0, float(k)] for k in range(4)}


@pytest.mark.parametrize("unlabeled", [None, clouds(20, seed=1)[0]], ids=["alone", "pool"])
@pytest.mark.parametrize(
    ("classes", "parameters"),
    [
        (BY_VECTOR, {}),
        (BY_VECTOR, {"unknown_rate": 0.1, "class_prior": {"c0": 0.4, "c1": 0.3, "c2": 0.2, "c3": 0.1}}),
        (BY_ATTRIBUTES, {"class_prior": "labels"}),
        (None, {"unknown_rate": 0.2}),
    ],
    ids=["vectors", "threshold and shares", "attributes", "labels alone"],
)
def test_a_loaded_classifier_answers_to_the_last_bit_and_learns_on(classes, parameters, unlabeled, tmp_path):
    clf = AnyShotClassifier(classes, cache=False, **parameters).fit(*clouds(6), unlabeled=unlabeled)
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    for more in (None, clouds(1, seed=3)):
        if more is not None:
            clf.partial_fit(*more)
            again.partial_fit(*more)
        new = np.concatenate([clouds(10, seed=2)[0], clouds(20, seed=1)[0]])  # the second are the pool
        for answer in ("predict", "predict_proba", "decision_function", "closeness"):
            np.testing.assert_array_equal(getattr(again, answer)(new), getattr(clf, answer)(new))
        assert again.predict_set(new, coverage=0.8) == clf.predict_set(new, coverage=0.8)
        assert (again.reasons_, again.unknown_threshold_) == (clf.reasons_, clf.unknown_threshold_)


def test_a_regressor_comes_back_as_one(tmp_path):
    AnyShotRegressor().fit(X, X[:, 0]).save(tmp_path / "model")
    assert isinstance(load(tmp_path / "model"), AnyShotRegressor)


def test_a_model_of_several_tasks_comes_back_as_one(tmp_path):
    model = MultitaskModel().fit(X, {"side": Y.tolist(), "height": X[:, 0].tolist()})
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert all(np.array_equal(again.predict(X)[task], answers) for task, answers in model.predict(X).items())


@pytest.mark.torch
def test_a_model_of_another_domain_comes_back_as_one(tmp_path):
    from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier

    model = DomainConfusionClassifier(epochs=1, random_state=0).fit(X, Y, target=X + 1)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))


def test_a_network_of_ones_own_is_asked_for(tmp_path):
    write_model(tmp_path / "model", facts={"kind": "MultitaskNetwork"}, arrays={}, card="")
    with pytest.raises(ModelFolderError, match="whose trunk is your own code"):
        load(tmp_path / "model")


def test_what_is_no_model_of_ours_is_refused(tmp_path):
    write_model(tmp_path / "other", facts={"kind": "Sorcery"}, arrays={}, card="")
    with pytest.raises(ModelFolderError, match="contains a model of type 'Sorcery', which this version cannot read"):
        load(tmp_path / "other")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"kind": "AnyShotRegressor"},
            r"can read: it lacks '\w+'\. It was written by anyshot .*, or by hand\. Fit and",
        ),
        ({"kind": "MultitaskModel", "parameters": None}, "is not a model that anyshot .* can read: .*NoneType"),
    ],
)
def test_a_whole_folder_that_lacks_a_part_of_the_model_is_refused_as_a_folder(facts, words, tmp_path):
    write_model(tmp_path / "model", facts=facts, arrays={}, card="")
    with pytest.raises(ModelFolderError, match=words):
        load(tmp_path / "model")


@pytest.mark.torch
def test_a_model_does_not_answer_by_other_weights_than_it_was_made_on(tmp_path):
    import tiny_language_models as tiny
    from anyshot.encoders.huggingface.base import quiet

    folder, _ = tiny.saved("bert", tmp_path / "bert")
    AnyShotClassifier(encoder=f"hf:{folder}").fit(TEXTS, NAMES).save(tmp_path / "model")
    named = {"cache": False, "encoder": f"hf:{folder}"}
    assert load(tmp_path / "model", **named).predict(TEXTS).tolist() == NAMES
    with quiet():
        tiny.MODELS["bert"]().save_pretrained(folder)  # other random weights
    with pytest.raises(ModelFolderError, match=r"The encoder 'hf:.*' on this machine has other weights"):
        load(tmp_path / "model", **named)


@pytest.mark.parametrize(
    ("named", "width"), [("efficientnet-lite0", 1280), pytest.param("minilm[:2]", 384, marks=pytest.mark.torch)]
)
def test_another_encoder_than_the_models_is_refused_by_load(named, width, tmp_path):
    AnyShotClassifier(encoder="minilm", cache=False).fit(TEXTS, NAMES).save(tmp_path / "model")
    given = rf"The encoder '{re.escape(named)}' on this machine has other weights \(digest \w{{12}}, width {width}\)"
    needed = r"the model was fitted with \(digest \w{12}\)\. .* The model in .*model was fitted with 'minilm'\."
    with pytest.raises(ModelFolderError, match=rf"{given} than the one that {needed}"):
        load(tmp_path / "model", cache=False, encoder=named)
    assert load(tmp_path / "model", cache=False, encoder="minilm").predict(TEXTS).tolist() == NAMES


@pytest.mark.torch
def test_an_encoder_in_a_folder_beside_is_found_from_anywhere(tmp_path, monkeypatch):
    import tiny_language_models as tiny

    tiny.saved("bert", tmp_path / "bert")
    monkeypatch.chdir(tmp_path)
    AnyShotClassifier(encoder="hf:bert", cache=False).fit(TEXTS, NAMES).save("model")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load("../model", cache=False, encoder="hf:../bert").predict(TEXTS).tolist() == NAMES


def test_shares_of_numbered_classes_and_class_vectors_come_back(tmp_path):
    classes = {0: X[Y == 0].mean(axis=0), 1: X[Y == 1].mean(axis=0)}
    model = AnyShotClassifier(classes, encoder="vectors", class_prior={0: 0.3, 1: 0.7}).fit(X, Y)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.class_prior == {0: 0.3, 1: 0.7}
    np.testing.assert_allclose(clone(again).fit(X, Y).predict_proba(X), model.predict_proba(X), rtol=1e-5)


def test_a_text_model_whose_texts_are_in_the_cache_predicts_without_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path / "cache"))
    model = AnyShotClassifier(["card", "refund"]).fit(TEXTS, NAMES)
    model.save(tmp_path / "model")
    code = "import sys, anyshot; print(*anyshot.load(sys.argv[1]).predict(sys.argv[2:])); print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, str(tmp_path / "model"), *TEXTS]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [" ".join(model.predict(TEXTS)), "False"]


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """Point the hub's client at an empty cache, and fail on any connection."""

    def refuse(*_, **__):
        raise AssertionError("load used the network")

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("ANYSHOT_DOWNLOAD", raising=False)


def with_encoder(folder, name, **facts):
    """Save a model whose facts name another encoder, as anyone who writes a folder can."""
    AnyShotClassifier(encoder="minilm", cache=False).fit(TEXTS, NAMES).save(folder)
    saved = read_model(folder)
    encoder = {**saved.facts["encoder"], "name": name, **facts}
    parameters = {**saved.facts["parameters"], "encoder": name}
    write_model(
        folder, facts={**saved.facts, "encoder": encoder, "parameters": parameters}, arrays=saved.arrays, card=""
    )
    return folder


REMOTE = ["hf:evil/remote", "hf:evil", "hf:evil/remote[:2]", "keras:MobileNetV2"]
OUTSIDE = [
    "hf:/etc",
    "hf:~",
    "hf:~/models",
    "hf:..",
    "hf:./bert",
    "hf:a/b/c",
    "hf:bert",
    "keras:MobileNetV2:/etc/passwd",
]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", REMOTE)
def test_a_model_cannot_make_load_download_its_encoder(name, tmp_path):
    folder = with_encoder(tmp_path / "model", name)
    with pytest.raises(ModelFolderError, match=r'would be downloaded\. If you trust it, allow that: load.*"allow"'):
        load(folder)


@pytest.mark.torch
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_model_cannot_make_load_read_another_folder(name, tmp_path, monkeypatch):
    import tiny_language_models as tiny

    tiny.saved("bert", tmp_path / "bert")
    monkeypatch.chdir(tmp_path)
    folder = with_encoder(tmp_path / "model", name)
    for download in ("never", "allow"):
        with pytest.raises(ModelFolderError, match=r"outside of the model\. If you trust it, name it yourself"):
            load(folder, download=download)


@pytest.mark.torch
@pytest.mark.usefixtures("no_network")
def test_an_encoder_of_the_hub_that_is_on_this_machine_is_used_without_the_network(tmp_path):
    import tiny_language_models as tiny

    snapshot = tmp_path / "cache" / "models--owner--bert" / "snapshots" / ("0" * 40)
    tiny.saved("bert", snapshot)
    (tmp_path / "cache" / "models--owner--bert" / "refs").mkdir()
    (tmp_path / "cache" / "models--owner--bert" / "refs" / "main").write_text("0" * 40)
    AnyShotClassifier(encoder=f"hf:{snapshot}", cache=False).fit(TEXTS, NAMES).save(tmp_path / "model")
    saved = read_model(tmp_path / "model")
    facts = {**saved.facts, "encoder": {**saved.facts["encoder"], "name": "hf:owner/bert"}}
    facts["parameters"] = {**saved.facts["parameters"], "encoder": "hf:owner/bert"}
    write_model(tmp_path / "model", facts=facts, arrays=saved.arrays, card="")
    assert load(tmp_path / "model", cache=False).predict(TEXTS).tolist() == NAMES


def test_download_follows_the_environment_and_is_never_by_default(tmp_path, monkeypatch):
    folder = with_encoder(tmp_path / "model", "hf:evil/remote")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("ANYSHOT_DOWNLOAD", "allow")
    with pytest.raises(MissingWeightsError, match="the hub cannot be reached"):
        load(folder, cache=False).predict(["a text"])
    with pytest.raises(InputError, match='download is \'yes\'; it must be "allow" or "never"'):
        load(folder, download="yes")


@pytest.mark.parametrize("digest", [None, 5])
def test_a_model_that_states_no_digest_of_its_encoder_is_refused(digest, tmp_path):
    folder = with_encoder(tmp_path / "model", "minilm", digest=digest)
    for named in (None, "minilm"):
        with pytest.raises(ModelFolderError, match="states no digest of its encoder 'minilm'"):
            load(folder, encoder=named)


def test_a_model_that_names_two_encoders_is_refused(tmp_path):
    folder = with_encoder(tmp_path / "model", "minilm")
    saved = read_model(folder)
    parameters = {**saved.facts["parameters"], "encoder": "hf:evil/remote"}
    write_model(folder, facts={**saved.facts, "parameters": parameters}, arrays=saved.arrays, card="")
    with pytest.raises(ModelFolderError, match="names two encoders, 'hf:evil/remote' and 'minilm'"):
        load(folder)


def test_an_encoder_is_not_named_for_a_model_of_vectors(tmp_path):
    AnyShotRegressor().fit(X, X[:, 0]).save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match=r"names no encoder\. Leave it out"):
        load(tmp_path / "model", encoder="minilm")
