"""The report on any estimator."""

import html
import re
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from anyshot import AnyShotClassifier
from anyshot.errors import InputError, MissingPartError, NotEnoughLabelsError
from anyshot.evaluation.learning_curves import LearningCurve, learning_curve
from anyshot.evaluation.report import collect, sections
from anyshot.evaluation.report.assembly import report
from anyshot.evaluation.splits import cross_validate
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import EncodingCounts, encode_once

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> $\\alpha$ {{ 7 * 7 }}'


def blobs(n=60, *, seed=0):
    random = np.random.default_rng(seed)
    y = np.array(["low", "middle", "high"])[np.arange(n) % 3]
    x = np.array([{"low": 0.0, "middle": 2.0, "high": 4.0}[name] for name in y])
    return np.stack([x, np.ones(n)], axis=1) + random.normal(size=(n, 2)), y.tolist()


@pytest.fixture(scope="module")
def model():
    return LogisticRegression().fit(*blobs())


@pytest.fixture(scope="module")
def found(model):
    return report(model, *blobs(seed=1))


def test_the_figures_agree_with_the_predictions(model, found):
    X, y = blobs(seed=1)
    wrong = int((model.predict(X) != np.array(y)).sum())
    assert found.evaluation.accuracy == pytest.approx(1 - wrong / 60)
    assert found.tables["confusions"]["n"].sum() == wrong
    assert len(found.tables["mistakes"]) == min(wrong, 20)
    assert (found.tables["mistakes"]["p_answer"].diff().dropna() <= 0).all()
    assert found.verdict.startswith(f"It classifies about {100 - 100 * wrong / 60:.0f} of 100 such items correctly")


def test_an_any_shot_classifier_shows_its_reasons_and_suggestions(letters):
    clf = AnyShotClassifier(["aaa", "bbb"], encoder=letters, cache=False)
    clf.fit(["aa", "ab a", "bb", "b ba", "aac", "bbc"], ["aaa", "aaa", "bbb", "bbb", "aaa", "bbb"])
    found = report(clf, ["a", "b", "ba b", "baa"], ["aaa", "bbb", "aaa", "bbb"], pool=["abab", "aaaa", "cb"])
    assert list(found.sections) == [
        "task", "curve", "method", "confusions", "calibration", "unknowns", "classes", "groups", "mistakes", "labels",
        "next", "cost", "reproduce",
    ]  # fmt: skip
    page = html.unescape(found.to_html())
    assert all(reason in page.replace("\xa0", " ") for reason in clf.reasons_)
    assert all(card.reasons for card in found.sections["mistakes"].cards)
    assert len(found.tables["next"]) == 3


def test_a_model_without_probabilities_has_a_report_without_them():
    X, y = blobs()
    found = report(LinearSVC().fit(X, y), X, y)
    assert "reliability" not in found.figures
    assert "need a classifier with predict_proba" in found.to_html()


def test_training_data_adds_label_counts_a_curve_and_wrong_labels(model, monkeypatch):
    monkeypatch.setattr(sections, "CURVE_SEEDS", 1)
    X, y = blobs()
    y[0] = "high"
    found = report(model, *blobs(seed=1), train=(X, y))
    assert {"curve", "reliability"} <= set(found.figures)
    assert 0 in found.tables["label_errors_train"]["row"].tolist()
    assert found.tables["classes"]["labels"].sum() == 60
    assert found.sections["task"].notes[0] == "The training data have 60 labels: 19 to 21 per class, median 20."
    assert [tile.figure for tile in found.tiles][2] == "60"


def test_test_items_that_the_model_was_trained_on_are_counted():
    X, y = blobs()
    table = pd.DataFrame(X, columns=["age", "pay"])
    clf = AnyShotClassifier(cache=False).fit(table, y)
    for model, items in ((clf, table), (AnyShotClassifier(cache=False).fit(X, y), X)):
        found = report(model, items, y)
        assert found.warnings[0].startswith("60 of the 60 test items equal training items; if they are the same, these")
        assert found.sections["task"].notes[-1] == found.warnings[0]
    found = report(clf, table + 0.5, y)
    assert found.sections["task"].notes[-1] == "None of them may have been used for training."
    assert "equal training items" not in found.to_html()


