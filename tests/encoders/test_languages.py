"""Texts in other languages than an encoder was trained on: known by common words, and warned of once, by row."""

import pytest

from anyshot import AnyShotClassifier, load_encoder
from anyshot.encoders.languages import language_of
from anyshot.encoders.texts import rows_of_foreign_texts
from anyshot.errors import ItemWarning

SENTENCES = {
    "German": "Das Gerät ist nach zwei Tagen kaputt",
    "French": "Où est mon colis, je suis très déçu",
    "Spanish": "El producto es excelente y llegó muy rápido",
    "Italian": "Il pacco non è mai arrivato",
    "Portuguese": "A entrega foi muito rápida, mas veio uma peça a menos",
    "Dutch": "Ik heb het pakket nog niet ontvangen",
    "Polish": "Paczka jest uszkodzona i nie działa",
    "Swedish": "Paketet är trasigt och jag är inte glad",
    "Danish or Norwegian": "Jeg har ikke fått pakken",
    "Finnish": "Paketti ei ole saapunut, mutta se on maksettu",
    "Turkish": "Ürün çok kötü ve kargo geç geldi",
    "Romanian": "Coletul nu a ajuns și sunt foarte supărat",
    "Czech": "Balík není v pořádku a nefunguje, ale už je zaplacen",
    "Hungarian": "A csomag nem érkezett meg",
    "Indonesian": "Barang tidak sampai dan saya kecewa",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_of_each_language_is_recognized(language):
    assert language_of(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "The parcel is late, and I want my money back",
        "Oscar de la Hoya meets Don King in El Paso",
        "Das Auto was great, says Der Spiegel, and so do we",
        "Bon appétit",
        "Los Angeles, Las Vegas",
        "no me gusta",
        "",
        "9.99 EUR",
        "Schnitzel",
    ],
)
def test_english_names_and_single_words_are_no_other_language(text):
    assert language_of(text) is None


def test_a_typographic_apostrophe_is_read_as_a_plain_one():
    assert language_of("j\u2019ai reçu, c\u2019est cassé") == "French"


def test_only_encoders_of_one_language_have_foreign_texts():
    texts = ["good", *SENTENCES.values()]
    rows, languages = rows_of_foreign_texts(load_encoder("minilm"), texts)
    assert (rows.tolist(), languages) == (list(range(1, len(texts))), list(SENTENCES))
    rows, languages = rows_of_foreign_texts(object(), texts)
    assert (rows.tolist(), languages) == ([], [])


def test_a_warning_names_languages_and_rows_once():
    clf = AnyShotClassifier(["positive", "negative"], cache=False).fit()
    texts = ["It broke", SENTENCES["German"], SENTENCES["French"], "Das ist nicht gut"]
    with pytest.warns(ItemWarning, match=r"3 texts are in another language \(German, French\) than English") as found:
        clf.predict(texts)
    assert ": row 1, row 2, row 3. Such texts need more labels" in str(found[0].message)
    assert found[0].message.rows == (1, 2, 3)
    clf.predict(texts)  # a second warning would be an error
