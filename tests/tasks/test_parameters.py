"""The parameters of AnyShotClassifier: what is in range, and which of them need items."""

import numpy as np
import pytest

from anyshot import AnyShotClassifier
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.parameters import check_needs_no_items, check_parameters


@pytest.mark.parametrize(
    "given",
    [{}, {"budget": 3.5}, {"class_prior": {"tea": 1}}, {"unknown_rate": 0.1}, {"words": np.bool_(False)}],
    ids=str,
)
def test_parameters_in_range_are_accepted(given):
    assert check_parameters(AnyShotClassifier(["tea", "zoo"], **given)) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"budget": 0}, "budget must be 'fast', 'best' or a number of seconds; got 0"),
        ({"budget": float("inf")}, "got inf"),
        ({"unknown_rate": 1}, "unknown_rate must be None or a number between 0 and 1; got 1"),
        ({"class_prior": "even"}, "'balanced', 'labels' or {name: share}; got 'even'"),
        ({"long_texts": "whole"}, "long_texts must be 'cut' or 'mean'; got 'whole'"),
        ({"random_state": "seed"}, "seed"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_what_is_needed(given, words):
    with pytest.raises(InputError) as caught:
        check_parameters(AnyShotClassifier(["tea", "zoo"], **given))
    assert words in str(caught.value)


def test_a_random_state_is_not_advanced_by_the_check():
    state = np.random.RandomState(0)
    check_parameters(AnyShotClassifier(["tea", "zoo"], random_state=state))
    assert state.randint(1000) == np.random.RandomState(0).randint(1000)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"unknown_rate": 0.05}, "unknown_rate=0.05 needs labeled or unlabeled items"),
        ({"method": "prototype"}, "method='prototype' needs labels, and there are none"),
    ],
)
def test_a_parameter_that_needs_items_is_refused_without_any(given, words):
    with pytest.raises(NotEnoughLabelsError, match=words):
        check_needs_no_items(AnyShotClassifier(["tea", "zoo"], **given))
