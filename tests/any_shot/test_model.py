"""The fitted model: predictions in chunks, saving, and explanations."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import special

from anyshot.any_shot import model as model_module
from anyshot.any_shot.defaults import Strength
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.explanation import explain
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.model import FoldHead, LinearModel, Model
from anyshot.any_shot.training_set import without_items
from anyshot.base.class_words import Words
from anyshot.base.items import item_names
from anyshot.base.validation import softmax, unit
from anyshot.evaluation.open_set import CLOSENESS_SCALE, closeness
from anyshot.tasks.saved_classifier import described_classes
from anyshot.zero_shot.class_texts import describe
from four_classes import VECTORS

NAMES = ["c0", "c1", "c2"]
TEXTS = Embedder("minilm", cache=None)  # not loaded


def clouds(n_each, *, seed):
    """Return unit vectors (3 n, 6) around three axes, and their classes (3 n,)."""
    index = np.repeat(np.arange(3), n_each)
    X = np.eye(6)[index] + 0.3 * np.random.default_rng(seed).normal(size=(3 * n_each, 6))
    return unit(X), index


@pytest.fixture(scope="module")
def data():
    X, index = clouds(5, seed=0)
    classes = without_items(describe(NAMES), np.eye(6, dtype=np.float32)[:3])
    labeled = classes.with_labels(X, index, [f"item {row}" for row in range(15)])
    return labeled.with_unlabeled(clouds(10, seed=1)[0])


@pytest.fixture(scope="module")
def model(data):
    return fit_model(VECTORS, data, unknown_rate=0.1)


@pytest.fixture(scope="module")
def fresh():
    return clouds(9, seed=2)[0]


@pytest.mark.parametrize("chunk", [1, 7, 12, 81, 1000])
def test_scores_in_chunks_are_the_scores_at_once(model, fresh, monkeypatch, chunk):
    at_once = (model.scores(fresh), model.probabilities(fresh), model.predict(fresh), model.closeness(fresh))
    monkeypatch.setattr(model_module, "CHUNK", chunk)
    assert len(model._in_chunks(lambda some: [len(some)], fresh)) == -(-len(fresh) // max(1, chunk // 3))
    in_chunks = (model.scores(fresh), model.probabilities(fresh), model.predict(fresh), model.closeness(fresh))
    for one, other in zip(in_chunks, at_once, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_no_items_have_no_predictions(model):
    none = np.zeros((0, 6), np.float32)
    assert model.scores(none).shape == (0, 3)
    assert model.predict(none).shape == model.closeness(none).shape == (0,)


def test_probabilities_are_the_softmax_of_the_scores(model, fresh):
    powers = np.exp(model.scores(fresh).astype(float))
    np.testing.assert_allclose(model.probabilities(fresh), powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


def test_softmax_and_closeness_are_those_of_scipy():
    scores, means = 40 * np.random.default_rng(0).normal(size=(50, 7)), np.eye(6, dtype=np.float32)
    np.testing.assert_array_equal(softmax(scores), special.softmax(scores, axis=1))
    X = np.concatenate([means, unit(np.ones((1, 6))), clouds(5, seed=1)[0]])
    oracle = special.logsumexp(CLOSENESS_SCALE * (X @ means.T).astype(float), axis=1) / CLOSENESS_SCALE
    np.testing.assert_array_equal(closeness(X, means), oracle)


def test_closeness_is_that_to_the_class_means(model, fresh):
    np.testing.assert_allclose(model.closeness(fresh), closeness(fresh, model.class_means), atol=1e-6)


def test_items_below_the_threshold_are_unknown(model, fresh):
    items = np.concatenate([fresh, np.eye(6, dtype=np.float32)[4:]])
    best, far = model.predict(items), model.closeness(items) < model.unknown_threshold
    assert far[-2:].all()
    assert not far[:-2].all()
    assert (best[far] == -1).all()
    assert best[~far].tolist() == model.scores(items).argmax(axis=1)[~far].tolist()


def test_few_labels_and_unlabeled_items_of_another_domain_give_the_threshold_of_these_items(data):
    other = replace(data, unlabeled=unit(data.unlabeled + 1))
    assert other.is_other_domain
    model = fit_model(VECTORS, other, unknown_rate=0.05)  # which needs 20 items, and there are 15 labels
    nearest = np.sort(closeness(other.unlabeled, model.class_means))
    assert model.unknown_threshold == pytest.approx(nearest[1])  # 1 of 30 is below


def test_without_an_unknown_rate_every_item_gets_a_class(data):
    model = fit_model(VECTORS, data, method="prototype")
    assert model.unknown_threshold is None
    assert (model.predict(-np.eye(6, dtype=np.float32)) >= 0).all()


def test_a_saved_model_gives_the_same_predictions_and_explanations(model, fresh):
    facts = json.loads(json.dumps(model.facts()))
    back = Model.from_saved(facts, model.arrays(), VECTORS)
    np.testing.assert_array_equal(back.scores(fresh), model.scores(fresh))
    np.testing.assert_array_equal(back.predict(fresh), model.predict(fresh))
    np.testing.assert_array_equal(back.closeness(fresh), model.closeness(fresh))
    assert str(explain(back, fresh, k=2)) == str(explain(model, fresh, k=2))
    assert pickle.loads(pickle.dumps(back)).facts() == back.facts() == model.facts()
    assert back.arrays().keys() == model.arrays().keys()
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)


def test_a_saved_model_restores_the_training_set_and_what_labels_added(model):
    back = Model.from_saved(json.loads(json.dumps(model.facts())), model.arrays(), VECTORS)
    assert {type(head) for head in model.starts} == {Strength, FoldHead}
    assert list(back.starts) == list(model.starts)
    for head, delta in model.starts.items():
        np.testing.assert_array_equal(back.starts[head].coef, delta.coef)
        np.testing.assert_array_equal(back.starts[head].intercept, delta.intercept)
    assert back.data.texts == model.data.texts
    assert back.data.classes.dtype == model.data.classes.dtype
    assert (back.data.index.dtype, back.data.vectors.dtype) == (model.data.index.dtype, model.data.vectors.dtype)
    np.testing.assert_array_equal(back.data.pool, model.data.pool)


def test_a_model_saved_without_the_heads_of_its_folds_and_the_temperature_of_its_pool_can_be_read(model):
    facts, arrays = json.loads(json.dumps(model.facts())), model.arrays()
    del facts["fold_heads"], facts["pool_temperature"]
    back = Model.from_saved(facts, arrays, VECTORS)
    assert back.pool_temperature == 1
    assert back.starts.keys() == {head for head in model.starts if isinstance(head, Strength)}


def test_a_saved_model_restores_the_words_of_its_classes(model):
    classes = {"c0": Words("ace, add", drop="axe"), "c1": "a sea", "c2": ["a cow", Words(add="milk")]}
    told = replace(model, data=replace(model.data, texts=describe(classes)))
    saved = json.loads(json.dumps(told.facts()))
    back = Model.from_saved(saved, told.arrays(), VECTORS)
    assert back.data.texts == describe(classes) == describe(described_classes(replace(back, embedder=TEXTS)))
    del saved["training_set"]["words"]  # as in the first edition
    assert Model.from_saved(saved, told.arrays(), VECTORS).data.texts.words == (None, None, None)


@pytest.mark.parametrize("k", [0, 1, 4, 99])
def test_neighbors_are_the_labeled_examples_of_largest_cosine(model, data, fresh, k):
    for vector, why in zip(fresh, explain(model, 3 * fresh, k=k), strict=True):
        cosines = [float(vector @ labeled) for labeled in data.vectors]
        nearest = sorted(range(15), key=lambda row: -cosines[row])[:k]
        assert [near.example for near in why.neighbors] == [f"item {row}" for row in nearest]
        assert [near.label for near in why.neighbors] == [NAMES[data.index[row]] for row in nearest]
        assert [near.cosine for near in why.neighbors] == pytest.approx([cosines[row] for row in nearest], abs=1e-5)


def test_an_explanation_names_the_two_most_probable_classes(model, fresh):
    for share, why in zip(model.probabilities(fresh), explain(model, fresh, k=0), strict=True):
        first, second, _ = np.argsort(-share)
        assert (why.label, why.runner_up) == (NAMES[first], NAMES[second])
        assert why.probability == pytest.approx(share[first])
        assert why.margin == pytest.approx(share[first] - share[second])
        assert why.matched is None


def test_neighbors_are_compared_after_centering():
    X, index = clouds(5, seed=0)
    away = unit(X + 1)  # all in one direction, as an image network's vectors are
    classes = without_items(describe(NAMES), np.zeros((3, 6), np.float32), centering=True)
    data = classes.with_labels(away, index, list("abcdefghijklmno"))
    model = fit_model(VECTORS, data, method="prototype")
    (why,) = explain(model, away[:1], k=15)
    centered = unit(away - data.center)
    assert data.center.any()
    assert why.neighbors[0].example == "a"
    assert [near.cosine for near in why.neighbors] == pytest.approx(sorted(centered @ centered[0])[::-1], abs=1e-4)


def test_items_are_named_by_text_or_path_or_number():
    assert item_names(["a text", Path("a.png")]) == ["a text", "a.png"]
    assert item_names([Image.new("RGB", (2, 2)), np.zeros(2)]) == ["Image 0", "ndarray 1"]


def test_a_class_without_examples_is_explained_by_similar_classes():
    random = np.random.default_rng(0)
    means = unit(random.normal(size=(16, 12)))
    means[15] = unit(means[3:4] + 0.1 * random.normal(size=(1, 12)))[0]
    names = [f"c{number}" for number in range(16)]
    index = np.repeat(np.arange(15), 4)
    X = unit(means[index] + 0.1 * random.normal(size=(60, 12)))
    classes = without_items(describe(names), unit(means + 0.3 * random.normal(size=(1, 12))))
    data = classes.with_labels(X, index, [f"item {row}" for row in range(60)])
    model = fit_model(VECTORS, data, method="any-shot")
    seen, unseen = explain(model, means[[3, 15]], k=1)
    assert (seen.label, unseen.label) == ("c3", "c15")
    assert seen.analogy is None
    assert unseen.analogy.similar_classes[0][0] == "c3"
    assert "no labeled example; c15: like c3 0." in str(unseen)


# Answers of a saved model of vectors in a new process, with the packages that it loaded.
ANSWER = """
import json, sys
import numpy as np
from anyshot.any_shot.model import Model

