import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from anyshot.base.validation import unit
from anyshot.zero_shot import latent_semantics
from anyshot.zero_shot.latent_semantics import LatentSemantics, evidence_of, learn_semantics, words_of

SPORT = ["goal", "match", "team", "league", "coach"]
TRADE = ["stock", "market", "profit", "share", "bank"]
FOOD = ["bread", "soup", "rice", "cook", "dinner"]
TEXTS = [" ".join(words) for topic in (SPORT, TRADE, FOOD) for words in combinations(topic, 3)]  # 10 each
IS_SPORT = np.arange(30) < 10


@pytest.fixture(scope="module")
def learned() -> LatentSemantics:
    found = learn_semantics(TEXTS)
    assert found is not None
    return found


def test_texts_with_words_of_one_topic_have_similar_vectors(learned):
    z = learned.vectors(["goal team", "coach league", "stock bank"])
    assert z[0] @ z[1] > 0.9
    assert z[0] @ z[2] < -0.4


def test_words_that_never_occurred_together_are_similar_by_those_they_occurred_with():
    pairs = [
        "goal match",
        "match team",
        "stock market",
        "market profit",
        "rice soup",
        "soup dinner",
        "sun sky",
        "sky sea",
    ]
    found = learn_semantics([f"{pair} {number}" for number, pair in enumerate(pairs * 5)])
    goal, team, profit = found.vectors(["goal", "team", "profit"])
    assert goal @ team > 0.9 > 0 > goal @ profit


def test_vectors_are_those_of_scikit_learn_turned():
    texts = [f"{a} {a} {b} {c}" for a, b, c in combinations([*SPORT, *TRADE, "today"], 3)]
    found = learn_semantics(texts)
    counts = TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.3, token_pattern=r"(?u)\b\w\w+\b")
    z = unit(TruncatedSVD(found.width, algorithm="arpack").fit_transform(counts.fit_transform(texts)))
    expected = unit(z - z.mean(axis=0))
    assert np.abs(found.vectors(texts) @ found.vectors(texts).T - expected @ expected.T).max() < 0.01


def test_a_text_with_none_of_the_words_has_no_vector(learned):
    assert not learned.vectors(["a new car", ""]).any()


def test_sparse_matrices_are_not_loaded_for_a_prediction():
    code = (
        "import sys, numpy as np; from anyshot.zero_shot.latent_semantics import LatentSemantics\n"
        "known = LatentSemantics(('goal',), np.ones((1, 1), np.float16), np.zeros(1, np.float32))\n"
        "print(known.vectors(['a goal']).tolist(), 'scipy.sparse' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[[1.0]] False\n"


def test_words_of_one_text_and_of_most_texts_are_left_out():
    found = learn_semantics([f"{text} the" for text in TEXTS] + ["goal team unique"])
    assert set(found.words) == {*SPORT, *TRADE, *FOOD}


def test_at_most_so_many_words_are_kept_those_of_the_most_texts(monkeypatch):
    monkeypatch.setattr(latent_semantics, "MAX_WORDS", 5)
    more = [f"{word} {number}" for number, word in enumerate(SPORT)]
    assert set(learn_semantics([*TEXTS, *more]).words) == {*SPORT}


def test_order_and_copies_of_texts_change_nothing(learned):
    other = learn_semantics([*TEXTS[::-1], *TEXTS[:7]])
    assert other.words == learned.words
    assert np.array_equal(other.directions, learned.directions)


@pytest.mark.parametrize("texts", [[], TEXTS[:9], ["same words here"] * 100, [f"unique{i}" for i in range(100)]])
def test_texts_that_are_few_or_share_no_words_give_nothing(texts):
    assert not learn_semantics(texts).words


def test_what_is_saved_gives_the_same_vectors_to_the_last_bit(learned):
    again = LatentSemantics.from_saved(learned.facts(), learned.arrays())
    assert np.array_equal(again.vectors(TEXTS), learned.vectors(TEXTS))
    assert again.weight == learned.weight


def test_of_the_similarity_of_joined_vectors_the_stated_share_is_that_of_the_words(learned):
    half = replace(learned, weight=0.5)
    words = half.vectors(["goal team", "stock bank"])
    other = np.eye(2, 3, dtype=np.float32)  # the encoder's vectors, whose cosine is 0
    joined = half.joined(other, words)
    assert joined[0] @ joined[1] == pytest.approx(0.2 * words[0] @ words[1])
    assert ": 20 % of the similarity of two texts is that of these words" in half.reason


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        (
            "words",
            [*SPORT, *TRADE, *FOOD, "new"],
            r"\(15, 3\) and semantics.mean \(3,\); needed are \(16, r\) and \(r,\)",
        ),
        ("words", [*SPORT, *TRADE, *FOOD[1:], SPORT[0]], "listed twice"),
        ("words", [*range(15)], "no list of texts"),
        ("words", "abcdefghijklmno", "no list of texts"),
        ("semantics.directions", np.ones((2, 10)), r"semantics.directions has the shape \(2, 10\)"),
        ("semantics.directions", np.full((15, 3), np.nan), "not finite"),
        ("semantics.mean", np.zeros(1), r"semantics.mean \(1,\)"),
        ("semantics.mean", np.array([0, 0, np.inf]), "not finite"),
        ("weight", "0.3", "weight of the words that its texts share is '0.3'; a positive number is needed"),
        ("weight", 1e300, "a positive number is needed"),
        ("weight", -0.5, "a positive number is needed"),
    ],
)
def test_what_was_saved_is_refused_if_its_parts_do_not_belong_together(learned, part, value, said):
    facts, arrays = learned.facts(), learned.arrays()
    (facts if part in facts else arrays)[part] = value
    with pytest.raises(ValueError, match=said):
        LatentSemantics.from_saved(facts, arrays)


def test_joined_vectors_have_cosines_that_are_means_by_the_squared_lengths(learned):
    own, half = unit(np.arange(12, dtype=np.float32).reshape(4, 3) % 5 - 1), learned.weighted
    weighted = half(learned.vectors(TEXTS), np.column_stack([IS_SPORT, ~IS_SPORT]), most=0.5, evidence=0.0)
    joined = weighted.joined(own, learned.vectors(TEXTS[8:12]))
    expected = (own @ own.T + 0.25 * learned.vectors(TEXTS[8:12]) @ learned.vectors(TEXTS[8:12]).T) / 1.25
    assert np.abs(joined @ joined.T - expected).max() < 1e-6


def test_evidence_is_large_for_topics_and_none_for_classes_that_words_do_not_tell(learned):
    z, is_even = learned.vectors(TEXTS), np.arange(30) % 2 == 0
    assert evidence_of(z, np.column_stack([IS_SPORT, ~IS_SPORT])) > 1
    assert evidence_of(z, np.column_stack([is_even, ~is_even])) < 0.1


def test_the_weight_is_half_where_the_evidence_is_as_large_as_stated(learned):
    z, probabilities = learned.vectors(TEXTS), np.column_stack([IS_SPORT, ~IS_SPORT])
    evidence = evidence_of(z, probabilities)
    assert learned.weighted(z, probabilities, most=0.8, evidence=evidence).weight == pytest.approx(0.4)


def test_words_are_in_lower_case_and_have_two_letters_or_more():
    assert words_of("A Straße, 5G and x2!") == ["strasse", "5g", "and", "x2"]
