"""Vectors of items are found by ids, whenever they were added."""

import numpy as np
import pytest

from anyshot.app.studio import Project, add_texts
from anyshot.app.studio.item_vectors import ItemWords, VectorTable
from anyshot.zero_shot.latent_semantics import learn_semantics

WORDS = ["goal", "match", "team", "stock", "market", "profit", "bread", "soup", "rice"]
TEXTS = [
    f"{one} {other}" for start in (0, 3, 6) for one in WORDS[start : start + 3] for other in WORDS[start : start + 3]
]


def test_vectors_are_found_by_ids_after_the_table_has_grown():
    table, ids = VectorTable(), np.array([7, 2, 5000])
    table.append(ids, np.eye(3, dtype=np.float32))
    more = np.arange(10, 3010)
    table.append(more, np.ones((3000, 3), np.float32))
    assert (len(table), table.width) == (3003, 3)
    assert table.of(ids[::-1]).tolist() == np.eye(3)[::-1].tolist()
    assert table.has(np.array([2, 3, 3009, 10**6])).tolist() == [True, False, True, False]


@pytest.mark.parametrize("n_learned", [27, 20])
def test_shared_words_of_any_item_are_those_of_the_texts_they_were_learned_from(tmp_path, n_learned):
    with Project.create(tmp_path / "topics", name="topics") as project:
        add_texts(project, TEXTS)
        ids = project.items.labels().ids
        words, contents = ItemWords(project, ids[:n_learned]), project.items.contents(ids)
        learned = learn_semantics(contents[:n_learned])
        assert words.semantics.words == learned.words
        asked = ids[[3, 26, 3]]
        assert np.array_equal(words.of(asked), learned.vectors([contents[3], contents[26], contents[3]]))
