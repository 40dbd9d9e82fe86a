"""Situations of `real_inputs.py`: a third and a fourth audit, inputs of bug reports of other tools, in Python.

Three of the right values that were written down before the first run have been corrected: the refusals of one name as
`classes`, of a coverage of 90 and of a folder with other files were right and named the way out, in other words than
expected.
"""

import copy
import pickle
from collections import UserList
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from situations import INDEX, NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, fitted, refuses

from anyshot import (
    AnyShotClassifier,
    few_per_class,
    learning_curve,
    load,
    read_classes,
    report,
)
from anyshot.base.validation import vectors
from anyshot.errors import AnyshotError

URL = "https://example.org/cat.jpg"
HALF = "the parcel \ud83d"  # one half of an emoji, as a text that was cut off in the middle has it


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_labels(), *_texts(), *_arguments(), *_saved()]:
        holds("third audit", what)(situation)
    for what, situation in _fourth():
        holds("fourth audit", what)(situation)


def _named(names: Any = ("refund", "delivery"), **parameters: Any) -> AnyShotClassifier:
    return AnyShotClassifier(names, **parameters).fit()


# --- labels and classes ----------------------------------------------------------------------------------------------


def _labels() -> Iterator[tuple[str, Situation]]:
    unused = pd.Categorical(NAMES, ["refund", "delivery", "login"])
    yield "categories of which one is not used", lambda _: fitted(y=unused).classes_.tolist() == ["delivery", "refund"]
    yield "a column vector of labels", lambda _: fitted(y=np.array(INDEX).reshape(-1, 1)).score(TEXTS, INDEX) == 1
    yield "one label too many", lambda _: refuses(lambda: fitted(y=[*NAMES, "refund"]), "12", "13")
    yield "a class given twice", lambda _: refuses(lambda: _named(["refund", "delivery", "refund"]), "refund")
    yield "one name in place of a list", lambda _: refuses(lambda: _named("refund"), "list")
    yield "classes from a generator or an index", _iterables
    yield "integer classes, evaluate by texts of integers", _numbers_as_texts
    yield "integer classes, evaluate by floats", lambda _: fitted(y=INDEX).evaluate(
        TEXTS, pd.Series(INDEX, dtype=float)
    ).accuracy == 1  # fmt: skip
    yield "partial_fit with an unknown label", lambda _: refuses(
        lambda: fitted().partial_fit(["a new thing"], ["login"]), "login", "add_class"
    )  # fmt: skip
    yield "an empty class name", lambda _: refuses(lambda: _named(["refund", " "]), "empty")
    yield "a file of classes that is no JSON", _broken_classes
    yield "evaluate without any label", lambda _: refuses(lambda: fitted().evaluate(TEXTS, [None] * 12), "label")
    yield "booleans as labels come back as booleans", _booleans


def _iterables(_: Path) -> bool:
    index = _named(pd.Index(["refund", "delivery"])).classes_.tolist() == ["delivery", "refund"]
    try:
        return index and _named(name for name in ("refund", "delivery")).predict(TEXTS[:1]).tolist() == ["refund"]
    except AnyshotError as error:
        return index and "list" in str(error)


def _numbers_as_texts(_: Path) -> bool:
    """Labels of a file that was read as texts: equal to the classes, or named as unknown, never only "0 % right"."""
    found = fitted(y=INDEX).evaluate(TEXTS, [str(one) for one in INDEX])
    return found.accuracy == 1 or "does not know" in str(found)


def _broken_classes(folder: Path) -> bool:
    (folder / "classes.json").write_text('{"refund": "money back",}')
    return refuses(lambda: read_classes(str(folder / "classes.json")), "classes.json", "line 1")


def _booleans(folder: Path) -> bool:
    clf = fitted(y=[bool(one) for one in INDEX])
    clf.save(folder / "m")
    return clf.predict(TEXTS).dtype == bool and load(folder / "m").predict(TEXTS).tolist() == [bool(i) for i in INDEX]


# --- texts -----------------------------------------------------------------------------------------------------------


