import numpy as np
import pytest

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.domain_trials import (
    Labeled,
    answers_at_home,
    answers_of,
    draw_domains,
    run_trials,
)


@pytest.fixture
def domains():
    random = np.random.default_rng(0)
    index = np.arange(90) % 3
    table = (4 * np.eye(3)[index] + random.normal(size=(90, 3))).astype(np.float32)
    return Labeled(table, index), (table[random.permutation(90)][:50] + 1).astype(np.float32)


def drawn(domains, n_items=40):
    return draw_domains(*domains, n_items=n_items, n_classes=3, random=np.random.default_rng(1))


def test_nothing_that_is_learned_from_is_held_out(domains):
    draw = drawn(domains)
    learned, held = ({tuple(row) for row in part.table} for part in (draw.learned, draw.held))
    assert not learned & held


def test_every_class_is_learned_and_held_out(domains):
    source = Labeled(np.zeros((7, 1), np.float32), np.array([0, 0, 0, 0, 0, 1, 1]))
    draw = draw_domains(source, np.zeros((3, 1), np.float32), n_items=3, n_classes=2, random=np.random.default_rng(0))
    assert set(draw.learned.index) == set(draw.held.index) == {0, 1}


def test_a_draw_is_no_larger_than_asked_and_knows_its_rows(domains):
    draw = drawn(domains, n_items=20)
    assert len(draw.target) == 20
    np.testing.assert_array_equal(draw.target, domains[1][draw.rows])
    assert len(draw.learned.index) <= 20 + 3


def test_a_method_that_is_right_is_right_in_reverse(domains):
    trial = run_trials({"plain": SourceModel()}, SourceModel(), drawn(domains), seed=0)["plain"]
    assert trial.reverse > 0.9
    assert trial.weighted > 0.9
    assert trial.answers.shape == (40, 3)


def test_a_method_that_answers_one_class_is_told_in_reverse(domains):
    class Constant(SourceModel):
        def predict_proba(self, X):
            return np.tile([1.0, 0.0, 0.0], (len(X), 1))

    trial = run_trials({"one": Constant()}, SourceModel(), drawn(domains), seed=0)["one"]
    assert trial.reverse == pytest.approx(1 / 3, abs=0.05)


def test_a_method_that_refuses_has_no_trial(domains):
    methods = {"ratio": DensityRatioWeighting(least_share=1.0), "plain": SourceModel()}
    trials = run_trials(methods, SourceModel(), drawn(domains), seed=0)
    assert trials["ratio"] is None
    assert trials["plain"] is not None


def test_a_source_model_is_judged_at_home(domains):
    draw = drawn(domains)
    answers = answers_at_home(SourceModel(normalize="domain"), draw, draw.held.table)
    assert np.mean(answers.argmax(axis=1) == draw.held.index) > 0.9


def test_answers_of_a_model_without_probabilities_are_all_on_one_class():
    class Zero:
        classes_ = np.array([0, 1])

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    assert answers_of(Zero(), np.zeros((2, 1)), 2).tolist() == [[1, 0], [1, 0]]
