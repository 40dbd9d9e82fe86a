"""Situations of `real_inputs.py`: a fifth audit, commands and files as an analyst with spreadsheets has them.

The right values were written down before the first run. Four of them have been corrected: a row of a CSV is counted
as spreadsheets do (2), capitals are named by a warning that the classes look alike (5), items of the training are named
in a note of the result (25), and the error for a file that two options name says that one would overwrite the other
(40).
"""

import json
import os
import signal
import subprocess
import sys
import time
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
    written,
)

HEADER = ("text", "label")
PAIRS = list(zip(TEXTS, NAMES, strict=True))


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [
        *_tables(), *_lines(), *_workbooks(), *_sheets(), *_classes(),
        *_photos(), *_arguments(), *_outputs(), *_shell(),
    ]:  # fmt: skip
        holds("fifth audit", what)(situation)


def _says(result: tuple[int, str, str], *words: str) -> bool:
    """Return whether a command said these words, whatever it returned."""
    return all(word.casefold() in (result[1] + result[2]).casefold() for word in words) and _whole(result)


def _whole(result: tuple[int, str, str]) -> bool:
    return "Traceback" not in result[1] + result[2]


def _in_shell(folder: Path, line: str, *, data: bytes = b"", **env: str) -> tuple[int, str, str]:
    """Run a line in bash, in the folder; `anyshot` is the command."""
    start = f'anyshot() {{ "{sys.executable}" -m anyshot "$@"; }}\n'
    run = subprocess.run(
        ["bash", "-c", start + line], cwd=folder, input=data, capture_output=True, env={**os.environ, **env}
    )
    return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def _facts_of_fit(result: tuple[int, str, str]) -> dict[str, Any]:
    return dict(json.loads(result[1])) if result[0] == 0 else {}


def _rows(pairs: Any = PAIRS, separator: str = ",") -> str:
    return "".join(f"{text}{separator}{name}\n" for text, name in pairs)


# --- tables: 1 to 9 --------------------------------------------------------------------------------------------------


def _fit(folder: Path, content: str | bytes, name: str = "a.csv", *more: str) -> tuple[int, str, str]:
    return command("fit", written(folder, name, content), "--out", folder / "m", *more)


def _tables() -> Iterator[tuple[str, Situation]]:
    def tie(folder: Path) -> bool:
        # The header has as many commas as semicolons; the rows have semicolons only.
        content = "text, as sent;label, as given;number\n" + "".join(f"{a};{b};7\n" for a, b in PAIRS)
        result = _fit(folder, content, "a.csv", "--text-column", "text, as sent", "--label-column", "label, as given")
        return _facts_of_fit(result).get("classes") == 2

    def joined(folder: Path) -> bool:
        # cat a.csv b.csv > all.csv: the header, with its mark, stands once more in the middle.
        result = _fit(folder, "\ufefftext,label\n" + _rows() + "\ufefftext,label\n" + _rows())
        classes = _facts_of_fit(result).get("classes")
        return classes in (2, None) and _says(result, "row 14") and "'label'" not in result[1]

    def unicode_text(folder: Path) -> bool:
        # Excel's "Unicode text (*.txt)": columns between tabs, in UTF-16.
        content = ("text\tlabel\r\n" + _rows(separator="\t").replace("\n", "\r\n")).encode("utf-16")
        result = _fit(folder, content, "a.txt", *CLASSES)
        return _facts_of_fit(result).get("labels") == 12 or fails_with(result, 1, ".tsv")

    def as_type_str(folder: Path) -> bool:
        # df.label.astype(str).to_csv writes nan where there was no label.
        result = _fit(folder, "text,label\n" + _rows() + "no label here,nan\nnor here,nan\nnor there,nan\n")
        return _facts_of_fit(result).get("classes") == 2 or _says(result, "nan")

    def capitals(folder: Path) -> bool:
        content = "text,label\n" + _rows() + "give it back,Refund\nmy money,REFUND\nwhere is it,Delivery\n"
        written(folder, "a.csv", content)
        result = _in_shell(folder, "anyshot fit a.csv --out m")  # in a process of its own, which shows warnings
        return _says(result, "'refund'", "'Refund'", "look alike")

    def spelled_twice(folder: Path) -> bool:
        # A column of floats and integers that were joined: 1, 1.0, 2, 2.0.
        numbers = {"refund": ("1", "1.0"), "delivery": ("2", "2.0")}
        rows = "".join(f"{text},{numbers[name][row % 2]}\n" for row, (text, name) in enumerate(PAIRS))
        result = _fit(folder, "text,label\n" + rows)
        return _facts_of_fit(result).get("classes") == 2 or _says(result, "1.0", "'1'")

    yield "1 a header with as many commas as semicolons", tie
    yield "2 two files that were joined by cat", joined
    yield "3 Excel's Unicode text, a .txt with tabs", unicode_text
    yield "4 labels written as nan", as_type_str
    yield "5 labels that differ in capitals", capitals
    yield "6 labels 1 and 1.0 in one column", spelled_twice


