"""Situations of `real_inputs.py`: a third and a fourth audit, inputs of bug reports, as files and commands.

Three of the right values that were written down before the first run have been corrected: the labels 1.0 and 1 are the
same class; a folder of tables is refused with the way out; Latin-1 on the standard input is refused, and read with
--encoding. A character that was cut off is read as U+FFFD.
"""

import bz2
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from PIL import Image
from situations import (
    CLASSES,
    CSV,
    NAMES,
    TEXTS,
    Holds,
    Situation,
    command,
    fails_with,
    labels_of,
    model_in,
    refuses,
    written,
)

from anyshot.data import read_data
from anyshot.errors import AnyshotError

HALF = "the parcel \\ud83d"  # JSON for one half of an emoji


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    by_command = (*_tables(), *_shell())
    for what, situation in [*_files(), *by_command]:
        holds("third audit, files", what)(situation)
    for what, situation in _fourth():
        holds("fourth audit", what)(situation)


def _texts(path: Path, **options: Any) -> list[Any]:
    return list(read_data(path, **options).items)


def _read_or_refused(path: Path, texts: list[str], labels: list[Any] | None, *words: str) -> bool:
    """Return whether a file is read as these texts and labels, or refused with these words."""
    try:
        found = read_data(path)
    except AnyshotError as error:
        return all(word.casefold() in str(error).casefold() for word in words)
    return list(found.items) == texts and (labels is None or found.labels == labels)


# --- files ---------------------------------------------------------------------------------------------------------


def _files() -> Iterator[tuple[str, Situation]]:
    yield (
        "a line separator of Unicode in a list of texts",
        lambda f: (
            _texts(written(f, "a.txt", "refund\u2028please\nmy parcel\x0c is late\n"))
            == ["refund\u2028please", "my parcel\x0c is late"]
        ),
    )
    yield (
        "a line separator of Unicode in JSON lines",
        lambda f: (
            _texts(written(f, "a.jsonl", '{"text": "refund\u2028please"}\n{"text": "late\u0085 parcel"}\n'))
            == ["refund\u2028please", "late\u0085 parcel"]
        ),
    )
    yield (
        "a separator of records in a CSV",
        lambda f: (
            _texts(written(f, "a.csv", "text,label\nrefund\x1c please,x\nlate\x0b parcel,y\n"))
            == ["refund\x1c please", "late\x0b parcel"]
        ),
    )
    cut = f'{{"text": "refund", "label": "x"}}\n{{"text": "{HALF}", "label": "y"}}\n'
    yield "half an emoji in JSON lines", lambda f: _texts(written(f, "a.jsonl", cut)) == ["refund", "the parcel \ufffd"]
    yield "a cell of 300,000 characters", lambda f: len(
        _texts(written(f, "a.csv", 'text,label\n"' + "word " * 60_000 + '",x\nshort,y\n'))[0]
    ) >= 299_999  # fmt: skip
    yield (
        "names of columns with spaces and capitals",
        lambda f: _read_or_refused(written(f, "a.csv", " Text , LABEL \na,x\nb,y\n"), ["a", "b"], ["x", "y"]),
    )
    yield (
        "the index of pandas as the first column",
        lambda f: _read_or_refused(written(f, "a.csv", ",text,label\n0,a,x\n1,b,y\n"), ["a", "b"], ["x", "y"]),
    )
    yield (
        "a comma behind each row",
        lambda f: _read_or_refused(written(f, "a.csv", "text,label,\na,x,\nb,y,\n"), ["a", "b"], ["x", "y"]),
    )
    yield (
        "a comma behind each row but the header",
        lambda f: _read_or_refused(written(f, "a.csv", "text,label\na,x,\nb,y,\n"), ["a", "b"], ["x", "y"], "line 2"),
    )
    yield (
        "a comma that is not quoted",
        lambda f: refuses(lambda: read_data(written(f, "a.csv", "text,label\nrefund,x\nhello, world,y\n")), "line 3"),
    )
    yield (
        "two columns called text",
        lambda f: _read_or_refused(written(f, "a.csv", "text,text,label\na,b,x\nc,d,y\n"), [], [], "text"),
    )
    yield (
        "columns between bars",
        lambda f: _read_or_refused(
            written(f, "a.csv", "text|label\na, b|x\nc, d|y\n"), ["a, b", "c, d"], ["x", "y"], "|"
        ),
    )
    yield "one byte of Latin-1 in a file of UTF-8", _one_byte
    yield "what to_json of pandas writes", _to_json
    yield (
        "JSON lines that break off",
        lambda f: refuses(
            lambda: read_data(written(f, "a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "la')), "line 2"
        ),
    )
    yield (
        "JSON lines whose keys differ",
        lambda f: _read_or_refused(
            written(f, "a.jsonl", '{"text": "a", "label": "x"}\n{"label": "y", "text": "b"}\n{"text": "c"}\n'),
            ["a", "b", "c"],
            ["x", "y", None],
        ),
    )
    tags = '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": ["z"]}\n'
    yield (
        "labels that are lists in JSON lines",
        lambda f: refuses(lambda: read_data(written(f, "a.jsonl", tags)), "list", "line 1"),
    )
    yield "a class called None", _none_class
    yield (
        "an archive in .csv.bz2",
        lambda f: _read_or_refused(written(f, "a.csv.bz2", bz2.compress(CSV.encode())), TEXTS, NAMES, "bz2"),
    )
    yield "a table in a zip", _zipped
    yield "a title above the header in Excel", _title
    yield "the data on the second sheet", _second_sheet
    yield "one folder of .txt files per class", _folder_of_texts


def _one_byte(folder: Path) -> bool:
    """Return whether the other rows keep their accents, or the line is named."""
    content = "text,label\ncafé crème,x\n".encode() + b"caf\xe9 noir,y\n" + "thé vert à la menthe,y\n".encode()
    try:
        return _texts(written(folder, "a.csv", content))[0] == "café crème"
    except AnyshotError as error:
        return "line 3" in str(error) or "encoding" in str(error)


def _to_json(folder: Path) -> bool:
    pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}).to_json(folder / "a.json")
    return _read_or_refused(folder / "a.json", ["a", "b"], ["x", "y"], "lines")


