import pytest

from anyshot.data.month_names import date_in_numbers, is_short_year

DATES = (
    "3 March 2024",
    "3rd Mar. 2024",
    "March 3rd, 2024",
    "03-MAR-2024",
    "3. März 2024",
    "3. Mrz. 2024",
    "3/Mar/2024",
    "3 mars 2024",
    "3 de marzo de 2024",
    "3 março 2024",
    "3 maart 2024",
    "3 mart 2024",
    "2024. március 3.",
    "2024. márc. 3.",
    "3 marca 2024",
    "3. března 2024",
    "3 mars 2024",
    "3 martie 2024",
    "Sunday, March 3, 2024",
)


@pytest.mark.parametrize("text", DATES)
def test_dates_are_read_in_the_languages_of_spreadsheets(text):
    assert date_in_numbers(text) == "2024-03-03"


def test_a_date_keeps_its_time_and_a_month_alone_begins_on_its_first_day():
    assert date_in_numbers("Sun, 03 Mar 2024 14:30:00 +0000") == "2024-03-03 14:30:00 +0000"
    assert date_in_numbers("marzo 2024") == "2024-03-01"
    assert [date_in_numbers(text) for text in ("3 KASIM 2024", "3 HAZ\u0130RAN 2024")] == ["2024-11-03", "2024-06-03"]


@pytest.mark.parametrize(
    "text",
    ["10 items 2024", "marathon 3 2024", "3 March", "due 3 March 2024", "3 March 24", "MAR-1000", "SEP 7413"],
)
def test_other_texts_are_no_dates(text):
    assert date_in_numbers(text) is None


def test_months_with_years_of_two_digits_are_known():
    assert all(map(is_short_year, ["Mar-24", "3-Mar-24", "Mrz 24", "Mar '24"]))
    assert not any(map(is_short_year, ["Max-24", "Mar-2024", "24-03"]))
