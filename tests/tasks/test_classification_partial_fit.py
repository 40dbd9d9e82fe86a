"""`partial_fit` of AnyShotClassifier: labels and classes that come later."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone

from anyshot import AnyShotClassifier, load
from anyshot.errors import (
    NotEnoughLabelsError,
    UnknownClassError,
)
from labeled_items import LABELS, TEXTS, WORDS, assert_same_model, clouds


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


def test_examples_by_class_may_come_later(clf):
    apart, at_once = clone(clf).fit().partial_fit(WORDS), clone(clf).fit(WORDS)
    np.testing.assert_allclose(apart.predict_proba(TEXTS), at_once.predict_proba(TEXTS), atol=1e-4)


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


def test_classes_of_a_first_partial_fit_are_not_ignored():
    with pytest.raises(UnknownClassError, match="no class 'c'"):
        AnyShotClassifier(["a", "b"], cache=False).partial_fit(np.eye(2), ["a", "b"], classes=["a", "c"])
