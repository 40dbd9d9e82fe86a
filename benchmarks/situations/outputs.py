"""Files that commands write, and what stands in them."""

import csv
import os
import time
from pathlib import Path

import pandas as pd

from anyshot.app.studio import Project, add_images
from anyshot.data import write_table
from situations.situation import (
    CLASSES,
    CSV,
    Subject,
    command,
    fails_with,
    in_shell,
    mentions,
    model_in,
    photo,
    written,
)

holds = Subject("outputs")

# --- where -----------------------------------------------------------------------------------------------------------

holds("--out is the input: refused")(
    lambda f: command("predict", written(f, "a.csv", "text\nrefund\n"), *CLASSES, "--out", f / "a.csv")[0] == 1
)


@holds("--out in a folder that is not there: refused before the model is read")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", CSV)
    result = command("predict", data, "--model", folder / "no-model", "--out", folder / "new" / "b.csv")
    return fails_with(result, 1, "new", "b.csv")


@holds("--out /dev/stdout: written, or refused by name")
def _(folder: Path) -> object:
    written(folder, "a.csv", CSV)
    result = in_shell(folder, "anyshot predict a.csv --classes refund,delivery --out /dev/stdout")
    return fails_with(result, 1, "/dev/stdout") or result[1].startswith("text,")


holds("fit --out in a folder that takes no files, even of root: refused at once")(
    lambda f: fails_with(command("fit", written(f, "a.csv", CSV), "--out", "/proc/model"), 1, "no file can be made")
)


@holds("--skipped is the input: refused, and the input stays")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", "text,id\nrefund,1\n,2\n")
    result = command("predict", data, *CLASSES, "--out", folder / "b.csv", "--skipped", data)
    return fails_with(result, 1, "overwrite") and data.read_text().startswith("text,id")


@holds("--skipped is --out: refused")
def _(folder: Path) -> object:
    data, out = written(folder, "a.csv", "text,id\nrefund,1\n,2\n"), folder / "b.csv"
    return fails_with(command("predict", data, *CLASSES, "--out", out, "--skipped", out), 1, "--skipped", "overwrite")


@holds("--skipped is the file of the classes: refused, and the file stays")
def _(folder: Path) -> object:
    data, names = written(folder, "a.csv", CSV), written(folder, "c.csv", "class\nrefund\ndelivery\n")
    result = command("predict", data, "--classes", names, "--skipped", names)
    return fails_with(result, 1, "overwrite") and names.read_text().startswith("class")


@holds("--out is a link: the file behind it is written")
def _(folder: Path) -> object:
    data, real = written(folder, "a.csv", CSV), written(folder, "real.csv", "old")
    (folder / "link.csv").symlink_to(real)
    command("predict", data, *CLASSES, "--out", folder / "link.csv")
    return (folder / "link.csv").is_symlink() and real.read_text().startswith("text,label,predicted")


@holds("--out that only its owner may read: stays so")
def _(folder: Path) -> object:
    data, out = written(folder, "a.csv", CSV), written(folder, "b.csv", "")
    out.chmod(0o600)
    command("predict", data, *CLASSES, "--out", out)
    return out.stat().st_mode & 0o777 == 0o600


@holds("--out of 80 Chinese characters: written")
def _(folder: Path) -> object:
    out = folder / ("\u8d26" * 80 + ".csv")
    return command("predict", written(folder, "a.csv", CSV), *CLASSES, "--out", out)[0] == 0 and out.exists()


@holds("demo --out that cannot be written: refused at once")
def _(folder: Path) -> object:
    began = time.process_time()
    results = [command("demo", "--out", folder / name) for name in ("a.txt", "no/a.png")]
    return all(fails_with(one, 1) for one in results) and time.process_time() - began < 5


@holds("a photo whose name is not UTF-8: written with U+FFFD, imported into the studio")
def _(folder: Path) -> object:
    path = photo(folder, os.fsdecode(b"caf\xe9.png"))
    code, _, _ = command("predict", path, "--classes", "cat,dog", "--out", folder / "a.csv")
    with Project.create(folder / "project", name="Photos", kind="images") as project:
        imported = add_images(project, [path]).n_items
    return code == 0 and "caf\ufffd" in (folder / "a.csv").read_text("utf-8") and imported == 1


# --- what ------------------------------------------------------------------------------------------------------------


@holds("predictions of other classes in the table: no two columns of one name, or refused")
def _(folder: Path) -> object:
    command("predict", written(folder, "a.csv", "text\nrefund\n"), *CLASSES, "--out", folder / "b.csv")
    result = command("predict", folder / "b.csv", "--classes", "delivery,other", "--out", folder / "c.csv")
    if result[0]:
        return "predicted_label" in result[2]
    header = (folder / "c.csv").read_text().splitlines()[0].split(",")
    return len(set(header)) == len(header)


