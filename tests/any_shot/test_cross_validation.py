"""Which prior, how far the labels may move it, and which method answers."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.any_shot import cross_validation as selection
from anyshot.any_shot import prior as belief
from anyshot.any_shot.cross_validation import as_method, fit_model
from anyshot.any_shot.prior import STEPS, Known, believed_prior
from anyshot.any_shot.scoring import COSINE_SHARPNESS, METHODS
from anyshot.base.validation import generator, unit
from anyshot.errors import InputError, NotEnoughClassesError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.zero_shot.pool_refinement import make_pool
from four_classes import C, D, skewed, world


def unlabeled(known):
    return replace(known, vectors=known.vectors[:0], index=known.index[:0])


def nameless(known):
    return replace(known, said=np.zeros_like(known.class_vectors))


def accuracy(model, X, y):
    return float((model.scorer(X).argmax(axis=1) == y).mean())


# --- the least that can be known --------------------------------------------------------------------------------------


def test_names_alone_are_zero_shot():
    known, X, _ = world()
    model = fit_model(unlabeled(known))
    assert (model.method, model.prior, model.leaderboard) == ("zero-shot", "names", ())
    np.testing.assert_allclose(model.scorer(X), COSINE_SHARPNESS * X @ known.class_vectors.T, atol=1e-4)


def test_labels_alone_are_logistic_regression():
    known, X, y = world(n_each=20)
    model = fit_model(nameless(known))
    assert (model.method, model.prior) == ("logistic-regression", "none")
    oracle = LogisticRegression(C=10.0).fit(known.vectors, known.index)
    assert accuracy(model, X, y) >= oracle.score(X, y) - 0.03


def test_a_few_labels_are_too_few_to_compare_by():
    known, _, _ = world()
    model = fit_model(replace(known, vectors=known.vectors[:3], index=known.index[:3]))
    assert model.method == "any-shot"
    assert model.leaderboard == ()
    assert model.reasons == ("3 labels: too few to compare methods by, so any-shot answers.",)


def test_labels_beside_names_are_no_worse_than_the_better_of_the_two():
    right = np.zeros(3)
    for seed in range(3):
        known, X, y = world(n_each=2, noise=2.0, name_noise=2.0, seed=seed)
        right += [accuracy(fit_model(part), X, y) for part in (known, unlabeled(known), nameless(known))]
    both, names, labels = right / 3
    assert both > max(names, labels) - 0.01
    assert both > (names + labels) / 2 + 0.02


# --- methods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_is_asked_for_answers(method):
    known, X, y = world()
    model = fit_model(known, method=method)
    assert model.method == method
    assert model.prior == ("none" if method == "logistic-regression" else "names")
    assert {trial.method for trial in model.leaderboard} == {method, "zero-shot"}
    assert accuracy(model, X, y) > 0.6


def test_logistic_regression_that_is_asked_for_does_not_look_at_the_names():
    known, X, _ = world()
    other = replace(known, said=known.said[[1, 2, 3, 0]])
    first, second = (fit_model(one, method="logistic-regression").scorer(X) for one in (known, other))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_only_the_methods_there_are_can_be_asked_for():
    assert [as_method(name) for name in ("auto", *METHODS)] == ["auto", *METHODS]
    with pytest.raises(InputError, match="method='svm' is none of auto, any-shot, zero-shot, prototype, logistic-reg"):
        as_method("svm")


def test_zero_shot_without_names_is_refused():
    known, _, _ = world()
    with pytest.raises(NotEnoughClassesError, match="method='zero-shot' answers by what is said of the classes"):
        fit_model(nameless(known), method="zero-shot")


@pytest.mark.parametrize(
    ("n_each", "compared"), [(4, {"any-shot", "zero-shot"}), (5, set(METHODS))], ids=["few", "enough"]
)
def test_zero_shot_is_always_on_the_leaderboard_and_the_nameless_methods_from_five_labels_on(n_each, compared):
    known, _, _ = world(n_each=n_each)
    board = fit_model(known).leaderboard
    assert {trial.method for trial in board} == compared
    assert [trial.accuracy for trial in board] == sorted((trial.accuracy for trial in board), reverse=True)
    assert {trial.method for trial in fit_model(nameless(known)).leaderboard} <= {"prototype", "logistic-regression"}


def test_the_accuracy_on_the_leaderboard_is_the_mean_over_classes():
    known, _, _ = world(n_each=6, noise=2.0)
    kept = np.flatnonzero((known.index > 0) | (np.arange(24) < 1))  # one label of the first class, six of the others
    known = replace(known, vectors=known.vectors[kept], index=known.index[kept])
    right = (known.vectors @ known.class_vectors.T).argmax(axis=1) == known.index  # holding out changes no zero-shot
    trial = next(trial for trial in fit_model(known).leaderboard if trial.method == "zero-shot")
    assert trial.accuracy == pytest.approx(np.mean([right[known.index == k].mean() for k in range(C)]))
    assert trial.accuracy != pytest.approx(right.mean())


@pytest.mark.parametrize("method", METHODS)
def test_the_answer_is_as_sure_as_it_is_right_on_items_it_has_not_seen(method):
    known, X, y = world(n_each=30, noise=2.0)
    assert 0.6 < fit_temperature(fit_model(known, method=method).scorer(X), y) < 1.5
    assert fit_temperature(20 * X @ known.class_vectors.T, y) > 2  # as zero-shot would be without a look at the labels


def test_names_that_mislead_are_overcome_by_twenty_labels_a_class():
    known, X, y = world(n_each=20)
    misled = replace(known, said=known.said[[1, 2, 3, 0]])
    assert accuracy(fit_model(unlabeled(misled)), X, y) < 0.1
    assert accuracy(fit_model(misled), X, y) >= accuracy(fit_model(nameless(known)), X, y) - 0.03


def test_labels_on_items_off_the_mark_do_no_harm_to_zero_shot():
    known, X, y = world(n_each=3, noise=0.2, name_noise=0.1)
    random = generator(5)
    aside = np.where(np.arange(C * 3) % 3 < 2, 2.5, 0.0)[:, None] * unit(random.normal(size=(C * 3, D)))
    noisy = replace(known, vectors=unit(known.vectors + aside))
    assert accuracy(fit_model(noisy), X, y) >= accuracy(fit_model(unlabeled(known)), X, y) - 0.05


# --- steps ------------------------------------------------------------------------------------------------------------


def test_labels_move_belief_to_the_steps_that_predict_them():
    known, _, _ = world(n_each=20)
    misled = replace(known, said=known.said[[1, 2, 3, 0]])
    small = min(STEPS, key=lambda step: (-step.trust, step.C))
    assert small not in fit_model(misled, method="any-shot").deviations  # it cannot undo these names
    assert small in fit_model(world(n_each=2)[0], method="any-shot").deviations


# --- the same evidence, the same model --------------------------------------------------------------------------------


def test_a_start_from_an_earlier_model_changes_no_answer():
    known, X, _ = world(n_each=6)
    fewer = replace(known, vectors=known.vectors[::2], index=known.index[::2])
    cold, warm = fit_model(known), fit_model(known, start=fit_model(fewer).deviations)
    assert (warm.method, warm.reasons) == (cold.method, cold.reasons)
    np.testing.assert_array_equal(warm.scorer(X).argmax(axis=1), cold.scorer(X).argmax(axis=1))
    np.testing.assert_allclose(warm.scorer(X), cold.scorer(X), atol=0.05)


def test_the_first_labels_of_each_class_are_compared_where_there_are_too_many(monkeypatch):
    known, _, _ = world(n_each=6)
    first = np.arange(C * 6) % 6 < 3
    early = replace(known, vectors=known.vectors[first], index=known.index[first])
    monkeypatch.setattr(selection, "AT_MOST", C * 3)
    trials = [
        {trial.method: trial for trial in fit_model(one, method="zero-shot").leaderboard} for one in (known, early)
    ]
    np.testing.assert_array_equal(trials[0]["zero-shot"].right, trials[1]["zero-shot"].right)


# --- the pool ---------------------------------------------------------------------------------------------------------


def pool_of(directions, n_each=20, *, seed=3, noise=0.15):
    random = generator(seed)
    centers = np.repeat(np.asarray(directions, dtype=float), n_each, axis=0)
    return make_pool(unit(centers + noise * random.normal(size=centers.shape)))


def test_a_pool_whose_clusters_are_the_names_moves_them():
    means = np.eye(D)[:3]
    names = unit(means + 0.5 * np.roll(means, 1, axis=0))
    known = Known(names, np.zeros((0, D), np.float32), np.zeros(0, np.intp), pool_of(means))
    belief, model = believed_prior(known), fit_model(known)
    assert (belief.prior * means).sum(axis=1).min() > 0.95 > (names * means).sum(axis=1).max()
    assert (model.method, model.prior) == ("any-shot", "refined")
    assert "60 unlabeled items move the names: " in model.reasons[0]
    assert model.reasons[0].endswith("; no label can check that yet.")
    assert model.scorer(means.astype(np.float32)).argmax(axis=1).tolist() == [0, 1, 2]


def test_labels_decide_for_a_pool_whose_refinement_predicts_them():
    means = np.eye(D)[:3]
    names = unit(means + 0.9 * np.roll(means, 1, axis=0))
    pool = pool_of(means)
    known = Known(names, pool.vectors[::10], np.repeat(np.arange(3), 2), pool)
    assert fit_model(known).prior == "refined"
    assert fit_model(known).reasons[0].endswith("and 6 labels speak for it.")


def test_a_pool_smaller_than_the_table_of_classes_is_left_alone():
    known, X, _ = world()
    few = replace(known, pool=make_pool(X[: C - 1]))
    assert believed_prior(few).refined is None
    np.testing.assert_allclose(fit_model(few).scorer(X), fit_model(known).scorer(X), atol=1e-4)


# --- class shares, uneven labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_class_shares_enter_the_answer_as_their_logarithm(method):
    known, X, _ = world()
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    plain, told = fit_model(known, method=method), fit_model(replace(known, shares=shares), method=method)
    np.testing.assert_allclose(told.scorer(X) - plain.scorer(X), np.tile(np.log(shares), (len(X), 1)), atol=1e-5)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_a_class_with_a_label_and_no_name_and_one_with_a_name_and_no_label_are_both_served(method):
    known, X, y = world(n_each=6)
    S = known.class_vectors.copy()
    S[0] = 0
    kept = (known.index != 3) & ((known.index != 0) | (np.arange(24) == 0))  # labels 1, 6, 6, 0
    model = fit_model(Known(S, known.vectors[kept], known.index[kept]), method=method)
    answers = model.scorer(X).argmax(axis=1)
    unreachable = {"zero-shot": 0, "logistic-regression": 3}.get(method)
    for k in range(C):
        recall = (answers[y == k] == k).mean()
        assert recall == 0 if k == unreachable else recall > 0.5
    away = model.scorer(-X)  # where cosines are negative, to know nothing of a class must not be to like it best
    assert not np.isnan(away).any()
    assert not (away.argmax(axis=1) == unreachable).any()


# --- reasons ----------------------------------------------------------------------------------------------------------


def test_a_lead_within_chance_is_not_followed_and_said():
    known, _, _ = world(n_each=4, noise=1.2, name_noise=0.3)
    model = fit_model(known)
    ahead = {trial.method: trial.accuracy for trial in model.leaderboard}
    assert ahead["zero-shot"] > ahead["any-shot"]
    assert model.method == "any-shot"
    assert model.reasons[-1].endswith("; the lead of zero-shot may be chance.")


def test_reasons_are_sentences():
    known, X, _ = world(n_each=6)
    cases = [unlabeled(known), nameless(known), known, replace(known, pool=make_pool(X))]
    cases += [
        replace(unlabeled(known), pool=make_pool(X)),
        replace(known, vectors=known.vectors[:1], index=known.index[:1]),
    ]
    for case in cases:
        reasons = fit_model(case).reasons
        assert len(reasons) == 1 + (case.pool is not None)
        for reason in reasons:
            assert reason.endswith(".")
            assert len(reason.split()) > 6
            assert not {"{", "}", "nan"} & set(reason.replace("{", " { ").split())


def test_the_reason_tells_what_every_method_reached():
    known, _, _ = world(n_each=6)
    model = fit_model(known)
    for trial in model.leaderboard:
        assert f"{trial.method} {trial.accuracy:.1%}" in model.reasons[-1]
    assert model.reasons[-1].startswith(f"{model.method} answers: held out in turn, 24 labels are told by ")


def test_one_label_is_told_in_the_singular():
    known, _, _ = world()
    one = replace(known, vectors=known.vectors[:1], index=known.index[:1])
    assert fit_model(one).reasons == ("1 label: too few to compare methods by, so any-shot answers.",)


# --- classes without a label ------------------------------------------------------------------------------------------


def test_labeled_classes_tell_how_far_off_the_names_of_the_others_are(monkeypatch):
    known, X, y = skewed()
    model = fit_model(known)
    monkeypatch.setattr(belief, "TEACHERS", 1000)
    by_name_alone = fit_model(known)
    assert (model.prior, by_name_alone.prior) == ("corrected", "names")
    assert "20 labeled classes" in model.reasons[-1]
    right, before = ((one.scorer(X).argmax(axis=1) == y).mean() for one in (model, by_name_alone))
    assert right > before + 0.1


def test_names_stay_where_too_few_classes_teach():
    known, _, _ = skewed()
    assert fit_model(known.without(known.index >= 9)).prior == "names"
    assert fit_model(known.without(known.index >= 10)).prior == "corrected"
