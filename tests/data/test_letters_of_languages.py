"""Encodings by the letters of languages: files as people have them, and cases solved by hand."""

import pytest

from anyshot.data.letters_of_languages import ENCODINGS, encodings_by_letters
from anyshot.data.text_files import read_text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1250", "Dobrý den, zboží přišlo poškozené\nFaktura je špatně"),
        ("windows-1250", "Kje je moja pošiljka\nRačun je napačen"),
        ("windows-1250", "A pénzt kérem vissza\nEz nem jó, hibás a gép és késő"),
        ("windows-1250", "Nie dostałem zwrotu\nProszę o zamówienie"),
        ("windows-1250", "Plata nu a mers, vă rog să mă ajutaţi\naştept"),
        ("windows-1253", "Θέλω πίσω τα χρήματά μου"),
        ("windows-1251", "Где мой заказ, жду уже неделю"),
        ("windows-1257", "Prašau grąžinti pinigus, prekė sugedusi"),
        ("windows-1257", "Lūdzu atmaksājiet naudu, prece ir bojāta"),
        ("windows-1254", "sipari\u015fim gelmedi\n\u00e7ok k\u0131zg\u0131n\u0131m"),
        ("windows-1254", "\u00f6deme yap\u0131ld\u0131\nsipari\u015fim gelmedi"),
        ("windows-1252", "martedì perché"),
        ("windows-1252", "Sørensen\nLefèvre\nNuñez\nMüller\nConceição"),
        ("cp850", "Wo ist mein Päckchen, ich möchte es hören"),
        ("cp852", "Płatność kartą nie przeszła"),
        ("cp866", "Верните деньги, товар сломан"),
    ],
    ids=ascii,
)
def test_the_alphabets_of_languages_tell_encodings_apart(tmp_path, encoding, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(path) == (text, encoding)


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("gęś, żółw", "cp1250", ["cp1250"]),
        ("HÔTEL, café", "cp1252", ["cp1252"]),
        ("cœur, bœuf", "cp1252", ["cp1252"]),
        ("5 m³, 20 °C, 3 €", "cp1252", ["cp1252"]),
        ("don\u2019t wait—really", "cp1252", ["cp1252"]),
        ("a³þb c¼ðd", "cp1252", []),
    ],
    ids=ascii,
)
def test_letters_and_signs_of_one_language_decide(text, encoding, expected):
    assert encodings_by_letters(text.encode(encoding)) == expected


def test_equally_good_readings_are_all_named():
    found = encodings_by_letters("für Stück Tür".encode("mac_roman"))
    assert (len(found), set(found) <= set(ENCODINGS)) == (2, True)


def test_fewer_than_three_letters_are_in_an_encoding_of_windows():
    assert encodings_by_letters("Tür".encode("cp850")) != ["cp850"]
    assert encodings_by_letters("für, öfter, größer".encode("cp850")) == ["cp850"]