@holds("predictions of an earlier run in the table: the new ones have names of their own")
def _(folder: Path) -> object:
    data, model = written(folder, "a.csv", CSV), model_in(folder)
    once, again = folder / "b.csv", folder / "c.csv"
    command("predict", model, data, "--out", once)
    result = command("predict", model, once, "--out", again)
    return fails_with(result, 0, "'new_predicted_label'") and "new_predicted_label" in pd.read_csv(again)


@holds("a skipped row: keeps its place in --out")
def _(folder: Path) -> object:
    path = written(folder, "a.csv", "id,text\n1,refund please\n2,\n3,my parcel is late\n")
    result = command("predict", path, *CLASSES, "--out", folder / "b.csv")
    frame = pd.read_csv(folder / "b.csv")
    return result[0] == 0 and frame["id"].tolist() == [1, 2, 3] and pd.isna(frame["predicted_label"][1])


@holds("cells that begin with + or -: unchanged, or said")
def _(folder: Path) -> object:
    # Numbers of telephones and lists with dashes get an apostrophe.
    data = written(folder, "a.csv", "text,phone\nrefund,+49 170 12 34\n- my parcel,+49 30 1\n")
    result = command("predict", data, *CLASSES, "--out", folder / "b.csv")
    unchanged = pd.read_csv(folder / "b.csv")["phone"][0] == "+49 170 12 34"
    return result[0] == 0 and (unchanged or mentions(result, "apostrophe", "--verbatim"))


@holds("texts that are formulas: written behind an apostrophe")
def _(folder: Path) -> object:
    write_table([{"text": text} for text in ("=1+1", "+1+a", "-a", "@a", "\t=1")], folder / "a.csv")
    return all(text.startswith("'") for text in pd.read_csv(folder / "a.csv")["text"])


@holds("a hyphen in place of a value: written unchanged, without a note")
def _(folder: Path) -> object:
    path = written(folder, "a.csv", "text,score\nwhere is my parcel,-\nmoney back,--\n")
    result = command("predict", path, *CLASSES, "--out", folder / "b.csv")
    return pd.read_csv(folder / "b.csv")["score"].tolist() == ["-", "--"] and not mentions(result, "apostrophe")


@holds("texts with quotes, breaks and formulas: each is one cell, none is a formula")
def _(folder: Path) -> object:
    texts = ['she said "hi"', "two\nlines", "=SUM(A1)", "-5 degrees", "\t=1+1", "a,b;c"]
    write_table([{"text": text} for text in texts], folder / "a.csv")
    with (folder / "a.csv").open(newline="", encoding="utf-8-sig") as lines:
        cells = [row[0] for row in csv.reader(lines)][1:]
    return not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells) and len(cells) == len(texts)


@holds("a column whose name is a formula: written as text")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", "text,=1+1\nrefund,2\n")
    command("predict", data, "--classes", "refund,delivery", "--out", folder / "o.csv")
    return not any(column.startswith("=") for column in pd.read_csv(folder / "o.csv").columns)


holds.refused("two columns of one name in a table to write: refused by name", "'a'")(
    lambda folder: write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), folder / "a.csv")
)


@holds("suggestions that are not filled in: no labels")
def _(folder: Path) -> object:
    pool, todo = written(folder, "pool.csv", "id,text\n1,refund?\n2,late\n"), folder / "todo.csv"
    model = model_in(folder)
    command("suggest", model, pool, "-n", 2, "--out", todo)
    found = pd.read_csv(todo, keep_default_na=False)
    learned = command("learn", model, todo)[0]
    found.loc[0, "label"] = "refund"
    found.to_csv(todo, index=False)
    return set(found["label"]) == {"refund", ""} and learned == 1 and command("learn", model, todo)[0] == 0


@holds("a file of predictions, learn: refused, since they are no labels")
def _(folder: Path) -> object:
    pool, out, model = written(folder, "pool.csv", "text\nrefund?\nlate\n"), folder / "out.csv", model_in(folder)
    command("predict", pool, "--model", model, "--out", out)
    return command("learn", model, out)[0] == 1


@holds("suggest over labels that were filled in: refused, and the file stays")
def _(folder: Path) -> object:
    rest, todo, model = written(folder, "rest.csv", "text\nwhere is it\n"), folder / "todo.csv", model_in(folder)
    command("suggest", model, rest, "--out", todo)
    filled = written(folder, "todo.csv", todo.read_text("utf-8").rstrip() + "delivery\n").read_text("utf-8")
    result = command("suggest", model, rest, "--out", todo)
    return fails_with(result, 1, "1 label filled in", "learn") and todo.read_text("utf-8") == filled
