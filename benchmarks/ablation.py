"""What each mechanism of the any-shot model brings: the change of accuracy when it is taken out.

Run: python benchmarks/ablation.py                                   # everything that is missing, then the tables
     python benchmarks/ablation.py --sets sst2 reuters --variants filter shares
     python benchmarks/ablation.py --change filter_noise=1 --change name_evidence=0.1 --name looser  # one of your own
     python benchmarks/ablation.py --time                            # how long it would take, from one draw
     python benchmarks/ablation.py --report                          # the tables, in Markdown, of what is there

Protocol: the train rows of eighteen sets, each class divided into two equal halves; a model gets labels and up to 3,000
unlabeled items (the pool) of one half and predicts up to 3,000 items of the other. No test row is read. 0, 1, 2, 5 and
10 labels per class, and for sets of 20 classes or more also 0, 1, 3 or 20, each for a random quarter of the classes;
with the pool and without. 5 draws of labels, 20 for short texts of two classes, the same for all variants. Accuracy is
the mean over classes. Encoders are all-MiniLM-L6-v2 and EfficientNet-Lite0, frozen. Four sets of texts had no part in
the choices of the first edition's core and are reported apart. `ablation_tables.py` says how intervals are computed.

A result is one JSON file for each set and variant. It is measured again only if the protocol or the variant's
parameters differ from those in the file. A change of the code that is no parameter needs another folder (--folder), and
--against compares it with the results of the first one.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from ablation_sets import (
    IMAGES,
    MANY_CLASSES,
    READING,
    SETS,
    UNEVEN,
    Reading,
    Setting,
    class_data,
    draws_of,
    encode_train,
    load_halves,
    pool_data,
    settings_of,
    with_shared_words,
)
from ablation_tables import print_tables, read_results

from anyshot.any_shot.defaults import DEFAULTS, Defaults
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.model import Model
from anyshot.base.progress import track
from anyshot.base.validation import Floats, Indexes
from anyshot.evaluation.conformal import prediction_sets, threshold_of
from anyshot.evaluation.metrics import confidence_bins, per_class_accuracy
from anyshot.tasks.parameters import class_shares
from anyshot.zero_shot.class_embeddings import TEXT_TEMPLATES

PROTOCOL: Final = 2
"""Changes whenever figures of the same variant would differ."""
BINS: Final = 15
COVERAGE: Final = 0.9
COVERAGE_FROM: Final = 5
"""Labels per class from which prediction sets are measured."""
ONE_HEAD: Final = {("banking77", UNEVEN), ("caltech101_rest", UNEVEN), ("clinc150", UNEVEN), ("clinc150", 2)}
"""Settings in which the strong head is the only one: more than `few_labels` labels, and of some class fewer than
`min_labels_per_class`."""
WORKERS: Final = 2
GUESS: Final = {False: (0.1, 0.7), True: (0.5, 2.0)}
"""Seconds of a fit without and with a pool, for few and for many classes, until some are measured."""


@dataclass(frozen=True)
class Variant:
    """The model with changed constants, another reading of class names, or other class shares."""

    title: str
    changes: dict[str, Any] = field(default_factory=dict)  # to `Defaults`
    reading: Reading = READING
    class_prior: str = "auto"
    # Where it can act: "pool", "labels", "learning" (a pool or labels), "texts", "many classes" (ten or more), "another
    # head" (the strong one is not alone).
    needs: tuple[str, ...] = ()

    @property
    def defaults(self) -> Defaults:
        """The constants of the model."""
        return replace(DEFAULTS, **self.changes)

    @property
    def parameters(self) -> dict[str, Any]:
        """All that distinguishes the variant, as it stands in a result file."""
        found = {**asdict(self.defaults), **self.reading._asdict(), "class_prior": self.class_prior}
        read: dict[str, Any] = json.loads(json.dumps(found))
        return read

    @property
    def changed(self) -> list[str]:
        """Names of the parameters that differ from the library's."""
        pairs = zip(Reading._fields, self.reading, READING, strict=True)
        of_reading = [name for name, own, usual in pairs if own != usual]
        return [*self.changes, *of_reading, *(["class_prior"] if self.class_prior != "auto" else [])]

    def settings(self, name: str) -> list[Setting]:
        """Return the settings of a set in which the variant can act."""
        return [setting for setting in settings_of(name) if all(_met(need, name, setting) for need in self.needs)]


