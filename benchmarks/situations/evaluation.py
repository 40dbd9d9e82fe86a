"""Figures: evaluate, calibration, groups, intervals, learning curves."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression

from anyshot import AnyShotClassifier, evaluate_answers, learning_curve
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation import accuracy, cross_validate, effective_size, wilson_interval
from anyshot.evaluation.fairness import accuracy_by_group, figures_by_group, rates_by_group
from anyshot.evaluation.label_errors import label_errors
from situations.situation import CAFES, INDEX, NAMES, SIGNS, TABLE, TEXTS, Subject, by_names, fitted, taken_or_refused

holds = Subject("evaluation")

# --- labels of the test ----------------------------------------------------------------------------------------------

holds.each('evaluate with a label {} for the class "café": right', CAFES)(
    lambda _, name: fitted(["a b", "c d"], ["caf\u00e9", "bar"]).evaluate(["a b"], [name]).accuracy == 1
)
holds("evaluate with a label that no class has: named")(
    lambda _: "does not know: Refund (1 of" in str(fitted().evaluate(TEXTS, ["Refund", *NAMES[1:3], None, *NAMES[4:]]))
)


@holds("evaluate whole numbers by texts: right, or named as unknown")
def _(_: Path) -> object:
    """Labels of a file that was read as texts: equal to the classes, or named as unknown, never only "0 % right"."""
    found = fitted(y=INDEX).evaluate(TEXTS, [str(one) for one in INDEX])
    return found.accuracy == 1 or "does not know" in str(found)


holds("evaluate whole numbers by floats: right")(
    lambda _: fitted(y=INDEX).evaluate(TEXTS, pd.Series(INDEX, dtype=float)).accuracy == 1
)
holds.refused("evaluate without any label: refused", "label")(lambda _: fitted().evaluate(TEXTS, [None] * 12))
CAPITALS = [name.title() for name in NAMES]
NEW_TEXTS = [f"{text} now" for text in TEXTS]
holds.warned("evaluate with labels in capitals: warned of", "None of the labels")(
    lambda _: fitted().evaluate(NEW_TEXTS, CAPITALS)
)
holds.warned("score with some labels in capitals: warned of", "look alike")(
    lambda _: fitted().score(NEW_TEXTS, [CAPITALS[0], *NAMES[1:]])
)
holds.warned("evaluate with numbers as labels: warned of", "None of the labels")(
    lambda _: fitted().evaluate(NEW_TEXTS, range(12))
)
holds("evaluate on the training items: said")(
    lambda _: "12 of the 12 test items equal training items" in str(fitted().evaluate(TEXTS, NAMES))
)
holds("evaluate on the training rows: said")(
    lambda _: "training items" in str(fitted(TABLE, SIGNS).evaluate(TABLE[:9], SIGNS[:9]))
)

# --- answers of any model --------------------------------------------------------------------------------------------

holds.refused("evaluate_answers of truth values by texts: refused", "truth value", "text")(
    lambda _: evaluate_answers(np.array([False, True]), [True, False], ["True", "False"])
)
LOGISTIC = LogisticRegression().fit(TABLE, SIGNS)
SURE = pd.DataFrame(LOGISTIC.predict_proba(TABLE), columns=LOGISTIC.classes_)
holds("evaluate_answers with probabilities in another order of columns: the same figures")(
    lambda _: (
        evaluate_answers(LOGISTIC.classes_, SIGNS, LOGISTIC.predict(TABLE), SURE[["yes", "no"]]).log_loss
        == evaluate_answers(LOGISTIC.classes_, SIGNS, LOGISTIC.predict(TABLE), SURE).log_loss
    )
)
holds("evaluate_answers with a list of classes: right")(
    lambda _: evaluate_answers(["a", "b"], ["a", "b"], ["a", "a"]).accuracy == 0.5
)
holds("evaluate_answers with outsiders of any name: the same figures")(
    lambda _: (
        evaluate_answers(["a", "b"], ["a", "none"], ["a", "unknown"]).accuracy
        == evaluate_answers(["a", "b"], ["a", "unknown"], ["a", "unknown"]).accuracy
    )
)
holds.refused("accuracy with a missing label: refused by row", "row 1")(lambda _: accuracy(["a", None], ["a", "b"]))
holds.refused("accuracy with a weight that is a text: refused", "numbers")(
    lambda _: accuracy(["a", "b"], ["a", "b"], sample_weight=["1", "x"])
)


@holds("label_errors with a class of one item: no other rows")
def _(_: Path) -> object:
    p = np.full((101, 3), 0.03)
    y = np.repeat([0, 1, 2], [50, 50, 1])
    p[np.arange(101), y] = 0.94
    p[[3, 60]] = [[0.5, 0.4, 0.1], [0.4, 0.5, 0.1]]
    p[100] = [0.6, 0.39, 0.01]
    return label_errors(p, y)["row"].tolist() in ([], [100])


# --- prediction sets -------------------------------------------------------------------------------------------------

holds("calibration= with labels as a tensor: sets")(
    lambda _: len(fitted(TEXTS, INDEX).predict_set(TEXTS[:2], calibration=(TEXTS, torch.tensor(INDEX)))) == 2
)
holds.refused("calibration= has a class that the model lacks: refused by name", "login")(
    lambda _: fitted().predict_set(TEXTS, calibration=(TEXTS, ["login"] * 12))
)
holds.refused("coverage in percent: refused", "coverage", "below 1")(lambda _: fitted().predict_set(TEXTS, coverage=90))

# --- intervals -------------------------------------------------------------------------------------------------------

holds.refused("wilson_interval of more right than items: refused", "5 of 3")(lambda _: wilson_interval(5, 3))
holds.refused("effective_size of negative weights: refused by row", "row 0")(
    lambda _: effective_size(np.array([-1.0, 2.0]))
)

# --- groups ----------------------------------------------------------------------------------------------------------

holds('figures by group with pd.NA: the group is called "not given"')(
    lambda _: "not given" in accuracy_by_group([1, 0], ["a", pd.NA])["group"].tolist()
)
holds("figures by group with a missing label: not counted")(
    lambda _: figures_by_group([1, None, 0], [1, 1, 0], ["a", "a", "b"]).table["value"].tolist() == [1.0, 1.0]
)
holds("rates of a group without positives: NaN")(
    lambda _: np.isnan(
        rates_by_group([1, 0], [1, 0], ["a", "b"]).query("`class` == 1 and group == 'b'")["true_positive"]
    ).all()
)
holds.refused("accuracy_by_group of texts: refused", "True or False")(
    lambda _: accuracy_by_group(["True", "False"], ["a", "b"])
)

# --- curves and folds ------------------------------------------------------------------------------------------------

holds("learning_curve, shots= is a text: refused")(
    lambda _: taken_or_refused(
        lambda: learning_curve(AnyShotClassifier(), TEXTS, NAMES, TEXTS, NAMES, shots="all", seeds=1),
        "shots",
    )
)
holds("learning_curve, shots= is read once: all shots")(
    lambda _: learning_curve(by_names(), TEXTS, NAMES, shots=iter([0, 1]), seeds=1).scores["shots"].nunique() == 2
)


@holds("learning_curve with more labels than there are: refused")
def _(_: Path) -> object:
    try:
        learning_curve(fitted(), TEXTS, NAMES, shots=[50], seeds=1)
    except NotEnoughLabelsError:
        return True
    return False


holds.refused("learning_curve with one seed twice: refused", "seeds")(
    lambda _: learning_curve(LogisticRegression(), TABLE, SIGNS, shots=[2], seeds=[0, 0])
)
holds.refused("learning_curve of a list of models: refused, with a dict", "{name")(
    lambda _: learning_curve([AnyShotClassifier()], TABLE, SIGNS, TABLE, SIGNS)
)
holds.refused("learning_curve, unlabeled= is an unknown word: refused, with the known one", "'rest'")(
    lambda _: learning_curve(AnyShotClassifier(), TABLE, SIGNS, unlabeled="all")
)
holds("learning_curve on the training items: said")(
    lambda _: "60 of the 60" in str(learning_curve(LOGISTIC, TABLE, SIGNS, TABLE, SIGNS, shots=[5], seeds=1))
)
holds.refused("cross_validate with two and a half folds: refused", "n_folds")(
    lambda _: cross_validate(LogisticRegression(), TABLE, SIGNS, n_folds=2.5)
)
