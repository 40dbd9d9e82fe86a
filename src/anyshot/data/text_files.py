"""Read a text file whose encoding is not stated, or stated by a byte-order mark; compressed files are unpacked."""

import codecs
import difflib
import gzip
import logging
import os
import re
import unicodedata
import zlib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final, NoReturn

from anyshot.base.messages import note, shortened
from anyshot.base.user_folders import local_path, web_address
from anyshot.data.letters_of_languages import ENCODINGS, encodings_by_letters
from anyshot.errors import DataFileError, InputError

MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16, because its mark starts with that of UTF-16
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
DETECTED: Final = (
    "cp1252", "cp1251", "gb18030", "cp932", "big5", "euc_kr", "euc_jp", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874",
)  # fmt: skip
"""Encodings that charset-normalizer detects. Those of one byte per letter are then told apart by alphabets."""
NAMES: Final = {f"cp{number}": f"windows-{number}" for number in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257)}
KINDS: Final = (
    (b"PK\x03\x04", "an Excel file or another ZIP archive", ".xlsx .xlsm"),
    (b"\xd0\xcf\x11\xe0", "a file of Excel 97 to 2003", ".xls .xlsx .xlsm"),  # also one of today's with a password
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"ARROW1", "a Feather or Arrow file", ".feather"),
    (b"ORC", "an ORC file", ".orc"),
    (b"SQLite format 3", "an SQLite database", ".sqlite"),
    (b"$FL2", "a file of SPSS", ".sav"),
    (b"\x89PNG", "an image", ".png"),
    (b"\xff\xd8\xff", "an image", ".jpg"),
    (b"\x1f\x8b", "compressed by gzip", ".gz"),
)
"""How files that are not texts begin, and how their names may end. All of them contain zero bytes."""
_PAGE: Final = "a page of the web, such as one to sign in"
_NO_PAGE: Final = (
    "Download the data again, in a browser if needed. If it shows a table, open it in a spreadsheet, and save it as "
    ".xlsx or .csv."
)
_AS_TEXT: Final = "Save its text as .txt: one such file is a text per line, and a folder of them is a text per file."
STARTS: Final = (
    ("<!doctype html", _PAGE, _NO_PAGE),
    ("<html", _PAGE, _NO_PAGE),
    ("<table", "a table of a web page", "Open it in a spreadsheet, and save it as .xlsx or .csv."),
    ("<?xml", "XML", "Open it in a spreadsheet, and save it as .xlsx or .csv."),
    ("version https://git-lfs.", "a pointer of Git LFS", "Run: git lfs pull."),
    ("%pdf-", "a PDF", _AS_TEXT),
    ("{\\rtf", "a document in rich text", _AS_TEXT),
)
"""How files of other kinds begin, in lower case, whatever their names end in."""
_DOCUMENTS: Final = ".doc .docx .docm .odt .rtf .pdf .pptx .epub .html .htm .xml .md .ipynb"
_MESSAGES: Final = ".eml .mbox .msg .pst .vcf .ics .vtt .srt"
_DATABASES: Final = ".sav .por .dta .sas7bdat .xpt .rds .rdata .mat .dbf .mdb .accdb .db .sqlite .sqlite3 .duckdb .sql"
_OBJECTS: Final = ".feather .arrow .orc .avro .h5 .hdf5 .npy .npz .pkl .pickle .yaml .yml .geojson .js"
_REMEDIES: Final = {
    ".ods .fods .xls .xlsb .numbers .gsheet": "Save it as .xlsx or .csv.",
    ".ndjson .jsonlines .ldjson": "If it has one JSON object per line, let its name end in .jsonl.",
    ".tab .dat .psv .asc": "Let its name end in .tsv if tabs separate its columns, else in .csv.",
    ".text .log": "If it has one text per line, let its name end in .txt.",
    f"{_DOCUMENTS} {_MESSAGES}": _AS_TEXT,
    f"{_DATABASES} {_OBJECTS}": "Save its texts as .csv, or as .txt with a text per line.",
    ".zip .xz .bz2 .zst .z .7z .rar .tar .tgz": "Unpack it, and give what was in it.",
}
TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx", ".xlsm"})
OTHER_TYPES: Final = {suffix: remedy for own, remedy in _REMEDIES.items() for suffix in own.split()}
"""What to do with files of other types, by their suffixes."""
_UNKNOWN_TYPE: Final = (
    "If it is one of these, let its name end so; else save its texts as .csv, or as .txt with a text per line."
)
_TEXT_TABLES: Final = (".csv", ".tsv", ".jsonl", ".json")
NOT_OF_FILES: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
"""Encodings of Python in which no file is written."""
SAMPLE: Final = 2**16  # bytes from which an encoding is detected
MOST_LINES: Final = 1000  # that are searched for letters where no Western language has them

