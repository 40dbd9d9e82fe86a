"""Answers are those of AnyShotClassifier, and follow each change."""

import pytest

from anyshot.app.studio import Answers, Project, add_texts
from anyshot.tasks import AnyShotClassifier
from shop_messages import CLASSES, MESSAGES


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("answers") / "mail", name="Mail") as project:
        add_texts(project, MESSAGES)
        for name in CLASSES:
            project.classes.add(name)
        yield project


@pytest.fixture(scope="module")
def answers(project):
    with Answers(project) as answers:
        assert answers.wait_until_ready()
        yield answers


def names_of(project, answers):
    names = {one.id: one.name for one in project.classes.all()} | {-1: "unknown"}
    return [names[number] for number in answers.current.classes.tolist()]


def test_answers_at_no_label_are_those_of_the_classifier(project, answers):
    clf = AnyShotClassifier(CLASSES).fit(unlabeled=[*MESSAGES])
    assert answers.wait_until_ready()
    assert names_of(project, answers) == clf.predict([*MESSAGES]).tolist()


def test_answers_after_labels_are_those_of_the_classifier(project, answers):
    items = project.items.get(project.items.labels().ids)
    ids = {one.name: one.id for one in project.classes.all()}
    before = answers.changed.number
    for item in items[::4]:
        project.label([item.id], ids[MESSAGES[item.content]])
    assert answers.wait_until_ready()
    texts = [item.content for item in items[::4]]
    clf = AnyShotClassifier(CLASSES).fit(texts, [MESSAGES[text] for text in texts], unlabeled=[*MESSAGES])
    assert names_of(project, answers) == clf.predict([*MESSAGES]).tolist()
    assert answers.changed.number > before
    project.undo(to=project.history.entries()[len(texts) - 1].id - 1)


def test_changed_answers_are_counted_and_named(project, answers):
    assert answers.wait_until_ready()
    before = dict(zip(answers.current.ids.tolist(), answers.current.classes.tolist(), strict=True))
    number = project.classes.add("parcel lost on the way", words="parcel, lost, damaged, courier")
    assert answers.wait_until_ready()
    after = dict(zip(answers.current.ids.tolist(), answers.current.classes.tolist(), strict=True))
    assert set(answers.changed.items) == {item for item in after if after[item] != before[item]}
    assert answers.changed.items
    assert [chip.word for chip in answers.chips()[number]][:2] == ["parcel", "lost"]
    project.undo()


def test_stored_answers_are_there_when_a_project_is_opened(project, answers):
    assert answers.wait_until_ready()
    again = Answers(project, start=False)
    assert again.current.classes.tolist() == answers.current.classes.tolist()
    assert not again.is_current()


def test_too_few_classes_are_said(tmp_path):
    with Project.create(tmp_path / "new", name="new") as project:
        answers = Answers(project, start=False)
        add_texts(project, ["one text", "another"])
        answers.refit()
        assert answers.state.reason == "no classes"
        project.classes.add("billing")
        answers.refit()
        assert answers.state.reason == "one class"
        assert len(answers.current.ids) == 0


def test_unknown_items_make_an_unknown_answer_possible(project, answers):
    ids = project.items.labels().ids[:3].tolist()
    project.label(ids, "unknown")
    assert answers.wait_until_ready()
    assert answers.learned.model.unknown_threshold is not None
    project.undo()
