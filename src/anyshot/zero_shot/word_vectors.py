"""Word vectors, as word2vec and GloVe publish them, as class vectors (c, a): the mean over the words of a name."""

import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.items import Label
from anyshot.base.validation import extra
from anyshot.data.attributes import ClassKnowledge
from anyshot.data.tables import read_table
from anyshot.errors import ClassesError, DataFileError
from anyshot.zero_shot.class_embeddings import as_words

Words: TypeAlias = Mapping[str, NDArray[np.floating]]  # a word -> its vector (a,)

BINARY = (".bin", ".bin.gz")
"""Endings of files in word2vec's binary form, which gensim reads."""
PICKLED = (".model", ".kv", ".pkl")
"""Endings of gensim's own files: they are pickles, which may run any code when they are read."""


@dataclass(frozen=True)
class _Found:
    vector: NDArray[np.float64] | None  # (a,)
    unknown: tuple[str, ...]


def load_word_vectors(path: str | os.PathLike[str], words: Sequence[str] | None = None) -> Words:
    """Read word vectors from a file: GloVe's or word2vec's text form, Parquet, or a binary form through gensim.

    Parameters
    ----------
    path : path
        A text file has a word and its numbers in each line, with or without word2vec's first line of two counts; a
        Parquet file a column of words, then columns of numbers. Files that end as `BINARY` lists need gensim, the extra
        ``anyshot[words]``.
    words : sequence of str, optional
        Read only these, however they are written large or small: a file of a million words then needs little memory.
        `words_of` lists those of class names.

    Raises
    ------
    DataFileError
        The file is missing or broken, is a pickle, or holds no vector.
    MissingExtraError
        gensim is needed and not installed.
    """
    place = Path(path)
    if not place.is_file():
        raise DataFileError(f"There is no file {place}. Give a file of word vectors, such as glove.6B.300d.txt.")
    if place.name.endswith(PICKLED):
        raise DataFileError(
            f"{place} is a pickle, which may run any code when it is read. Where you trust it, read it with gensim and "
            "write it anew: KeyedVectors.load(path).save_word2vec_format('words.bin', binary=True)."
        )
    wanted = None if words is None else {form for word in words for form in _forms(word)}
    if place.name.endswith(BINARY):
        found = _binary(place, wanted)
    elif place.suffix == ".parquet":
        found = _parquet(place, wanted)
    else:
        found = dict(_text(place, wanted))
    if not found:
        asked = "" if words is None else f" for any of the {len(words)} words asked for"
        raise DataFileError(f"{place} holds no word vector{asked}.")
    return found


def words_of(classes: Sequence[Label]) -> list[str]:
    """Return the distinct words of class names, a machine's names split as `semantics.as_words` does.

    Examples
    --------
    >>> words_of(["killer_whale", "blueWhale"])
    ['killer', 'whale', 'blue']
    """
    return list(dict.fromkeys(word for name in classes for word in _split(name)))


