import numpy as np
import pytest

from anyshot.base.validation import generator
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.calibration import softmax_rows
from anyshot.evaluation.metrics import expected_calibration_error
from anyshot.evaluation.reliability import reliability, reliability_diagram


@pytest.fixture
def scored():
    random = generator(1)
    y = random.integers(4, size=120)
    return softmax_rows(random.normal(size=(120, 4)) + 2 * np.eye(4)[y]), y


def test_the_table_by_hand():
    table = reliability([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]], [0, 1, 1], n_bins=2)
    assert table[["low", "high", "n"]].to_numpy().tolist() == [[0.5, 1.0, 3.0]]
    assert table["confidence"].tolist() == pytest.approx([0.8])
    assert table["accuracy"].tolist() == pytest.approx([2 / 3])
    assert table["lower"].item() < 2 / 3 < table["upper"].item()


def test_the_gaps_weighted_by_items_are_the_calibration_error(scored):
    table = reliability(*scored)
    gaps = (table["n"] * (table["confidence"] - table["accuracy"]).abs()).sum() / table["n"].sum()
    assert gaps == pytest.approx(expected_calibration_error(*scored))


def test_items_without_label_are_left_out(scored):
    probabilities, y = scored
    longer = reliability(np.vstack([probabilities, probabilities]), [*y, *([-1] * len(y))])
    assert longer.equals(reliability(probabilities, y))


def test_the_diagram_shows_a_point_for_each_bin_and_the_error(scored):
    figure = reliability_diagram(*scored)
    upper, lower = figure.axes
    assert len(upper.collections[-1].get_offsets()) == len(reliability(*scored)) == len(lower.patches)
    error = 100 * expected_calibration_error(*scored)
    assert upper.get_title(loc="left") == f"Calibration error {error:.1f} points"


def test_no_label_at_all_is_refused():
    with pytest.raises(NotEnoughLabelsError, match="nothing to compare"):
        reliability([[0.5, 0.5]], [-1])


def test_an_item_of_weight_two_counts_like_two_items_and_bins_without_weight_are_left_out():
    table, y = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]), [0, 1, 0]
    weighed = reliability(table, y, sample_weight=[2, 1, 0])
    copied = reliability(table[[0, 0, 1]], [0, 0, 1])
    assert weighed["accuracy"].tolist() == pytest.approx(copied["accuracy"].tolist())
    assert weighed["n"].tolist() == [2]
