"""Class embeddings (c, d) from class names, descriptions and words, and how far they lie apart."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from anyshot.base.labels import Label, look_of
from anyshot.base.messages import warn
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import ClassesError, InputError
from anyshot.zero_shot.class_texts import ClassTexts, Reading, has_letters, own_readings
from anyshot.zero_shot.spellings import as_words

Embed: TypeAlias = Callable[[Sequence[str]], Vectors]  # texts -> unit-length vectors (n, d)

TEXT_TEMPLATES = ("{}", "The topic is {}.")
WORD_TEMPLATES = ("{}", "It was {}.")
IMAGE_TEMPLATES = ("a photo of a {}",)  # for models trained on captions, such as CLIP

# "refund not showing up" is nearly a sentence and best embedded by itself; "spam" or "positive" needs a sentence around
# it. Accuracy without a label, mean over the train rows of fourteen text sets: bare name 61.3, the sentence 63.2, both
# 63.3. "{} message" and "I have a question about {}." beside them added 0.4 and 0.1, nothing on the four sets that had
# no part in any choice, and lost 0.9 to 2.1 by themselves where names are abstract nouns ("joy", "disappointment").
MAX_NAME_COUNT = 3
"""The bare name counts among the templates as often as it has words, but at most this many times."""

ABBREVIATED: int = 4
"""Most letters of an abbreviation."""

DUPLICATE_COSINE = {False: 0.97, True: 0.995}
"""Cosine of two class embeddings from which a warning is given: of texts, and over the bridge of an image network."""

LEAST_SPREAD = 0.05
"""Smallest spread of class vectors that counts, so that those of synonyms do not make predictions certain."""

_BLOCK = 1024  # rows of class embeddings compared at once: 10,000 classes need 40 MB instead of 400


def embed_classes(
    texts: ClassTexts,
    embed: Embed,
    *,
    templates: str | Sequence[str] = TEXT_TEMPLATES,
    word_templates: str | Sequence[str] = WORD_TEMPLATES,
    read_by: Sequence[Reading] | None = None,
    word_width: int = 0,
) -> Vectors:
    """Return one unit-length vector for each class (c, d): the mean of the unit vectors of its name, texts and words.

    The vector of the name is a mean over `templates`, in which the bare name counts as often as it has words, up to
    three times. Descriptions are embedded as they are. Words give a vector for each of `word_templates`, the mean over
    all words; words of similar names give one vector for all sentences. A text without letters, such as the number of a
    class, is left out; a class without any other text gets a vector of zeros.

    texts: from `describe`; embed: texts to unit-length vectors (n, d), as an encoder's `encode`, called once, with
    distinct texts; templates: sentences with ``{}`` for the name, `TEXT_TEMPLATES` for texts, `IMAGE_TEMPLATES` for an
    image-text model; word_templates: the same for words; read_by: the words of each class, by default the user's own;
    word_width: how many numbers at the end of a vector say which words a text contains. They are zero for a class
    without words: a name is not made of the words that texts of the class contain (banking77 would lose 0.9 points
    without a label).

    Raises ClassesError if there is no class. Raises InputError if there is no template, or one has no ``{}``.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021, section 3.1.4
    (ensembles of templates, averaged over vectors).
    """
    phrases, word_phrases = _checked_templates(templates), _checked_templates(word_templates)
    if not texts.names:
        raise ClassesError("There are no classes to embed. Name at least one.")
    words = own_readings(texts) if read_by is None else read_by
    groups = [_sentences(own, phrases, reading, word_phrases) for own, reading in zip(texts.texts, words, strict=True)]
    distinct = [text for own in groups for group in own for text in group]
    row_of, table = _embedded(distinct or [str(texts.names[0])], embed)  # any text, to learn the width
    found = np.zeros((len(groups), table.shape[1]), np.float32)
    for row, own in enumerate(groups):
        if own:
            means = [table[[row_of[text] for text in group]].mean(axis=0) for group in own]
            found[row] = unit(np.stack(means)).mean(axis=0)
            if not words[row].words:
                found[row, table.shape[1] - word_width :] = 0
    return unit(found)  # (c, d)


def without_codes(texts: ClassTexts, embed: Embed, *, templates: str | Sequence[str] = TEXT_TEMPLATES) -> ClassTexts:
    """Return the texts with "" for each name that says nothing to the encoder beside its description.

    A code such as "acq" for "mergers and acquisitions" abbreviates its description, or is nearer to a description of
    another class than to its own. If each class has a description and one name is a code, all names are left out:
    read by descriptions alone, classes are read alike (six topics of reuters, train rows, no label: 70 % with all
    names, 74 without the codes, 79 without names). Classes without a description stay as they are. embed, templates:
    as for `embed_classes`.
    """
    texts_of = {row: [text for text in own[1:] if has_letters(text)] for row, own in enumerate(texts.texts)}
    described = [row for row, own in texts_of.items() if own and has_letters(texts.texts[row][0])]
    flat = [(row, text) for row, own in texts_of.items() for text in own]
    if not described or len({row for row, _ in flat}) < 2:
        return texts
    row_of, table = _embedded([text for _, text in flat], embed)
    names = replace(texts, texts=tuple(own[:1] for own in texts.texts), words=()).of(described)
    cosines = embed_classes(names, embed, templates=templates) @ table[[row_of[text] for _, text in flat]].T
    own = np.array(described)[:, None] == np.array([row for row, _ in flat])  # (k, n descriptions)
    codes = np.where(own, cosines, -1).max(axis=1) < np.where(own, -1, cosines).max(axis=1)
    codes |= [any(abbreviates(texts.texts[row][0], text) for text in texts_of[row]) for row in described]
    alike = codes.any() and all(texts_of.values())
    blank = {row for row, is_code in zip(described, codes, strict=True) if is_code or alike}
    return replace(texts, texts=tuple(("", *own[1:]) if k in blank else own for k, own in enumerate(texts.texts)))


def abbreviates(name: str, text: str) -> bool:
    """Return whether a word of a name is the beginning of a word of a text, or the initials of some of its words.

    A word that the text has as well is no abbreviation.

    Examples
    --------
    >>> [abbreviates(name, "gross national product") for name in ("gnp", "prod", "national", "np growth", "bill")]
    [True, True, False, True, False]
    """
    words = [word for word in re.split(r"[\W\d_]+", text.casefold()) if word]
    initials = "".join(word[0] for word in words)
    parts = [part for part in re.split(r"[\W\d_]+", as_words(name).casefold()) if 1 < len(part) <= ABBREVIATED]
    return any(part in initials or any(word.startswith(part) for word in words) for part in parts if part not in words)


def nearest_text(X: Vectors, index: Indexes, texts: ClassTexts, embed: Embed) -> list[str | None]:
    """Return, for each vector of `X` (n, d), the nearest of the texts of its class `index` (n,).

    None for a class without a text that has letters.
    """
    found = nearest_texts(X, index, texts.texts, embed, n=1)
    return [next(iter(own), None) for own in found]


def nearest_texts(
    X: Vectors, index: Indexes, texts: Sequence[Sequence[str]], embed: Embed, *, n: int
) -> list[tuple[str, ...]]:
    """Return, for each vector of `X` (m, d), the `n` nearest of the texts of its class `index` (m,), the nearest first.

    Texts without letters are left out.
    """
    candidates = {int(row): [text for text in texts[row] if has_letters(text)] for row in index}
    distinct = [text for own in candidates.values() for text in own]
    if not distinct:
        return [()] * len(index)
    row_of, table = _embedded(distinct, embed)
    found = []
    for row, vector in zip(index, X, strict=True):
        own = candidates[int(row)]
        cosines = table[[row_of[text] for text in own]] @ vector
        found.append(tuple(own[k] for k in np.argsort(-cosines, kind="stable")[:n]))
    return found


def scale_by_spread(class_vectors: Vectors) -> float:
    """Return the factor of the scores of class vectors (c, d), which are of length 1, or zero for a class without one.

    The closer class vectors lie together, the less do the scores of an item differ, though it is as easy to classify:
    means over words lie closer together than names. With the spread s, the mean of 1 - cosine over pairs of classes,
    differences of scores are proportional to sqrt(s), so that a factor of 1 / sqrt(s) would make up for it in full. Two
    classes, often opinions, need a smaller one than many topics: (c - 1) / c. Half of both, on a logarithmic scale, is

        sqrt((c - 1) / c / sqrt(s))

    These are mean calibration errors without a label, with and without the factor, at the best scale of each: 5.9 and
    5.9 points for 40 readings of the names of 14 sets of texts (above 8 in 8 and 10 of them), 4.0 and 4.2 for 48
    subsets of their classes (above 8 in 1 and 4), 8 and 14 for clinc150. On the readings and the subsets, the whole
    factor has 6.1 and 4.5, and 1 / sqrt(s) alone 7.8 and 5.3.
    """
    c = np.count_nonzero(class_vectors.any(axis=1))
    if c < 2:
        return 1.0
    total = class_vectors.sum(axis=0, dtype=np.float64)  # (d,), |total|^2 = c + the sum of cosines over pairs
    spread = (c * c - float(total @ total)) / (c * (c - 1))
    return float(np.sqrt((c - 1) / c / np.sqrt(max(spread, LEAST_SPREAD))))


def near_duplicates(
    vectors: Vectors, names: Sequence[Label], *, threshold: float = 0.95, n: int = 3
) -> list[tuple[Label, Label, float]]:
    """Return the `n` most similar pairs of classes, the most similar first.

    vectors (c, d): class embeddings of unit length; names (c,); threshold: pairs with a smaller cosine are left out.
    Each pair is (name, name, cosine).
    """
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T  # (block, c)
        cosines[np.tri(len(cosines), len(vectors), start, dtype=bool)] = -np.inf  # each pair once
        least = max(threshold, np.partition(cosines, -n, axis=None)[-n]) if cosines.size > n else threshold
        rows, columns = np.nonzero(cosines >= least)
        closest = np.argsort(-cosines[rows, columns], kind="stable")[:n]
        found += [(-float(cosines[rows[p], columns[p]]), start + int(rows[p]), int(columns[p])) for p in closest]
    return [(names[row], names[column], -cosine) for cosine, row, column in sorted(found)[:n]]


def warn_of_duplicates(embeddings: Vectors, names: Sequence[Label], *, from_bridge: bool) -> None:
    """Warn of the first three pairs of classes whose embeddings (c, d) are nearly equal."""
    for one, other, cosine in near_duplicates(unit(embeddings), names, threshold=DUPLICATE_COSINE[from_bridge]):
        if look_of(one) == look_of(other):
            continue  # `warn_of_look_alikes` says so
        remedy = "Add descriptions that distinguish them, or ten words of each with Words (--words)."
        warn(f"The classes {one!r} and {other!r} are nearly the same for the encoder (cosine {cosine:.2f}). {remedy}")


def _checked_templates(templates: str | Sequence[str]) -> list[str]:
    phrases = [templates] if isinstance(templates, str) else list(templates)
    without = [phrase for phrase in phrases if "{}" not in phrase]
    if without or not phrases:
        problem = f"{without[0]!r} has none" if without else "there is no template"
        raise InputError(f"A template needs {{}} for the class name; {problem}. Write 'a photo of a {{}}'.")
    return phrases


def _sentences(
    own: Sequence[str], phrases: Sequence[str], reading: Reading, word_phrases: Sequence[str]
) -> list[list[str]]:
    """Return the groups of texts of a class whose vectors count alike; the first of its own texts is the name.

    A group is the name in its sentences, a description, or the words in one sentence, or in all if they are those of
    similar names; a text without letters has none.
    """
    if reading.source == "any":
        return [list(reading.words)]
    found = []
    if own and has_letters(own[0]) and reading.source != "translated":
        count = min(len(own[0].split()), MAX_NAME_COUNT)
        repeated = [phrase for phrase in phrases for _ in range(count if phrase == "{}" else 1)]
        found.append([phrase.replace("{}", own[0]) for phrase in repeated])
    found += [[text] for text in own[1:] if has_letters(text)]
    of_words = [[phrase.replace("{}", word) for word in reading.words] for phrase in word_phrases if reading.words]
    if reading.source == "similar":  # less sure than a class's own words, so all sentences count as one group
        of_words = [[text for group in of_words for text in group]]
    return found + of_words


def _embedded(texts: Sequence[str], embed: Embed) -> tuple[dict[str, int], Vectors]:
    """Embed each distinct text once; return the row of each text, and the vectors (n, d)."""
    distinct = list(dict.fromkeys(texts))
    return {text: row for row, text in enumerate(distinct)}, unit(embed(distinct))
