"""Options, arguments, names of columns and of files on the command line."""

import json
from pathlib import Path

from situations.situation import CLASSES, CSV, Subject, command, fails_with, fit, labels_of, mentions, model_in, written

holds = Subject("commands")


# --- options ---------------------------------------------------------------------------------------------------------


@holds("an option for one value, given twice: refused, with the remedy")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", CSV)
    return fails_with(
        command("predict", "a", "--classes", "x", "--classes", "y"), 2, "2 times", "commas"
    ) and fails_with(
        command("predict", data, *CLASSES, "--text-column", "text", "--text-column", "label"), 2, "subject,body"
    )


holds("anyshot alone: the list of commands")(lambda _: mentions(command(), "predict", "fit", "Commands"))
holds("--unknown-rate 5%: refused, with how it is written")(
    lambda f: fails_with(fit(f, "a.csv", CSV, "--unknown-rate", "5%"), 2, "not a number", "0.05")
)
holds("an option without its value: refused by name")(
    lambda _: fails_with(command("predict", "a", *CLASSES, "--device"), 2, "--device")
)


@holds("empty values: refused")
def _(folder: Path) -> object:
    results = [command("fit", "", "--out", folder / "m"), command("learn", model_in(folder), "a", "--label", "")]
    return all(fails_with(one, 2, "is empty") for one in results)


holds("a text that begins with a dash: refused, with --")(
    lambda _: fails_with(command("predict", "-5 degrees", *CLASSES), 2, 'Put "--"')
)


@holds("a file where words are needed: refused as not read")
def _(folder: Path) -> object:
    file = written(folder, "words.txt", "money\nback\n")
    results = [
        command("predict", "a", *CLASSES, "--words", f"refund={file}"),
        *(command("add-class", model_in(folder), "x", one, file) for one in ("--words", "--example")),
    ]
    return all(fails_with(one, 2, "which is not read") for one in results)


holds("--words without an equals sign: refused")(
    lambda _: fails_with(command("predict", "refund", *CLASSES, "--words", "refund money"), 2, "--words", "=")
)
holds("--words of a class that is not named: refused, or a new class")(
    lambda _: (
        fails_with(command("predict", "refund", *CLASSES, "--words", "login=password"), 1, "login")
        or "login" in command("predict", "my password", *CLASSES, "--words", "login=password, forgot")[1]
    )
)
holds.each(
    "--class-prior {}: refused, with what is needed",
    {
        "with decimal commas": ("refund=0,3, delivery=0,7", 2, "'3'", "with a point"),
        "without shares": ("refund, delivery", 2, "a class and its share"),
        "of one class twice": ("refund=1, refund=2", 2, "twice"),
        "without one of the classes": ("refund=0.3", 1, "'delivery'"),
        "of a class that is not named": ("refund=0.3, delivry=0.7", 1, "Did you mean 'delivery'"),
        "with a negative share": ("refund=-1, delivery=2", 1, "'refund' -1", "above 0"),
        "labels, where there are none": ("labels", 2, "needs labels"),
        "of a millionth of a millionth": ("refund=1e-12, delivery=1", 1, "'refund' 1e-12", "a larger share"),
    },
)(lambda _, given, code, *words: fails_with(command("predict", "a", *CLASSES, "--class-prior", given), code, *words))
holds("serve of a model and --class-prior: refused")(
    lambda f: fails_with(command("serve", model_in(f), "--class-prior", "refund=1, delivery=2"), 2, "cannot be used")
)
holds("suggest -n 0: refused")(
    lambda f: (
        fails_with(command("suggest", model_in(f), written(f, "a.csv", CSV), "-n", "0"), 2, "-n")
        or fails_with(command("suggest", model_in(f), written(f, "a.csv", CSV), "-n", "0"), 1, "n")
    )
)
holds("an empty text: refused")(lambda _: fails_with(command("predict", "", *CLASSES), 1, "empty"))
holds("an address in place of a file: refused")(
    lambda f: fails_with(
        command("fit", "https://example.org/data.csv", "--out", f / "m"), 1, "https://example.org/data.csv"
    )
)
holds("--model is a table: refused, with a folder")(
    lambda f: fails_with(command("predict", "refund", "--model", written(f, "a.csv", CSV)), 1, "a.csv", "folder")
)


@holds("history of a model, undo of nothing: refused, with a project")
def _(folder: Path) -> object:
    model = model_in(folder)
    results = [command("history", model), command("undo", folder / "nothing")]
    return all(one[0] in (1, 2) and mentions(one, "project") for one in results)


# --- columns ---------------------------------------------------------------------------------------------------------


