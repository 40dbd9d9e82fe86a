"""What a report asks of a model."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.report.collect import reasons_for
from anyshot.evaluation.report.findings import ask, next_to_label, own_curve, training_errors

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]


class Silent:
    """Says nothing but its answers."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return ["low"] * len(X)


@pytest.fixture
def model():
    return LogisticRegression().fit(X, Y)


def asked(model, X=X, y=Y, **more):
    return ask(model, X, y, **more)


def test_what_a_model_cannot_say_is_left_out():
    found = asked(Silent())
    assert found.classes.tolist() == ["high", "low"]
    assert found.probabilities is None
    assert found.closeness is None
    assert found.right.tolist() == [True, True, False, False]
    assert found.mistakes().tolist() == [2, 3]
    assert len(found.label_errors()) == 0
    assert reasons_for(found.model, X, np.array([1])) == [()]
    assert next_to_label(found, X)[0].tolist() == []
    assert training_errors(found, (X, Y)) is None


def test_mistakes_come_the_surest_first(model):
    found = asked(model, y=["high", "low", "low", "low"])
    assert found.mistakes().tolist()[-1] == 2
    assert set(found.mistakes()) == {0, 2, 3}
    assert found.sureness(3, "high") == pytest.approx(model.predict_proba(X)[3, 0])
    assert found.sureness(3, "other") is None


def test_a_sample_keeps_items_labels_and_groups_together(model):
    many, labels = np.arange(50.0)[:, None], ["low" if k < 25 else "high" for k in range(50)]
    found = ask(model, many, labels, groups={"g": [str(k) for k in range(50)]}, most=10)
    rows = found.items[:, 0].astype(int).tolist()
    assert (len(rows), found.question.n_given) == (10, 50)
    assert found.truth == [labels[row] for row in rows]
    assert list(found.question.groups["g"]) == [str(row) for row in rows]


def test_without_suggest_the_least_sure_items_come_first(model):
    rows, why = next_to_label(asked(model), np.array([[0.0], [2.1], [9.0]]), n=1)
    assert rows.tolist() == [1]
    assert "least sure" in why


def test_probabilities_for_other_classes_are_refused(model):
    class Short(LogisticRegression):
        def predict_proba(self, X):
            return np.full((len(X), 3), 1 / 3)

    with pytest.raises(InputError, match=r"table of \(4, 3\) for 4 items of 2 classes"):
        asked(Short().fit(X, Y))


def test_one_class_of_training_labels_has_no_curve(model):
    with pytest.raises(NotEnoughLabelsError, match="train has 1"):
        own_curve(asked(model), (X, ["low"] * 4))


def test_the_curve_leaves_out_items_that_no_label_would_bring_right(model):
    strangers = asked(model, np.vstack([X, [[9.0]] * 4]), [*Y, *["other"] * 4])
    curve = own_curve(strangers, (X, Y))
    assert curve.n_test == len(X)
    np.testing.assert_array_equal(curve.scores["accuracy"], own_curve(asked(model), (X, Y)).scores["accuracy"])
    with pytest.raises(NotEnoughLabelsError, match="test items of the classes learned from; there is none"):
        own_curve(asked(model, X, ["other"] * 4), (X, Y))
