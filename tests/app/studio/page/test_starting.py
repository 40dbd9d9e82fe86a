"""What the studio shows when it is started with a project, a file or a model."""

import socket

import pytest

from anyshot.app.studio import Project
from anyshot.app.studio.page import Projects, run_studio
from anyshot.app.studio.page.starting import address_of
from anyshot.errors import InputError


def test_a_project_elsewhere_is_shown_under_the_name_of_its_folder(tmp_path):
    Project.create(tmp_path / "here" / "mail", name="Mail").close()
    Project.create(tmp_path / "there" / "mail", name="Other mail").close()
    with Projects(tmp_path / "here") as projects:
        assert address_of(projects, tmp_path / "here" / "mail") == "/p/mail/"
        assert address_of(projects, tmp_path / "there" / "mail") == "/p/mail-/"
        assert projects.get("mail-").project.name == "Other mail"


def test_a_table_becomes_a_project_whose_columns_are_asked_for(tmp_path):
    (tmp_path / "tickets.csv").write_text("text,team\nI was charged twice,billing\n")
    with Projects(tmp_path / "projects") as projects:
        assert address_of(projects, tmp_path / "tickets.csv").startswith("/p/tickets/?table=")
        assert projects.get("tickets").project.items.count() == 0


def test_what_is_no_project_is_refused(tmp_path):
    with Projects(tmp_path / "projects") as projects, pytest.raises(InputError, match="no project of the studio"):
        address_of(projects, tmp_path)


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="Choose another --port"):
        run_studio(port=taken.getsockname()[1], root=tmp_path, browse=None)
