"""Explanations print as text and tables."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from anyshot import AnyShotClassifier, Words
from anyshot.any_shot.explanation import Explanation, Explanations, Neighbor
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import unit

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
        "billing (75 %; next login 15 %): I was [bold]charged twice",
        '  most similar text of billing: "invoices <and> charges"',
        "  0.81 similar to billing: refund [bold]me",
        "  0.10 similar to login: cannot sign in",
    ]


def test_long_names_and_texts_of_classes_are_shortened():
    name = f"{'late parcels, ' * 20}and others"
    long = replace(ONE, label=name, runner_up=name, matched=name, neighbors=(Neighbor("refund me", name, 0.8),))
    for shown in (long, replace(long, is_known=False)):
        assert max(map(len, str(shown).splitlines())) < 200
        assert "and others" in str(shown)
        assert name not in Explanations((shown,))._repr_html_()


def test_the_explanation_of_an_unknown_item_names_the_closest_class():
    assert FAR.answer == "unknown"
    assert FAR.reasons() == ["the closest class is billing, but it is not close enough"]
    assert str(FAR).startswith(f"unknown (next billing {100 * FAR.probability:.0f} %): ")
    assert "<td>unknown</td><td>-</td>" in Explanations((FAR,))._repr_html_()


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
    for words in (
        "I was [bold]charged twice",
        "75 %",
        "15 % ",
        "refund [bold]me",
        "not close enough",
        "unknown",
    ):
        assert words in printed


def test_the_notebook_shows_a_table_with_escaped_html():
    html = Explanations((ONE, FAR))._repr_html_()
    assert html.count("<tr>") == 3
    assert "invoices &lt;and&gt; charges" in html
    assert "<and>" not in html
    assert "<td>login<br>15 %</td>" in html
    assert "charges&quot;<br>0.81 similar to billing: refund [bold]me<br>" in html


def test_labels_that_are_numbers_print_too():
    one = replace(ONE, label=1, runner_up=0, neighbors=(Neighbor("row 3", 1, 0.5),))
    assert "1 (75 %; next 0 15 %)" in str(Explanations((one,)))
    screen = Console(file=StringIO(), width=200)
    screen.print(Explanations((one,)))
    assert "0.50 similar to 1: row 3" in screen.file.getvalue()


class KnownColors:
    """An image encoder of 3 numbers, the mean of red, green and blue, with the classifier that it was trained with."""

    modality, width = "image", 3
    classifier = LinearClassifier(4 * np.eye(3, dtype=np.float32), (("strawberry",), ("cucumber",), ("ocean",)))

    def encode(self, inputs):
        return unit(np.array([np.asarray(image, dtype=np.float32).mean(axis=(0, 1)) for image in inputs]))


def test_classes_from_another_domain_are_not_explained_by_their_names():
    images = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    clf = AnyShotClassifier([1, 2], encoder=KnownColors(), cache=False).fit(source=(images, [1, 2]))
    first, second = clf.explain(images)
    assert (first.label, second.label) == (1, 2)
    assert first.analogy is None


def test_an_explanation_names_the_most_similar_words_of_the_class(letters):
    clf = AnyShotClassifier({"left": Words("aaa aab bbb"), "right": Words("yyy zzz")}, encoder=letters, cache=False)
    (one,) = clf.fit().explain(["aaaa b"])
    assert one.words == ("aab", "aaa", "bbb")
    assert one.reasons()[1] == "most similar words of left: aab, aaa, bbb"
    denying = AnyShotClassifier(["joy", "not joy"], encoder=letters, cache=False).fit()
    assert [one.words == () for one in denying.explain(["happy glad", "vvv"])] == [False, True]


def test_the_columns_of_a_row_that_count_most_are_named():
    random, labels = np.random.default_rng(0), np.arange(40) % 2
    table = pd.DataFrame({"age": random.normal(size=40), "city": np.where(labels, "Rome", "Oslo")})
    table["income"] = random.normal(size=40) + 2 * labels
    clf = AnyShotClassifier(encoder="table", cache=False).fit(table, labels)
    row = pd.DataFrame({"age": [0.1], "city": ["Oslo"], "income": [9.0]})
    (found,) = clf.explain(row, k=1)
    assert (found.label, found.columns) == (1, ("income",))
    assert found.reasons()[0] == "columns that count most for 1: income"
    assert clf.explain(row.assign(income=0.5), k=1)[0].columns[0] == "city"
    of_array = AnyShotClassifier(encoder="table", cache=False).fit(table[["age", "income"]].to_numpy(), labels)
    assert of_array.explain([[0.1, 9.0]], k=1)[0].columns == ("1",)
    assert AnyShotClassifier(encoder="vectors", cache=False).fit(np.eye(2), [0, 1]).explain(np.eye(2))[0].columns == ()
