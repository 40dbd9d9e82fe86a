"""Texts that are longer than an encoder reads."""

import warnings

import numpy as np
import pytest

from anyshot import AnyShotClassifier, load, report
from anyshot.any_shot.embedder import Embedder
from anyshot.base.protocols import Limited
from anyshot.base.validation import unit
from anyshot.encoders.long_texts import parts_of, rows_of_long_texts
from anyshot.encoders.registry import load_encoder
from anyshot.errors import InputError


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
    message = r"1 of 4 texts is longer than the 4 tokens that the encoder reads; the rest is ignored \(row 2\)"
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
    with pytest.warns(UserWarning, match="2 of 4 texts are longer than the 256 tokens"):
        clf = AnyShotClassifier(cache=False).fit(texts, labels)
    reason = "2 texts are longer than 256 tokens; only their first 256 tokens count."
    assert clf.reasons_[-1] == reason
    with warnings.catch_warnings():  # the models of the learning curve warn again
        warnings.simplefilter("ignore", UserWarning)
        page = report(clf, texts, labels)
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
    np.testing.assert_allclose(again.predict_proba([text]), clf.predict_proba([text]), atol=1e-5)
    assert AnyShotClassifier(names, long_texts="mean", cache=False).fit().predict([text]).tolist() == [names[1]]


def test_another_choice_is_refused():
    with pytest.raises(InputError, match="long_texts must be 'cut' or 'mean'; got 'max'"):
        AnyShotClassifier(["a", "b"], long_texts="max").fit()