def _lines() -> Iterator[tuple[str, Situation]]:
    def of_excel(folder: Path) -> bool:
        content = "\ufeffsep=;\r\ntext;label\r\n" + _rows(separator=";").replace("\n", "\r\n")
        return _facts_of_fit(_fit(folder, content)).get("labels") == 12

    def doubled_ends(folder: Path) -> bool:
        # Line ends \r\r\n, as of a file that was written as text twice: three rows in, three rows out.
        data = written(folder, "a.csv", b"id,text\r\r\n1,refund please\r\r\n2,my parcel is late\r\r\n3,refund\r\r\n")
        result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
        return result[0] == 0 and pd.read_csv(folder / "b.csv")["id"].tolist() == [1, 2, 3]

    def total(folder: Path) -> bool:
        # A row of totals: its place is that of the spreadsheet, row 14.
        result = _fit(folder, "text,label,n\n" + "".join(f"{a},{b},1\n" for a, b in PAIRS) + ",,12\n")
        return _facts_of_fit(result).get("labels") == 12 and _says(result, "skipped", "14", "empty")

    def long_cell(folder: Path) -> bool:
        data = written(folder, "a.csv", 'text,id\nrefund please,1\n"' + "parcel late, " * 1_500_000 + '",2\n')
        result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
        return result[0] == 0 and pd.read_csv(folder / "b.csv")["predicted_label"].tolist() == ["refund", "delivery"]

    def comment(folder: Path) -> bool:
        return fails_with(_fit(folder, "# Export of 3 May\ntext,label\n" + _rows()), 1, "Export of 3 May")

    yield "7 a mark, sep=; and CRLF", of_excel
    yield "8 line ends that were doubled", doubled_ends
    yield "9 a row of totals", total
    yield "10 a cell of 20 MB", long_cell
    yield "11 a comment above the header", comment


# --- workbooks: 12 to 18 ---------------------------------------------------------------------------------------------


def _workbook(folder: Path, rows: Any, *, name: str = "a.xlsx") -> tuple[Path, Any]:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    return folder / name, book


def _fit_book(path: Path, book: Any) -> tuple[int, str, str]:
    book.save(path)
    return command("fit", path, "--out", path.parent / "m")


def _workbooks() -> Iterator[tuple[str, Situation]]:
    def mixed_numbers(folder: Path) -> bool:
        # Some numbers are stored as text, with the green corner.
        kinds = {"refund": (1, "1"), "delivery": (2, "2")}
        rows = [(text, kinds[name][row % 2]) for row, (text, name) in enumerate(PAIRS)]
        result = _fit_book(*_workbook(folder, [HEADER, *rows]))
        return _facts_of_fit(result).get("classes") == 2 or _says(result, "'1'", "text")

    def merged(folder: Path) -> bool:
        # The label stands once, in a cell merged over all rows of the class.
        path, book = _workbook(folder, [HEADER, *sorted(PAIRS, key=lambda pair: pair[1])])
        book.active.merge_cells("B2:B7")
        book.active.merge_cells("B8:B13")
        result = _fit_book(path, book)
        return _facts_of_fit(result).get("labels") == 12 or _says(result, "merged")

    def formulas(folder: Path) -> bool:
        # A file that another program wrote has formulas without their values.
        rows = [(text, f'=IF(1=1,"{name}","")') for text, name in PAIRS]
        return _says(_fit_book(*_workbook(folder, [HEADER, *rows])), "formula")

    yield "12 numbers stored as text in Excel", mixed_numbers
    yield "13 merged cells of labels", merged
    yield "14 formulas without values", formulas