folder = sys.argv[1]
with open(folder + "/facts.json") as file:
    facts = json.load(file)
arrays, vectors = dict(np.load(folder + "/arrays.npz")), np.load(folder + "/vectors.npy")
model = Model.from_saved(facts, arrays, embedder=None)
vectors = model.data.centered(vectors)
sets = model.prediction_sets(vectors, model.conformal_threshold(0.8, None))
answers = {name: getattr(model, name)(vectors) for name in ("scores", "probabilities", "predict", "closeness")}
np.savez(folder + "/answers.npz", sets=np.array([", ".join(map(str, own)) for own in sets]), **answers)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def attributes():
    """Return five classes described by attributes, all with labels, with class shares."""
    random = np.random.default_rng(2)
    table, turn = random.normal(size=(5, 4)), random.normal(size=(4, 6))
    index = np.repeat(np.arange(5), 6)
    X = unit(table[index] @ turn + 0.5 * random.normal(size=(30, 6)))
    classes = without_items(describe(list("abcde")), np.zeros((5, 6), np.float32), centering=True)
    described = replace(classes, attributes=table.astype(np.float32)).with_labels(X, index, [str(n) for n in range(30)])
    return described.with_unlabeled(X[::2]).with_class_prior(np.arange(1, 6) / 15)