def _met(need: str, name: str, setting: Setting) -> bool:
    """Return whether a setting of a set has what a variant needs to act."""
    labeled = setting.labels != 0
    if need == "texts":
        return name not in IMAGES
    if need == "many classes":
        return name in (*MANY_CLASSES, "cifar10")
    if need == "another head":
        return (name, setting.labels) not in ONE_HEAD
    return {"pool": setting.pool, "labels": labeled, "learning": setting.pool or labeled}[need]


def mechanisms() -> dict[str, Variant]:
    """Return the model without each of its mechanisms, by short names."""
    pool, both, labels, texts = ("pool",), ("pool", "labels"), ("labels",), ("learning", "texts")
    many = ("labels", "many classes")
    found = {
        "semantics": Variant("words that the texts share", {"semantics_weight": 0.0}, needs=texts),
        "filter": Variant("names filtered toward the pool", {"filter_noise": 0.0}, needs=pool),
        "agreement": Variant("the limit of agreement", {"least_agreement": 0.0}, needs=pool),
        "outside": Variant("agreement outside of the clusters", {"least_outside_items": np.inf}, needs=pool),
        "evidence": Variant("weight of the names by evidence (1 for all)", {"name_weights": (1.0, 1.0)}, needs=pool),
        "shares": Variant("class shares of the pool (equal ones)", class_prior="balanced", needs=pool),
        "mixture": Variant("class shares of the Gaussian mixture", {"least_gain": np.inf}, needs=pool),
        "label_shares": Variant("class shares moved by labels", {"shares_labels": 1e9}, needs=both),
        "offsets": Variant("offsets toward the class shares", {"shares_noise": np.inf}, needs=pool),
        "whole": Variant("the doubt of found class shares", {"shares_noise": 1e-9}, needs=pool),
        "balance": Variant("balance of the clusters", {"pool_balance": 0.0}, needs=pool),
        "members": Variant("labeled items in the clusters", {"label_weight": 0.0}, needs=both),
        "examples": Variant("the pool as examples", {"pool_labels": 0.0}, needs=pool),
        "corrections": Variant("corrections by labeled classes", {"min_labeled_classes": 10**9}, needs=many),
        "weak": Variant("the weak head", {"weak_odds": 0.0}, needs=("learning",)),
        "strong": Variant("the strong head", {"strong_odds": 0.0}, needs=("learning", "another head")),
        "logistic": Variant("the head without class vectors", {"logistic_odds": 0.0}, needs=labels),
        "held_out": Variant("labels held out", {"min_labels": 10**9}, needs=labels),
        "confidence": Variant(
            "confidence by agreement", {"confidence_power": 0, "image_confidence_power": 0}, needs=pool
        ),
        **_other_readings(),
    }
    known = {one.name for one in fields(Defaults)}
    return {name: variant for name, variant in found.items() if variant.changes.keys() <= known}


def _other_readings() -> dict[str, Variant]:
    """Return the model without each template of class names, with the bare name counted once, and without words."""
    found = {}
    for number, left_out in enumerate(TEXT_TEMPLATES):
        reading = Reading(tuple(template for template in TEXT_TEMPLATES if template != left_out))
        found[f"template_{number}"] = Variant(f"template {left_out!r}", reading=reading, needs=("texts",))
    found["words"] = Variant("words of the thesaurus", reading=Reading(words=False), needs=("texts",))
    found["similar"] = Variant("words of similar names", reading=Reading(similar=False), needs=("texts",))
    found["name_weight"] = Variant("weight of the bare name", reading=Reading(max_name_count=1), needs=("texts",))
    return found


def _changes(settings: Sequence[str]) -> dict[str, Any]:
    """Return the changes to `Defaults` that "name=value" states."""
    changes: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        changes[name] = _as_tuples(json.loads(text))
    return changes


