"""A project with messages, half of which have labels, and its answers."""

import pytest

from anyshot.app.studio import Answers, Project, add_texts
from shop_messages import CLASSES, MESSAGES


@pytest.fixture(scope="module")
def half_labeled(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("views") / "mail", name="Mail") as project:
        add_texts(project, MESSAGES)
        ids = {name: project.classes.add(name) for name in CLASSES}
        for item in project.items.get(project.items.labels().ids)[::2]:
            project.label([item.id], ids[MESSAGES[item.content]])
        yield project


@pytest.fixture(scope="module")
def half_answers(half_labeled):
    answers = Answers(half_labeled, start=False)
    answers.refit()
    return answers
