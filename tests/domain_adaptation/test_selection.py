import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.naive_bayes import GaussianNB

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.domain_trials import Draw, Labeled, Trial
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.selection import FIGURES, SOURCE, adapt_or_not, chosen, evidence, judged, optimized
from anyshot.errors import (
    DomainError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    TargetLabelsError,
    WidthError,
)

PLAIN = SourceModel(normalize=None)


def clusters(seed, n=150, noise=0.6):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return (3 * np.eye(3)[y] + noise * random.normal(size=(n, 3))).astype(np.float32), y


def figures(**rows):
    """Return figures a draw: agreement, reverse, weighted and neighbors, each trial having taken 2 seconds."""
    return {name: pd.DataFrame([(*draw, 2.0) for draw in table], columns=FIGURES) for name, table in rows.items()}


def test_one_domain_twice_keeps_the_source_model():
    X, y = clusters(0)
    target, _ = clusters(1)
    verdict = adapt_or_not({"CORAL": CORAL()}, X, y, target=target, source_model=PLAIN, random_state=0)
    assert verdict.choice == SOURCE
    assert not verdict.adapt
    assert "Do not adapt: keep the source model." in str(verdict)
    np.testing.assert_array_equal(verdict.model.predict(target), PLAIN.fit(X, y, target=target).predict(target))


def test_a_target_elsewhere_is_adapted_to_by_what_brings_it_back():
    X, y = clusters(0)
    target, truth = clusters(1)
    target = target * [1, 4, 0.5] + [3, -6, 2]
    by_domain = SourceModel(normalize="domain")
    verdict = adapt_or_not({"z-scores": by_domain}, X, y, target=target, source_model=PLAIN, random_state=0)
    assert verdict.choice == "z-scores"
    assert np.mean(verdict.model.predict(target) == truth) > 0.95
    assert "Adapt, by z-scores." in str(verdict)
    assert "clears the bar" in verdict.reasons[0]


def test_labels_may_be_names_and_the_answer_repeats():
    X, y = clusters(0, n=60)
    names = np.array(["a", "b", "c"])[y]
    first, second = (
        adapt_or_not({"CORAL": CORAL()}, X, names, target=X[:40], n_draws=2, random_state=3) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.table.drop(columns="seconds"), second.table.drop(columns="seconds"))
    assert set(first.model.predict(X)) <= {"a", "b", "c"}


def test_sparse_tables_stay_sparse():
    X, y = clusters(0, n=60)
    verdict = adapt_or_not(
        {"ratio": DensityRatioWeighting(normalize=None)}, csr_array(X), y, target=csr_array(X + 1), n_draws=2,
        source_model=PLAIN, random_state=0,
    )  # fmt: skip
    assert set(verdict.table.columns) == {
        "agreement", "reverse", "weighted", "neighbors", "seconds", "gain", "error", "against", "dev", "snd",
    }  # fmt: skip


def test_the_gain_is_the_mean_over_the_figures_used_and_its_error_over_the_draws():
    rows = figures(**{SOURCE: [(80, 60, 0, 50), (80, 64, 0, 50)], "a": [(84, 62, 9, 59), (84, 70, 9, 59)]})
    found = judged(rows, "other shift", {})
    # Of the neighbors' 9 points a third counts.
    assert found.loc["a", "gain"] == pytest.approx(((4 + 2 + 3) / 3 + (4 + 6 + 3) / 3) / 2)
    assert found.loc["a", "error"] == pytest.approx((13 - 9) / 3 / 2)
    assert found.loc["a", "seconds"] == 4
    assert found.loc[SOURCE, "gain"] == 0


def test_label_shift_is_judged_by_other_figures():
    found = judged(figures(**{SOURCE: [(80, 60, 50, 0)] * 2, "a": [(80, 90, 44, 60)] * 2}), "label shift", {})
    assert found.loc["a", "gain"] == pytest.approx(-3)


def test_no_method_is_judged_by_what_it_optimizes():
    rows = figures(**{SOURCE: [(80, 60, 50, 50)] * 2, "some": [(81, 62, 99, 99)] * 2})
    ratio, manifold = ({"some": optimized(kind())} for kind in (DensityRatioWeighting, MEDA))
    assert judged(rows, "label shift", ratio).loc["some", "gain"] == pytest.approx(1)
    assert judged(rows, "other shift", manifold).loc["some", "gain"] == pytest.approx(1.5)
    assert optimized(CORAL()) == ()


