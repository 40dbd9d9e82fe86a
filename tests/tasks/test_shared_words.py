import json
import warnings
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import anyshot
from anyshot import AnyShotClassifier
from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import LinearModel
from anyshot.base.model_folder import read_model, write_model
from anyshot.errors import ModelFolderError, WidthError
from anyshot.tasks.shared_words import class_probabilities, with_shared_words, without_shared_words
from anyshot.tasks.tuning_choice import with_fine_tuned

SPORT = ["goal", "match", "team", "league", "coach", "score", "season"]
TRADE = ["stock", "market", "profit", "share", "bank", "price", "trade"]
TEXTS = [" ".join(words) for topic in (SPORT, TRADE) for words in combinations(topic, 4)]  # 35 each
LABELS = ["sport"] * 35 + ["trade"] * 35
NEW = ["season coach", "price of a share", "xyz"]


@pytest.fixture
def clf(letters) -> AnyShotClassifier:
    return AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS)


def words_of(clf):
    return clf.any_shot_model().embedder.semantics.words


def test_words_that_texts_of_a_class_share_count_and_a_reason_says_so(clf):
    assert set(words_of(clf)) == {*SPORT, *TRADE}
    assert clf.reasons_[-1].startswith("14 words that several texts share also count, by latent semantic analysis: ")
    assert clf.predict(NEW[:2]).tolist() == ["sport", "trade"]


def test_words_are_learned_from_unlabeled_texts_alone(letters):
    names = {"sport": ["goal match"], "trade": ["stock market"]}
    clf = AnyShotClassifier(names, encoder=letters, cache=False).fit(unlabeled=TEXTS)
    assert words_of(clf)


def test_words_do_not_count_where_they_say_nothing_about_the_classes(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, ["even", "odd"] * 35)
    assert not words_of(clf)


def test_words_do_not_count_where_texts_are_few_for_the_classes(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS[25:45], LABELS[25:45])
    assert not words_of(clf)


def test_vectors_follow_the_order_of_labeled_and_unlabeled_texts(letters):
    labels = [None if row % 3 == 0 else label for row, label in enumerate(LABELS)]
    model = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, labels, unlabeled=NEW).any_shot_model()
    labeled = [text for text, label in zip(TEXTS, labels, strict=True) if label]
    without = [text for text, label in zip(TEXTS, labels, strict=True) if not label]
    assert np.array_equal(model.data.vectors, model.embedder.encode(labeled))
    assert np.array_equal(model.data.unlabeled, model.embedder.encode([*without, *NEW]))


def test_a_saved_model_gives_the_same_answers_to_the_last_bit(tmp_path):
    clf = AnyShotClassifier(cache=False).fit(TEXTS, LABELS)
    clf.save(tmp_path / "m")
    again = anyshot.load(tmp_path / "m", cache=False)
    assert words_of(again) == words_of(clf)
    assert np.array_equal(again.predict_proba(NEW), clf.predict_proba(NEW))
    facts = json.loads((tmp_path / "m" / "model.json").read_text())["facts"]
    assert "season" in facts["encoder"]["semantics"]["words"]
    assert "the words that several texts share, labeled or not" in (tmp_path / "m" / "README.md").read_text()


def test_a_saved_model_with_a_damaged_part_is_refused_by_its_folder(tmp_path):
    AnyShotClassifier(cache=False).fit(TEXTS, LABELS).save(tmp_path / "m")
    saved = read_model(tmp_path / "m")
    saved.facts["encoder"]["semantics"]["words"].pop()
    write_model(tmp_path / "m", facts=saved.facts, arrays=saved.arrays, card="")
    with pytest.raises(ModelFolderError, match=r"m is not a model that .* for 13 words that its texts share"):
        anyshot.load(tmp_path / "m")


def test_words_stay_the_same_after_more_labels_a_new_class_and_another_name(clf):
    words = words_of(clf)
    clf.partial_fit(["the cook serves soup"], ["trade"])
    clf.add_class("food", ["soup", "bread"], examples=["cook soup", "bake bread"])
    clf.rename_class("trade", "business")
    assert words_of(clf) == words
    assert clf.predict(["season coach", "cook the bread"]).tolist() == ["sport", "food"]


def test_the_vector_of_a_class_is_one_of_the_encoder(clf, letters):
    vector = letters.encode(["cook the soup"])[0]
    clf.add_class("food", vector).describe_class("food", vector.tolist())
    assert clf.predict(["cook the soup"]).tolist() == ["food"]
    with pytest.raises(WidthError, match="width 27; the model needs width 26"):
        clf.add_class("other", np.ones(27))


