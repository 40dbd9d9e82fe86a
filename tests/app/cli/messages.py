"""Customer messages to learn from, and the program in a process of its own."""

import subprocess
import sys

import pandas as pd

TRAIN = [
    ("I was charged twice", "billing"), ("send me an invoice", "billing"), ("wrong amount on my card", "billing"),
    ("where is my parcel", "delivery"), ("the courier never came", "delivery"), ("my package is late", "delivery"),
    ("I forgot my password", "login"), ("cannot sign in", "login"), ("my account is locked", "login"),
]  # fmt: skip
POOL = ["my card is charged again", "the courier lost it", "forgot my password", "the box is broken", "two invoices"]


def table(path, columns):
    """Write columns to a CSV file; return its path."""
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def process(*arguments, **options):
    """Run a command in another process; return what it ended with."""
    return subprocess.run(
        [sys.executable, "-m", "anyshot", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )
