"""Texts that another program damaged: with tags of HTML, or letters that were read in a wrong encoding."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from anyshot.base.messages import count, note, shortened
from anyshot.data.text_files import as_written_first

_TAGS: Final = re.compile(
    r"</(?:a|b|p|em|li|td|div|font|span|strong)>|<br ?/?>|&(?:nbsp|amp|quot|#\d+);", re.IGNORECASE
)

log = logging.getLogger(__name__)


def note_damage(source: str | Path, texts: Sequence[str]) -> None:
    """Log if many texts of a source have tags of HTML, or most of those that are not ASCII are garbled."""
    tagged = [text for text in texts if _TAGS.search(text)]
    if len(tagged) > len(texts) / 10:
        note(
            log,
            f"{source}: {count(len(tagged), 'text')} with tags or codes of HTML, such as {shortened(tagged[0])!r}. "
            "They are read as words, and may change answers. Export the data as plain text",
        )
    others = [text for text in texts if not text.isascii()]
    garbled = [(text, whole) for text in others if (whole := as_written_first(text)) is not None]
    if len(garbled) > len(others) / 2:
        note(
            log,
            f"{source}: letters of {count(len(garbled), 'text')} were garbled before the file was saved, such as "
            f"{shortened(garbled[0][0])!r}, which was {shortened(garbled[0][1])!r}. Export the data again, as UTF-8",
        )
