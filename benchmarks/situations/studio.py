"""Imports and exports of the studio."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from anyshot.app.studio import Answers, Project, add_images, add_table, add_texts, preview, save_table
from situations.situation import HALF, Situation, Subject, refuses, written

holds = Subject("studio")


def _in_project(work: Callable[[Project, Path], object]) -> Situation:
    """Return the situation that works in a new project."""

    def situation(folder: Path) -> bool:
        with Project.create(folder / "project", name="Mail") as project:
            return bool(work(project, folder))

    return situation


@holds("half an emoji in pasted texts: added, or named by its line")
@_in_project
def _(project: Project, _: Path) -> object:
    added = add_texts(project, ["refund", HALF])
    return added.n_items == 2 or (added.n_items == 1 and "text 2" in added.faults[0][0])


@holds("objects in the column of texts: refused, with what they hold")
@_in_project
def _(project: Project, folder: Path) -> object:
    table = written(folder, "a.jsonl", '{"text": {"body": "late"}, "label": "delivery"}\n')
    return refuses(lambda: add_table(project, table), "'text' holds objects, with 'body'")


@holds("texts with tags of HTML: said")
@_in_project
def _(project: Project, folder: Path) -> object:
    table = written(folder, "a.csv", "text,label\n<p>refund</p>,x\nlate&nbsp;again,y\n")
    return "'<p>refund</p>'" in add_table(project, table, label_column="label").doubts[0]


@holds("one text in place of a list: refused, with a list")
@_in_project
def _(project: Project, _: Path) -> object:
    return refuses(lambda: add_texts(project, "refund please"), "[")


@holds("labels 1.0 and 2.0 beside a gap in a table: the classes are 1 and 2")
@_in_project
def _(project: Project, folder: Path) -> object:
    written(folder, "a.csv", "text,label\na b,1.0\nb c,2.0\nc d,\n")
    return add_table(project, folder / "a.csv", label_column="label").new_classes == ["1", "2"]


@holds("labels WAHR and FALSCH of a German CSV beside TRUE and FALSE: the same classes")
@_in_project
def _(project: Project, folder: Path) -> object:
    add_table(project, written(folder, "a.csv", "text,label\na b,TRUE\nb c,FALSE\n"), label_column="label")
    german = written(folder, "b.csv", "text;label\nc d;WAHR\nd e;FALSCH\n")
    return add_table(project, german, label_column="label").new_classes == []


@holds("columns called like those of the export: each name once in the table")
@_in_project
def _(project: Project, folder: Path) -> object:
    table = written(folder, "a.csv", "text,label,predicted_label,probability\na b,x,y,0.5\nb c,z,w,1\n")
    add_table(project, table, label_column="label")
    with Answers(project) as answers:
        save_table(project, answers, folder / "b.csv")
    header = (folder / "b.csv").read_text("utf-8-sig").splitlines()[0].split(",")
    return len(set(header)) == len(header) and {"text", "label"} <= set(header)


@holds("a letter in a .txt file: one item if it is said to be one, whose file the export names")
@_in_project
def _(project: Project, folder: Path) -> object:
    added = add_table(project, written(folder, "Ann.txt", "Dear team,\n\nwhere is it?\n"), whole=True)
    with Answers(project) as answers:
        save_table(project, answers, folder / "b.csv")
    return added.n_items == 1 and 'Ann.txt,"Dear team,\n\nwhere is it?"' in (folder / "b.csv").read_text("utf-8-sig")


@holds("a table with an empty cell among the texts: the export has as many rows as the table, in its order")
@_in_project
def _(project: Project, folder: Path) -> object:
    add_table(project, written(folder, "a.csv", "number,text\n1,refund\n2,\n3,late\n"))
    with Answers(project) as answers:
        save_table(project, answers, folder / "b.csv")
    return [line[0] for line in (folder / "b.csv").read_text("utf-8-sig").splitlines()[1:]] == ["1", "2", "3"]


@holds("an export of a table with a column Class that is added again: the classes of the studio are proposed")
@_in_project
def _(project: Project, folder: Path) -> object:
    add_table(project, written(folder, "a.csv", "Class,answer\n8a,the bus was late\n8b,good food\n"))
    project.label([1], project.classes.add("bus"))
    with Answers(project) as answers:
        save_table(project, answers, folder / "b.csv")
    found = preview(folder / "b.csv")
    return found.label_column == "studio_class" and found.text_column == "answer"


@holds("an exported table that is added again: answers that nobody confirmed are no labels")
@_in_project
def _(project: Project, folder: Path) -> object:
    rows = "charged twice,billing,,yes\nwhere is it,delivery,0.9,no\n"
    table = written(folder, "a.csv", f"text,class,confidence,confirmed\n{rows}")
    add_table(project, table, label_column="class")
    return [(one.name, one.n_labels) for one in project.classes.all()] == [("billing", 1), ("delivery", 0)]


def zip_photographs(path: Path, *names: str) -> None:
    """Write a zip of black photographs with these names."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(buffer, "png")
    with zipfile.ZipFile(path, "w") as zipped:
        for name in names:
            zipped.writestr(name, buffer.getvalue())


@holds("a zip with paths that leave it: nothing is written outside")
def _(folder: Path) -> object:
    zip_photographs(folder / "a.zip", "../../evil.png", "cat/good.png")
    with Project.create(folder / "project", name="Photos", kind="images") as project:
        added = add_images(project, [folder / "a.zip"])
    return added.n_items >= 1 and not list(folder.parent.glob("evil.png")) and not (folder / "evil.png").exists()


@holds("a zip with folders: each photograph keeps the name of its folder")
def _(folder: Path) -> object:
    zip_photographs(folder / "a.zip", "cat/1.png")
    with Project.create(folder / "project", name="Photos", kind="images") as project:
        add_images(project, [folder / "a.zip"])
        return project.items.one(1).name == "cat/1.png"


@holds("a column Class with school classes beside the texts: what it holds is said before its rows count as sorted")
def _(folder: Path) -> object:
    return preview(written(folder, "a.csv", "Class,answer\n8a,the bus was late\n8b,good food\n")).labels == ["8a", "8b"]


@holds("a last column of years: not proposed as the classes")
def _(folder: Path) -> object:
    rows = "".join(f"{price},{2021 + price % 3}\n" for price in range(12))
    return preview(written(folder, "a.csv", f"price,year\n{rows}")).class_column is None


holds.refused("the preview of an empty file: refused as empty", "empty")(lambda f: preview(written(f, "a.csv", "")))
