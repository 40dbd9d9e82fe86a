"""Changes of classes: each gives the model of a new fit to the classes as they are then."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from anyshot import AnyShotClassifier, Words, load
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import without_items
from anyshot.errors import (
    ClassesError,
    DuplicateClassError,
    InputError,
    NotEnoughClassesError,
    UnknownClassError,
)
from anyshot.tasks import class_changes
from anyshot.zero_shot.class_texts import describe

TEXTS = ["zoo zone", "zebra zoo", "teapot", "tea time", "hub bub", "hubbub"]
LABELS = ["zoo", "zoo", "tea", "tea", "hub", "hub"]
CENTERS = {"a": [1.0, 0, 0, 0], "b": [0, 1.0, 0, 0], "c": [0, 0, 1.0, 0]}
ITEMS = np.eye(4)[[0, 0, 1, 1, 2, 2]] + 0.05
OF = list("aabbcc")


def fitted(encoder, classes, labels=LABELS):
    return AnyShotClassifier(classes, encoder=encoder, cache=False).fit(TEXTS, labels)


def assert_same(changed, at_once, items):
    assert changed.classes_.tolist() == at_once.classes_.tolist()
    assert changed._model.data.texts == at_once._model.data.texts
    np.testing.assert_allclose(changed._model.data.class_embeddings, at_once._model.data.class_embeddings, atol=1e-6)
    np.testing.assert_allclose(changed.predict_proba(items), at_once.predict_proba(items), atol=5e-3)


# --- texts ---


def test_a_class_added_or_removed_gives_the_embeddings_of_a_new_fit(letters):
    embedder = Embedder(letters, cache=None, words=True)

    def of(classes):
        return embedder.with_embeddings(without_items(describe(classes), np.zeros((len(classes), 0), np.float32)), [])

    both, three = of(["ham", "spam"]), of(["ham", "spam", "zyzzyva"])
    assert not np.allclose(both.class_embeddings, three.class_embeddings[:2])  # without words, since the third has none
    added = class_changes.added(embedder, both, name="zyzzyva", description=None, examples=[]).data
    np.testing.assert_allclose(added.class_embeddings, three.class_embeddings, atol=1e-6)
    removed = class_changes.removed(embedder, added, name="zyzzyva").data
    np.testing.assert_allclose(removed.class_embeddings, both.class_embeddings, atol=1e-6)
    letters.encoded.clear()
    class_changes.added(embedder, both, name="joy", description=None, examples=[])
    assert not {"ham", "spam"} & set(letters.encoded)  # they are read as before


def test_words_that_are_dropped_from_a_class_without_them_are_warned_of(letters):
    clf = fitted(letters, {"hub": "wheel", "tea": None, "zoo": Words("lion pot")})
    clf.describe_class("tea", Words("pot", add="cup"))  # a warning would be an error
    for change in (clf.describe_class, clf.add_class):
        name = "tea" if change == clf.describe_class else "den"
        with pytest.warns(UserWarning, match=f"Words drops 'pot', but the class '{name}' has the words fox, {name}"):
            change(name, Words(f"fox {name}", drop="pot"))
    clf.describe_class("hub", "a wheel")


def test_a_name_that_says_nothing_to_the_encoder_is_left_out_of_an_added_class(letters):
    embedder = Embedder(letters, cache=None, words=True)
    none = without_items(describe({"zzz": "aaab", "aaa": "zzzd"}), np.zeros((2, 0), np.float32))
    found = embedder.with_embeddings(none, [])
    added = class_changes.added(embedder, found, name="zd", description="bbb", examples=[]).data
    assert added.texts.texts == (("", "zzzd"), ("", "bbb"), ("", "aaab"))


def test_a_renamed_class_keeps_examples_descriptions_and_words(letters):
    clf = fitted(letters, {"hub": "wheel", "tea": ["cup", Words("pot")], "zoo": None})
    letters.encoded.clear()
    assert clf.rename_class("tea", "chai") is clf
    assert not set(letters.encoded) & set(TEXTS)
    labels = ["chai" if label == "tea" else label for label in LABELS]
    assert_same(clf, fitted(letters, {"hub": "wheel", "chai": ["cup", Words("pot")], "zoo": None}, labels), TEXTS)
    assert clf.predict(["teapot"]).tolist() == ["chai"]


def test_merged_classes_share_examples_and_texts(letters):
    with pytest.warns(UserWarning, match="Words drops 'pot', but the class 'zoo' has the words lion"):
        clf = fitted(
            letters, {"hub": "buh", "tea": ["eat", Words("pot")], "zoo": Words("lion", drop="pot"), "den": None}
        )
    assert clf.merge_classes(["tea", "zoo"], "outing") is clf
    labels = ["hub" if label == "hub" else "outing" for label in LABELS]
    texts = {"hub": "buh", "outing": ["tea", "eat", "zoo", Words("pot lion")], "den": None}
    assert clf.classes_.tolist() == ["den", "hub", "outing"]
    assert clf._model.data.counts.tolist() == [0, 2, 4]
    assert_same(clf, fitted(letters, texts, labels), TEXTS)


def test_a_class_may_be_merged_into_another(letters):
    classes = {"hub": None, "tea": "cup", "zoo": None}
    one, other = (fitted(letters, classes).merge_classes(names, "tea") for names in (["zoo"], ["zoo", "tea"]))
    assert one._model.data.texts == other._model.data.texts == describe({"hub": None, "tea": ["cup", "zoo"]})


def test_a_class_is_described_anew(letters):
    clf = fitted(letters, {"hub": "wheel", "tea": ["cup", Words("pot")], "zoo": None})
    clf.describe_class("tea", ["a drink", Words("leaf")])
    assert_same(clf, fitted(letters, {"hub": "wheel", "tea": ["a drink", Words("leaf")], "zoo": None}), TEXTS)
    clf.describe_class("tea", None)
    assert_same(clf, fitted(letters, {"hub": "wheel", "tea": None, "zoo": None}), TEXTS)


def test_classes_change_before_any_item_is_encoded(letters):
    clf = AnyShotClassifier({"hub": "wheel", "tea": None, "zoo": None}, encoder=letters, cache=False).fit()
    clf.rename_class("tea", "chai").describe_class("zoo", "lions").merge_classes(["hub", "chai"], "cafe")
    assert clf.classes_.tolist() == ["cafe", "zoo"]
    assert clf.predict(["lions", "wheel"]).tolist() == ["zoo", "cafe"]


def test_changed_classes_are_saved(tmp_path):
    names = AnyShotClassifier(["billing", "delivery", "login"], cache=False).fit()
    names.rename_class("login", "account").merge_classes(["billing", "account"], "office").save(tmp_path / "names")
    assert load(tmp_path / "names").classes_.tolist() == ["delivery", "office"]
    clf = AnyShotClassifier(CENTERS, cache=False).fit(ITEMS, OF).rename_class("a", "z").merge_classes(["b", "c"], "y")
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model", cache=False)
    assert again.classes_.tolist() == ["y", "z"]
    np.testing.assert_array_equal(again.predict_proba(ITEMS), clf.predict_proba(ITEMS))


# --- vectors ---


def test_class_vectors_follow_their_classes():
    clf = AnyShotClassifier(CENTERS, cache=False).fit(ITEMS, OF)
    assert clf.rename_class("a", "z").predict(ITEMS).tolist() == list("zzbbcc")
    assert clf.merge_classes(pd.Series(["b", "c"]), "b").predict(ITEMS).tolist() == list("zzbbbb")
    np.testing.assert_allclose(clf._model.data.class_embeddings, [[0, 0.5, 0.5, 0], [1, 0, 0, 0]])
    clf.describe_class("b", [0, 0, 0, 2.0])
    np.testing.assert_allclose(clf._model.data.class_embeddings, np.eye(4)[[3, 0]])


# --- refusals ---


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda clf: clf.rename_class("tee", "chai"), UnknownClassError, "Did you mean 'tea'"),
        (lambda clf: clf.rename_class("tea", "zoo"), DuplicateClassError, "a class 'zoo' already. To join both, merge"),
        (lambda clf: clf.rename_class("tea", " "), DuplicateClassError, "empty name"),
        (lambda clf: clf.merge_classes("tea", "zoo"), ClassesError, "A list of class names is needed"),
        (lambda clf: clf.merge_classes(["tea"], "chai"), ClassesError, "Two classes or more are needed"),
        (lambda clf: clf.merge_classes(["tea", "hub", "zoo"], "all"), NotEnoughClassesError, "Cannot merge all 3"),
        (lambda clf: clf.merge_classes(["tea", "den"], "all"), UnknownClassError, "no class 'den'. The classes: "),
        (lambda clf: clf.describe_class("den", "a cave"), UnknownClassError, "no class 'den'. The classes: "),
        (lambda clf: clf.describe_class("tea", 3), ClassesError, "Use a text, Words, a list of them, or None"),
        (lambda clf: clf.remove_class("den"), UnknownClassError, "no class 'den'. The classes: "),
        (lambda clf: clf.add_class("tea"), DuplicateClassError, "Cannot add 'tea': there is a class of this name"),
    ],
)
def test_a_change_that_is_refused_leaves_the_classifier_as_it_was(letters, change, error, text):
    clf = fitted(letters, {"hub": "wheel", "tea": None, "zoo": None})
    model = clf._model
    with pytest.raises(error, match=text):
        change(clf)
    assert clf._model is model


def test_the_last_two_classes_cannot_be_removed():
    clf = AnyShotClassifier(CENTERS, cache=False).fit(ITEMS, OF).remove_class("a")
    with pytest.raises(NotEnoughClassesError, match="Cannot remove 'b': a classifier needs two classes"):
        clf.remove_class("b")


def test_a_class_that_is_given_by_a_vector_needs_a_vector():
    clf = AnyShotClassifier(CENTERS, cache=False).fit(ITEMS, OF)
    with pytest.raises(InputError, match="'a' is described by a vector"):
        clf.describe_class("a", None)
    with pytest.raises(ClassesError, match="class 'a' contains only zeros"):
        clf.describe_class("a", [0.0] * len(ITEMS[0]))


@pytest.mark.parametrize("encoder", ["vectors", "table"])
def test_texts_say_nothing_about_numbers(encoder):
    items = pd.DataFrame(ITEMS, columns=list("wxyz")) if encoder == "table" else ITEMS
    clf = AnyShotClassifier(encoder=encoder, cache=False).fit(items, OF)
    for description in ("large ones", Words(["large"]), *([CENTERS["a"]] if encoder == "table" else [])):
        for change in (clf.describe_class, partial(clf.add_class, examples=items[:2])):
            name = "a" if change == clf.describe_class else "d"
            with pytest.raises(InputError, match=f"description or words of class '{name}' say nothing about numbers"):
                change(name, description)
    assert clf.describe_class("a", None).add_class("d", examples=items[:2]).classes_.tolist() == list("abcd")


@pytest.mark.parametrize("encoder", ["vectors", "table"])
@pytest.mark.parametrize("description", ["large ones", Words(["large"])])
def test_texts_of_classes_of_numbers_are_warned_of_in_fit(encoder, description):
    items = pd.DataFrame(ITEMS, columns=list("wxyz")) if encoder == "table" else ITEMS
    clf = AnyShotClassifier({"a": "a", "b": description, "c": "c"}, encoder=encoder, cache=False)
    with pytest.warns(UserWarning, match="description or words of class 'b' say nothing about numbers"):
        clf.fit(items, OF)


def test_classes_are_described_before_the_first_item():
    clf = AnyShotClassifier(["a", "b"]).fit().describe_class("a", "large ones").add_class("c", "small ones")
    assert clf.classes_.tolist() == ["a", "b", "c"]


# --- alone ---


@pytest.fixture(scope="module")
def sixty():
    """Return vectors of sixty classes with four labels each, and the first of each as the vector of its class."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(60, 1, 64)) + 0.7 * random.normal(size=(60, 12, 64))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return {f"c{k:02}": own for k, own in enumerate(vectors)}


