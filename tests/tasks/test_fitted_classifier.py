"""A fitted AnyShotClassifier: its predictions, changes of its classes, and its use by several threads."""

import copy

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer, roc_auc_score

from anyshot import UNKNOWN, AnyShotClassifier, load
from anyshot.errors import (
    BadItemError,
    ClassesError,
    InputError,
    MixedInputError,
    NotEnoughLabelsError,
    WidthError,
)
from anyshot.zero_shot.class_readings import REST_OFFSET
from labeled_items import LABELS, TEXTS, WORDS, assert_same_model, clouds


def test_names_alone_are_enough_to_predict(clf):
    assert clf.fit().predict(["zoo", "a cup of tea", "hubub"]).tolist() == ["zoo", "tea", "hub"]
    assert clf.method_ == "zero-shot"


def test_after_fit_without_items_the_first_items_choose_the_encoder():
    clf = AnyShotClassifier({"left": [-1.0, 0.0], "right": [1.0, 0.0]}, cache=False)
    assert clf.fit().predict(np.array([[0.5, 0.1]])).tolist() == ["right"]
    unfitted = AnyShotClassifier(["a", "b"], cache=False).fit()
    assert unfitted.classes_.tolist() == ["a", "b"]
    with pytest.raises(NotEnoughLabelsError, match="Class 'a' has no label, and its name says nothing about"):
        unfitted.predict(np.eye(2))


def test_the_most_probable_class_is_predicted():
    X, y, centers = clouds(8, n_classes=5, spread=0.6)
    for prior in ("balanced", "labels", {"c0": 5, "c1": 1, "c2": 1, "c3": 1, "c4": 1}):
        clf = AnyShotClassifier(centers, class_prior=prior, cache=False).fit(X, y)
        probabilities = clf.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert clf.predict(X).tolist() == clf.classes_[probabilities.argmax(axis=1)].tolist()
        assert clf.predict(X).tolist() == clf.classes_[clf.decision_function(X).argmax(axis=1)].tolist()


def test_permuting_the_items_permutes_the_predictions():
    X, y, centers = clouds(8, spread=0.5)
    order = np.random.default_rng(1).permutation(len(X))
    clf = AnyShotClassifier(centers, cache=False).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X[order]), clf.predict_proba(X)[order], atol=1e-6)


def test_adding_a_class_gives_the_model_of_all_classes_at_once():
    X, y, centers = clouds(7, n_classes=4, spread=0.4)
    labels = np.array(y)
    old = labels != "c3"
    fewer = {name: center for name, center in centers.items() if name != "c3"}
    changed = AnyShotClassifier(fewer, cache=False).fit(X[old], labels[old])
    changed.add_class("c3", centers["c3"], examples=X[~old])
    order = np.concatenate([np.flatnonzero(old), np.flatnonzero(~old)])
    assert_same_model(changed, AnyShotClassifier(centers, cache=False).fit(X[order], labels[order]), X)


def test_removing_a_class_gives_the_model_without_it():
    X, y, centers = clouds(7, n_classes=4, spread=0.4)
    labels = np.array(y)
    old = labels != "c1"
    changed = AnyShotClassifier(centers, cache=False).fit(X, labels).remove_class("c1")
    fewer = {name: center for name, center in centers.items() if name != "c1"}
    assert_same_model(changed, AnyShotClassifier(fewer, cache=False).fit(X[old], labels[old]), X)


def test_a_change_encodes_only_the_new_items(clf, letters):
    clf.fit(TEXTS, LABELS)
    letters.encoded.clear()
    clf.add_class("fig", examples=["fig figs"])
    assert "fig figs" in letters.encoded
    assert not set(letters.encoded) & set(TEXTS)


def test_a_class_can_be_added_before_any_item_is_encoded(letters):
    clf = AnyShotClassifier(["zoo", "tea"], encoder=letters, cache=False).fit().add_class("hub")
    assert clf.predict(["hub"]).tolist() == ["hub"]
    assert clf.remove_class("zoo").classes_.tolist() == ["hub", "tea"]


def test_a_class_of_the_rest_has_an_advantage_until_its_items_are_known(letters):
    clf = AnyShotClassifier(["billing", "other"], encoder=letters, cache=False).fit()
    clf.predict(TEXTS)
    model = clf.any_shot_model()
    scale = np.linalg.norm(model.coef, axis=1)
    np.testing.assert_allclose(model.intercept, [0, REST_OFFSET * scale[1]], rtol=1e-5)  # cosines have the factor scale
    again = AnyShotClassifier(["billing", "other"], encoder=letters, cache=False).fit(TEXTS[:3], ["other"] * 3)
    later = clf.partial_fit(TEXTS[:3], ["other"] * 3).predict_proba(TEXTS)
    np.testing.assert_allclose(later, again.predict_proba(TEXTS), atol=1e-4)


