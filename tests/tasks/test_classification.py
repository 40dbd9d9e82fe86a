"""AnyShotClassifier: what `fit` takes and learns, and its evaluation."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_val_score

from anyshot import UNKNOWN, AnyShotClassifier, Words, load
from anyshot.errors import (
    ClassesError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
)
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from labeled_items import LABELS, TEXTS, WORDS, animals, clouds, measurements


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


def test_a_class_named_by_a_sign_is_refused_before_anything_is_encoded(letters):
    for given in ((), (["tea", "zoo"], ["tea", "zoo"])):
        with pytest.raises(NotEnoughLabelsError, match="Class '!!' has no label and no letters in its name"):
            AnyShotClassifier(["tea", "zoo", "!!"], encoder=letters, cache=False).fit(*given)
    assert not letters.encoded
    assert (
        len(AnyShotClassifier(["tea", "!!"], encoder=letters, cache=False).fit(["a", "b"], ["tea", "!!"]).classes_) == 2
    )


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


def test_evaluate_counts_items_that_were_trained_on(clf):
    clf.fit(TEXTS, LABELS)
    found = clf.evaluate([*TEXTS[:2], "zzz"], [*LABELS[:2], LABELS[0]])
    assert found.notes[0].startswith("2 of the 3 test items equal training items")
    assert not any("training items" in note for note in clf.evaluate(["zzz"], LABELS[:1]).notes)
    X, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.1, 1.0]]), ["a", "b", "a"]
    of_rows = AnyShotClassifier(cache=False).fit(X, y).evaluate(X[:1], y[:1])
    assert of_rows.notes[0].startswith("1 of the 1 test items equals a training item")
