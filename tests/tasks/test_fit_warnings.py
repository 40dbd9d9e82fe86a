import warnings

import pytest

from anyshot import AnyShotClassifier, Words


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["A", "B"], "'A', have only one letter"),
        (["complaint 1", "complaint 2"], "'complaint 1', differ from others only in numbers"),
        (["доставка", "возврат денег"], "'возврат денег', are in letters that the encoder 'minilm' does not know"),
    ],
)
def test_names_that_say_little_to_the_encoder_are_warned_of(names, words):
    expected = rf"Names of classes without labels, such as {words}, so predictions .* Words \(--words\) of each\."
    with pytest.warns(UserWarning, match=expected):
        AnyShotClassifier(names, encoder="minilm", cache=False).fit()


def test_names_with_labels_words_or_descriptions_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AnyShotClassifier({"A": Words("cash"), "B": "a parcel"}, encoder="minilm", cache=False).fit()
        AnyShotClassifier(["A", "B"], encoder="minilm", cache=False).fit(["cash back", "my parcel"], ["A", "B"])
        AnyShotClassifier(["1 star", "5 stars"], encoder="minilm", cache=False).fit()
