"""The studio's models count the words that the texts share, as AnyShotClassifier.fit does for the same texts."""

from itertools import combinations

import pytest

from anyshot.app.studio import Answers, Project, Query, add_texts, order
from anyshot.app.studio.exports import save_model
from anyshot.app.studio.quality import quality, why
from anyshot.tasks import AnyShotClassifier
from anyshot.tasks.loading import load

SPORT = ["goal", "match", "team", "league", "coach", "score", "season"]
TRADE = ["stock", "market", "profit", "share", "bank", "price", "trade"]
TEXTS = [" ".join(words) for topic in (SPORT, TRADE) for words in combinations(topic, 4)]  # 35 each
TOPICS = {"sport": TEXTS[:35:6], "trade": TEXTS[35::6]}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The answers to texts of two topics, of which some have a label."""
    with Project.create(tmp_path_factory.mktemp("learning") / "topics", name="topics") as project:
        add_texts(project, TEXTS)
        for name, texts in TOPICS.items():
            label(project, project.classes.add(name), texts)
        answers = Answers(project, start=False)
        answers.refit()
        yield project, answers


def label(project, class_id, texts):
    ids = project.items.labels().ids
    project.label(
        [item for item, text in zip(ids, project.items.contents(ids), strict=True) if text in texts], class_id
    )


def weight_of(answers):
    semantics = answers.learned.model.embedder.semantics
    return semantics.weight if semantics.words else None


def assert_as_fitted(project, answers, texts_of):
    """Assert that the answers are those of a classifier that is fitted to the same classes, labels and texts."""
    items = project.items.get(answers.learned.items)  # in the order of their labels, which decides on the folds
    names = {one.id: one.name for one in project.classes.all()}
    clf = AnyShotClassifier(texts_of, long_texts="mean")
    clf.fit([one.content for one in items], [names[one.label] for one in items], unlabeled=TEXTS)
    vectors = answers.learned.joined(*answers.vectors(answers.current.ids))
    assert vectors == pytest.approx(clf.any_shot_model().embedder.encode(TEXTS), abs=1e-5)
    assert answers.learned.probabilities(vectors) == pytest.approx(clf.predict_proba(TEXTS), abs=1e-3)
    assert weight_of(answers) == pytest.approx(clf.any_shot_model().embedder.semantics.weight, abs=1e-5)


def test_items_are_compared_by_the_vectors_of_the_encoder(answers):
    project, answers = answers
    ids, vectors = answers.vectors(answers.current.ids)
    width = answers.learned.model.embedder.encoder.width
    assert vectors.shape == (70, width)
    assert answers.learned.joined(ids, vectors).shape == (70, width + 7)
    assert order(project, answers, Query(like=int(ids[0])))[0] == ids[0]
    assert len(order(project, answers, Query(about="a goal"))) == len(order(project, answers, Query("useful"))) == 70
    assert quality(project, answers).accuracy > 0.9
    assert len(why(project, answers, int(ids[0])).neighbors) == 3


def test_an_exported_model_answers_the_same(answers, tmp_path):
    project, answers = answers
    clf, known = load(save_model(project, tmp_path / "model")), answers.learned
    vectors = known.joined(*answers.vectors(answers.current.ids))
    assert clf.any_shot_model().embedder.semantics.words == known.words.semantics.words
    assert clf.predict_proba(TEXTS) == pytest.approx(known.probabilities(vectors), abs=1e-3)


def test_answers_are_those_of_the_classifier_also_once_labels_and_classes_change(answers):
    project, answers = answers
    assert_as_fitted(project, answers, ["sport", "trade"])
    before = answers.learned
    number = project.classes.all()[0].id
    label(project, number, TEXTS[1:2])
    answers.refit()
    assert answers.learned.words is before.words  # a label changes only their weight
    assert weight_of(answers) != before.model.embedder.semantics.weight
    assert_as_fitted(project, answers, ["sport", "trade"])
    assert len(before.answers(before.joined(*answers.vectors(answers.current.ids)))[0]) == 70  # of the earlier model
    label(project, project.classes.add("1234"), TEXTS[3:5])  # a class of which only labels tell anything
    answers.refit()
    assert_as_fitted(project, answers, ["sport", "trade", "1234"])


def test_the_words_learned_from_a_part_are_learned_again_from_all_texts(answers):
    project, answers = answers
    before = answers.learned
    add_texts(project, ["the new coach of the bank", "a share of the season"])
    answers.refit()
    assert {"new", "the"} & set(before.words.semantics.words) == set()
    assert "the" in answers.learned.words.semantics.words
    ids, vectors = answers.vectors(answers.current.ids)
    assert len(before.answers(before.joined(ids, vectors))[0]) == 72  # of texts that the earlier model did not have


def test_words_do_not_count_where_they_say_nothing_about_the_classes(tmp_path):
    with Project.create(tmp_path / "parity", name="parity") as project:
        add_texts(project, TEXTS)
        for start, name in enumerate(["12", "34"]):
            label(project, project.classes.add(name), TEXTS[start::2])
        answers = Answers(project, start=False)
        answers.refit()
        assert weight_of(answers) is None
        assert answers.learned.words is None
