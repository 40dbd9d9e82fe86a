"""The tables of the ablation, from its result files.

The change of a variant in a setting of a set is the mean over draws of its accuracy minus the baseline's on the same
draw [points]; below zero, the mechanism that was taken out helps. The variant acts in a setting if any answer of any
draw differs. The change of a set is the mean over the settings where the variant acts; that of a group of sets is the
mean over the sets where it acts anywhere.

Intervals (95 %) are percentiles of 4,000 bootstrap samples of these paired changes: sets are the unit and are drawn
with replacement, and in each set its draws of labels. With four sets such an interval is too narrow, and with fewer
than three there is none.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from ablation_sets import FRESH, SETS, SETTINGS, Setting
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Results: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""Of each variant and set, what the result file holds."""
Changes: TypeAlias = dict[str, dict[str, Floats]]
"""Of each set and key of a setting where a variant acts, the change of each draw [points]."""

RESAMPLES: Final = 4_000
LEAST_SETS: Final = 3
"""Sets that an interval needs."""
ENOUGH: Final = 0.5
"""A mechanism stays if it brings this much where it acts, on the old sets and on the fresh ones [points]."""
OLD: Final = tuple(name for name in SETS if name not in FRESH)


def print_tables(
    folder: Path, against: Path | None, sets: Sequence[str], variants: Sequence[str], *, by_set: bool
) -> None:
    """Print all tables of the results in a folder.

    against: the folder of the baseline that variants are compared with, by default the same; by_set: whether to print
    each variant's own figures and its changes by set and setting.
    """
    results = read_results(folder, sets)
    own = results.get("baseline", {})
    baseline = own if against is None else read_results(against, sets).get("baseline", {})
    if not baseline:
        print("There are no results of the baseline yet.")
        return
    shown = [name for name in variants if name in results and (name != "baseline" or against)]
    if against is None:
        for name in shown:
            results[name] = _comparable(results[name], baseline)
    changes = {name: changes_of(results[name], baseline) for name in shown}
    titles = {name: _title(name, results[name]) for name in shown}
    if changes:
        _print_changes(titles, changes, results, baseline)
        _print_by_labels(titles, changes)
    for name in shown if by_set else ():
        _print_by_set(f"Change, {titles[name]} [points]", changes[name])
    tables = {"baseline": own or baseline, **{name: results[name] for name in shown if not own or by_set}}
    for name, table in tables.items():
        _print_accuracy(name, table)
        _print_calibration(name, table)
        _print_coverage(name, table)


def read_results(folder: Path, sets: Iterable[str]) -> Results:
    """Return the results of some sets."""
    found: Results = {}
    for file in sorted((folder / "results").glob("*.json")):
        result = json.loads(file.read_text())
        if result["set"] in sets:
            found.setdefault(result["variant"], {})[result["set"]] = result
    return found


