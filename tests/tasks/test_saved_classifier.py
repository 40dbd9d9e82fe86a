"""The folder of an AnyShotClassifier."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anyshot import AnyShotClassifier, load
from anyshot.errors import InputError, ModelFolderError
from labeled_items import LABELS, TEXTS, WORDS, animals, assert_same_model, clouds


def test_a_saved_model_predicts_the_same_and_can_learn_more(tmp_path):
    X, y, centers = clouds(6, spread=0.4)
    pool, _, _ = clouds(10, spread=0.4, seed=2)
    clf = AnyShotClassifier(centers, unknown_rate=0.1, cache=False).fit(X, y, unlabeled=pool)
    clf.save(tmp_path / "model")
    back = load(tmp_path / "model", cache=False)
    np.testing.assert_allclose(back.predict_proba(pool), clf.predict_proba(pool), atol=1e-6)
    assert back.predict(pool).tolist() == clf.predict(pool).tolist()
    assert back.reasons_ == clf.reasons_
    pd.testing.assert_frame_equal(back.leaderboard_, clf.leaderboard_)
    more, labels, _ = clouds(2, spread=0.4, seed=4)
    assert_same_model(back.partial_fit(more, labels), clf.partial_fit(more, labels), pool)


def test_a_model_with_an_encoder_object_cannot_be_saved(clf, tmp_path):
    with pytest.raises(ModelFolderError, match="name the encoder, as hf:FOLDER"):
        clf.fit(TEXTS, LABELS).save(tmp_path / "model")


def test_a_model_of_names_alone_is_saved_and_finds_its_encoder_after_loading(tmp_path):
    clf = AnyShotClassifier(
        {"refund": "money back", "delivery": None}, cache=False, class_prior={"refund": 3, "delivery": 1}
    )
    clf.fit().save(tmp_path / "model")
    assert "2 classes, 0 labeled examples" in (tmp_path / "model" / "README.md").read_text()
    again = load(tmp_path / "model", cache=False)
    assert (again.classes_.tolist(), again.method_) == (["delivery", "refund"], "zero-shot")
    texts = ["where is my parcel", "give me my money"]
    assert again.predict(texts).tolist() == ["delivery", "refund"]
    np.testing.assert_array_equal(again.predict_proba(texts), clf.predict_proba(texts))


def test_a_saved_model_gives_the_same_prediction_sets(tmp_path, letters):
    clf = AnyShotClassifier(list(WORDS), encoder="minilm", cache=False)
    clf.fit(TEXTS, LABELS).save(tmp_path / "model")
    back = load(tmp_path / "model", cache=False)
    assert list(back.classes) == list(WORDS)  # in the order given
    assert back.predict_set(TEXTS, coverage=0.8) == clf.predict_set(TEXTS, coverage=0.8)


def test_a_model_with_attributes_can_change_and_be_saved(tmp_path):
    X, y, attributes, unseen = animals()
    seen = ~np.isin(y, unseen)
    at_once = AnyShotClassifier(attributes, cache=False).fit(X[seen], y[seen])
    last = attributes.popitem()
    clf = AnyShotClassifier(attributes, cache=False).fit(X[seen], y[seen]).add_class(*last)
    assert_same_model(clf, at_once, X)
    clf.save(tmp_path / "model")
    assert_same_model(load(tmp_path / "model", cache=False), at_once, X)
    with pytest.raises(InputError, match="Pass 6 numbers for 'okapi'"):
        clf.add_class("okapi")


def test_words_are_saved_and_models_of_the_first_edition_do_not_know_them(tmp_path):
    clf = AnyShotClassifier(["spam", "ham"], encoder="minilm").fit()
    clf.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.words is True
    np.testing.assert_allclose(loaded.predict_proba(["a prize"]), clf.predict_proba(["a prize"]), atol=1e-6)
    assert any("'joy' as happy" in reason for reason in loaded.add_class("joy").reasons_)
    earlier = load(Path(__file__).parents[1] / "first_edition" / "texts")
    assert earlier.words is False
    assert not any("words" in reason for reason in earlier.add_class("joy").reasons_)
