"""What is shown: orders, searches and windows of items, with their answers."""

from anyshot.app.studio.views import Query, counts, order, page, rows


def test_each_order_has_every_item_once(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    ids = project.items.labels().ids.tolist()
    for name in ("useful", "class", "confidence", "unsure", "added"):
        assert sorted(order(project, answers, Query(name)).tolist()) == ids


def test_what_would_teach_most_comes_first_and_labeled_items_last(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    found = page(project, answers, Query("useful"), limit=1000)
    confirmed = [row.is_confirmed for row in found.rows]
    assert confirmed == sorted(confirmed)
    assert found.total == project.items.count()


def test_orders_by_confidence_are_opposite(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    sure = [row.confidence for row in rows(project, answers, order(project, answers, Query("confidence")))]
    assert sure == sorted(sure, reverse=True)
    unsure = page(project, answers, Query("unsure", is_labeled=False), limit=1000).rows
    assert [row.confidence for row in unsure] == sorted(row.confidence for row in unsure)


def test_a_class_has_the_items_of_its_label_or_else_of_its_answer(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    found = counts(project, answers)
    for one in project.classes.all():
        own = rows(project, answers, order(project, answers, Query("class", class_id=one.id)))
        assert len(own) == found[one.id]
        assert {row.item.label or row.answer for row in own} == {one.id}


def test_search_finds_words_and_meanings(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    found = page(project, answers, Query("added", text="CHARGED twice")).rows
    assert found
    assert all("charged" in row.item.content.lower() and "twice" in row.item.content.lower() for row in found)
    assert page(project, answers, Query(like=found[0].item.id)).rows[0] == found[0]
    meant = page(project, answers, Query(about="I forgot my password"), limit=3).rows
    named = {one.id: one.name for one in project.classes.all()}
    assert {named[row.item.label or row.answer] for row in meant} == {"login"}


def test_windows_follow_each_other(half_labeled, half_answers):
    project, answers = half_labeled, half_answers
    parts = [page(project, answers, Query("class"), offset=start, limit=7).rows for start in range(0, 28, 7)]
    assert [row for part in parts for row in part] == page(project, answers, Query("class"), limit=28).rows