def test_a_class_is_added_in_its_place_and_its_examples_are_kept(letters):
    clf = AnyShotClassifier(["zoo", "hub"], encoder=letters, cache=False)
    clf.fit([*WORDS["zoo"], *WORDS["hub"]], ["zoo"] * 6 + ["hub"] * 6)
    clf.add_class("tea", examples=WORDS["tea"])
    assert clf.classes_.tolist() == ["hub", "tea", "zoo"]
    assert clf.predict(TEXTS).tolist() == LABELS
    expected = AnyShotClassifier(list(WORDS), encoder=letters, cache=False).fit(TEXTS, LABELS)
    np.testing.assert_allclose(clf.predict_proba(TEXTS), expected.predict_proba(TEXTS), atol=1e-3)


def test_a_new_name_that_looks_like_another_is_named_and_its_example_loses_an_earlier_label(letters):
    clf = AnyShotClassifier(list(WORDS), encoder=letters, cache=False).fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="The classes 'Tea' and 'tea' look alike"):
        clf.add_class("Tea", examples=WORDS["zoo"][:1])
    assert clf.any_shot_model().data.counts.tolist() == [1, 6, 6, 5]  # Tea, hub, tea, zoo
    with pytest.warns(UserWarning, match="'Tea' and 'tea' look alike"):
        AnyShotClassifier(list(WORDS), cache=False).fit().add_class("Tea")  # before any item is encoded
    with pytest.warns(UserWarning, match="'HUB' and 'hub' look alike"):
        clf.rename_class("zoo", "HUB")
    mixed = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, [3 if one == "tea" else one for one in LABELS])
    mixed.add_class("new", examples=WORDS["zoo"][:1])
    assert dict(zip(mixed.classes_.tolist(), mixed.any_shot_model().data.counts, strict=True))["zoo"] == 5


def test_no_class_may_have_the_name_of_unknown_items(letters):
    clf = AnyShotClassifier(list(WORDS), encoder=letters, cache=False, unknown_rate=0.1).fit(TEXTS, LABELS)
    with pytest.raises(ClassesError, match="the prediction for items of no class"):
        clf.add_class(UNKNOWN, examples=["q"])
    assert UNKNOWN not in clf.classes_


def test_given_class_shares_stay_with_classes_that_change(letters, tmp_path):
    prior = {"tea": 6, "zoo": 3, "hub": 1}
    clf = AnyShotClassifier(list(prior), encoder=letters, class_prior=prior, cache=False).fit(TEXTS, LABELS)

    def shares(changed):
        data = changed.any_shot_model().data
        return dict(zip(data.classes.tolist(), data.class_prior.round(3).tolist(), strict=True))

    def shares_after(change):
        return shares(change(copy.copy(clf)))

    assert shares_after(lambda c: c.rename_class("zoo", "bus")) == {"bus": 0.3, "hub": 0.1, "tea": 0.6}
    assert shares_after(lambda c: c.merge_classes(["zoo", "hub"], "bus")) == {"bus": 0.4, "tea": 0.6}
    assert shares_after(lambda c: c.remove_class("tea")) == {"hub": 0.25, "zoo": 0.75}
    assert shares_after(lambda c: c.describe_class("tea", "a drink"))["tea"] == 0.6
    with pytest.warns(UserWarning, match=r"no share of the new class 'bus'\. The mean of the others is taken, 25 %"):
        changed = copy.copy(clf).add_class("bus", examples=["bus"])
    assert shares(changed) == {"bus": 0.25, "hub": 0.075, "tea": 0.45, "zoo": 0.225}
    exchanged = copy.copy(clf)
    for old, new in (("tea", "x"), ("zoo", "tea"), ("x", "zoo")):
        exchanged.rename_class(old, new)
    assert shares(exchanged.partial_fit(["tea"], ["tea"])) == {"hub": 0.1, "tea": 0.3, "zoo": 0.6}
    assert exchanged.class_prior == prior  # fit reads the classes as they were given
    assert shares(exchanged.fit(TEXTS, LABELS)) == {"hub": 0.1, "tea": 0.6, "zoo": 0.3}
    pending = AnyShotClassifier(list(prior), class_prior=prior, cache=False).fit().rename_class("zoo", "bus")
    pending.save(tmp_path)
    assert load(tmp_path).class_prior == pytest.approx({"bus": 0.3, "hub": 0.1, "tea": 0.6})
    pending.predict(["a cup of tea"])
    assert shares(pending) == {"bus": 0.3, "hub": 0.1, "tea": 0.6}


