import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binomtest

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.intervals import bootstrap_interval, effective_size, wilson_interval
from anyshot.evaluation.metrics import accuracy, rmse, unknown_auroc


def test_the_bootstrap_interval_of_a_mean_agrees_with_the_normal_interval():
    sample = generator(0).normal(size=400)
    lower, upper = bootstrap_interval(lambda column: float(np.mean(column)), sample)
    reach = 1.96 * sample.std() / 20
    assert (lower, upper) == pytest.approx((sample.mean() - reach, sample.mean() + reach), abs=0.02)


def test_the_bootstrap_keeps_rows_together():
    column = np.arange(30.0)
    assert bootstrap_interval(rmse, column, column + 2, n_draws=20) == (2.0, 2.0)


def test_the_bootstrap_leaves_out_draws_without_a_value():
    scores, unknown = np.arange(6.0), np.array([False] * 5 + [True])
    lower, upper = bootstrap_interval(unknown_auroc, scores, unknown, n_draws=200)
    assert (lower, upper) == (1.0, 1.0)


def test_the_bootstrap_refuses_one_item():
    with pytest.raises(NotEnoughLabelsError, match="at least two items, but there are 1"):
        bootstrap_interval(accuracy, ["a"], ["a"])


def test_the_wilson_interval_is_not_empty_for_shares_of_0_and_1():
    assert wilson_interval(12, 12) == pytest.approx((12 / (12 + 1.959964**2), 1.0))


@pytest.mark.parametrize(("n_right", "n"), [(0, 7), (3, 7), (7, 7), (950, 1000)])
def test_wilson_interval_agrees_with_scipy(n_right, n):
    interval = binomtest(n_right, n).proportion_ci(method="wilson")
    assert wilson_interval(n_right, n) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_the_effective_size_by_hand():
    assert effective_size(np.ones(9)) == pytest.approx(9)
    assert effective_size(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)


@pytest.mark.parametrize("level", [0, 1, 2, "0.9"])
def test_a_level_that_is_no_fraction_is_refused(level):
    with pytest.raises(InputError, match="level must be above 0 and below 1; it is"):
        wilson_interval(1, 2, level=level)


def test_an_interval_needs_neither_pandas_nor_scikit_learn():
    code = "import sys; from anyshot.evaluation import wilson_interval; wilson_interval(1, 2); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "sklearn", "scipy.stats", "scipy.optimize"} & set(done.stdout.split())
