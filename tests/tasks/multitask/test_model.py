import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge

from anyshot import load
from anyshot.base.model_folder import read_model
from anyshot.base.validation import generator
from anyshot.errors import BadItemError, InputError, NotEnoughLabelsError
from anyshot.tasks.multitask import model as multitask
from anyshot.tasks.multitask.model import MultitaskModel, fit_shared_prior
from anyshot.tasks.multitask.task import read_tasks
from contract import assert_init_only_stores


def features(*, n=60, d=4, seed=0):
    Z = generator(seed).normal(size=(n, d))
    return Z - Z.mean(axis=0)


def hidden(labels, share, seed):
    shown = generator(seed).random(len(labels)) < share
    return [label if there else None for label, there in zip(labels, shown, strict=True)]


def two_numbers(Z, *, sign=1.0, noise=1.0, share=0.5, seed=1):
    random = generator(seed)
    w = random.normal(size=Z.shape[1])
    one, other = Z @ w + noise * random.normal(size=len(Z)), sign * Z @ w + noise * random.normal(size=len(Z))
    return {"one": hidden(one.tolist(), share, seed), "other": hidden(other.tolist(), share, seed + 1)}, w


def test_one_regression_equals_ridge_at_the_estimated_penalty():
    Z = features()
    (task,) = read_tasks({"one": two_numbers(Z)[0]["one"]}, n_items=len(Z))
    heads = fit_shared_prior(Z, [task])
    oracle = Ridge(heads.noise[0] / heads.covariance[0, 0]).fit(Z[task.rows], task.targets)
    np.testing.assert_allclose(heads.coef[:, 0], oracle.coef_, atol=1e-4)
    assert heads.intercept[0] == pytest.approx(oracle.intercept_, abs=1e-4)


def test_the_estimated_penalty_equals_that_of_bayesian_ridge():
    Z = features(n=200, d=6)
    labels, _ = two_numbers(Z, noise=2.0, share=1.0)
    (task,) = read_tasks({"one": labels["one"]}, n_items=len(Z))
    heads = fit_shared_prior(Z, [task])
    oracle = BayesianRidge(alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-8).fit(Z, task.targets)
    assert heads.noise[0] == pytest.approx(1 / oracle.alpha_, rel=0.05)
    assert heads.covariance[0, 0] == pytest.approx(1 / oracle.lambda_, rel=0.1)


def test_two_classes_equal_logistic_regression_at_the_estimated_penalty():
    Z = features()
    y = (Z[:, 0] + 0.5 * generator(2).normal(size=60) > 0).astype(int)
    (task,) = read_tasks({"side": y.tolist()}, n_items=60)
    heads = fit_shared_prior(Z, [task])
    oracle = LogisticRegression(C=heads.covariance[0, 0], tol=1e-8).fit(Z, y)
    np.testing.assert_allclose(heads.coef[:, 0], oracle.coef_[0], rtol=1e-3, atol=1e-3)


def test_heads_of_regressions_solve_the_normal_equations():
    Z = features()
    tasks = read_tasks(two_numbers(Z)[0], n_items=len(Z))
    heads = fit_shared_prior(Z, tasks)
    slopes = []
    for i, task in enumerate(tasks):
        own = Z[task.rows]
        gap = own @ heads.coef[:, i] + heads.intercept[i] - task.targets
        slopes.append(own.T @ gap / heads.noise[i])
    np.testing.assert_allclose(heads.coef @ np.linalg.inv(heads.covariance), -np.column_stack(slopes), atol=1e-3)