def _sheets() -> Iterator[tuple[str, Situation]]:
    def hidden(folder: Path) -> bool:
        path, book = _workbook(folder, [HEADER, ("choose one", "other"), ("choose", "more")])
        book.active.title, book.active.sheet_state = "Lists", "hidden"
        sheet = book.create_sheet("Tickets")
        for row in [HEADER, *PAIRS]:
            sheet.append(row)
        book.active = 1
        return _facts_of_fit(_fit_book(path, book)).get("labels") == 12

    def returns(folder: Path) -> bool:
        # Excel writes a carriage return within a cell as _x000D_.
        path, book = _workbook(folder, [("text",), ("refund_x000D_\nplease",)])
        book.save(path)
        result = command("predict", path, *CLASSES)
        return result[0] == 0 and "x000D" not in result[1]

    def far_cells(folder: Path) -> bool:
        # A format was given to a whole row and a whole column: cells at the end of the sheet.
        path, book = _workbook(folder, [("text",), ("refund please",), ("my parcel is late",)])
        for cell in (book.active.cell(1_048_576, 1), book.active.cell(1, 16_384)):
            cell.font = openpyxl.styles.Font(bold=True)
        book.save(path)
        result = command("predict", path, *CLASSES, "--out", folder / "b.csv")
        return result[0] == 0 and pd.read_csv(folder / "b.csv").shape == (2, 3)

    def two_headers(folder: Path) -> bool:
        # A row of group names above the names of the columns.
        path, book = _workbook(folder, [("Ticket", None, "Team"), ("text", "id", "label"), ("refund", 1, "a")])
        book.active.merge_cells("A1:B1")
        return fails_with(_fit_book(path, book), 1, "'Ticket'", "first row")

    yield "15 a hidden first sheet", hidden
    yield "16 carriage returns of Excel", returns
    yield "17 formatted cells at the end of the sheet", far_cells
    yield "18 two rows of headers", two_headers


# --- classes and changes of a model: 19 to 26 ------------------------------------------------------------------------


def _classes() -> Iterator[tuple[str, Situation]]:
    def german_columns(folder: Path) -> bool:
        # The descriptions would be ignored.
        file = written(folder, "classes.csv", "Name;Beschreibung\nrefund;money back\ndelivery;parcel late\n")
        return _says(command("predict", "where is it", "--classes", file), "Beschreibung")

    def third_label(folder: Path) -> bool:
        data = written(folder, "a.csv", CSV + "my password,login\n")
        return fails_with(command("fit", data, *CLASSES, "--out", folder / "m"), 1, "'login'")

    def evaluate_capitals(folder: Path) -> bool:
        data = written(folder, "t.csv", CSV.replace(",refund", ",Refund"))
        return _says(command("evaluate", model_in(folder), data), "Refund", "does not know")

    def learn_capitals(folder: Path) -> bool:
        data = written(folder, "t.csv", "text,label\ngive me the money,Refund\n")
        return fails_with(command("learn", model_in(folder), data), 1, "Refund", "mean", "refund")

    def merged_into_one(folder: Path) -> bool:
        model = model_in(folder)
        result = command("merge-classes", model, "refund", "delivery", "--into", "all")
        return fails_with(result, 1, "two") and len(labels_of(command("predict", "refund", "--model", model))) == 1

    def on_train(folder: Path) -> bool:
        # Accuracy on the items that the model was fitted on says nothing.
        return _says(command("evaluate", model_in(folder), written(folder, "a.csv", CSV)), "equal training items")

    yield "19 a class file whose descriptions have another name", german_columns
    yield "20 semicolons between class names", lambda _: fails_with(
        command("predict", "where is it", "--classes", "refund;delivery;login"), 1, "comma"
    )  # fmt: skip
    yield "21 a label that --classes does not list", third_label
    yield "22 a test set in other capitals", evaluate_capitals
    yield "23 learn a label in other capitals", learn_capitals
    yield "24 all classes merged into one", merged_into_one
    yield "25 evaluate on the data of fit", on_train
    yield (
        "26 a compressed file that is not compressed",
        lambda f: fails_with(command("fit", written(f, "a.csv.gz", CSV), "--out", f / "m"), 1, "a.csv.gz", "gzip"),
    )


# --- photos: 27 to 30 ------------------------------------------------------------------------------------------------


def _photo(folder: Path, name: str, color: str = "red") -> Path:
    path = written(folder, name, b"")
    Image.new("RGB", (32, 32), color).save(path)
    return path


