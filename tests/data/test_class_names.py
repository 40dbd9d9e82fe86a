"""Names of classes between commas, and names of files that have them."""

import pytest

from anyshot.data.class_names import is_class_file, listed_classes
from anyshot.errors import InputError


@pytest.mark.parametrize("name", ["a.txt", "a.JSON", "a.csv.gz", "~/a b.xlsx"])
def test_a_file_of_classes_is_known_by_its_end(name):
    assert is_class_file(name)
    assert not is_class_file(f"{name},b")


def test_names_are_cleaned_and_one_with_a_comma_is_quoted():
    assert listed_classes(" billing,\ufefflost parcel") == ["billing", "lost parcel"]
    assert listed_classes('news,"sports, games"') == ["news", "sports, games"]


def test_a_quote_that_is_not_closed_is_refused():
    with pytest.raises(InputError, match=r'Write "a, b",c for a name with a comma'):
        listed_classes('"sports, games,news')


@pytest.mark.parametrize("text", ["billing;delivery;login", "billing delivery", "billing/delivery"])
def test_names_between_other_marks_are_refused(text):
    with pytest.raises(InputError, match="Put commas between names"):
        listed_classes(text)


@pytest.mark.parametrize("text", ["[billing, delivery]", '["billing", "delivery"]', "{billing,delivery}"])
def test_names_in_brackets_are_refused(text):
    with pytest.raises(InputError, match=r"are in brackets\. Write names between commas alone: a,b,c"):
        listed_classes(text)
    assert listed_classes("sports (ball), [x]y") == ["sports (ball)", "[x]y"]


@pytest.mark.parametrize("text", ["", "a,,b", '"a, b",'])
def test_an_empty_name_between_commas_is_refused(text):
    with pytest.raises(InputError, match="have an empty name"):
        listed_classes(text)
