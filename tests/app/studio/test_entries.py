"""The entries of the history say what was done, in sentences."""

import re

import pytest

from anyshot.app.studio.entries import PASTED, SENTENCES, Entry


@pytest.mark.parametrize(
    ("action", "facts", "sentence"),
    [
        ("rename_class", {"old": "bills", "new": "billing"}, "Renamed bills to billing"),
        ("label", {"count": 1, "name": "billing"}, "Labeled 1 item as billing"),
        ("label", {"count": 12345, "name": "billing"}, "Labeled 12,345 items as billing"),
        ("label_one", {"count": 1, "item": "Wrong bill", "name": "billing"}, "Labeled “Wrong bill” as billing"),
        ("add_items", {"count": 2, "source": PASTED, "batch": 7}, "Added 2 items from pasted texts"),
    ],
)
def test_an_entry_says_what_was_done(action, facts, sentence):
    entry = Entry(1, "2026-09-01T12:00:00+00:00", action, facts)
    assert str(entry) == sentence
    assert dict(entry.facts) == facts


def test_braces_in_a_name_stay():
    assert str(Entry(1, "", "add_class", {"name": "{old} {0}"})) == "Added the class {old} {0}"


def test_every_action_has_a_sentence_of_known_facts():
    named = {name for sentence in SENTENCES.values() for name in re.findall(r"\{(\w+)\}", sentence)}
    assert named == {"name", "old", "new", "into", "count", "item", "source"}
