"""Names, descriptions, vectors and priors of classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from anyshot import AnyShotClassifier, Words, read_classes
from anyshot.errors import AnyshotError
from situations.situation import (
    CAFES,
    HALF,
    INDEX,
    NAMES,
    TABLE,
    TEXTS,
    Subject,
    by_names,
    command,
    fails_with,
    fitted,
    mentions,
    refuses,
    says,
    taken_or_refused,
    written,
)

holds = Subject("classes")


# --- how names are given ---------------------------------------------------------------------------------------------


@holds("classes as an index of pandas, or from a generator: taken, or refused with a list")
def _(_: Path) -> object:
    index = by_names(pd.Index(["refund", "delivery"])).classes_.tolist() == ["delivery", "refund"]
    try:
        return index and by_names(name for name in ("refund", "delivery")).predict(TEXTS[:1]).tolist() == ["refund"]
    except AnyshotError as error:
        return index and "list" in str(error)


holds.refused("a generator of classes: refused, since it is read only once", "read only once")(
    lambda _: by_names(name for name in "ab")
)
holds.refused("one name in place of a list: refused", "list")(lambda _: by_names("refund"))
holds.refused("read_classes of a list: refused", "list")(lambda _: read_classes(["a", "b"]))
holds("read_classes of a quoted name with a comma: one class")(
    lambda _: read_classes('"sports, games",news') == ["sports, games", "news"]
)
holds.refused("read_classes with nothing between two commas: refused", "empty name")(lambda _: read_classes("a,,b"))
holds.refused(
    "classes= is a table of class vectors: refused, with dict(classes.iterrows())", "dict(classes.iterrows())"
)(lambda _: by_names(pd.DataFrame(np.eye(3), ["x", "y", "z"], ["a", "b", "c"])))
DESCRIBED = pd.Series({"billing": "charges", "delivery": "parcels"})
holds.refused("classes= is a Series of descriptions: refused, with to_dict", "to_dict")(lambda _: by_names(DESCRIBED))

# --- what names are --------------------------------------------------------------------------------------------------

holds.refused("a class given twice: refused", "refund")(lambda _: by_names(["refund", "delivery", "refund"]))
holds.refused("a class name of spaces: refused as empty", "empty")(lambda _: by_names(["refund", " "]))
holds("half an emoji in a class name: taken, or refused")(
    lambda f: taken_or_refused(lambda: by_names(["refund", HALF]).predict(["refund"]).tolist() == ["refund"], "name")
)
holds.each('a class {} for the label "café": taken for it', CAFES)(
    lambda _, name: (
        fitted(["a b", "c d"], ["caf\u00e9", "bar"], classes=[name, "bar"]).classes_.tolist() == ["bar", "caf\u00e9"]
    )
)
holds.refused("a class name that is only a sign, among thousands: refused by name", "'!!'")(
    lambda _: by_names([f"thing {number}" for number in range(5000)] + ["!!"])
)
ASKED = ["please give me my money back", "my parcel has not arrived"]


def _answers_by_names(classes: Any, X: Any = ASKED) -> Any:
    return by_names(classes).predict_proba(X)


UNKNOWN = {
    "only one letter": (["A", "B"], "only one letter"),
    "only denials": (["not billing", "not delivery"], "say what a class is not"),
    "numbers as their only difference": (["complaint number 1", "complaint number 2"], "only in numbers"),
    "letters as their only difference": (["class A", "class B"], "single letters"),
    "letters that the encoder does not know": (
        ["\u0434\u043e\u0441\u0442\u0430\u0432\u043a\u0430", "\u0446\u0435\u043d\u0430"],
        "letters that the encoder",
    ),
}
holds.each("class names with {}: warned of", UNKNOWN)(
    lambda _, names, words: says(lambda: _answers_by_names(names), words)
)
SAME = "have the same words"
holds.each(
    "classes with the same words, {}: warned of",
    {
        "two names of one thing": ["spam", "junk"],
        "names of one thing in two languages": ["billing", "Rechnung"],
        "a name and questions about it": ["refund", "questions about refunds"],
        "words given to two of three classes": {"a": Words("x y"), "b": Words("y x"), "c": Words("z")},
    },
)(lambda _, classes: says(lambda: _answers_by_names(classes), SAME))
holds.warned("two classes with the same description: warned of", "have the same descriptions")(
    lambda _: _answers_by_names({"K1": "the app crashes", "K2": "The app crashes"})
)
holds.warned("a class added with the name of another in other words: warned of", SAME)(
    lambda _: by_names(["spam", "ham"]).partial_fit(["a prize"], ["spam"]).add_class("junk")
)
holds.warned("a name of one letter beside names that the list has: warned of", "only one letter")(
    lambda _: _answers_by_names(["spam", "ham", "junk mail", "B"])
)
REST = [
    "other (please specify)",
    "n/a",
    "none of these",
    "off-topic",
    "general inquiry",
    "Sonstiges",
    "not a refund",
    "sin queja",
]


def _how_read(names: list[str]) -> str:
    """Return how the names of classes are read, in sentences."""
    clf = by_names(names)
    clf.predict(ASKED[:1])
    return " ".join(clf.reasons_)


holds.each("a name that does not say what a class is, {}: read as any text", {name: name for name in REST})(
    lambda _, name: f"The name {name!r} does not say" in _how_read(["refund", "delivery", name])
)
holds("a name with not that denies no other class: read as what it says")(
    lambda _: "does not say" not in _how_read(["not delivered", "damaged", "wrong size"])
)
holds("names of what is missing: each read as what it says")(
    lambda _: "does not say" not in _how_read(["no sound", "no internet", "cracked screen"])
)
holds('"spam" and "nonspam": read by opposite words')(
    lambda _: by_names(["spam", "nonspam"]).predict(["see you at dinner tonight"]).tolist() == ["nonspam"]
)
holds.warned("a word that the list has for the other class: warned of", "Every class has the word 'prize'")(
    lambda _: _answers_by_names({"spam": None, "ham": Words(add="prize")})
)
holds.warned("words of one class only, without labels: warned of", "'zyzzyva' has none")(
    lambda _: _answers_by_names({"spam": Words("prize, winner"), "zyzzyva": "a genus of weevils"})
)
holds.warned("words of classes of vectors: warned of", "say nothing about numbers")(
    lambda _: AnyShotClassifier({"a": Words("x"), "b": None}).fit(np.eye(2), ["a", "b"])
)
holds.each("words of a class that are {}: refused by class", {"none": "", "signs": "!? \u2026", "a number": "12 34"})(
    lambda _, given: refuses(
        lambda: by_names({"spam": Words(given), "ham": None}), "class 'spam'", "No words are given"
    )
)
holds.warned("a word to drop that the class does not have: warned of", "'zebra'", "money back")(
    lambda _: fitted(classes={"refund": Words(drop="zebra"), "delivery": None})
)
holds.refused("a label for classes with a very long name: refused by the short of it", "…")(
    lambda _: fitted(y=["x" * 9999 if name == "refund" else name for name in NAMES]).partial_fit(["a"], ["b"])
)
holds.warned("labels that are numbers for classes named as texts: warned of", "'0', '1'")(
    lambda _: fitted(y=[str(row) for row in INDEX]).score(TEXTS, INDEX)
)

# --- files of names --------------------------------------------------------------------------------------------------


@holds("a file of classes that is no JSON: refused, with its line")
def _(folder: Path) -> object:
    (folder / "classes.json").write_text('{"refund": "money back",}')
    return refuses(lambda: read_classes(str(folder / "classes.json")), "classes.json", "line 1")


@holds("a comment in a file of classes: refused by line")
def _(folder: Path) -> object:
    names = written(folder, "names.txt", "# our queues\nrefund\ndelivery\n")
    return fails_with(command("predict", "where is it", "--classes", names), 1, "line 1", "comment")


@holds("a file of classes of another type: refused, with the types")
def _(folder: Path) -> object:
    file = written(folder, "names.yaml", "- refund\n- delivery\n")
    return fails_with(command("predict", "where is it", "--classes", file), 1, "Supported", ".txt")


@holds("a file of classes whose descriptions are in a column of another name: said")
def _(folder: Path) -> object:
    # The descriptions would be ignored.
    file = written(folder, "classes.csv", "Name;Beschreibung\nrefund;money back\ndelivery;parcel late\n")
    return mentions(command("predict", "where is it", "--classes", file), "Beschreibung")


holds("--classes is a file that is not there: refused by name")(
    lambda f: fails_with(command("predict", "refund", "--classes", f / "classes.json"), 1, "classes.json")
)
holds("words of two classes in one --words: refused, with one --words for each")(
    lambda _: fails_with(
        command("predict", "a", "--classes", "praise,bug", "--words", "praise=great, bug=crash"),
        1,
        "once for each class",
    )
)


@holds("--words is a file of classes: refused, with --classes")
def _(folder: Path) -> object:
    file = written(folder, "c.csv", "class,words\nspam,prize\nham,dinner\n")
    return fails_with(command("predict", "a", "--words", file), 2, "--classes FILE")


holds("semicolons between class names: refused, with commas")(
    lambda _: fails_with(command("predict", "where is it", "--classes", "refund;delivery;login"), 1, "comma")
)
holds("--class with a comma: one class")(
    lambda _: command("predict", "refund", "--class", "refund, money", "--class", "delivery")[0] == 0
)
holds("--classes with one class: refused")(
    lambda _: fails_with(command("predict", "refund", "--classes", "refund"), 1, "class")
)

# --- descriptions, vectors and priors --------------------------------------------------------------------------------

WISHES = ["the customer wants money back", "the payment shall be returned"]
COLUMNS = {"pandas": pd.Series, "numpy": np.array, "polars": pl.Series, "pyarrow": pa.array}
holds.each("descriptions in a column of {}: taken as a list", COLUMNS)(
    lambda _, make: np.array_equal(
        _answers_by_names({"refund": make(WISHES), "delivery": None}),
        _answers_by_names({"refund": WISHES, "delivery": None}),
    )
)
ROWS32 = TABLE.to_numpy(np.float32)
holds.each("a class vector in a column of {}: taken as an array", COLUMNS)(
    lambda _, make: np.array_equal(
        _answers_by_names({"a": make(ROWS32[0]), "b": tuple(ROWS32[1])}, ROWS32),
        _answers_by_names({"a": ROWS32[0], "b": ROWS32[1]}, ROWS32),
    )
)
holds.refused("a class vector of zeros: refused by class", "class 'a'", "only zeros")(
    lambda _: by_names({"a": [0.0, 0.0], "b": [1.0, 0.0]})
)
holds("class_prior of a name that differs in accents: taken for the class")(
    lambda _: (
        AnyShotClassifier(["caf\u00e9", "bar"], class_prior={"cafe\u0301": 0.9, "bar": 0.1}, cache=False)
        .fit(["espresso", "beer", "coffee"], ["caf\u00e9", "bar", "caf\u00e9"])
        .predict(["coffee"])
        .tolist()
        == ["caf\u00e9"]
    )
)
holds.refused("class_prior of a name that is no class: refused by name", "login")(
    lambda _: by_names(class_prior={"refund": 0.5, "login": 0.5})
)
holds.refused("a share in class_prior in percent: refused by value", "'20%'")(
    lambda _: by_names(class_prior={"refund": "20%", "delivery": 1})
)
holds.each(
    "a share of {} in class_prior: refused by class",
    {"-1": -1, "0": 0, "NaN": float("nan"), "infinity": float("inf"), "True": True, "None": None},
)(lambda _, share: refuses(lambda: by_names(class_prior={"refund": share, "delivery": 1}), "'refund'", "above 0"))
holds.refused("a share of a billionth of a billionth in class_prior: refused by class", "'refund' 1e-18, less than")(
    lambda _: by_names(class_prior={"refund": 1e-18, "delivery": 1})
)
holds.refused("a list of shares: refused, with the form {name: share}", "{name: share}")(
    lambda _: by_names(class_prior=[0.3, 0.7])
)
holds.warned("shares of which one is in percent, the other not: said", "add up to 70.3")(
    lambda _: by_names(class_prior={"refund": 0.3, "delivery": 70})
)
PERCENT, PARTS = {"refund": 30, "delivery": 70}, {"refund": 0.3, "delivery": 0.7}
holds("shares in percent: divided by 100")(
    lambda _: np.allclose(*(by_names(class_prior=own).predict_proba(ASKED) for own in (PERCENT, PARTS)))
)


def _reasons(texts: list[str], labels: list[str], class_prior: dict[str, float]) -> str:
    return " ".join(fitted(texts, labels, classes=["refund", "delivery"], class_prior=class_prior).reasons_)


UNEVEN = TEXTS[:2] * 9 + TEXTS[2:4], NAMES[:2] * 9 + NAMES[2:4]
holds("shares that a natural sample of labels contradicts: said with both figures")(
    lambda _: "gives 'delivery' 90 %, but 10 % of the labels" in _reasons(*UNEVEN, {"refund": 1, "delivery": 9})
)
holds("shares that differ from labels drawn alike for each class: not said")(
    lambda _: "of the labels" not in _reasons(TEXTS, NAMES, {"refund": 1, "delivery": 9})
)


holds("--classes in the brackets of a list: refused, with how to write it")(
    lambda f: fails_with(command("predict", "late", "--classes", "[refund, delivery]"), 1, "brackets", "a,b,c")
)
holds("a file of classes with bullets: refused by line")(
    lambda f: fails_with(
        command("predict", "late", "--classes", written(f, "c.txt", "- refund\n- delivery\n")), 1, "line 1"
    )
)
holds("a file of classes with descriptions behind colons: said, with a table")(
    lambda f: mentions(
        command("predict", "late", "--classes", written(f, "c.txt", "refund: my money\ndelivery: parcels\n")),
        "write a table",
    )
)