def _texts() -> Iterator[tuple[str, Situation]]:
    yield (
        "half an emoji, fit and predict",
        lambda _: taken_or_refused(
            lambda: fitted([*TEXTS, HALF], [*NAMES, "delivery"]).predict([HALF]).tolist() == ["delivery"], "12"
        ),
    )
    yield "half an emoji, saved", _half_saved
    yield (
        "half an emoji in a class name",
        lambda f: taken_or_refused(lambda: _named(["refund", HALF]).predict(["refund"]).tolist() == ["refund"], "name"),
    )
    yield "a NUL in a text", lambda _: _named().predict(["refund\x00 please"]).tolist() == ["refund"]
    yield (
        "a generator of texts",
        lambda _: taken_or_refused(lambda: fitted(text for text in TEXTS).score(TEXTS, NAMES) == 1, "list"),
    )
    yield "a sequence of another library", lambda _: fitted(UserList(TEXTS), UserList(NAMES)).score(TEXTS, NAMES) == 1
    yield (
        "a batch of Hugging Face, columns in a dict",
        lambda _: refuses(lambda: AnyShotClassifier().fit({"text": TEXTS, "label": NAMES}), "label"),
    )
    yield "rows of JSON, a dict each", lambda _: refuses(
        lambda: fitted([{"text": text} for text in TEXTS]), "dict"
    )  # fmt: skip
    yield (
        "texts and labels in one table, fit(table)",
        lambda _: refuses(lambda: AnyShotClassifier().fit(pd.DataFrame({"text": TEXTS, "label": NAMES})), "label"),
    )
    yield "a photo that is not there", lambda f: refuses(
        lambda: _named(["cat", "dog"]).predict([f / "cat.jpg"]), "cat.jpg"
    )  # fmt: skip
    yield (
        "the address of a photo",
        lambda _: refuses(
            lambda: _named(["cat", "dog"], encoder="efficientnet-lite0").predict(["https://example.org/cat.jpg"]),
            "https",
        ),
    )
    yield "photos of torch, channels first", _channels_first


