"""Customers of a shop, of whom those with a higher age and income left, as a table that a person may have."""

import numpy as np
import pandas as pd


def customers(n=60):
    """Return n of 60 customers, every other of whom left."""
    return _all(60)[:n]


def _all(n):
    random, left = np.random.default_rng(0), np.arange(n) % 2 == 0
    return pd.DataFrame(
        {
            "customer": [f"C{1000 + number}" for number in range(n)],
            "age": random.integers(20, 40, n) + 15 * left,
            "income": [f"{value:.2f}".replace(".", ",") for value in random.normal(1000 + 900 * left, 200)],
            "city": np.where(random.random(n) < 0.3 + 0.4 * left, "Rome", "Oslo"),
            "since": [f"{1 + number % 28:02}.0{1 + number % 9}.2024" for number in range(n)],
            "status": np.where(left, "left", "stays"),
        }
    )