def test_class_shares_that_are_set_must_match_the_classes(letters):
    clf = AnyShotClassifier(["tea", "zoo"], encoder=letters, class_prior={"tea": 0.7, "zoo": 0.3}, cache=False)
    clf.fit(["tea", "zoo"], ["tea", "zoo"])
    assert clf.set_params(class_prior={"tea": 1, "zoo": 1, "bus": 1}).add_class("bus").classes_.tolist()[0] == "bus"
    with pytest.raises(ClassesError, match="names 'zoo', which is not a class"):
        clf.set_params(class_prior={"tea": 1, "zoo": 1}).remove_class("zoo")
    with pytest.raises(ClassesError, match="does not name the class 'bus'"):
        clf.partial_fit(["tea"], ["tea"])
    assert clf.set_params(class_prior={"tea": 1, "bus": 1}).remove_class("zoo").classes_.tolist() == ["bus", "tea"]


def test_items_of_no_class_are_unknown_and_few_others_are():
    X, y, centers = clouds(40, width=12, spread=0.15)
    fresh, truth, _ = clouds(200, width=12, spread=0.15, seed=5)
    clf = AnyShotClassifier(centers, unknown_rate=0.05, cache=False).fit(X, y)
    outliers = np.eye(12)[6:] + 0.05 * np.random.default_rng(0).normal(size=(6, 12))
    assert (clf.predict(outliers) == UNKNOWN).all()
    assert 0.01 < np.mean(clf.predict(fresh) == UNKNOWN) < 0.1
    assert 0 < clf.unknown_threshold_ < 1.1
    assert (clf.closeness(outliers) < clf.unknown_threshold_).all()
    known = clf.predict(fresh) != UNKNOWN
    assert np.mean(clf.predict(fresh)[known] == np.array(truth)[known]) > 0.95


def test_unlabeled_items_are_enough_for_the_threshold():
    pool, _, centers = clouds(40, spread=0.15)
    clf = AnyShotClassifier(centers, unknown_rate=0.05, cache=False).fit(unlabeled=pool)
    assert np.mean(clf.predict(pool) == UNKNOWN) == pytest.approx(0.05, abs=0.02)


def test_an_explanation_names_class_runner_up_examples_and_description(letters):
    classes = {"zoo": ["ooz", "lion"], "tea": "cup"}
    clf = AnyShotClassifier(classes, encoder=letters, cache=False).fit(["zoozoo", "teatea"], ["zoo", "tea"])
    (why,) = clf.explain(["lino"], k=1)
    assert (why.answer, why.runner_up, why.matched) == ("zoo", "tea", "lion")
    assert [near.example for near in why.neighbors] == ["zoozoo"]
    assert why.margin == pytest.approx(why.probability - (1 - why.probability))
    assert "zoozoo" in str(why)


def test_explanations_of_class_vectors_have_no_text(letters):
    given = {name: letters.encode([name])[0] for name in WORDS}
    clf = AnyShotClassifier(given, encoder=letters, cache=False).fit(TEXTS, LABELS)
    assert [one.matched for one in clf.explain(["tea", "zoo"])] == [None, None]


def test_suggestions_are_uncertain_items_of_the_pool_each_once():
    X, y, centers = clouds(4)
    random = np.random.default_rng(3)
    certain = np.repeat(np.eye(8)[:1], 20, axis=0) + 0.01 * random.normal(size=(20, 8))
    uncertain = np.repeat((np.eye(8)[1:2] + np.eye(8)[2:3]) / 2, 20, axis=0) + 0.3 * random.normal(size=(20, 8))
    rows = AnyShotClassifier(centers, cache=False).fit(X, y).suggest(np.vstack([certain, uncertain]), n=5)
    assert len(set(rows.tolist())) == 5
    assert rows[0] >= 20


def test_leaderboard_and_reasons_explain_the_choice(clf):
    clf.fit(TEXTS, LABELS)
    assert set(clf.leaderboard_.method) == {"any-shot", "zero-shot", "prototype", "logistic-regression"}
    assert clf.leaderboard_.accuracy.between(0, 1).all()
    assert any("18 held-out labels" in reason for reason in clf.reasons_)
    assert "Class names are encoded as '{}', 'The topic is {}.'." in clf.reasons_
    assert any("write ten words a class" in reason for reason in clf.reasons_)


def test_for_two_classes_the_decision_is_the_lead_of_the_second(letters):
    clf = AnyShotClassifier(["tea", "zoo"], encoder=letters, cache=False).fit()
    lead = clf.decision_function(TEXTS)
    np.testing.assert_allclose(expit(lead), clf.predict_proba(TEXTS)[:, 1], atol=1e-6)
    auc = get_scorer("roc_auc")(clf, TEXTS[:12], LABELS[:12])
    assert auc == roc_auc_score([label == "zoo" for label in LABELS[:12]], lead[:12])


