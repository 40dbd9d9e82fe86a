"""MultitaskModel: contract, predictions, errors, and saving."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from anyshot.base.model_folder import read_model
from anyshot.base.validation import generator
from anyshot.errors import BadItemError, InputError, NotEnoughLabelsError
from anyshot.tasks.multitask.model import MultitaskModel
from contract import assert_init_only_stores


def three_tasks(n=80):
    random = generator(0)
    X = random.normal(size=(n, 5)) + 3
    y = {
        "side": np.where(X[:, 0] + 0.3 * random.normal(size=n) > 3, "up", "down").tolist(),
        "third": (X[:, :3] + 0.3 * random.normal(size=(n, 3))).argmax(axis=1).tolist(),
        "mark": (10 * X[:, 0] + random.normal(size=n)).tolist(),
    }
    for number, labels in enumerate(y.values()):
        labels[number::4] = [None] * len(labels[number::4])
    return X, y


def test_init_only_stores():
    assert_init_only_stores(MultitaskModel(tasks={"a": "regression"}, shared=False))


def test_fit_returns_the_model_and_is_repeatable():
    X, y = three_tasks()
    model = MultitaskModel()
    assert model.fit(X, y) is model
    first = model.predict_proba(X)["third"]
    np.testing.assert_allclose(clone(model).fit(X, y).predict_proba(X)["third"], first, atol=1e-6)


def test_predictions_are_in_the_units_of_each_task():
    X, y = three_tasks()
    model = MultitaskModel().fit(X, y)
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert list(predicted) == ["side", "third", "mark"]
    assert np.mean([one == label for one, label in zip(predicted["side"], y["side"], strict=True) if label]) > 0.85
    np.testing.assert_array_equal(predicted["third"], probabilities["third"].argmax(axis=1))
    np.testing.assert_allclose(predicted["mark"], 10 * X[:, 0], atol=5)
    assert list(probabilities) == ["side", "third"]
    np.testing.assert_allclose(probabilities["third"].sum(axis=1), 1)


def test_coefficients_are_in_the_units_of_the_features():
    X, y = three_tasks()
    model = MultitaskModel().fit(X, y)
    task = next(task for task in model.tasks_ if task.name == "mark")
    by_hand = task.mean + task.std * (X @ model.coef_["mark"] + model.intercept_["mark"])[:, 0]
    np.testing.assert_allclose(model.predict(X)["mark"], by_hand)


def test_the_units_of_the_features_have_no_effect():
    X, y = three_tasks()
    other = X * np.array([1, 10, 100, 0.1, 0.01]) + 5
    one, two = MultitaskModel().fit(X, y).predict(X), MultitaskModel().fit(other, y).predict(other)
    np.testing.assert_allclose(one["mark"], two["mark"], rtol=1e-2)


def test_relations_show_related_tasks():
    X, y = three_tasks()
    relations = MultitaskModel().fit(X, {"side": y["side"], "mark": y["mark"]}).relations_
    assert isinstance(relations, pd.DataFrame)
    assert 0.3 < relations.loc["side", "mark"] <= 1
    np.testing.assert_allclose(np.diag(relations), 1)


def test_permuting_items_permutes_predictions():
    X, y = three_tasks()
    order = generator(1).permutation(len(X))
    mixed = {name: [labels[row] for row in order] for name, labels in y.items()}
    one, two = MultitaskModel().fit(X, y).predict(X)["mark"][order], MultitaskModel().fit(X[order], mixed)
    np.testing.assert_allclose(two.predict(X[order])["mark"], one, rtol=1e-3)


def test_a_task_without_labels_raises_an_error():
    X, y = three_tasks()
    with pytest.raises(NotEnoughLabelsError, match="Task 'mark' has no labels"):
        MultitaskModel().fit(X, {**y, "mark": [None] * len(X)})


def test_nan_in_a_vector_raises_an_error():
    X, y = three_tasks()
    X[7, 2] = np.nan
    with pytest.raises(BadItemError, match="row 7"):
        MultitaskModel().fit(X, y)


def test_equal_vectors_raise_an_error():
    with pytest.raises(InputError, match="All 4 vectors are the same"):
        MultitaskModel().fit(np.ones((4, 2)), {"side": [0, 1, 0, 1]})


def test_labels_without_tasks_raise_an_error():
    X, y = three_tasks()
    with pytest.raises(InputError, match="at least one task"):
        MultitaskModel().fit(X, y["side"])


def test_predict_before_fit_raises_an_error():
    with pytest.raises(NotFittedError):
        MultitaskModel().predict([[1.0]])


def test_a_saved_model_predicts_the_same(tmp_path):
    X, y = three_tasks()
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = MultitaskModel(tasks={"third": "classification"}, scale=False).fit(frame, y)
    model.save(tmp_path / "model")
    again = MultitaskModel.from_saved(read_model(tmp_path / "model"))
    for ours, theirs in (
        (model.predict(frame), again.predict(frame)),
        (model.predict_proba(frame), again.predict_proba(frame)),
    ):
        assert list(ours) == list(theirs)
        for task in ours:
            np.testing.assert_array_equal(theirs[task], ours[task])
    pd.testing.assert_frame_equal(again.relations_, model.relations_)
    assert again.get_params() == model.get_params()
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame.rename(columns={"a": "z"}))


def test_tasks_and_classes_may_be_of_any_type(tmp_path):
    X, y = three_tasks()
    model = MultitaskModel(tasks={1: "classification"}).fit(X, {1: y["third"], 2: y["mark"]})
    model.save(tmp_path / "model")
    again = MultitaskModel.from_saved(read_model(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(X)[1], model.predict(X)[1])
    assert again.tasks == {1: "classification"}


def test_the_folder_contains_no_labels(tmp_path):
    X, y = three_tasks()
    MultitaskModel().fit(X, y).save(tmp_path / "model")
    saved = read_model(tmp_path / "model")
    assert not any(len(X) in array.shape for array in saved.arrays.values())
    assert all(set(task) == {"name", "classes", "level", "spread"} for task in saved.facts["tasks"])


def test_save_before_fit_raises_an_error(tmp_path):
    with pytest.raises(NotFittedError):
        MultitaskModel().save(tmp_path / "model")
