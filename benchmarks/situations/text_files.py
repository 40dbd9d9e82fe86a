"""CSV, TSV and lists of texts: separators, quotes, encodings, headers, compressed files."""

import bz2
import gzip
import json
import zipfile
from pathlib import Path

import pandas as pd

from anyshot.data import read_data
from situations.situation import (
    CAFES,
    CLASSES,
    CSV,
    NAMES,
    PAIRS,
    TEXTS,
    Subject,
    command,
    facts_of_fit,
    fails_with,
    fit,
    fit_refused,
    in_shell,
    labels_of,
    mentions,
    read,
    read_or_refused,
    read_texts,
    taken_or_refused,
    written,
)

holds = Subject("text files")

# --- quotes ----------------------------------------------------------------------------------------------------------


holds("a TSV with open quotes: read as they are")(
    lambda f: (
        read_texts(f, "a.tsv", 'text\tlabel\n"open\tx\nb\ty\n5" pipe\tx\nclosed"\ty\n')
        == [
            '"open',
            "b",
            '5" pipe',
            'closed"',
        ]
    )
)
holds('a TSV with "Wow" he said: read as it is')(
    lambda f: read_texts(f, "a.tsv", 'text\tlabel\n"Wow" he said\tx\n') == ['"Wow" he said']
)
holds.refused('a CSV with "Wow" he said: refused by line', "line 3", "closing quote")(
    lambda f: read_texts(f, "a.csv", 'text,label\nfine,x\n"Wow" he said,y\n')
)
holds.refused("a quote that never closes: refused by line", "line 3")(
    lambda f: read_data(written(f, "a.csv", 'text,label\na,x\n"b,y\nc,x\n'))
)


def _predicted(folder: Path, name: str, content: str | bytes, *options: str) -> list[str]:
    """Return the classes that `anyshot predict` prints for a file."""
    code, out, err = command("predict", written(folder, name, content), *CLASSES, *options)
    return [json.loads(line)["label"] for line in out.splitlines()] if code == 0 else [err]


holds("a TSV with quotes in a command: answered")(
    lambda f: _predicted(f, "a.tsv", 'text\n"refund" now\nmy parcel is late\n') == ["refund", "delivery"]
)
holds("an open quote in a command: refused by line")(
    lambda f: "line 2" in _predicted(f, "a.csv", 'text\n"refund" now\n')[0]
)
holds("a space before a quote: read without it")(
    lambda f: read(f, "a.csv", 'text, label\n"one, two", "a"\nthree, "b"\n')[1] == ["a", "b"]
)
holds("quotes escaped by backslashes: read")(
    lambda f: read_texts(f, "a.csv", 'text,label\n"she said \\"hi\\"",x\n') == ['she said "hi"']
)
holds("a text that ends in a backslash: read as it is")(
    lambda f: read_texts(f, "a.csv", 'text,label\n"ends in \\",x\nC:\\new\\,y\n') == ["ends in \\", "C:\\new\\"]
)
holds("line breaks, quotes and a byte order mark in quotes: read")(
    lambda f: (
        read(f, "a.csv", '\ufeff"text","label"\r\n"one\r\ntwo","a"\r\n"x, ""y""","b"\r\n')
        == (["one\ntwo", 'x, "y"'], ["a", "b"])
    )
)

# --- separators and line ends ----------------------------------------------------------------------------------------

holds("sep=; above the header: read")(lambda f: read_texts(f, "a.csv", "sep=;\ntext;label\na,b;x\n") == ["a,b"])


@holds("a byte order mark, sep=; and CRLF: read")
def _(folder: Path) -> object:
    content = "\ufeffsep=;\r\n" + CSV.replace(",", ";").replace("\n", "\r\n")
    return facts_of_fit(fit(folder, "a.csv", content)).get("labels") == 12


@holds("a header with as many commas as semicolons: read by the rows")
def _(folder: Path) -> object:
    # The header has as many commas as semicolons; the rows have semicolons only.
    content = "text, as sent;label, as given;number\n" + "".join(f"{a};{b};7\n" for a, b in PAIRS)
    result = fit(folder, "a.csv", content, "--text-column", "text, as sent", "--label-column", "label, as given")
    return facts_of_fit(result).get("classes") == 2


