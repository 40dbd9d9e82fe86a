"""Every message of the library that the page can show has a German translation, and every warning its plain words."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import anyshot
from anyshot.app.studio import Project, add_images, add_rows, add_table, add_texts, import_project, preview
from anyshot.app.studio.page.drawing import problem
from anyshot.app.studio.page.messages import message_in, place_in, translated, warnings_in
from anyshot.app.studio.page.request_bodies import MalformedRequestError
from anyshot.app.studio.page.texts import all_texts, texts_in
from anyshot.data.text_files import OTHER_TYPES
from anyshot.errors import AnyshotError
from anyshot.zero_shot.imagenet_bridge import GUESSES

SOURCE = Path(anyshot.__file__).parent
TABLES = ("json_rows.py", "tables.py", "text_files.py")
READ = [*(SOURCE / "app/studio").rglob("*.py"), *(SOURCE / "data" / name for name in TABLES)]
WARNING = [
    *(SOURCE / "data" / name for name in (*TABLES, "damaged_texts.py", "label_leaks.py")),
    *(SOURCE / "data" / name for name in ("table_writing.py", "workbooks.py")),
    *(SOURCE / "base" / name for name in ("class_words.py", "files.py", "labels.py", "misleading_names.py")),
    *(SOURCE / "store" / name for name in ("database.py", "encoding.py")),
    *(SOURCE / "zero_shot" / name for name in ("class_embeddings.py", "class_readings.py", "class_texts.py")),
    *(SOURCE / "tasks" / name for name in ("fitting.py", "parameters.py")),
    SOURCE / "app/studio/previews.py",
]
"""The files that warn of what a person does in the studio, or note how its files are read and written."""
NEVER = (
    "The labels are whole numbers and the classes names",
    "Labels are numbers with fractions",
    "The 0 labels are 0 different whole numbers",
    "The shares of class_prior",
    "Words drops",
)
"""Warnings of what the studio never gives to an estimator: there, labels and classes are texts, no shares are given,
and only words that are shown are left out."""
GERMAN = texts_in("de")


def written(node, of_name="0"):
    """Return the text of an f-string, with 0 in place of each value; None for what is not a text.

    of_name: in place of a variable, which may be a part that is often empty.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.IfExp):
        return written(node.body, of_name)
    if not isinstance(node, ast.JoinedStr):
        return None
    quoted = {114: "'0'"}  # !r
    return "".join(
        one.value if isinstance(one, ast.Constant) else inside(one.value, quoted.get(one.conversion, of_name))
        for one in node.values
    )


