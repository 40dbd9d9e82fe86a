"""Adding images: files, folders and zip files, good ones among bad."""

import zipfile

import pytest
from PIL import Image

from anyshot.app.studio import Project, add_images
from anyshot.app.studio.adding_images import FOLDERS
from anyshot.errors import InputError, UnknownClassError


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project", name="Photos", kind="images") as project:
        yield project


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(["a.png", "b.jpg", "more/c.png"]):
        Image.new("RGB", (500, 300), (60 * number, 90, 120)).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:80])
    (folder / "empty.jpg").touch()
    (folder / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "notes.txt").write_text("no image")
    return folder


def faults_of(added):
    return {name: reason.split(";")[0].split(":")[0] for name, reason in added.faults}


def test_good_images_of_a_folder_are_taken_and_bad_ones_listed(project, photos):
    added = add_images(project, [photos])
    assert added.n_items == 3
    assert set(faults_of(added)) == {"broken.png", "empty.jpg", "phone.HEIC", "notes.txt"}
    assert "HEIC photographs cannot be read" in dict(added.faults)["phone.HEIC"]
    items = project.items.get(project.items.labels().ids)
    assert [item.name for item in items] == ["a.png", "b.jpg", "more/c.png"]
    assert project.items.path(items[0]).read_bytes() == (photos / "a.png").read_bytes()
    with Image.open(project.items.thumbnail(items[0])) as small:
        assert (small.format, small.size) == ("JPEG", (320, 192))
    assert str(project.history.last()) == "Added 3 items from photos"


def test_a_zip_is_read_and_no_file_leaves_the_project(project, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(photos / "a.png", "../../outside.png")
        archive.write(photos / "b.jpg", "b.jpg")
        archive.write(photos / "b.jpg", "__MACOSX/b.jpg")
        archive.write(photos / "more/c.png", "beach/c.png")
        archive.write(photos / "more/c.png", "beach/.hidden.png")
        archive.writestr("more.zip", b"PK")
    added = add_images(project, [tmp_path / "photos.zip"])
    assert (added.n_items, added.n_duplicates, [name for name, _ in added.faults]) == (3, 0, ["more.zip"])
    names = [item.name for item in project.items.get(project.items.labels().ids)]
    assert (names, added.read) == (["outside.png", "b.jpg", "beach/c.png"], [FOLDERS])
    assert not (tmp_path.parent / "outside.png").exists()
    (tmp_path / "broken.zip").write_bytes(b"PK nothing")
    assert "cannot be read" in dict(add_images(project, [tmp_path / "broken.zip"]).faults)["broken.zip"]


def test_pictures_of_one_class_are_one_change(project, tmp_path, photos):
    number = project.classes.add("sky")
    files = []
    for shade in range(40):
        files.append(tmp_path / f"{shade}.png")
        Image.new("RGB", (8, 8), (shade, 0, 0)).save(files[-1])
    before = add_images(project, files[-1:]).entry  # without a label, and again below in the second part
    added = add_images(project, files, label=number)
    assert (added.n_items, added.n_duplicates, project.classes.get(number).n_labels) == (39, 1, 40)
    assert str(added.entry) == str(project.history.last()) == "Added 39 items from 0.png"
    assert project.undo(added.entry.id) == [project.history.entry(added.entry.id)]
    assert (project.items.count(), project.classes.get(number).n_labels) == (1, 0)
    project.undo(before.id)
    assert add_images(project, files[:1]).n_items == 1


def test_images_whose_files_were_removed_are_known(project, photos):
    add_images(project, [photos])
    ids = project.items.labels().ids
    project.items.path(project.items.one(ids[0])).unlink()
    assert project.items.there(ids).tolist() == ids[1:].tolist()


def test_adding_that_is_undone_meanwhile_ends(project, photos, tmp_path):
    files = []
    for shade in range(40):
        files.append(tmp_path / f"{shade}.png")
        Image.new("RGB", (8, 8), (0, shade, 0)).save(files[-1])
    undo = [project.undo]
    with (
        project.database.listening(lambda: undo and undo.pop()()),  # after the first images
        pytest.raises(InputError, match="was undone while it went on"),
    ):
        add_images(project, files)
    assert project.items.count() == 0


def test_images_of_a_class_that_was_removed_are_refused(project, photos):
    with pytest.raises(UnknownClassError, match="no class 7"):
        add_images(project, [photos], label=7)
    assert project.items.count() == 0
