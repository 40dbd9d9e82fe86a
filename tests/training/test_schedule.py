"""Schedules by hand, and groups by depth."""

import pytest
from torch import nn

from anyshot.training.schedule import by_depth, constant, cosine, linear, warmed


@pytest.mark.parametrize(
    ("schedule", "begin", "middle", "end"), [(cosine, 1, 0.5, 0), (linear, 1, 0.5, 0), (constant, 1, 1, 1)]
)
def test_schedules_at_the_begin_the_middle_and_the_end(schedule, begin, middle, end):
    assert [schedule(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([begin, middle, end])


def test_the_warm_up_rises_from_nothing_to_where_the_schedule_begins():
    rates = [warmed(linear, progress, warm_up=0.2) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_without_warm_up_the_schedule_is_followed_from_the_start():
    assert warmed(cosine, 0.25, warm_up=0) == cosine(0.25)


def test_a_warm_up_over_the_whole_run_never_asks_the_schedule():
    assert warmed(cosine, 0.5, warm_up=1) == 0.5
    assert warmed(cosine, 1.0, warm_up=1) == 1.0


def test_earlier_stages_learn_slower_and_start_later():
    stages = [(name, nn.Linear(1, 1)) for name in ("first", "second", "third")]
    groups = by_depth(stages, decay=0.5, unfreeze_every=2)
    assert [(group.name, group.rate, group.starts) for group in groups] == [
        ("first", 0.25, 4),
        ("second", 0.5, 2),
        ("third", 1, 0),
    ]
