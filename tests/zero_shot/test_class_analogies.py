"""Analogies name similar classes and the attributes that differ."""

import numpy as np
import pytest

from anyshot.errors import ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.class_analogies import Analogy, analogies
from anyshot.zero_shot.semantic_map import SemanticMapClassifier

NAMES = ["horse", "zebra", "giraffe", "mouse", "okapi"]
COLUMNS = ["stripes", "hooves", "long neck", "size"]
TABLE = np.array([[0, 1, 0.2, 0.6], [1, 1, 0.2, 0.5], [0, 1, 1, 0.9], [0, 0, 0, 0.05], [0.6, 1, 0.6, 0.6]])
SEEN = [0, 1, 2, 3]


def test_an_analogy_names_classes_with_similar_attributes():
    (okapi,) = analogies(TABLE, SEEN, NAMES, columns=COLUMNS, n_classes=2, n_attributes=2)
    assert okapi.name == "okapi"
    assert {name for name, _ in okapi.similar_classes} <= {"horse", "zebra", "giraffe"}
    assert all(share > 0 for _, share in okapi.similar_classes)
    assert {attribute for attribute, _ in okapi.attributes} <= set(COLUMNS)


def test_attributes_are_z_scores_over_the_seen_classes():
    (okapi,) = analogies(TABLE, SEEN, NAMES, columns=COLUMNS, n_attributes=4)
    scores = (TABLE[4] - TABLE[:4].mean(axis=0)) / TABLE[:4].std(axis=0)
    assert dict(okapi.attributes) == pytest.approx(dict(zip(COLUMNS, scores, strict=True)))
    assert [abs(score) for _, score in okapi.attributes] == pytest.approx(sorted(np.abs(scores), reverse=True))


def test_weights_are_those_of_a_semantic_map():
    X = np.repeat(TABLE[:4], 3, axis=0) + np.linspace(0, 0.1, 48).reshape(12, 4)
    model = SemanticMapClassifier(label_noise=0).fit(X, np.repeat(SEEN, 3), class_vectors=TABLE)
    (okapi,) = analogies(TABLE, SEEN, NAMES, n_classes=4)
    shares = model.kernel_weights_[4] / np.abs(model.kernel_weights_[4]).sum()
    assert dict(okapi.similar_classes) == pytest.approx(dict(zip(NAMES[:4], shares, strict=True)))


def test_a_seen_class_is_not_compared_with_itself():
    (zebra,) = analogies(TABLE, SEEN, NAMES, of=[1], n_classes=4)
    assert "zebra" not in dict(zebra.similar_classes)
    assert sum(abs(share) for _, share in zebra.similar_classes) == pytest.approx(1)


def test_an_attribute_that_all_seen_classes_share_is_left_out():
    table = np.column_stack([TABLE, np.zeros(5)])
    (okapi,) = analogies(table, SEEN, NAMES, columns=[*COLUMNS, "wings"], n_attributes=5)
    assert "wings" not in dict(okapi.attributes)


@pytest.mark.parametrize(
    ("analogy", "sentence"),
    [
        (
            Analogy("okapi", (("zebra", 0.41), ("horse", 0.33)), (("stripes", 1.2), ("long neck", 0.9))),
            "okapi: like zebra 0.41 and horse 0.33; stripes +, long neck +",
        ),
        (
            Analogy("eel", (("snake", 0.5), ("cod", 0.2), ("dog", -0.1)), (("fur", -2.0),)),
            "eel: like snake 0.50 and cod 0.20, unlike dog 0.10; fur -",
        ),
        (Analogy("eel", ()), "eel: like no labeled class"),
        (Analogy(7, ((1, 0.5), (2, 0.3), (3, 0.2))), "7: like 1 0.50, 2 0.30 and 3 0.20"),
    ],
)
def test_an_analogy_prints_as_a_sentence(analogy, sentence):
    assert str(analogy) == sentence


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"seen": []}, ClassesError, "seen is empty"),
        ({"seen": [0, 9]}, UnknownClassError, "seen contains row 9, but there are 5"),
        ({"seen": [0.5]}, InputError, "integers"),
        ({"of": [-1]}, UnknownClassError, "of contains row -1"),
        ({"names": NAMES[:4]}, ClassesError, "5 x 4, but there are 4 names"),
        ({"columns": COLUMNS[:3]}, ClassesError, "5 x 4, but there are 3 columns"),
        ({"n_classes": -1}, InputError, "must be 0 or more"),
    ],
)
def test_inputs_that_do_not_match_are_refused(change, error, text):
    given = {"seen": SEEN, "names": NAMES} | change
    with pytest.raises(error, match=text):
        analogies(TABLE, **given)