def inside(node, value):
    """Return the text of a value that is a text itself, such as "0 cell"; `value` for a variable, and 0 for others."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("count", "counted"):
        return f"0 {node.args[1].value}"
    if isinstance(node, ast.IfExp):
        return written(node)
    return value or ("" if isinstance(node, ast.Name) else "0")


def raised():
    """Return the messages of the errors that the files raise, but those of requests that no control sends."""
    for file in READ:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            call = node.exc if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
            if call is not None and getattr(call.func, "id", "") != MalformedRequestError.__name__ and call.args:
                yield written(call.args[0])


def test_every_error_has_its_translation():
    messages = {message for message in raised() if message is not None}
    assert len(messages) > 50
    assert {message for message in messages if translated(message, "de") is None} == set()


def warned():
    """Return the messages of the warnings and notes that the files have, each with variables as 0 and as nothing."""
    for file in WARNING:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in ("warn", "note"):
                message = node.args[name == "note"]
                yield written(message), written(message, "")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_warning_has_its_plain_words_or_is_known_not_to_be_needed(language):
    texts = [forms for forms in warned() if forms[0] not in (None, "0 0") and not forms[0].startswith(NEVER)]
    messages = [*texts, (f"{GUESSES} Give labels of each class.",)]
    assert len(messages) >= 20
    t = texts_in(language)
    shown = {forms: [warnings_in([one], t) for one in forms] for forms in messages}
    as_it_is = {forms: [[t("other_warning", message=one)] for one in forms] for forms in messages}
    assert {forms for forms in messages if shown[forms] == as_it_is[forms]} == set()
    assert sum([] in own for own in shown.values()) == 5


def test_a_warning_has_no_other_values_than_those_of_the_library():
    for english, own in all_texts()["warnings"].items():
        for text in own.values():
            assert set(re.findall(r"\{(\w+)\}", text)) <= set(re.findall(r"\{(\w+)\}", english)), english


def test_a_warning_without_words_of_its_own_is_shown_as_it_is():
    assert warnings_in(["New.", "New."], texts_in("en")) == ["New."]
    assert warnings_in(["New."], GERMAN) == ["Hinweis: New."]


def test_the_end_of_a_list_is_translated_too():
    read = "a.xlsx, sheet 'May': 1,203 formulas without a value, read as empty: C8, C15 and 1,201 more. "
    (shown,) = warnings_in([f"{read}Open the file in Excel and save it, which adds the values"], GERMAN)
    assert shown.startswith("a.xlsx: 1.203 Formeln haben ")
    assert "C15 und 1.201 weitere)" in shown


def test_a_translation_has_no_other_values_than_its_message():
    for english, german in all_texts()["messages"]["de"].items():
        assert set(re.findall(r"\{(\w+)\}", german)) <= set(re.findall(r"\{(\w+)\}", english)), english


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("messages") / "mail", name="Mail") as project:
        project.classes.add("It's billing")
        yield project


def said(call):
    with pytest.raises(AnyshotError) as found:
        call()
    return problem(found.value, GERMAN).detail


@pytest.mark.parametrize(
    ("content", "german"),
    [
        (b"", "mail.csv ist leer."),
        (b"text,label\n", "mail.csv hat "),
        (b'text\n"not closed', "mail.csv, Zeile 2: Ein Anführungszeichen wird nicht geschlossen. Schließe es"),
        (b"a,b\n1,2,3\n", "mail.csv, Zeile 2: Hier stehen 3 Felder, in der ersten Zeile 2."),
        (b"text\n \n", "mail.csv"),
        (b"text\n\x00", "mail.csv ist unvollständig"),
        (b"text\na\x00b\nlate\n", "mail.csv, Zeile 2: Hier steht ein Nullbyte."),
        ("text\nlate\n".encode("utf-16-le"), "mail.csv ist keine Textdatei"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_german(texts, tmp_path, content, german):
    (tmp_path / "mail.csv").write_bytes(content)
    found = said(lambda: add_table(texts, tmp_path / "mail.csv")).replace(f"{tmp_path}/", "")
    assert found.startswith(german)
    assert "Meldung" not in found


def test_a_file_of_another_type_is_refused_in_german(texts, tmp_path):
    (tmp_path / "c.exe").write_bytes(b"MZ")
    assert "kann nicht gelesen werden" in said(lambda: add_table(texts, tmp_path / "c.exe"))
    for advice in OTHER_TYPES.values():
        german = translated(f"c is not of a supported type. Supported: .csv, and folders of images. {advice}", "de")
        assert str(german).endswith(f". {translated(advice, 'de')}"), advice
    Image.new("RGB", (4, 4)).save(tmp_path / "c.png")
    assert said(lambda: add_table(texts, tmp_path / "c.png")).endswith("Lege für Fotos ein Projekt mit Bildern an.")


def test_classes_and_projects_are_refused_in_german(texts, tmp_path):
    assert said(lambda: texts.classes.add("IT'S billing")).startswith("Eine Klasse „It's billing“ gibt es schon.")
    assert said(lambda: texts.classes.add("x" * 1234)).startswith(f"Der Name „{'x' * 40}...“ ist 1234 Zeichen lang")
    assert said(lambda: texts.classes.set_words(1, "!?")).startswith("Hier fehlen Wörter mit Buchstaben")
    assert said(lambda: texts.classes.add_words({1: ", ,"})).startswith("Hier fehlen Wörter")
    assert said(lambda: add_texts(texts, [" "])) == "pasted texts enthält keinen brauchbaren Text: es gibt keinen."
    (tmp_path / "a.zip").write_bytes(b"PK")
    refused = said(lambda: import_project(tmp_path / "a.zip", tmp_path / "new"))
    assert refused.startswith("a.zip kann nicht")
    assert refused.endswith(": es ist keine ZIP-Datei.")


def test_a_full_disk_is_said_in_german(texts):
    with texts.database.transaction() as transaction:
        transaction.read(f"pragma max_page_count = {transaction.read('pragma page_count')[0]['page_count']}")
    with pytest.raises(AnyshotError) as found:
        add_texts(texts, [f"text {number} {'x' * 500}" for number in range(100)])
    german = problem(found.value, GERMAN)
    assert german.status == 507
    assert "der Datenträger ist voll. Es wurde nichts geändert." in german.detail
    assert problem(OSError(28, "No space left on device"), GERMAN).detail == (
        "Der Datenträger ist voll. Es wurde nichts geändert."
    )


def test_images_that_cannot_be_used_are_listed_in_german(tmp_path):
    Image.effect_noise((90, 90), 50).save(tmp_path / "good.png")
    cut = (tmp_path / "good.png").read_bytes()[:60]
    names = {"cut.png": cut, "no.png": b"no", "0.jpg": b"", "a.heic": b"x", "b.txt": b"x"}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
    with Project.create(tmp_path / "project", name="x", kind="images") as project:
        faults = dict(add_images(project, [tmp_path / name for name in names]).faults)
    assert faults.keys() == names.keys()
    assert not [reason for reason in faults.values() if "Meldung" in message_in(reason, GERMAN)]
    assert message_in(faults["a.heic"], GERMAN).startswith("Fotos im Format HEIC können nicht gelesen werden")


def test_rows_and_columns_that_cannot_be_used_are_listed_in_german(tmp_path):
    table = pd.DataFrame(
        {
            "age": [*range(20), "alt"],
            "since": [*[f"{n + 1:02}.02.2024" for n in range(20)], "bald"],
            "weight": [f"{n} kg" for n in range(21)],
            "day": ["03/04/2024"] * 21,
        }
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    faults = [one.fault for one in preview(tmp_path / "a.csv").features if one.fault]
    with Project.create(tmp_path / "project", name="x") as project:
        faults += [fault for _, fault in add_rows(project, tmp_path / "a.csv", feature_columns=["age", "since"]).faults]
        others = table_without(table, "age", tmp_path)
        refused = [said(lambda: add_rows(project, others)), said(lambda: add_texts(project, ["late"]))]
    german = [*(message_in(fault, GERMAN) for fault in faults), *refused]
    assert german[0] == "In der Spalte „weight“ haben Zahlen eine Einheit, zum Beispiel „0 kg“."
    assert german[2] == "age: „alt“ ist keine Zahl"
    assert "hat keine Spalte „age“, die jede Zeile dieses Projekts braucht" in german[-2]
    assert not [one for one in german if "Meldung" in one]


def table_without(table, column, folder):
    table.drop(columns=column).to_csv(folder / "b.csv", index=False)
    return folder / "b.csv"


def test_places_are_translated_and_names_of_files_are_not():
    german = {"line 3": "Zeile 3", "a.csv, line 3": "a.csv, Zeile 3", "a.png": "a.png"}
    assert {place: place_in(place, GERMAN) for place in german} == german


def test_an_unknown_message_is_introduced_and_english_is_left_alone():
    assert message_in("Something else.", GERMAN) == "Das hat nicht geklappt. Die Meldung lautet: Something else."
    assert message_in("Something else.", texts_in("en")) == "Something else."
