"""Control characters as a terminal is shown them."""

import json

import pytest

from anyshot.base.terminal import escaped, escaped_json

OBEYED = [
    "\x1b]0;title\x07",  # OSC: sets the window's title
    "\x1b[2J",  # CSI: clears the screen
    "\x9b2J",  # CSI as one C1 character
    "\x9d52;c;aGk=\x9c",  # OSC as C1: writes to the clipboard
    "\rpassed",
    "\b\b\b",
    "\x7f",
    "\u202etxt.exe",
    "\u2066a\u2069",
    "\u200f",
    "\u2028",
    "\udc80",  # a byte of a file name that is not UTF-8
]


@pytest.mark.parametrize("text", OBEYED)
def test_what_a_terminal_would_obey_is_shown_escaped(text):
    shown = escaped(f"a{text}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown == f"a{text.encode('unicode_escape', 'surrogatepass').decode()}b"


@pytest.mark.parametrize("text", ["plain", "naïve 日本 עברית 👩‍👩‍👧", "two\nlines\tand a tab", ""])
def test_other_text_is_unchanged(text):
    assert escaped(text) == text


@pytest.mark.parametrize("text", OBEYED)
def test_escaped_json_means_the_same(text):
    line = json.dumps({"item": text}, ensure_ascii=False)
    assert json.loads(escaped_json(line)) == {"item": text}
    assert escaped_json(line).isprintable()
