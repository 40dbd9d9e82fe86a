"""Inputs as people have them: each is answered rightly, or refused with the reason.

    python benchmarks/real_inputs.py            # all subjects
    python benchmarks/real_inputs.py labels     # one or more

Each situation of `benchmarks/situations/` runs through the public surface, in Python or on the command line, and holds
if the value is the right one, or the error is one of anyshot's and names the row, the column or the remedy. Expected:
all hold.
"""

import importlib
import pkgutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import situations
from situations.situation import Subject

from anyshot.errors import AnyshotError


def fault(situation: Callable[[Path], object]) -> str:
    """Return why a situation does not hold, or nothing."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "" if situation(Path(folder)) else "another value"
        except (AnyshotError, ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError,
                TypeError, ValueError) as error:  # fmt: skip
            return f"{type(error).__name__}: {str(error)[:100]}"


def main() -> int:
    """Run the situations of the subjects that are named, or all; return the number of those that do not hold."""
    for module in pkgutil.iter_modules(situations.__path__):
        importlib.import_module(f"situations.{module.name}")
    total = failed = 0
    for subject, members in Subject.all.items():
        if sys.argv[1:] and subject not in sys.argv[1:]:
            continue
        faults = {name: found for name, situation in members.items() if (found := fault(situation))}
        print(f"{subject:20} {len(members) - len(faults)} of {len(members)}", flush=True)
        for name, found in faults.items():
            print(f"    {name}: {found}", flush=True)
        total, failed = total + len(members), failed + len(faults)
    print(f"{'all':20} {total - failed} of {total}")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
