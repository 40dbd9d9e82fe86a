"""Texts before they are encoded: tokens, windows and batches, long texts, and texts in unknown letters."""

import itertools
import warnings

import numpy as np
import pytest

from anyshot import AnyShotClassifier, load, report
from anyshot.any_shot.embedder import Embedder
from anyshot.base.protocols import Limited
from anyshot.base.validation import unit
from anyshot.encoders.registry import load_encoder
from anyshot.encoders.texts import batches, chunks, collect, parts_of, rows_of_long_texts, rows_of_unread_texts, windows
from anyshot.errors import InputError, ItemWarning

# --- windows and batches ---


def test_windows_contain_every_text_once_in_order():
    texts = ["a" * n for n in range(1, 30)]
    cut = list(windows(texts, at_most=4, characters=50))
    assert [text for window in cut for text in texts[window]] == texts


def test_a_window_is_limited_in_texts_and_characters():
    assert list(windows(["ab"] * 5, at_most=2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(windows(["ab", "abc", "a", "abcdefg", "a"], characters=5)) == [
        slice(0, 2),
        slice(2, 3),
        slice(3, 4),
        slice(4, 5),
    ]


def test_without_texts_there_are_no_windows_and_no_batches():
    assert list(windows([])) == []
    assert list(batches([], budget=10)) == []


def test_batches_of_a_small_example():
    assert [rows.tolist() for rows in batches([3, 1, 9, 2, 20], budget=9)] == [[1, 3, 0], [2], [4]]


@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_batches_contain_every_row_once_sorted_by_length_within_the_budget(budget):
    lengths = np.random.default_rng(0).integers(1, 60, size=200)
    result = list(batches(lengths.tolist(), budget=budget))
    rows = np.concatenate(result)
    assert sorted(rows) == list(range(200))
    assert (np.diff(lengths[rows]) >= 0).all()
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= budget for part in result)


@pytest.mark.parametrize("n", [1, 20, 8192])
def test_less_than_a_tenth_of_batches_of_mixed_lengths_is_padding(n):
    lengths = np.random.default_rng(n).integers(3, 257, size=n)
    filled = sum(len(rows) * lengths[rows].max() for rows in batches(lengths.tolist(), budget=1024))
    assert 1 - lengths.sum() / filled < 0.1


def test_chunks_are_read_from_an_endless_iterable_as_needed():
    texts = chunks(itertools.cycle(["ab", "abcdefgh", "a"]), characters=10)
    assert list(itertools.islice(texts, 3)) == [["ab", "abcdefgh"], ["a", "ab"], ["abcdefgh", "a"]]
    assert list(chunks(iter(["a"] * 7), at_most=3)) == [["a"] * 3, ["a"] * 3, ["a"]]
    assert list(chunks([])) == []


def test_chunks_pass_on_what_is_no_text():
    assert list(chunks(["a", None, 7], at_most=1)) == [["a"], [None], [7]]


def test_parts_are_collected_by_their_rows():
    parts = [(np.array([2, 0]), np.ones((2, 1), np.float32)), (slice(1, 2), np.zeros((1, 1), np.float32))]
    assert collect(iter(parts), n_texts=3, width=1).tolist() == [[1], [0], [1]]
    assert collect([], n_texts=0, width=4).shape == (0, 4)


# --- long texts ---


class FirstWords:
    """A text encoder that reads the first four words, and counts the letters a to z in them."""

    modality, width, max_tokens = "text", 26, 4

    def is_cut(self, texts):
        return np.array([len(text.split()) > 4 for text in texts], dtype=bool)

    def encode(self, inputs):
        read = [" ".join(text.split()[:4]).lower() for text in inputs]
        return unit(np.array([[text.count(chr(97 + i)) for i in range(26)] for text in read], np.float32) + 1e-3)


TEXTS = ["aa a aaa a", "bb b bbb b", "a a a a bb bb bb bb", "aaaa"]


def test_texts_that_are_read_to_the_end_are_not_long():
    assert rows_of_long_texts(FirstWords(), TEXTS).tolist() == [2]
    assert rows_of_long_texts(object(), TEXTS).tolist() == []
    assert isinstance(FirstWords(), Limited)


@pytest.mark.parametrize("text", ["a b c d e f g", "x" * 9, "one two three four five six seven eight nine ten eleven"])
def test_the_parts_of_a_text_are_read_to_the_end_and_lack_nothing(text):
    class Letters(FirstWords):
        def is_cut(self, texts):
            return np.array([len(one) > 4 for one in texts], dtype=bool)

    for encoder in (FirstWords(), Letters()):
        parts = parts_of(text, encoder)
        assert not encoder.is_cut(parts).any()
        assert "".join(parts).replace(" ", "") == text.replace(" ", "")


def test_a_long_text_is_cut_with_one_warning_and_counted():
    embedder = Embedder(FirstWords(), cache=None)
    message = "1 text is longer than the 4 tokens that the encoder reads; it ignores the rest: row 2"
    with pytest.warns(UserWarning, match=message):
        vectors = embedder.encode(TEXTS)
    np.testing.assert_allclose(vectors[2], FirstWords().encode(["a a a a"])[0])
    embedder.encode(TEXTS)  # no second warning, which would be an error here
    assert embedder.counts.cut == 2


def test_the_mean_over_parts_is_used_if_chosen():
    vectors = Embedder(FirstWords(), cache=None, long_texts="mean").encode(TEXTS)
    parts = FirstWords().encode(["a a a a", "bb bb bb bb"])
    np.testing.assert_allclose(vectors[2], unit(parts.mean(axis=0, keepdims=True))[0], rtol=1e-5)
    np.testing.assert_array_equal(vectors[[0, 1, 3]], FirstWords().encode(TEXTS)[[0, 1, 3]])


LONG = ["refund " * 400, "card " * 400]


def test_minilm_says_which_texts_it_cuts():
    encoder = load_encoder("minilm")
    exact = " ".join(["card"] * 254)  # and two special tokens
    assert encoder.is_cut([exact, exact + " lost", "short"]).tolist() == [False, True, False]
    assert encoder.max_tokens == 256


def test_reasons_and_report_count_what_was_cut_and_a_saved_model_remembers(tmp_path):
    texts, labels = [*LONG, "card lost", "refund me"], ["refund", "card", "card", "refund"]
    with pytest.warns(UserWarning, match="2 texts are longer than the 256 tokens"):
        clf = AnyShotClassifier(cache=False).fit(texts, labels)
    reason = "2 texts are longer than 256 tokens; the encoder reads only their first 256 tokens."
    assert clf.reasons_[-1] == reason
    with pytest.warns(UserWarning, match="^2 texts are longer") as found:
        page = report(clf, texts, labels)
    assert len(found) == 1
    assert any("2 texts are longer than the encoder reads" in note for note in page.sections["cost"].notes)
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model", cache=False)
    again.partial_fit(["refund please"], ["refund"])
    assert again.reasons_[-1] == reason


def test_the_whole_of_a_long_text_decides_with_means(tmp_path):
    """The first 256 tokens are about cards, the other 600 about refunds."""
    text = "my bank card " * 84 + "please give me a refund of my money " * 75
    names = ["bank card", "refund of money"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert AnyShotClassifier(names, cache=False).fit().predict([text]).tolist() == ["bank card"]
    clf = AnyShotClassifier(names, long_texts="mean", cache=False).fit([text], ["refund of money"])
    assert "the mean over parts is used" in clf.reasons_[-1]
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.long_texts == "mean"
    # In 16 bits, the vector of a text differs a little with the texts that are encoded beside it.
    np.testing.assert_allclose(again.predict_proba([text]), clf.predict_proba([text]), atol=1e-3)
    assert AnyShotClassifier(names, long_texts="mean", cache=False).fit().predict([text]).tolist() == [names[1]]


def test_another_choice_is_refused():
    with pytest.raises(InputError, match="long_texts must be 'cut' or 'mean'; got 'max'"):
        AnyShotClassifier(["a", "b"], long_texts="max").fit()


# --- texts in letters that an encoder does not know ---

SCRIPTS = ["I want my money back", "ฉันต้องการเงินคืน", "a naïve façade café", "พัสดุของฉันอยู่ที่ไหน", "привет как дела"]


def test_the_default_encoder_does_not_read_thai_and_spells_russian():
    assert rows_of_unread_texts(load_encoder("minilm"), SCRIPTS).tolist() == [1, 3, 4]
    assert rows_of_unread_texts(object(), SCRIPTS).tolist() == []


def test_a_warning_names_the_rows_once():
    clf = AnyShotClassifier(["refund", "delivery"]).fit()
    with pytest.warns(ItemWarning, match="3 texts are mostly in letters that the encoder 'minilm-words'") as found:
        clf.predict(SCRIPTS)
    assert ": row 1, row 3, row 4. Use" in str(found[0].message)
    assert found[0].message.rows == (1, 3, 4)
    assert found[0].filename == __file__
    clf.predict(SCRIPTS)  # a second warning would be an error


def test_texts_that_programs_write_for_missing_ones_are_warned_of_by_row_and_classes_are_not():
    clf = AnyShotClassifier(["refund", "NA"], cache=False).fit()
    with pytest.warns(ItemWarning, match=r"2 texts are written as programs write .* \(NA\).*: row 1, row 3\."):
        clf.predict(["my money back", "NA", "Nan bread", " nan"])
