"""Situations of `real_inputs.py`: answers that must not mislead, and doors that must be closed."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from situations import NAMES, TEXTS, Holds, Situation, command, refuses

from anyshot import AnyShotClassifier, load, report
from anyshot.base.model_folder import read_model, write_model
from anyshot.data import write_table
from anyshot.encoders.registry import load_encoder
from anyshot.evaluation.classification import evaluate_answers
from anyshot.evaluation.fairness import accuracy_by_group, figures_by_group, rates_by_group
from anyshot.evaluation.label_errors import label_errors

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202e"


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for item, what, situation in [*_figures(), *_files(), *_doors()]:
        holds(item, what)(situation)


def _model(folder: Path, **parameters: Any) -> Path:
    AnyShotClassifier(cache=False, **parameters).fit(TEXTS, NAMES).save(folder / "model")
    return folder / "model"


def _table(folder: Path, name: str, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(folder / name, index=False)
    return folder / name


# --- figures ---------------------------------------------------------------------------------------------------------


def _figures() -> list[tuple[str, str, Situation]]:
    return [
        ("11", "pd.NA is a group", lambda _: accuracy_by_group([1, 0], ["a", pd.NA])["group"].tolist()[1] == "not given"
            or "not given" in accuracy_by_group([1, 0], ["a", pd.NA])["group"].tolist()),
        ("11", "no label counts for nothing", lambda _: figures_by_group(
            [1, None, 0], [1, 1, 0], ["a", "a", "b"]).table["value"].tolist() == [1.0, 1.0]),
        ("11", "rates of a group without positives", lambda _: np.isnan(
            rates_by_group([1, 0], [1, 0], ["a", "b"]).query("`class` == 1 and group == 'b'")["true_positive"]).all()),
        ("11", "one sentence for each attribute", _two_attributes),
        ("12", "a class with one item", _one_item),
        ("19", "a long text is announced", _long_text),
        ("20", "held-out figures have intervals", lambda _: " to " in AnyShotClassifier(cache=False).fit(
            TEXTS[:4] * 2 + ["please refund", "late parcel"], NAMES[:4] * 2 + NAMES[1:3]).reasons_[0]),
        ("20", "the curve ends at the labels at hand", lambda _: report(AnyShotClassifier(cache=False).fit(
            TEXTS, NAMES), TEXTS, NAMES).tables["curve"].iloc[-1]["n_labels"] == len(TEXTS)),
        ("21", "outsiders of any name", lambda _: len({evaluate_answers(
            np.array(["a", "b"]), ["a", name], ["a", "unknown"]).accuracy for name in ("none", "unknown")}) == 1),
    ]  # fmt: skip


def _two_attributes(_: Path) -> bool:
    clf = AnyShotClassifier(cache=False).fit(TEXTS, NAMES)
    groups = {"age": ["old", "young"] * 6, "sex": ["f"] * 6 + ["m"] * 6}
    lead = report(clf, TEXTS, NAMES, groups=groups).sections["groups"].lead
    return lead.count("By ") >= 2


def _one_item(_: Path) -> bool:
    p = np.full((101, 3), 0.03)
    y = np.repeat([0, 1, 2], [50, 50, 1])
    p[np.arange(101), y] = 0.94
    p[[3, 60]] = [[0.5, 0.4, 0.1], [0.4, 0.5, 0.1]]
    p[100] = [0.6, 0.39, 0.01]
    return label_errors(p, y)["row"].tolist() in ([], [100])


def _long_text(_: Path) -> bool:
    clf = AnyShotClassifier(cache=False).fit(["refund " * 400, "parcel", "refund", "late parcel"], NAMES[1:5])
    return "longer than 256 tokens" in " ".join(clf.reasons_)


# --- files -----------------------------------------------------------------------------------------------------------


def _files() -> list[tuple[str, str, Situation]]:
    def guesses_come_back_empty(folder: Path) -> bool:
        pool, todo = _table(folder, "pool.csv", id=[1, 2], text=["refund?", "late"]), folder / "todo.csv"
        model = _model(folder)
        command("suggest", model, pool, "-n", 2, "--out", todo)
        found = pd.read_csv(todo, keep_default_na=False)
        learned = command("learn", model, todo)[0]
        found.loc[0, "label"] = "refund"
        found.to_csv(todo, index=False)
        return set(found["label"]) == {"refund", ""} and learned == 1 and command("learn", model, todo)[0] == 0

    def predictions_are_no_labels(folder: Path) -> bool:
        pool, out, model = _table(folder, "pool.csv", text=["refund?", "late"]), folder / "out.csv", _model(folder)
        command("predict", pool, "--model", model, "--out", out)
        return bool(command("learn", model, out)[0] == 1)

    def unusual_label_column(folder: Path) -> bool:
        data = _table(folder, "t.csv", message=TEXTS, queue=NAMES)
        code, out, err = command("fit", data, "--classes", "refund,delivery", "--out", folder / "m")
        return code == 0 and json.loads(out)["labels"] == 12 and "labels from 'queue'" in err

    def remembered(folder: Path) -> bool:
        data = _table(folder, "t.csv", words=TEXTS, queue=NAMES)
        command("fit", data, "--text-column", "words", "--label-column", "queue", "--out", folder / "m")
        return bool(command("evaluate", folder / "m", data)[0] == 0)

    def joined(folder: Path) -> bool:
        data = _table(folder, "t.csv", subject=["a refund"], body=["please"])
        out = command("predict", data, "--classes", "refund,delivery", "--text-column", "subject,body")[1]
        return bool(json.loads(out)["item"] == "a refund\nplease")

    def skipped(folder: Path) -> bool:
        data = _table(folder, "t.csv", id=[1, 2, 3], text=["refund", " ", "late"])
        code, out, err = command("predict", data, "--classes", "refund,delivery", "--skipped", folder / "s.csv")
        return (
            code == 0 and len(out.splitlines()) == 2 and "Skipped: " in err and len(pd.read_csv(folder / "s.csv")) == 1
        )

    def formulas(folder: Path) -> bool:
        write_table([{"text": text} for text in ("=1+1", "+1+a", "-a", "@a", "\t=1")], folder / "a.csv")
        return all(text.startswith("'") for text in pd.read_csv(folder / "a.csv")["text"])

    return [
        ("13", "suggestions come back without guesses", guesses_come_back_empty),
        ("13", "predictions are not taken for labels", predictions_are_no_labels),
        ("14", "a label column called queue", unusual_label_column),
        ("14", "a model remembers its columns", remembered),
        ("14", "two text columns", joined),
        ("part 2", "blank rows are skipped and listed", skipped),
        ("part 4", "formulas in a CSV", formulas),
    ]


# --- doors -----------------------------------------------------------------------------------------------------------


def _doors() -> list[tuple[str, str, Situation]]:
    names = ("hf:evil/remote", "hf:/etc", "hf:~", "keras:MobileNetV2")
    return [
        *(("part 4", f"load with encoder {name}", lambda f, name=name: _stays_inside(f, name)) for name in names),
        ("part 4", "a null digest", lambda f: refuses(lambda: load(_renamed(f, "minilm", digest=None)), "no digest")),
        ("part 4", "threads that learn and answer", _threads),
        (
            "part 4",
            "escapes in an item",
            lambda _: "\x1b" not in command("predict", HOSTILE + "a", "--classes", "a,b")[1],
        ),
        ("part 4", "escapes in an error", lambda _: "\x1b" not in command("fit", f"{HOSTILE}.csv", "--out", "m")[2]),
        ("part 4", "an index that names a pickle", _pickle),
    ]


def _renamed(folder: Path, name: str, **facts: Any) -> Path:
    """Save a model that names another encoder."""
    saved = read_model(_model(folder))
    encoder: Any = saved.facts["encoder"]
    parameters: Any = saved.facts["parameters"]
    changed = {"encoder": {**encoder, "name": name, **facts}, "parameters": {**parameters, "encoder": name}}
    write_model(folder / "model", facts={**saved.facts, **changed}, arrays=saved.arrays, card="")
    return folder / "model"


def _stays_inside(folder: Path, name: str) -> bool:
    """Return whether a model that names this encoder is refused without a connection."""
    model, tried, connect = _renamed(folder, name), [], socket.socket.connect
    socket.socket.connect = lambda *given: tried.append(given)  # type: ignore[method-assign]
    try:
        return refuses(lambda: load(model), "If you trust it") and not tried
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]


def _threads(_: Path) -> bool:
    X = np.eye(6, 8, dtype=np.float32)
    clf = AnyShotClassifier({f"c{k}": X[k] for k in range(6)}, cache=False).fit(X, [f"c{k}" for k in range(6)])
    wrong: list[Any] = []
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            wrong.extend(np.flatnonzero(clf.predict(X[1:]) != [f"c{k}" for k in range(1, 6)]))

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    for _ in range(10):
        clf.remove_class("c0")
        clf.add_class("c0", X[0])
    over.set()
    for user in users:
        user.join()
    return not wrong


def _pickle(folder: Path) -> bool:
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "weights.bin"}}')
    for name in ("weights.bin", "model-1.safetensors"):
        (folder / name).write_bytes(b"")
    return refuses(lambda: load_encoder(f"hf:{folder}"), "pickle")
