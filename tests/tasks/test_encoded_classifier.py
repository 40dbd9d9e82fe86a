import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from anyshot import AnyShotClassifier, learning_curve, load, report
from anyshot.errors import NotEnoughLabelsError
from anyshot.tasks.encoded_classifier import EncodedClassifier

COLORS = {"red": (200, 30, 30), "blue": (30, 30, 200)}


def pictures(n, seed):
    random = np.random.default_rng(seed)
    shown = [np.clip(np.array(color) + random.normal(0, 20, (8, 8, 3)), 0, 255) for color in COLORS.values()] * n
    return [one.astype(np.uint8) for one in shown], [*COLORS] * n


def test_all_labels_of_a_model_give_the_model():
    X = np.random.default_rng(0).normal(size=(20, 4))
    clf = AnyShotClassifier(encoder="vectors", cache=False).fit(X, np.where(X[:, 0] > 0, "a", "b"))
    encoded = clf.encoded()
    vectors, labels = encoded.training_examples()
    again = clone(encoded).fit(vectors, labels)
    assert isinstance(again, EncodedClassifier)
    assert again.predict(encoded.encode(X)).tolist() == clf.predict(X).tolist()
    assert not hasattr(encoded, "fitted_")
    with pytest.raises(NotEnoughLabelsError):
        clone(encoded).fit()


def test_a_curve_is_of_the_model_with_its_unlabeled_items():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(24, 4)), ["a", "b"] * 12
    clf = AnyShotClassifier(encoder="vectors", cache=False).fit(X[:12], y[:12], unlabeled=random.normal(size=(9, 4)))
    encoded = clf.encoded()
    assert len(clone(encoded).fit(*encoded.training_examples()).fitted_.data.unlabeled) == 9
    expected = learning_curve(
        encoded, *encoded.training_examples(), encoded.encode(X[12:]), y[12:], shots=(0, 1, 2, 5), seeds=3
    ).summary()["mean"]
    assert report(clf, X[12:], y[12:]).tables["curve"]["mean"].tolist()[:-1] == expected.tolist()


def test_a_model_that_has_encoded_no_item_has_a_report_without_a_curve():
    clf = AnyShotClassifier({"a": [1.0, 0.0], "b": [0.0, 1.0]}, cache=False).fit()
    assert clf.training_examples() is None
    assert "there are none" in report(clf, np.eye(2), ["a", "b"]).missing["curve"]


@pytest.mark.full
def test_the_report_of_a_saved_image_model_has_its_curve(tmp_path):
    AnyShotClassifier(cache=False).fit(*pictures(4, 0)).save(tmp_path / "model")
    found = report(load(tmp_path / "model"), *pictures(3, 1))
    assert "curve" not in found.missing
    assert found.tables["curve"]["shots"].tolist()[-1] == "all"
    assert found.tables["curve"]["n_labels"].iloc[-1] == 8


def test_a_model_of_a_table_keeps_no_rows_and_is_reported():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    y = np.where(X["a"] > 0, "yes", "no")
    clf = AnyShotClassifier(cache=False).fit(X[:30], y[:30])
    assert clf.training_examples() is None
    assert len(report(clf, X[30:], y[30:]).tables["curve"]) > 1
