"""Explanations print as text and tables; analogies name similar classes."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from anyshot.any_shot.explanation import Analogy, Explanation, Explanations, Neighbor, analogies
from anyshot.errors import ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.semantic_map import SemanticMapClassifier

ONE = Explanation(
    item="I was [bold]charged twice",
    is_known=True,
    label="billing",
    probability=0.75,
    runner_up="login",
    margin=0.6,
    matched="invoices <and> charges",
    neighbors=(Neighbor("refund [bold]me", "billing", 0.8125), Neighbor("cannot sign in", "login", 0.1)),
)
FAR = replace(ONE, is_known=False, matched=None, neighbors=())


def test_an_explanation_prints_one_reason_per_line():
    assert str(ONE).splitlines() == [
        "billing (75%; next login, 60% less): I was [bold]charged twice",
        '  most similar text of billing: "invoices <and> charges"',
        "  0.81 similar to billing: refund [bold]me",
        "  0.10 similar to login: cannot sign in",
    ]


def test_the_explanation_of_an_unknown_item_names_the_closest_class():
    assert FAR.answer == "unknown"
    assert FAR.reasons() == ["the closest class is billing, but it is not close enough"]


def test_several_explanations_are_a_sequence():
    both = Explanations((ONE, FAR))
    assert len(both) == 2
    assert list(both) == [both[0], both[1]] == list(both[:2])
    assert str(both) == repr(both) == f"{ONE}\n{FAR}"
    with pytest.raises(IndexError):
        both[2]


def test_the_terminal_shows_a_table_with_markup_unchanged():
    screen = Console(file=StringIO(), width=200)
    screen.print(Explanations((ONE, FAR)))
    printed = screen.file.getvalue()
    for words in ("I was [bold]charged twice", "75%", "-60%", "refund [bold]me", "not close enough", "unknown"):
        assert words in printed


def test_the_notebook_shows_a_table_with_escaped_html():
    html = Explanations((ONE, FAR))._repr_html_()
    assert html.count("<tr>") == 3
    assert "invoices &lt;and&gt; charges" in html
    assert "<and>" not in html
    assert "login (-60%)" in html


def test_labels_that_are_numbers_print_too():
    one = replace(ONE, label=1, runner_up=0, neighbors=(Neighbor("row 3", 1, 0.5),))
    assert "1 (75%; next 0, 60% less)" in str(Explanations((one,)))
    screen = Console(file=StringIO(), width=200)
    screen.print(Explanations((one,)))
    assert "0.50 similar to 1: row 3" in screen.file.getvalue()


# --- analogies ---

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
