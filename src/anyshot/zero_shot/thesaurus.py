"""A thesaurus of class names: the words that texts of a class contain, for the names that people use most.

The bundled list thesaurus.json was written from knowledge of the language, without looking at any data set. It has
four tables:

- words: the words of each name;
- aliases: other names, each with the name whose words it has;
- senses: for names with several senses, the name whose words it has beside some other class. "normal" beside "urgent"
  is a priority, and beside "spam" a message;
- general: words that say what kind of item a class contains. "spam messages" means what "spam" means.

All names are in their normal form.
"""

import json
import re
from collections.abc import Collection
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple

from anyshot import data
from anyshot.zero_shot.class_names import normal_form

JOINED: Final = re.compile(r"\s*(?:[&/,+]|\band\b|\bor\b)\s*")
"""What joins the parts of a name."""


class Thesaurus(NamedTuple):
    """The tables of the bundled list."""

    words: dict[str, str]  # the words of each name, separated by commas
    aliases: dict[str, str]
    senses: dict[str, dict[str, str]]
    general: str


def lookup(name: object, *, beside: Collection[object] = ()) -> tuple[str, ...]:
    """Return the words that texts of a class with this name contain, from the bundled list; none if it is not listed.

    Case, number and punctuation are ignored. A name that is not listed is looked up without general words at its end
    and its beginning, such as "message" or "intent". A name that joins several, such as "society & culture", has words
    of each.

    name: of the class; beside: names of the other classes, which decide between the senses of a name.

    Examples
    --------
    >>> lookup("SPAM messages")[:4], lookup("ham", beside=["spam"])[:4], lookup("zyzzyva")
    (('prize', 'winner', 'free', 'cash'), ('meet', 'home', 'later', 'dinner'), ())
    >>> lookup("science & mathematics")[:4]
    ('scientists', 'equation', 'research', 'theorem')
    """
    listed = listed_name(name, beside=beside)
    parts = [name] if listed is not None else JOINED.split(str(name))
    names = [listed_name(part, beside=beside) for part in parts]
    words = [_listed().words[own].split(", ") for own in names if own is not None]
    if len(words) < len(parts):
        return ()
    in_turn = (word for row in zip_longest(*words) for word in row if word is not None)
    return tuple(dict.fromkeys(in_turn))[: max(map(len, words)) + 3 * (len(words) - 1)]


def listed_name(name: object, *, beside: Collection[object] = ()) -> str | None:
    """Return the name under which the words of a name are listed, as for `lookup`; None if it is not listed.

    >>> listed_name("no findings"), listed_name("normal", beside=["urgent"])
    ('normal', 'routine')
    """
    listed = _listed()
    for form in forms_of(name):
        senses = listed.senses.get(form, {})
        others = (own for other in beside for own in forms_of(other)) if senses else ()
        found = next((senses[other] for other in others if other in senses), listed.aliases.get(form, form))
        if found in listed.words:
            return found
    return None


def listed_names() -> tuple[str, ...]:
    """Return the names that have words in the bundled list, and their aliases, in normal form."""
    listed = _listed()
    return (*listed.words, *listed.aliases)


def sample_of_words(n: int) -> tuple[str, ...]:
    """Return `n` of all words in the bundled list, evenly spaced in the order of the alphabet: words of any text."""
    distinct = sorted({word for text in _listed().words.values() for word in text.split(", ")})
    return tuple(distinct[len(distinct) * number // n] for number in range(n))


def forms_of(name: object) -> list[str]:
    """Return the normal form of a name, and the same without general words at its end, and also at its beginning."""
    words, general = normal_form(str(name)).split(), _listed().general.split(", ")
    forms = [" ".join(words)]
    while len(words) > 1 and words[-1] in general:
        words = words[:-1]
        forms.append(" ".join(words))
    while len(words) > 1 and words[0] in general:
        words = words[1:]
        forms.append(" ".join(words))
    return forms


@cache
def _listed() -> Thesaurus:
    path = Path(data.__file__).with_name("thesaurus.json")  # importlib.resources needs 30 ms for its first file
    return Thesaurus(**json.loads(path.read_text(encoding="utf-8")))
