"""Texts and class indexes as the columns of several libraries, which the situations of several subjects pass."""

from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch

from situations.situation import INDEX, TEXTS

TEXTS_OF_LIBRARIES: Final[dict[str, Any]] = {
    "a polars column": pl.Series(TEXTS),
    "a pyarrow array": pa.array(TEXTS),
    "a chunked array": pa.chunked_array([TEXTS]),
    "pyarrow scalars": [pa.scalar(text) for text in TEXTS],
    "a table of one column": pd.DataFrame({"text": TEXTS}),
    "an array (n, 1)": np.array(TEXTS)[:, None],
}
INDEX_OF_LIBRARIES: Final[dict[str, Any]] = {
    "a tensor": torch.tensor(INDEX),
    "tensors in a list": list(torch.tensor(INDEX)),
    "a polars column": pl.Series(INDEX),
    "a pyarrow array": pa.array(INDEX),
    "a chunked array": pa.chunked_array([INDEX]),
    "pyarrow scalars": [pa.scalar(one) for one in INDEX],
    "a nullable column": pd.array(INDEX, "Int64"),
}
