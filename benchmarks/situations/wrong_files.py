"""Files that are not what their name says, or that are damaged."""

import unicodedata
import zipfile
from pathlib import Path

import pandas as pd

from anyshot.data import read_data
from situations.situation import (
    CLASSES,
    CSV,
    PAIRS,
    Subject,
    command,
    facts_of_fit,
    fails_with,
    fit,
    fit_refused,
    in_shell,
    mentions,
    model_in,
    read,
    refuses,
    written,
)

holds = Subject("wrong files")

holds("an empty file: refused as empty")(fit_refused("a.csv", "", "empty"))
holds("a page of the web called .csv: refused as a page of the web")(
    fit_refused("a.csv", "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "page of the web")
)
holds("a pointer of Git LFS: refused, with git lfs pull")(
    fit_refused("a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull")
)
holds("a document of Word: refused by suffix")(
    lambda f: fails_with(command("predict", written(f, "a.docx", b"PK\x03\x04" + bytes(60)), *CLASSES), 1, "docx")
)
OTHERS = {
    ".ndjson": ("a.ndjson", ".jsonl"),
    ".tab": ("a.tab", ".tsv"),
    ".ods": ("a.ods", ".xlsx"),
    ".csv.zip": ("a.csv.zip", "Unpack"),
    ".xlsx.gz": ("a.xlsx.gz", "Unpack"),
}
holds.each("a {} file, fit: refused, with what to do", OTHERS)(
    lambda f, name, remedy: fails_with(fit(f, name, CSV), 1, remedy)
)
holds.each("a {} file, predict: refused, with what to do", OTHERS)(
    lambda f, name, remedy: fails_with(command("predict", written(f, name, CSV), *CLASSES), 1, remedy)
)


@holds("an Excel file called .csv: refused as Excel")
def _(folder: Path) -> object:
    pd.DataFrame({"text": ["a"], "label": ["x"]}).to_excel(folder / "a.xlsx", index=False)
    (folder / "a.xlsx").rename(folder / "a.csv")
    return refuses(lambda: read_data(folder / "a.csv"), "Excel")


holds.refused("a CSV called .xlsx: refused", "Excel")(lambda f: read_data(written(f, "a.xlsx", "text,label\na,x\n")))


@holds("a zip called .xlsx: refused as damaged or of another type")
def _(folder: Path) -> object:
    with zipfile.ZipFile(folder / "a.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    return fails_with(command("fit", folder / "a.xlsx", "--out", folder / "m"), 1, "damaged, or of another type")


@holds("a page of HTML, or a TSV, called .xls: refused, with the suffix to use")
def _(folder: Path) -> object:
    page = "<html><table><tr><td>text</td><td>label</td></tr><tr><td>hi</td><td>a</td></tr></table></html>"
    tabs = refuses(lambda: read(folder, "b.xls", "text\tlabel\nhi\ta\n"), ".xls", ".csv")
    return tabs and refuses(lambda: read(folder, "a.xls", page), ".xls", ".csv")


holds("a Parquet file that breaks off: refused by name")(
    lambda f: fails_with(command("predict", written(f, "a.parquet", b"PAR1" + bytes(60)), *CLASSES), 1, "a.parquet")
)
holds("a zero byte in a CSV: refused by line")(
    fit_refused("a.csv", CSV.replace("parcel", "par\0cel", 1), "line 4", "zero byte")
)
holds("zero bytes at the end of a CSV: refused as not written to its end")(
    fit_refused("a.csv", CSV + "\0" * 64, "not written to its end")
)


@holds("Excel's Unicode text, a .txt with tabs: read as a table, or refused with .tsv")
def _(folder: Path) -> object:
    # Excel's "Unicode text (*.txt)": columns between tabs, in UTF-16.
    content = CSV.replace(",", "\t").replace("\n", "\r\n").encode("utf-16")
    result = fit(folder, "a.txt", content, *CLASSES)
    return facts_of_fit(result).get("labels") == 12 or fails_with(result, 1, ".tsv")


PRINTED = (
    "+-------+--------+\n| text  | label  |\n+-------+--------+\n| money | refund |\n+-------+--------+\n1 row in set\n"
)
holds("a table that mysql has printed with lines, called .csv: refused, with what to do")(
    fit_refused("a.csv", PRINTED, "printed with lines", "mysql --batch")
)


@holds("a table of psql called .txt: warned of, with .csv")
def _(folder: Path) -> object:
    data = written(folder, "a.txt", " id | text | x\n----+------+---\n  1 | a    | b\n  2 | c    | d\n(2 rows)\n")
    return mentions(command("predict", data, *CLASSES), "Warning", "bars (|)", ".csv")


holds("texts with labels of fastText in them, __label__refund: refused, with .csv")(
    lambda f: fails_with(
        command("predict", written(f, "a.txt", "".join(f"__label__{b} {a}\n" for a, b in PAIRS)), *CLASSES),
        1,
        "labels within its lines",
        ".csv",
    )
)
holds("a table between semicolons called .txt: refused, with .csv")(
    lambda f: fails_with(command("predict", written(f, "a.txt", CSV.replace(",", ";")), *CLASSES), 1, "end in .csv")
)


@holds("a file without a suffix: refused by name")
def _(folder: Path) -> object:
    return fails_with(command("predict", model_in(folder), written(folder, "export_of_may", CSV)), 1, "export_of_may")


@holds("a misspelled suffix: refused, with the file that is there")
def _(folder: Path) -> object:
    written(folder, "tickets.csv", CSV)
    result = in_shell(folder, "anyshot predict tickets.cvs --classes refund,delivery")
    return result[0] in (1, 2) and mentions(result, "tickets.csv")


@holds("accents in the name of a file, composed and decomposed: found")
def _(folder: Path) -> object:
    written(folder, unicodedata.normalize("NFD", "prüfung.csv"), CSV)
    evaluated = command("evaluate", model_in(folder), folder / "prüfung.csv")
    return evaluated[0] == command("predict", folder / "prüfung.csv", *CLASSES)[0] == 0


holds("a file whose name begins with a hyphen, behind --: answered")(
    lambda f: command("predict", "--classes", "refund,delivery", "--", written(f, "-a.csv", "text\nrefund\n"))[0] == 0
)

holds("JSON lines called .txt: refused, with the suffix to use")(
    fit_refused("a.txt", '{"text": "late", "label": "x"}\n{"text": "lost", "label": "y"}\n', "JSON", ".jsonl")
)