_ODD_SIGN: Final = re.compile(
    "(?<=[^\\W\\d_])[\u00a3\u00a5\u00b3\u00b9\u00bc\u00be\u00bf\u2020\u2021\u201a\u201e\u2039\u02c6](?=[^\\W\\d_])"
    "|(?<=[a-z])[\u00c0-\u00d6\u00d8-\u00de\u0160\u0178\u017d](?=[a-z])"
)
"""A mark, or a capital with an accent, within a word: Polish, or the text of a Mac, read as Windows-1252."""
_FINAL_INSIDE: Final = re.compile("[\u05da\u05dd\u05df\u05e3\u05e5][\u05d0-\u05ea]")

log = logging.getLogger(__name__)


def existing(path: Path) -> Path:
    """Return the path of an existing file or folder, "~" expanded, or raise DataFileError with the closest name."""
    path = as_on_disk(Path(os.path.expanduser(local_path(str(path)))))
    if os.path.isfile(path) or os.path.isdir(path):  # unlike those of `path`, they accept names that are too long
        return path
    if os.path.exists(path):
        raise DataFileError(
            f"{path} is neither a file nor a folder, but a pipe or a device. Write the data to a file with a suffix, "
            "such as .csv, and give that."
        )
    if os.path.islink(path):
        raise DataFileError(f"{path} is a link to {os.readlink(path)}, where no file is. Give the path of the file.")
    if str(path) == "-":
        raise DataFileError(
            "The standard input is read for texts to answer only. Write the data to a file with a suffix, such as "
            ".csv, and give that."
        )
    address = web_address(path)
    if address is not None:
        raise DataFileError(
            f"{address} is an address, and nothing is downloaded from it. Download it, and give the file or folder."
        )
    beside = [entry.name for entry in path.parent.iterdir()] if os.path.isdir(path.parent) else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Check the path."
    raise DataFileError(f"There is no file or folder {path}. {remedy}")


def as_on_disk(path: Path) -> Path:
    """Return a path with accents as its file and folders have them, composed or decomposed, if they are there."""
    if str(path).isascii() or os.path.lexists(path) or path.parent == path:
        return path
    folder, name = as_on_disk(path.parent), unicodedata.normalize("NFC", path.name)
    beside = os.listdir(folder) if os.path.isdir(folder) and os.access(folder, os.R_OK) else []
    return folder / next((one for one in beside if unicodedata.normalize("NFC", one) == name), path.name)


def suffix_of(path: Path) -> str:
    """Return the suffix of a file in lower case, without ".gz" and the ".txt" that editors add to other suffixes.

    >>> suffix_of(Path("tickets.CSV.gz")), suffix_of(Path("tickets.csv.txt")), suffix_of(Path("v1.2.txt"))
    ('.csv', '.csv', '.txt')
    """
    name = path.name.lower().removesuffix(".gz")
    inner = Path(name.removesuffix(".txt")).suffix
    return inner if inner in _TEXT_TABLES else Path(name).suffix


def remedy_for_type(path: Path) -> str:
    """Return what to do with a file of another type, as a sentence.

    >>> remedy_for_type(Path("a.csv.zip")) == remedy_for_type(Path("a.tar.gz"))
    True
    """
    unknown = OTHER_TYPES[".zip"] if path.suffix.lower() == ".gz" else _UNKNOWN_TYPE
    return OTHER_TYPES.get(suffix_of(path), unknown)


