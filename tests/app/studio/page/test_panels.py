"""What the panels show, in words and points."""

import pytest

from anyshot.app.studio import Answers, Project, add_texts
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.panels import class_dialog, classes_panel, curve_points, history_panel, quality_panel
from anyshot.app.studio.page.texts import texts_in
from anyshot.app.studio.quality import quality

T = texts_in("en")


@pytest.fixture(scope="module")
def opened(half_labeled, half_answers):
    return Opened(half_labeled, half_answers)


def test_each_item_is_counted_in_one_class_or_as_unknown(opened):
    panel = classes_panel(opened, T)
    counted = sum(one["n_answers"] for one in [*panel["classes"], panel["unknown"]])
    assert counted == opened.project.items.count()


def test_words_of_similar_names_are_marked_and_those_of_any_text_are_not_shown(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        project.classes.add_several(["Card delivery", "Refund", "Other"])
        panel = classes_panel(Opened(project, Answers(project, start=False)), T)
    assert [one["about_words"] for one in panel["classes"]] == [T("similar_words"), "", T("any_text")]
    assert [bool(one["words"]) for one in panel["classes"]] == [True, True, False]


def test_the_figures_are_those_of_the_quality(opened):
    shown, found = quality_panel(opened, T)["quality"], quality(opened.project, opened.answers)
    assert f"{found.of_100[0]} and {found.of_100[1]} of 100" in shown["about"]
    asked = quality_panel(opened, T, [opened.project.classes.all()[0].id])["quality"]["next"]
    assert asked["sentence"] == T("next_words")
    assert len(shown["confused"]) <= sum(pair.n_labels >= 10 for pair in found.confused)
    assert all(set(pair["ids"]) <= set(opened.project.items.labels().ids) for pair in shown["confused"])


def test_the_curve_rises_with_the_accuracy_and_ends_at_the_right():
    found = curve_points([(10, 0.5, 0.4, 0.6), (20, 0.75, 0.6, 0.9), (30, 1.0, 0.9, 1.0)], T)
    line = [tuple(map(float, point.split(","))) for point in found["line"].split()]
    assert line == [(8.0, 90.0), (130.0, 55.0), (252.0, 20.0)]
    assert (found["before"], found["now"], found["most"]) == (50, 100, 30)
    assert len(found["band"].split()) == 6


def test_times_of_the_history_are_written_as_in_the_language():
    entry = Entry(1, "2026-09-15T12:30:00+00:00", "add_class", {"name": "billing"})
    for language, day in (("en", "2026-09-15 "), ("de", "15.09.2026 ")):
        assert history_panel([entry], texts_in(language))["changes"][0]["time"].startswith(day)


def test_the_first_and_the_last_class_are_not_moved_further(opened):
    ids = [one.id for one in opened.project.classes.all()]
    ends = [(class_dialog(opened, number)["first"], class_dialog(opened, number)["last"]) for number in ids]
    assert ends == [(number == ids[0], number == ids[-1]) for number in ids]


def test_what_the_library_warns_of_is_shown_in_plain_words(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_texts(project, ["Charged twice", "CHARGED TWICE", "où est mon colis", "ಠ್ಞಡ್ ಢೋಞ"])
        project.classes.add_several(["billing", "bílling"])
        project.label([1], 1)
        project.label([2], 2)
        answers = Answers(project, start=False)
        answers.refit()
        assert answers.hard_texts == {"unread": [4], "foreign": [3]}
        shown = quality_panel(Opened(project, answers), T)["quality"]["notes"]
        names, conflict = answers.warnings
        project.history.undo(to=0)
        assert quality_panel(Opened(project, answers), T)["quality"]["notes"] == []
    assert ("nearly the same for the encoder" in names, "with another label" in conflict) == (True, True)
    unread, foreign, alike, twice = (one["sentence"] for one in shown)
    assert unread == "1 text is mostly in letters that the model cannot read. Its answer is a guess."
    assert foreign.startswith("1 text is not in English, the language for which the model was made.")
    assert alike.startswith("The names “billing” and “bílling” mean nearly the same to the model.")
    assert twice.startswith("“CHARGED TWICE” is there twice for the model, labeled as billing and as bílling.")
    assert [one["ids"] for one in shown] == [[4], [3], [], []]


def test_classes_of_rows_are_told_to_need_a_label_and_are_asked_for_no_words(customer_rows):
    opened = Opened(*customer_rows)
    every = [one.id for one in opened.project.classes.all()]
    panel, shown = classes_panel(opened, T, every), quality_panel(opened, T, every)["quality"]
    assert panel["asked"] == []
    assert [one["hint"] for one in panel["classes"]] == ["", "", T("hint_needs_label")]
    assert shown["next"]["sentence"] == T.rich("next_label_first", name="new")
    assert shown["next"]["data"] == {"view": "first"}
    assert "not tested" not in shown["about"]


def test_one_class_is_not_measured_and_labels_of_all_items_lead_to_the_export(project):
    add_texts(project, ["Charged twice", "Where is it?"])
    project.label([1, 2], project.classes.add("billing"))
    answers = Answers(project, start=False)
    shown = quality_panel(Opened(project, answers), T)["quality"]
    assert (shown["headline"], shown["about"]) == (T("good_no_classes"), T("good_no_classes_about"))
    assert (shown["next"]["sentence"], shown["next"]["button"]) == (T("next_add_class"), T("add_class"))
    project.label([2], project.classes.add("delivery"))
    shown = quality_panel(Opened(project, answers), T)["quality"]["next"]
    assert (shown["sentence"], shown["button"]) == (T("next_all_labeled"), T("export"))
