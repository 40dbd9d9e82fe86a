"""Why an item has its answer, in the sentences that the page shows."""

import pytest

from anyshot.app.studio import Answers, Project, add_texts
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.reasons import reasons
from anyshot.app.studio.page.texts import texts_in
from anyshot.errors import InputError

T = texts_in("en")
TEXTS = ["I was charged twice <b>", "The fee on my invoice is wrong", "Where is my parcel?", "The courier never came"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("reasons") / "mail", name="Mail") as project:
        add_texts(project, TEXTS)
        billing = project.classes.add("billing")
        project.classes.set_words(billing, "charged twice, invoice")
        project.classes.edit(project.classes.add("17"), description="nobody ever came with it")
        yield project


def sentences(project, number, t=T):
    answers = Answers(project, start=False)
    answers.refit()
    return [str(one["sentence"]) for one in reasons(Opened(project, answers), number, t, "/p/mail/")]


def test_words_and_descriptions_are_reasons_without_a_label(project):
    assert "Close to “<b>charged twice</b>”, a word of <b>billing</b>." in sentences(project, 1)
    assert "Close to the description of <b>17</b>: “<b>nobody ever came with it</b>”." in sentences(project, 4)
    german = texts_in("de")
    assert german.rich("why_word", text="charged twice", name="billing") in sentences(project, 1, german)


def test_similar_items_are_named_but_not_the_item_itself_and_not_as_html(project):
    project.label([1, 2], 1)
    found = sentences(project, 1)
    assert found[0] == "You labeled this item yourself."
    assert not [one for one in found if "charged twice &lt;b&gt;" in one]
    assert "Close to “<b>I was charged twice &lt;b&gt;</b>”, which you labeled as <b>billing</b>." in sentences(
        project, 2
    )
    project.undo()


def test_items_of_other_classes_are_no_reasons(project):
    project.label([1, 3], 1)
    project.label([4], 2)
    found = sentences(project, 2)
    project.undo()
    project.undo()
    assert not [one for one in found if "labeled as <b>17</b>" in one]
    assert [one for one in found if "labeled as <b>billing</b>" in one]


def test_a_label_that_the_model_does_not_share_is_told_apart_from_its_answer(project):
    project.label([1], "unknown")
    found = sentences(project, 1)
    project.undo()
    assert found[:2] == ["You labeled this item yourself.", "The model&#39;s own answer is <b>billing</b>."]


def test_there_are_no_reasons_without_an_answer(project):
    with pytest.raises(InputError, match="no answer yet"):
        reasons(Opened(project, Answers(project, start=False)), 1, T, "/p/mail/")


def test_the_reasons_for_the_answer_to_a_row_are_similar_rows(customer_rows):
    project, answers = customer_rows
    found = [one["sentence"] for one in reasons(Opened(project, answers), 7, texts_in("de"), "")]
    assert found[0].startswith("Spricht am meisten für <b>left</b>: <b>income: ")
    assert found[1].startswith("Ähnelt „<b>age: ")
    assert "since: 0" in found[1]
    assert "dem Namen" not in " ".join(found)
