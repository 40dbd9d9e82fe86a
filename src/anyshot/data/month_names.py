"""Dates with the name of a month, in the languages in which spreadsheets and mails write them."""

import re
from typing import Final

_NAMES: Final = (
    "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari styczeń stycznia leden ledna "
    "január ianuarie ocak",
    "feb february februar février fevrier févr fevr febr fév fev febrero febbraio fevereiro februari luty lutego "
    "únor února február februarie şubat",
    "mar march märz maerz mär mrz mars marzo março marco maart mrt marzec marca březen března március martie mart márc",
    "apr april avril avr abril abr aprile kwiecień kwietnia duben dubna április aprilie nisan ápr",
    "may mai mayo maggio mag maio mei maj maja květen května május may\u0131s máj",
    "jun june juni juin junio giugno giu junho czerwiec czerwca červen června június iunie haziran jún",
    "jul july juli juillet juil julio luglio lug julho lipiec lipca červenec července július iulie temmuz júl",
    "aug august août aout agosto ago augustus augusti sierpień sierpnia srpen srpna augusztus ağustos",
    "sep sept szept september septembre septiembre settembre set setembro wrzesień września září "
    "szeptember septembrie eylül",
    "oct october oktober okt octobre octubre ottobre ott outubro out październik października říjen října "
    "október octombrie ekim",
    "nov november novembre noviembre novembro listopad listopada listopadu noiembrie kas\u0131m",
    "dec december dezember dez décembre decembre déc diciembre dic dicembre dezembro grudzień grudnia prosinec "
    "prosince decembrie aral\u0131k",
)
"""Each month in English, German, French, Spanish, Italian, Portuguese and Dutch, whole and short.

Those in Swedish, Polish, Czech, Romanian and Turkish are whole, those in Hungarian also short.
"""
_DOTLESS: Final = str.maketrans({"\u0131": "i", "\u0307": None})  # in Turkish capitals, I is without a dot
_NUMBERS: Final = {
    name.translate(_DOTLESS): number for number, names in enumerate(_NAMES, start=1) for name in names.split()
}
_MONTH: Final = r"(?P<{0}>[^\W\d_]{{3,12}})\.?"
_DAY: Final = r"(?P<{0}>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?"
_OF: Final = r"(?:[ ./-]|[. ] ?(?:de |of )?)"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_YEAR: Final = r"(?P<year>(?:1[7-9]|2[01])\d{2})"  # others are numbers of things: MAR-1000
_CLOCK: Final = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?: ?[AP]M)?(?: ?(?:[+-]\d{2}:?\d{2}|Z|UTC|GMT))?"
_DAY_FIRST: Final = _DAY.format("day") + _OF + _MONTH.format("month")
_MONTH_FIRST: Final = f"{_MONTH.format('first_month')}(?: {_DAY.format('second_day')})?"
_DATE: Final = re.compile(
    rf"{_WEEKDAY}(?:{_DAY_FIRST}|{_MONTH_FIRST}),?{_OF}{_YEAR}(?:(?:,? |T)(?P<time>{_CLOCK}))?",
    re.IGNORECASE,
)
_HUNGARIAN: Final = re.compile(r"(\d{4})\. ?([^\W\d_]{3,10})\.? (\d{1,2})\.")
_SHORT_YEAR: Final = re.compile(rf"(?:\d{{1,2}}[ ./-])?{_MONTH.format('month')}(?:[ ./-]'?|')\d{{2}}", re.IGNORECASE)


def date_in_numbers(text: str) -> str | None:
    """Return a date that names its month in numbers, with its time, and without a day as the first; None for others.

    >>> [date_in_numbers(text) for text in ("3. März 2024", "Mar 3, 2024 2:30 PM", "mars 2024", "marathon 3, 2024")]
    ['2024-03-03', '2024-03-03 2:30 PM', '2024-03-01', None]
    """
    if (found := _DATE.fullmatch(_HUNGARIAN.sub(r"\3 \2 \1", text))) is None:
        return None
    month = _NUMBERS.get((found["month"] or found["first_month"]).casefold().translate(_DOTLESS))
    if month is None:
        return None
    day = int(found["day"] or found["second_day"] or 1)
    return f"{found['year']}-{month:02}-{day:02} {found['time'] or ''}".rstrip()


def is_short_year(text: str) -> bool:
    """Return whether a text is the name of a month with a year of two digits, with a day or without: Mar-24.

    >>> is_short_year("Mar-24"), is_short_year("3-Mar-24"), is_short_year("Max-24")
    (True, True, False)
    """
    found = _SHORT_YEAR.fullmatch(text)
    return found is not None and found["month"].casefold().translate(_DOTLESS) in _NUMBERS