@pytest.mark.parametrize("n_examples", [0, 3])
def test_a_class_that_is_added_alone_is_predicted_and_the_others_stay(sixty, n_examples):
    new, others = "c30", [name for name in sixty if name != "c30"]
    X, y = np.concatenate([sixty[name][1:4] for name in others]), np.repeat(others, 3)
    clf = AnyShotClassifier({name: sixty[name][0] for name in others}, cache=False).fit(X, y)
    before = clf.any_shot_model()
    clf.add_class(new, sixty[new][0], examples=list(sixty[new][1 : 1 + n_examples]), refit=False)
    model = clf.any_shot_model()
    rest = model.data.classes != new
    np.testing.assert_array_equal(model.coef[rest], before.coef)
    np.testing.assert_array_equal(model.class_means[rest], before.class_means)
    assert model.provisional
    assert "'c30' was added without fitting" in clf.reasons_[-1]
    tested = np.concatenate([own[4:] for own in sixty.values()])
    labels = np.repeat(list(sixty), 8)
    proba, own = clf.predict_proba(tested), list(model.data.classes).index(new)
    fitted = clf.partial_fit([], []).predict_proba(tested)
    at_once = AnyShotClassifier({name: own[0] for name, own in sixty.items()}, cache=False)
    at_once.fit(np.concatenate([X, sixty[new][1 : 1 + n_examples]]), [*y, *[new] * n_examples])
    np.testing.assert_allclose(fitted, at_once.predict_proba(tested), atol=5e-3)
    assert not clf.any_shot_model().provisional
    for answered in (proba, fitted):  # its items are told from the others, who lose hardly any to it
        predicted = clf.classes_[answered.argmax(axis=1)]
        assert (predicted[labels == new] == new).mean() >= 0.75
        assert (predicted[labels != new] == new).mean() <= 0.01
    assert np.abs(proba[:, own] - fitted[:, own]).mean() < 0.02


def test_a_class_that_is_added_alone_is_saved_as_such(sixty, tmp_path):
    names = list(sixty)[:8]
    clf = AnyShotClassifier({name: sixty[name][0] for name in names}, cache=False)
    clf.fit(np.concatenate([sixty[name][1:3] for name in names]), np.repeat(names, 2))
    clf.add_class("new", sixty["c50"][0], refit=False).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.any_shot_model().provisional
    np.testing.assert_allclose(loaded.predict_proba(ITEMS @ np.eye(4, 64)), clf.predict_proba(ITEMS @ np.eye(4, 64)))
    with pytest.raises(DuplicateClassError):
        clf.add_class("new", sixty["c50"][0], refit=False)


def test_a_class_is_fitted_where_that_takes_no_time():
    clf = AnyShotClassifier(CENTERS, cache=False).fit().add_class("d", [0, 0, 0, 1.0], refit=False)
    assert not clf.any_shot_model().provisional
    assert clf.predict(np.eye(4)).tolist() == ["a", "b", "c", "d"]
