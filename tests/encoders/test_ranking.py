"""Transferability scores, compared with their formulas, and the ranking of encoders by a linear probe."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf

from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import generator, unit
from anyshot.encoders.ranking import h_score, leep, log_me, nce, rank_encoders, source_probabilities
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError


def world(*, n=40, width=6, n_classes=3, spread=1.0):
    random = generator(0)
    y = np.arange(n) % n_classes
    return (random.normal(size=(n_classes, width))[y] + spread * random.normal(size=(n, width))).astype(np.float32), y


class Marked:
    """A text encoder whose vectors depend on the item's class, plus noise."""

    modality, width = "text", 4

    def __init__(self, noise):
        self.noise = noise
        self.encoded = 0

    def encode(self, inputs):
        self.encoded += len(inputs)
        random = generator(len(inputs))
        return unit(
            np.array([np.eye(4)[len(text) % 3] + self.noise * random.normal(size=4) for text in inputs], np.float32)
        )


class Known(Marked):
    classifier = LinearClassifier(np.eye(3, 4, dtype=np.float32), (("a",), ("b",), ("c",)))


TEXTS = [f"{'x' * (n % 3 + 1)}{n:03}" for n in range(60)]
LABELS = [("one", "two", "three")[n % 3] for n in range(60)]


def test_log_me_is_the_maximum_of_the_gaussian_log_evidence():
    X, _ = world(n=12, width=3)
    y = X @ np.array([1.0, -1.0, 0.5]) + 0.3 * generator(1).normal(size=12)

    def written_out(alpha, beta):
        return multivariate_normal(np.zeros(12), np.eye(12) / beta + X @ X.T / alpha).logpdf(y) / 12

    found = minimize(lambda logs: -written_out(*np.exp(logs)), [0.0, 1.0], method="Nelder-Mead")
    assert log_me(X, y) == pytest.approx(-found.fun, abs=1e-4)


def test_log_me_with_more_features_than_items():
    X = generator(2).normal(size=(6, 10)).astype(np.float32)
    y = X[:, 0] + generator(3).normal(size=6)

    def written_out(alpha, beta):
        return multivariate_normal(np.zeros(6), np.eye(6) / beta + X @ X.T / alpha).logpdf(y) / 6

    found = minimize(lambda logs: -written_out(*np.exp(logs)), [0.0, 0.0], method="Nelder-Mead")
    assert log_me(X, y) == pytest.approx(-found.fun, abs=1e-3)


def test_log_me_of_classes_is_the_mean_over_their_columns():
    X, y = world()
    columns = np.eye(3)[y]
    assert log_me(X, columns) == pytest.approx(np.mean([log_me(X, column) for column in columns.T]))


def test_h_score_equals_its_formula():
    X, y = world(n=60, width=3)
    apart = X - X.mean(axis=0)
    means = np.array([apart[y == k].mean(axis=0) for k in range(3)])
    between = sum((y == k).mean() * np.outer(m, m) for k, m in enumerate(means))
    covariance, a = np.cov(X.T, bias=True), LedoitWolf().fit(X).shrinkage_
    shrunk = (1 - a) * covariance + a * np.trace(covariance) / 3 * np.eye(3)
    assert 0 < a < 1
    assert h_score(X, y) == pytest.approx(np.trace(np.linalg.inv(shrunk) @ ((1 - a) * between)), rel=1e-4)


def test_h_score_is_invariant_to_rotation():
    X, y = world()
    turn = np.linalg.qr(generator(4).normal(size=(6, 6)))[0]
    assert h_score(X @ turn, y) == pytest.approx(h_score(X, y), rel=1e-4)


def test_h_score_of_constant_features_is_zero():
    assert h_score(np.ones((6, 2)), [0, 1, 0, 1, 0, 1]) == 0


def test_leep_by_hand():
    # The joint distribution is [[.45, .05], [.25, .25]] for the two labels.
    theta, y = [[0.9, 0.1], [0.5, 0.5]], [0, 1]
    given = np.array([[0.45 / 0.7, 0.05 / 0.3], [0.25 / 0.7, 0.25 / 0.3]])
    by_hand = np.mean([np.log(0.9 * given[0, 0] + 0.1 * given[0, 1]), np.log(0.5 * given[1, 0] + 0.5 * given[1, 1])])
    assert leep(theta, y) == pytest.approx(by_hand, rel=1e-6)


def test_leep_of_one_hot_probabilities_is_nce():
    source, y = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 0])
    assert leep(np.eye(3)[source], y) == pytest.approx(nce(source, y), rel=1e-6)


def test_nce_by_hand():
    assert nce([0, 0, 1, 1], [0, 1, 1, 1]) == pytest.approx(-0.5 * np.log(2))
    assert nce([5, 5, 9], [1, 1, 0]) == 0