holds("columns between bars: read")(
    lambda f: read_or_refused(written(f, "a.csv", "text|label\na, b|x\nc, d|y\n"), ["a, b", "c, d"], ["x", "y"], "|")
)
holds("line ends of old Macs: read")(lambda f: read(f, "a.csv", "text,label\ra,x\rb,y\r")[1] == ["x", "y"])


@holds("doubled line ends: no empty rows")
def _(folder: Path) -> object:
    # Line ends \r\r\n, as of a file that was written as text twice: three rows in, three rows out.
    data = written(folder, "a.csv", b"id,text\r\r\n1,refund please\r\r\n2,my parcel is late\r\r\n3,refund\r\r\n")
    result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
    return result[0] == 0 and pd.read_csv(folder / "b.csv")["id"].tolist() == [1, 2, 3]


holds("a line separator of Unicode in a list of texts: part of the text")(
    lambda f: (
        read_texts(f, "a.txt", "refund\u2028please\nmy parcel\x0c is late\n")
        == ["refund\u2028please", "my parcel\x0c is late"]
    )
)
holds("a separator of records in a CSV: part of the text")(
    lambda f: (
        read_texts(f, "a.csv", "text,label\nrefund\x1c please,x\nlate\x0b parcel,y\n")
        == ["refund\x1c please", "late\x0b parcel"]
    )
)
holds("a comma behind each row: read")(
    lambda f: read_or_refused(written(f, "a.csv", "text,label,\na,x,\nb,y,\n"), ["a", "b"], ["x", "y"])
)
holds("a comma behind each row but the header: read, or refused by line")(
    lambda f: read_or_refused(written(f, "a.csv", "text,label\na,x,\nb,y,\n"), ["a", "b"], ["x", "y"], "line 2")
)
holds.refused("a comma that is not quoted: refused by line", "line 3")(
    lambda f: read_data(written(f, "a.csv", "text,label\nrefund,x\nhello, world,y\n"))
)


@holds("a PDF called .txt among letters: refused by name, or skipped with the reason")
def _(folder: Path) -> object:
    for name, content in (("a", "Dear Sir"), ("b", "%PDF-1.7 x"), ("c", "Dear Madam")):
        written(folder / "letters", f"{name}.txt", content)
    refused, skipped = (
        command("predict", folder / "letters", *CLASSES, "--on-error", choice) for choice in ("raise", "skip")
    )
    return fails_with(refused, 1, "b.txt: holds no data: it is a PDF") and mentions(skipped, "b.txt", "a PDF")


@holds("a folder of letters: each is one text, and the answers name its file")
def _(folder: Path) -> object:
    for name, text in {"a": "refund please", "b": "my parcel is late"}.items():
        written(folder / "letters", f"{name}.txt", f"Dear team,\n\n{text}.\n\nAnn\n")
    result = command("predict", folder / "letters", *CLASSES, "--out", folder / "b.csv")
    table = pd.read_csv(folder / "b.csv")
    answers = (table["name"].tolist(), table["predicted_label"].tolist())
    return mentions(result, "2 .txt files", "one text") and answers == (["a.txt", "b.txt"], ["refund", "delivery"])


# --- headers and columns ---------------------------------------------------------------------------------------------

holds("names of columns with spaces and capitals: found")(
    lambda f: read_or_refused(written(f, "a.csv", " Text , LABEL \na,x\nb,y\n"), ["a", "b"], ["x", "y"])
)
holds("the index that pandas writes as the first column: passed over")(
    lambda f: read_or_refused(written(f, "a.csv", ",text,label\n0,a,x\n1,b,y\n"), ["a", "b"], ["x", "y"])
)
holds("empty columns and rows that Excel leaves: passed over")(
    lambda f: read(f, "a.csv", "text,label,,\nhello,a,,\nbye,b,,\n,,,\n,,,\n") == (["hello", "bye"], ["a", "b"])
)


@holds("a CSV without a header: all rows are read, or refused")
def _(folder: Path) -> object:
    lines = CSV.removeprefix("text,label\n")
    return taken_or_refused(lambda: len(read_texts(folder, "a.csv", lines)) == len(TEXTS), "column")


