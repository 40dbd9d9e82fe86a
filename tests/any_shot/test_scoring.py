"""One method's answer, fitted once."""

import numpy as np

from anyshot.any_shot.head import AnyShotHead
from anyshot.any_shot.prior import Known, Step
from anyshot.any_shot.prototypes import PrototypeClassifier
from anyshot.any_shot.scoring import COSINE_SHARPNESS, Scorer, fitted
from four_classes import world

SHORT, LONG = Step(0.1, 1), Step(20.0, 1)


def test_a_scorer_is_linear_and_times_makes_it_surer_without_changing_its_answers():
    scorer = Scorer(np.array([[1.0, 0], [0, 2]], np.float32), np.array([0.5, 0], np.float32))
    X = np.array([[1.0, 1], [3, 1]], np.float32)
    np.testing.assert_array_equal(scorer(X), [[1.5, 2], [3.5, 2]])
    np.testing.assert_array_equal(scorer.times(3)(X), 3 * scorer(X))


def test_zero_shot_answers_by_the_cosine_and_never_a_class_of_which_nothing_is_said():
    known, X, _ = world(n_each=2)
    said = known.said.copy()
    said[1] = 0
    scorer, deviations = fitted(Known(said, known.vectors, known.index), "zero-shot", {}, {})
    cosines = X @ Known(said, known.vectors, known.index).class_vectors.T
    np.testing.assert_allclose(scorer(X)[:, [0, 2, 3]], COSINE_SHARPNESS * cosines[:, [0, 2, 3]], rtol=1e-5)
    assert np.isneginf(scorer(X)[:, 1]).all()
    assert not deviations


def test_prototypes_are_those_of_the_estimator():
    known, X, _ = world(n_each=3)
    scorer, _ = fitted(known, "prototype", {}, {})
    peer = PrototypeClassifier(name_weight=1.0).fit(known.vectors, known.index, class_vectors=known.class_vectors)
    np.testing.assert_array_equal(scorer(X).argmax(axis=1), peer.predict(X))


def test_heads_of_several_steps_are_added_up_each_times_its_factor():
    known, X, _ = world(n_each=3)
    scorer, deviations = fitted(known, "any-shot", {SHORT: 2.0, LONG: 0.5}, {})
    heads = {step: AnyShotHead(C=step.C, tol=1e-8) for step in (SHORT, LONG)}
    for head in heads.values():
        head.fit(known.vectors, known.index, class_vectors=known.class_vectors)
    summed = 2.0 * heads[SHORT].decision_function(X) + 0.5 * heads[LONG].decision_function(X)
    np.testing.assert_allclose(scorer(X), summed, atol=0.02)
    assert set(deviations) == {SHORT, LONG}


def test_where_it_begins_changes_the_time_and_not_the_answer():
    known, X, _ = world(n_each=3)
    factors = {LONG: 2.0}
    cold, deviations = fitted(known, "any-shot", factors, {}, tol=1e-8)
    warm, _ = fitted(known, "any-shot", factors, deviations, tol=1e-8)
    np.testing.assert_allclose(cold(X), warm(X), atol=1e-3)


def test_a_step_without_trust_is_logistic_regression_that_knows_no_names():
    known, X, _ = world(n_each=3)
    plain = AnyShotHead(C=10.0, tol=1e-8)
    plain.fit(known.vectors, known.index, class_vectors=np.zeros_like(known.said))
    scorer, _ = fitted(known, "any-shot", {Step(10.0, 0): 1.0}, {}, tol=1e-8)
    np.testing.assert_allclose(scorer(X), plain.decision_function(X), atol=0.01)
