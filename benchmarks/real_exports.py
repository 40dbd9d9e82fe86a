"""Situations of `real_inputs.py`: an eighth audit, of files that other tools export, and of commands one after another.

The right value of each was written down before the first run; here are those that failed, and their neighbors.
"""

import gzip
import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from situations import CLASSES, CSV, NAMES, TEXTS, Holds, Situation, command, fails_with, model_in, says, written

from anyshot import AnyShotClassifier, data, load

PAIRS = list(zip(TEXTS[:4], NAMES[:4], strict=True))
MYSQL = "id\ttext\tlabel\n1\tmy\\\nmoney\\\tback\trefund\n2\twhere is it\tdelivery\n3\thello\t\\N\n"


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_exports(), *_refused(), *_one_after_another()]:
        holds("eighth audit", what)(situation)


def _rows(folder: Path, rows: Sequence[dict[str, Any]]) -> Any:
    return data.read_data(written(folder, "a.jsonl", "\n".join(map(json.dumps, rows))))


def _exports() -> Iterator[tuple[str, Situation]]:
    listed = [{"text": text, "label": [name]} for text, name in PAIRS]
    names = [name for _, name in PAIRS]
    answered = [{"text": text, "label": name, "answer": "accept"} for text, name in PAIRS]

    def table(folder: Path, name: str, content: str) -> list[Any]:
        return list(data.read_data(written(folder, name, content)).labels)

    def mysql(folder: Path) -> bool:
        read = data.read_data(written(folder, "a.tsv", MYSQL))
        return next(iter(read.items)) == "my\nmoney\tback" and list(read.labels) == ["refund", "delivery", None]

    def parquet(folder: Path) -> bool:
        pd.DataFrame(listed).to_parquet(folder / "a.parquet")
        return list(data.read_data(folder / "a.parquet").labels) == names

    def rejected(folder: Path) -> bool:
        labels = list(_rows(folder, [{**answered[0], "answer": "reject"}, *answered[1:]]).labels)
        return labels == [None, *names[1:]]

    def split(folder: Path) -> bool:
        frame = pd.DataFrame(PAIRS, columns=["text", "label"])
        return table(folder, "a.json", frame.to_json(orient="split")) == names

    yield "Doccano: a list of one label", lambda folder: list(_rows(folder, listed).labels) == names
    yield (
        "Doccano: an empty list",
        lambda folder: list(_rows(folder, [{**listed[0], "label": []}, *listed[1:]]).labels) == [None, *names[1:]],
    )
    yield (
        "a list of one label in a CSV",
        lambda folder: (
            table(folder, "a.csv", "text,label\na,['x']\nb,['y']\n")
            == [
                "x",
                "y",
            ]
        ),
    )
    yield "lists of one label in Parquet", parquet
    yield "Prodigy: a label that was rejected", rejected
    yield "pandas: orient split", split
    yield "MySQL: a line end within a text", mysql


def _refused() -> Iterator[tuple[str, Situation]]:
    def fit(folder: Path, name: str, content: str | bytes, *words: str, code: int = 1) -> bool:
        return fails_with(command("fit", written(folder, name, content), "--out", folder / "m"), code, *words)

    def classes(folder: Path) -> bool:
        file = written(folder, "names.yaml", "- refund\n- delivery\n")
        return fails_with(command("predict", "where is it", "--classes", file), 1, "Supported", ".txt")

    def packed(folder: Path) -> bool:
        path = written(folder, "a.csv.gz", gzip.compress(CSV.encode()))
        return fails_with(command("predict", path, *CLASSES), 0)

    cut = "\n".join(json.dumps({"text": text, "label": name}) for text, name in PAIRS)[:-8]
    yield "two labels of one item", lambda f: fit(f, "a.jsonl", '{"text": "a", "label": ["x", "y"]}', "line 1", "Write")
    yield "Roboflow: one column a class", lambda f: fit(f, "a.csv", "text,cat,dog\na,1,0\nb,0,1\n", "'cat', 'dog' hold")
    yield "JSON that is cut off", lambda f: fit(f, "a.jsonl", cut, "line 4", "cut off", "Write the file again")
    yield "a plain file named .gz", lambda f: fit(f, "a.csv.gz", CSV, "not compressed", "end in .csv")
    yield "a file that is compressed", packed
    yield (
        "R: a missing label",
        lambda _: says(lambda: AnyShotClassifier(cache=False).fit(TEXTS, ["NA", *NAMES[1:]]), "'NA' counts as a class"),
    )
    yield (
        "an error of a spreadsheet for a label",
        lambda f: fit(f, "a.csv", CSV + "hello,#N/A\n", "1 cell", "#N/A", code=0),
    )
    yield (
        "fit from the standard input",
        lambda f: fails_with(command("fit", "-", "--out", f / "m"), 1, "Write the data to a file"),
    )
    yield "classes in a file of another type", classes


def _one_after_another() -> Iterator[tuple[str, Situation]]:
    def filled_in(folder: Path) -> bool:
        rest, todo, model = written(folder, "rest.csv", "text\nwhere is it\n"), folder / "todo.csv", model_in(folder)
        command("suggest", model, rest, "--out", todo)
        filled = written(folder, "todo.csv", todo.read_text("utf-8").rstrip() + "delivery\n").read_text("utf-8")
        result = command("suggest", model, rest, "--out", todo)
        return fails_with(result, 1, "1 label filled in", "learn") and todo.read_text("utf-8") == filled

    def twice(folder: Path) -> bool:
        new, model = written(folder, "new.csv", "text,label\nit is late,delivery\n"), model_in(folder)
        command("learn", model, new)
        return fails_with(command("learn", model, new), 0, "count twice")

    def truth_values(folder: Path) -> bool:
        flags = CSV.replace(",refund", ",TRUE").replace(",delivery", ",FALSE")
        command("fit", written(folder, "a.csv", flags), "--out", folder / "m")
        learned = command("learn", folder / "m", "where is it now", "--label", "FALSE")
        renamed = command("rename-class", folder / "m", "TRUE", "refund")
        return learned[0] == renamed[0] == 0 and set(load(folder / "m").classes_.tolist()) == {False, "refund"}

    def accents(folder: Path) -> bool:
        written(folder, unicodedata.normalize("NFD", "prüfung.csv"), CSV)
        evaluated = command("evaluate", model_in(folder), folder / "prüfung.csv")
        return evaluated[0] == command("predict", folder / "prüfung.csv", *CLASSES)[0] == 0

    def long_text(folder: Path) -> bool:
        path = written(folder, "a.csv", f"text\n{'money back ' * 4000}\n")
        result = command("predict", path, *CLASSES, "--out", folder / "o.xlsx")
        return fails_with(result, 0, "o.xlsx: 1 text cut") and ".part" not in result[2]

    yield "suggest onto labels that were filled in", filled_in
    yield "a file learned twice", twice
    yield "truth values named as text", truth_values
    yield "accents of file names, composed and decomposed", accents
    yield "a text too long for Excel", long_text