def test_words_do_not_count_with_class_vectors_that_are_given_or_learned_from_a_source(letters):
    vectors = dict(zip(["sport", "trade"], letters.encode(["goal match", "stock market"]), strict=True))
    given = AnyShotClassifier(vectors, encoder=letters, cache=False).fit(unlabeled=TEXTS)
    source = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS, source=(TEXTS, LABELS))
    assert not words_of(given)
    assert not words_of(source)
    later = AnyShotClassifier(vectors, encoder=letters, cache=False).fit().partial_fit(unlabeled=TEXTS)
    assert not words_of(later)


@pytest.mark.torch
def test_a_network_is_that_of_the_vectors_alone_and_a_warning_says_so():
    clf = AnyShotClassifier(cache=False).fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="does not count the words that the texts share"):
        network = clf.assembled()
    assert network.coef.shape[1] == clf.any_shot_model().embedder.encoder.width


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:The network does not count")
def test_a_network_of_a_model_with_a_class_that_waits_for_its_first_label_does_not_predict_it():
    clf = AnyShotClassifier(cache=False).partial_fit(TEXTS, [0] * 35 + [1] * 35, classes=[0, 1, 2])
    assert np.isneginf(clf.assembled().intercept).tolist() == [False, False, True]


def test_a_model_with_a_fine_tuned_encoder_counts_no_words_and_says_none(clf, letters):
    model, head = clf.any_shot_model(), LinearModel(np.eye(2, 26, dtype=np.float32), np.zeros(2, np.float32))
    tuned = with_fine_tuned(model, Embedder(letters, cache=None), head, model.leaderboard[0], TEXTS, None)
    assert tuned.reasons == model.reasons[:-1]


def test_labels_are_sure_of_their_classes_and_unlabeled_items_as_the_clusters_are(clf, letters):
    data = clf.any_shot_model().data
    rows, probabilities = class_probabilities(data)
    assert rows.tolist() == list(range(70))
    assert np.array_equal(probabilities, np.eye(2)[data.index])
    with_pool = AnyShotClassifier({"sport": ["goal"], "trade": ["stock"]}, encoder=letters, cache=False)
    data = with_pool.fit(unlabeled=TEXTS).any_shot_model().data
    rows, probabilities = class_probabilities(data)
    assert len(rows) == 70
    assert probabilities.sum(axis=1) == pytest.approx(1)
    contradicted = replace(data, defaults=replace(DEFAULTS, least_agreement=1.1))
    assert len(class_probabilities(contradicted)[0]) == 0


def test_clusters_start_at_the_labels_of_a_class_without_a_class_vector(letters):
    clf = AnyShotClassifier({"sport": ["goal match"], "trade": ["stock market"]}, encoder=letters, cache=False)
    data = clf.fit([TEXTS[0], TEXTS[-1]], ["sport", "trade"], unlabeled=TEXTS).any_shot_model().data
    without_vector = replace(data, class_embeddings=data.class_embeddings * np.array([[0], [1]], np.float32))
    rows, probabilities = class_probabilities(without_vector)
    assert len(rows) == 72
    assert (probabilities[2:].argmax(axis=1) == np.repeat([0, 1], 35)).mean() > 0.9


def test_words_of_an_unlabeled_set_that_contradicts_the_names_do_not_count_by_a_few_labels(clf, letters):
    embedder, data = without_shared_words(clf.any_shot_model().embedder, clf.any_shot_model().data)
    few = replace(data.subset(np.array([0, 1, 68, 69])), examples=tuple(TEXTS[row] for row in (0, 1, 68, 69)))
    few = few.with_unlabeled(letters.encode(TEXTS)).with_defaults(replace(DEFAULTS, least_agreement=1.1))
    assert not with_shared_words(embedder, few, TEXTS)[0].semantics.words


def test_a_weight_of_zero_leaves_words_out_and_vectors_without_them_are_those_of_the_encoder(clf, letters):
    embedder, data = without_shared_words(clf.any_shot_model().embedder, clf.any_shot_model().data)
    assert np.abs(data.vectors - letters.encode(TEXTS)).max() < 1e-6
    off = data.with_defaults(replace(DEFAULTS, semantics_weight=0.0))
    assert not with_shared_words(embedder, off, [])[0].semantics.words


def test_a_fit_with_shared_words_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AnyShotClassifier(cache=False).fit(TEXTS, LABELS)


def test_words_of_the_first_unlabeled_texts_of_partial_fit_count_as_those_of_fit(letters):
    names = {"sport": ["goal match"], "trade": ["stock market"]}
    at_once = AnyShotClassifier(names, encoder=letters, cache=False).fit(TEXTS[:1], LABELS[:1], unlabeled=TEXTS)
    later = AnyShotClassifier(names, encoder=letters, cache=False).fit(TEXTS[:1], LABELS[:1])
    assert not words_of(later)
    later.partial_fit(unlabeled=TEXTS)
    assert np.abs(later.predict_proba(NEW) - at_once.predict_proba(NEW)).max() < 1e-3
    words = words_of(later)
    later.partial_fit(unlabeled=["fresh bread", "fresh soup"] * 50)
    assert words_of(later) == words
