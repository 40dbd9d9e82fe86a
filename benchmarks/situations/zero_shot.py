"""Zero-shot methods of the literature, and attributes of classes."""

from typing import Any

import numpy as np

from anyshot.data import load_attributes
from anyshot.data.attributes import attribute_table
from anyshot.evaluation.class_splits import zero_shot_figures
from anyshot.zero_shot import ESZSL
from situations.situation import REORDERED, SIGNS, TABLE, Subject, written

holds = Subject("zero-shot")

# --- estimators ------------------------------------------------------------------------------------------------------


holds.refused("columns in another order: refused", "same order")(
    lambda _: ESZSL().fit(TABLE, (SIGNS == "yes").astype(int), class_vectors=np.eye(3)).predict(REORDERED)
)
RANDOM = np.random.default_rng(0)
CLASS_VECTORS = RANDOM.normal(size=(3, 5))
holds.refused("a gap in the class vectors: refused", "class_vectors")(
    lambda _: ESZSL().fit(
        TABLE, RANDOM.integers(0, 2, 60), class_vectors=np.where(CLASS_VECTORS > 1, np.nan, CLASS_VECTORS)
    )
)
holds.refused("a label without a class vector: refused", "3")(
    lambda _: ESZSL().fit(TABLE, np.arange(60) % 4, class_vectors=CLASS_VECTORS)
)
CANDIDATES = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, 0.1], [1.0, 1.0, 0.0]])
holds.refused("names in place of rows of the class vectors: refused by row", "row 0", "names.index")(
    lambda _: ESZSL().fit(TABLE, SIGNS, class_vectors=CANDIDATES)
)
CLASS_ROWS = [0, 1] * 30
holds("a missing label: not learned")(
    lambda _: (
        ESZSL().fit(TABLE, [None, *CLASS_ROWS[1:]], class_vectors=CANDIDATES).seen_classes_.tolist() == [0, 1]
        and ESZSL().fit(TABLE, [np.nan, *CLASS_ROWS[1:]], class_vectors=CANDIDATES).seen_classes_.tolist() == [0, 1]
    )
)
holds.refused("a fraction as a label: refused by row", "row 0", "0.5")(
    lambda _: ESZSL().fit(TABLE, [0.5, *CLASS_ROWS[1:]], class_vectors=CANDIDATES)
)
holds.refused("zero_shot_figures with labels as names: refused", "whole numbers")(
    lambda _: zero_shot_figures(np.eye(2), ["a", "b"], [True, False])
)
holds.refused("zero_shot_figures with seen classes as numbers: refused, with np.isin", "np.isin")(
    lambda _: zero_shot_figures(RANDOM.normal(size=(8, 4)), np.arange(8) % 4, [0, 1])
)

# --- attributes ------------------------------------------------------------------------------------------------------

holds("decimal commas and truth values in a file of attributes: numbers")(
    lambda folder: np.allclose(
        load_attributes(written(folder, "a.csv", "class;size;coat\nhorse;1.000,5;TRUE\nzebra;1,25;FALSE\n")).vectors,
        [[1000.5, 1], [1.25, 0]],
    )
)
holds.refused(
    "the classes in the last column of a file of attributes: refused, with class_column=", "class_column='class'"
)(lambda folder: load_attributes(written(folder, "a.csv", "size,class\n1,horse\n2,zebra\n")))
IN_WORDS: Any = {"horse": {"coat": "yes"}, "zebra": {"coat": "no"}}
holds.refused("attributes of yes and no: refused by class and value", "'horse'", "'yes'")(
    lambda _: attribute_table(IN_WORDS)
)