def test_every_method_refuses_what_is_not_a_list_of_items(clf):
    clf.fit(TEXTS, LABELS)
    for answer in (clf.predict, clf.predict_proba, clf.explain, clf.suggest):
        for given in ("tea", {}, None, {"tea"}, (text for text in TEXTS)):
            with pytest.raises(InputError, match="A list of items is needed"):
                answer(given)
    with pytest.raises(InputError, match="k must be at least 0; it is -1"):
        clf.explain(TEXTS, k=-1)
    with pytest.raises(InputError, match=r"n must be an integer; it is 2\.5"):
        clf.suggest(TEXTS, n=2.5)
    with pytest.raises(InputError, match="A list of examples is needed; got one NoneType"):
        clf.add_class("cab", examples=None)


def test_a_missing_image_among_texts_is_named(clf, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "here.png")
    with pytest.raises(BadItemError, match=r"'gone/dog.jpg' looks like the path of an image, but there is no"):
        AnyShotClassifier(["cat", "dog"]).fit().predict([str(tmp_path / "here.png"), "gone/dog.jpg"])
    with pytest.raises(BadItemError, match=r"'https://a\.org/dog\.jpg' is an address, and nothing is downloaded"):
        AnyShotClassifier(["cat", "dog"]).fit().predict([str(tmp_path / "here.png"), "https://a.org/dog.jpg"])
    clf.fit().predict(["gone/dog.jpg"])  # a text encoder was named: it is a text


def test_invalid_vectors_are_refused_by_row():
    X, y, centers = clouds(3)
    clf = AnyShotClassifier(centers, cache=False).fit(X, y)
    with pytest.raises(WidthError, match="The items have width 5; the model has width 8"):
        clf.predict(np.ones((2, 5)))
    X[4, 0] = np.nan
    with pytest.raises(BadItemError, match="NaN or infinity in row 4"):
        clf.predict(X)


def test_items_of_another_modality_are_refused(clf):
    with pytest.raises(MixedInputError, match="encodes texts, but the items are vectors"):
        clf.fit(TEXTS, LABELS).predict(np.ones((2, 26)))
    with pytest.raises(MixedInputError, match="encodes texts, but the items are images"):
        clf.predict([Image.new("RGB", (8, 8))])


def test_predictions_need_a_fit_first(clf):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        clf.predict(["tea"])
    with pytest.raises(NotFittedError, match="No item was encoded yet"):
        AnyShotClassifier(["tea", "zoo"], cache=False).fit().assembled()


def test_prediction_sets_reach_the_coverage():
    X, y, centers = clouds(20, spread=0.75, seed=0)
    more, truth, _ = clouds(300, spread=0.75, seed=1)
    clf = AnyShotClassifier(centers, cache=False).fit(X, y)
    for coverage in (0.7, 0.9):
        sets = clf.predict_set(more, coverage=coverage)
        covered = np.mean([name in own for name, own in zip(truth, sets, strict=True)])
        assert covered == pytest.approx(coverage, abs=0.12)  # 60 labels held out: two standard errors are 0.08 to 0.12
    assert all(own[0] == best for own, best in zip(sets, clf.predict(more), strict=True) if own)


def test_prediction_sets_can_be_calibrated_on_other_items():
    X, y, centers = clouds(3, spread=0.75)
    calibration = clouds(200, spread=0.75, seed=1)[:2]
    more, truth, _ = clouds(300, spread=0.75, seed=2)
    clf = AnyShotClassifier(centers, cache=False).fit(X, y)
    sets = clf.predict_set(more, coverage=0.8, calibration=calibration)
    assert np.mean([name in own for name, own in zip(truth, sets, strict=True)]) == pytest.approx(0.8, abs=0.05)


def test_prediction_sets_need_held_out_labels():
    _, _, centers = clouds(1)
    with pytest.raises(NotEnoughLabelsError, match=r"to hold any out\. Give calibration="):
        AnyShotClassifier(centers, cache=False).fit().predict_set(clouds(2)[0])


def test_calibration_without_its_labels_is_refused():
    X, y, centers = clouds(3)
    clf = AnyShotClassifier(centers, cache=False).fit(X, y)
    with pytest.raises(InputError, match=r"calibration must be a pair, \(items, labels\); got ndarray"):
        clf.predict_set(X, calibration=X)


# --- used by some threads while others change it ----------------------------------------------------------------------


def test_without_items_the_reasons_say_when_the_words_are_listed():
    clf = AnyShotClassifier(["billing", "delivery"], cache=False).fit()
    assert clf.reasons_[1].endswith("their words listed here, once the first items are predicted.")
    clf.predict(["my parcel"])
    assert any("'billing' as invoice" in reason for reason in clf.reasons_)
    assert not any("once the first items" in reason for reason in clf.reasons_)
