"""The items of a project: those that were taken back are not there."""

import pytest

from anyshot.app.studio import add_texts
from anyshot.errors import InputError


def test_items_are_returned_in_the_order_of_their_ids_without_those_that_were_taken_back(project):
    add_texts(project, ["a card", "a parcel"])
    add_texts(project, ["a key"])
    assert [item.content for item in project.items.get([3, 1, 9])] == ["a key", "a card"]
    project.undo()
    assert (project.items.count(), project.items.labels().ids.tolist()) == (2, [1, 2])
    assert [item.content for item in project.items.get([3, 1])] == ["a card"]
    with pytest.raises(InputError, match=r"There is no item 3\. It may have been taken back"):
        project.items.one(3)


def test_answers_on_the_way_may_read_items_that_were_taken_back_since(project):
    add_texts(project, ["a card"])
    project.undo()
    assert project.items.contents([1]) == ["a card"]
