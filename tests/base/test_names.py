import warnings

import pytest

from anyshot.base.names import clean_name, clean_names, is_blank


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        (" cat\t", "cat"),
        ("late\u00a0parcel", "late parcel"),
        ("zero\u200bwidth", "zerowidth"),
        ("cafe\u0301", "caf\u00e9"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),  # Persian needs its joiner
        ("Straße", "Straße"),
    ],
    ids=ascii,
)
def test_names_are_written_in_one_way(written, clean):
    assert clean_name(written) == clean
    assert clean_name(clean) == clean


def test_clean_names_are_returned_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clean_names(["a", 1, None, "caf\u00e9"]) == ["a", 1, None, "caf\u00e9"]


def test_the_warning_counts_the_names_that_changed():
    with pytest.warns(UserWarning, match=r"2 of 3 columns have spaces .* such as 'a '\. They are read as 'a'"):
        assert clean_names(["a ", "b", "a "], what="columns") == ["a", "b", "a"]


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164 \u2800", "\ufeff\u00a0", "\x00\x07"], ids=ascii)
def test_texts_that_show_nothing_are_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", ".", "\u200ba", "1", "\U0001f642", "\u0e01"], ids=ascii)
def test_texts_that_show_something_are_not_blank(text):
    assert not is_blank(text)