def test_a_small_or_an_uncertain_gain_is_none():
    table = pd.DataFrame(
        {
            "gain": [0, 0.9, 3.0, 9.0, np.nan],
            "error": [0, 0.1, 5.0, 1.0, np.nan],
            "against": ["", "", "", "agreement", ""],
        },
        index=[SOURCE, "small", "unsure", "doubted", "refused"],
    )
    assert chosen(table) == SOURCE
    table.loc["sure"] = [2.0, 0.5, ""]
    assert chosen(table) == "sure"


def test_a_figure_that_speaks_against_a_method_is_named():
    rows = figures(
        **{
            SOURCE: [(80, 60, 0, 0)] * 2,
            "linear": [(78, 90, 0, 0), (79, 94, 0, 0)],
            "sound": [(79, 70, 0, 0), (81, 70, 0, 0)],
        }
    )
    found = judged(rows, "other shift", {})
    assert found.against.to_dict() == {SOURCE: "", "linear": "agreement", "sound": ""}
    assert chosen(found) == "sound"


def test_a_method_that_refused_a_draw_has_no_figures():
    nobody = Labeled(np.zeros((0, 1)), np.zeros(0, int))
    draws = [Draw(nobody, nobody, np.zeros((2, 1)), np.array([0, 1]), 2) for _ in range(2)]
    some = Trial(np.eye(2), np.eye(2), reverse=0.5, weighted=0.25, neighbors=0.75, seconds=3.0)
    found = evidence(draws, [{"a": some, "b": some}, {"a": some, "b": None}])
    assert found["a"].to_numpy().tolist() == [[100, 50, 25, 75, 3]] * 2
    assert found["b"].empty


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"candidates": {}}, InputError, "candidates is empty. Give methods by name"),
        ({"candidates": {SOURCE: PLAIN}}, InputError, "Give it as source_model="),
        ({"n_draws": 1}, InputError, "at least 2 draws"),
        ({"y": np.zeros(60)}, NotEnoughClassesError, "has 1 class"),
        ({"y": np.r_[1, np.zeros(59)]}, NotEnoughLabelsError, "has 1 source item"),
        ({"y": np.zeros(3)}, InputError, "one label|a label for each"),
        ({"target": np.zeros((5, 2))}, WidthError, "width"),
        ({"target": (np.zeros((5, 3)), np.zeros(5))}, TargetLabelsError, "must not see labels"),
        ({"X": np.zeros((60, 2, 2)), "target": np.zeros((15, 2, 2))}, InputError, "must be a table of vectors"),
        ({"X": np.zeros((60, 2, 2)), "target": np.zeros((15, 3, 2)), "source_model": PLAIN}, WidthError, "of shape"),
        ({"candidates": {"naive": GaussianNB()}}, InputError, "a GaussianNB, has no fit.X, y, target"),
        ({"candidates": {"CORAL": CORAL}}, InputError, r"is a class. Give an instance: CORAL\(\)"),
        ({"candidates": [CORAL()]}, InputError, "candidates is a list. Give methods by name"),
        ({"n_items": 9}, InputError, "fewer than 10 items tells nothing"),
        ({"target": np.zeros((9, 3))}, DomainError, "target has 9 items"),
        ({"y": [None, *"ab" * 29, "a"]}, InputError, "y has no label in row 0"),
    ],
)
def test_what_cannot_be_used_is_refused(change, error, said):
    X, y = clusters(0, n=60)
    given = {"candidates": {"CORAL": CORAL()}, "X": X, "y": y, "target": X[:20], "n_draws": 2} | change
    with pytest.raises(error, match=said):
        adapt_or_not(**given)


def test_a_network_may_be_a_candidate():
    X, y = clusters(0, n=60)
    target, _ = clusters(1, n=60)
    network = DomainConfusionClassifier(source_epochs=2, epochs=2, learning_rate=0.01, batch_size=16, random_state=0)
    verdict = adapt_or_not({"MCC": network}, X, y, target=target * 3 + 5, n_draws=2, source_model=PLAIN)
    assert verdict.table.loc["MCC", "seconds"] > verdict.table.loc[SOURCE, "seconds"] > 0


def test_the_verdict_repeats_without_being_told_a_seed():
    X, y = clusters(0, n=60)
    first, second = (adapt_or_not({"CORAL": CORAL()}, X, y, target=X[:40] + 1, n_draws=2) for _ in range(2))
    pd.testing.assert_frame_equal(first.table.drop(columns="seconds"), second.table.drop(columns="seconds"))
