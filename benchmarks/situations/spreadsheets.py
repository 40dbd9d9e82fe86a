"""Workbooks of Excel."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from anyshot.data import read_data
from situations.situation import (
    CLASSES,
    INDEX,
    PAIRS,
    TEXTS,
    Subject,
    command,
    facts_of_fit,
    fails_with,
    fitted,
    mentions,
    read_or_refused,
    written,
)

holds = Subject("spreadsheets")

HEADER = ("text", "label")


FEATURES = ("--feature-columns", "all", "--label-column", "label")


def _fit_book(path: Path, book: Any, *options: str) -> tuple[int, str, str]:
    book.save(path)
    return command("fit", path, "--out", path.parent / "m", *options)


def _workbook(folder: Path, rows: Any) -> tuple[Path, Any]:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    return folder / "a.xlsx", book


# --- read ------------------------------------------------------------------------------------------------------------


@holds("an .xlsx: read")
def _(folder: Path) -> object:
    pd.DataFrame({"text": ["a"], "label": [1]}).to_excel(folder / "a.xlsx", index=False)
    return read_data(folder / "a.xlsx").labels == [1]


@holds("a note of one row on the first sheet of an .xlsx: the table on the second is read")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [["as of May"]])
    mails = book.create_sheet("Mails")
    mails.append(HEADER)
    mails.append(("a", "x"))
    book.save(path)
    return read_data(path).items == ["a"]


@holds("numbers as labels in an .xlsx: whole numbers")
def _(folder: Path) -> object:
    pd.DataFrame({"text": TEXTS, "label": INDEX}).to_excel(folder / "a.xlsx", index=False)
    data = read_data(folder / "a.xlsx")
    return [type(label) for label in data.labels or []] == [int] * 12 and list(data.labels or []) == INDEX


@holds("names of columns below merged cells that group them: read")
def _(folder: Path) -> object:
    rows = [("Message", None, "Answer", None), ("Text", "Channel", "Label", "Agent")]
    path, book = _workbook(folder, [*rows, *((text, "mail", name, "Ann") for text, name in PAIRS)])
    for cells in ("A1:B1", "C1:D1"):
        book.active.merge_cells(cells)
    return facts_of_fit(_fit_book(path, book)).get("labels") == len(PAIRS)


@holds("rows that a filter hides: read, which is said")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [HEADER, *PAIRS])
    book.active.row_dimensions[3].hidden = True
    result = _fit_book(path, book)
    return facts_of_fit(result).get("labels") == len(PAIRS) and mentions(result, "1 hidden row")


@holds("an error of Excel as a label: no label")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [HEADER, ("a", "#N/A"), ("b", "y")])
    book.active["B2"].data_type = "e"
    book.save(path)
    return read_data(path).labels == [None, "y"]


@holds("labels stored as numbers and as texts: one class each, or said")
def _(folder: Path) -> object:
    # Some numbers are stored as text, with the green corner.
    kinds = {"refund": (1, "1"), "delivery": (2, "2")}
    rows = [(text, kinds[name][row % 2]) for row, (text, name) in enumerate(PAIRS)]
    result = _fit_book(*_workbook(folder, [HEADER, *rows]))
    return facts_of_fit(result).get("classes") == 2 or mentions(result, "'1'", "text")


@holds("merged cells of labels: all rows have the label, or it is said")
def _(folder: Path) -> object:
    # The label stands once, in a cell merged over all rows of the class.
    path, book = _workbook(folder, [HEADER, *sorted(PAIRS, key=lambda pair: pair[1])])
    book.active.merge_cells("B2:B7")
    book.active.merge_cells("B8:B13")
    result = _fit_book(path, book)
    return facts_of_fit(result).get("labels") == 12 or mentions(result, "merged")


@holds("formulas without values: said")
def _(folder: Path) -> object:
    # A file that another program wrote has formulas without their values.
    rows = [(text, f'=IF(1=1,"{name}","")') for text, name in PAIRS]
    return mentions(_fit_book(*_workbook(folder, [HEADER, *rows])), "formula")


@holds("a hidden first sheet: the visible one is read")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [HEADER, ("choose one", "other"), ("choose", "more")])
    book.active.title, book.active.sheet_state = "Lists", "hidden"
    sheet = book.create_sheet("Tickets")
    for row in [HEADER, *PAIRS]:
        sheet.append(row)
    book.active = 1
    return facts_of_fit(_fit_book(path, book)).get("labels") == 12


@holds("the data on the second sheet: read, or refused with sheet")
def _(folder: Path) -> object:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("Data")
    for row in (HEADER, ("a", "x"), ("b", "y")):
        sheet.append(row)
    book.save(folder / "a.xlsx")
    return read_or_refused(folder / "a.xlsx", ["a", "b"], ["x", "y"], "sheet")


@holds("a title above the header: read, or refused with the title")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [("Export of 3 May",), (), HEADER, ("a", "x"), ("b", "y")])
    book.save(path)
    return read_or_refused(path, ["a", "b"], ["x", "y"], "Export of 3 May")


@holds("a row of group names above the header: left out, which is said")
def _(folder: Path) -> object:
    rows = [(text, row, name) for row, (text, name) in enumerate(PAIRS)]
    path, book = _workbook(folder, [("Ticket", None, "Team"), ("text", "id", "label"), *rows])
    book.active.merge_cells("A1:B1")
    result = _fit_book(path, book)
    return facts_of_fit(result).get("labels") == 12 and mentions(result, "left out", "'Ticket'")


@holds("another table below a blank row: warned of, with the row")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [HEADER, *PAIRS, (), ("Summary",), ("label", "count"), ("refund", 6)])
    return mentions(_fit_book(path, book), "Warning", "another table", "row 15 on", "'Summary'")


@holds("carriage returns written as _x000D_: read as line breaks")
def _(folder: Path) -> object:
    # Excel writes a carriage return within a cell as _x000D_.
    path, book = _workbook(folder, [("text",), ("refund_x000D_\nplease",)])
    book.save(path)
    result = command("predict", path, *CLASSES)
    return result[0] == 0 and "x000D" not in result[1]


@holds("formatted cells at the end of the sheet: passed over")
def _(folder: Path) -> object:
    # A format was given to a whole row and a whole column: cells at the end of the sheet.
    path, book = _workbook(folder, [("text",), ("refund please",), ("my parcel is late",)])
    for cell in (book.active.cell(1_048_576, 1), book.active.cell(1, 16_384)):
        cell.font = openpyxl.styles.Font(bold=True)
    book.save(path)
    result = command("predict", path, *CLASSES, "--out", folder / "b.csv")
    return result[0] == 0 and pd.read_csv(folder / "b.csv").shape == (2, 3)


@holds("numbers and truth values among texts: answered as texts")
def _(folder: Path) -> object:
    path, book = _workbook(folder, [("text", "id"), (12345, 1), ("refund please", 2), (True, 3)])
    book.save(path)
    result = command("predict", path, *CLASSES)
    return [json.loads(line)["item"] for line in result[1].splitlines()] == ["12345", "refund please", "TRUE"]


# --- learned from one kind of file, asked with another ---------------------------------------------------------------

TRUTHS = {"German": "WAHR FALSCH", "French": "VRAI FAUX", "Spanish": "VERDADERO FALSO", "Polish": "PRAWDA FAŁSZ"}


def _accuracy(folder: Path, rows: Any, content: str, *options: str) -> tuple[float, str]:
    """Return how often a model of a workbook is right on a CSV, and what was said."""
    path, book = _workbook(folder, rows)
    _, _, said = _fit_book(path, book, *options)
    result = command("evaluate", folder / "m", written(folder, "b.csv", content))
    return json.loads(result[1])["accuracy"] if result[0] == 0 else 0.0, said + result[2]


@holds.each("labels TRUE and FALSE of an .xlsx, a CSV in {}: the same classes", TRUTHS)
def _(folder: Path, words: str) -> object:
    yes, no = words.split()
    rows = [(text, name == "refund") for text, name in PAIRS]
    lines = "".join(f"{text};{yes if label else no}\n" for text, label in rows)
    return _accuracy(folder, [HEADER, *rows], f"text;label\n{lines}")[0] == 1.0


@holds.each("a feature TRUE or FALSE of an .xlsx, a CSV in {}: the same values", TRUTHS)
def _(folder: Path, words: str) -> object:
    yes, no = words.split()
    rows = [(n, n % 2 == 0, "ab"[n % 2]) for n in range(20)]
    lines = "".join(f"{n};{yes if paid else no};{label}\n" for n, paid, label in rows)
    found, said = _accuracy(folder, [("n", "paid", "label"), *rows], f"n;paid;label\n{lines}", *FEATURES)
    return found == 1.0 and "skipped" not in said


@holds("0.05 of an .xlsx in percent, 5 % in a CSV: the same number")
def _(folder: Path) -> object:
    rows = [(n / 100, "ab"[n > 10]) for n in range(1, 21)]
    lines = "".join(f"{100 * share:.0f} %;{label}\n" for share, label in rows)
    found, said = _accuracy(folder, [("share", "label"), *rows], f"share;label\n{lines}", *FEATURES)
    return found > 0.9 and "Check its unit" not in said


# --- written, and back -----------------------------------------------------------------------------------------------


@holds("a text too long for Excel: cut, which is said with the file")
def _(folder: Path) -> object:
    path = written(folder, "a.csv", f"text\n{'money back ' * 4000}\n")
    result = command("predict", path, *CLASSES, "--out", folder / "o.xlsx")
    return fails_with(result, 0, "o.xlsx: 1 text cut") and ".part" not in result[2]


@holds("suggestions that came back from a German Excel: the labels filled in are learned")
def _(folder: Path) -> object:
    """Excel writes semicolons and cp1252, and a person filled in the label of two of three rows."""
    fitted().save(folder / "m")
    rest = written(folder, "rest.csv", "id,text\n1,Geld zurück bitte\n2,wo ist das Päckchen\n3,übrig\n")
    command("suggest", folder / "m", rest, "--out", folder / "todo.csv")
    todo = pd.read_csv(folder / "todo.csv", dtype=str)
    todo["label"] = ["refund" if "Geld" in text else "delivery" if "ist" in text else None for text in todo["text"]]
    todo.to_csv(folder / "back.csv", sep=";", encoding="cp1252", index=False)
    code, _, said = command("learn", folder / "m", folder / "back.csv")
    read = read_data(folder / "back.csv")
    labels = dict(zip(map(str, read.items), read.labels or [], strict=True))
    expected = {"Geld zurück bitte": "refund", "wo ist das Päckchen": "delivery", "übrig": None}
    return code == 0 and "2 labels" in said and labels == expected
