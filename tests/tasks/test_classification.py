"""AnyShotClassifier: what `fit` takes and learns, and its evaluation."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_val_score

from anyshot import UNKNOWN, AnyShotClassifier, Words, load
from anyshot.errors import (
    BadItemError,
    ClassesError,
    DuplicateClassError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    UnknownClassError,
    WidthError,
)
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from labeled_items import LABELS, TEXTS, WORDS, animals, assert_same_model, clouds, measurements


@pytest.fixture
def clf(letters):
    return AnyShotClassifier(list(WORDS), encoder=letters, cache=False)


def test_the_contract_holds_for_texts(clf):
    assert_init_only_stores(clf)
    assert_fit_returns_self_and_repeats(clf, TEXTS, LABELS)
    assert_predict_changes_nothing(clf, TEXTS, LABELS)


def test_the_contract_holds_for_vectors():
    X, y, centers = clouds(6)
    clf = AnyShotClassifier(centers, cache=False)
    assert_init_only_stores(clf)
    assert_fit_returns_self_and_repeats(clf, X, y)
    assert_predict_changes_nothing(clf, X, y)


def test_labels_are_accepted_in_three_forms(clf):
    as_lists = clf.fit(TEXTS, LABELS).predict_proba(TEXTS)
    as_mapping = clf.fit(WORDS).predict_proba(TEXTS)
    as_series = clf.fit(TEXTS, pd.Series(LABELS)).predict_proba(TEXTS)
    np.testing.assert_allclose(as_mapping, as_lists, atol=1e-6)
    np.testing.assert_allclose(as_series, as_lists, atol=1e-6)


def test_without_classes_the_labels_name_them(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS)
    assert clf.classes_.tolist() == ["hub", "tea", "zoo"]


def test_numbers_as_labels_stay_numbers():
    X, y, _ = clouds(5)
    answers = AnyShotClassifier(cache=False).fit(X, [int(label[1]) for label in y]).predict(X)
    assert answers.dtype.kind == "i"
    assert answers.tolist() == [int(label[1]) for label in y]


def test_items_without_a_label_become_unlabeled(clf):
    some = [label if i % 2 else None for i, label in enumerate(LABELS)]
    labeled = [(text, label) for text, label in zip(TEXTS, some, strict=True) if label]
    rest = [text for text, label in zip(TEXTS, some, strict=True) if not label]
    expected = clf.fit(*zip(*labeled, strict=True), unlabeled=rest).predict_proba(TEXTS)
    np.testing.assert_allclose(clf.fit(TEXTS, some).predict_proba(TEXTS), expected, atol=1e-5)


def test_a_class_prior_moves_the_probabilities():
    X, y, centers = clouds(8, spread=0.6)
    often = AnyShotClassifier(centers, class_prior={"c0": 8, "c1": 1, "c2": 1}, cache=False).fit(X, y)
    equally = AnyShotClassifier(centers, cache=False).fit(X, y)
    gap = np.log(often.predict_proba(X)) - np.log(equally.predict_proba(X))
    np.testing.assert_allclose(gap[:, 0] - gap[:, 1], np.log(8), atol=1e-4)


@pytest.mark.parametrize("method", ["auto", "any-shot", "zero-shot", "prototype", "logistic-regression"])
def test_every_method_can_be_chosen(clf, method):
    clf.set_params(method=method).fit(TEXTS, LABELS)
    assert method in ("auto", clf.method_)
    assert clf.score(TEXTS, LABELS) > 0.9


def test_class_vectors_are_not_explained_by_names(letters):
    words = ["zoo", "tea", "hub"]
    for given in (letters.encode(words), np.eye(3)):  # as wide as the items, and attributes
        clf = AnyShotClassifier(dict(zip(words, given, strict=True)), encoder=letters, cache=False).fit(TEXTS, LABELS)
        assert clf.method_ == "any-shot"
        assert not any("names are encoded" in reason for reason in clf.reasons_)


def test_unlabeled_items_given_later_change_the_model_as_those_given_at_once(letters):
    names, pool = ["aaa", "zzz"], ["aaab", "aaac", "zzzy", "zzzx", "aazz", "zaza"]
    clf = AnyShotClassifier(names, encoder=letters, cache=False)
    later, at_once = clone(clf).fit(unlabeled=pool[:3]).partial_fit(unlabeled=pool[3:]), clone(clf).fit(unlabeled=pool)
    np.testing.assert_allclose(later.predict_proba(pool), at_once.predict_proba(pool), atol=1e-3)
    assert len(later.any_shot_model().data.unlabeled) == 6


@pytest.mark.parametrize("n_each", [1, 3, 8])
def test_partial_fit_gives_the_model_of_all_labels_at_once(n_each):
    X, y, centers = clouds(2 * n_each, spread=0.5)
    first = np.arange(len(X)) % 2 == 0
    order = np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)])
    pool, _, _ = clouds(20, spread=0.5, seed=9)
    labels = np.array(y)
    for unlabeled in (None, pool):
        changed = AnyShotClassifier(centers, cache=False).fit(X[first], labels[first], unlabeled=unlabeled)
        changed.partial_fit(X[~first], labels[~first])
        at_once = AnyShotClassifier(centers, cache=False).fit(X[order], labels[order], unlabeled=unlabeled)
        assert_same_model(changed, at_once, pool)


def test_the_first_call_of_partial_fit_may_name_all_classes(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False).partial_fit(["aaab"], ["aaa"], ["zzz", "aaa"])
    assert clf.partial_fit(["zzzy"], ["zzz"], ["aaa", "zzz"]).classes_.tolist() == ["aaa", "zzz"]
    with pytest.raises(UnknownClassError, match="no class 'zza'"):
        clf.partial_fit(["zzzy"], ["zzz"], ["aaa", "zza"])


def test_classes_of_vectors_are_predicted_once_a_part_has_labels_of_them(tmp_path):
    X, y, _ = clouds(8)  # sorted by class
    names, clf = sorted(set(y)), AnyShotClassifier(class_prior=dict.fromkeys(sorted(set(y)), 1.0), cache=False)
    for k, name in enumerate(names):
        rows = np.array(y) == name
        clf.partial_fit(X[rows], [name] * rows.sum(), classes=names)
        assert set(clf.predict(X)) == set(names[: k + 1])
        assert clf.predict_proba(X)[:, k + 1 :].sum() == 0
        assert clf.reasons_[-1].startswith("Classes that are not predicted") == (k + 1 < len(names))
        clf.save(tmp_path / str(k))
        clf = load(tmp_path / str(k))
    at_once = clone(clf).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), at_once.predict_proba(X), atol=1e-2)


def test_only_classes_of_an_earlier_part_may_lack_labels():
    X, y, _ = clouds(8)
    first = np.array(y) != "c2"
    clf = AnyShotClassifier(["c0", "c1", "c2", "c3"], cache=False)
    with pytest.raises(NotEnoughLabelsError, match="Class 'c2' has no label"):
        clf.fit(X[first], np.array(y)[first])
    clf.partial_fit(X[first], np.array(y)[first])
    with pytest.raises(NotEnoughLabelsError, match="Class 'c9' has no label"):
        clf.add_class("c9")
    clf.rename_class("c0", "first").merge_classes(["first", "c1"], "both")
    assert clf.classes_.tolist() == ["both", "c2", "c3"]
    assert (clf.add_class("far", examples=-X[:3], refit=False).predict(-X[:8]) == "far").all()
    clf.remove_class("far").remove_class("c3")
    assert clf.rename_class("c2", "later").classes_.tolist() == ["both", "later"]
    assert set(clf.predict(X)) == {"both"}
    with pytest.raises(NotEnoughLabelsError, match="has no label"):
        AnyShotClassifier(cache=False).partial_fit(unlabeled=X, classes=["c0", "c1"])


def test_classes_that_wait_for_a_label_wait_until_then_beside_class_vectors_and_a_pool():
    X, y, centers = clouds(8, n_classes=4)
    described = {"c0": centers["c0"], "c1": centers["c1"], "c2": None, "c3": None}
    labels = np.array(y)
    clf = AnyShotClassifier(described, cache=False).partial_fit(X[:2], labels[:2], unlabeled=X)
    assert set(clf.predict(X)) == {"c0", "c1"}
    unused = "The unlabeled items are not used, since some may belong to the classes without a label."
    assert clf.reasons_[0] == unused
    assert "not predicted until they have a label: 'c2', 'c3'." in clf.reasons_[-1]
    clf.partial_fit(X[[16, 24]], labels[[16, 24]])
    assert clf.score(X, y) == 1
    assert "by a group of similar items among 32 unlabeled examples" in clf.reasons_[0]


def test_logistic_regression_needs_labels_of_two_classes():
    X, y, centers = clouds(4)
    clf = AnyShotClassifier(centers, method="logistic-regression", cache=False)
    with pytest.raises(NotEnoughClassesError, match="needs labels of two classes, and there are labels of one"):
        clf.fit(X[:2], y[:2])


def test_evaluation_includes_classes_that_the_model_does_not_have(clf):
    seen = clf.fit(TEXTS, LABELS).evaluate([*TEXTS, "fig"], [*LABELS, "fig"])
    assert seen.n == 19
    assert seen.accuracy == pytest.approx(18 / 19)
    assert "fig" in str(seen)


def test_classes_are_given_with_words_and_stay_as_given_in_a_clone(letters):
    classes = {"zoo": Words("lions, tigers"), "tea": ["a drink", Words("cup pot")]}
    clf = AnyShotClassifier(classes, encoder=letters, cache=False).fit()
    assert clone(clf).classes == classes
    assert clf.add_class("hub", Words(add="wheel")).predict(["wheel"]).tolist()


def test_ten_thousand_classes_need_bounded_memory():
    random = np.random.default_rng(0)
    centers = random.normal(size=(10_000, 4))
    clf = AnyShotClassifier({f"c{i}": center for i, center in enumerate(centers)}, cache=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # in four dimensions some of 10,000 classes are nearly equal
        clf.fit()
        answers = clf.predict(centers[:2000])
    assert np.mean(answers == np.array([f"c{i}" for i in range(2000)])) > 0.99


def test_nearly_equal_classes_give_a_warning(letters):
    names = ["meeting_schedule", "schedule_meeting", "tea"]
    with pytest.warns(UserWarning, match="'meeting_schedule' and 'schedule_meeting' are nearly the same"):
        AnyShotClassifier(names, encoder=letters, cache=False).fit()
    with pytest.warns(UserWarning, match="If they are one class, write their names alike"):
        AnyShotClassifier(["Tea", "tea", "zoo"], encoder=letters, cache=False).fit()


FAULTS = [
    ({}, ([], []), NotEnoughClassesError, "At least two classes are needed; got none"),
    ({"classes": ["one"]}, (), NotEnoughClassesError, "got only 'one'"),
    ({"classes": ["a", "a"]}, (), DuplicateClassError, "Class 'a' is named 2 times"),
    ({"classes": ["a", " "]}, (), DuplicateClassError, "Class 1 has an empty name"),
    ({"classes": "a,b"}, (), ClassesError, "got one string: 'a,b'"),
    ({"classes": 5}, (), ClassesError, "got one int: 5"),
    ({"classes": b"ab"}, (), ClassesError, "got one bytes: b'ab'"),
    ({"classes": {"a": [1.0, 0.0], "b": [1.0]}}, (), WidthError, "of class 'a' has width 2 and that of 'b' 1"),
    ({"classes": {"a": [1.0, 0.0], "b": "late"}}, (), ClassesError, "'a' is given by a vector and 'b' by 'late'"),
    ({"classes": ["tea", "zoo"]}, (["x y"], ["teas"]), UnknownClassError, "Did you mean 'tea'"),
    ({"classes": ["tea", "zoo"]}, (["x", " "], ["tea", "zoo"]), BadItemError, "The text in row 1 is empty"),
    ({"classes": ["tea", "zoo"]}, (["x"], ["tea", "zoo"]), InputError, "There are 1 items and 2 labels"),
    ({"classes": ["tea", "zoo"]}, (["x"],), InputError, "1 items were given without labels"),
    ({"classes": ["tea", "zoo"]}, (["x"], [["tea", "zoo"]]), InputError, "Row 0 has a list of labels"),
    ({"classes": ["tea", "zoo"]}, (["x", 3], ["tea", "zoo"]), InputError, "1 texts, 1 of type int"),
    ({"classes": ["tea", "zoo"], "method": "magic"}, (), InputError, "Unknown method 'magic'"),
    ({"classes": ["tea", "zoo"]}, (csr_array(np.eye(2)), ["tea", "zoo"]), InputError, "the items are vectors"),
    (
        {"classes": ["tea", "zoo"]},
        (["x"], (label for label in ["tea"])),
        InputError,
        "A list of labels is needed; got a",
    ),
    ({"classes": ["tea", "zoo"]}, (["x", "y"], "zt"), InputError, "A list of labels is needed; got one str"),
    (
        {"encoder": "auto"},
        (["a/1.jpg", "b/2.PNG"], ["tea", "zoo"]),
        BadItemError,
        "'a/1.jpg' looks like the path",
    ),
    ({"classes": ["tea", "zoo"], "cache": "here"}, (), InputError, "cache must be True or False; got 'here'"),
    ({"classes": ["tea", "zoo"], "unknown_rate": "0.05"}, (), InputError, "a number between 0 and 1; got '0.05'"),
    ({"classes": ["tea", "zoo"], "class_prior": [0.5, 0.5]}, (), InputError, "class_prior must be 'auto'"),
    (
        {"classes": ["tea", "zoo"], "unknown_rate": 5},
        (),
        InputError,
        "a number between 0 and 1; got 5",
    ),
    (
        {"classes": ["tea", "zoo"], "unknown_rate": 0.05},
        (),
        NotEnoughLabelsError,
        "at least 20 labeled or 20",
    ),
    ({"classes": ["tea", "unknown"], "unknown_rate": 0.05}, (), ClassesError, "the prediction for items of no class"),
    ({"classes": ["tea", "zoo"], "class_prior": {"tea": "1", "zoo": 1}}, (), ClassesError, "gives 'tea' '1'"),
    ({"encoder": "vectors"}, ([[1.0, 2.0], [1.0]], ["a", "b"]), InputError, "items must be a table of numbers"),
    (
        {"classes": ["tea", "zoo"], "class_prior": "even"},
        (),
        InputError,
        "class_prior must be .*; got 'even'",
    ),
    ({"classes": ["tea", "zoo"], "class_prior": {"tea": 1}}, (), ClassesError, "does not name the class 'zoo'"),
    (
        {"classes": ["tea", "zoo"], "class_prior": {"tea": 1}, "encoder": "auto"},
        (),
        ClassesError,
        "does not name the class 'zoo'",
    ),
    ({"classes": ["tea", "zoo"], "method": "prototype"}, (), NotEnoughLabelsError, "method='prototype' needs labels"),
]


@pytest.mark.parametrize(("parameters", "given", "error", "text"), FAULTS)
def test_invalid_input_is_refused(letters, parameters, given, error, text):
    with pytest.raises(error, match=text):
        AnyShotClassifier(**{"encoder": letters, "cache": False, **parameters}).fit(*given)


def test_sparse_vectors_are_dense_ones_within_a_bound_of_memory():
    table, y = np.eye(6, dtype=np.float32), ["a", "b"] * 3
    dense, sparse = (AnyShotClassifier(cache=False).fit(X, y) for X in (table, csr_array(table)))
    np.testing.assert_array_equal(sparse.predict_proba(csr_array(table)), dense.predict_proba(table))
    with pytest.raises(InputError, match=r"is sparse, of shape \(6, 1000000000\).* would need 22 GiB"):
        AnyShotClassifier(cache=False).fit(csr_array((6, 10**9)), y)


@pytest.mark.parametrize("make", [pl.Series, pa.array, pd.Index, np.array, lambda texts: pd.DataFrame({"text": texts})])
def test_texts_and_labels_may_be_columns_of_any_library(letters, make):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(make(TEXTS), make(LABELS))
    expected = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(clf.predict_proba(make(TEXTS)), expected.predict_proba(TEXTS))
    assert clf.evaluate(make(TEXTS), make(LABELS)).accuracy == expected.evaluate(TEXTS, LABELS).accuracy


@pytest.mark.torch
def test_labels_may_be_tensors(letters):
    import torch

    numbers = torch.tensor([sorted(WORDS).index(label) for label in LABELS])
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, numbers)
    assert clf.evaluate(TEXTS, list(numbers)).n == len(TEXTS)
    assert clf.partial_fit(TEXTS[:2], numbers[:2]).classes_.tolist() == sorted(set(numbers.tolist()))
    assert clf.predict_set(TEXTS, calibration=(TEXTS, numbers))


def test_a_class_whose_list_of_examples_is_empty_is_a_class(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit({**WORDS, "cab": []})
    assert clf.classes_.tolist() == ["cab", "hub", "tea", "zoo"]
    assert clf.predict(["cabacab"]) == ["cab"]


def test_classes_that_are_numbers_are_not_embedded(letters):
    codes = [sorted(WORDS).index(label) for label in LABELS]
    numbers = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, codes)
    assert numbers.score(TEXTS, codes) == 1
    assert numbers.method_ != "zero-shot"
    assert not numbers._model.data.has_description.any()
    assert numbers.explain(["tea"])[0].matched is None
    with pytest.raises(NotEnoughLabelsError, match="Class 0 has no label"):
        AnyShotClassifier([0, 1], encoder=letters, cache=False).fit()


def test_examples_by_class_may_come_later(clf):
    apart, at_once = clone(clf).fit().partial_fit(WORDS), clone(clf).fit(WORDS)
    np.testing.assert_allclose(apart.predict_proba(TEXTS), at_once.predict_proba(TEXTS), atol=1e-4)


def test_a_class_without_a_vector_is_learned_from_its_labels():
    X, y, centers = clouds(6)
    clf = AnyShotClassifier({**centers, "c1": None}, cache=False).fit(X, y)
    assert clf.score(X, y) > 0.9
    with pytest.raises(NotEnoughLabelsError, match="Class 'c1' has no label"):
        AnyShotClassifier({**centers, "c1": None}, cache=False).fit()


def test_evaluation_encodes_items_once(letters):
    clf = AnyShotClassifier(["tea", "zoo"], encoder=letters, cache=False).fit(["tea", "zoo"], ["tea", "zoo"])
    letters.encoded.clear()
    found = clf.evaluate(["teapot", "zoology"], ["tea", "zoo"])
    assert sorted(letters.encoded) == ["teapot", "zoology"]
    assert found.accuracy == 1


# --- another domain's labels ------------------------------------------------------------------------------------------


def moved_domain(n_each, *, seed):
    """Return items of classes whose centers all moved, and their classes."""
    X, y, centers = clouds(n_each, seed=seed)
    return X + 0.5, y, centers


def test_a_source_replaces_the_names():
    X, y, centers = clouds(20, seed=0)
    target, truth, _ = moved_domain(50, seed=1)
    misleading = dict(zip(centers, np.roll(list(centers.values()), 1, axis=0), strict=True))
    by_names = AnyShotClassifier(misleading, cache=False).fit()
    by_source = AnyShotClassifier(misleading, cache=False).fit(source=(X, y))
    assert by_source.score(target, truth) > 0.9 > by_names.score(target, truth)


def test_target_labels_correct_the_source():
    X, y, _ = clouds(20, seed=0)
    target, truth, _ = moved_domain(8, seed=1)
    swapped = [{"c0": "c1", "c1": "c0"}.get(name, name) for name in y]
    clf = AnyShotClassifier(cache=False).fit(target, truth, source=(X, swapped))
    assert clf.score(*moved_domain(50, seed=2)[:2]) > 0.9


def test_a_source_that_is_not_a_pair_is_refused():
    X, y, _ = clouds(4)
    for source in (X, (X,), (X, None), {"a": X}):
        with pytest.raises(InputError, match=r"source must be a pair, \(items, labels\); got \w+"):
            AnyShotClassifier(cache=False).fit(X, y, source=source)


def test_items_that_are_not_a_list_are_refused():
    named = AnyShotClassifier(["tea", "zoo"]).fit()
    with pytest.raises(InputError, match="There are no items: the list is empty"):
        named.predict([])
    with pytest.raises(InputError, match="Write list"):
        named.predict(text for text in ["tea"])
    with pytest.raises(InputError, match="A list of the items of 'tea' is needed; got one str"):
        named.fit({"tea": "a cup of tea", "zoo": ["a lion"]})


def test_a_source_of_one_class_is_refused():
    X, y, centers = clouds(4)
    with pytest.raises(NotEnoughLabelsError, match=r"has labels of [01] of the classes; two are needed"):
        AnyShotClassifier(centers, cache=False).fit(source=(X[:4], y[:4]))


# --- classes known by attributes --------------------------------------------------------------------------------------


def test_attributes_predict_classes_without_labels():
    X, y, attributes, unseen = animals()
    seen = ~np.isin(y, unseen)
    clf = AnyShotClassifier(attributes, cache=False).fit(X[seen], y[seen])
    assert clf.method_ == "zero-shot"
    assert "3 classes without a label can only be predicted by zero-shot" in clf.reasons_[0]
    assert clf.score(X[~seen], y[~seen]) > 0.8
    assert clf.score(X[seen], y[seen]) > 0.8


def test_labels_of_every_class_improve_on_attributes():
    X, y, attributes, _ = animals()
    few = np.arange(len(y)) % 10 == 0
    clf = AnyShotClassifier(attributes, cache=False).fit(X[few], y[few])
    by_labels_alone = AnyShotClassifier(cache=False).fit(X[few], y[few])
    assert clf.score(X[~few], y[~few]) > by_labels_alone.score(X[~few], y[~few]) > 0.5


def test_attributes_need_labels():
    X, _, attributes, _ = animals()
    with pytest.raises(NotEnoughLabelsError, match="width 6 and the items 30; a map between them"):
        AnyShotClassifier(attributes, cache=False).fit(unlabeled=X)


def test_attributes_are_needed_for_every_class():
    X, y, attributes, unseen = animals()
    some = attributes | {unseen[0]: None}
    for learn in (AnyShotClassifier(some, cache=False).fit, AnyShotClassifier(some, cache=False).partial_fit):
        with pytest.raises(ClassesError, match=rf"Class '{unseen[0]}' has no vector.* Pass 6 numbers for it"):
            learn(X, y)


@pytest.mark.parametrize("given", [["yes", "no"], {"yes": None, "no": None}, np.array(["yes", "no"]), None])
def test_classes_are_sorted_as_scorers_of_probabilities_expect(given):
    X, y = measurements()
    clf = AnyShotClassifier(given, cache=False).fit(X, y)
    assert clf.classes_.tolist() == ["no", "yes"]
    assert roc_auc_score(y == "yes", clf.predict_proba(X)[:, 1]) > 0.99
    assert cross_val_score(AnyShotClassifier(given, cache=False), X, y, scoring="roc_auc", cv=3).min() > 0.95


@pytest.mark.parametrize("make", [lambda table: table, pl.from_pandas, pa.Table.from_pandas])
def test_columns_are_those_of_fit_in_their_order(tmp_path, make):
    X, y = measurements()
    clf = AnyShotClassifier(cache=False).fit(make(X), y)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c"]
    clf.save(tmp_path / "model")
    for one in (clf, load(tmp_path / "model")):
        with pytest.warns(UserWarning, match="no column names"):
            by_position = one.score(X.to_numpy(), y)
        assert one.score(make(X), y) == by_position > 0.9
        with pytest.raises(InputError, match=r"another order than in `fit`\. Pass table\[model\.feature_names_in_\]"):
            one.predict(make(X[["c", "b", "a"]]))
        with pytest.raises(InputError, match="lacks the column 'b'"):
            one.evaluate(X.rename(columns={"b": "B"}), y)
    with pytest.raises(InputError, match="another order"):
        clf.partial_fit(X[["b", "a", "c"]], y)
    with pytest.raises(InputError, match="another order"):
        AnyShotClassifier(cache=False).fit(X, y, unlabeled=X[["b", "a", "c"]])


def test_features_with_units_of_their_own_are_standardized_and_it_is_said():
    X, y = load_wine(return_X_y=True)
    scores = {name: cross_val_score(AnyShotClassifier(encoder=name, cache=False), X, y) for name in ("auto", "vectors")}
    assert scores["auto"].mean() > 0.95 > 0.7 > scores["vectors"].mean()
    assert "The columns are taken for features" in AnyShotClassifier(cache=False).fit(X, y).reasons_[-1]


def test_a_table_with_categories_dates_and_gaps_is_read_if_it_is_called_one(tmp_path):
    X, y = measurements()
    table = X.assign(kind=np.where(y == "yes", "u", "v"), day=pd.date_range("2020-01-01", periods=len(X)))
    table.loc[5, "b"] = np.nan
    clf = AnyShotClassifier(encoder="table", cache=False).fit(table, y)
    assert clf.score(table, y) > 0.9
    clf.save(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(table), clf.predict_proba(table), atol=1e-6)
    by_class = {label: table[y == label] for label in ("no", "yes")}
    again = AnyShotClassifier(encoder="table", cache=False, budget="best").fit(by_class)
    np.testing.assert_allclose(again.predict_proba(table), clf.predict_proba(table), atol=1e-4)


@pytest.mark.parametrize("names", [["no", "yes"], ["yes", "no"]])
@pytest.mark.filterwarnings("ignore:The labels are whole numbers")
def test_scikit_learn_may_encode_the_labels_of_classes_that_were_named(names):
    X, y = measurements()
    clf = AnyShotClassifier(names, cache=False)
    probabilities = cross_val_predict(clf, X, y, method="predict_proba", cv=3)
    assert np.mean(np.array(["no", "yes"])[probabilities.argmax(axis=1)] == y) > 0.9
    for peer in (StackingClassifier([("a", clf)], cv=3), VotingClassifier([("a", clf), ("b", clf)])):
        assert peer.fit(X, y).score(X, y) > 0.9


def test_whole_numbers_for_names_that_are_not_sorted_are_said():
    X, y = measurements()
    with pytest.warns(UserWarning, match="0 is taken for 'no' and so on, in sorted order"):
        clf = AnyShotClassifier(["yes", "no"], cache=False).fit(X, (y == "yes").astype(int))
    assert clf.classes_.tolist() == [0, 1]


def test_names_that_look_alike_are_one_class_everywhere(letters):
    with pytest.warns(UserWarning, match="1 of 2 classes have spaces"):
        clf = AnyShotClassifier(["caf\u00e9", "tea\u00a0"], encoder=letters, cache=False).fit()
    assert clf.classes_.tolist() == ["caf\u00e9", "tea"]
    with pytest.warns(UserWarning, match="such as 'cafe"):
        assert clf.evaluate(["cafe", "tea"], ["cafe\u0301", "tea"]).accuracy == 1.0
    with pytest.warns(UserWarning, match="1 of 1 labels"):
        assert clf.add_class("zoo\u200b", examples=["zoo"]).classes_.tolist() == ["caf\u00e9", "tea", "zoo"]


# --- words ------------------------------------------------------------------------------------------------------------


def test_names_are_read_by_words_unless_they_are_switched_off(letters):
    clf = AnyShotClassifier(["spam", "ham"], encoder=letters, cache=False).fit()
    assert any("'ham' as meet, home, later" in reason for reason in clf.reasons_)
    off = AnyShotClassifier(["spam", "ham"], encoder=letters, cache=False, words=False).fit()
    assert not any("words" in reason for reason in off.reasons_)
    assert not np.allclose(clf.predict_proba(["a prize"]), off.predict_proba(["a prize"]))


def test_own_words_count_also_without_the_thesaurus(letters):
    classes = {"one": Words("zzz zz"), "two": Words("xxx xx")}
    clf = AnyShotClassifier(classes, encoder=letters, cache=False, words=False).fit()
    assert clf.predict(["zz", "xx"]).tolist() == ["one", "two"]
    assert any("(your own): 'one' as zzz, zz" in reason for reason in clf.reasons_)


def test_words_must_be_true_or_false(letters):
    with pytest.raises(InputError, match=r"words must be True or False; got 'good'\. To give words"):
        AnyShotClassifier(["a", "b"], encoder=letters, words="good").fit()


def test_a_name_that_is_not_listed_is_read_by_words_of_similar_names(tmp_path):
    clf = AnyShotClassifier(["athletics", "diplomacy"], encoder="minilm").fit()
    assert any("similar names): " in reason for reason in clf.reasons_)
    texts = ["the ministers met for talks on the treaty", "she ran the last lap in a minute"]
    assert clf.predict(texts).tolist() == ["diplomacy", "athletics"]
    assert "minister" in clf.explain(texts)[0].words
    clf.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(texts), clf.predict_proba(texts))
    for model in (loaded, clf):
        model.add_class("geopolitics")
    np.testing.assert_array_equal(loaded.predict_proba(texts), clf.predict_proba(texts))
    fresh = AnyShotClassifier(["athletics", "diplomacy", "geopolitics"], encoder="minilm").fit()
    np.testing.assert_allclose(loaded.predict_proba(texts), fresh.predict_proba(texts), atol=1e-6)


def test_an_item_of_weight_three_counts_as_three_and_one_of_weight_zero_is_left_out(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False)
    weights, wrong = [3] * 6 + [1] * 12 + [0] * 18, LABELS[::-1]
    weighted = clone(clf).fit([*TEXTS, *TEXTS], [*LABELS, *wrong], sample_weight=weights)
    repeated = clone(clf).fit(WORDS["zoo"] * 2 + TEXTS, ["zoo"] * 12 + LABELS)
    np.testing.assert_allclose(weighted.predict_proba(TEXTS), repeated.predict_proba(TEXTS), atol=1e-2)
    with pytest.raises(InputError, match="one weight for each of 18 items"):
        clf.fit(TEXTS, LABELS, sample_weight=[1])


@pytest.mark.parametrize("method", ["any-shot", "prototype", "logistic-regression"])
def test_an_item_of_weight_a_half_counts_as_half_an_item(letters, method, tmp_path):
    clf = AnyShotClassifier(encoder="vectors", method=method, cache=False)
    X = letters.encode(TEXTS)
    # Two halves of an item are the item; held-out labels are fewer there, so that the method is compared by hand.
    halves = clone(clf).fit(np.repeat(X, 2, axis=0), np.repeat(LABELS, 2), sample_weight=np.full(36, 0.5))
    data = halves.any_shot_model().data
    np.testing.assert_allclose(data.counts, clone(clf).fit(X, LABELS).any_shot_model().data.counts)
    whole = clone(clf).fit(X, LABELS)
    np.testing.assert_allclose(halves.predict_proba(X), whole.predict_proba(X), atol=0.05)
    halves.save(tmp_path / "model")
    again = load(tmp_path / "model").partial_fit(X[:1], LABELS[:1], sample_weight=[0.25])
    assert again.any_shot_model().data.weights.sum() == pytest.approx(18.25)


def test_a_small_weight_moves_the_model_less_than_a_large_one(letters):
    clf, wrong = AnyShotClassifier(["tea", "zoo"], encoder=letters, cache=False), ["zoo bees", "zoo cats"]
    weights = [1e-3, 0.3, 1, 4.5]
    p = [clone(clf).fit(wrong, ["tea", "tea"], sample_weight=[w, w]).predict_proba(wrong)[0, 0] for w in weights]
    assert p == sorted(p)
    without = clone(clf).fit().predict_proba(wrong)[0, 0]
    assert p[0] == pytest.approx(without, abs=1e-3)
    tiny = clone(clf).fit(wrong, ["tea", "tea"], sample_weight=[1e-50, 1e-50])  # 0 as a float32
    assert tiny.predict_proba(wrong)[0, 0] == without


@pytest.mark.parametrize(("weight", "named"), [(-1, "-1 in row 1"), (np.nan, "nan in row 1"), (np.inf, "inf in row 1")])
def test_a_weight_that_is_no_weight_is_refused_by_row(letters, weight, named):
    with pytest.raises(InputError, match=f"sample_weight is {named}"):
        AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS, sample_weight=[1, weight] + [1] * 16)


def test_fractions_of_items_are_refused_where_they_are_not_used(letters):
    with pytest.raises(InputError, match="budget='best', which fine-tunes the encoder, can only be used with whole"):
        AnyShotClassifier(encoder=letters, budget="best").fit(TEXTS, LABELS, sample_weight=[0.5] * 18)
    attributes = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    with pytest.raises(InputError, match="Class vectors of another width than the items can only be used with whole"):
        AnyShotClassifier(attributes, cache=False).fit(np.eye(4), [*"abab"], sample_weight=[0.5] * 4)


def test_a_class_named_by_a_sign_is_refused_before_anything_is_encoded(letters):
    for given in ((), (["tea", "zoo"], ["tea", "zoo"])):
        with pytest.raises(NotEnoughLabelsError, match="Class '!!' has no label and no letters in its name"):
            AnyShotClassifier(["tea", "zoo", "!!"], encoder=letters, cache=False).fit(*given)
    assert not letters.encoded
    assert (
        len(AnyShotClassifier(["tea", "!!"], encoder=letters, cache=False).fit(["a", "b"], ["tea", "!!"]).classes_) == 2
    )


@pytest.mark.torch
def test_a_table_of_texts_may_be_given_with_a_budget(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False, budget=1)
    assert clf.fit(pd.DataFrame({"text": TEXTS}), LABELS).predict(TEXTS).tolist() == LABELS


@pytest.mark.parametrize(
    "names", [["a", "b"], ["Rechnung", "Lieferung"], ["bank", "zyzzyva"], [" ".join(["word"] * 40), "x"]]
)
def test_names_that_are_not_listed_ask_for_words(letters, names):
    clf = AnyShotClassifier(names, encoder=letters, cache=False).fit()
    assert any("Before you label more, write ten words a class" in reason for reason in clf.reasons_)


def test_names_without_letters_ask_for_words_or_a_label(letters):
    for names in (["1", "2"], ["\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"]):
        with pytest.raises(NotEnoughLabelsError, match="or words or a description"):
            AnyShotClassifier(names, encoder=letters, cache=False).fit()


def test_score_counts_unknown_as_evaluate_does():
    vectors = np.eye(3, dtype=np.float32)
    noise = 0.05 * np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    labels = np.repeat(["a", "b"], 20)
    clf = AnyShotClassifier(cache=False, encoder="vectors", unknown_rate=0.05)
    clf.fit(np.repeat(vectors[:2], 20, axis=0) + noise, labels)
    items, labels = vectors[[0, 1, 2, 0]], ["a", "b", "outsider", None]
    assert clf.predict(items[2:3]).tolist() == [UNKNOWN]
    assert clf.score(items, labels) == clf.evaluate(items, labels).accuracy == 1
    assert clf.score(items[:2], ["a", "a"], sample_weight=[3, 1]) == 0.75


def test_one_item_with_two_labels_is_said(clf):
    other = next(one for one in LABELS if one != LABELS[0])
    with pytest.warns(UserWarning, match=r"1 labeled item is the same .* 'aa', .* Both labels count"):
        clf.fit(["aa", "aa", *TEXTS], [LABELS[0], other, *LABELS])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.partial_fit(["bbb"], [LABELS[0]])  # the earlier conflict was said
    with pytest.warns(UserWarning, match="1 labeled item is the same"):
        clf.partial_fit(["ccc"] * 2, [LABELS[0], other])


def test_a_label_that_is_corrected_replaces_the_earlier_one(clf):
    other = next(one for one in LABELS if one != LABELS[0])
    n = len(clf.fit(TEXTS, LABELS).any_shot_model().data.index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.partial_fit(["bbb", TEXTS[0]], [LABELS[0], other])
    items, labels = clf.training_examples()
    assert [label for item, label in zip(items, labels, strict=True) if item == TEXTS[0]] == [other]
    assert len(items) == n + 1
    assert len(clf.any_shot_model().data.vectors) == n + 1
    for name, refit in (("new", True), ("newer", False)):
        clf.add_class(name, examples=[TEXTS[0]], refit=refit)
        items, labels = clf.training_examples()
        assert [label for item, label in zip(items, labels, strict=True) if item == TEXTS[0]] == [name]
    assert len(items) == n + 1


def test_exchanged_items_and_labels_are_said(letters):
    with pytest.warns(UserWarning, match="were items and labels exchanged"):
        AnyShotClassifier(encoder=letters, cache=False).fit(["a", "b"] * 2, ["axx", "bby", "zzz", "ccc"])


def test_evaluate_counts_items_that_were_trained_on(clf):
    clf.fit(TEXTS, LABELS)
    found = clf.evaluate([*TEXTS[:2], "zzz"], [*LABELS[:2], LABELS[0]])
    assert found.notes[0].startswith("2 of the 3 test items equal training items")
    assert not any("training items" in note for note in clf.evaluate(["zzz"], LABELS[:1]).notes)
    X, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.1, 1.0]]), ["a", "b", "a"]
    of_rows = AnyShotClassifier(cache=False).fit(X, y).evaluate(X[:1], y[:1])
    assert of_rows.notes[0].startswith("1 of the 1 test items equals a training item")


def test_a_seed_as_text_is_refused(clf):
    with pytest.raises(InputError, match="random_state"):
        clf.set_params(random_state="42").fit(TEXTS, LABELS)


def test_errors_about_unlabeled_items_say_so():
    with pytest.raises(BadItemError, match=r"^Unlabeled items: .* in row 1 is missing"):
        AnyShotClassifier(["billing", "login"], cache=False).fit(["a"], ["login"], unlabeled=["b", None])
    with pytest.raises(WidthError, match=r"^Unlabeled items: "):
        AnyShotClassifier(cache=False).fit(np.eye(3), ["a", "b", "a"], unlabeled=np.eye(2))


def test_classes_of_a_first_partial_fit_are_not_ignored():
    with pytest.raises(UnknownClassError, match="no class 'c'"):
        AnyShotClassifier(["a", "b"], cache=False).partial_fit(np.eye(2), ["a", "b"], classes=["a", "c"])


def test_a_row_of_a_table_far_outside_of_all_others_is_unknown_also_in_the_direction_of_a_rare_class():
    random = np.random.default_rng(0)
    centers, y = np.array([[0.0, 0.0], [8.0, 8.0]]), np.repeat([0, 1], [57, 3])
    table = pd.DataFrame((centers[y] + random.normal(size=(60, 2))) * [1, 100], columns=["age", "pay"])
    clf = AnyShotClassifier(cache=False, unknown_rate=0.05).fit(table, np.array(["many", "few"])[y])
    of_rare = table[y == 1].mean().to_frame().T
    assert clf.predict(of_rare).tolist() == ["few"]
    with pytest.warns(UserWarning, match="'(age|pay)' is .* but .* in `fit`. Check its unit"):
        assert clf.predict(100 * of_rare).tolist() == [UNKNOWN]


@pytest.mark.parametrize("make", [lambda ages: pd.DataFrame({"age": ages}), lambda ages: np.array(ages)[:, None]])
def test_a_table_of_one_column_is_classified_by_its_numbers(make):
    ages = [15.5, 16.0, 17.5, 70.0, 71.5, 80.0]
    clf = AnyShotClassifier(cache=False).fit(make(ages), ["young"] * 3 + ["old"] * 3)
    assert clf.predict(make([14.0, 90.0])).tolist() == ["young", "old"]
