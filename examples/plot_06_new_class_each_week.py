"""Classes and labels may arrive at any time: a model takes them up without the data it has seen before.

Each week one class is added and a few labels come in; the model is saved in between and goes on where it stood.
Prints, week by week, the classes and the answer to the same message.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from anyshot import AnyShotClassifier, load

ASKED = ["I want to send the lamp back and get my money"]

with TemporaryDirectory() as home:
    folder = Path(home) / "model"

    clf = AnyShotClassifier(["billing", "delivery"]).fit({"billing": ["I was charged twice"]})
    clf.save(folder)
    print(f"week 1, {', '.join(clf.classes_)}: {clf.predict(ASKED)[0]}")

    clf = load(folder).add_class("refund", "returns, money back", examples=["I want my money back"])
    clf.save(folder)
    print(f"week 2, {', '.join(clf.classes_)}: {clf.predict(ASKED)[0]}")

    clf = load(folder).add_class("login").partial_fit(["where is my parcel", "cannot sign in"], ["delivery", "login"])
    clf.remove_class("billing")
    print(f"week 3, {', '.join(clf.classes_)}: {clf.predict(ASKED)[0]}")
