"""Texts on the standard input, one per line."""

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from anyshot.app.cli.console import note
from anyshot.app.cli.files import current
from anyshot.base.columns import LABEL_COLUMNS, TEXT_COLUMNS
from anyshot.data.text_files import known_encoding
from anyshot.errors import InputError

AT_ONCE: Final = 65_536  # bytes that are read at once


def lines_of_stdin() -> Iterator[list[str]]:
    """Yield the lines of the standard input as they arrive, as many at a time as have arrived.

    Blank lines are listed as skipped. Raises InputError if there are no others, or they have another encoding.
    """
    found, n_lines = False, 0
    try:
        for text in _parts_of_stdin():
            given = [line.strip() for line in text.removesuffix("\n").split("\n")] if text else []
            lines = [line for line in given if line]
            if lines and not found:
                _warn_of_table(lines[0])
            found = found or bool(lines)
            _skip_blank(number for number, line in enumerate(given, start=n_lines + 1) if not line)
            n_lines += len(given)
            if lines:
                yield lines
    except UnicodeDecodeError as error:
        raise InputError(
            f"The standard input is not {error.encoding}: {error.reason}. Convert it to UTF-8, or name its encoding by "
            "--encoding."
        ) from error
    if not found:
        raise InputError("The standard input is empty. Give one text per line.")


def _skip_blank(numbers: Iterable[int]) -> None:
    """List blank lines of the standard input as skipped, or raise InputError with --on-error raise."""
    reading = current()
    for number in numbers:
        if reading.options.on_error == "raise":
            raise InputError(f"The standard input, line {number}: the text is empty.")
        reading.skipped.append((f"standard input, line {number}", "the text is empty"))


def _warn_of_table(line: str) -> None:
    """Warn if the first line of the standard input is JSON, or names columns: every line is read as one text."""
    names = {name.strip('"').casefold() for name in re.split(r"[,;\t|]", line)}
    if line.startswith('{"') and line.endswith("}"):
        what = "JSON"
    elif len(names) > 1 and " " not in line and names & {*TEXT_COLUMNS, *LABEL_COLUMNS}:
        what = "names of columns"
    else:
        return
    note(
        f"Warning: the first line of the standard input is {what}: {line[:60]!r}. Each line is read as one text; "
        "write the data to a file with a suffix to have its columns read."
    )


def _parts_of_stdin() -> Iterator[str]:
    """Yield whole lines of the standard input, without the byte-order mark."""
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:
        yield from sys.stdin or ()
        return
    is_typed = sys.stdin.isatty()  # a pipe is UTF-8, as the output of every command is
    encoding = known_encoding(current().options.encoding or (sys.stdin.encoding if is_typed else "utf-8"))
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest, is_first = "", True
    while part := raw.read1(AT_ONCE):  # waits for the first byte only
        text = rest + decoder.decode(part)
        text, is_first = text.removeprefix("\ufeff") if is_first and text else text, is_first and not text
        whole, newline, rest = text.rpartition("\n")
        yield whole + newline
    yield rest + decoder.decode(b"", final=True)
