"""Add classes and labels to a fitted model, without the earlier data.

Each week one class and a few labels are added. The model is saved and loaded in between.
Prints the classes and the prediction for the same message, week by week.
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