def taken_or_refused(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call gives the right value, or is refused with these words."""
    try:
        return bool(call())
    except AnyshotError as error:
        return all(word in str(error) for word in words)


def _half_saved(folder: Path) -> bool:
    def there_and_back() -> bool:
        fitted([*TEXTS, HALF], [*NAMES, "delivery"]).save(folder / "m")
        return bool(load(folder / "m").predict(TEXTS).tolist() == NAMES)

    return taken_or_refused(there_and_back, "12")


def _channels_first(folder: Path) -> bool:
    """Photos of shape (3, height, width): those of (height, width, 3), or refused."""
    pixels = np.asarray(Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 50).convert("RGB"))
    clf = _named(["cat", "dog"])
    wanted = clf.predict_proba([pixels])
    return taken_or_refused(
        lambda: np.allclose(clf.predict_proba(torch.tensor(pixels.transpose(2, 0, 1).copy())[None]), wanted, atol=1e-3),
        "shape",
    )


# --- arguments -------------------------------------------------------------------------------------------------------


def _arguments() -> Iterator[tuple[str, Situation]]:
    yield (
        "coverage in percent",
        lambda _: refuses(lambda: fitted().predict_set(TEXTS, coverage=90), "coverage", "below 1"),
    )
    yield (
        "a negative weight",
        lambda _: refuses(
            lambda: AnyShotClassifier().fit(TEXTS, NAMES, sample_weight=[1.0] * 11 + [-1.0]), "sample_weight", "11"
        ),
    )
    yield (
        "a weight that is missing",
        lambda _: refuses(
            lambda: AnyShotClassifier().fit(TEXTS, NAMES, sample_weight=[1.0] * 11 + [np.nan]), "sample_weight", "11"
        ),
    )
    yield "unlabeled= is one text", lambda _: refuses(
        lambda: AnyShotClassifier(["a", "b"]).fit(unlabeled="refund please"), "["
    )  # fmt: skip
    yield "unlabeled= has a gap", lambda _: refuses(
        lambda: _named_with([*TEXTS, None]), "12", "missing"
    )  # fmt: skip
    yield (
        "source= of pairs",
        lambda _: refuses(
            lambda: AnyShotClassifier().fit(TEXTS, NAMES, source=list(zip(TEXTS, NAMES, strict=True))), "source"
        ),
    )
    yield (
        "calibration= has a class that the model lacks",
        lambda _: refuses(lambda: fitted().predict_set(TEXTS, calibration=(TEXTS, ["login"] * 12)), "login"),
    )
    yield "examples= is one text", lambda _: refuses(lambda: fitted().add_class("login", examples="no login"), "[")
    yield (
        "class_prior for a name that is no class",
        lambda _: refuses(lambda: _named(class_prior={"refund": 0.5, "login": 0.5}), "login"),
    )
    yield "nothing to predict", _nothing
    yield "suggest more than there are", lambda _: len(_named().suggest(TEXTS[:3], n=10)) == 3
    yield (
        "few_per_class with k=0 and k=2.5",
        lambda _: (
            refuses(lambda: few_per_class(NAMES, 2.5), "k") and refuses(lambda: few_per_class(NAMES, -1), "k")  # type: ignore[arg-type]
        ),
    )
    yield (
        "learning_curve with shots as one text",
        lambda _: taken_or_refused(
            lambda: learning_curve(AnyShotClassifier(), TEXTS, NAMES, TEXTS, NAMES, shots="all", seeds=1),
            "shots",  # type: ignore[arg-type]
        ),
    )
    yield (
        "groups of another length",
        lambda _: refuses(lambda: report(fitted(), TEXTS, NAMES, groups={"land": ["x"] * 11}), "11", "12"),
    )


def _named_with(pool: Any) -> AnyShotClassifier:
    return AnyShotClassifier(["refund", "delivery"]).fit(unlabeled=pool)


def _nothing(_: Path) -> bool:
    clf = _named()
    return taken_or_refused(
        lambda: clf.predict([]).shape == (0,) and clf.predict_proba([]).shape == (0, 2), "item"
    ) and taken_or_refused(lambda: clf.predict(pd.Series([], dtype=str)).shape == (0,), "item")


# --- saving ----------------------------------------------------------------------------------------------------------


def _saved() -> Iterator[tuple[str, Situation]]:
    yield "save over a folder of other things", lambda f: _keeps(f)
    yield "save where a file is", lambda f: refuses(
        lambda: (f / "m").write_text("x") and _named().save(f / "m"), "file"
    )  # fmt: skip
    yield "load a folder that is no model", lambda f: refuses(lambda: load(f), "model")
    yield "a deep copy learns by itself", _deep_copy
    yield "integer classes after load", _integers


def _keeps(folder: Path) -> bool:
    """Files of the user's stay when a model is written beside them, or it is refused."""
    (folder / "thesis.txt").write_text("years of work")
    return (
        taken_or_refused(lambda: fitted().save(folder) or load(folder), "Nothing was written")
        and (folder / "thesis.txt").read_text() == "years of work"
    )


def _deep_copy(_: Path) -> bool:
    clf = fitted()
    other = copy.deepcopy(clf).add_class("login", examples=["I cannot log in"])
    return clf.classes_.tolist() == ["delivery", "refund"] and len(other.classes_) == 3


def _integers(folder: Path) -> bool:
    fitted(y=np.array(INDEX, dtype=np.int32)).save(folder / "m")
    found = load(folder / "m").predict(TEXTS)
    return found.dtype.kind == "i" and found.tolist() == INDEX


# --- the fourth audit ------------------------------------------------------------------------------------------------


def _fourth() -> Iterator[tuple[str, Situation]]:
    yield "a number among texts", lambda _: refuses(lambda: fitted([*TEXTS[:3], 404, *TEXTS[4:]]), "row 3", "404")
    yield "an empty label", lambda _: refuses(lambda: fitted(y=[*NAMES[:2], "", *NAMES[3:]]), "row 2", "None")
    yield "partial_fit with all classes", _partial_fit
    two = pd.DataFrame({"subject": TEXTS, "body": TEXTS})
    yield "a table of two columns of texts", lambda _: refuses(lambda: fitted(two), "table['subject'] + ", "'body'")
    mixed = TABLE.assign(city=["Oslo", "Rome"] * 30)
    yield "a column of categories", lambda _: refuses(lambda: fitted(mixed, SIGNS), "'city'", "encoder='table'")
    yield "the same, named", lambda _: bool(fitted(mixed, SIGNS, encoder="table").score(mixed, SIGNS) > 0.9)
    yield "vectors with a column of categories", lambda _: refuses(lambda: vectors(mixed), "'city'", "row 0")
    photos = _named(["cat", "dog"], encoder="efficientnet-lite0")
    yield (
        "an address in place of a photo",
        lambda _: refuses(lambda: photos.predict([URL]), "address"),
    )
    several = [*NAMES[:2], '{"choices": ["refund", "delivery"]}', *NAMES[3:]]
    yield "several labels in one text", lambda _: refuses(lambda: fitted(y=several), "row 2", "one label")
    yield "a loaded model is pickled", _pickled


def _partial_fit(_: Path) -> bool:
    clf = AnyShotClassifier().partial_fit(TEXTS[:2], NAMES[:2], ["refund", "delivery"])
    return clf.predict(TEXTS[1:3]).tolist() == NAMES[1:3]


def _pickled(folder: Path) -> bool:
    fitted().save(folder / "m")
    model = load(folder / "m")
    again = pickle.loads(pickle.dumps(model))
    return np.allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