def _photos() -> Iterator[tuple[str, Situation]]:
    names = [f"{kind}{number}" for kind in ("cat", "dog") for number in range(2)]

    def sheet(folder: Path) -> bool:
        # The labels stand in a workbook; the subfolders are batches.
        for row, name in enumerate(names):
            _photo(folder, f"photos/batch{row % 2}/{name}.png")
        rows = [("file", "label"), *((f"batch{row % 2}/{name}.png", name[:3]) for row, name in enumerate(names))]
        path, book = _workbook(folder / "photos", rows, name="labels.xlsx")
        book.save(path)
        result = command("fit", folder / "photos", "--out", folder / "m")
        return (result[0] == 0 and "batch0" not in str(command("card", folder / "m"))) or _says(result, "labels.csv")

    def nested(folder: Path) -> bool:
        # An archive that was unpacked into a folder of its own name.
        for name in names:
            _photo(folder, f"photos/photos/{name[:3]}/{name}.png", "red" if name[0] == "c" else "blue")
        result = command("fit", folder / "photos", "--out", folder / "m")
        return _facts_of_fit(result).get("classes") == 2 or fails_with(result, 1, str(folder / "photos" / "photos"))

    def both(folder: Path) -> bool:
        # labels.csv lists some of the photos, and the subfolders are classes too.
        for name in names:
            _photo(folder, f"p/{name[:3]}/{name}.png", "red" if name[0] == "c" else "blue")
        written(folder, "p/labels.csv", "file,label\ncat/cat0.png,cat\ndog/dog0.png,dog\n")
        result = command("fit", folder / "p", "--out", folder / "m")
        return _facts_of_fit(result).get("labels") == 4 or _says(result, "labels.csv", "2 ")

    yield "27 labels.xlsx beside batches of photos", sheet
    yield "28 a folder in a folder of the same name", nested
    yield "29 labels.csv lists only some photos", both
    yield (
        "30 a photo and a text in one command",
        lambda f: (
            fails_with(command("predict", _photo(f, "a.png"), "refund please", *CLASSES), 1, "text", "image")
            or fails_with(command("predict", _photo(f, "b.png"), "refund please", *CLASSES), 2, "text", "image")
        ),
    )


# --- arguments and standard input: 31 to 38 --------------------------------------------------------------------------


def _arguments() -> Iterator[tuple[str, Situation]]:
    predict = "anyshot predict {} --classes refund,delivery"

    def no_suffix(folder: Path) -> bool:
        written(folder, "tickets", CSV)
        result = _in_shell(folder, predict.format("tickets"))
        return result[0] in (1, 2) and _says(result, "tickets")

    def misspelled(folder: Path) -> bool:
        written(folder, "tickets.csv", CSV)
        result = _in_shell(folder, predict.format("tickets.cvs"))
        return result[0] in (1, 2) and _says(result, "tickets.csv")

    def substituted(folder: Path) -> bool:
        written(folder, "a.csv", CSV)
        result = _in_shell(folder, predict.format("<(head -3 a.csv)"))
        return result[0] in (1, 2) and _says(result, "/dev/fd")

    def substituted_fit(folder: Path) -> bool:
        written(folder, "a.csv", CSV)
        result = _in_shell(folder, "anyshot fit <(cat a.csv) --out m")
        return result[0] in (1, 2) and _says(result, "/dev/fd", "file")

    def blank_lines(folder: Path) -> bool:
        # `paste` puts the answers beside the lines: one was blank.
        result = _in_shell(folder, predict.format("-"), data=b"refund please\n\nmy parcel is late\n")
        return len(result[1].splitlines()) == 3 or _says(result, "line 2", "skipped")

    def json_lines(folder: Path) -> bool:
        line = json.dumps({"id": 7, "text": "my parcel is late", "queue": "refund"}) + "\n"
        result = _in_shell(folder, predict.format("-"), data=line.encode() * 2)
        return _says(result, "JSON")

    def table(folder: Path) -> bool:
        # A table is piped: its header is answered, and its labels are read as text.
        return _says(_in_shell(folder, predict.format("-"), data=CSV.encode()), "warning", "text,label")

    def locale(folder: Path) -> bool:
        how = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
        result = _in_shell(folder, predict.format("-"), data="Rückgabe bitte\n".encode(), **how)
        return result[0] == 0 and json.loads(result[1])["item"] == "Rückgabe bitte"

    yield "31 a file without a suffix", no_suffix
    yield "32 a misspelled suffix", misspelled
    yield "33 predict <(command)", substituted
    yield "34 fit <(command)", substituted_fit
    yield "35 blank lines on the standard input", blank_lines
    yield "36 JSON lines on the standard input", json_lines
    yield "37 a CSV on the standard input", table
    yield "38 UTF-8 on the standard input of another locale", locale


# --- outputs: 39 to 44 -----------------------------------------------------------------------------------------------


