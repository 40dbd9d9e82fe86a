"""The sample projects answer well without a label and without a network."""

import pytest

from anyshot.app.studio import Answers, sample


@pytest.mark.parametrize(("kind", "n_items"), [("texts", 112), ("images", 60)])
def test_samples_have_answers_of_every_class(kind, n_items, tmp_path):
    with sample(kind, tmp_path / "sample") as project:
        answers = Answers(project, start=False)
        answers.refit()
        assert project.items.count() == n_items
        assert set(answers.current.classes.tolist()) == {one.id for one in project.classes.all()}
        assert all(answers.chips().values()) or kind == "texts"
        if kind == "images":  # "pole" and "airship" have a hundredth of what makes an umbrella
            umbrella = project.classes.named("umbrella").id
            assert [chip.word for chip in answers.chips()[umbrella]] == ["umbrella"]
