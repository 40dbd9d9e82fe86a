"""Situations of `real_inputs.py`: an audit of the command line and of files, in an analyst's first month.

The right value of each was written down before the first run; here are those that failed, with their variants.
"""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from situations import CLASSES, CSV, Holds, Situation, command, fails_with, labels_of, model_in, written

HEADED = CSV.replace("text,", "Betreff,").replace("label", "Team")


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    parts = (_options, _columns, _models, _class_names, _text_files, _cells, _outputs)
    for what, situation in (one for part in parts for one in part()):
        holds("audit of arguments and files", what)(situation)


def _says(result: tuple[int, str, str], code: int, *words: str) -> bool:
    """Return whether a command ended with this exit code, and said these words, in whatever lines."""
    shown = " ".join(result[2].replace("│", " ").split())
    return fails_with((result[0], result[1], shown), code, *words)


def _options() -> Iterator[tuple[str, Situation]]:
    def twice(folder: Path) -> bool:
        data = written(folder, "a.csv", CSV)
        return _says(command("predict", "a", "--classes", "x", "--classes", "y"), 2, "2 times", "commas") and _says(
            command("predict", data, *CLASSES, "--text-column", "text", "--text-column", "label"), 2, "subject,body"
        )

    def empty(folder: Path) -> bool:
        results = [command("fit", "", "--out", folder / "m"), command("learn", model_in(folder), "a", "--label", "")]
        return all(_says(one, 2, "is empty") for one in results)

    def file_of_words(folder: Path) -> bool:
        file = written(folder, "words.txt", "money\nback\n")
        results = [
            command("predict", "a", *CLASSES, "--words", f"refund={file}"),
            *(command("add-class", model_in(folder), "x", one, file) for one in ("--words", "--example")),
        ]
        return all(_says(one, 2, "which is not read") for one in results)

    yield "an option for one value, given twice", twice
    yield "an option without its value", lambda _: _says(command("predict", "a", *CLASSES, "--device"), 2, "--device")
    yield "a text that begins with a dash", lambda _: _says(command("predict", "-5 degrees", *CLASSES), 2, 'Put "--"')
    yield "empty values", empty
    yield "a file where words are needed", file_of_words
    yield "- beside a text", lambda _: _says(command("predict", "-", "a", *CLASSES), 2, "only item")


def _columns() -> Iterator[tuple[str, Situation]]:
    for given, meant in (("BETREFF", "'Betreff'"), ("Betreff,Taem", "'Team'"), ("Betreff;Team", "'Betreff,Team'")):
        yield (
            f"--text-column {given}",
            lambda folder, given=given, meant=meant: fails_with(
                command("predict", written(folder, "a.csv", HEADED), *CLASSES, "--text-column", given), 1, meant
            ),
        )

    def wide(folder: Path) -> bool:
        header = ",".join(["x" * 50_000, *map(str, range(5000))])
        result = command("fit", written(folder, "a.csv", f"{header}\n" + "1," * 5000 + "1\n"), "--out", folder / "m")
        return fails_with(result, 1, "more") and len(result[2]) < 4000

    yield "5,000 columns in an error", wide


def _models() -> Iterator[tuple[str, Situation]]:
    def exchanged(folder: Path) -> bool:
        data, model = written(folder, "a.csv", CSV), model_in(folder)
        return all(command(name, data, model)[0] == 0 for name in ("evaluate", "learn"))

    def its_file(folder: Path) -> bool:
        model = model_in(folder)
        return labels_of(command("predict", model / "model.json", "refund please")) == ["refund"]

    def in_part(folder: Path) -> bool:
        model = model_in(folder)
        (model / "model.json").unlink()
        return fails_with(command("predict", model, "refund please"), 1, "model.json")

    yield "the model behind the data", exchanged
    yield "model.json in place of its folder", its_file
    yield "a model without its model.json", in_part
    yield (
        "a model in a zip",
        lambda f: fails_with(
            command("evaluate", written(f, "m.zip", "PK"), written(f, "a.csv", CSV)), 1, "folder", "unpack"
        ),
    )


def _class_names() -> Iterator[tuple[str, Situation]]:
    def codes(folder: Path) -> bool:
        data = written(folder, "a.csv", CSV.replace(",refund", ",-1").replace(",delivery", ",1"))
        command("fit", data, "--out", folder / "m")
        results = [
            command("rename-class", folder / "m", "--", "-1", "refund"),
            command("rename-class", folder / "m", "1", "delivery"),
        ]
        return [one[0] for one in results] == [0, 0] and labels_of(command("predict", folder / "m", "refund")) == [
            "refund"
        ]

    yield "codes of classes get names", codes


