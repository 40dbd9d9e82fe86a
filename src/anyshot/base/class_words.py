"""The words that the texts of a class contain, as a user writes them down."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from anyshot.base.messages import first_of, warn
from anyshot.base.terminal import whole_characters
from anyshot.errors import ClassesError

MAX_WORDS: Final = 200
"""Most words of one class. Ten to twelve are enough; a text or a whole vocabulary was probably meant otherwise."""


@dataclass(frozen=True, init=False, repr=False)
class Words:
    """Words that the texts of a class contain, in place of or in addition to the words that are found for its name.

    Parameters
    ----------
    *words : str or iterable of str
        One text is split at commas, semicolons and line breaks if it has any, else at spaces. Of several texts, or a
        list, each is a word or an expression. +word is a word to add, and -word one to drop. Words without letters,
        such as numbers, are left out with a warning, and repeated ones, whatever their case.
    add : str or iterable of str
        Words in addition to those that are found for the name of the class, or to `words`.
    drop : str or iterable of str
        Words that do not count for the class, even if they are found for its name.

    Raises
    ------
    ClassesError
        Something else than texts is given, or more than `MAX_WORDS` words; or a word is to be added and dropped. Where
        no word is left, the class is refused by its name.

    Examples
    --------
    >>> Words("good great  excellent"), Words("money back, refund")
    (Words('good, great, excellent'), Words('money back, refund'))
    >>> Words(add="cash", drop=["free"]).chosen_from(["prize", "free"])
    ('prize', 'cash')
    """

    words: tuple[str, ...]
    """The words themselves; if there are none, those that are found for the name of the class count."""
    add: tuple[str, ...]
    drop: tuple[str, ...]

    def __init__(
        self, *words: str | Iterable[str], add: str | Iterable[str] = (), drop: str | Iterable[str] = ()
    ) -> None:
        given = words[0] if len(words) == 1 else words
        listed = _listed(given)
        marked = {mark: [word[1:] for word in listed if word[0] == mark] for mark in "+-"}
        fields = {
            "words": tuple(word for word in listed if word[0] not in marked),
            "add": _distinct([*_listed(add), *_listed(marked["+"])]),
            "drop": _distinct([*_listed(drop), *_listed(marked["-"])]),
        }
        both = _keys(fields["drop"]) & _keys((*fields["words"], *fields["add"]))
        if both:
            raise ClassesError(f"Words adds and drops {min(both)!r}. Give it once.")
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # the class is frozen

    def __repr__(self) -> str:
        own = [repr(", ".join(self.words))] if self.words else []
        changes = [f"{name}={', '.join(value)!r}" for name, value in self._fields()[1:] if value]
        return f"Words({', '.join(own + changes)})"

    @classmethod
    def read(cls, *given: str | Iterable[str]) -> Self:
        """Return the words that are written in several texts or lists, each of which is read like a single one.

        >>> Words.read("prize, winner"), Words.read("+cash -free", ["+money back"])
        (Words('prize, winner'), Words(add='cash, money back', drop='free'))
        """
        return cls(_listed([part for one in given for part in _parts(one)]))

    @classmethod
    def joined(cls, several: Sequence[Self]) -> Self:
        """Return the words of several classes that become one; a word that any of them has is not dropped.

        >>> Words.joined([Words("prize"), Words("winner", drop="free"), Words(add="cash free")])
        Words('prize, winner', add='cash, free')
        """
        words, add, drop = ([word for own in several for word in own._fields()[k][1]] for k in range(3))
        kept = _keys([*words, *add])
        return cls(words, add=add, drop=[word for word in drop if word.casefold() not in kept])

    @property
    def given(self) -> tuple[str, ...]:
        """The words that the user gave, which count whatever words are found for the name of the class."""
        return (*self.words, *self.add)

    def chosen_from(self, found: Collection[str]) -> tuple[str, ...]:
        """Return the words of the class, where `found` are those that were found for its name."""
        dropped = _keys(self.drop)
        chosen = _distinct((*(self.words or found), *self.add))
        return tuple(word for word in chosen if word.casefold() not in dropped)

    # --- saving ---

    def facts(self) -> dict[str, list[str]]:
        """Return the words as JSON values."""
        return {name: list(value) for name, value in self._fields() if value}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the words that were saved as `facts`."""
        return cls(facts.get("words", ()), add=facts.get("add", ()), drop=facts.get("drop", ()))

    def _fields(self) -> list[tuple[str, tuple[str, ...]]]:
        return [("words", self.words), ("add", self.add), ("drop", self.drop)]


def _listed(given: object) -> tuple[str, ...]:
    """Return the distinct words of one text or of several; raise ClassesError for what cannot be a word.

    Warns of those without letters among others, which an encoder can make nothing of. If all are, there is no word.
    """
    parts = _parts(given)
    for part in parts:
        if not isinstance(part, str):
            raise ClassesError(f"Words must be texts; got {part!r} of type {type(part).__name__}.")
        if whole_characters(part) != part:
            raise ClassesError(f"The word {part!r} has an unpaired surrogate, half of a character. Remove it.")
    bare = [str(part) for part in parts if not any(map(str.isalpha, str(part)))]
    if 0 < len(bare) < len(parts):
        first = first_of([repr(word.strip()) for word in bare], at_most=5)
        warn(f"Words must have letters, so these are left out: {first}.")
    words = _distinct(" ".join(str(part).split()) for part in parts if part not in bare)
    if len(words) > MAX_WORDS:
        raise ClassesError(
            f"Words has {len(words)} words, the first {words[0]!r}; it may have {MAX_WORDS}. Ten to twelve are enough. "
            "Give a sentence or a text as a description."
        )
    return words


def _parts(given: object) -> list[object]:
    """Return what is given as words: one text split, or several."""
    if isinstance(given, str):
        separator = r"[,;\r\n]" if re.search(r"[,;\n]", given) else r"\s"
        return [part for part in re.split(separator, given) if part.strip()]
    return list(given) if isinstance(given, Iterable) and not isinstance(given, bytes | Mapping) else [given]


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words without those that were there before, in any case."""
    first: dict[str, str] = {}
    for word in words:
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def _keys(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}
