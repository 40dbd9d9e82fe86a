import numpy as np
import pandas as pd
import pytest

from anyshot.errors import InputError
from anyshot.evaluation.extrapolation import extrapolate, forecast
from anyshot.evaluation.learning_curves import LearningCurve

SHOTS = np.array([1, 2, 3, 4, 5])


def law(k, *, exponent=0.5, head_start=0.0, floor=0.0, scale=0.4):
    return 1 - floor - scale * (np.asarray(k) + head_start) ** -exponent


@pytest.mark.parametrize("settings", [{}, {"head_start": 2.0}, {"floor": 0.05, "exponent": 0.6}])
def test_a_curve_that_follows_the_law_is_extrapolated(settings):
    found = extrapolate(SHOTS, law(SHOTS, **settings), 0.003)
    assert found.n_shots == 10
    assert found.accuracy == pytest.approx(law(10, **settings), abs=0.01)
    assert found.lower < law(10, **settings) < found.upper


def test_the_interval_grows_with_noise_and_distance():
    widths = [
        found.upper - found.lower
        for found in (
            extrapolate(SHOTS, law(SHOTS), 0.003),
            extrapolate(SHOTS, law(SHOTS), 0.02),
            extrapolate(SHOTS, law(SHOTS), 0.02, to=40),
        )
    ]
    assert widths[0] < widths[1] < widths[2]


def test_the_interval_has_about_the_stated_coverage():
    random, inside = np.random.default_rng(0), 0
    for _ in range(60):
        settings = {"exponent": random.normal(0.5, 0.1), "floor": random.exponential(0.03)}
        found = extrapolate(SHOTS, law(SHOTS, **settings) + random.normal(0, 0.01, size=5), 0.01)
        inside += found.lower <= law(10, **settings) <= found.upper
    assert inside >= 48  # 54 expected at 90 %, sd 2.3


def test_points_may_be_in_any_order_and_at_zero_labels():
    shots = np.array([4, 0, 2, 1])
    found = extrapolate(shots, law(shots, head_start=1.0), 0.003)
    assert found.n_shots == 8
    assert found.accuracy == pytest.approx(law(8, head_start=1.0), abs=0.015)


def test_a_perfect_curve_stays_perfect():
    assert extrapolate(SHOTS, np.ones(5), 0.01).accuracy == pytest.approx(1.0, abs=0.01)


def test_two_points_are_too_few():
    found = extrapolate([1, 2], [0.5, 0.6], 0.01)
    assert found.refusal == "2 points are too few, 3 are needed"
    assert np.isnan(found.accuracy)
    assert str(found) == "accuracy at 4 labels per class: unknown because 2 points are too few, 3 are needed"


def test_falling_and_very_noisy_curves_are_refused():
    assert "does not rise" in str(extrapolate(SHOTS, [0.8, 0.75, 0.7, 0.68, 0.66], 0.01).refusal)
    vague = extrapolate([1, 2, 3], [0.3, 0.5, 0.4], 0.2)
    assert "it may be anywhere from" in str(vague.refusal)
    assert np.isnan(vague.accuracy)
    assert vague.upper - vague.lower > 0.15


def test_invalid_points_are_refused():
    with pytest.raises(InputError, match="distinct"):
        extrapolate([1, 1, 2], [0.5, 0.5, 0.6], 0.01)
    for wrong in (np.nan, np.inf):
        with pytest.raises(InputError, match="distinct, finite and 0 or more"):
            extrapolate([1, 2, wrong], [0.5, 0.5, 0.6], 0.01)
        with pytest.raises(InputError, match="is not beyond the curve"):
            extrapolate([1, 2, 3], [0.5, 0.5, 0.6], 0.01, to=wrong)
    with pytest.raises(InputError, match="between 0 and 1 and sd above 0"):
        extrapolate([1, 2, 3], [50, 60, 70], 0.01)
    with pytest.raises(InputError, match=r"to=4 is not beyond the curve. Give more than its 5 labels"):
        extrapolate(SHOTS, law(SHOTS), 0.01, to=4)
    with pytest.raises(InputError, match="One accuracy is needed for each"):
        extrapolate([1, 2, 3], [0.5], 0.01)


def measured_curve(points, *, n_test):
    """Return a curve with these (shots, n_labels, accuracies of the draws)."""
    rows = [("m", k, seed, n, a) for k, n, accuracies in points for seed, a in enumerate(accuracies)]
    frame = pd.DataFrame(rows, columns=["model", "shots", "seed", "n_labels", "accuracy"]).astype({"shots": object})
    return LearningCurve(frame, n_test=n_test)


POINTS = ((0, 0, [0.6]), (1, 3, [0.68, 0.7, 0.72]), (2, 6, [0.75, 0.77, 0.78]), ("all", 15, [0.83]))


def test_a_forecast_is_of_twice_all_labels_and_not_below_the_accuracy_at_hand():
    found = forecast(measured_curve(POINTS, n_test=1000))
    assert found.n_shots == 10  # 30 labels of three classes
    assert 0.77 < found.lower < 0.83 < found.accuracy < found.upper < 0.95


def test_an_accuracy_that_was_lucky_at_the_end_is_not_forecast_to_fall():
    points = [(0, 0, [0.85]), (1, 3, [0.84, 0.86, 0.87]), (2, 6, [0.86, 0.85, 0.87]), ("all", 15, [0.9])]
    assert forecast(measured_curve(points, n_test=500)).accuracy >= 0.9


def test_few_test_items_give_no_forecast():
    assert forecast(measured_curve(POINTS, n_test=12)).refusal == "12 test items are too few"


def test_a_curve_that_falls_gives_no_forecast():
    points = [(0, 0, [0.9]), (1, 3, [0.86, 0.85, 0.87]), (2, 6, [0.8, 0.79, 0.81]), ("all", 15, [0.7])]
    assert "does not rise steadily" in str(forecast(measured_curve(points, n_test=500)).refusal)


def test_two_numbers_of_labels_give_no_forecast():
    points = [(1, 2, [0.6, 0.7, 0.65]), (2, 4, [0.7, 0.8, 0.75]), ("all", 4, [0.75])]
    assert "2 points are too few" in str(forecast(measured_curve(points, n_test=500)).refusal)


def test_more_test_items_make_the_interval_narrower():
    few, many = (forecast(measured_curve(POINTS, n_test=n)) for n in (400, 4000))
    assert many.upper - many.lower < few.upper - few.lower
