"""Changes, of which neighboring ones of one kind are made together."""

import pandas as pd
import pytest

from anyshot import AnyShotClassifier
from anyshot.app.server.changes import AddExamples, AddUnlabeled, adding_class, fit_classes, in_groups, joined
from anyshot.errors import LeakWarning


def test_neighboring_items_are_joined_and_the_order_is_kept():
    first, second = AddExamples(["a", "b"], ["x", "y"]), AddExamples(["c"], ["x"])
    assert joined([first, second]) == AddExamples(["a", "b", "c"], ["x", "y", "x"])
    assert joined([AddUnlabeled(["a"]), AddUnlabeled(["b"])]) == AddUnlabeled(["a", "b"])
    changes = [first, adding_class("z"), adding_class("w"), second, first, fit_classes, AddUnlabeled(["a"])]
    assert list(in_groups(changes)) == [[0], [1], [2], [3, 4], [5], [6]]


def test_columns_that_determine_the_label_are_warned_of_and_rows_are_not_shown():
    rows = [{"age": 20 + number // 2, "code": number % 2, "city": "Rome"} for number in range(80)]
    labels = [f"class {row['code']}" for row in rows]
    clf = AnyShotClassifier(encoder="table", cache=False).fit(pd.DataFrame(rows[:40]), labels[:40])
    strange = [{**row, "city": f"Oslo {number}"} for number, row in enumerate(rows[40:])]
    with pytest.warns(LeakWarning, match="each by itself: 'code'") as caught:
        AddExamples(strange, labels[40:])(clf)
    assert len(caught) == 1