@holds("a label column called queue: found and said")
def _(folder: Path) -> object:
    code, out, err = fit(folder, "t.csv", CSV.replace("text,label", "message,queue"), *CLASSES)
    return code == 0 and json.loads(out)["labels"] == 12 and "labels from 'queue'" in err


@holds("columns given to fit: remembered by the model")
def _(folder: Path) -> object:
    columns = ("--text-column", "words", "--label-column", "queue")
    fit(folder, "t.csv", CSV.replace("text,label", "words,queue"), *columns)
    return command("evaluate", folder / "m", folder / "t.csv")[0] == 0


@holds("two columns of text: joined by a line break")
def _(folder: Path) -> object:
    data = written(folder, "t.csv", "subject,body\na refund,please\n")
    out = command("predict", data, *CLASSES, "--text-column", "subject,body")[1]
    return json.loads(out)["item"] == "a refund\nplease"


@holds("a table without the column of the model: refused, with both names")
def _(folder: Path) -> object:
    done = fit(folder, "a.csv", CSV.replace("text,", "betreff,"), "--text-column", "betreff")
    asked = command("predict", written(folder, "b.csv", "topic,n\nrefund,1\n"), "--model", folder / "m")
    return done[0] == 0 and fails_with(asked, 1, "'betreff'", "'topic'")


holds("a misspelled column: refused, with the right one")(
    lambda f: fails_with(fit(f, "a.csv", CSV, "--label-column", "lable"), 1, "lable", "label")
)
holds("one column for texts and labels: refused")(
    lambda f: fails_with(fit(f, "a.csv", CSV, "--label-column", "text", "--text-column", "text"), 1, "text")
)
HEADED = CSV.replace("text,", "Betreff,").replace("label", "Team")
holds.each(
    "--text-column {}: refused, with the column that is meant",
    {
        "in capitals": ("BETREFF", "'Betreff'"),
        "misspelled": ("Betreff,Taem", "'Team'"),
        "between semicolons": ("Betreff;Team", "'Betreff,Team'"),
    },
)(
    lambda folder, given, meant: fails_with(
        command("predict", written(folder, "a.csv", HEADED), *CLASSES, "--text-column", given), 1, meant
    )
)


@holds("5,000 columns: an error of less than 4,000 characters")
def _(folder: Path) -> object:
    header = ",".join(["x" * 50_000, *map(str, range(5000))])
    result = fit(folder, "a.csv", f"{header}\n" + "1," * 5000 + "1\n")
    return fails_with(result, 1, "more") and len(result[2]) < 4000


# --- models and data -------------------------------------------------------------------------------------------------


@holds("the model behind the data: found")
def _(folder: Path) -> object:
    data, model = written(folder, "a.csv", CSV), model_in(folder)
    return all(command(name, data, model)[0] == 0 for name in ("evaluate", "learn"))


@holds("model.json in place of its folder: answered")
def _(folder: Path) -> object:
    model = model_in(folder)
    return labels_of(command("predict", model / "model.json", "refund please")) == ["refund"]


@holds("a model without its model.json: refused by name")
def _(folder: Path) -> object:
    model = model_in(folder)
    (model / "model.json").unlink()
    return fails_with(command("predict", model, "refund please"), 1, "model.json")


holds("a model in a zip: refused, with unpacking")(
    lambda f: fails_with(
        command("evaluate", written(f, "m.zip", "PK"), written(f, "a.csv", CSV)), 1, "folder", "unpack"
    )
)
holds("a label that --classes does not list: refused by name")(
    lambda f: fails_with(fit(f, "a.csv", CSV + "my password,login\n", *CLASSES), 1, "'login'")
)
holds("evaluate without labels: refused")(
    lambda f: fails_with(command("evaluate", model_in(f), written(f, "a.csv", "text\nrefund\n")), 1, "label")
)


@holds("evaluate on other classes: those that the model does not know are named")
def _(folder: Path) -> object:
    path = written(folder, "t.csv", "text,label\nrefund,spam\nparcel,ham\n")
    _, out, err = command("evaluate", model_in(folder), path)
    return "spam" in out + err and "does not know" in out + err


@holds("evaluate on labels in other capitals: those that the model does not know are named")
def _(folder: Path) -> object:
    data = written(folder, "t.csv", CSV.replace(",refund", ",Refund"))
    return mentions(command("evaluate", model_in(folder), data), "Refund", "does not know")


@holds("evaluate on the data of fit: said")
def _(folder: Path) -> object:
    # Accuracy on the items that the model was fitted on says nothing.
    return mentions(command("evaluate", model_in(folder), written(folder, "a.csv", CSV)), "equal training items")
