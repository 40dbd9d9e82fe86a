"""Projects as zip files, and projects from models."""

import sqlite3
import zipfile

import pytest

from anyshot.app.studio import Answers, add_rows, import_project, project_from_model, sample, save_model, save_project
from anyshot.app.studio.database import FILE_NAME
from anyshot.app.studio.exported_rows import exported_rows
from anyshot.app.studio.exports import write_zip
from anyshot.errors import DataFileError, InputError, ProjectError
from anyshot.tasks import AnyShotClassifier
from shop_customers import customers


@pytest.fixture(scope="module")
def zipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with sample("images", folder / "drawings") as project:
        project.label([1, 2], 1)
        next((project.folder / "images").iterdir()).with_name(".0123.4567.part.png").touch()  # a killed process left it
        save_project(project, folder / "drawings.zip")
    return folder / "drawings.zip"


def changed(zipped, target, **files):
    """Write a copy of a zip with other files added, or replaced."""
    with zipfile.ZipFile(zipped) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            if name not in files:
                copy.writestr(name, source.read(name))
        for name, content in files.items():
            copy.writestr(name, content)
    return target


def test_a_project_is_the_same_on_another_machine(zipped, tmp_path):
    with import_project(zipped, tmp_path / "here") as project:
        assert project.facts() | {"folder": ""} == {
            **{"name": "Sample: drawings", "kind": "images", "folder": ""},
            **{"items": 60, "labels": 2, "classes": 4},
        }
        items = project.items.get([1, 2])
        assert all(project.items.path(item).is_file() and project.items.thumbnail(item).is_file() for item in items)
        assert str(project.undo()[0]) == "Labeled 2 items as tree"


@pytest.mark.parametrize("name", ["../outside.png", "/etc/outside", "images/x.png", "images/../../up.png", "run.py"])
def test_files_that_a_project_has_not_are_refused(zipped, tmp_path, name):
    with pytest.raises(DataFileError, match="is not a project"):
        import_project(changed(zipped, tmp_path / "bad.zip", **{name: b"x"}), tmp_path / "here")
    assert [file.name for file in tmp_path.iterdir()] == ["bad.zip"]


def test_a_database_with_other_tables_or_code_is_refused(zipped, tmp_path):
    other = tmp_path / "other.sqlite"
    with zipfile.ZipFile(zipped) as archive:
        other.write_bytes(archive.read(FILE_NAME))
    connection = sqlite3.connect(other)
    connection.execute("create trigger t after insert on history begin delete from items; end")
    connection.commit()
    connection.close()
    with pytest.raises(ProjectError, match="not the file of a project"):
        import_project(changed(zipped, tmp_path / "bad.zip", **{FILE_NAME: other.read_bytes()}), tmp_path / "here")
    with pytest.raises(ProjectError, match="not the file of a project"):
        import_project(changed(zipped, tmp_path / "bad.zip", **{FILE_NAME: b"none"}), tmp_path / "here")


def test_a_changed_image_and_what_is_no_zip_are_refused(zipped, tmp_path):
    name = next(name for name in zipfile.ZipFile(zipped).namelist() if name.startswith("images/"))
    with pytest.raises(DataFileError, match="has been changed"):
        import_project(changed(zipped, tmp_path / "bad.zip", **{name: b"other"}), tmp_path / "here")
    (tmp_path / "text.zip").write_text("no zip")
    packed = bytearray(zipped.read_bytes())
    start = zipfile.ZipFile(zipped).getinfo(FILE_NAME).header_offset + 30 + len(FILE_NAME)
    packed[start : start + 20] = bytes([255] * 20)
    (tmp_path / "damaged.zip").write_bytes(packed)
    for name in ("text.zip", "damaged.zip"):
        with pytest.raises(DataFileError, match="cannot be read as a zip"):
            import_project(tmp_path / name, tmp_path / "here")
    with pytest.raises(ProjectError, match="is not empty"):
        import_project(zipped, tmp_path)
    with pytest.raises(ProjectError, match="is not empty"):
        import_project(zipped, tmp_path / "text.zip")
    with pytest.raises(DataFileError, match="There is no file"):
        import_project(tmp_path / "none.zip", tmp_path / "here")
    with pytest.raises(DataFileError, match="is a folder"):
        import_project(tmp_path, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_model_becomes_a_project_with_its_classes_and_labels(tmp_path):
    from anyshot import Words

    texts, labels = ["I was charged twice", "Where is my parcel?"], ["billing", "delivery"]
    classes = {"delivery": None, "billing": ["money matters", Words("invoice, charge")]}
    AnyShotClassifier(classes).fit(texts, labels).save(tmp_path / "model")
    with project_from_model(tmp_path / "model", tmp_path / "project") as project:
        delivery, billing = project.classes.all()
        assert (billing.name, billing.description, billing.words) == ("billing", "money matters", ("invoice", "charge"))
        assert (delivery.name, delivery.description, delivery.n_labels) == ("delivery", "", 1)
        assert [item.content for item in project.items.get([1, 2])] == texts
        again = save_model(project)
    write_zip(tmp_path / "model.zip", again)
    with import_project(tmp_path / "model.zip", tmp_path / "third") as third:
        assert [one.texts for one in third.classes.all()] == [delivery.texts, billing.texts]
        assert [one.color for one in third.classes.all()] == [delivery.color, billing.color]
    with pytest.raises(DataFileError, match=r"not a model .* it holds 'run\.py'"):
        import_project(changed(tmp_path / "model.zip", tmp_path / "bad.zip", **{"run.py": b"x"}), tmp_path / "fourth")
    assert not (tmp_path / "fourth").exists()


def test_a_model_of_numbers_is_refused(tmp_path):
    AnyShotClassifier({"left": [-1.0, 0.0], "right": [1.0, 0.0]}).fit([[1.0, 2.0]], ["right"]).save(tmp_path / "model")
    with pytest.raises(InputError, match="neither texts, images nor rows"):
        project_from_model(tmp_path / "model", tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_a_model_of_rows_becomes_a_project_with_its_labeled_rows(customer_rows, tmp_path):
    project, _ = customer_rows
    save_project(project, tmp_path / "project.zip")
    write_zip(tmp_path / "model.zip", save_model(project, tmp_path / "model"))
    with import_project(tmp_path / "project.zip", tmp_path / "again") as again:
        assert (again.kind, again.facts()["labels"]) == ("rows", 4)
        before = again.items.contents([1, 2, 3, 4])
    with import_project(tmp_path / "model.zip", tmp_path / "third") as third:
        assert (third.kind, [one.name for one in third.classes.all()]) == ("rows", ["left", "stays"])
        after = third.items.contents([1, 2, 3, 4])
        assert third.items.columns() == project.items.columns()
        assert after["city"].tolist() == before["city"].tolist()
        assert after.drop(columns="city").to_numpy().tolist() == before.drop(columns="city").to_numpy().tolist()
        assert add_rows(third, customer_table(tmp_path)).n_duplicates == 4
        assert exported_rows(third, Answers(third, start=False))["age"].notna().all()


def customer_table(folder):
    customers().to_csv(folder / "customers.csv", sep=";", index=False)
    return folder / "customers.csv"