holds("two columns called text: refused")(
    lambda f: read_or_refused(written(f, "a.csv", "text,text,label\na,b,x\nc,d,y\n"), [], [], "text")
)


@holds("columns that repeat a name, as Jira exports them: read, which is said")
def _(folder: Path) -> object:
    data = written(folder, "jira.csv", "Summary,Comment,Status,Comment\n" + "late parcel,a,Open,b\n" * 2)
    result = command("predict", data, *CLASSES, "--text-column", "Summary")
    return labels_of(result) == ["delivery"] * 2 and mentions(result, "'Comment'", "'Comment (2)'")


@holds("a comment above the header: left out, which is said")
def _(folder: Path) -> object:
    result = fit(folder, "a.csv", "# Export of 3 May\n" + CSV)
    return facts_of_fit(result).get("labels") == 12 and mentions(result, "left out", "Export of 3 May")


@holds("two files joined by cat: the second header is no class")
def _(folder: Path) -> object:
    # cat a.csv b.csv > all.csv: the header, with its mark, stands once more in the middle.
    result = fit(folder, "a.csv", f"\ufeff{CSV}\ufeff{CSV}")
    classes = facts_of_fit(result).get("classes")
    return classes in (2, None) and mentions(result, "row 14") and "'label'" not in result[1]


@holds("two files joined, of which the second has its header in capitals: it is no class")
def _(folder: Path) -> object:
    result = fit(folder, "a.csv", f"{CSV}TEXT,LABEL\n{CSV.removeprefix('text,label')[1:]}")
    return facts_of_fit(result).get("classes") == 2 and mentions(result, "row 14")


holds("a line break in the name of a column: the name is typed in one line")(
    lambda f: fails_with(fit(f, "a.csv", '"What\nhappened?",label\na,x\nb,y\n', "--text-column", "What happened?"), 0)
)
holds("a header alone: refused")(fit_refused("a.csv", "text,label\n", "row"))


holds("a blank row, --on-error skip: skipped")(
    lambda f: _predicted(f, "a.csv", "text,id\nrefund,1\n ,2\n", "--on-error", "skip") == ["refund"]
)


@holds("a blank row: skipped, listed by --skipped")
def _(folder: Path) -> object:
    data = written(folder, "t.csv", "id,text\n1,refund\n2, \n3,late\n")
    code, out, err = command("predict", data, *CLASSES, "--skipped", folder / "s.csv")
    return code == 0 and len(out.splitlines()) == 2 and "Skipped: " in err and len(pd.read_csv(folder / "s.csv")) == 1


holds("a cell of 300,000 characters: read")(
    lambda f: len(read_texts(f, "a.csv", 'text,label\n"' + "word " * 60_000 + '",x\nshort,y\n')[0]) >= 299_999
)


holds.each(
    "a text that is {}, as R, pandas and databases write a missing one: skipped by row", ["NA", "N/A", "nan", "NULL"]
)(
    lambda f, mark: mentions(
        fit(f, "a.csv", CSV + f"{mark},refund\n"), "row 14", f"the text is missing, written as {mark}"
    )
)


holds("a CSV that was cut off in a row while it was written: said")(
    lambda f: mentions(
        fit(f, "a.csv", f"n,{CSV}".replace("\n", "\n1,").removesuffix("1,") + "1,the par"), "2 of 3", "cut off"
    )
)


holds("semicolons in a .tsv: refused, with .csv")(
    fit_refused("a.tsv", CSV.replace(",", ";"), "'text;label'", "end in .csv")
)


@holds("a cell of 20 MB: answered")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", 'text,id\nrefund please,1\n"' + "parcel late, " * 1_500_000 + '",2\n')
    result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
    return result[0] == 0 and pd.read_csv(folder / "b.csv")["predicted_label"].tolist() == ["refund", "delivery"]


# --- labels in files -------------------------------------------------------------------------------------------------

holds.each('a label {} in a file: "café"', CAFES)(
    lambda f, name: read(f, "a.csv", f"text,label\na,{name}\nb,x\n")[1] == ["caf\u00e9", "x"]
)
holds("an invisible label in a file: no label")(
    lambda f: read(f, "a.csv", "text,label\na,\u200b\nb,y\n")[1] == [None, "y"]
)


