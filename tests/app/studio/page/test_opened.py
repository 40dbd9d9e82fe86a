"""Projects by their names, in one folder and elsewhere."""

import pytest

from anyshot.app.studio import Project
from anyshot.app.studio.page import Projects
from anyshot.errors import ProjectError


def test_removed_projects_are_those_of_the_folder(tmp_path):
    with Projects(tmp_path) as projects:
        first, second = projects.create("mail", "texts"), projects.create("mail", "images")
        assert [projects.remove(first), projects.remove(second)] == ["mail", "mail 2"]
        assert (list(projects.folders()), set(projects.removed())) == ([], {"mail", "mail 2"})
        assert projects.create("mail", "texts") == "mail"
        assert projects.restore("mail") == "mail 2"


def test_a_project_is_opened_once_and_no_name_leads_elsewhere(tmp_path):
    Project.create(tmp_path / "outside", name="outside").close()
    with Projects(tmp_path / "here") as projects:
        name = projects.create("../mail", "texts")
        assert name == "mail"
        assert projects.get(name) is projects.get(name)
        with pytest.raises(ProjectError, match="no project"):
            projects.get("../outside")
