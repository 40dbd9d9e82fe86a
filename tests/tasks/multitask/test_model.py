"""MultitaskModel: the estimator's contract, its answers, and what it refuses."""

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


def world(n=80):
    random = generator(0)
    X = random.normal(size=(n, 5)) + 3
    y = {
        "side": np.where(X[:, 0] + 0.3 * random.normal(size=n) > 3, "up", "down").tolist(),
        "third": (X[:, :3] + 0.3 * random.normal(size=(n, 3))).argmax(axis=1).tolist(),
        "mark": (10 * X[:, 0] + random.normal(size=n)).tolist(),
    }
    for place, labels in enumerate(y.values()):
        labels[place::4] = [None] * len(labels[place::4])
    return X, y


def test_init_only_stores():
    assert_init_only_stores(MultitaskModel(tasks={"a": "regression"}, shared=False))


def test_fit_returns_the_model_and_repeats():
    X, y = world()
    model = MultitaskModel()
    assert model.fit(X, y) is model
    first = model.predict_proba(X)["third"]
    np.testing.assert_allclose(clone(model).fit(X, y).predict_proba(X)["third"], first, atol=1e-6)


def test_every_task_is_answered_in_its_own_terms():
    X, y = world()
    model = MultitaskModel().fit(X, y)
    answers, odds = model.predict(X), model.predict_proba(X)
    assert list(answers) == ["side", "third", "mark"]
    assert np.mean([answer == label for answer, label in zip(answers["side"], y["side"], strict=True) if label]) > 0.85
    np.testing.assert_array_equal(answers["third"], odds["third"].argmax(axis=1))
    np.testing.assert_allclose(answers["mark"], 10 * X[:, 0], atol=5)
    assert list(odds) == ["side", "third"]
    np.testing.assert_allclose(odds["third"].sum(axis=1), 1)


def test_the_heads_speak_of_the_features_as_given():
    X, y = world()
    model = MultitaskModel().fit(X, y)
    task = next(task for task in model.tasks_ if task.name == "mark")
    by_hand = task.level + task.spread * (X @ model.coef_["mark"] + model.intercept_["mark"])[:, 0]
    np.testing.assert_allclose(model.predict(X)["mark"], by_hand)


def test_units_of_the_features_do_not_matter():
    X, y = world()
    other = X * np.array([1, 10, 100, 0.1, 0.01]) + 5
    one, two = MultitaskModel().fit(X, y).predict(X), MultitaskModel().fit(other, y).predict(other)
    np.testing.assert_allclose(one["mark"], two["mark"], rtol=1e-2)


def test_related_tasks_are_shown():
    X, y = world()
    relations = MultitaskModel().fit(X, {"side": y["side"], "mark": y["mark"]}).relations_
    assert isinstance(relations, pd.DataFrame)
    assert 0.3 < relations.loc["side", "mark"] <= 1
    np.testing.assert_allclose(np.diag(relations), 1)


def test_permuting_items_permutes_answers():
    X, y = world()
    order = generator(1).permutation(len(X))
    mixed = {name: [labels[row] for row in order] for name, labels in y.items()}
    one, two = MultitaskModel().fit(X, y).predict(X)["mark"][order], MultitaskModel().fit(X[order], mixed)
    np.testing.assert_allclose(two.predict(X[order])["mark"], one, rtol=1e-3)


def test_a_task_without_a_label_is_refused_by_name():
    X, y = world()
    with pytest.raises(NotEnoughLabelsError, match="Task 'mark' has no label at all"):
        MultitaskModel().fit(X, {**y, "mark": [None] * len(X)})


def test_a_bad_vector_is_named():
    X, y = world()
    X[7, 2] = np.nan
    with pytest.raises(BadItemError, match="row 7"):
        MultitaskModel().fit(X, y)


def test_vectors_that_are_all_the_same_are_refused():
    with pytest.raises(InputError, match="All 4 vectors are the same"):
        MultitaskModel().fit(np.ones((4, 2)), {"side": [0, 1, 0, 1]})


def test_labels_without_tasks_are_refused():
    X, y = world()
    with pytest.raises(InputError, match="at least one task"):
        MultitaskModel().fit(X, y["side"])


def test_an_unfitted_model_does_not_answer():
    with pytest.raises(NotFittedError):
        MultitaskModel().predict([[1.0]])


def test_a_saved_model_answers_as_before(tmp_path):
    X, y = world()
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


def test_tasks_and_classes_need_not_be_called_by_texts(tmp_path):
    X, y = world()
    model = MultitaskModel(tasks={1: "classification"}).fit(X, {1: y["third"], 2: y["mark"]})
    model.save(tmp_path / "model")
    again = MultitaskModel.from_saved(read_model(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(X)[1], model.predict(X)[1])
    assert again.tasks == {1: "classification"}


def test_the_folder_holds_no_label(tmp_path):
    X, y = world()
    MultitaskModel().fit(X, y).save(tmp_path / "model")
    saved = read_model(tmp_path / "model")
    assert not any(len(X) in array.shape for array in saved.arrays.values())
    assert all(set(task) == {"name", "classes", "level", "spread"} for task in saved.facts["tasks"])


def test_a_model_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        MultitaskModel().save(tmp_path / "model")