def test_a_report_warns_of_rows_unlike_those_that_the_model_saw_and_not_of_those_unlike_its_own_parts(monkeypatch):
    monkeypatch.setattr(sections, "CURVE_SEEDS", 1)
    X, y = blobs()
    train, test = (pd.DataFrame(rows, columns=["age", "pay"]) for rows in (X, blobs(seed=1)[0]))
    train.loc[0, "age"], train.loc[1, "pay"] = np.nan, 1e6
    clf = AnyShotClassifier(cache=False).fit(train, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report(clf, test, y, train=(train, y))
        cross_validate(clf, train, y)
    complete = AnyShotClassifier(cache=False).fit(train.drop(index=[0, 1]), y[2:])
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        report(complete, train, y)
    assert {str(one.message)[:27] for one in found} == {"Column 'age' had no missing", "Column 'pay' is 1000000 in "}


def test_a_given_curve_is_shown(model, found):
    X, y = blobs()
    curve = learning_curve({"peer <b>": model}, X, y, *blobs(seed=1), shots=(2, 5, 10), seeds=2)
    page = report(model, X, y, curve=curve).to_html()
    assert "peer &lt;b&gt;" in page
    assert "peer <b>" not in page
    assert "train=(items, labels)" in found.missing["curve"]


@pytest.mark.parametrize(
    ("scores", "lead"),
    [
        ({1: 0.54, 2: 0.66, 3: 0.72, 4: 0.76, 5: 0.79}, "With 5 labels per class, the mean accuracy is 79.0 %. With"),
        ({1: 0.5, 2: 0.6}, "With 2 labels per class, the mean accuracy is 60.0 %. What twice as many would bring"),
    ],
)
def test_a_curve_is_extrapolated_or_the_report_says_why_not(model, scores, lead):
    rows = [("m", k, 0, 2 * k, score) for k, score in scores.items()]
    frame = pd.DataFrame(rows, columns=["model", "shots", "seed", "n_labels", "accuracy"]).astype({"shots": object})
    found = report(model, *blobs(), curve=LearningCurve(frame, n_test=100))
    assert found.sections["curve"].lead.startswith(lead)


def test_training_labels_of_one_class_give_no_curve(model):
    X, y = blobs()
    found = report(model, X, y, train=(X, ["low"] * 60))
    assert 'needs training labels of two classes; all are of "low"' in found.missing["curve"]


def test_text_from_the_data_never_becomes_markup(letters):
    clf = AnyShotClassifier({HOSTILE: "a", "b": "b"}, encoder=letters, cache=False).fit([HOSTILE], [HOSTILE])
    texts = [HOSTILE, "bb", "half \ud800".encode("utf-8", "replace").decode()]
    found = report(clf, texts, ["b", HOSTILE, "b"], groups={HOSTILE: [HOSTILE, "x", "x"]}, pool=texts)
    page = found.to_html(title=HOSTILE)
    assert page.count("<script>") == 1
    assert "<img src=x" not in page
    assert "{{ 7 * 7 }}" in page


def test_a_class_unknown_to_the_model_is_marked(model):
    X, y = blobs()
    found = report(model, X, ["new", *y[1:]])
    assert "new (unknown to the model)" in found.to_html()
    rows = found.tables["groups"].set_index("group")
    assert rows.loc["class unknown to the model", ["n", "accuracy"]].tolist() == [1, 0.0]


def test_items_of_one_class_are_named_in_the_verdict(model):
    X, y = blobs()
    only = [row for row, name in enumerate(y) if name == "low"]
    assert "All items are of one class" in str(report(model, X[only], ["low"] * len(only)))


def test_a_group_of_one_item_is_shown_with_a_note(model):
    X, y = blobs()
    found = report(model, X, y, groups=["alone", *["crowd"] * 59])
    assert found.tables["groups"]["n"].tolist() == [1, 59]
    assert "alone." in found.sections["groups"].notes[0]


def test_of_very_many_items_a_sample_is_used(model, monkeypatch):
    monkeypatch.setattr(collect, "MAX_ITEMS", 50)
    X, y = blobs(200)
    found = report(model, X, y)
    assert found.evaluation.n == 50
    assert "Only a random sample of 50 of the 200 items was used." in found.to_html()
    assert "200 items, with seed 0" in found.to_html()
    assert report(model, X, y).evaluation.accuracy == found.evaluation.accuracy


def test_probabilities_that_do_not_sum_to_one_are_refused():
    class Doubled(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X) * 2

    X, y = blobs()
    with pytest.raises(InputError, match="Row 0"):
        report(Doubled().fit(X, y), X, y)


def test_labels_are_needed(model):
    X, y = blobs()
    with pytest.raises(InputError, match="60 items and 59 labels"):
        report(model, X, y[1:])
    with pytest.raises(NotEnoughLabelsError, match="none of the 60 has a label"):
        report(model, X, [None] * 60)


def test_items_without_a_label_do_not_count(model):
    X, y = blobs()
    found = report(model, X, [None, *y[1:]])
    assert found.evaluation.n == 59
    assert 0 not in found.tables["mistakes"]["row"].tolist()


def test_rows_of_a_data_frame_are_shown_by_column_and_nothing_is_changed(model):
    X, y = blobs()
    frame = pd.DataFrame(X, columns=["height", "weight"])
    before = frame.copy()
    page = report(LogisticRegression().fit(frame, y), frame, y).to_html()
    assert "height: " in page
    pd.testing.assert_frame_equal(frame, before)


def test_texts_of_a_pipeline_are_shown():
    texts, y = ["good film", "bad film", "good play", "bad play"], ["up", "down", "up", "down"]
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, y)
    page = report(model, ["good good", "bad 日本"], ["down", "down"]).to_html()
    assert "good good" in page