def word_vectors(classes: Sequence[Label], words: Words) -> ClassKnowledge:
    """Return the mean word vector of each class's name.

    Words are looked up whole names first ("polar_bear" where the vectors have that), then word by word, as written and
    in small letters. A word without a vector is left out of the mean and named in the notes.

    Parameters
    ----------
    classes : sequence of names
    words : mapping from word to vector (a,)
        From `load_word_vectors`; gensim's KeyedVectors too.

    Raises
    ------
    ClassesError
        No word of a class has a vector; all such classes are named.

    References
    ----------
    Socher, Ganjoo, Manning, Ng. Zero-Shot Learning Through Cross-Modal Transfer. NIPS 2013, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> words = {"polar": np.array([1.0, 0.0]), "bear": np.array([0.0, 1.0])}
    >>> print(word_vectors(["polar_bear", "okapi bear"], words))
    2 classes x 2 columns
      1 word has no vector and is left out: okapi (of okapi bear).
    """
    if not len(classes):
        raise ClassesError("There is no class to look up. Name at least one.")
    found = [_look_up(name, words) for name in classes]
    rows = [one.vector for one in found if one.vector is not None]
    if len(rows) < len(classes):
        empty = [str(name) for name, one in zip(classes, found, strict=True) if one.vector is None]
        raise ClassesError(
            f"No word of {len(empty)} of {len(classes)} classes has a vector: {', '.join(empty)}. Give them another "
            "name, or take larger word vectors."
        )
    table = np.stack(rows)  # (c, a)
    unknown = [f"{word} (of {name})" for name, one in zip(classes, found, strict=True) for word in one.unknown]
    has = "word has no vector and is" if len(unknown) == 1 else "words have no vector and are"
    notes = (f"{len(unknown)} {has} left out: {', '.join(unknown)}.",) if unknown else ()
    return ClassKnowledge(tuple(classes), table, tuple(f"word {place}" for place in range(table.shape[1])), notes)


def _look_up(name: Label, words: Words) -> _Found:
    parts = _split(name)
    whole = _vector("_".join(parts), words) if len(parts) > 1 else None
    if whole is not None:
        return _Found(whole, ())
    found = [(part, _vector(part, words)) for part in dict.fromkeys(parts)]
    known = [vector for _, vector in found if vector is not None]
    unknown = tuple(part for part, vector in found if vector is None)
    return _Found(np.mean(known, axis=0) if known else None, unknown)


def _vector(word: str, words: Words) -> NDArray[np.float64] | None:
    form = next((form for form in _forms(word) if form in words), None)
    return None if form is None else np.asarray(words[form], dtype=np.float64)


def _forms(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((word, word.lower(), word.capitalize())))


def _split(name: Label) -> list[str]:
    return re.findall(r"\w+(?:'\w+)?", as_words(str(name)).replace("_", " "))


def _text(path: Path, wanted: set[str] | None) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Read GloVe's and word2vec's text form; a word may itself hold spaces, the numbers are the last of the line."""
    width: int | None = None
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            parts = line.rstrip().split(" ")
            if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
                width = int(parts[1])  # word2vec: how many words, how wide
                continue
            if not line.strip():
                continue
            width = len(parts) - 1 if width is None else width
            word = " ".join(parts[:-width])
            if wanted is not None and word not in wanted:
                continue
            yield word, _row(parts[-width:], width, word, f"{path}, line {number}")


def _row(numbers: Sequence[str], width: int, word: str, place: str) -> NDArray[np.float32]:
    needed = f"{place}: a word and {width} finite numbers are needed"
    try:
        vector = np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise DataFileError(f"{needed}: {error}. Is the file cut short? Fetch it again.") from error
    if len(vector) != width or not word or not np.isfinite(vector).all():
        raise DataFileError(f"{needed}. Is the file cut short? Fetch it again.")
    return vector


def _parquet(path: Path, wanted: set[str] | None) -> Words:
    frame = read_table(path).frame
    words = frame.iloc[:, 0].astype(str)
    kept = np.ones(len(frame), dtype=bool) if wanted is None else words.isin(wanted).to_numpy()
    try:
        numbers = frame.iloc[:, 1:].to_numpy(dtype=np.float32)[kept]
    except (ValueError, TypeError) as error:
        raise DataFileError(f"{path}: a column of words, then columns of numbers are needed: {error}.") from error
    return dict(zip(words[kept], numbers, strict=True))


def _binary(path: Path, wanted: set[str] | None) -> Words:
    models = extra("gensim.models", "words", purpose=f"Reading {path.name}")
    try:
        loaded = models.KeyedVectors.load_word2vec_format(str(path), binary=True)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise DataFileError(f"{path} cannot be read as word vectors: {error}. Fetch it again.") from error
    return {word: loaded[word] for word in loaded.key_to_index if wanted is None or word in wanted}