@pytest.mark.parametrize("kind", ["pool and threshold", "attributes and class shares"])
def test_a_saved_model_answers_vectors_with_numpy_alone(kind, data, tmp_path):
    model = fit_model(VECTORS, data if kind.startswith("pool") else attributes(), unknown_rate=0.1)
    X = clouds(9, seed=2)[0]
    (tmp_path / "facts.json").write_text(json.dumps(model.facts()))
    np.savez(tmp_path / "arrays.npz", **model.arrays())
    np.save(tmp_path / "vectors.npy", X)
    command = [sys.executable, "-c", ANSWER, str(tmp_path)]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"scipy", "sklearn", "pandas", "PIL", "torch", "rich", "filelock"}
    answers, X = np.load(tmp_path / "answers.npz"), model.encode(X)
    for name in ("scores", "probabilities", "predict", "closeness"):
        np.testing.assert_array_equal(answers[name], getattr(model, name)(X))
    sets = model.prediction_sets(X, model.conformal_threshold(0.8, None))
    assert answers["sets"].tolist() == [", ".join(own) for own in sets]


def test_a_linear_model_returns_scores_and_can_be_scaled():
    model = LinearModel(np.array([[1.0, 2.0], [0.0, 1.0]], np.float32), np.array([0.5, -0.5], np.float32))
    X = np.array([[1.0, 1.0]], np.float32)
    np.testing.assert_array_equal(model(X), [[3.5, 0.5]])
    np.testing.assert_array_equal(model.scaled(3)(X), 3 * model(X))


def test_a_linear_model_of_other_classes_has_no_weights_for_new_ones():
    model = LinearModel(np.array([[1.0, 2.0], [0.0, 1.0]], np.float32), np.array([0.5, -0.5], np.float32))
    found = model.of_rows(np.array([1, -1, 0]))
    np.testing.assert_array_equal(found(np.array([[1.0, 1.0]], np.float32)), [[0.5, 0.0, 3.5]])
    assert found.coef.dtype == found.intercept.dtype == np.float32
