"""Spellings of class names."""

import pytest

from anyshot.zero_shot.spellings import as_words, normal_form


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Refund_not_showing_up", "Refund not showing up"),
        ("late-parcel", "late parcel"),
        ("topUpFailed", "top up failed"),
        ("TopUpFailed", "Top up failed"),
        ("HTTPServerError", "HTTP server error"),
        ("callAPI", "call API"),
        ("API_error", "API error"),
        ("Sci/Tech", "Sci / Tech"),
        ("24/7", "24/7"),
        ("iPhone", "iPhone"),
        ("PayPal refund", "PayPal refund"),
        ("PayPal_refund", "PayPal refund"),
        ("a man-eating shark", "a man-eating shark"),
        ("straßenÜbergang", "straßen übergang"),
        ("billing", "billing"),
        ("  two   spaces ", "two spaces"),
        ("USA", "USA"),
        ("___", "___"),
    ],
)
def test_names_are_split_into_words(name, words):
    assert as_words(name) == words


def test_splitting_twice_changes_nothing():
    for name in ("Refund_not_showing_up", "topUpFailed", "APIError", "Sci/Tech", "iPhone"):
        assert as_words(as_words(name)) == as_words(name)


@pytest.mark.parametrize(
    ("form", "spellings"),
    [
        ("sport", ["Sports", "SPORT", " sports ", "__label__sports", "LABEL_Sports", "label: sport", "the sports"]),
        ("5 star", ["5 stars", "5-star", "5Star", "5_STARS", "5stars"]),
        ("feature request", ["featureRequest", "feature_requests", "Feature-Request", "Feature Requests"]),
        ("science technology", ["Science/Technology", "science & technology", "Science and Technology"]),
        ("money fx", ["money-fx", "Money FX"]),
        ("men shoe", ["men's shoes", "Men\N{RIGHT SINGLE QUOTATION MARK}s Shoes"]),
        (
            "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
            ["Cafe\N{COMBINING ACUTE ACCENT}s", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"],
        ),
        ("label 0", ["LABEL_0"]),
        ("a", ["A"]),
    ],
)
def test_spellings_of_a_name_have_one_normal_form(form, spellings):
    assert {normal_form(name) for name in spellings} == {form}


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("taxes", "tax"),
        ("losses", "loss"),
        ("dishes", "dish"),
        ("matches", "match"),
        ("categories", "category"),
        ("invoices", "invoice"),
        ("movies", "movie"),
        ("children", "child"),
        ("news", "news"),
        ("business", "business"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("yes", "yes"),
        ("gas", "gas"),
    ],
)
def test_plurals_become_singulars(plural, singular):
    assert normal_form(plural) == singular


def test_a_name_without_letters_or_numbers_has_an_empty_normal_form():
    assert [normal_form(name) for name in ("", "?!", "\N{THUMBS UP SIGN}", "___")] == [""] * 4
    assert normal_form("Größe des Schuhs") == "grösse des schuh"
