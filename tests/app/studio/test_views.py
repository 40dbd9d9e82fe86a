"""What is shown: orders and searches of items, with their answers."""

import numpy as np
import pandas as pd
import pytest

from anyshot.app.studio import Answers, Project, add_rows
from anyshot.app.studio.quality import why
from anyshot.app.studio.views import Query, counts, groups, order, rows
from anyshot.errors import InputError


def found(project, answers, *given, **query):
    return rows(project, answers, order(project, answers, Query(*given, **query)))


def test_each_order_has_every_item_once(half_labeled, half_answers):
    ids = half_labeled.items.labels().ids.tolist()
    for name in ("useful", "class", "confidence", "unsure", "added"):
        assert sorted(order(half_labeled, half_answers, Query(name)).tolist()) == ids
    with pytest.raises(InputError, match=r"no order 'newest'\. Choose one of: useful"):
        order(half_labeled, half_answers, Query("newest"))


def test_what_would_teach_most_comes_first_and_labeled_items_last(half_labeled, half_answers):
    labeled = [row.item.label is not None for row in found(half_labeled, half_answers, "useful")]
    assert labeled == sorted(labeled)
    assert any(labeled)


def test_orders_by_confidence_are_opposite(half_labeled, half_answers):
    sure = [row.confidence for row in found(half_labeled, half_answers, "confidence")]
    assert sure == sorted(sure, reverse=True)
    unsure = [row.confidence for row in found(half_labeled, half_answers, "unsure", is_labeled=False)]
    assert unsure == sorted(unsure)


def test_a_class_has_the_items_of_its_label_or_else_of_its_answer(half_labeled, half_answers):
    sizes = counts(half_labeled, half_answers)
    for one in half_labeled.classes.all():
        own = found(half_labeled, half_answers, "class", class_id=one.id)
        assert len(own) == sizes[one.id]
        assert {row.item.label or row.answer for row in own} == {one.id}


def test_groups_are_the_runs_of_items_of_one_class(half_labeled, half_answers):
    ids = order(half_labeled, half_answers, Query(order="class"))
    assert dict(groups(half_labeled, half_answers, ids)) == counts(half_labeled, half_answers)
    assert len(groups(half_labeled, half_answers, ids[::-1])) == len(groups(half_labeled, half_answers, ids)) > 2
    assert groups(half_labeled, half_answers, ids[:0]) == []


def test_search_finds_words_and_meanings(half_labeled, half_answers):
    by_words = found(half_labeled, half_answers, "added", text="CHARGED twice")
    assert by_words
    assert all("charged" in row.item.content.lower() and "twice" in row.item.content.lower() for row in by_words)
    assert found(half_labeled, half_answers, like=by_words[0].item.id)[0] == by_words[0]
    by_meaning = found(half_labeled, half_answers, about="I forgot my password")[:3]
    named = {one.id: one.name for one in half_labeled.classes.all()}
    assert {named[row.item.label or row.answer] for row in by_meaning} == {"login"}


def test_every_eighth_item_to_label_is_a_random_one_that_stays(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    open_ids = order(project, answers, Query("added", is_labeled=False))
    n_labels = len(project.items.labels().ids) - len(open_ids)
    found = order(project, answers, Query("useful", is_labeled=False)).tolist()
    assert sorted(found) == sorted(open_ids.tolist())
    place = 7 - n_labels % 8
    random = found[place]
    project.label([found[0 if place else 1]], project.classes.all()[0].id)
    found = order(project, answers, Query("useful", is_labeled=False)).tolist()
    project.undo()
    assert found[(place - 1) % 8] == random


def test_rows_are_found_by_their_values_and_by_similar_ones(customer_rows):
    project, answers = customer_rows
    content = project.items.contents(project.items.labels().ids)
    assert (
        order(project, answers, Query("added", text="ROM")).tolist()
        == content.index[content["city"] == "Rome"].tolist()
    )
    age = int(content["age"].iloc[0])
    assert order(project, answers, Query("added", text=f"age {age}")).tolist() == (
        content.index[content["age"] == age].tolist()
    )
    assert order(project, answers, Query(like=7))[0] == 7
    with pytest.raises(InputError, match="cannot be searched by meaning"):
        order(project, answers, Query(about="old people"))


def test_rows_that_are_unlike_the_labeled_ones_come_first_before_there_are_answers(tmp_path):
    (tmp_path / "a.csv").write_text("age,city\n" + "31,Rome\n" * 8 + "32,Rome\n90,Oslo\n")
    with Project.create(tmp_path / "project", name="x") as project:
        add_rows(project, tmp_path / "a.csv")
        answers = Answers(project, start=False)
        answers.refit()
        assert answers.learned is None
        with pytest.raises(InputError, match="Label at least one row of each class"):
            why(project, answers, 1)
        first = int(order(project, answers, Query())[0])
        assert first < 10  # it stands for most
        project.label([first], project.classes.add("young"))
        assert order(project, answers, Query())[0] == 10


def test_rows_of_a_class_without_a_label_are_looked_for_before_unclear_ones(tmp_path):
    places = np.random.default_rng(0).normal(np.repeat([[0, 0], [9, 0], [0, 9]], 20, axis=0), 1)
    pd.DataFrame(places, columns=["a", "b"]).to_csv(tmp_path / "a.csv", index=False)
    with Project.create(tmp_path / "project", name="x") as project:
        add_rows(project, tmp_path / "a.csv")
        classes = [project.classes.add(name) for name in ("first", "second", "third")]
        answers = Answers(project, start=False)
        for _ in range(3):
            answers.refit()
            item = int(order(project, answers, Query())[0])
            project.label([item], classes[(item - 1) // 20])
        assert sorted(one.n_labels for one in project.classes.all()) == [1, 1, 1]
