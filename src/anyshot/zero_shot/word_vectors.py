"""Class vectors (c, a) from word vectors such as those of word2vec and GloVe: the mean over the words of a name."""

import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.labels import Label
from anyshot.base.lazy import extra
from anyshot.base.validation import Floats
from anyshot.data.attributes import ClassAttributes
from anyshot.data.tables import read_table
from anyshot.errors import ClassesError, DataFileError
from anyshot.zero_shot.spellings import as_words

Words: TypeAlias = Mapping[str, NDArray[np.floating]]  # a word -> its vector (a,)

BINARY = (".bin", ".bin.gz")
"""Suffixes of files in word2vec's binary format, which gensim reads."""
PICKLED = (".model", ".kv", ".pkl")
"""Suffixes of gensim's own files: pickles, which may run any code when they are read."""


def load_word_vectors(path: str | os.PathLike[str], words: Sequence[str] | None = None) -> Words:
    """Read word vectors from a file in the text or binary format of word2vec, that of GloVe, or Parquet.

    Parameters
    ----------
    path : path
        A text file has a word and its numbers in each line, with or without word2vec's header; a Parquet file has a
        column of words, then columns of numbers. Files with a suffix in `BINARY` need gensim, the extra
        ``anyshot[words]``.
    words : sequence of str, optional
        Read only these, ignoring case, to save memory. `words_of` returns those of class names.

    Raises
    ------
    DataFileError
        The file is missing or broken, is a pickle, or contains none of the words.
    MissingExtraError
        gensim is needed and not installed.
    """
    file = Path(path)
    if not file.is_file():
        raise DataFileError(f"There is no file {file}. Pass a file of word vectors, such as glove.6B.300d.txt.")
    if file.name.endswith(PICKLED):
        raise DataFileError(
            f"{file} is a pickle, which may run any code when it is read. If you trust it, convert it with gensim: "
            "KeyedVectors.load(path).save_word2vec_format('words.bin', binary=True)."
        )
    wanted = None if words is None else {form for word in words for form in _forms(word)}
    if file.name.endswith(BINARY):
        found = _read_binary(file, wanted)
    elif file.suffix == ".parquet":
        found = _read_parquet(file, wanted)
    else:
        found = dict(_read_text(file, wanted))
    if not found:
        of_words = "" if words is None else f" for any of the {len(words)} words"
        raise DataFileError(f"{file} contains no word vector{of_words}.")
    return found


def words_of(classes: Sequence[Label]) -> list[str]:
    """Return the distinct words of class names, split as by `class_names.as_words`.

    Examples
    --------
    >>> words_of(["killer_whale", "blueWhale"])
    ['killer', 'whale', 'blue']
    """
    return list(dict.fromkeys(word for name in classes for word in _split(name)))


def class_word_vectors(classes: Sequence[Label], words: Words) -> ClassAttributes:
    """Return the mean word vector of each class name.

    A name is first looked up as a whole ("polar_bear"), then word by word, as written and in lower case. Words without
    a vector are left out of the mean and listed in the notes.

    Parameters
    ----------
    classes : sequence of names
    words : mapping from word to vector (a,)
        From `load_word_vectors`, or gensim's KeyedVectors.

    Raises
    ------
    ClassesError
        No word of a class has a vector; all such classes are listed.

    References
    ----------
    Socher, Ganjoo, Manning, Ng. Zero-Shot Learning Through Cross-Modal Transfer. NIPS 2013, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> words = {"polar": np.array([1.0, 0.0]), "bear": np.array([0.0, 1.0])}
    >>> print(class_word_vectors(["polar_bear", "okapi bear"], words))
    2 classes x 2 columns
      1 word has no vector and is left out: okapi (of okapi bear).
    """
    if not len(classes):
        raise ClassesError("There are no classes to look up. Name at least one.")
    found = [_look_up(name, words) for name in classes]
    missing = [str(name) for name, (vector, _) in zip(classes, found, strict=True) if vector is None]
    if missing:
        raise ClassesError(
            f"{len(missing)} of {len(classes)} classes have no word with a vector: {', '.join(missing)}. Rename them, "
            "or use larger word vectors."
        )
    table = np.stack([vector for vector, _ in found if vector is not None])  # (c, a)
    unknown = [f"{word} (of {name})" for name, (_, own) in zip(classes, found, strict=True) for word in own]
    has = "word has no vector and is" if len(unknown) == 1 else "words have no vector and are"
    notes = (f"{len(unknown)} {has} left out: {', '.join(unknown)}.",) if unknown else ()
    return ClassAttributes(tuple(classes), table, tuple(f"word {column}" for column in range(table.shape[1])), notes)


def _look_up(name: Label, words: Words) -> tuple[Floats | None, list[str]]:
    """Return the vector (a,) of a name, None if there is none, and its words without a vector."""
    parts = _split(name)
    whole = _vector("_".join(parts), words) if len(parts) > 1 else None
    if whole is not None:
        return whole, []
    found = {part: _vector(part, words) for part in parts}
    known = [vector for vector in found.values() if vector is not None]
    return np.mean(known, axis=0) if known else None, [part for part, vector in found.items() if vector is None]


def _vector(word: str, words: Words) -> Floats | None:
    form = next((form for form in _forms(word) if form in words), None)
    return None if form is None else np.asarray(words[form], dtype=np.float64)


def _forms(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((word, word.lower(), word.capitalize())))


def _split(name: Label) -> list[str]:
    return re.findall(r"\w+(?:'\w+)?", as_words(str(name)).replace("_", " "))


def _read_text(path: Path, wanted: set[str] | None) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield words and vectors from GloVe's or word2vec's text format; a word may contain spaces."""
    width: int | None = None
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            parts = line.rstrip().split(" ")
            if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
                width = int(parts[1])  # word2vec's header: number of words, width
                continue
            if not line.strip():
                continue
            width = len(parts) - 1 if width is None else width
            word = " ".join(parts[:-width])
            if wanted is not None and word not in wanted:
                continue
            yield word, _row(parts[-width:], width, word, f"{path}, line {number}")


def _row(numbers: Sequence[str], width: int, word: str, line: str) -> NDArray[np.float32]:
    needed = f"{line}: a word and {width} finite numbers are needed"
    try:
        vector = np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise DataFileError(f"{needed}: {error}. The file may be incomplete; download it again.") from error
    if len(vector) != width or not word or not np.isfinite(vector).all():
        raise DataFileError(f"{needed}. The file may be incomplete; download it again.")
    return vector


def _read_parquet(path: Path, wanted: set[str] | None) -> Words:
    frame = read_table(path).frame
    words = frame.iloc[:, 0].astype(str)
    rows = np.ones(len(frame), dtype=bool) if wanted is None else words.isin(wanted).to_numpy()
    try:
        numbers = frame.iloc[:, 1:].to_numpy(dtype=np.float32)[rows]
    except (ValueError, TypeError) as error:
        raise DataFileError(f"{path}: a column of words, then columns of numbers are needed: {error}.") from error
    return dict(zip(words[rows], numbers, strict=True))


def _read_binary(path: Path, wanted: set[str] | None) -> Words:
    models = extra("gensim.models", "words", purpose=f"Reading {path.name}")
    try:
        loaded = models.KeyedVectors.load_word2vec_format(str(path), binary=True)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise DataFileError(f"{path} cannot be read as word vectors: {error}. Download it again.") from error
    return {word: loaded[word] for word in loaded.key_to_index if wanted is None or word in wanted}