def read_text(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text, with newlines as line ends, and its encoding.

    encoding: of the text; by default that of the byte-order mark, or UTF-8, or else the one in which the letters are
    those of a language, which is logged. A file in which only some lines are UTF-8 is refused.

    Raises DataFileError if the file cannot be read, is empty, or is not in the encoding.
    """
    data = _content(path)
    if encoding is not None:
        text = _named(data, path, encoding)
    else:
        text, encoding = _detected(data, path)
    text = text.removeprefix("\ufeff").removesuffix("\x1a")  # Ctrl-Z: "copy *.csv all.csv" of Windows ends a file so
    _refuse_starts(text[:SAMPLE], path)
    if not text.strip():
        raise DataFileError(f"{path} is empty.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def refuse_other_kinds(path: Path) -> None:
    """Raise DataFileError for a file without data, such as a page to sign in, whatever its name ends in."""
    with path.open("rb") as file:
        data = file.read(SAMPLE)
    if suffix_of(path) not in OTHER_TYPES:
        _refuse_binary_kinds(data, path)
    _refuse_starts(data.decode("latin-1").removeprefix("\xef\xbb\xbf"), path)


def _refuse_starts(text: str, path: Path) -> None:
    for start, what, remedy in STARTS:
        if text.lstrip().casefold().startswith(start):
            raise DataFileError(f"{path} holds no data: it is {what}. {remedy}")


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except gzip.BadGzipFile as error:
        raise DataFileError(
            f"{path} is not compressed by gzip, or is damaged. If it is a plain file, let its name end in "
            f"{suffix_of(path) or '.csv'}; else get it again."
        ) from error
    except (EOFError, zlib.error) as error:
        raise DataFileError(f"{path} is cut off or damaged: it cannot be unpacked. Get it again.") from error
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def known_encoding(encoding: str) -> str:
    """Return the name of an encoding; raise InputError if Python has none with this name."""
    try:
        "".encode(encoding)
        is_known = codecs.lookup(encoding).name.replace("-", "_") not in NOT_OF_FILES
    except (LookupError, UnicodeError):
        is_known = False
    if not is_known:
        raise InputError(f"Unknown encoding {encoding!r}. Examples: utf-8, windows-1251, gb18030, shift_jis.")
    return encoding


def _named(data: bytes, path: Path, encoding: str) -> str:
    """Return a text in the encoding that a person named; refuse UTF-16 and UTF-32 for a file that cannot be it."""
    of_zeros = codecs.lookup(known_encoding(encoding)).name.startswith(("utf-16", "utf-32"))
    if of_zeros and b"\0" not in data:  # a line end has some
        raise DataFileError(
            f"{path} is not {encoding}: it has no zero bytes. Name another encoding, or none (--encoding)."
        )
    return _decoded(data, path, encoding, "which was named")


def _detected(data: bytes, path: Path) -> tuple[str, str]:
    """Return the text and its encoding."""
    marked = next((name for mark, name in MARKS if data.startswith(mark)), None)
    if marked in (None, "utf-8-sig") and b"\0" in data:
        _refuse_zeros(data, path)
    if marked is not None:
        return _decoded(data, path, marked, "which the BOM indicates"), marked
    if _decodes(data, "utf-8"):
        return data.decode("utf-8"), "utf-8"
    encoding = _encoding_of(data, path)
    note(
        log, f"{path} is not UTF-8; it was read as {encoding}. If texts look wrong, name another encoding (--encoding)"
    )
    return _decoded(data, path, encoding, "which was detected"), encoding


def _refuse_zeros(data: bytes, path: Path) -> NoReturn:
    """Raise DataFileError for a file that has zero bytes, which says why it probably has them."""
    _refuse_binary_kinds(data, path)
    if data.startswith(KINDS[-1][0]):
        raise DataFileError(f"{path} was compressed by gzip several times. Unpack it once.")
    n_zeros, n_last = data.count(b"\0"), len(data) - len(data.rstrip(b"\0"))
    if n_zeros == n_last:
        raise DataFileError(f"{path} was not written to its end: it ends in zero bytes. Write it again.")
    if n_zeros < len(data) / 4:  # in UTF-16, one of two bytes is zero
        line = 1 + data[: data.index(b"\0")].count(b"\n")
        raise DataFileError(f"{path}, line {line}: a zero byte. The file is binary, or damaged. Remove that byte.")
    raise DataFileError(
        f"{path} contains zero bytes: it is binary, or UTF-16 without a BOM. Save it as UTF-8, or name its encoding, "
        "such as utf-16-le (--encoding)."
    )


def _refuse_binary_kinds(data: bytes, path: Path) -> None:
    """Raise DataFileError if the start of a file shows that it is of a kind that its name does not say."""
    for start, what, suffixes in KINDS:
        if data.startswith(start) and path.suffix.lower() not in suffixes.split():
            usual, *_ = suffixes.split()
            remedy = OTHER_TYPES.get(usual, f"Let its name end in {usual}.")
            raise DataFileError(f"{path} is not what its name says: it is {what}. {remedy}")


def _encoding_of(data: bytes, path: Path) -> str:
    """Return the encoding of a text that is not UTF-8; a line that is UTF-8 shows that two encodings are mixed."""
    not_ascii = {number: line for number, line in enumerate(data.splitlines(), start=1) if not line.isascii()}
    good = [number for number, line in not_ascii.items() if _decodes(line, "utf-8")]
    if good:
        bad = next(number for number in not_ascii if number not in set(good))
        raise DataFileError(
            f"{path} mixes encodings: line {good[0]} is UTF-8, line {bad} is not. Save the whole file as UTF-8."
        )
    sample = b"\n".join(not_ascii.values())[:SAMPLE]
    from charset_normalizer import from_bytes  # here, since most files are UTF-8

    # In Western languages three accented letters do not follow each other; in other scripts whole words are not ASCII.
    found = [] if re.search(rb"[\x80-\xff]{3}", sample) is None else list(from_bytes(sample, cp_isolation=[*DETECTED]))
    as_good = [one.encoding for one in found if (one.chaos, one.coherence) == (found[0].chaos, found[0].coherence)]
    typical = [one for one in as_good if _is_typical(one, sample)] or as_good
    likely = "cp1255" if "cp1255" in typical else next(iter(typical), "cp1252")  # Hebrew is also letters of Cyrillic
    encoding = "cp1252" if "cp1252" in typical else likely
    if encoding in ENCODINGS:
        encoding, *others = encodings_by_letters(sample) or [encoding]
        if others:
            raise DataFileError(
                f"{path}, line {min(not_ascii)}: not UTF-8, and its letters may be in {encoding} as well as in "
                f"{others[0]}. Save the file as UTF-8, or name its encoding (--encoding)."
            )
    if not _decodes(data, encoding):
        number = next((number for number, line in not_ascii.items() if not _decodes(line, encoding)), 1)
        raise DataFileError(
            f"{path}, line {number}: neither UTF-8 nor {NAMES.get(encoding, encoding).capitalize()}. Save the file as "
            "UTF-8, or name its encoding (--encoding)."
        )
    if encoding == "cp1252":
        _refuse_odd_signs(not_ascii, path)
    return NAMES.get(encoding, encoding)


def _refuse_odd_signs(lines: Mapping[int, bytes], path: Path) -> None:
    """Raise DataFileError if a fifth of what is not ASCII in numbered lines is in words where no letter is."""
    texts = {number: line.decode("cp1252") for number, line in islice(lines.items(), MOST_LINES)}
    n_odd = sum(len(_ODD_SIGN.findall(text)) for text in texts.values())
    if n_odd > 1 and n_odd > sum(not one.isascii() for text in texts.values() for one in text) / 5:
        number, text = next((number, text) for number, text in texts.items() if _ODD_SIGN.search(text))
        word = next(word for word in text.split() if _ODD_SIGN.search(word))
        raise DataFileError(
            f"{path}, line {number}: neither UTF-8 nor Windows-1252, which would read {shortened(word)!r}. Save the "
            "file as UTF-8, or name its encoding, such as windows-1250 of Polish, or mac_roman (--encoding)."
        )


def _is_typical(encoding: str, sample: bytes) -> bool:
    """Return whether a text has the letters that texts in an encoding usually have: a few words fit several."""
    letters = [letter for letter in sample.decode(encoding, errors="ignore") if letter > "\x7f" and letter.isalpha()]
    if encoding == "euc_kr":
        return all("\uac00" <= letter <= "\ud7a3" for letter in letters)  # Hangul
    if encoding in ("euc_jp", "cp932"):
        return any("\u3041" <= letter <= "\u30ff" for letter in letters)  # kana
    if encoding == "cp874":
        return all("\u0e01" <= letter <= "\u0e4e" for letter in letters)  # Thai
    if encoding == "cp1255":  # in Hebrew, the final forms of letters end a word
        text = sample.decode(encoding, errors="ignore")
        return all("\u05d0" <= letter <= "\u05ea" for letter in letters) and not _FINAL_INSIDE.search(text)
    if encoding == "gb18030":
        return _encodes("".join(letters), "gb2312")
    if encoding == "big5":
        return all(letter.encode("big5", errors="ignore")[:1] <= b"\xc6" for letter in letters)  # the frequent ones
    return True


def as_written_first(text: str) -> str | None:
    """Return a text that was UTF-8, read as Windows-1252 and saved again, as it was before; None for another.

    >>> as_written_first("\u00c3\u00bcber"), as_written_first("\u00fcber")
    ('\u00fcber', None)
    """
    try:
        return None if text.isascii() else text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _decoded(data: bytes, path: Path, encoding: str, why: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + data[: error.start].decode(encoding, errors="ignore").count("\n")
        raise DataFileError(f"{path}, line {line}: not {encoding}, {why}.") from error


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
