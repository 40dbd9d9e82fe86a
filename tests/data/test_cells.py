import pytest

from anyshot.data.cells import is_empty, is_filled, is_no_text


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (None, (False, True, True)),
        ("", (False, True, True)),
        (" \u200b", (True, True, True)),
        (" NaN ", (True, False, True)),
        ("none", (True, False, False)),
        (0, (True, False, False)),
    ],
)
def test_a_cell_has_a_value_is_visible_or_says_that_there_is_none(cell, found):
    assert (is_filled(cell), is_empty(cell), is_no_text(cell)) == found