def _as_tuples(value: Any) -> Any:
    """Return a JSON value with tuples for lists, which can be compared and hashed."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


# --- measuring ------------------------------------------------------------------------------------------------------


class Task(NamedTuple):
    """What one process measures at a time."""

    set_name: str
    variant_name: str
    variant: Variant
    draws: int | None
    folder: Path

    @property
    def file(self) -> Path:
        """The result file."""
        return self.folder / "results" / f"{self.set_name}.{self.variant_name}.json"

    def read(self) -> dict[str, Any]:
        """Return what the file holds, or nothing measured if it is of another protocol or other parameters."""
        empty = {
            "protocol": PROTOCOL,
            "set": self.set_name,
            "variant": self.variant_name,
            "title": self.variant.title,
            "changes": self.variant.changed,
            "parameters": self.variant.parameters,
            "settings": {},
        }
        if not self.file.exists():
            return empty
        found: dict[str, Any] = json.loads(self.file.read_text())
        same = found["protocol"] == PROTOCOL and found["parameters"] == empty["parameters"]
        return {**empty, "settings": found["settings"]} if same else empty

    def missing(self) -> list[tuple[Setting, range]]:
        """Return the settings with draws that are not measured yet, and these draws."""
        done = self.read()["settings"]
        return [
            (setting, range(len(done.get(setting.key, [])), draws_of(self.set_name, setting, self.draws)))
            for setting in self.variant.settings(self.set_name)
            if len(done.get(setting.key, [])) < draws_of(self.set_name, setting, self.draws)
        ]

    def seconds(self) -> float:
        """Return how long the rest takes, by what the baseline took."""
        baseline = Task(self.set_name, "baseline", Variant("baseline"), None, self.folder).read()["settings"]
        total = 0.0
        for setting, draws in self.missing():
            known = [draw["seconds"] for draw in baseline.get(setting.key, [])]
            guess = GUESS[setting.pool][self.set_name in MANY_CLASSES]
            total += len(draws) * (float(np.mean(known)) if known else guess)
        return total


def run(tasks: Sequence[Task], workers: int) -> None:
    """Measure what is missing, in some processes with one BLAS thread each, or in this one if `workers` is 0."""
    for name in dict.fromkeys(task.set_name for task in tasks):
        encode_train(name, tasks[0].folder)
    expected = [task.seconds() for task in tasks]
    left, total, began = sum(expected), sum(expected), time.monotonic()

    def steps() -> Iterator[tuple[int, str]]:
        nonlocal left
        for number, seconds in _measured(tasks, workers):
            left -= expected[number]
            pace = (time.monotonic() - began) / max(total - left, 1e-9)
            name, variant = tasks[number][:2]
            yield round(expected[number]), f"{name}, {variant}: {seconds:.0f} s; {_clock(pace * left)} left"

    for line in track(steps(), total=round(total), description="Measuring [s of one core]"):
        if not sys.stderr.isatty():
            print(line, file=sys.stderr, flush=True)


def _measured(tasks: Sequence[Task], workers: int) -> Iterator[tuple[int, float]]:
    """Measure all tasks, and yield the number of each with the seconds that it took."""
    if not workers:
        yield from ((number, measure(task)) for number, task in enumerate(tasks))
        return
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        running = {pool.submit(measure, task): number for number, task in enumerate(tasks)}
        yield from ((running[future], future.result()) for future in as_completed(running))
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, the rest is not measured


def measure(task: Task) -> float:
    """Measure what is missing of a task and write it to its file after each setting; return the seconds it took."""
    began, found = time.monotonic(), task.read()
    for setting, draws in task.missing():
        more = [measure_draw(task, setting, seed) for seed in draws]
        found["settings"][setting.key] = found["settings"].get(setting.key, []) + more
        task.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = task.file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(task.file)
    return time.monotonic() - began


def measure_draw(task: Task, setting: Setting, seed: int) -> dict[str, Any]:
    """Fit a model to one draw of labels and return how it predicts the other half."""
    name, folder, variant = task.set_name, task.folder, task.variant
    halves, rows = load_halves(name, folder), load_halves(name, folder).rows(setting.labels, seed)
    if setting.pool:
        data = pool_data(name, folder, variant.reading, variant.defaults)
    else:
        data = class_data(name, folder, variant.reading)
    began = time.process_time()
    data = data.with_labels(halves.vectors[rows], halves.index[rows], [str(text) for text in halves.texts[rows]])
    data = data.with_class_prior(class_shares(variant.class_prior, data)).with_defaults(variant.defaults)
    fitted = with_shared_words(name, folder, variant.reading, data)
    model = fit_model(fitted.embedder, fitted.data)
    probabilities = model.probabilities(model.data.centered(fitted.test_vectors))
    seconds = time.process_time() - began
    return {**scores(probabilities, halves.truth), **_covered(model, probabilities, halves.truth), "seconds": seconds}


def scores(probabilities: Floats, truth: Indexes) -> dict[str, Any]:
    """Return accuracy, a digest of the answers, and count, confidence and correct answers of each bin (15, 3)."""
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    number = confidence_bins(confidence, n_bins=BINS)
    sums = [np.bincount(number, weights, BINS) for weights in (np.ones(len(truth)), confidence, answers == truth)]
    return {
        "accuracy": per_class_accuracy(truth, answers),
        "answers": sha256(answers.astype(np.int32).tobytes()).hexdigest()[:16],
        "bins": np.column_stack(sums).round(4).tolist(),
    }


def _covered(model: Model, probabilities: Floats, truth: Indexes) -> dict[str, float]:
    """Return how many prediction sets contain the true class, and their mean size, if every class has enough labels."""
    if model.data.counts.min() < COVERAGE_FROM or not len(model.held_out):
        return {}
    threshold = threshold_of(1 - model.held_out, COVERAGE)
    members = prediction_sets(probabilities, threshold)
    inside = members[np.arange(len(truth)), truth]
    return {"coverage": float(inside.mean()), "set_size": float(members.sum(axis=1).mean())}


# --- the command ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and print the tables."""
    options = _parser().parse_args(arguments)
    variants = {"baseline": Variant("baseline"), **_chosen(options)}
    tasks = [
        Task(name, variant_name, variant, options.draws, options.folder)
        for name in sorted(options.sets, key=lambda name: name not in MANY_CLASSES)  # the longest first
        for variant_name, variant in variants.items()
    ]
    if options.time:
        run([task._replace(draws=1) for task in tasks if task.variant_name == "baseline"], options.workers)
        seconds = sum(task.seconds() for task in tasks)
        n = max(options.workers, 1)
        print(f"All would take {_clock(seconds)} on one free core, {_clock(seconds / n)} on {n}.")
        return
    if not options.report:
        run([task for task in tasks if task.missing()], options.workers)
    shown = [*variants]
    if options.report and not (options.variants or options.change or options.template or options.name_count):
        shown += [name for name in read_results(options.folder, options.sets) if name not in shown]
    print_tables(options.folder, options.against, options.sets, shown, by_set=options.by_set)