def _none_class(folder: Path) -> bool:
    """Return whether a category "none" is kept."""
    return read_data(written(folder, "a.csv", "text,label\na,None\nb,minor\nc,none\n")).labels[1:] == ["minor", "none"]


def _zipped(folder: Path) -> bool:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
    return _read_or_refused(folder / "a.zip", TEXTS, NAMES, "zip")


def _title(folder: Path) -> bool:
    book = openpyxl.Workbook()
    for row in (["Export of 3 May"], [], ["text", "label"], ["a", "x"], ["b", "y"]):
        book.active.append(row)
    book.save(folder / "a.xlsx")
    return _read_or_refused(folder / "a.xlsx", ["a", "b"], ["x", "y"], "Export of 3 May")


def _second_sheet(folder: Path) -> bool:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("Data")
    for row in (["text", "label"], ["a", "x"], ["b", "y"]):
        sheet.append(row)
    book.save(folder / "a.xlsx")
    return _read_or_refused(folder / "a.xlsx", ["a", "b"], ["x", "y"], "sheet")


def _folder_of_texts(folder: Path) -> bool:
    for number, (text, name) in enumerate(zip(TEXTS[:4], NAMES[:4], strict=True)):
        written(folder, f"mails/{name}/{number}.txt", text)
    try:
        found = read_data(folder / "mails")
    except AnyshotError as error:
        return "images" in str(error) and ".txt" in str(error)
    return sorted(zip(found.labels, found.items, strict=True)) == sorted(zip(NAMES[:4], TEXTS[:4], strict=True))


# --- tables on the command line --------------------------------------------------------------------------------------


def _tables() -> Iterator[tuple[str, Situation]]:
    def twice(folder: Path) -> bool:
        """Return whether answers of an earlier run in the table lead to no two columns of one name."""
        command("predict", written(folder, "a.csv", "text\nrefund\n"), *CLASSES, "--out", folder / "b.csv")
        result = command("predict", folder / "b.csv", "--classes", "delivery,other", "--out", folder / "c.csv")
        if result[0]:
            return "predicted_label" in result[2]
        header = (folder / "c.csv").read_text().splitlines()[0].split(",")
        return len(set(header)) == len(header)

    def onto_itself(folder: Path) -> bool:
        path = written(folder, "a.csv", "text,id\nrefund,7\n")
        result = command("predict", path, *CLASSES, "--out", path)
        return result[0] != 0 or pd.read_csv(path)["id"].tolist() == [7]

    def floats(folder: Path) -> bool:
        """Return whether labels of a table of pandas that had a gap, 1.0, equal those of one that had none, 1."""
        train = written(folder, "train.csv", CSV.replace(",refund", ",1.0").replace(",delivery", ",2.0"))
        test = written(folder, "test.csv", CSV.replace(",refund", ",1").replace(",delivery", ",2"))
        command("fit", train, "--out", folder / "m")
        code, out, err = command("evaluate", folder / "m", test)
        return code == 0 and json.loads(out)["accuracy"] == 1 and not err.startswith("Error")

    def order(folder: Path) -> bool:
        path = written(folder, "a.csv", "id,text\n1,refund please\n2,\n3,my parcel is late\n")
        result = command("predict", path, *CLASSES, "--out", folder / "b.csv")
        frame = pd.read_csv(folder / "b.csv")
        return result[0] == 0 and frame["id"].tolist() == [1, 2, 3] and pd.isna(frame["predicted_label"][1])

    def test_of_other_classes(folder: Path) -> bool:
        path = written(folder, "t.csv", "text,label\nrefund,spam\nparcel,ham\n")
        _, out, err = command("evaluate", model_in(folder), path)
        return "spam" in out + err and "does not know" in out + err

    yield "answers of an earlier run in the table", twice
    yield "--out is the table itself", onto_itself
    yield "labels 1.0 at fit, 1 at evaluate", floats
    yield "a skipped row keeps its place in --out", order
    yield "a test set of other classes", test_of_other_classes
    yield (
        "evaluate without labels",
        lambda f: fails_with(command("evaluate", model_in(f), written(f, "a.csv", "text\nrefund\n")), 1, "label"),
    )
    yield (
        "a misspelled column",
        lambda f: fails_with(
            command("fit", written(f, "a.csv", CSV), "--label-column", "lable", "--out", f / "m"), 1, "lable", "label"
        ),
    )
    yield (
        "one column for texts and labels",
        lambda f: fails_with(
            command(
                "fit", written(f, "a.csv", CSV), "--label-column", "text", "--text-column", "text", "--out", f / "m"
            ),
            1,
            "text",
        ),
    )
    yield (
        "learn: a label that the model lacks",
        lambda f: fails_with(
            command("learn", model_in(f), written(f, "a.csv", "text,label\nno login,login\n")), 1, "login", "add-class"
        ),
    )
    yield (
        "an unknown --encoding",
        lambda f: fails_with(command("predict", written(f, "a.csv", CSV), *CLASSES, "--encoding", "utf-9"), 1, "utf-9"),
    )


