"""Changes, of which neighboring ones of one kind are made together."""

from anyshot.app.server.changes import AddExamples, AddUnlabeled, adding_class, fit_classes, in_groups, joined


def test_neighboring_items_are_joined_and_the_order_is_kept():
    first, second = AddExamples(["a", "b"], ["x", "y"]), AddExamples(["c"], ["x"])
    assert joined([first, second]) == AddExamples(["a", "b", "c"], ["x", "y", "x"])
    assert joined([AddUnlabeled(["a"]), AddUnlabeled(["b"])]) == AddUnlabeled(["a", "b"])
    changes = [first, adding_class("z"), adding_class("w"), second, first, fit_classes, AddUnlabeled(["a"])]
    assert list(in_groups(changes)) == [[0], [1], [2], [3, 4], [5], [6]]
