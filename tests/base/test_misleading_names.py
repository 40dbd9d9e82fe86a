import warnings

import pytest

from anyshot.base.misleading_names import fractions_in, learned_classes, warn_of_joined, warn_of_missing
from anyshot.errors import InputError


def test_the_classes_are_the_distinct_labels_sorted():
    assert learned_classes(["b", None, "a", "b"]) == ["a", "b"]
    assert learned_classes([2.0, 1, 2]) == [1, 2]


@pytest.mark.parametrize("labels", [[1, 0.5, 2, None], [row / 2 for row in range(11)] * 2])
def test_many_numbers_with_fractions_are_no_classes(labels):
    with pytest.raises(InputError, match=r"different numbers with fractions.*AnyShotRegressor.*as texts"):
        learned_classes(labels)


def test_many_fractions_as_texts_are_classes_with_a_warning():
    texts = [f"{number},50" for number in range(11)]
    with pytest.warns(UserWarning, match="numbers with fractions, such as 0,50; each of 12 different ones is a class"):
        assert len(learned_classes([*texts, "other"])) == 12
    assert fractions_in([0.5, 1.0, 2, "0,50", "1.5.2", "3"]) == [0.5, "0,50"]


def test_many_whole_numbers_with_few_labels_each_are_called_quantities_unless_they_are_codes():
    ages = [*range(18, 47, 2), *range(40, 70)]
    with pytest.warns(UserWarning, match="45 labels are 41 different whole numbers, from 18 to 69.*AnyShotRegressor"):
        assert len(learned_classes([*ages, None])) == 41
    for codes in ([*range(77)], [*range(1, 30)], ages * 5, [*map(str, ages)], [*range(10, 30)]):
        learned_classes(codes)


def test_a_few_numbers_with_fractions_are_classes():
    assert learned_classes([0.5, 1.5, 1, 0.5]) == [0.5, 1, 1.5]


@pytest.mark.parametrize("missing", ["nan", "NA", "n/a", "TODO"])
def test_a_missing_label_as_text_is_named(missing):
    with pytest.warns(UserWarning, match=f"The label '{missing}' counts as a class"):
        assert set(learned_classes([missing, "a"])) == {"a", missing}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_missing(["none", "nano"])  # a name of its own


def test_several_labels_in_one_are_named_where_each_ends_in_a_separator():
    with pytest.warns(UserWarning, match="'spam;phishing;' consists of names that other labels have, too"):
        warn_of_joined(["spam;", "phishing;", "spam;phishing;", "none;"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_joined(["spam;", "phishing", "spam; other", 1])


def test_labels_that_share_a_part_which_is_no_label_alone_are_named():
    with pytest.warns(UserWarning, match="'bug, urgent' and 1 more consists of names that other labels have, too"):
        warn_of_joined(["bug", "login", "bug, urgent", "login, urgent"])


def test_several_labels_in_one_are_named():
    with pytest.warns(
        UserWarning, match="'Spam; phishing' and 1 more consists of names that other labels have, too"
    ) as found:
        learned_classes(["spam", "phishing", "Spam; phishing", "ham", "ham|spam"])
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_joined(["home & garden", "garden/outdoors", "home/auto"])
        warn_of_joined(["rock/pop", "rock", "sports, games", "a-b", "a", "b", 1, True])  # pop is no class of its own


def test_truth_values_among_numbers_are_said():
    with pytest.warns(UserWarning, match="truth values and others numbers"):
        assert learned_classes([True, False, 1, 0]) == [False, True]
    assert learned_classes([True, False]) == [False, True]
    assert learned_classes([True, "1"]) == [True, "1"]
