import numpy as np

from anyshot.base.wording import named_rows, shortened


def test_rows_of_an_array_are_named_as_those_of_a_list():
    assert named_rows(np.arange(7)) == "rows 0, 1, 2, 3, 4 and 2 more" == named_rows(list(range(7)))


def test_a_long_text_is_shown_by_its_ends():
    assert shortened("a" * 60) == "a" * 60
    assert shortened("a" * 40 + "b" * 40) == f"{'a' * 28} … {'b' * 28}"