@pytest.mark.parametrize("score", [lambda X, y: log_me(X, np.eye(3)[y]), h_score])
def test_better_separated_classes_score_higher(score):
    clear, blurred = world(spread=0.3), world(spread=3.0)
    assert score(*clear) > score(*blurred)


def test_permuting_items_changes_no_score():
    X, y = world()
    order = generator(5).permutation(len(y))
    assert h_score(X[order], y[order]) == pytest.approx(h_score(X, y), rel=1e-5)
    assert log_me(X[order], y[order]) == pytest.approx(log_me(X, y), rel=1e-5)


def test_source_probabilities_are_those_of_features_at_the_length_of_a_network():
    found = source_probabilities(Known(0), np.eye(2, 4, dtype=np.float32) / 20)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found[0, 0] == pytest.approx(np.e / (np.e + 2))


def test_the_best_encoder_comes_first_and_encodes_each_item_once():
    encoders = {"blurred": Marked(2.0), "clear": Known(0.1)}
    ranking = rank_encoders(TEXTS, LABELS, encoders)
    assert ranking.best == "clear"
    assert [encoder.encoded for encoder in encoders.values()] == [60, 60]
    assert ranking.table.at["clear", "probe"] > ranking.table.at["blurred", "probe"]
    assert (ranking.table[["encoding_seconds", "probe_seconds", "score_seconds"]] >= 0).all(axis=None)
    assert ranking.agreement["LogME"] == 1.0


def test_a_missing_score_has_a_reason():
    ranking = rank_encoders(TEXTS, LABELS, {"plain": Marked(0.5), "known": Known(0.5)})
    assert np.isnan(ranking.table.at["plain", "LEEP"])
    assert np.isfinite(ranking.table.at["known", "LEEP"])
    assert "plain: LEEP and NCE need a source classifier" in str(ranking)


def test_a_score_that_contradicts_the_probe_is_reported():
    class Misread(Known):  # good vectors, but a source classifier with one class for everything
        classifier = LinearClassifier(np.zeros((3, 4), np.float32), Known.classifier.names)

    ranking = rank_encoders(TEXTS, LABELS, {"blurred": Known(1.5), "clear": Misread(0.1)})
    assert ranking.best == "clear"
    assert any("LEEP and NCE rank blurred above clear" in line for line in ranking.disagreements)


def test_unlabeled_items_are_not_encoded():
    encoder = Marked(0.5)
    rank_encoders([*TEXTS, "more"], [*LABELS, None], {"one": encoder})
    assert encoder.encoded == 60


def test_the_same_seed_has_the_same_folds():
    one, two = (rank_encoders(TEXTS, LABELS, {"one": Marked(1.0)}, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.folds["one"], two.folds["one"])


def test_a_class_with_fewer_labels_than_folds_is_reported():
    with pytest.raises(NotEnoughLabelsError, match="Class 'rare' has 1 labels, but n_folds=5"):
        rank_encoders([*TEXTS, "rare"], [*LABELS, "rare"], [Marked(1.0)])


def test_one_class_is_refused():
    with pytest.raises(NotEnoughClassesError, match="At least two classes"):
        rank_encoders(TEXTS, ["one"] * 60, [Marked(1.0)])


def test_two_encoders_with_the_same_name_are_refused():
    with pytest.raises(InputError, match=r"Two encoders have the name 'Marked'\. Pass a dict"):
        rank_encoders(TEXTS, LABELS, [Marked(1.0), Marked(2.0)])


def test_an_empty_list_of_encoders_is_refused():
    with pytest.raises(InputError, match="no encoder to rank"):
        rank_encoders(TEXTS, LABELS, [])


def test_rows_that_are_not_distributions_are_refused():
    with pytest.raises(InputError, match="must be a distribution"):
        leep([[0.5, 0.2], [1.0, 0.0]], [0, 1])


def test_source_labels_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"got \(2,\) and \(3,\)"):
        nce([0, 1], [0, 1, 1])


def scores_of(y):
    """Return a function for each score of the labels `y` (2,)."""
    return [lambda: h_score(np.ones((2, 2)), y), lambda: leep(np.ones((2, 1)), y), lambda: nce([0, 1], y)]


@pytest.mark.parametrize("score", scores_of([0, -1]))
def test_the_scores_refuse_missing_labels(score):
    with pytest.raises(NotEnoughLabelsError, match="Every item needs a label"):
        score()


@pytest.mark.parametrize("score", scores_of(["cat", "dog"]))
def test_the_scores_refuse_names_of_classes(score):
    with pytest.raises(InputError, match="y must hold rows of the class table"):
        score()
