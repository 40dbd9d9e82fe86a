"""JSON, Parquet, and files that other tools export."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anyshot.data import read_data
from situations.situation import (
    CLASSES,
    HALF_IN_JSON,
    NAMES,
    PAIRS,
    TEXTS,
    Subject,
    command,
    fit_refused,
    mentions,
    read,
    read_or_refused,
    read_texts,
    taken_or_refused,
    written,
)

holds = Subject("exports")


# --- JSON ------------------------------------------------------------------------------------------------------------


@holds("a JSON file that is one list: read, or refused with .jsonl")
def _(folder: Path) -> object:
    text = json.dumps([{"text": text, "label": name} for text, name in PAIRS], indent=1)
    return taken_or_refused(lambda: read(folder, "a.json", text) == (TEXTS, NAMES), ".jsonl")


@holds("to_json of pandas: read, or refused with lines=")
def _(folder: Path) -> object:
    pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}).to_json(folder / "a.json")
    return read_or_refused(folder / "a.json", ["a", "b"], ["x", "y"], "lines")


@holds('to_json of pandas, orient="split": read')
def _(folder: Path) -> object:
    frame = pd.DataFrame(PAIRS[:4], columns=["text", "label"])
    return read(folder, "a.json", frame.to_json(orient="split"))[1] == NAMES[:4]


holds("JSON lines whose keys differ: a missing key is no label")(
    lambda f: read_or_refused(
        written(f, "a.jsonl", '{"text": "a", "label": "x"}\n{"label": "y", "text": "b"}\n{"text": "c"}\n'),
        ["a", "b", "c"],
        ["x", "y", None],
    )
)
holds("NaN as a label in JSON lines: no label")(
    lambda f: read(f, "a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b", "label": "y"}\n')[1] == [None, "y"]
)
INFINITE = '{"text": "a", "label": 1.5}\n{"text": "b", "label": Infinity}\n'
holds("infinity as a label in JSON lines: refused by line")(fit_refused("a.jsonl", INFINITE, "line 2", "inf"))
holds("a line separator of Unicode in JSON lines: part of the text")(
    lambda f: (
        read_texts(f, "a.jsonl", '{"text": "refund\u2028please"}\n{"text": "late\u0085 parcel"}\n')
        == ["refund\u2028please", "late\u0085 parcel"]
    )
)
CUT_EMOJI = f'{{"text": "refund", "label": "x"}}\n{{"text": "{HALF_IN_JSON}", "label": "y"}}\n'
holds("half an emoji in JSON lines: U+FFFD")(
    lambda f: read_texts(f, "a.jsonl", CUT_EMOJI) == ["refund", "the parcel \ufffd"]
)
CUT_OFF = "\n".join(json.dumps({"text": text, "label": name}) for text, name in PAIRS[:4])[:-8]
holds("JSON lines that are cut off: refused by line, with writing the file again")(
    fit_refused("a.jsonl", CUT_OFF, "line 4", "cut off", "Write the file again")
)
holds("two labels of one item in JSON lines: refused by line")(
    fit_refused("a.jsonl", '{"text": "a", "label": ["x", "y"]}', "line 1", "list", "Write")
)

NESTED = "".join(json.dumps({"message": {"text": text}, "label": name}) + "\n" for text, name in PAIRS)
holds("JSON lines whose column of texts holds objects: refused, with an object for each item")(
    fit_refused("a.jsonl", NESTED, "'message' holds objects, with 'text'", "Write one object for each item")
)
CHATS = "".join(json.dumps({"messages": [{"role": "user", "content": text}]}) + "\n" for text in TEXTS)
holds("JSON lines of chats, a list of objects in each: refused, with an object for each item")(
    fit_refused("a.jsonl", CHATS, "'messages' holds objects, with 'role'", "Write one object for each item")
)

# --- Parquet ---------------------------------------------------------------------------------------------------------


@holds("Parquet with a dictionary of labels and large texts: read")
def _(folder: Path) -> object:
    columns = {"text": pa.array(TEXTS, pa.large_string()), "label": pa.array(NAMES).dictionary_encode()}
    pq.write_table(pa.table(columns), folder / "a.parquet")
    data = read_data(folder / "a.parquet")
    return list(data.items) == TEXTS and list(data.labels or []) == NAMES


LISTED = [{"text": text, "label": [name]} for text, name in PAIRS[:4]]


@holds("Parquet with lists of one label: read")
def _(folder: Path) -> object:
    pd.DataFrame(LISTED).to_parquet(folder / "a.parquet")
    return read_data(folder / "a.parquet").labels == NAMES[:4]


@holds("lists and objects in Parquet: kept in .parquet, written as JSON in .xlsx")
def _(folder: Path) -> object:
    frame = pd.DataFrame({"text": ["refund", "late"], "s": [{"a": 1}, {"a": None}], "l": [[1, 2], []]})
    frame.to_parquet(folder / "a.parquet")
    for name in ("b.parquet", "b.xlsx"):
        command("predict", folder / "a.parquet", *CLASSES, "--out", folder / name)
    sheet = pd.read_excel(folder / "b.xlsx")
    kept = pd.read_parquet(folder / "b.parquet", dtype_backend="pyarrow")
    return str(list(kept["s"])) == "[{'a': 1}, {'a': None}]" and sheet["l"].tolist() == ["[1, 2]", "[]"]


# --- annotation tools and databases ----------------------------------------------------------------------------------


def _labels_of_rows(folder: Path, *rows: dict[str, Any]) -> list[Any]:
    """Return the labels of rows as JSON lines."""
    return read(folder, "a.jsonl", "\n".join(map(json.dumps, rows)))[1]


holds("Doccano, a list of one label: read")(lambda f: _labels_of_rows(f, *LISTED) == NAMES[:4])
holds("Doccano, an empty list: no label")(
    lambda f: _labels_of_rows(f, {**LISTED[0], "label": []}, *LISTED[1:]) == [None, *NAMES[1:4]]
)
holds("a list of one label in a CSV: read")(
    lambda f: read(f, "a.csv", "text,label\na,['x']\nb,['y']\n")[1] == ["x", "y"]
)
ANSWERED = [{"text": text, "label": name, "answer": "accept"} for text, name in PAIRS[:4]]


@holds("Prodigy, a label that was rejected: no label")
def _(folder: Path) -> object:
    return _labels_of_rows(folder, {**ANSWERED[0], "answer": "reject"}, *ANSWERED[1:]) == [None, *NAMES[1:4]]


EXPORT = [{"id": 1, "data": {"text": TEXTS[0]}, "annotations": [{"result": []}]}]
holds("Label Studio's full export: refused, with JSON-MIN")(
    fit_refused("a.json", json.dumps(EXPORT), "'data'", "JSON-MIN")
)
MYSQL = "id\ttext\tlabel\n1\tmy\\\nmoney\\\tback\trefund\n2\twhere is it\tdelivery\n3\thello\t\\N\n"


@holds("MySQL, an escaped line end in a text: part of the text")
def _(folder: Path) -> object:
    texts, labels = read(folder, "a.tsv", MYSQL)
    return texts[0] == "my\nmoney\tback" and labels == ["refund", "delivery", None]


STUDIO = (
    "text,class,confidence,confirmed\nmy money,refund,,yes\nit is late,delivery,,yes\ngive it back,delivery,0.4,no\n"
)
holds("an export of the studio, an answer that nobody confirmed: no label")(
    lambda f: read(f, "a.csv", STUDIO)[1] == ["refund", "delivery", None]
)


CHAT = (
    "[01.05.24, 10:01:12] Ann: where is it?\nit is late\n[01.05.24, 10:02:01] Bob: hi\n[01.05.24, 10:02:09] Bob: soon\n"
)
holds("a chat of WhatsApp: said that each line is a text")(
    lambda f: mentions(command("predict", written(f, "a.txt", CHAT), *CLASSES), "as a chat has", "rows of a CSV")
)
SAP = f"1 May 2024  List  1\n{'-' * 18}\n|text      |label|\n{'-' * 18}\n|it is late|x    |\n{'-' * 18}\n"
holds("a list of SAP: refused, with what to do")(fit_refused("a.txt", SAP, "printed with lines", "as a spreadsheet"))
