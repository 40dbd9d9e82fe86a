"""Estimators and tools of scikit-learn around the main classifier."""

import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate

from anyshot import AnyShotClassifier
from situations.situation import NAMES, SIGNS, TABLE, TEXTS, Subject, fitted

holds = Subject("scikit-learn")

UNSORTED = AnyShotClassifier(["yes", "no"], cache=False)
holds.each("cross_val_score with {}: classes in any order", ("roc_auc", "neg_log_loss"))(
    lambda _, s: cross_val_score(UNSORTED, TABLE, SIGNS, scoring=s, cv=3).min() > -0.5
)
holds("cross_val_predict: classes in any order")(
    lambda _: cross_val_predict(UNSORTED, TABLE, SIGNS, method="predict_proba", cv=3).shape == (60, 2)
)
holds("StackingClassifier: classes in any order")(
    lambda _: StackingClassifier([("a", UNSORTED)], cv=3).fit(TABLE, SIGNS).score(TABLE, SIGNS) > 0.9
)
holds("VotingClassifier: classes in any order")(
    lambda _: (
        VotingClassifier([("a", UNSORTED), ("b", AnyShotClassifier(cache=False))], voting="soft")
        .fit(TABLE, SIGNS)
        .score(TABLE, SIGNS)
        > 0.9
    )
)
holds("CalibratedClassifierCV: classes in any order")(
    lambda _: CalibratedClassifierCV(UNSORTED, cv=3).fit(TABLE, SIGNS).score(TABLE, SIGNS) > 0.9
)
holds("BaggingClassifier over texts in a table: right")(
    lambda _: (
        BaggingClassifier(AnyShotClassifier(), n_estimators=2)
        .fit(pd.DataFrame({"t": TEXTS}), NAMES)
        .score(pd.DataFrame({"t": TEXTS}), NAMES)
        == 1
    )
)
GRID = {"method": ["prototype", "logistic-regression"]}
holds("GridSearchCV over texts: right")(
    lambda _: (
        GridSearchCV(AnyShotClassifier(cache=False), GRID, cv=2).fit(TEXTS, NAMES).predict(TEXTS[:1]).tolist()
        == ["refund"]
    )
)
holds("cross_validate with several scorers: right")(
    lambda _: (
        cross_validate(AnyShotClassifier(), TABLE, SIGNS, scoring=["accuracy", "f1_macro"], cv=3)["test_f1_macro"].min()
        > 0.7
    )
)
holds("permutation_importance: the first column counts most")(
    lambda _: (
        permutation_importance(
            fitted(TABLE, SIGNS), TABLE, SIGNS, n_repeats=2, random_state=0
        ).importances_mean.argmax()
        == 0
    )
)
