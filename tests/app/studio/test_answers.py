"""Answers are those of AnyShotClassifier, and follow each change."""

import time

import pytest
from PIL import Image

from anyshot.app.studio import Answers, Project, add_images, add_rows, add_table, add_texts
from anyshot.app.studio import answers as studio_answers
from anyshot.app.studio.answers import State
from anyshot.app.studio.exports import fitted_classifier
from anyshot.app.studio.learning import Learner
from anyshot.tasks import AnyShotClassifier
from shop_customers import customers
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
        assert answers.wait_until_ready(300)
        yield answers


def test_items_that_are_taken_back_while_a_model_is_fitted_to_them_do_not_end_the_fit(tmp_path):
    (tmp_path / "mail.csv").write_text("text,label\ncharged twice,billing\nno parcel,delivery\nwrong fee,billing\n")
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_table(project, tmp_path / "mail.csv", label_column="label")
        labels, classes, learner = project.items.labels(), project.classes.all(), Learner(project)
        list(learner.vectors.encode(labels.ids[:1]))
        project.undo()
        assert list(learner.vectors.encode(labels.ids)) == [3]
        assert learner.fit(classes, labels).items.tolist() == labels.ids.tolist()
        assert project.items.get(labels.ids) == []


def names_of(project, answers):
    names = {one.id: one.name for one in project.classes.all()} | {-1: "unknown"}
    return [names[number] for number in answers.current.classes.tolist()]


def test_answers_at_no_label_are_those_of_the_classifier(project, answers):
    clf = AnyShotClassifier(CLASSES).fit(unlabeled=[*MESSAGES])
    assert answers.wait_until_ready(300)
    assert names_of(project, answers) == clf.predict([*MESSAGES]).tolist()


def test_answers_after_labels_are_those_of_the_classifier(project, answers):
    items = project.items.get(project.items.labels().ids)
    ids = {one.name: one.id for one in project.classes.all()}
    before = answers.changed.number
    for item in items[::4]:
        project.label([item.id], ids[MESSAGES[item.content]])
    assert answers.wait_until_ready(300)
    texts = [item.content for item in items[::4]]
    clf = AnyShotClassifier(CLASSES).fit(texts, [MESSAGES[text] for text in texts], unlabeled=[*MESSAGES])
    assert names_of(project, answers) == clf.predict([*MESSAGES]).tolist()
    assert answers.changed.number > before
    project.undo(to=project.history.entries()[len(texts) - 1].id - 1)


def test_changed_answers_are_counted_and_named(project, answers):
    assert answers.wait_until_ready(300)
    before = dict(zip(answers.current.ids.tolist(), answers.current.classes.tolist(), strict=True))
    number = project.classes.add("parcel lost on the way")
    assert answers.wait_until_ready(300)
    after = dict(zip(answers.current.ids.tolist(), answers.current.classes.tolist(), strict=True))
    assert set(answers.changed.items) == {item for item in after if after[item] != before[item]}
    assert answers.changed.items
    project.classes.set_words(number, "parcel, lost, damaged, courier")
    assert [chip.word for chip in answers.chips()[number]][:2] == ["parcel", "lost"]
    project.undo()
    project.undo()


def test_stored_answers_are_there_when_a_project_is_opened(project, answers):
    assert answers.wait_until_ready(300)
    again = Answers(project, start=False)
    assert again.current.classes.tolist() == answers.current.classes.tolist()
    assert not again.is_current()


def test_too_few_classes_have_no_answers(tmp_path):
    with Project.create(tmp_path / "new", name="new") as project:
        answers = Answers(project, start=False)
        add_texts(project, ["one text", "another"])
        assert len(answers.refit().ids) == 0
        project.classes.add("billing")
        assert len(answers.refit().ids) == 0
        assert answers.state == State("ready", 2, 2)


def test_unknown_items_make_an_unknown_answer_possible(project, answers):
    ids = project.items.labels().ids[:3].tolist()
    project.label(ids, "unknown")
    assert answers.wait_until_ready(300)
    assert answers.learned.model.unknown_threshold is not None
    project.undo()


def test_answers_go_on_once_a_project_is_there_again(project, answers, monkeypatch):
    monkeypatch.setattr(studio_answers, "RETRY_PAUSE", 0.01)
    elsewhere = project.folder.with_name("elsewhere")
    project.folder.rename(elsewhere)
    while answers.state.phase != "failed":
        time.sleep(0.01)
    assert "not there any more" in answers.state.sentence
    elsewhere.rename(project.folder)
    project.label([1], project.classes.all()[0].id)
    while answers.state.phase != "ready":
        time.sleep(0.01)
    assert answers.wait_until_ready(300)
    project.undo()


@pytest.mark.full
def test_images_whose_files_are_gone_have_no_answer(tmp_path):
    for shade in range(4):
        Image.new("RGB", (32, 32), (60 * shade, 90, 200)).save(tmp_path / f"{shade}.png")
    with Project.create(tmp_path / "sky", name="Sky", kind="images") as project:
        add_images(project, sorted(tmp_path.glob("*.png")))
        project.classes.add_several(["sea", "sky"])
        project.items.path(project.items.one(2)).unlink()
        answers = Answers(project, start=False)
        assert answers.refit().ids.tolist() == [1, 3, 4]
        assert answers.state.sentence.startswith("1 image cannot be read")
        assert fitted_classifier(project).any_shot_model().data.unlabeled.shape[0] == 3


def test_answers_to_rows_are_those_of_the_model_and_begin_with_two_labeled_classes(customer_rows):
    project, answers = customer_rows
    names = {one.id: one.name for one in project.classes.all()}
    found = [names[number] for number in answers.current.classes.tolist()]
    assert (answers.left_out, set(found)) == (("new",), {"left", "stays"})
    assert sum(name == ["left", "stays"][row % 2] for row, name in enumerate(found)) >= 54
    model = fitted_classifier(project)
    assert model.predict(project.items.contents(answers.current.ids)).tolist() == found
    assert set(map(tuple, answers.chips().values())) == {()}


def test_rows_are_standardized_anew_when_some_are_added_or_taken_back(tmp_path):
    (tmp_path / "a.csv").write_text("age,y\n31,a\n40,b\n")
    (tmp_path / "b.csv").write_text("age,y\n3000,b\n")
    with Project.create(tmp_path / "project", name="x") as project:
        answers = Answers(project, start=False)
        answers.refit()
        add_rows(project, tmp_path / "a.csv", label_column="y")
        assert len(answers.refit().ids) == 2
        first = answers.vectors(answers.current.ids)[1]
        add_rows(project, tmp_path / "b.csv", label_column="y")
        assert len(answers.refit().ids) == 3
        assert abs(answers.vectors(answers.current.ids[:2])[1] - first).max() > 0.1
        project.undo()
        assert len(answers.refit().ids) == 2
        assert (answers.vectors(answers.current.ids)[1] == first).all()
        project.undo()
        add_texts(project, ["late", "broken"])
        answers.refit()
        assert answers.vectors(project.items.labels().ids)[1].shape == (2, 512)


def test_a_column_that_only_numbers_the_rows_is_warned_of(tmp_path):
    customers().assign(row=range(60)).to_csv(tmp_path / "a.csv", sep=";", index=False)
    with Project.create(tmp_path / "project", name="Customers") as project:
        add_rows(project, tmp_path / "a.csv", label_column="status", feature_columns=["age", "row"])
        answers = Answers(project, start=False)
        answers.refit()
        assert ["'row' has another whole number in nearly every row" in one for one in answers.warnings] == [True]
