"""Dates that begin with the year, also as numbers, months and weeks with their year, and times of 12 hours."""

import datetime
import re
from typing import Final

from anyshot.base.written_labels import as_whole

CLOCK: Final = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
"""A time of day, such as 8:30 or 08:30:00.5."""
_ZONE: Final = r"(?:Z|(?:UTC|GMT)?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)|[A-Z]{3,4})"
_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?P<mark>[-/.]|\. )(?P<month>0?[1-9]|1[0-2])(?P=mark)(?P<day>0?[1-9]|[12]\d|3[01])\.?"
    rf"(?:(?:T|,? )(?P<time>{CLOCK}(?: ?[AP]M)?)(?: ?{_ZONE})?)?",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(
    r"(?P<year>(?:1[7-9]|2[01])\d{2})[-/](?P<month>0[1-9]|1[0-2])"
    r"|(?P<first_month>0?[1-9]|1[0-2])/(?P<last_year>(?:1[7-9]|2[01])\d{2})"
)
_WEEK: Final = re.compile(r"(?P<year>(?:1[7-9]|2[01])\d{2})-?W(?P<week>0[1-9]|[1-4]\d|5[0-3])(?:-?(?P<day>[1-7]))?")
_UNITS: Final = re.compile("[\u5e74\u6708\ub144\uc6d4] ?|[\u65e5\uc77c]")
"""Year, month and day after their numbers, in Japanese, Chinese and Korean."""


def date_of_year_first(text: str) -> str | None:
    """Return a date that begins with the year as ISO 8601, a month and a week as their first day; None for others.

    Of a time zone, an abbreviation other than UTC and GMT is left out, as forms of Google write one.

    >>> [date_of_year_first(text) for text in ("2024.5.3", "2024\u5e745\u67083\u65e5", "05/2024", "3.5.2024")]
    ['2024-05-03', '2024-05-03', '2024-05-01', None]
    >>> date_of_year_first("2024-W12")
    '2024-03-18'
    >>> [date_of_year_first(text) for text in ("2024/05/03 2:30 PM EET", "2024-05-03T14:30:00+02")]
    ['2024-05-03 2:30 PM', '2024-05-03 14:30:00 +0200']
    """
    if (found := _MONTH.fullmatch(text)) is not None:
        return f"{found['year'] or found['last_year']}-{int(found['month'] or found['first_month']):02}-01"
    if (found := _WEEK.fullmatch(text)) is not None:
        return _day_of_week(int(found["year"]), int(found["week"]), int(found["day"] or 1)) or text
    if not text.isascii():
        text = _UNITS.sub(lambda unit: "" if unit[0][0] in "\u65e5\uc77c" else "-", text)
    if (found := _DATE.fullmatch(text)) is None:
        return None
    day = f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
    return " ".join(filter(None, (day, found["time"], _offset(found["offset"]))))


def date_in_digits(value: object) -> str | None:
    """Return a number of 8 digits that is a date, or of 14 with the time, as ISO 8601, None for any other value.

    >>> [date_in_digits(value) for value in ("20240503", 20240503.0, 20240532, "2024-05-03", 20240503143000)]
    ['2024-05-03', '2024-05-03', None, None, '2024-05-03 14:30:00']
    """
    text = as_whole(value)
    if not re.fullmatch(r"(19|20)\d{6}(\d{6})?", text):
        return None
    try:
        return str(datetime.datetime.strptime(text, "%Y%m%d%H%M%S") if text[8:] else datetime.date.fromisoformat(text))
    except ValueError:
        return None


def time_of_24_hours(text: str) -> str:
    """Return a time of day with its seconds, and hours of 24; other texts are unchanged.

    >>> [time_of_24_hours(text) for text in ("2:30 PM", "12:05am", "36:00", "8:05:30.5", "1 day")]
    ['14:30:00', '0:05:00', '36:00:00', '8:05:30.5', '1 day']
    """
    found = re.fullmatch(r"(\d{1,2}):([\d:.]+?)(?: ?([AP])M)?", text, re.IGNORECASE)
    if found is None:
        return text
    hour, rest, half = int(found[1]), found[2], (found[3] or "").upper()
    hour = hour % 12 + 12 * (half == "P") if half and hour <= 12 else hour
    return f"{hour}:{rest}" if ":" in rest else f"{hour}:{rest}:00"


def is_season(text: str) -> bool:
    """Return whether a text may be a year and the next one, as of schools and sports.

    >>> is_season("2011/12"), is_season("2011/11")
    (True, False)
    """
    return re.fullmatch(r"\d{4}/\d\d", text) is not None and (int(text[:4]) + 1) % 100 == int(text[5:])


def _day_of_week(year: int, week: int, day: int) -> str | None:
    """Return the date of a day of a week of ISO 8601, None if the year has no such week."""
    try:
        return datetime.date.fromisocalendar(year, week, day).isoformat()
    except ValueError:
        return None


def _offset(written: str | None) -> str:
    """Return an offset from UTC with two digits of hours and of minutes."""
    if not written:
        return ""
    digits = written[1:].replace(":", "")
    return f"{written[0]}{digits[:-2].zfill(2)}{digits[-2:]}" if len(digits) > 2 else f"{written[0]}{digits.zfill(2)}00"
