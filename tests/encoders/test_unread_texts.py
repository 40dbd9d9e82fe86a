"""Texts in letters that an encoder does not know."""

import pytest

from anyshot import AnyShotClassifier, load_encoder
from anyshot.encoders.unread_texts import rows_of_unread_texts

TEXTS = ["I want my money back", "ฉันต้องการเงินคืน", "où est mon colis ?", "พัสดุของฉันอยู่ที่ไหน", "привет как дела"]


def test_the_default_encoder_does_not_read_thai():
    assert rows_of_unread_texts(load_encoder("minilm"), TEXTS).tolist() == [1, 3]
    assert rows_of_unread_texts(object(), TEXTS).tolist() == []


def test_a_warning_names_the_rows_once():
    clf = AnyShotClassifier(["refund", "delivery"]).fit()
    with pytest.warns(
        UserWarning, match=r"2 of 5 texts are mostly in letters that the encoder 'minilm' does not know \(rows 1, 3\)"
    ):
        clf.predict(TEXTS)
    clf.predict(TEXTS)  # a second warning would be an error
