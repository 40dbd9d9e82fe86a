"""The encoding of a text whose letters are one byte each, recognized by the alphabets of languages.

An encoding reads bytes as letters. In the right one, the letters that are not ASCII are those of one language, at
positions in words where it has them. In others, they are letters of several languages, or capitals and signs in words.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

ALPHABETS: Final = {
    "German": ("äöüß", "é"),
    "French": ("éàèêçœ", "âîôûùïë"),
    "Spanish": ("áéíóñú", "ü"),
    "Portuguese": ("ãçáéíóê", "âôõúàü"),
    "Italian": ("èàùòìé", "áíóú"),
    "Dutch": ("éë", "ïèöüó"),
    "Swedish": ("åäö", "é"),
    "Danish": ("æøå", "éö"),
    "Finnish": ("äö", "å"),
    "Icelandic": ("áðíéþóæöúý", ""),
    "Catalan": ("àèéíòóç", "ïúü"),
    "Polish": ("ąęłóżść", "ńź"),
    "Czech": ("áíéěščřžý", "ůúťďňó"),
    "Slovak": ("áíčéžšýľť", "úôňďäóŕĺ"),
    "Croatian": ("čćšž", "đ"),
    "Hungarian": ("áéőöóü", "íúű"),
    "Romanian": ("ăîâşţ", ""),
    "Lithuanian": ("ėšųžūčą", "įę"),
    "Latvian": ("āīēšū", "ņļžčķģ"),
    "Estonian": ("äõöü", "šž"),
    "Turkish": ("ışçğüö", "İâîû"),
    "Russian": ("оеаинтсрвлкмдпуяыь", "гзбчйхжшюцщэфъё"),
    "Ukrainian": ("оаніирвтесклудмпзяь", "бгйчхцїюєжшщфґ"),
    "Serbian": ("аиоенрсткјвдмплгуз", "бчшжцхфљњћђџ"),
    "Bulgarian": ("аиоентрсвлкдпмзгяъу", "бчйжщхцшюфь"),
    "Greek": ("ατοιενρσκηπςυμλίόάγέ", "δήωχθύώφβξζψϊϋ"),
}
"""Letters of languages that are not ASCII: those that are frequent, and the others."""
ENCODINGS: Final = (
    *("cp1252", "cp1250", "cp1257", "cp1254", "cp1251", "cp1253"),
    *("iso8859_2", "cp850", "cp852", "cp866", "koi8_r", "mac_roman"),
)
"""Encodings that are compared. Where several read the same letters, the first is named."""
SIGNS: Final = frozenset("„“”\u201a\u2018\u2019\u2013—…«»€£§°¿¡ªº©®™½²µ\u00d7\u2022\u00b4\u2039\u203a·¨¢¬¦±÷")
"""Signs that texts have, not within words."""
_BESIDE_NO_LETTER: Final = frozenset("¹³¼¾¥‰\u2020\u2021\u0192\u02c6\u02dc¤\u00b8¯")
"""Signs that other encodings have as letters, and thus signs where no letter is beside them."""
ENOUGH: Final = 0.9
"""Share of letters and signs that a language must have: the others may be in names."""
CLOSE: Final = 0.03
"""Difference of two readings that does not decide between them."""
USUAL: Final = 0.15
"""Difference up to which Windows-1252 is taken, in which most of such files are."""
FEW: Final = 3
"""Letters that encodings other than those of Windows need: fewer may be damage, or single foreign words."""
FREQUENT: Final = 0.3
"""What a frequent letter counts in addition."""


class _Reading(NamedTuple):
    share: float  # of signs and letters that one language has
    score: float
    encoding: str
    text: str
    n_letters: int


def encodings_by_letters(sample: bytes) -> list[str]:
    """Return the encoding that reads words of one language; several if they read them equally well, none if none does.

    Windows-1252, in which most of such files are, is taken where no other is much better.

    >>> encodings_by_letters("gęś, żółw".encode("cp1250")), encodings_by_letters("für, öfter, größer".encode("cp850"))
    (['cp1250'], ['cp850'])
    """
    readings = [one for one in _readings(sample) if one.share >= ENOUGH]
    if not readings:
        return []
    first = max(readings, key=lambda one: one.score)  # the first of equal ones
    as_sure = [one for one in readings if one.share >= first.share]
    difference = USUAL if first.n_letters >= FEW and first.encoding.startswith("cp125") else 1.0
    if as_sure[0].encoding == "cp1252" and as_sure[0].score > first.score - difference:
        return ["cp1252"]
    close = [one for one in as_sure if one.score > first.score - CLOSE]
    return [first.encoding, *(one.encoding for one in close if one.text != first.text)]


def _readings(sample: bytes) -> Iterator[_Reading]:
    """Yield the text in each encoding that can read it, with the language whose letters it has most."""
    for encoding in ENCODINGS:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        n, letters = _letters(text)
        if n < FEW and not encoding.startswith("cp125"):
            continue
        share, score = max((_share(letters, name) for name in ALPHABETS), key=lambda one: one[1])
        shares = (share / n, score / n) if n else (1.0, 1.0 + FREQUENT)
        yield _Reading(*shares, encoding, text, n)


def _letters(text: str) -> tuple[int, list[tuple[str, str, str]]]:
    """Return how many characters count, and those at positions of letters, with the characters before and after."""
    n, letters = 0, []
    for before, letter, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if letter < "\x80" or letter in "\u2013\u2014\u2019\u2022\xb7\xa0\xad\xd7" or _is_sign(before, letter, after):
            continue
        n += 1
        mixes = letter > "\u0370" and any(one.isascii() and one.isalpha() for one in (before, after))
        if letter.isalpha() and not mixes and not (letter.isupper() and before.islower()):
            lower = letter.lower()
            letters.append((before, lower if len(lower) == 1 else letter, after))
    return n, letters


def _is_sign(before: str, letter: str, after: str) -> bool:
    """Return whether a character between these two is a sign, such as a quotation mark, and no letter."""
    if letter in _BESIDE_NO_LETTER:
        return not after.isalpha() and (not before.isalpha() or (before + letter).lower() == "m³")
    return letter in SIGNS and not (before.isalpha() and after.isalpha())


def _share(letters: list[tuple[str, str, str]], language: str) -> tuple[int, float]:
    """Return how many letters are of a language, and their score."""
    frequent, others = ALPHABETS[language]
    own = [one[1] for one in letters if one[1] in frequent + others and _is_possible(*one, language)]
    return len(own), len(own) + FREQUENT * sum(letter in frequent for letter in own)


def _is_possible(before: str, letter: str, after: str, language: str) -> bool:
    """Return whether a letter may occur between these characters in words of a language."""
    if letter == "\u03c2" or language == "Italian":  # a final sigma
        return not after.isalpha()
    if letter in "śćńź" and language == "Polish":  # before vowels they are si, ci, ni, zi
        return after.lower() not in "aeiouy"
    if letter == "ū":
        return before.lower() != "o"
    if letter == "ç" and language != "Turkish":
        return not after.isalpha() or after.lower() in "aouáàâãóòõôúû"
    if letter in "ãõ" and language == "Portuguese":
        return after.lower() in "eo" or (letter == "ã" and (not after.isalpha() or after in "sS"))
    if letter in "ýþ" and language == "Icelandic":
        return after.isalpha() and (letter == "ý" or not before.isalpha())
    return True
