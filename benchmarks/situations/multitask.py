"""Several tasks in one model."""

import numpy as np
import pandas as pd

from anyshot import MultitaskModel
from situations.libraries import INDEX_OF_LIBRARIES
from situations.situation import REORDERED, SIGNS, TABLE, Subject

holds = Subject("multitask")

holds.each(
    "labels as {}: whole numbers",
    INDEX_OF_LIBRARIES,
)(lambda _, y: MultitaskModel().fit(TABLE[:12], {"t": y}).predict(TABLE[:12])["t"].dtype.kind == "i")
holds.warned("two labels in one, with a semicolon: warned of", "other labels")(
    lambda _: MultitaskModel().fit(TABLE, {"t": ["yes;no", *SIGNS[1:]]})
)
holds.each("labels of type {} with a gap: the classes are 0 and 1", ("Int64", "int64[pyarrow]"))(
    lambda _, kind: (
        MultitaskModel().fit(TABLE[:4], {"t": pd.Series([0, None, 1, 0], dtype=kind)}).tasks_[0].classes.tolist()
        == [0, 1]
    )
)
holds("targets in a table with gaps: answered")(
    lambda _: (
        MultitaskModel()
        .fit(TABLE, pd.DataFrame({"s": [None, *SIGNS[1:]], "n": [np.nan, *TABLE["a"][1:]]}))
        .predict(TABLE)["s"]
        .tolist()[1:]
        == SIGNS[1:].tolist()
    )
)
GRADES = np.clip((TABLE["a"] * 4 + 10).round(), 0, 20).astype(int)
holds("grades from 0 to 20: a regression")(
    lambda _: MultitaskModel().fit(TABLE, {"grade": GRADES}).tasks_[0].kind == "regression"
)
holds("grades from 0 to 20: the reasons say that it is a regression")(
    lambda _: "regression" in MultitaskModel().fit(TABLE, {"grade": GRADES}).reasons_[0]
)
holds.refused("stars from 1 to 5: refused, with both kinds", "'stars'", "regression")(
    lambda _: MultitaskModel().fit(TABLE, {"stars": 1 + np.arange(60) % 5})
)
holds.refused("dates as targets: refused by row", "row 0")(
    lambda _: MultitaskModel(tasks={"d": "regression"}).fit(TABLE[:2], {"d": pd.date_range("2020-01-01", periods=2)})
)
holds.warned("classes that look alike: warned of", "look alike")(
    lambda _: MultitaskModel().fit(TABLE[:3], {"t": ["a", "A", "b"]})
)
holds.refused("a list as a label: refused by task and row", "'mood'", "row 0")(
    lambda _: MultitaskModel().fit(TABLE, {"mood": [["a", "b"]] * 60})
)
holds.refused("a task without any label: refused by task", "'empty'")(
    lambda _: MultitaskModel().fit(TABLE, {"s": SIGNS, "empty": [None] * 60})
)
holds.refused("one list in place of tasks: refused, with a dict", "{")(lambda _: MultitaskModel().fit(TABLE, SIGNS))
holds.refused("labels of a task that are read once: refused by task, with list(...)", "task 's'", "list(...)")(
    lambda _: MultitaskModel().fit(TABLE, {"s": iter(SIGNS)})
)
holds.refused("tasks= names another task: refused by task", "size")(
    lambda _: MultitaskModel(tasks={"size": "regression"}).fit(TABLE, {"s": SIGNS})
)
holds.refused(
    "columns in another order: refused, with model.feature_names_in_", "same order", "model.feature_names_in_"
)(lambda _: MultitaskModel().fit(TABLE, {"s": SIGNS}).predict(REORDERED))
holds.refused("one feature as an array: refused, with x[:, None]", "x[:, None]")(
    lambda _: MultitaskModel().fit(TABLE["a"].to_numpy(), {"n": TABLE["b"]})
)
