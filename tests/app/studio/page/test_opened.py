"""Projects by their names, in one folder and elsewhere."""

import shutil

import pytest

from anyshot.app.studio import Project
from anyshot.app.studio.page import Projects, opened
from anyshot.errors import ProjectError
from module_copies import with_changes


def test_removed_projects_are_those_of_the_folder(tmp_path):
    with Projects(tmp_path) as projects:
        first, second = projects.create("mail", "texts"), projects.create("mail", "images")
        assert [projects.remove(first), projects.remove(second)] == ["mail", "mail 2"]
        assert (list(projects.folders()), set(projects.removed())) == ([], {"mail", "mail 2"})
        assert projects.create("mail", "texts") == "mail"
        assert projects.restore("mail") == "mail 2"


def test_a_project_that_lies_elsewhere_is_removed_and_brought_back(tmp_path):
    Project.create(tmp_path / "outside" / "mail", name="mail").close()
    with Projects(tmp_path / "here") as projects:
        name = projects.add(tmp_path / "outside" / "mail")
        assert (projects.remove(name), list(projects.folders())) == ("mail", [])
        assert projects.restore("mail") == "mail"
        assert projects.folders() == {"mail": tmp_path.resolve() / "outside" / "mail"}


def test_a_relative_link_to_a_project_survives_the_trash(tmp_path):
    Project.create(tmp_path / "outside" / "mail", name="mail").close()
    with Projects(tmp_path / "here") as projects:
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "linked").symlink_to("../outside/mail", target_is_directory=True)
        assert (projects.remove("linked"), list(projects.removed())) == ("linked", ["linked"])
        assert (projects.restore("linked"), projects.get("linked").project.name) == ("linked", "mail")


def test_two_projects_of_one_name_are_told_apart(tmp_path):
    with Projects(tmp_path) as projects:
        names = [projects.get(projects.create("Mail: May", "texts")).project.name for _ in range(2)]
    assert names == ["Mail: May", "Mail: May 2"]


def test_deleting_for_good_spares_what_a_link_leads_to_and_says_what_fails(tmp_path, monkeypatch):
    Project.create(tmp_path / "outside", name="outside").close()
    with Projects(tmp_path / "here") as projects:
        kept = projects.create("mail", "texts")
        (tmp_path / "here" / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
        projects.delete(projects.remove("linked"))
        assert (list(projects.removed()), (tmp_path / "outside" / "project.sqlite").is_file()) == ([], True)
        projects.remove(kept)
        monkeypatch.setattr(opened, "shutil", with_changes(shutil, rmtree=refuse))
        with pytest.raises(ProjectError, match="cannot be deleted: Permission denied"):
            projects.delete("mail")


def refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_project_is_opened_once_and_no_name_leads_elsewhere(tmp_path):
    Project.create(tmp_path / "outside", name="outside").close()
    with Projects(tmp_path / "here") as projects:
        name = projects.create("../mail", "texts")
        assert name == "mail"
        assert projects.get(name) is projects.get(name)
        with pytest.raises(ProjectError, match="no project"):
            projects.get("../outside")


def test_a_project_that_was_replaced_is_opened_again(tmp_path):
    with Projects(tmp_path) as projects:
        name = projects.create("mail", "texts")
        projects.get(name).project.classes.add("billing")
        shutil.rmtree(tmp_path / name)
        Project.create(tmp_path / name, name="another").close()
        assert (projects.get(name).project.name, projects.get(name).project.classes.all()) == ("another", [])