def _text_files() -> Iterator[tuple[str, Situation]]:
    def refused(name: str, content: str | bytes, *words: str, options: tuple[str, ...] = ()) -> Situation:
        return lambda f: fails_with(
            command("fit", written(f, name, content), "--out", f / "m", *options), 1, *words
        )  # fmt: skip

    packed = gzip.compress(CSV.encode())
    yield "a zero byte", refused("a.csv", CSV.replace("parcel", "par\0cel", 1), "line 4", "zero byte")
    yield "zero bytes at the end", refused("a.csv", CSV + "\0" * 64, "not written to its end")
    yield "UTF-16 without a mark", refused("a.csv", CSV.encode("utf-16-le"), "--encoding")
    yield "a gzip file that is cut off", refused("a.csv.gz", packed[:-20], "cut off")
    yield "a file compressed twice", refused("a.csv.gz", gzip.compress(packed), "Unpack it once")
    for name in ("undefined", "punycode"):
        yield f"--encoding {name}", refused("a.csv", CSV, "Unknown encoding", options=("--encoding", name))
    yield "--encoding utf-16 of UTF-8", refused("a.csv", CSV, "not utf-16", options=("--encoding", "utf-16"))
    infinite = '{"text": "a", "label": 1.5}\n{"text": "b", "label": Infinity}\n'
    yield "an infinite label", refused("a.jsonl", infinite, "line 2", "inf")
    for suffix, remedy in ((".ndjson", ".jsonl"), (".tab", ".tsv"), (".ods", ".xlsx"), (".csv.zip", "Unpack")):
        yield f"a {suffix}, fit", refused(f"a{suffix}", CSV, remedy)
        yield (
            f"a {suffix}, predict",
            lambda f, suffix=suffix, remedy=remedy: fails_with(
                command("predict", written(f, f"a{suffix}", CSV), *CLASSES), 1, remedy
            ),
        )

    def no_workbook(folder: Path) -> bool:
        with zipfile.ZipFile(folder / "a.xlsx", "w") as archive:
            archive.writestr("a.txt", "x")
        return fails_with(command("fit", folder / "a.xlsx", "--out", folder / "m"), 1, "damaged, or of another type")

    yield "a zip that is called .xlsx", no_workbook


def _cells() -> Iterator[tuple[str, Situation]]:
    def typed(folder: Path) -> bool:
        book = openpyxl.Workbook()
        for row in (["text", "id"], [12345, 1], ["refund please", 2], [True, 3]):
            book.active.append(row)
        book.save(folder / "a.xlsx")
        result = command("predict", folder / "a.xlsx", *CLASSES)
        return [json.loads(line)["item"] for line in result[1].splitlines()] == ["12345", "refund please", "TRUE"]

    def nested(folder: Path) -> bool:
        frame = pd.DataFrame({"text": ["refund", "late"], "s": [{"a": 1}, {"a": None}], "l": [[1, 2], []]})
        frame.to_parquet(folder / "a.parquet")
        for name in ("b.parquet", "b.xlsx"):
            command("predict", folder / "a.parquet", *CLASSES, "--out", folder / name)
        sheet = pd.read_excel(folder / "b.xlsx")
        kept = pd.read_parquet(folder / "b.parquet", dtype_backend="pyarrow")
        return str(list(kept["s"])) == "[{'a': 1}, {'a': None}]" and sheet["l"].tolist() == ["[1, 2]", "[]"]

    yield "numbers among the texts of a workbook", typed
    yield "lists and objects of Parquet", nested


def _outputs() -> Iterator[tuple[str, Situation]]:
    def link(folder: Path) -> bool:
        data, real = written(folder, "a.csv", CSV), written(folder, "real.csv", "old")
        (folder / "link.csv").symlink_to(real)
        command("predict", data, *CLASSES, "--out", folder / "link.csv")
        return (folder / "link.csv").is_symlink() and real.read_text().startswith("text,label,predicted")

    def private(folder: Path) -> bool:
        data, out = written(folder, "a.csv", CSV), written(folder, "b.csv", "")
        out.chmod(0o600)
        command("predict", data, *CLASSES, "--out", out)
        return out.stat().st_mode & 0o777 == 0o600

    def long_name(folder: Path) -> bool:
        out = folder / ("\u8d26" * 80 + ".csv")
        return command("predict", written(folder, "a.csv", CSV), *CLASSES, "--out", out)[0] == 0 and out.exists()

    def of_classes(folder: Path) -> bool:
        data, names = written(folder, "a.csv", CSV), written(folder, "c.csv", "class\nrefund\ndelivery\n")
        result = command("predict", data, "--classes", names, "--skipped", names)
        return fails_with(result, 1, "overwrite") and names.read_text().startswith("class")

    def plain(folder: Path) -> bool:
        line = f"script -qec \"'{sys.executable}' -m anyshot predict no.csv --classes a,b\" /dev/null"
        for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
            how: dict[str, Any] = {"capture_output": True, "stdin": subprocess.DEVNULL}
            run = subprocess.run(["bash", "-c", line], cwd=folder, env={**os.environ, name: value}, **how)
            if b"\x1b" in run.stdout or b"no.csv" not in run.stdout:
                return False
        return True

    yield "--out is a link", link
    yield "--out that only its owner may read", private
    yield "a name of 80 Chinese characters", long_name
    yield "--skipped is the file of the classes", of_classes
    yield "an error in a terminal without colors", plain
