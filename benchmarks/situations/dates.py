"""Dates in files, as people and programs write them."""

import json
from pathlib import Path

from situations.situation import Subject, command, fails_with, written

holds = Subject("dates")

DATED = "".join(f"{1 + n % 28:02}.02.2024 {n % 24:02}:30;{'ab'[n % 28 > 13]}\n" for n in range(84))


@holds("dates with a time, 13.02.2024 14:30: numbers, not categories")
def _(folder: Path) -> object:
    path = written(folder, "a.csv", f"since;label\n{DATED}")
    how = ("--feature-columns", "since", "--label-column", "label")
    command("fit", path, *how, "--out", folder / "m")
    return json.loads(command("evaluate", folder / "m", path)[1])["accuracy"] > 0.9


MONTHS = {
    "of German": "{day}. Februar 2024",
    "of mails": '"Tue, {day} Feb 2024 08:30:00 +0000"',
    "of Polish": "{day} lutego 2024",
    "of Turkish": "{day} \u015eubat 2024",
    "of Hungarian": "2024. febru\u00e1r {day}.",
    "of Hungarian spreadsheets": "2024. febr. {day}.",
    "of Turkish in capitals": "{day} HAZ\u0130RAN 2024",
    "of US software": '"Feb {day}, 2024 8:30 AM"',
}
YEAR_FIRST = {
    "of Google Forms": "2024/02/{day} 8:30:00 AM EET",
    "of databases": "2024-02-{day:02} 08:30:00 UTC",
    "of Japanese": "2024\u5e742\u6708{day}\u65e5",
    "of Hungarian": "2024.02.{day:02}.",
    "of Czech": "{day}. 2. 2024",
    "of weeks": "2024-W{day:02}",
    "as numbers, 20240203": "202402{day:02}",
    "as numbers with the time": "202402{day:02}083000",
}


@holds.each("dates with names of months, {}: numbers, not categories", MONTHS)
def _(folder: Path, form: str) -> object:
    rows = "".join(f"{form.format(day=1 + n % 28)},{'ab'[n % 28 > 13]}\n" for n in range(84))
    path = written(folder, "a.csv", f"since,label\n{rows}")
    result = command("fit", path, "--feature-columns", "since", "--label-column", "label", "--out", folder / "m")
    table = json.loads((folder / "m" / "model.json").read_text("utf-8"))
    return result[0] == 0 and '"since": "date"' in json.dumps(table)


@holds.each("dates {}: numbers, not categories", YEAR_FIRST)
def _(folder: Path, form: str) -> object:
    rows = "".join(f"{form.format(day=1 + n % 28)},{'ab'[n % 28 > 13]}\n" for n in range(84))
    path = written(folder, "a.csv", f"since,label\n{rows}")
    command("fit", path, "--feature-columns", "since", "--label-column", "label", "--out", folder / "m")
    return json.loads(command("evaluate", folder / "m", path)[1])["accuracy"] > 0.9


@holds("times of 12 hours, 2:30 PM: durations, not categories")
def _(folder: Path) -> object:
    rows = "".join(f"{1 + n % 12}:{n % 60:02} {'AP'[n % 2]}M,{'ab'[n % 2]}\n" for n in range(84))
    path = written(folder, "a.csv", f"at,label\n{rows}")
    command("fit", path, "--feature-columns", "at", "--label-column", "label", "--out", folder / "m")
    return '"at": "duration"' in json.dumps(json.loads((folder / "m" / "model.json").read_text("utf-8")))


@holds("eight of 20 dates that do not exist: refused, with one of them")
def _(folder: Path) -> object:
    rows = "".join(f"{'30.02.2024' if n < 8 else f'{n}.01.2024'},{'ab'[n % 2]}\n" for n in range(20))
    path = written(folder, "a.csv", f"since,label\n{rows}")
    how = ("--feature-columns", "since", "--label-column", "label")
    return fails_with(
        command("fit", path, *how, "--out", folder / "m"), 1, "'since'", "30.02.2024", "in row 2", "does not exist"
    )


@holds("months of two-digit years, Mar-24: refused, with how to write them")
def _(folder: Path) -> object:
    rows = "".join(f"Mar-{n % 20 + 10},{'ab'[n % 2]}\n" for n in range(84))
    path = written(folder, "a.csv", f"since,label\n{rows}")
    how = ("--feature-columns", "since", "--label-column", "label")
    return fails_with(command("fit", path, *how, "--out", folder / "m"), 1, "'since'", "two digits", "2024-12-31")


@holds("numbers of parts that begin like months, MAR-1000: categories, as those with other letters")
def _(folder: Path) -> object:
    rows = "".join(f"MAR-{1000 + n % 7 * 900},{'ab'[n % 7 > 3]}\n" for n in range(84))
    path = written(folder, "a.csv", f"part,label\n{rows}")
    how = ("--feature-columns", "part", "--label-column", "label", "--out", folder / "m")
    return command("fit", path, *how)[0] == 0 and '"part": "category"' in (folder / "m" / "model.json").read_text(
        "utf-8"
    )


@holds("dates of two-digit years, 13.02.24: refused, with how to write them")
def _(folder: Path) -> object:
    path = written(folder, "a.csv", f"since;label\n{DATED}".replace("2024 ", "24;").replace("label", "at;label"))
    how = ("--feature-columns", "since", "--label-column", "label")
    return fails_with(command("fit", path, *how, "--out", folder / "m"), 1, "'since'", "two digits", "2024-12-31")