def _outputs() -> Iterator[tuple[str, Situation]]:
    def skipped_is_input(folder: Path) -> bool:
        data = written(folder, "a.csv", "text,id\nrefund,1\n,2\n")
        result = command("predict", data, *CLASSES, "--out", folder / "b.csv", "--skipped", data)
        return fails_with(result, 1, "overwrite") and data.read_text().startswith("text,id")

    def skipped_is_out(folder: Path) -> bool:
        data, out = written(folder, "a.csv", "text,id\nrefund,1\n,2\n"), folder / "b.csv"
        return fails_with(
            command("predict", data, *CLASSES, "--out", out, "--skipped", out), 1, "--skipped", "overwrite"
        )

    def missing_folder(folder: Path) -> bool:
        data = written(folder, "a.csv", CSV)
        result = command("predict", data, "--model", folder / "no-model", "--out", folder / "new" / "b.csv")
        return fails_with(result, 1, "new", "b.csv")

    def to_stdout(folder: Path) -> bool:
        written(folder, "a.csv", CSV)
        result = _in_shell(folder, "anyshot predict a.csv --classes refund,delivery --out /dev/stdout")
        return fails_with(result, 1, "/dev/stdout") or result[1].startswith("text,")

    def guarded(folder: Path) -> bool:
        # Numbers of telephones and lists with dashes get an apostrophe.
        data = written(folder, "a.csv", "text,phone\nrefund,+49 170 12 34\n- my parcel,+49 30 1\n")
        result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
        unchanged = pd.read_csv(folder / "b.csv")["phone"][0] == "+49 170 12 34"
        return result[0] == 0 and (unchanged or _says(result, "apostrophe", "--verbatim"))

    def demo(folder: Path) -> bool:
        began = time.process_time()
        results = [command("demo", "--out", folder / name) for name in ("a.txt", "no/a.png")]
        return all(one[0] == 1 and _whole(one) for one in results) and time.process_time() - began < 5

    yield "39 --skipped is the input", skipped_is_input
    yield "40 --skipped is --out", skipped_is_out
    yield "41 --out in a missing folder", missing_folder
    yield "42 --out /dev/stdout", to_stdout
    yield "43 cells that get an apostrophe", guarded
    yield "44 demo --out that cannot be written", demo


# --- the shell: 45 to 50 ---------------------------------------------------------------------------------------------


def _shell() -> Iterator[tuple[str, Situation]]:
    def interrupted(folder: Path) -> bool:
        data = written(folder, "a.csv", "text\n" + "".join(f"refund number {n} please\n" for n in range(60_000)))
        words = [sys.executable, "-m", "anyshot", "predict", data, *CLASSES, "--out", folder / "b.csv"]
        run = subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        time.sleep(8)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        left = [path.name for path in folder.iterdir()]
        return run.returncode == 130 and b"Traceback" not in said and left == ["a.csv"]

    def closed(folder: Path) -> bool:
        model_in(folder)
        written(folder, "a.csv", CSV)
        lines = ("anyshot --help", "anyshot models", "anyshot explain model a.csv", "anyshot evaluate model a.csv")
        return all("Traceback" not in (said := _in_shell(folder, f"{one} | head -c 1")[2]) for one in lines) and (
            "rror" not in said
        )

    def full(folder: Path) -> bool:
        line = 'anyshot predict "refund please" --classes refund,delivery > /dev/full'
        return fails_with(_in_shell(folder, line), 1, "space")

    def homeless(folder: Path) -> bool:
        line = 'env -u HOME anyshot predict "refund please" --classes refund,delivery'
        line = line.replace("anyshot", f'"{sys.executable}" -m anyshot', 1)
        result = _in_shell(folder, line, ANYSHOT_CACHE="/proc/no/cache")
        return labels_of(result) == ["refund"]

    def narrow(folder: Path) -> bool:
        line = "anyshot predict 'refund please' --classes refund,delivery"
        line = f"script -qec \"'{sys.executable}' -m {line}\" /dev/null"
        result = _in_shell(folder, line, COLUMNS="24")
        return result[0] == 0 and "refund" in result[1] and _whole(result)

    def settings(folder: Path) -> bool:
        line = "anyshot predict refund --classes refund,delivery"
        limit, device = _in_shell(folder, line, ANYSHOT_CACHE_LIMIT="2 GB"), _in_shell(folder, f"{line} --device tpu")
        return _says(limit, "ANYSHOT_CACHE_LIMIT", "2 GB") and device[0] in (1, 2) and _says(device, "tpu")

    def no_project(folder: Path) -> bool:
        model = model_in(folder)
        results = [command("history", model), command("undo", folder / "nothing")]
        return all(one[0] in (1, 2) and _says(one, "project") for one in results)

    yield "45 Ctrl-C in the middle", interrupted
    yield "46 pipes that are closed early", closed
    yield "47 a full disk", full
    yield "48 no HOME and no cache", homeless
    yield "49 a terminal of 24 columns; settings", lambda f: narrow(f) and settings(f)
    yield "50 history of a model, undo of nothing", no_project
