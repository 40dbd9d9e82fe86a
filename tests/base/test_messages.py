"""Messages: warnings point to the user's line, are said once where several models are fitted, and name items."""

import logging
import warnings

import numpy as np
import pandas as pd
import pytest

from anyshot import AnyShotRegressor, FineTunedClassifier, MultitaskModel
from anyshot.base.messages import (
    collecting,
    named_rows,
    note,
    one_call,
    shortened,
    warn,
    warn_of_items,
    warn_of_order,
    warn_unlike_fit,
)
from anyshot.domain_adaptation import CORAL
from anyshot.errors import InputError, ItemWarning
from anyshot.zero_shot import ESZSL

LONG = "b" * 80
TABLE = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.5]})
SHUFFLED = pd.Series([0, 1, 0, 1], index=[2, 0, 3, 1])


@one_call()
def fit_twice():
    warn("the same")
    warn("the same")


def test_a_warning_is_issued_once_in_a_call_and_again_in_the_next():
    for _ in range(2):
        with pytest.warns(UserWarning, match="the same") as found:
            fit_twice()
        assert len(found) == 1
    assert found[0].filename == __file__


def issued(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return found


def test_outside_of_such_a_call_each_is_issued():
    assert len(issued(lambda: [warn("the same"), warn("the same")])) == 2


def test_what_is_collected_is_neither_issued_nor_logged(caplog):
    caplog.set_level(logging.INFO)

    def collected():
        with collecting() as found:
            warn("a warning")
            note(logging.getLogger("anyshot.test"), "a note")
            warn_of_items("long", say, ["a"], rows=[3])
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = collected()
    assert list(map(str, found)) == ["a warning", "a note", "long: row 3"]
    assert found[2].rows == (3,)
    assert caplog.messages == []


def test_a_note_is_logged_at_its_level(caplog):
    caplog.set_level(logging.INFO)
    log = logging.getLogger("anyshot.test")
    note(log, "read as cp1252")
    note(log, "cut", level=logging.WARNING)
    assert [(one.levelname, one.message) for one in caplog.records] == [("INFO", "read as cp1252"), ("WARNING", "cut")]


def say(places, texts, rows):
    return ItemWarning(f"long: {', '.join(places or texts)}", rows)


def warn_of_parts():
    warn_of_items("long", say, ["a", LONG], rows=[0, 2])
    warn_of_items("long", say, [LONG, "c"], rows=[1, 4])


def test_items_are_named_by_their_rows():
    found = issued(warn_of_parts)
    assert [str(one.message) for one in found] == ["long: row 0, row 2", "long: row 1, row 4"]
    assert found[1].message.rows == (1, 4)


def test_items_of_all_models_of_a_call_are_named_together_by_their_texts():
    (found,) = issued(one_call()(one_call()(warn_of_parts)))
    assert str(found.message) == f"long: a, {LONG}, c"
    assert found.filename == __file__


def test_a_command_names_where_it_read_items_and_each_once():
    numbers = {"a": ["row 2", "row 9"], LONG: ["row 4"]}
    command = one_call(lambda texts: [place for text in texts for place in numbers.get(text, [])])
    found = issued(command(lambda: [warn_of_parts(), one_call()(warn_of_parts)()]))
    assert [str(one.message) for one in found] == ["long: row 2, row 9, row 4", "long: c"]


def test_a_call_within_another_says_nothing_that_was_said():
    assert len(issued(one_call()(lambda: [warn("the same"), fit_twice()]))) == 1


def test_items_unlike_those_in_fit_are_no_fault_where_models_are_fitted_to_parts():
    parts = one_call(fits_parts=True)(
        lambda: [warn_unlike_fit("unlike"), warn("other"), one_call()(warn_unlike_fit)("far")]
    )
    assert [str(one.message) for one in issued(lambda: [parts(), warn_unlike_fit("unlike")])] == ["other", "unlike"]
    assert len(issued(one_call()(lambda: [warn_unlike_fit("unlike"), parts()]))) == 2


# --- the order of rows ---


@pytest.mark.parametrize("first", [[2, 0, 1], range(3), [0, 1, 2]])
def test_another_order_of_the_same_rows_is_said(first):
    texts = pd.Series(["a", "b", "c"], index=first)
    with pytest.warns(UserWarning, match=r"name the same rows in another order.*labels.loc\[items.index\]") as found:
        warn_of_order(texts, texts.iloc[[1, 2, 0]])
    assert found[0].filename == __file__


def test_the_same_order_other_rows_and_columns_without_an_index_are_taken():
    texts = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for labels in (texts, texts.set_axis([5, 6, 7]), list(texts), texts.to_numpy(), texts[:2]):
            warn_of_order(texts, labels)


@pytest.mark.parametrize(
    "fit",
    [
        lambda y: AnyShotRegressor().fit(TABLE, y),
        lambda y: AnyShotRegressor().fit(TABLE, [1.0, 2.0, 3.0, 4.0]).evaluate(TABLE, y),
        lambda y: AnyShotRegressor().fit(TABLE[:1], [1.0], source=(TABLE, y)),
        lambda y: MultitaskModel(tasks={"t": "classification"}).fit(TABLE, {"t": y}),
        lambda y: CORAL().fit(TABLE, y, target=TABLE),
        lambda y: ESZSL().fit(TABLE, y, class_vectors=np.eye(3)),
    ],
    ids=["regression", "evaluate", "source", "tasks", "adaptation", "zero-shot"],
)
def test_every_estimator_of_tables_warns_once(fit):
    with pytest.warns(UserWarning, match="in another order") as found:
        fit(SHUFFLED)
    assert sum("in another order" in str(one.message) for one in found) == 1


def test_an_estimator_with_a_network_warns():
    with pytest.warns(UserWarning, match="in another order"), pytest.raises(InputError, match="epochs"):
        FineTunedClassifier("minilm", epochs=0).fit(pd.Series(["one", "two", "three", "four"]), SHUFFLED)


def test_rows_of_an_array_are_named_as_those_of_a_list():
    assert named_rows(np.arange(7)) == "rows 0, 1, 2, 3, 4 and 2 more" == named_rows(list(range(7)))


def test_a_long_text_is_shown_by_its_ends():
    assert shortened("a" * 60) == "a" * 60
    assert shortened("a" * 40 + "b" * 40) == f"{'a' * 28} … {'b' * 28}"
