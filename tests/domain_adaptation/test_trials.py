"""Trial fits on subsamples, and the criteria of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.domains import Domains
from anyshot.domain_adaptation.trials import (
    agreement,
    class_weights,
    neighbor_kappa,
    run_trials,
    subsample,
    target_neighbors,
)


@pytest.fixture(scope="module")
def domains():
    random = np.random.default_rng(0)
    index = np.arange(90) % 3
    table = (4 * np.eye(3)[index] + random.normal(size=(90, 3))).astype(np.float32)
    return Domains(table, index, (table[random.permutation(90)][:50] + 1).astype(np.float32), 3)


def draw(domains, n_items=40):
    return subsample(domains, n_items=n_items, random=np.random.default_rng(1))


def trials_of(domains, **methods):
    return run_trials(methods, SourceModel(), draw(domains), seed=0)[0]


def test_training_and_test_items_are_disjoint(domains):
    sample = draw(domains)
    train, test = ({tuple(row) for row in part} for part in (sample.domains.source, sample.test))
    assert not train & test


def test_every_class_has_training_and_test_items():
    domains = Domains(np.zeros((7, 1), np.float32), np.array([0, 0, 0, 0, 0, 1, 1]), np.zeros((3, 1), np.float32), 2)
    sample = subsample(domains, n_items=3, random=np.random.default_rng(0))
    assert set(sample.domains.index) == set(sample.test_index) == {0, 1}


def test_a_subsample_has_at_most_n_items_and_knows_its_rows(domains):
    sample = draw(domains, n_items=20)
    assert len(sample.domains.target) == 20
    np.testing.assert_array_equal(sample.domains.target, domains.target[sample.rows])
    assert len(sample.domains.index) <= 20 + 3


def test_a_correct_method_has_high_accuracies(domains):
    trial = trials_of(domains, plain=SourceModel())["plain"]
    assert trial.reverse > 0.9
    assert trial.weighted > 0.9
    assert trial.predicted.shape == (40, 3)
    assert trial.seconds > 0


def test_a_constant_method_has_the_reverse_accuracy_of_chance(domains):
    class Constant(SourceModel):
        def predict_proba(self, X):
            return np.tile([1.0, 0.0, 0.0], (len(X), 1))

    assert trials_of(domains, one=Constant())["one"].reverse == pytest.approx(1 / 3, abs=0.05)


def test_a_method_that_cannot_be_fitted_has_no_trial(domains):
    trials = trials_of(domains, ratio=DensityRatioWeighting(min_sample_fraction=1.0), plain=SourceModel())
    assert trials["ratio"] is None
    assert trials["plain"] is not None


def test_the_kind_of_shift_is_that_of_the_source_models_predictions(domains):
    same = domains.target - 1
    blurred = 0.4 * same + 0.6 * domains.source.mean(axis=0)
    shifts = [
        run_trials({}, SourceModel(normalize=None), draw(replace(domains, target=items)), seed=0)[1]
        for items in (same, blurred)
    ]
    assert shifts == ["no shift detected", "other shift"]


def test_agreement_is_over_the_items_that_both_fits_have():
    one = np.array([0, 1, 2]), np.array([5, 5, 6])
    other = np.array([1, 2, 3]), np.array([5, 7, 7])
    assert agreement(one, other) == 0.5
    assert np.isnan(agreement(one, (np.array([7]), np.array([5]))))


def test_neighbors_are_nearest_by_angle_between_standardized_vectors():
    table = np.array([[1.0, 100], [2.0, 100], [-1.0, 100], [-2.0, 100]], dtype=np.float32)  # the second is constant
    neighbors = target_neighbors(np.repeat(table, 6, axis=0))
    sides = np.repeat([0, 0, 1, 1], 6)
    assert neighbors.shape == (24, 10)
    np.testing.assert_array_equal(sides[neighbors], np.repeat(sides[:, None], 10, axis=1))
    np.testing.assert_array_equal([row in others for row, others in enumerate(neighbors)], False)


def test_neighbors_in_a_sparse_table_are_those_of_its_scaled_rows():
    rows = np.random.default_rng(0).poisson(1.0, size=(30, 6)).astype(np.float32)
    scaled = rows / np.sqrt(np.square(rows).mean(axis=0))
    scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = scaled @ scaled.T - 9 * np.eye(30)
    for row, found in enumerate(target_neighbors(csr_array(rows))):
        np.testing.assert_allclose(np.sort(cosine[row, found]), np.sort(cosine[row])[-10:], atol=1e-5)


def test_few_items_have_few_neighbors():
    assert target_neighbors(np.eye(3, dtype=np.float32)).shape == (3, 2)


def test_kappa_of_an_example_solved_by_hand():
    classes, neighbors = np.array([0, 0, 1, 1]), np.array([[1], [0], [3], [0]])
    # Three of four are equal; by chance it would be one half.
    assert neighbor_kappa(classes, neighbors) == pytest.approx((0.75 - 0.5) / 0.5)


def test_kappa_of_random_and_of_constant_predictions_is_zero():
    random = np.random.default_rng(0)
    neighbors = random.integers(4000, size=(4000, 10))
    assert neighbor_kappa(random.integers(3, size=4000), neighbors) == pytest.approx(0, abs=0.02)
    assert neighbor_kappa(np.ones(4000, dtype=int), neighbors) == 0


def test_class_weights_give_the_source_the_targets_class_frequencies():
    index = np.array([0, 0, 0, 1])
    weights = class_weights(np.eye(2)[index], index, np.eye(2)[[0, 1, 1, 1, 1]])
    np.testing.assert_allclose(weights, [0.2 / 0.75] * 3 + [0.8 / 0.25])
    np.testing.assert_allclose(weights[index == 1].sum() / weights.sum(), 0.8)
