"""Do no harm: labels, names and a pool never make the model worse than what one would have without them.

Run: python benchmarks/do_no_harm.py                       # everything that is missing, then the table
     python benchmarks/do_no_harm.py --sets sst2 reuters

Protocol: that of `ablation.py` (halves of the train rows of eighteen sets, no test row), with 0, 1, 2, 5, 10 and all
labels of a half, without and with the other items of the half as the pool; plain accuracy, mean over draws. It is
compared with the best of: the bare names, the names as they are read, logistic regression (C = 10) on the same labels,
and the same model with fewer labels. A difference below -0.5 points is marked.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from ablation import Task, Variant, measure_draw
from ablation_sets import IMAGES, MANY_DRAWS, SETS, Reading, Setting, encode_train, load_halves
from sklearn.linear_model import LogisticRegression

from anyshot.base.progress import track

LABELS: Final = (0, 1, 2, 5, 10, "all")
DRAWS: Final = 3
DRAWS_OF_SHORT_TEXTS: Final = 10
"""For short texts of two classes, whose accuracies vary more from draw to draw."""
TOLERANCE: Final = 0.5
BARE: Final = Variant("bare names", reading=Reading(templates=("{}",), max_name_count=1, words=False))


def plain_accuracy(result: dict[str, Any]) -> float:
    """Return the share of right answers [%], of the count, confidence and right answers of each bin (15, 3)."""
    count, _, right = np.sum(result["bins"], axis=0)
    return float(100 * right / count)


def logistic_regression(name: str, folder: Path, labels: int | str, seed: int) -> float:
    """Return the accuracy [%] of logistic regression on the labels of one draw."""
    halves = load_halves(name, folder)
    rows = halves.rows(labels, seed)
    model = LogisticRegression(C=10, max_iter=1000).fit(halves.vectors[rows], halves.index[rows])
    return float(100 * (model.predict(halves.test_vectors) == halves.truth).mean())


def draws_of(name: str, labels: int | str) -> range:
    """Return the seeds of the draws of labels."""
    if labels in (0, "all"):
        return range(1)
    return range(DRAWS_OF_SHORT_TEXTS if name in MANY_DRAWS else DRAWS)


def measure(name: str, folder: Path) -> dict[str, float]:
    """Return the mean accuracy [%] of each model in each setting of a set, by "model, labels"."""
    encode_train(name, folder)
    found: dict[str, float] = {}
    if name not in IMAGES:
        found["bare names, 0"] = plain_accuracy(
            measure_draw(Task(name, "bare", BARE, None, folder), Setting(0, False), 0)
        )
    task = Task(name, "baseline", Variant("baseline"), None, folder)
    for labels in LABELS:
        seeds = draws_of(name, labels)
        for pool in (False, True):
            setting = Setting(labels, pool)
            own = [plain_accuracy(measure_draw(task, setting, seed)) for seed in seeds]
            found[f"{'pool' if pool else 'ours'}, {labels}"] = float(np.mean(own))
        if labels != 0:
            peer = [logistic_regression(name, folder, labels, seed) for seed in seeds]
            found[f"logistic regression, {labels}"] = float(np.mean(peer))
    return found


def measured(name: str, folder: Path) -> dict[str, float]:
    """Return the figures of a set from its file, or measure them and write the file."""
    file = folder / "harm" / f"{name}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(measure(name, folder)))
    found: dict[str, float] = json.loads(file.read_text())
    return found


def best_other(found: dict[str, float], kind: str, labels: int | str) -> tuple[str, float]:
    """Return what is best of all that a model is compared with, and its accuracy [%]."""
    fewer = LABELS[: LABELS.index(labels)]
    others = {key: found[key] for key in ("bare names, 0", "ours, 0", f"logistic regression, {labels}") if key in found}
    others |= {f"{kind}, {some}": found[f"{kind}, {some}"] for some in fewer}
    others.pop(f"{kind}, {labels}", None)
    return max(others.items(), key=lambda pair: pair[1]) if others else ("", -np.inf)


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Print accuracy and difference from the best of the others, by set and setting, then the exceptions."""
    heads = [f"{labels}{' pool' if kind == 'pool' else ''}" for kind in ("ours", "pool") for labels in LABELS]
    print(f"| | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    exceptions = []
    for name, found in results.items():
        cells = []
        for kind in ("ours", "pool"):
            for labels in LABELS:
                own, (what, best) = found[f"{kind}, {labels}"], best_other(found, kind, labels)
                harmed = own < best - TOLERANCE
                cells.append(f"{own:.1f}" + (f" ({own - best:+.1f}) ✗" if harmed else ""))
                if harmed:
                    head = f"{labels} label{'' if labels == 1 else 's'}{', pool' if kind == 'pool' else ''}"
                    exceptions.append(f"{name}, {head}: {own - best:+.1f} against {what}")
        print(f"| {name} | {' | '.join(cells)} |")
    n = len(results) * len(heads)
    print(f"\n{n - len(exceptions)} of {n} settings lose at most {TOLERANCE} points.\n")
    print("\n".join(f"- {line}" for line in exceptions))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sets that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument(
        "--folder", type=Path, default=Path("build/ablation"), help="where vectors and results are kept"
    )
    options = parser.parse_args(arguments)
    steps = ((1, (name, measured(name, options.folder))) for name in options.sets)
    results = dict(track(steps, total=len(options.sets), description="Sets"))
    print_table(results)


if __name__ == "__main__":
    main()
