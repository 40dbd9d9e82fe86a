"""The decision whether to adapt."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.naive_bayes import GaussianNB

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.domains import Domains
from anyshot.domain_adaptation.selection import (
    COLUMNS,
    ENSEMBLE,
    SOURCE,
    adapt_or_not,
    agreed_shift,
    choose,
    compare,
    criteria,
)
from anyshot.domain_adaptation.trials import Subsample, Trial
from anyshot.errors import (
    DomainError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    TargetLabelsError,
    WidthError,
)

PLAIN = SourceModel(normalize=None)


def clusters(seed, n=90, noise=0.6):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return (3 * np.eye(3)[y] + noise * random.normal(size=(n, 3))).astype(np.float32), y


def figures(**rows):
    """Return criteria by subsample: agreement, reverse, weighted and neighbors, with 2 seconds each."""
    return {name: pd.DataFrame([(*row, 2.0) for row in table], columns=COLUMNS) for name, table in rows.items()}


def test_equal_domains_keep_the_source_model():
    X, y = clusters(0)
    target, _ = clusters(1)
    verdict = adapt_or_not({"CORAL": CORAL()}, X, y, target=target, source_model=PLAIN, n_repeats=3)
    assert verdict.choice == SOURCE
    assert not verdict.adapt
    assert "Do not adapt: keep the source model." in str(verdict)
    np.testing.assert_array_equal(verdict.model.predict(target), PLAIN.fit(X, y, target=target).predict(target))


def test_a_method_that_removes_the_shift_is_chosen():
    X, y = clusters(0)
    target, truth = clusters(1)
    target = target * [1, 4, 0.5] + [3, -6, 2]
    by_domain = SourceModel(normalize="domain")
    verdict = adapt_or_not({"z-scores": by_domain}, X, y, target=target, source_model=PLAIN, n_repeats=2)
    assert verdict.choice in ("z-scores", ENSEMBLE)
    assert np.mean(verdict.model.predict(target) == truth) > 0.95
    assert f"Adapt with {verdict.choice}." in str(verdict)
    assert "z-scores: its criteria are +" in verdict.reasons[-1]


@pytest.mark.parametrize("seed", [{"random_state": 3}, {}], ids=["seed", "default seed"])
def test_labels_may_be_names_and_the_verdict_is_reproducible(seed):
    X, y = clusters(0, n=60)
    names = np.array(["a", "b", "c"])[y]
    first, second = (
        adapt_or_not({"CORAL": CORAL()}, X, names, target=X[:40] + 1, n_repeats=2, **seed) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.table.drop(columns="seconds"), second.table.drop(columns="seconds"))
    assert set(first.model.predict(X)) <= {"a", "b", "c"}


def test_sparse_tables_are_supported():
    X, y = clusters(0, n=60)
    verdict = adapt_or_not(
        {"ratio": DensityRatioWeighting(normalize=None)}, csr_array(X), y, target=csr_array(X + 1), n_repeats=2,
        source_model=PLAIN, random_state=0,
    )  # fmt: skip
    assert list(verdict.table.columns) == [*COLUMNS, "gain", "gain_se", "lower"]
    assert ENSEMBLE in verdict.table.index


def test_the_gain_is_the_weighted_mean_of_the_criteria_used():
    rows = figures(**{SOURCE: [(80, 60, 0, 50), (80, 64, 0, 50)], "a": [(84, 62, 9, 59), (84, 70, 9, 59)]})
    found = compare(rows, "other shift")
    # The 9 points of the neighbors have a weight of a third.
    assert found.loc["a", "gain"] == pytest.approx(((4 + 2 + 3) / 3 + (4 + 6 + 3) / 3) / 2)
    assert found.loc["a", "seconds"] == 4
    assert found.loc[SOURCE, "gain"] == 0


def test_label_shift_uses_other_criteria():
    found = compare(figures(**{SOURCE: [(80, 60, 50, 0)] * 2, "a": [(80, 90, 44, 60)] * 2}), "label shift")
    assert found.loc["a", "gain"] == pytest.approx(-3)


@pytest.mark.parametrize(
    ("found", "agreed"),
    [
        (["label shift"] * 3, "label shift"),
        (["label shift", "label shift", "no shift detected"], "no shift detected"),
        (["no shift detected", "other shift"], "other shift"),
    ],
)
def test_label_shift_must_be_found_on_every_subsample(found, agreed):
    assert agreed_shift(found) == agreed


def test_a_small_gain_is_not_sufficient():
    table = pd.DataFrame(
        {"gain": [0, 0.9, 9.0, np.nan], "lower": ["", "", "agreement", ""]},
        index=[SOURCE, "small", "contradicted", "failed"],
    )
    assert choose(table) == SOURCE
    table.loc["sufficient"] = [2.0, ""]
    assert choose(table) == "sufficient"


def test_the_ensemble_is_chosen_unless_another_method_is_clearly_better():
    table = pd.DataFrame({"gain": [0, 5.0, 5.9], "lower": ""}, index=[SOURCE, ENSEMBLE, "other"])
    assert choose(table) == ENSEMBLE
    assert choose(table.assign(gain=[0, 5.0, 6.1])) == "other"


def test_other_normalizations_are_candidates_without_being_named():
    X, y = clusters(0)
    target, truth = clusters(1)
    verdict = adapt_or_not(None, X, y, target=target * [1, 4, 0.5] + [3, -6, 2], n_repeats=2)
    assert {"source model, each domain's statistics", "source model, not normalized"} < set(verdict.table.index)
    assert "not its accuracy" in str(verdict)
    assert verdict.adapt
    assert np.mean(verdict.model.predict(target * [1, 4, 0.5] + [3, -6, 2]) == truth) > 0.95


def test_a_method_with_a_lower_criterion_is_not_chosen():
    rows = figures(
        **{
            SOURCE: [(80, 60, 0, 0)] * 2,
            "lower": [(78, 90, 0, 0), (79, 94, 0, 0)],
            "higher": [(79, 70, 0, 0), (81, 70, 0, 0)],
        }
    )
    found = compare(rows, "other shift")
    assert found.lower.to_dict() == {SOURCE: "", "lower": "agreement", "higher": ""}
    assert choose(found) == "higher"


def test_a_method_that_failed_on_a_subsample_has_no_criteria():
    empty, no_classes = np.zeros((0, 1)), np.zeros(0, int)
    domains = Domains(empty, no_classes, np.zeros((2, 1)), 2)
    samples = [Subsample(domains, np.array([0, 1]), empty, no_classes) for _ in range(2)]
    trial = Trial(np.eye(2), reverse=0.5, weighted=0.25, neighbors=0.75, seconds=3.0)
    found = criteria(samples, [{"a": trial, "b": trial}, {"a": trial, "b": None}])
    assert found["a"].to_numpy().tolist() == [[100, 50, 25, 75, 3]] * 2
    assert found["b"].empty
    with pytest.raises(InputError, match="The source model cannot be fitted on this target"):
        criteria(samples, [{SOURCE: None}, {SOURCE: trial}])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"candidates": {SOURCE: PLAIN}}, InputError, "Pass it as source_model="),
        ({"n_repeats": 1}, InputError, "n_repeats must be at least 2; it is 1"),
        ({"y": np.zeros(60)}, NotEnoughClassesError, "has 1 class"),
        ({"y": np.r_[1, np.zeros(59)]}, NotEnoughLabelsError, r"has 1 source item\(s\)"),
        ({"y": np.zeros(3)}, InputError, "one label for each"),
        ({"target": np.zeros((5, 2))}, WidthError, "features"),
        ({"target": (np.zeros((5, 3)), np.zeros(5))}, TargetLabelsError, "must not see labels"),
        ({"X": np.zeros((60, 2, 2)), "target": np.zeros((15, 2, 2))}, InputError, "must be a table of vectors"),
        ({"X": np.zeros((60, 2, 2)), "target": np.zeros((15, 3, 2)), "source_model": PLAIN}, WidthError, "of shape"),
        ({"candidates": {"naive": GaussianNB()}}, InputError, "a GaussianNB, has no fit.X, y, target"),
        ({"candidates": {"CORAL": "CORAL"}}, InputError, "'CORAL', a str, has no fit.X, y, target"),
        ({"source_model": "plain"}, InputError, "source_model is 'plain', which has no fit.*Pass SourceModel"),
        ({"candidates": {"CORAL": CORAL}}, InputError, r"is a class. Pass an instance: CORAL\(\)"),
        ({"candidates": [CORAL()]}, InputError, "candidates is a list. Pass a dict of methods by name"),
        ({"source_model": GaussianNB()}, InputError, r"GaussianNB.., which has no fit.*Pass SourceModel"),
        ({"target": None}, InputError, "target must be a table of vectors .n, d.; it is None"),
        ({"n_items": 9}, InputError, "n_items must be at least 10; it is 9"),
        ({"target": np.zeros((9, 3))}, DomainError, "target has 9 items"),
        ({"y": [None, *"ab" * 29, "a"]}, InputError, "y has no label in row 0"),
    ],
)
def test_invalid_input_is_refused(change, error, message):
    X, y = clusters(0, n=60)
    arguments = {"candidates": {"CORAL": CORAL()}, "X": X, "y": y, "target": X[:20], "n_repeats": 2} | change
    with pytest.raises(error, match=message):
        adapt_or_not(**arguments)


@pytest.mark.torch
def test_a_network_may_be_a_candidate():
    from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier

    X, y = clusters(0, n=60)
    target, _ = clusters(1, n=60)
    network = DomainConfusionClassifier(source_epochs=2, epochs=2, learning_rate=0.01, batch_size=16, random_state=0)
    verdict = adapt_or_not({"MCC": network}, X, y, target=target * 3 + 5, n_repeats=2, source_model=PLAIN)
    assert (verdict.table.loc[["MCC", SOURCE], "seconds"] > 0).all()
