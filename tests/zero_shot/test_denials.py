"""Names that do not say what the items of a class are."""

import pytest

from anyshot.zero_shot.denials import denies, is_manner, is_rest
from anyshot.zero_shot.thesaurus import lookup, translated


@pytest.mark.parametrize(
    "names",
    [
        ["other", "Others", "OTHER_", "other topics", "Other (please specify)", "misc.", "misc/other", "the rest"],
        ["n/a", "N.A.", "#N/A", "NaN", "null", "none", "(None)", "none of these", "None of the above", "neither"],
        ["unknown", "uncategorised", "unassigned", "not applicable", "not specified", "no topic", "no intent"],
        ["general", "General inquiries", "catch-all", "catchall", "OOS", "off-topic", "unrelated", "not relevant"],
        [
            "Sonstiges",
            "k.A.",
            "keines davon",
            "autres",
            "aucun de ces",
            "otros",
            "ninguna",
            "altro",
            "outros",
            "overig",
        ],
    ],
)
def test_a_class_of_the_rest_is_known_in_every_spelling(names):
    assert [name for name in names if not is_rest(name)] == []


@pytest.mark.parametrize("name", ["no", "n", "nothing works", "other card", "no. 1", "spam", "different"])
def test_other_names_are_not_of_the_rest(name):
    assert not is_rest(name)


def test_a_name_of_the_rest_beside_its_opposite_has_words():
    assert denies("irrelevant", among=["irrelevant", "billing"])
    assert not denies("irrelevant", among=["irrelevant", "relevant"])


@pytest.mark.parametrize("name", ["nonspam", "not-spam", "notspam", "NoSpam", "isn't spam", "anything but spam"])
def test_a_denial_is_known_in_every_spelling(name):
    assert lookup(name) == lookup("ham")
    assert not denies(name)
    assert denies(name.replace("spam", "billing").replace("Spam", "Billing"))


@pytest.mark.parametrize(
    "name", ["sin queja", "Ninguna queja", "aucune plainte", "senza reclamo", "keinerlei Beschwerde"]
)
def test_a_denial_in_another_language_without_an_opposite_denies(name):
    assert denies(name, among=[name, "refund", "delivery"])
    assert not denies("sin ánimo de lucro", among=["sin ánimo de lucro", "empresa"])  # nonprofit
    assert translated(name) == ()
    assert not denies("San Francisco", among=["San Francisco", "New York"])


@pytest.mark.parametrize(
    "name", ["pas négatif", "pas de négatif", "no negativo", "sin negativo", "não negativo", "niet negatief"]
)
def test_a_denial_in_another_language_means_the_opposite(name):
    assert translated(name)[0] == "positive"
    assert not denies(name)


@pytest.mark.parametrize(
    "name",
    [
        "normal",
        "no finding",
        "no",
        "nonprofit",
        "not spam",
        "November",
        "notes",
        "notice",
        "nomads",
        "no. 1",
        "kein Spam",
    ],
)
def test_other_names_do_not_deny(name):
    assert not denies(name)


def test_a_name_denies_another_class_a_listed_name_or_the_only_other_class():
    assert denies("not damaged", among=["not damaged", "damaged", "wrong size"])
    assert denies("nonzyzzyva", among=["nonzyzzyva", "zyzzyva"])
    assert denies("no bug", among=["no bug", "cat", "dog"])
    assert not denies("no bug", among=["no bug", "no internet", "dog"])
    assert denies("non-spicy", among=["non-spicy", "joy"])
    for name in ("not delivered", "not as described", "non-compete"):
        assert not denies(name, among=[name, "damaged", "wrong size"])


def test_a_manner_is_a_listed_name_in_any_language():
    names = ("not ironic", "nicht dringend", "not billing", "other", "irrelevant", "altro")
    assert [is_manner(name) for name in names] == [True, True, False, False, False, False]