# --- the shell -------------------------------------------------------------------------------------------------------


def _shell() -> Iterator[tuple[str, Situation]]:
    def stdin(content: bytes, *arguments: str) -> tuple[int, str, str]:
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
        try:
            return command("predict", "-", *CLASSES, *arguments)
        finally:
            sys.stdin = before

    yield "nothing on the standard input", lambda _: fails_with(stdin(b""), 1, "input")
    yield (
        "Latin-1 on the standard input",
        lambda _: (
            fails_with(stdin("caf\u00e9 refund\n".encode("latin-1")), 1, "--encoding")
            and labels_of(stdin("caf\u00e9 refund\n".encode("latin-1"), "--encoding", "latin-1")) == ["refund"]
        ),
    )
    yield "an empty text", lambda _: fails_with(command("predict", "", *CLASSES), 1, "empty")
    yield (
        "--words without an equals sign",
        lambda _: fails_with(command("predict", "refund", *CLASSES, "--words", "refund money"), 2, "--words", "="),
    )
    yield (
        "--words of a class that is not named",
        lambda _: (
            fails_with(command("predict", "refund", *CLASSES, "--words", "login=password"), 1, "login")
            or "login" in command("predict", "my password", *CLASSES, "--words", "login=password, forgot")[1]
        ),
    )
    yield "one class only", lambda _: fails_with(command("predict", "refund", "--classes", "refund"), 1, "class")
    yield (
        "suggest with -n 0",
        lambda f: (
            fails_with(command("suggest", model_in(f), written(f, "a.csv", CSV), "-n", "0"), 2, "-n")
            or fails_with(command("suggest", model_in(f), written(f, "a.csv", CSV), "-n", "0"), 1, "n")
        ),
    )


# --- the fourth audit ------------------------------------------------------------------------------------------------


def _fourth() -> Iterator[tuple[str, Situation]]:
    def fails(data: Path, *words: str) -> bool:
        return fails_with(command("fit", data, "--out", data.parent / "m"), 1, *words)

    def another_column(folder: Path) -> bool:
        data = written(folder, "a.csv", CSV.replace("text,", "betreff,"))
        done = command("fit", data, "--text-column", "betreff", "--out", folder / "m")
        asked = command("predict", written(folder, "b.csv", "topic,n\nrefund,1\n"), "--model", folder / "m")
        return done[0] == 0 and fails_with(asked, 1, "'betreff'", "'topic'")

    def identifiers(folder: Path) -> bool:
        for name in ("img_0", "img_1"):
            Image.new("RGB", (32, 32)).save(folder / f"{name}.png")
        written(folder, "labels.csv", "id,label\nimg_1,x\nimg_0,y\n")
        return read_data(folder, image_column="id").labels == ["x", "y"]

    export = [{"id": 1, "data": {"text": TEXTS[0]}, "annotations": [{"result": []}]}]
    yield "Label Studio's full export", lambda f: fails(written(f, "a.json", json.dumps(export)), "'data'", "JSON-MIN")
    yield (
        "several choices in a cell",
        lambda f: fails(written(f, "a.tsv", "text\tlabel\na\tx\nb\t{'choices': ['x', 'y']}\n"), "row 3", "one label"),
    )
    yield "another column than the model's", another_column
    yield "photos listed without their suffix", identifiers
