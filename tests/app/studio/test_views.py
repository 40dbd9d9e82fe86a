"""What is shown: orders, searches and windows of items, with their answers."""

import pytest

from anyshot import data
from anyshot.app.studio import Answers, Project, add_texts
from anyshot.app.studio.quality import hints, likely_errors, quality, why
from anyshot.app.studio.views import Query, counts, order, page, rows
from anyshot.errors import InputError

CLASSES = ["billing", "delivery", "login", "return or refund"]


@pytest.fixture(scope="module")
def truth():
    found = data.messages()
    return {text: label for text, label in zip(found.items, found.labels, strict=True) if label in CLASSES}


@pytest.fixture(scope="module")
def project(tmp_path_factory, truth):
    with Project.create(tmp_path_factory.mktemp("views") / "mail", name="Mail") as project:
        add_texts(project, truth)
        ids = {name: project.classes.add(name) for name in CLASSES}
        for item in project.items.get(project.items.labels().ids)[::2]:
            project.label([item.id], ids[truth[item.content]])
        yield project


@pytest.fixture(scope="module")
def answers(project):
    answers = Answers(project, start=False)
    answers.refit()
    return answers


def test_each_order_has_every_item_once(project, answers):
    ids = project.items.labels().ids.tolist()
    for name in ("useful", "class", "confidence", "unsure", "added"):
        assert sorted(order(project, answers, Query(name)).tolist()) == ids


def test_what_would_teach_most_comes_first_and_labeled_items_last(project, answers):
    found = page(project, answers, Query("useful"), limit=1000)
    confirmed = [row.is_confirmed for row in found.rows]
    assert confirmed == sorted(confirmed)
    assert found.total == project.items.count()


def test_orders_by_confidence_are_opposite(project, answers):
    sure = [row.confidence for row in rows(project, answers, order(project, answers, Query("confidence")))]
    assert sure == sorted(sure, reverse=True)
    unsure = page(project, answers, Query("unsure", is_labeled=False), limit=1000).rows
    assert [row.confidence for row in unsure] == sorted(row.confidence for row in unsure)


def test_a_class_has_the_items_of_its_label_or_else_of_its_answer(project, answers):
    found = counts(project, answers)
    for one in project.classes.all():
        own = rows(project, answers, order(project, answers, Query("class", class_id=one.id)))
        assert len(own) == found[one.id]
        assert {row.item.label or row.answer for row in own} == {one.id}


def test_search_finds_words_and_meanings(project, answers):
    found = page(project, answers, Query("added", text="CHARGED twice")).rows
    assert found
    assert all("charged" in row.item.content.lower() and "twice" in row.item.content.lower() for row in found)
    assert page(project, answers, Query(like=found[0].item.id)).rows[0] == found[0]
    meant = page(project, answers, Query(about="I forgot my password"), limit=3).rows
    named = {one.id: one.name for one in project.classes.all()}
    assert {named[row.item.label or row.answer] for row in meant} == {"login"}


def test_windows_follow_each_other(project, answers):
    parts = [page(project, answers, Query("class"), offset=start, limit=7).rows for start in range(0, 28, 7)]
    assert [row for part in parts for row in part] == page(project, answers, Query("class"), limit=28).rows


def test_quality_is_that_of_the_held_out_labels(project, answers):
    found = quality(project, answers)
    (own,) = (one for one in answers.learned.model.leaderboard if one.method == answers.learned.model.method)
    assert (found.accuracy, found.lower, found.upper) == (own.accuracy, *own.interval)
    assert found.curve == [(found.n_labels, own.accuracy, *own.interval)]
    assert sum(one.n_wrong for one in found.confused) == (~own.correct).sum()
    assert "of 10 right; between" in str(found)
    assert str(found.next_step)


def test_a_wrong_label_is_found_and_proposed(project, answers):
    other = {one.name: one.id for one in project.classes.all()}
    item = next(row.item for row in page(project, answers, Query("confidence", is_labeled=True)).rows)
    wrong = next(number for number in other.values() if number != item.label)
    project.label([item.id], wrong)
    answers.refit()
    assert item.id in likely_errors(project, answers)
    assert item.id in order(project, answers, Query("errors"))
    assert quality(project, answers).next_step.action == "check_errors"
    project.undo()
    answers.refit()


def test_why_names_the_nearest_labeled_items(project, answers):
    item = page(project, answers, Query("unsure", is_labeled=False)).rows[0].item
    found = why(project, answers, item.id)
    texts = [one.content for one in project.items.get(found.neighbors)]
    assert texts == [near.example for near in found.explanation.neighbors]
    assert len(texts) == 3


def test_the_next_step_follows_what_is_missing(tmp_path):
    with Project.create(tmp_path / "new", name="new") as project:
        answers = Answers(project, start=False)

        def step():
            answers.refit()
            return quality(project, answers).next_step.action

        assert step() == "add_items"
        add_texts(project, ["I was charged twice", "Where is my parcel?", "Pay my money back", "It has not arrived"])
        assert step() == "add_class"
        project.classes.add("refund my card")
        number = project.classes.add("17")
        assert step() == "describe"
        assert hints(project, answers) == {number: "says_nothing"}
        project.classes.rename(number, "zyzzyva thing")
        assert step() == "add_words"
        project.classes.describe(1, "money back")
        project.classes.set_words(number, "parcel, courier, delivery")
        assert step() == "label_class"
        with pytest.raises(InputError, match="no item 99"):
            why(project, answers, 99)