def test_missing_parts_are_listed_with_what_they_need(found):
    assert set(found.missing) == {"curve", "leaderboard", "unknowns", "groups", "label_errors_train", "next"}
    page = html.unescape(found.to_html())
    assert all(line in page for line in found.missing.values())
    with pytest.raises(MissingPartError, match=r"train=\(items, labels\)"):
        found.tables["curve"]
    with pytest.raises(KeyError, match=r"There is no 'nonsense'\. Available: "):
        found.figures["nonsense"]
    assert found.tables.get("curve") is None


def test_weights_act_as_repeated_items(model):
    X, y = blobs(seed=1)
    weight = np.arange(60) % 3
    rows = np.arange(60).repeat(weight)
    sites = np.array(["north", "south"] * 30)
    weighed = report(model, X, y, sample_weight=weight, groups=sites)
    copied = report(model, X[rows], [y[row] for row in rows], groups=sites[rows])
    assert weighed.evaluation.accuracy == pytest.approx(copied.evaluation.accuracy)
    assert weighed.evaluation.ece == pytest.approx(copied.evaluation.ece)
    both = [one.tables["groups"].set_index("group")["accuracy"].to_dict() for one in (weighed, copied)]
    assert both[0] == pytest.approx(both[1])
    shares = [one.tables["reliability"]["accuracy"].tolist() for one in (weighed, copied)]
    assert shares[0] == pytest.approx(shares[1])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train": {"a": [[0.0, 0.0]]}}, r"train must be a pair, \(items, labels\); got dict"),
        ({"pool": ([0.0, 0.0] for _ in range(2))}, r"items without labels is needed; got a generator.*list\("),
    ],
)
def test_further_items_are_a_pair_and_a_list(given, words, model):
    with pytest.raises(InputError, match=words):
        report(model, *blobs(), **given)


def test_weights_that_sum_to_zero_are_refused(model):
    X, y = blobs()
    with pytest.raises(InputError, match="weights of the 60 items sum to zero"):
        report(model, X, y, sample_weight=np.zeros(60))
    with pytest.raises(InputError, match="label sum to zero"):
        report(model, X, [None, *y[1:]], sample_weight=[1.0] + [0.0] * 59)


def test_a_group_without_weight_has_no_accuracy(model):
    X, y = blobs()
    found = report(model, X, y, sample_weight=[0.0] * 5 + [1.0] * 55, groups=["none"] * 5 + ["some"] * 55)
    assert np.isnan(found.tables["groups"].set_index("group").loc["none", "accuracy"])
    assert "fewer than two groups" in found.to_html()


class EncodesItems:
    """A classifier that encodes every item."""

    classes_ = np.array(["a", "b"])

    def __init__(self, encoder, cache):
        self.encoder, self.cache, self.encoding_counts = encoder, cache, EncodingCounts()

    def predict(self, X):
        encode_once(self.encoder, X, cache=self.cache, counts=self.encoding_counts)
        return ["a"] * len(X)


def test_the_items_that_the_cache_had_are_counted(letters, tmp_path):
    cache = VectorCache(tmp_path)
    encode_once(letters, ["x"], cache=cache)
    found = report(EncodesItems(letters, cache), ["x", "y", "y", "z"], ["a", "a", "b", "b"])
    predictions = found.tables["cost"].iloc[0]
    cached = 1 if hasattr(letters, "digest") else 0
    assert predictions[["requested", "duplicates", "cached", "encoded"]].tolist() == [4, 1, cached, 3 - cached]
    assert any(note.startswith("Of 4 items") for note in found.sections["cost"].notes)


