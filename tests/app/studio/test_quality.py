"""How good the answers of a project are, what to do next, and why an item has its answer."""

import pytest

from anyshot.app.studio import Answers, Project, add_texts
from anyshot.app.studio.quality import NextStep, Quality, hints, likely_errors, quality, why
from anyshot.app.studio.views import Query, order
from anyshot.app.studio.views import rows as rows_of
from anyshot.errors import InputError
from shop_messages import MESSAGES


def test_quality_is_that_of_the_answers_to_items_without_a_label(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    found = quality(project, answers)
    (own,) = (one for one in answers.learned.model.leaderboard if one.method == answers.learned.model.method)
    names = {one.id: one.name for one in project.classes.all()}
    rows = rows_of(project, answers, order(project, answers, Query("added", is_labeled=False)))
    right = sum(names[row.answer] == MESSAGES[row.item.content] for row in rows) / len(rows)
    assert found.lower <= right <= found.upper
    assert found.curve == [(found.n_labels, found.accuracy, found.lower, found.upper)]
    assert sum(one.n_wrong for one in found.confused) == (~own.correct).sum()
    assert "of 10 right. Probably between" in str(found)


def test_a_class_that_is_added_without_a_label_hides_nothing_and_is_named(half_labeled, half_answers):
    before = quality(half_labeled, half_answers)
    number = half_labeled.classes.add("other things")
    half_answers.refit()
    found = quality(half_labeled, half_answers)
    half_labeled.undo()
    half_answers.refit()
    assert (before.untested, found.untested) == ((), (number,))
    assert found.accuracy == pytest.approx(before.accuracy, abs=0.15)
    assert str(found).endswith("1 class has no label yet.")


@pytest.mark.parametrize(
    ("lower", "untested", "headline"), [(0.97, (), "all"), (0.97, (7,), "above"), (0.9, (), "above")]
)
def test_nearly_all_is_said_once_each_class_has_a_label(lower, untested, headline):
    found = Quality(6, True, 0.98, lower, 1.0, [], [], NextStep("done"), untested)
    assert found.headline[0] == headline


def test_how_good_the_answers_are_is_said_from_five_labels_on(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_texts(project, MESSAGES)
        ids = {name: project.classes.add(name) for name in sorted(set(MESSAGES.values()))}
        answers = Answers(project, start=False)
        answers.refit()
        for item in project.items.get(range(1, 6)):
            assert quality(project, answers).accuracy is None
            assert "once 5 items" in str(quality(project, answers))
            project.label([item.id], ids[MESSAGES[item.content]])
            answers.refit()
        assert answers.tested.items.tolist() == [1, 2, 3, 4, 5]
        assert quality(project, answers).accuracy > 0.5
        again = Answers(project, start=False)  # what was tested is stored
        again.refit()  # from nothing; heads of held-out items stop early, wherever they begin
        assert quality(project, again).accuracy == pytest.approx(quality(project, answers).accuracy, abs=1e-3)
        project.classes.merge(*list(ids.values())[:2])
        answers.refit()
        assert quality(project, answers).accuracy is not None


def test_a_wrong_label_is_found_and_proposed(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    other = {one.name: one.id for one in project.classes.all()}
    item = project.items.one(order(project, answers, Query("confidence", is_labeled=True))[0])
    wrong = next(number for number in other.values() if number != item.label)
    project.label([item.id], wrong)
    answers.refit()
    assert item.id in likely_errors(project, answers)
    assert item.id in order(project, answers, Query("errors"))
    assert quality(project, answers).next_step.action == "check_errors"
    assert why(project, answers, item.id).without_label == item.label
    assert str(project.keep_labels([item.id])) == "Kept the label of 1 item"
    assert item.id not in likely_errors(project, answers)
    project.undo()
    assert item.id in likely_errors(project, answers)
    project.redo()
    project.label([item.id], None)
    project.label([item.id], wrong)  # the same as the one that was kept
    assert item.id not in likely_errors(project, answers)
    project.undo(to=project.history.entries(limit=3)[-1].id - 1)
    project.undo()
    answers.refit()


def test_why_names_the_nearest_labeled_items(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    item = project.items.one(order(project, answers, Query("unsure", is_labeled=False))[0])
    found = why(project, answers, item.id)
    texts = [one.content for one in project.items.get(found.neighbors)]
    assert texts == [near.example for near in found.explanation.neighbors]
    assert len(texts) == 3


def test_why_an_item_has_its_answer_is_told_before_all_items_are_read(half_labeled, half_answers):
    text = "My money has not come back"
    add_texts(half_labeled, [text])
    new = int(half_labeled.items.labels().ids[-1])
    assert not len(half_answers.vectors(half_labeled.items.labels().ids[-1:])[0])
    assert len(why(half_labeled, half_answers, new).neighbors) == 3
    half_labeled.undo()


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
        project.classes.edit(number, name="zyzzyva thing")
        assert step() == "add_words"
        project.classes.edit(1, description="money back")
        project.classes.set_words(number, "parcel, courier, delivery")
        assert step() == "label_class"
        assert quality(project, answers).next_step.facts["n"] == 2
        project.label([2], number)
        assert step() == "label_class"  # of the class that was begun
        assert quality(project, answers).next_step.facts == {
            "class_id": number,
            "name": "zyzzyva thing",
            "labels": 1,
            "n": 1,
        }
        with pytest.raises(InputError, match="no item 99"):
            why(project, answers, 99)


@pytest.mark.parametrize(("lower", "upper", "of_100"), [(0.744, 0.866, (74, 87)), (0.998, 1.0, (99, 100))])
def test_the_interval_is_never_said_to_be_certain(lower, upper, of_100):
    found = Quality(9, True, 0.9, lower, upper, [], [], NextStep("done"))
    assert found.of_100 == of_100
    assert f"between {of_100[0]} and {of_100[1]} of 100" in str(found)


def test_a_class_without_answers_is_pointed_out_only_among_many_items(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        project.classes.add_several(["billing", "volcano eruption"])
        few, all_texts = list(MESSAGES)[:4], list(MESSAGES)
        found = []
        for texts in (few, all_texts):
            add_texts(project, [text for text in texts if MESSAGES[text] == "billing"])
            answers = Answers(project, start=False)
            answers.refit()
            found.append((len(answers.current.ids) >= 10, hints(project, answers)))
    assert found[0] == (False, {})
    assert found[1] == (True, {2: "no_answers"})


def test_a_class_of_rows_needs_a_label_and_the_reasons_are_similar_rows(customer_rows):
    project, answers = customer_rows
    new = project.classes.named("new")
    assert hints(project, answers) == {new.id: "needs_label"}
    step = quality(project, answers).next_step
    assert (step.action, step.facts["name"]) == ("label_first", "new")
    found = why(project, answers, 5)
    assert set(found.neighbors) <= {1, 2, 3, 4}
    assert (found.explanation.matched, found.explanation.words) == (None, ())