def test_heads_of_several_classes_minimize_the_objective():
    Z = features(n=90)
    y = (Z[:, :3] + 0.5 * generator(3).normal(size=(90, 3))).argmax(axis=1)
    tasks = read_tasks({"which": y.tolist(), "mark": (Z[:, 0] + generator(4).normal(size=90)).tolist()}, n_items=90)
    heads = fit_shared_prior(Z, tasks)
    gaps = softmax(Z @ heads.coef[:, :3] + heads.intercept[:3], axis=1) - np.eye(3)[y]
    pull = (heads.coef @ np.linalg.inv(heads.covariance))[:, :3]
    np.testing.assert_allclose(pull, -Z.T @ gaps, atol=0.02)
    np.testing.assert_allclose(gaps.sum(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_positive_and_negative_correlations_are_found(sign):
    Z = features(n=200, d=30)
    tasks = read_tasks(two_numbers(Z, sign=sign)[0], n_items=200)
    S = fit_shared_prior(Z, tasks).covariance
    assert sign * S[0, 1] / np.sqrt(S[0, 0] * S[1, 1]) > 0.7


def test_a_related_task_reduces_the_error_of_a_head():
    Z = features(n=120, d=40)
    errors = {True: [], False: []}
    for seed in range(5):
        labels, w = two_numbers(Z, noise=6.0, seed=10 * seed + 1)
        tasks = read_tasks(labels, n_items=120)
        for shared, found in errors.items():
            heads = fit_shared_prior(Z, tasks, shared=shared)
            found.append(np.linalg.norm(heads.coef[:, 0] * tasks[0].std - w))
    assert np.mean(errors[True]) < 0.95 * np.mean(errors[False])


def test_unrelated_tasks_hardly_affect_each_other():
    Z = features(n=200, d=30)
    labels = {"one": two_numbers(Z, seed=1)[0]["one"], "other": two_numbers(Z, seed=5)[0]["one"]}
    tasks = read_tasks(labels, n_items=200)
    together, alone = (fit_shared_prior(Z, tasks, shared=shared).coef for shared in (True, False))
    assert np.abs(together - alone).max() < 0.1 * np.abs(alone).max()


def test_without_sharing_each_task_is_learned_alone():
    Z = features(n=80)
    labels = {
        **two_numbers(Z)[0],
        "side": np.where(Z[:, 0] + generator(6).normal(size=80) > 0.3, "up", "down").tolist(),
    }
    tasks = read_tasks(labels, n_items=80)
    together = fit_shared_prior(Z, tasks, shared=False).coef
    apart = np.column_stack([fit_shared_prior(Z, [task]).coef for task in tasks])
    np.testing.assert_allclose(together, apart, rtol=0.05, atol=0.02)


def test_repeated_features_and_more_features_than_items_are_allowed():
    Z = features(n=20, d=30)
    Z[:, 1] = Z[:, 0]
    heads = fit_shared_prior(Z, read_tasks(two_numbers(Z, share=0.8)[0], n_items=20))
    assert np.isfinite(heads.coef).all()
    np.testing.assert_allclose(heads.coef[0], heads.coef[1], atol=1e-6)


def test_rotating_the_features_rotates_the_heads():
    Z = features()
    turn = np.linalg.qr(generator(4).normal(size=(4, 4)))[0]
    tasks = read_tasks(two_numbers(Z)[0], n_items=60)
    np.testing.assert_allclose(
        fit_shared_prior(Z @ turn, tasks).coef, turn.T @ fit_shared_prior(Z, tasks).coef, atol=1e-3
    )


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


@pytest.mark.parametrize("names", [("one", "side"), ("third",)])
def test_a_weight_of_3_is_as_three_copies(names):
    Z = features() + 1
    y = {**two_numbers(Z)[0], "side": hidden((Z[:, 0] > 1).tolist(), 0.7, 5), "third": [*"abc" * 20]}
    y, weights = {name: y[name] for name in names}, np.arange(len(Z)) % 4
    rows = np.repeat(np.arange(len(Z)), weights)
    copied = MultitaskModel().fit(Z[rows], {name: [labels[row] for row in rows] for name, labels in y.items()})
    weighted, plain = MultitaskModel().fit(Z, y, sample_weight=weights), MultitaskModel().fit(Z, y)
    for name in names:
        np.testing.assert_allclose(weighted.coef_[name], copied.coef_[name], atol=1e-3)
        assert not np.allclose(weighted.coef_[name], plain.coef_[name], atol=0.01)


def test_a_class_of_items_of_weight_0_is_not_learned():
    y = {"third": [*"abc" * 20]}
    model = MultitaskModel().fit(features(), y, sample_weight=[1.0, 1.0, 0.0] * 20)
    assert model.tasks_[0].classes.tolist() == ["a", "b"]


def test_the_relations_of_four_tasks_are_those_of_more_rounds(monkeypatch):
    random = generator(3)
    X, w = random.normal(size=(100, 10)), random.normal(size=10)
    heads = (0.9 * w[:, None] + 0.44 * random.normal(size=(10, 4))) / np.sqrt(10)
    scores = X @ heads + 0.2 * random.normal(size=(100, 4))
    y = {str(k): hidden((scores[:, k] > 0 if k % 2 else scores[:, k]).tolist(), 0.4, k) for k in range(4)}
    found = MultitaskModel().fit(X, y).relations_
    monkeypatch.setattr(multitask, "MAX_ROUNDS", 1000)
    monkeypatch.setattr(multitask, "TOLERANCE", 1e-5)
    np.testing.assert_allclose(found, MultitaskModel().fit(X, y).relations_, atol=0.002)


@pytest.mark.parametrize(("weights", "message"), [([1.0], "each of 60 items"), ([0.0] * 60, "'one' has no labels")])
def test_weights_that_cannot_be_used_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        MultitaskModel().fit(features(), two_numbers(features())[0], sample_weight=weights)


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
    assert all(set(task) == {"name", "classes", "level", "spread", "reason"} for task in saved.facts["tasks"])


def test_save_before_fit_raises_an_error(tmp_path):
    with pytest.raises(NotFittedError):
        MultitaskModel().save(tmp_path / "model")


def test_a_masked_number_is_refused():
    X, y = np.ma.MaskedArray(np.eye(4), mask=np.eye(4, k=1, dtype=bool)), {"t": ["a", "a", "b", "b"]}
    with pytest.raises(BadItemError, match="rows 0, 1, 2"):
        MultitaskModel().fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        MultitaskModel().fit(np.eye(4), y).predict(X)


def test_an_item_counts_in_the_tasks_in_which_it_has_a_label():
    random = generator(0)
    X, rows = random.normal(size=(40, 5)), np.arange(40)
    passed = [("yes" if x > 0 else "no") if row % 2 else None for row, x in enumerate(X[:, 0])]
    grade = [float(x) if row % 3 else None for row, x in enumerate(X[:, 1])]
    found = MultitaskModel().fit(X, {"passed": passed, "grade": grade}).predict(X)
    missing = np.array([one is None for one in grade])
    for labels in (
        pd.DataFrame({"passed": passed, "grade": grade}),
        {"passed": pd.array(passed, "string"), "grade": pd.array(grade, "Float64")},
        {"passed": passed, "grade": np.ma.MaskedArray(np.where(missing, 7, X[:, 1]), missing)},
    ):
        np.testing.assert_array_equal(MultitaskModel().fit(X, labels).predict(X)["grade"], found["grade"])
    # Without a shared prior, the labels of another task change nothing, wherever they are.
    other = [-x if row % 3 else None for row, x in zip(rows, X[:, 2], strict=True)]
    alone = [
        MultitaskModel(shared=False).fit(X, {"passed": passed, "grade": y}).predict_proba(X) for y in (grade, other)
    ]
    np.testing.assert_allclose(alone[0]["passed"], alone[1]["passed"], atol=1e-3)


def test_names_of_several_levels_are_those_of_the_loaded_model(tmp_path):
    X, y = three_tasks()
    y = {("exam", name): labels for name, labels in y.items()}
    model = MultitaskModel(tasks={("exam", "third"): "classification"}).fit(X, y)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert list(again.predict(X)) == list(y)
    assert again.tasks == model.tasks


def test_a_fit_that_fails_leaves_the_earlier_model():
    X, y = three_tasks()
    model = MultitaskModel().fit(X, y)
    before = model.predict(X)["mark"]
    with pytest.raises(NotEnoughLabelsError):
        model.fit(X[:, :2], {"mark": [None] * len(X)})
    np.testing.assert_array_equal(model.predict(X)["mark"], before)