def test_a_model_that_encodes_nothing_has_no_table_of_encodings(found):
    assert found.sections["cost"].shown == ()
    assert found.sections["cost"].notes[1] == "The model encoded no items."


def test_the_digest_changes_with_the_data(model, found):
    X, y = blobs(seed=1)
    code = found.sections["reproduce"].code
    assert "LogisticRegression" in code
    assert "numpy" in code
    assert report(model, X, y).sections["reproduce"].code == code
    assert report(model, X + 1, y).sections["reproduce"].code != code


def test_a_long_parameter_is_shown_by_its_ends():
    model = LogisticRegression().fit(*blobs()).set_params(class_weight=dict.fromkeys(range(50), 1))
    code = report(model, *blobs(seed=1)).sections["reproduce"].code
    assert re.search(r"class_weight +\{0: 1, .* … .*, 49: 1\}\n", code)


def test_the_curve_ends_at_the_model_itself_and_its_labels(model):
    X, y = blobs()
    found = report(model, *blobs(seed=1), train=(X, y))
    last = found.tables["curve"].iloc[-1]
    assert (last["shots"], last["n_labels"]) == ("all", 60)
    assert last["mean"] == pytest.approx(found.evaluation.accuracy)
    assert "With all 60 labels, the accuracy is " in found.sections["curve"].lead


def test_costs_are_those_without_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))

    class Slow:
        modality, width, digest, encoded = "text", 2, "slow-1", 0

        def encode(self, inputs):
            Slow.encoded += len(inputs)
            time.sleep(0.01 * len(inputs))
            return np.array([[1.0, 0.0] if "a" in text else [0.0, 1.0] for text in inputs], dtype=np.float32)

    texts = [f"{letter} {number}" for letter in "ab" for number in range(20)]
    labels = [text[0] for text in texts]
    clf = AnyShotClassifier(encoder=Slow()).fit(texts, labels)
    n_fitted = Slow.encoded  # also the class names
    found = report(clf, texts, labels)
    assert Slow.encoded == n_fitted + 1 + 40  # the first item sets up the encoder
    took = float(re.search(r"A prediction takes ([\d.]+) ms, measured on 40 items", found.sections["cost"].lead)[1])
    assert took > 9
    assert found.tables["cost"]["cached"].iloc[0] == 40  # the predictions themselves used the cache


def test_with_few_test_items_the_verdict_states_the_counts():
    X, y = blobs()
    found = report(LogisticRegression().fit(X, y), X[:5], y[:5])
    assert found.verdict.startswith(f"It classified {round(5 * found.evaluation.accuracy)} of 5 test items correctly.")
    assert "unreliable" in found.tiles[-1].note


@pytest.mark.parametrize(
    ("n_right", "weights", "said"),
    [
        (9, None, "It classified 9 of 9 test items correctly: of 100 such items, at least 70 would be"),
        (0, None, "It classified 0 of 9 test items correctly: of 100 such items, at most 30 would be"),
        (9, [1.0] * 8 + [3.0], "It classified 100.0 % of the weight of 9 test items correctly. That is too few to say"),
    ],
)
def test_all_or_none_of_the_test_items_right_is_not_said_to_be_all_or_none_of_new_ones(n_right, weights, said):
    X, y = np.tile([[0.0], [1.0]], (5, 1)), ["a", "b"] * 5
    labels = y[:n_right] if n_right else ["b", "a"] * 4 + ["b"]
    found = report(LogisticRegression().fit(X, y), X[:9], labels, sample_weight=weights)
    assert found.verdict.startswith(said)
    assert "100 of 100" not in found.verdict


def test_test_items_among_the_training_items_are_counted(model):
    X, y = blobs()
    found = report(model, X, y, train=(X[:20], y[:20]))
    assert found.warnings[0].startswith("20 of the 60 test items equal training items")


def test_groups_in_another_order_are_named_and_generators_refused():
    X = pd.Series(["a", "b"] * 6, index=range(20, 32))
    model = make_pipeline(CountVectorizer(token_pattern="."), LogisticRegression()).fit(X, X)
    with pytest.warns(UserWarning, match="items and groups name the same rows in another order"):
        report(model, X, X, groups=X[::-1])
    with pytest.raises(InputError, match="got a generator"):
        report(model, (text for text in X), X)