@holds('a class called None in a file: kept where it is "none"')
def _(folder: Path) -> object:
    return read_data(written(folder, "a.csv", "text,label\na,None\nb,minor\nc,none\n")).labels[1:] == ["minor", "none"]


@holds("labels written as nan in a file: no class, or said")
def _(folder: Path) -> object:
    # df.label.astype(str).to_csv writes nan where there was no label.
    result = fit(folder, "a.csv", CSV + "no label here,nan\nnor here,nan\nnor there,nan\n")
    return facts_of_fit(result).get("classes") == 2 or mentions(result, "nan")


@holds("labels that differ in capitals in a file: warned of")
def _(folder: Path) -> object:
    content = CSV + "give it back,Refund\nmy money,REFUND\nwhere is it,Delivery\n"
    written(folder, "a.csv", content)
    result = in_shell(folder, "anyshot fit a.csv --out m")  # in a process of its own, which shows warnings
    return mentions(result, "'refund'", "'Refund'", "look alike")


@holds("labels 1 and 1.0 in one column: one class, or said")
def _(folder: Path) -> object:
    # A column of floats and integers that were joined: 1, 1.0, 2, 2.0.
    numbers = {"refund": ("1", "1.0"), "delivery": ("2", "2.0")}
    rows = "".join(f"{text},{numbers[name][row % 2]}\n" for row, (text, name) in enumerate(PAIRS))
    result = fit(folder, "a.csv", "text,label\n" + rows)
    return facts_of_fit(result).get("classes") == 2 or mentions(result, "1.0", "'1'")


@holds("labels 1.0 in the file of fit, 1 in that of evaluate: the same class")
def _(folder: Path) -> object:
    train = written(folder, "train.csv", CSV.replace(",refund", ",1.0").replace(",delivery", ",2.0"))
    test = written(folder, "test.csv", CSV.replace(",refund", ",1").replace(",delivery", ",2"))
    command("fit", train, "--out", folder / "m")
    code, out, err = command("evaluate", folder / "m", test)
    return code == 0 and json.loads(out)["accuracy"] == 1 and not err.startswith("Error")


holds("a label #N/A in a CSV: skipped, with the number of cells")(
    fit_refused("a.csv", CSV + "hello,#N/A\n", "1 cell", "#N/A", code=0)
)
holds("several choices in a cell: refused by row")(
    fit_refused("a.tsv", "text\tlabel\na\tx\nb\t{'choices': ['x', 'y']}\n", "row 3", "one label")
)
holds("one column of 0 and 1 for each class: refused, with the columns")(
    fit_refused("a.csv", "text,cat,dog\na,1,0\nb,0,1\n", "'cat', 'dog' hold")
)
holds("one column of marks for each class: refused, with the columns")(
    fit_refused("a.csv", "text,cat,dog\na,x,\nb,,x\n", "'cat', 'dog' hold a mark or none")
)

# --- compressed files ------------------------------------------------------------------------------------------------

holds("a .csv.gz: read")(lambda f: read_texts(f, "a.csv.gz", gzip.compress(b"text\nhello\n")) == ["hello"])


@holds("a .csv.gz in a command: answered")
def _(folder: Path) -> object:
    path = written(folder, "a.csv.gz", gzip.compress(CSV.encode()))
    return fails_with(command("predict", path, *CLASSES), 0)


holds("a .csv.bz2: read, or refused with bz2")(
    lambda f: read_or_refused(written(f, "a.csv.bz2", bz2.compress(CSV.encode())), TEXTS, NAMES, "bz2")
)


@holds("a table in a zip: read, or refused with zip")
def _(folder: Path) -> object:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
    return read_or_refused(folder / "a.zip", TEXTS, NAMES, "zip")


PACKED = gzip.compress(CSV.encode())
holds("a file compressed twice: refused, with unpacking it once")(
    fit_refused("a.csv.gz", gzip.compress(PACKED), "Unpack it once")
)
holds("a gzip file that is cut off: refused as cut off")(fit_refused("a.csv.gz", PACKED[:-20], "cut off"))
holds("a plain file named .gz: refused as not compressed")(
    fit_refused("a.csv.gz", CSV, "a.csv.gz", "gzip", "not compressed", "end in .csv")
)
