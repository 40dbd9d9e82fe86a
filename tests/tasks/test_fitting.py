"""What `fit` is given: what is labeled, which lists there are, the encoder for them, and names that mislead."""

import warnings

import numpy as np
import pytest

from anyshot import AnyShotClassifier, Words
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import without_items
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.fitting import Given, embedder_for
from anyshot.zero_shot.class_texts import describe

VECTORS = np.eye(4, dtype=np.float32)


def read(X, y=None, *, unlabeled=None, source=None, sample_weight=None):
    return Given.read(X, y, unlabeled=unlabeled, source=source, sample_weight=sample_weight)


def test_names_are_those_of_labels_of_empty_classes_and_of_the_source():
    given = read({"tea": ["green"], "zoo": []}, source=(["a lion"], ["cat"]))
    assert list(dict.fromkeys(given.names)) == ["tea", "zoo", "cat"]


def test_items_without_a_label_are_no_labeled_ones():
    given = read(["green", "a lion", "black"], ["tea", None, "tea"])
    assert list(given.labeled) == ["green", "black"]


def test_empty_lists_are_no_parts():
    assert read([], []).parts == []
    assert [list(part) for part in read(["green"], ["tea"], unlabeled=["a lion"]).parts] == [["green"], ["a lion"]]


def test_an_item_of_weight_two_is_as_two_copies_and_one_of_weight_zero_is_left_out():
    given = read(["green", "a lion"], ["tea", "zoo"], sample_weight=[2, 0])
    assert (list(given.items), given.labels, given.weights.tolist()) == (["green"] * 2, ["tea"] * 2, [1, 1])


def test_one_list_instead_of_a_pair_is_refused_as_a_source():
    with pytest.raises(InputError, match="source"):
        read(["green"], ["tea"], source=["a lion"])


def test_a_source_with_labels_of_one_class_is_refused():
    classes = without_items(describe(["tea", "zoo"]), np.eye(2, 4, dtype=np.float32))
    given = read(VECTORS[:2], ["tea", "zoo"], source=(VECTORS, ["tea"] * 4))
    with pytest.raises(NotEnoughLabelsError, match="The source has labels of 1 of the classes; two are needed"):
        given.training_set(classes, Embedder("vectors", cache=None))


@pytest.mark.parametrize(("parts", "name"), [([["green"]], "minilm-words"), ([VECTORS], "vectors"), ([], "vectors")])
def test_the_default_encoder_is_that_of_the_first_items(parts, name):
    clf = AnyShotClassifier(["tea", "zoo"], cache=False)
    assert embedder_for(parts, clf, vectors_given=True).name == name


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["A", "B"], "'A', have only one letter"),
        (["not billing", "not delivery"], "'not billing', say what a class is not"),
        (["complaint 1", "complaint 2"], "'complaint 1', differ from others only in numbers or single letters"),
        (["team A", "team B"], "'team A', differ from others only in numbers or single letters"),
        (["доставка", "возврат денег"], "'возврат денег', are in letters that the encoder 'minilm' does not know"),
    ],
)
def test_names_that_say_little_to_the_encoder_are_warned_of(names, words):
    expected = rf"Names of classes without labels, such as {words}, so predictions .* Words \(--words\) of each\."
    with pytest.warns(UserWarning, match=expected):
        AnyShotClassifier(names, encoder="minilm", cache=False).fit()


def test_names_with_the_same_words_and_new_names_are_warned_of():
    with pytest.warns(UserWarning, match="The classes 'junk' and 'spam' have the same words"):
        AnyShotClassifier(["spam", "junk"], encoder="minilm", cache=False).fit()
    clf = AnyShotClassifier(["spam", "ham"], encoder="minilm", cache=False).fit(["cash back"], ["spam"])
    for name, words in ("junk", "'junk' and 'spam' have the same words"), ("B", "such as 'B', have only one letter"):
        with pytest.warns(UserWarning, match=words):
            clf.add_class(name)
    with pytest.warns(UserWarning, match="'B' and 'ham' have the same words"):
        clf.describe_class("B", Words("dinner")).describe_class("ham", Words("Dinner"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.add_class("parcel", "a parcel")  # the others were warned of
        both = ["cash back", "my parcel"], ["spam", "junk"]
        AnyShotClassifier(["spam", "junk"], encoder="minilm", cache=False).fit(*both)


def test_words_of_some_classes_only_are_warned_of_while_there_are_no_labels():
    classes = {"zyzzyva": "a genus of weevils", "spam": Words("prize, winner")}
    with pytest.warns(UserWarning, match="Class 'spam' has words, but 'zyzzyva' has none, so without labels"):
        AnyShotClassifier(classes, encoder="minilm", cache=False).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AnyShotClassifier(classes, encoder="minilm", cache=False).fit(["you won"], ["spam"])
        AnyShotClassifier({**classes, "zyzzyva": Words("beetle")}, encoder="minilm", cache=False).fit()


def test_names_with_labels_words_or_descriptions_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AnyShotClassifier({"A": Words("cash"), "B": "a parcel"}, encoder="minilm", cache=False).fit()
        AnyShotClassifier(["A", "B"], encoder="minilm", cache=False).fit(["cash back", "my parcel"], ["A", "B"])
        AnyShotClassifier(["1 star", "5 stars"], encoder="minilm", cache=False).fit()