def _chosen(options: argparse.Namespace) -> dict[str, Variant]:
    """Return the variants to measure besides the baseline."""
    known, has_own = mechanisms(), options.change or options.template or options.name_count
    names = options.variants or ([] if has_own else known)
    chosen = {name: known[name] for name in names if name != "baseline"}
    if not has_own:
        return chosen
    templates = tuple(options.template) or READING.templates
    reading = Reading(templates, options.name_count or READING.max_name_count)
    words = [*options.change, *options.template, *([f"name_count={options.name_count}"] if options.name_count else [])]
    name = options.name or ",".join(words).replace("/", "_")
    return {**chosen, name: Variant(f"with {name}", _changes(options.change), reading)}


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--variants", nargs="+", choices=["baseline", *mechanisms()], help="default: all")
    parser.add_argument("--change", action="append", default=[], metavar="NAME=VALUE", help="a variant of your own")
    parser.add_argument("--template", action="append", default=[], help="sentences for class names, with {}")
    parser.add_argument("--name-count", type=int, help="how often the bare name counts among the sentences at most")
    parser.add_argument("--name", help="name of your own variant")
    parser.add_argument("--draws", type=int, help="draws of labels; default: 5, or 20 for short texts of two classes")
    parser.add_argument("--folder", type=Path, default=Path("build/ablation"), help="where results are kept")
    parser.add_argument("--against", type=Path, help="another folder, whose baseline all variants are compared with")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes; 0: this one")
    parser.add_argument("--time", action="store_true", help="measure one draw and print how long the rest takes")
    parser.add_argument("--report", action="store_true", help="print the tables of what is there, without running")
    parser.add_argument("--by-set", action="store_true", help="also print each variant's change by set and setting")
    return parser


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d}:{int(seconds) % 60:02d}"


if __name__ == "__main__":
    main()
