"""Adding, renaming, merging and removing classes, and learning more labels."""

from itertools import combinations
from pathlib import Path

from anyshot import AnyShotClassifier, load, load_encoder
from situations.situation import (
    CSV,
    NAMES,
    SIGNS,
    TABLE,
    TEXTS,
    Subject,
    by_names,
    command,
    fails_with,
    fit,
    fitted,
    labels_of,
    model_in,
    written,
)

holds = Subject("model changes")

# --- in Python -------------------------------------------------------------------------------------------------------

holds("add_class to classes in any order: sorted")(
    lambda _: fitted(TABLE, SIGNS).add_class("maybe", examples=TABLE[:2]).classes_.tolist() == ["maybe", "no", "yes"]
)
holds.warned("add_class before an answer, with a name that looks like another: warned of", "look alike")(
    lambda _: by_names().add_class("Refund")
)
holds.warned("add_class with a name that looks like another: warned of", "'Refund' and 'refund'")(
    lambda _: fitted().add_class("Refund", examples=["give it back"])
)
holds("add_class with an example of another class: its earlier labels no longer count")(
    lambda _: fitted().add_class("x", examples=TEXTS[:1]).any_shot_model().data.examples.count(TEXTS[0]) == 1
)
holds.warned("rename_class to a name that looks like another: warned of", "look alike")(
    lambda _: fitted().rename_class("delivery", "Refund")
)


@holds("add_class with a vector of the encoder, to a model that counts the words of its texts: predicted")
def _(_: Path) -> object:
    topics = "goal match team league coach score season", "stock market profit share bank price trade"
    texts = [" ".join(words) for topic in topics for words in combinations(topic.split(), 4)]
    clf = fitted(texts, ["sport"] * 35 + ["trade"] * 35)
    counts = "texts share also count" in clf.reasons_[-1]
    clf.add_class("food", load_encoder("minilm-words").encode(["soup and bread"])[0])
    return counts and clf.predict(["a soup with bread"]).tolist() == ["food"]


holds("remove_class with a no-break space: found")(
    lambda _: (
        fitted(TEXTS, NAMES).add_class("pay back").remove_class("pay\u00a0back").classes_.tolist()
        == ["delivery", "refund"]
    )
)
holds.refused("examples= of add_class is one text: refused, with a list", "[")(
    lambda _: fitted().add_class("login", examples="no login")
)
holds.refused("partial_fit with an unknown label: refused, with adding it", "login", "add it to the classes")(
    lambda _: fitted().partial_fit(["a new thing"], ["login"])
)


holds.warned("partial_fit, one row of a table at first: warned of the scales of its columns", "one row")(
    lambda _: AnyShotClassifier(cache=False).partial_fit(TABLE[:1], SIGNS[:1], ["no", "yes"])
)


holds.refused("set_params of an unknown method, then partial_fit: refused, as by fit", "'best'")(
    lambda _: fitted().set_params(method="best").partial_fit(TEXTS[:1], NAMES[:1])
)


@holds("partial_fit with all classes, as scikit-learn has it: learned")
def _(_: Path) -> object:
    clf = AnyShotClassifier().partial_fit(TEXTS[:2], NAMES[:2], ["refund", "delivery"])
    return clf.predict(TEXTS[1:3]).tolist() == NAMES[1:3]


holds.refused("partial_fit whose classes differ from those given: refused by name", "'login'")(
    lambda _: AnyShotClassifier(["refund", "delivery"]).partial_fit(TEXTS, NAMES, classes=["refund", "login"])
)
holds("partial_fit of a text with another label: the later one counts")(
    lambda _: fitted().partial_fit(TEXTS[:1], ["delivery"]).training_examples()[1].count("refund") == 3
)

# --- in commands -----------------------------------------------------------------------------------------------------

holds("learn a label that the model lacks: refused, with adding it")(
    lambda f: fails_with(
        command("learn", model_in(f), written(f, "a.csv", "text,label\nno login,login\n")),
        1,
        "login",
        "add the class: anyshot add-class",
    )
)


@holds("learn a label in other capitals: refused, with the class that is meant")
def _(folder: Path) -> object:
    data = written(folder, "t.csv", "text,label\ngive me the money,Refund\n")
    return fails_with(command("learn", model_in(folder), data), 1, "Refund", "mean", "refund")


@holds("learn a label that differs in accents: taken for the class")
def _(folder: Path) -> object:
    names = ["caf\u00e9" if name == "refund" else "bar" for name in NAMES]
    fitted(TEXTS, names).save(folder / "m")
    code = command("learn", folder / "m", "espresso", "--label", "cafe\u0301")[0]
    return code == 0 and load(folder / "m").classes_.tolist() == ["bar", "caf\u00e9"]


@holds("learn a file twice: said that labels count twice")
def _(folder: Path) -> object:
    new, model = written(folder, "new.csv", "text,label\nit is late,delivery\n"), model_in(folder)
    command("learn", model, new)
    return fails_with(command("learn", model, new), 0, "count twice")


@holds("add-class of a class that is there: refused, with describe-class and learn")
def _(folder: Path) -> object:
    result = command("add-class", model_in(folder), "refund", "--words", "money back")
    return fails_with(result, 1, "describe-class", "learn")


@holds("merge-classes of all classes: refused, and the model stays")
def _(folder: Path) -> object:
    model = model_in(folder)
    result = command("merge-classes", model, "refund", "delivery", "--into", "all")
    return fails_with(result, 1, "two") and len(labels_of(command("predict", "refund", "--model", model))) == 1


@holds("rename-class of codes that begin with a dash: renamed")
def _(folder: Path) -> object:
    fit(folder, "a.csv", CSV.replace(",refund", ",-1").replace(",delivery", ",1"))
    results = [
        command("rename-class", folder / "m", "--", "-1", "refund"),
        command("rename-class", folder / "m", "1", "delivery"),
    ]
    return [one[0] for one in results] == [0, 0] and labels_of(command("predict", folder / "m", "refund")) == ["refund"]
