"""Class vectors from word vectors, and files of word vectors."""

import numpy as np
import pytest

from anyshot.errors import ClassesError, DataFileError
from anyshot.zero_shot.word_vectors import class_word_vectors, load_word_vectors, words_of

WORDS = {
    "polar": np.array([1.0, 0.0]),
    "bear": np.array([0.0, 1.0]),
    "killer_whale": np.array([3.0, 3.0]),
    "whale": np.array([5.0, 5.0]),
    "Paris": np.array([2.0, 2.0]),
}
GLOVE = "polar 1 0\nbear 0 1\nwhale 5 5\n"


def test_the_vectors_of_the_words_are_averaged():
    found = class_word_vectors(["polar_bear", "bear"], WORDS)
    np.testing.assert_array_equal(found.vectors, [[0.5, 0.5], [0, 1]])
    assert found.notes == ()


def test_a_whole_name_is_looked_up_first_and_case_is_ignored():
    found = class_word_vectors(["KillerWhale", "Whale", "paris"], WORDS)
    np.testing.assert_array_equal(found.vectors, [[3, 3], [5, 5], [2, 2]])


def test_unknown_words_are_left_out_and_listed_in_the_notes():
    found = class_word_vectors(["polar okapi", "quagga bear"], WORDS)
    np.testing.assert_array_equal(found.vectors, [[1, 0], [0, 1]])
    assert found.notes == ("2 words have no vector and are left out: okapi (of polar okapi), quagga (of quagga bear).",)


def test_all_classes_without_a_known_word_are_in_the_error():
    with pytest.raises(ClassesError, match="2 of 3 classes have no word with a vector: okapi, quagga"):
        class_word_vectors(["okapi", "bear", "quagga"], WORDS)


def test_no_class_raises_an_error():
    with pytest.raises(ClassesError, match="no classes"):
        class_word_vectors([], WORDS)


def test_names_are_split_into_words():
    assert words_of(["topUpFailed", "top_up_limit", 7]) == ["top", "up", "failed", "limit", "7"]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["", "3 2\n"], ids=["glove", "word2vec"])
def test_both_text_formats_are_read(head, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(head + GLOVE, encoding="utf-8")
    found = load_word_vectors(path)
    assert list(found) == ["polar", "bear", "whale"]
    np.testing.assert_array_equal(found["whale"], [5, 5])


def test_only_the_given_words_are_read(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(GLOVE, encoding="utf-8")
    assert list(load_word_vectors(path, ["Bear", "okapi"])) == ["bear"]
    with pytest.raises(DataFileError, match="no word vector for any of the 1 words"):
        load_word_vectors(path, ["okapi"])


def test_a_word_may_contain_spaces_once_the_width_is_known(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(GLOVE + ". . . 7 8\n", encoding="utf-8")
    np.testing.assert_array_equal(load_word_vectors(path)[". . ."], [7, 8])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (GLOVE + "seal 1\n", r"line 4: a word and 2 finite numbers"),
        (GLOVE + "seal 1 x\n", r"line 4.*could not convert"),
        (GLOVE + "seal 1 nan\n", r"line 4.*finite"),
        ("", "no word vector"),
    ],
)
def test_a_broken_line_raises_an_error_with_its_number(content, text, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataFileError, match=text):
        load_word_vectors(path)


def test_a_missing_file_and_a_pickle_raise_an_error(tmp_path):
    with pytest.raises(DataFileError, match="There is no file"):
        load_word_vectors(tmp_path / "none.txt")
    path = tmp_path / "words.kv"
    path.write_bytes(b"\x80\x04")
    with pytest.raises(DataFileError, match=r"is a pickle.*save_word2vec_format"):
        load_word_vectors(path)


def test_the_binary_format_contains_the_same_vectors_as_the_text_format(tmp_path):
    models = pytest.importorskip("gensim.models")
    vectors = models.KeyedVectors(vector_size=2)
    vectors.add_vectors(["polar", "bear", "whale"], np.array([[1, 0], [0, 1], [5, 5]], dtype=np.float32))
    vectors.save_word2vec_format(str(tmp_path / "words.bin"), binary=True)
    (tmp_path / "words.txt").write_text(GLOVE, encoding="utf-8")
    binary, text = (load_word_vectors(tmp_path / name) for name in ("words.bin", "words.txt"))
    assert list(binary) == list(text)
    for word in text:
        np.testing.assert_array_equal(binary[word], text[word])
    np.testing.assert_array_equal(class_word_vectors(["polar bear"], vectors).vectors, [[0.5, 0.5]])
    assert list(load_word_vectors(tmp_path / "words.bin", ["Bear"])) == ["bear"]


def test_an_incomplete_binary_file_raises_an_error(tmp_path):
    pytest.importorskip("gensim.models")
    (tmp_path / "words.bin").write_bytes(b"3 200\npolar \x00\x00")
    with pytest.raises(DataFileError, match="cannot be read as word vectors"):
        load_word_vectors(tmp_path / "words.bin")


def test_animals_are_more_similar_to_animals_in_real_word_vectors(shared):
    classes = ["killer_whale", "dolphin", "blue_whale", "tractor", "truck", "pickup_truck"]
    path = shared / "data" / "glove_twitter_25d" / "glove_twitter_25d.parquet"
    found = class_word_vectors(classes, load_word_vectors(path, words_of(classes)))
    rows = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    cosines = rows @ rows.T
    assert cosines[:3, :3].mean() > cosines[:3, 3:].mean()