def _comparable(variant: Mapping[str, dict[str, Any]], baseline: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the results that differ from the baseline's in the variant's own changes only, and name the others."""
    found = {}
    for name, own in variant.items():
        other = baseline.get(name, {"protocol": None, "parameters": {}})
        keys = own["parameters"].keys() | other["parameters"].keys()
        differ = {key for key in keys if own["parameters"].get(key) != other["parameters"].get(key)}
        if own["protocol"] == other["protocol"] and differ <= set(own["changes"]):
            found[name] = own
        else:
            print(f"Left out: {own['variant']} on {name}, measured with other constants than the baseline.\n")
    return found


def _title(name: str, variant: Mapping[str, dict[str, Any]]) -> str:
    return next((str(own["title"]) for own in variant.values()), name)


# --- figures --------------------------------------------------------------------------------------------------------


def changes_of(variant: Mapping[str, dict[str, Any]], baseline: Mapping[str, dict[str, Any]]) -> Changes:
    """Return the changes of a variant where it acts, on the draws that both have."""
    found: Changes = {}
    for name in variant:
        for key, draws in variant[name]["settings"].items():
            pairs = list(zip(draws, baseline.get(name, {"settings": {}})["settings"].get(key, []), strict=False))
            if any(one["answers"] != other["answers"] for one, other in pairs):
                differences = [100 * (one["accuracy"] - other["accuracy"]) for one, other in pairs]
                found.setdefault(name, {})[key] = np.array(differences)
    return found


def mean_change(changes: Changes, sets: Iterable[str]) -> float:
    """Return the mean over sets, over settings and over draws [points]; NaN if the variant acts in none of the sets."""
    means = [np.mean([draws.mean() for draws in changes[name].values()]) for name in sets if name in changes]
    return float(np.mean(means)) if means else np.nan


def interval(changes: Changes, sets: Iterable[str]) -> tuple[float, float] | None:
    """Return the interval (95 %) of `mean_change`, or None with too few sets."""
    random, acting = np.random.default_rng(0), [name for name in sets if name in changes]
    if len(acting) < LEAST_SETS:
        return None
    means = np.stack([_resampled_means(changes[name].values(), random) for name in acting])  # (sets, resamples)
    drawn = random.integers(len(acting), size=(len(acting), RESAMPLES))
    low, high = np.percentile(np.take_along_axis(means, drawn, axis=0).mean(axis=0), [2.5, 97.5])
    return float(low), float(high)


def _resampled_means(settings: Iterable[Floats], random: np.random.Generator) -> Floats:
    """Return means over settings of means over draws (r,), the draws of each setting drawn with replacement."""
    means = [draws[random.integers(len(draws), size=(RESAMPLES, len(draws)))].mean(axis=1) for draws in settings]
    return np.asarray(np.mean(means, axis=0))


def calibration_error(draws: Sequence[dict[str, Any]]) -> float:
    """Return the expected calibration error [points] of the answers of all draws together."""
    count, confidence, correct = np.sum([draw["bins"] for draw in draws], axis=0).T
    return float(100 * np.abs(confidence - correct).sum() / count.sum())


def calibration_target(setting: Setting) -> float:
    """Return the largest calibration error that a setting may have [points]."""
    enough = setting.labels in (5, 10) or (setting.labels == 0 and setting.pool)
    return 5 if enough else 8


def calibration_change(
    variant: Mapping[str, dict[str, Any]], baseline: Mapping[str, dict[str, Any]], changes: Changes
) -> float:
    """Return the mean change of the calibration error where a variant acts [points]."""
    means = []
    for name, settings in changes.items():
        both = [(variant[name]["settings"][key], baseline[name]["settings"][key]) for key in settings]
        means.append(np.mean([calibration_error(one) - calibration_error(other) for one, other in both]))
    return float(np.mean(means)) if means else np.nan


# --- tables ---------------------------------------------------------------------------------------------------------


def _print_changes(
    titles: Mapping[str, str], changes: Mapping[str, Changes], results: Results, baseline: dict[str, dict[str, Any]]
) -> None:
    print("## What is lost without each mechanism\n")
    print(
        "Mean change of accuracy where the answers differ [points], its interval (95 %) and the number of sets; ✓: the "
        f"mechanism brings at least {ENOUGH:g}. Last, the mean change of the calibration error [points].\n"
    )
    groups = f"{len(OLD)} old sets", f"{len(FRESH)} fresh sets"
    _print_head(["without", "acts in", *groups, "worst set", "best set", "calibration error"])
    for name, title in titles.items():
        own = changes[name]
        n_settings = sum(len(result["settings"]) for result in results[name].values())
        acts = f"{sum(len(settings) for settings in own.values())} of {n_settings}"
        by_set = sorted((mean_change(own, [one]), one) for one in own)
        extremes = [f"{one} {change:+.1f}" for change, one in (by_set[:1] + by_set[-1:])] or ["", ""]
        error = calibration_change(results[name], baseline, own)
        cells = [acts, _with_interval(own, OLD), _with_interval(own, FRESH), *extremes, _number(error, "+.1f")]
        _print_row(title, cells)


def _with_interval(changes: Changes, sets: Sequence[str]) -> str:
    mean, between = mean_change(changes, sets), interval(changes, sets)
    if np.isnan(mean):
        return ""
    mark, n = "✓" if mean <= -ENOUGH else "✗", sum(name in changes for name in sets)
    return f"{mean:+.2f} {mark}" + (f" [{between[0]:+.2f}, {between[1]:+.2f}]" if between else "") + f" in {n}"


def _print_by_labels(titles: Mapping[str, str], changes: Mapping[str, Changes]) -> None:
    print("\n## By number of labels\n\nMean change over all sets where the answers differ [points].\n")
    _print_head(["without", *(setting.key for setting in SETTINGS)])
    for name, title in titles.items():
        _print_row(title, [_number(_mean_of_setting(changes[name], setting.key), "+.1f") for setting in SETTINGS])


def _mean_of_setting(changes: Changes, key: str) -> float:
    means = [settings[key].mean() for settings in changes.values() if key in settings]
    return float(np.mean(means)) if means else np.nan


def _print_by_set(title: str, changes: Changes) -> None:
    print(f"\n## {title}\n")
    rows = {name: {key: float(draws.mean()) for key, draws in own.items()} for name, own in changes.items()}
    _print_sets(rows, "+.1f")


def _print_accuracy(variant: str, table: Mapping[str, dict[str, Any]]) -> None:
    print(f"\n## Accuracy, {variant} [%]\n")
    rows = {
        name: {
            key: 100 * float(np.mean([draw["accuracy"] for draw in draws])) for key, draws in own["settings"].items()
        }
        for name, own in table.items()
    }
    _print_sets(rows, ".1f")


def _print_calibration(variant: str, table: Mapping[str, dict[str, Any]]) -> None:
    print(f"\n## Calibration error, {variant} [points]\n")
    print(
        "15 bins, the answers of all draws together; ✗: above 5 from 5 labels and at 0 with the pool, else above 8.\n"
    )
    rows = {
        name: {key: calibration_error(draws) for key, draws in own["settings"].items()} for name, own in table.items()
    }
    targets = {setting.key: calibration_target(setting) for setting in SETTINGS}
    _print_sets(rows, ".1f", targets=targets)
    above = [name for name in rows for key, error in rows[name].items() if error > targets[key]]
    n_settings = sum(len(own) for own in rows.values())
    print(f"\nAbove the target in {len(above)} of {n_settings} settings: {', '.join(dict.fromkeys(above)) or 'none'}.")


def _print_coverage(variant: str, table: Mapping[str, dict[str, Any]]) -> None:
    rows: dict[str, dict[str, float]] = {}
    sizes: dict[str, dict[str, float]] = {}
    for name, own in table.items():
        for key, draws in own["settings"].items():
            measured = [draw for draw in draws if "coverage" in draw]
            if measured:
                rows.setdefault(name, {})[key] = 100 * float(np.mean([draw["coverage"] for draw in measured]))
                sizes.setdefault(name, {})[key] = float(np.mean([draw["set_size"] for draw in measured]))
    for title, figures in (
        ("Coverage of prediction sets asked at 90 %", rows),
        ("Mean size of prediction sets", sizes),
    ):
        if figures:
            print(f"\n## {title}, {variant}\n")
            _print_sets(figures, ".1f")


def _print_sets(
    rows: Mapping[str, Mapping[str, float]], form: str, *, targets: Mapping[str, float] | None = None
) -> None:
    """Print a table with a row for each set and a column for each setting, and the means over sets."""
    keys = [setting.key for setting in SETTINGS if any(setting.key in own for own in rows.values())]
    _print_head(["", *keys])
    for name in (one for one in SETS if one in rows):
        cells = [_number(rows[name].get(key, np.nan), form) for key in keys]
        if targets:
            above = [rows[name].get(key, 0) > targets[key] for key in keys]
            cells = [f"{cell} ✗" if too_large else cell for cell, too_large in zip(cells, above, strict=True)]
        _print_row(name, cells)
    for title, sets in (("mean of all sets", SETS), ("mean of the old sets", OLD), ("mean of the fresh sets", FRESH)):
        values = [[rows[name][key] for name in sets if name in rows and key in rows[name]] for key in keys]
        if any(values):
            _print_row(f"*{title}*", [_number(float(np.mean(own)) if own else np.nan, form) for own in values])


def _number(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)


def _print_head(heads: Sequence[str]) -> None:
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")


def _print_row(title: str, cells: Sequence[str]) -> None:
    print(f"| {title} | {' | '.join(cells)} |")
