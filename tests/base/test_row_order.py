import pandas as pd
import pytest

from anyshot.base.row_order import warn_of_other_order


def test_an_index_that_counts_backwards_is_no_position():
    texts = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    with pytest.warns(UserWarning, match="items and groups name the same rows in another order"):
        warn_of_other_order(texts, pd.Series([1, 2, 3], index=range(2, -1, -1)), what="groups", stacklevel=1)
