import json

import pytest

from anyshot.training.run import HeldOut, History, Record, plot_histories


def history(*figures: tuple[float, float]) -> History:
    records = [Record(epoch, 1.0 / (epoch + 1), HeldOut(*figure), 0.1, 1.0) for epoch, figure in enumerate(figures)]
    return History(records, "all epochs done")


def test_the_best_epoch_has_the_highest_accuracy_and_then_the_lowest_loss():
    assert history((0.5, 0.8), (0.9, 0.9), (0.7, 0.9)).best_epoch == 2


def test_without_accuracies_the_best_epoch_has_the_lowest_loss():
    assert history((0.5, 0.0), (0.2, 0.0), (0.3, 0.0)).best_epoch == 1


def test_the_earlier_of_two_equal_epochs_is_best():
    assert history((0.5, 0.9), (0.5, 0.9)).best_epoch == 0


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_an_epoch_whose_loss_is_not_finite_is_never_best(loss):
    assert history((0.3, 0.5), (loss, 0.9)).best_epoch == 0
    assert history((loss, 0.9), (0.3, 0.5)).best_epoch == 1
    assert history((loss, 0.9)).best_epoch is None


def test_without_held_out_items_no_epoch_is_best():
    assert History([Record(1, 0.5, None, 0.1, 1.0)]).best_epoch is None


def test_facts_restore_the_history():
    one = history((0.5, 0.8), (0.9, 0.9))
    assert History.from_facts(json.loads(json.dumps(one.facts()))) == one


def test_the_plot_shows_loss_and_accuracy_of_every_run():
    figure = plot_histories(
        {"one": history((0.5, 0.8), (0.4, 0.9)), "other": History([Record(1, 0.5, None, 0.1, 1.0)])}
    )
    left, right = figure.axes
    assert len(left.lines) == 3  # two in training, one held out
    assert right.lines[0].get_ydata() == pytest.approx([80, 90])
