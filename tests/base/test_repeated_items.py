import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.sparse import csr_array

from anyshot.base.repeated_items import n_repeated, repeated_note


@pytest.mark.parametrize(
    ("items", "earlier", "n"),
    [
        (["a", "b", "a"], pd.Series(["a", "c"], index=[7, 3]), 2),
        (np.eye(3), [[1, 0, 0], [0, 0, 1]], 2),
        (np.eye(3, dtype=np.float32), np.eye(3), 3),
        (np.array([["a", 1], ["b", 2]], dtype=object), [["b", 2]], 1),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), pd.DataFrame({"a": [2, 2], "b": [None, "y"]}), 1),
        (np.zeros((2, 4, 4, 3), np.uint8), np.ones((1, 4, 4, 3), np.uint8), 0),
        ([Image.new("RGB", (4, 4))] * 2, [Image.new("RGB", (4, 4))], 0),  # it cannot be told
        (csr_array(np.eye(3)), csr_array(np.eye(3)), 0),
    ],
)
def test_equal_items_are_counted(items, earlier, n):
    assert n_repeated(items, earlier) == n


def test_the_note_names_both_numbers():
    assert repeated_note(2, 1000).startswith("2 of the 1,000 test items equal training items")
    assert repeated_note(1, 9).startswith("1 of the 9 test items equals a training item")
