"""Classifier weights for new class names from those of known classes."""

import json
from importlib import resources

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from anyshot import data
from anyshot.base.class_words import Words
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import unit
from anyshot.errors import BadItemError, ClassesError, InputError, WidthError
from anyshot.zero_shot.class_embeddings import embed_classes
from anyshot.zero_shot.class_texts import ClassTexts, describe
from anyshot.zero_shot.imagenet_bridge import (
    ImageNetBridge,
    hypernyms_by_name,
    hypernyms_of,
    known_classes,
    largest_shares,
    names_are_guesses,
    transfer_weights,
    with_hypernyms,
    with_words_as_texts,
)


@pytest.fixture
def known():
    """Return the text vectors (6, 4) and the weights (6, 5) of six known classes."""
    generator = np.random.default_rng(0)
    return unit(generator.normal(size=(6, 4))), generator.normal(size=(6, 5)).astype(np.float32)


def directions(*arguments, **options):
    return unit(transfer_weights(*arguments, **options))


def test_without_penalty_a_known_name_gets_its_own_weights(known):
    names, weights = known
    np.testing.assert_allclose(directions(names, names, weights, penalty=0), unit(weights - weights.mean(0)), atol=1e-4)


def test_two_orthogonal_known_classes():
    # Kernel [[1, q], [q, 1]] + I with q = exp(-1); the name is that of the first: k = (1, q). The centered weights are
    # +-(1, -1) / 2, so that the sign of share_0 - share_1 decides, (1 - q) / (2 - q) > 0.
    found = directions([[1, 0]], [[1, 0], [0, 1]], [[1, 0], [0, 1]], width=2, penalty=1)
    np.testing.assert_allclose(found, [[0.5**0.5, -(0.5**0.5)]], atol=1e-6)
    ((first, second),) = largest_shares([[1, 0]], [[1, 0], [0, 1]], [["one"], ["two"]], width=2, penalty=1)
    q = np.exp(-1)
    shares = np.array([2 - q**2, q]) / (4 - q**2)
    assert (first[0], second[0]) == ("one", "two")
    np.testing.assert_allclose([first[1], second[1]], shares / shares.sum(), atol=1e-6)


def test_transferred_weights_are_those_of_kernel_ridge_regression(known):
    names, weights = known
    new = unit(np.random.default_rng(1).normal(size=(3, 4)))
    ridge = KernelRidge(alpha=1.0, kernel="rbf", gamma=4.0).fit(names, weights - weights.mean(0))
    np.testing.assert_allclose(transfer_weights(new, names, weights), ridge.predict(new), rtol=1e-3, atol=1e-5)


def test_the_mean_of_the_known_weights_has_no_effect(known):
    names, weights = known
    first, second = (transfer_weights(names[:2], names, known_weights) for known_weights in (weights, weights + 7))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_the_order_of_known_classes_and_the_length_of_text_vectors_have_no_effect(known):
    names, weights = known
    order = np.array([3, 1, 5, 0, 2, 4])
    one = transfer_weights(names[:2], names, weights)
    np.testing.assert_allclose(one, transfer_weights(3 * names[:2], 2 * names[order], weights[order]), atol=1e-5)


def test_two_known_classes_may_have_the_same_name(known):
    names, weights = known
    names[1] = names[0]
    assert np.isfinite(transfer_weights(names, names, weights, penalty=0)).all()


def test_a_known_name_gets_longer_weights_than_an_unknown_one(known):
    names, weights = known
    own, unknown = transfer_weights(np.stack([names[0], -names.mean(axis=0)]), names, weights)
    assert np.linalg.norm(own) > np.linalg.norm(unknown)


def test_absolute_shares_sum_to_one_and_are_sorted(known):
    names, _ = known
    (shares,) = largest_shares(names[2:3], names, [[str(row)] for row in range(6)], n=6)
    sizes = [abs(share) for _, share in shares]
    assert shares[0][0] == "2"
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == pytest.approx(1)


def test_invalid_vectors_raise_an_error(known):
    names, weights = known
    with pytest.raises(InputError, match="6 rows and weights has 5"):
        transfer_weights(names, names, weights[:5])
    with pytest.raises(WidthError, match="class_vectors has vectors of width 3"):
        transfer_weights(names[:, :3], names, weights)
    with pytest.raises(InputError, match="class_vectors has only zeros in row 1"):
        transfer_weights([[1, 0, 0, 0], [0, 0, 0, 0]], names, weights)
    with pytest.raises(BadItemError, match="weights contains NaN or infinity in row 2"):
        transfer_weights(names, names, np.where(np.arange(6)[:, None] == 2, np.nan, weights))
    with pytest.raises(InputError, match="weights of all known classes are equal"):
        transfer_weights(names, names, np.ones((6, 5)))
    with pytest.raises(InputError, match="6 known classes and 1 names"):
        largest_shares(names, names, [["only"]])


@pytest.mark.parametrize("options", [{"width": 0}, {"penalty": -1}, {"width": float("nan")}])
def test_parameters_out_of_range_raise_an_error(known, options):
    names, weights = known
    with pytest.raises(InputError, match="width must be > 0 and penalty >= 0"):
        transfer_weights(names, names, weights, **options)


# --- known classes and their hypernyms --------------------------------------------------------------------------------


def test_a_known_class_without_a_name_raises_an_error(letters):
    with pytest.raises(ClassesError, match="Known class 1 has no name"):
        known_classes([["cat"], []], letters.encode)


def test_a_hypernym_is_the_mean_of_its_classes(letters):
    found = known_classes([["robin"], ["house finch"], ["goldfish"]], letters.encode)
    bird = found.names.index(("bird",))
    assert found.names[:3] == (("robin",), ("house finch",), ("goldfish",))
    np.testing.assert_allclose(found.members[bird], [0.5, 0.5, 0])
    np.testing.assert_allclose(found.members[:3], np.eye(3))
    np.testing.assert_allclose(found.vectors[bird], known_classes([["bird"]], letters.encode).vectors[0], atol=1e-6)


def test_classes_without_a_listed_hypernym_are_the_only_points(letters):
    found = known_classes([["zzyzx"], ["qwerty"]], letters.encode)
    np.testing.assert_array_equal(found.members, np.eye(2))
    assert found.names == (("zzyzx",), ("qwerty",))


def test_the_name_of_a_hypernym_gets_the_mean_weights_of_its_classes(letters):
    names, weights = [["robin"], ["house finch"], ["goldfish"]], np.eye(3, dtype=np.float32)
    found = known_classes(names, letters.encode)
    bird = letters.encode(["bird"])
    robin, finch, fish = transfer_weights(bird, found.vectors, found.members @ weights, width=0.1)[0]
    assert min(robin, finch) > fish


def test_every_imagenet_class_has_names_of_its_own():
    listed = json.loads(resources.files(data).joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    assert len(listed) == 1000
    assert all(own and all(name == name.strip() and name for name in own) for own in listed)
    assert all(len({name.lower() for name in own}) == len(own) for own in listed)
    assert len({own[0].lower() for own in listed}) == 1000
    assert [listed[row][0] for row in (0, 207, 999)] == ["tench", "Golden Retriever", "toilet paper"]


def test_hypernyms_are_found_by_any_name_that_is_not_ambiguous():
    hypernyms = hypernyms_by_name()
    assert hypernyms["golden retriever"] == ("dog",)
    assert set(hypernyms["monarch butterfly"]) == {"insect", "butterfly"}
    assert "crane (bird)" in hypernyms
    assert "crane" not in hypernyms  # the bird or the machine


def test_the_bridge_gives_a_class_the_weights_of_known_ones_and_names_these():
    letters = {"sea": [1, 0, 0], "ocean": [0.9, 0.1, 0], "strawberry": [0, 1, 0], "cucumber": [0, 0, 1]}

    def embed(texts):
        kinds = ([0.3, 0.3, 0.4] for _ in texts)  # of the hypernyms, far from every name
        return unit(np.array([letters.get(text.removeprefix("a photo of a "), next(kinds)) for text in texts]))

    classifier = LinearClassifier(np.eye(3, dtype=np.float32), (("ocean", "sea"), ("strawberry",), ("cucumber",)))
    bridge = ImageNetBridge(classifier, embed)
    sea, number = bridge.embed_classes(ClassTexts(("sea", 7), (("sea",), ("7",))))
    assert sea.argmax() == 0
    assert not number.any()
    assert bridge.similar_classes(ClassTexts(("sea",), (("sea",),)))[0][0][0] == "ocean"


def test_short_class_vectors_are_guesses_unless_items_vary_along_them():
    class_vectors = 0.05 * np.eye(4, dtype=np.float32)[:2]
    items = np.eye(4, dtype=np.float32)  # they vary as much along the difference as in any direction
    assert names_are_guesses(class_vectors, items[:0])
    assert names_are_guesses(class_vectors, items)
    assert not names_are_guesses(class_vectors * 2, items[:0])
    assert not names_are_guesses(class_vectors * 2, np.repeat(items[:2], 9, axis=0))
    assert not names_are_guesses(class_vectors[:1], items)


# --- hypernyms --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed():
    """Return the list of the package: the nouns of each hypernym."""
    text = resources.files(data).joinpath("noun_kinds.json").read_text(encoding="utf-8")
    return {hypernym: nouns.split(", ") for hypernym, nouns in json.loads(text).items()}


def test_hypernyms_do_not_depend_on_case():
    assert hypernyms_of("ketch") == hypernyms_of("Ketch") == ("sailing boat",)


@pytest.mark.parametrize(
    ("plural", "hypernym"), [("canaries", "bird"), ("ibises", "wading bird"), ("loaves", None), ("boxes", "bag")]
)
def test_a_plural_has_the_hypernyms_of_its_singular(plural, hypernym):
    assert hypernyms_of(plural) == ((hypernym,) if hypernym else ())


def test_a_listed_noun_is_not_treated_as_a_plural():
    assert hypernyms_of("cactus") == ("desert plant",)
    assert hypernyms_of("scissors") == ("stationery",)


def test_a_noun_with_two_senses_has_two_hypernyms():
    assert hypernyms_of("crane") == ("wading bird", "construction vehicle")


def test_a_word_that_is_not_listed_has_no_hypernym():
    assert hypernyms_of("refund") == ()
    assert hypernyms_of("") == ()


def test_only_classes_without_a_description_get_hypernyms():
    texts = describe({"ketch": None, "gerenuk": "long neck, large ears", "refund": None, "Ibis": None})
    found = with_hypernyms(texts, known={"ibis"})
    assert found.names == texts.names
    assert found.texts == (("ketch", "sailing boat"), ("gerenuk", "long neck, large ears"), ("refund",), ("Ibis",))


def test_a_name_and_its_hypernym_have_equal_weight():
    vectors = {"ketch": [1.0, 0.0], "sailing boat": [0.0, 1.0]}

    def embed(texts):
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    found = embed_classes(with_hypernyms(describe(["ketch"])), embed, templates="{}")
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5]], atol=1e-6)


def test_the_list_is_in_lower_case_sorted_and_without_duplicates(listed):
    for hypernym, nouns in listed.items():
        assert nouns == sorted(set(nouns)), hypernym
        assert all(noun == noun.strip().lower() and noun for noun in nouns), hypernym


def test_no_hypernym_is_among_the_nouns(listed):
    assert not set(listed) & {noun for nouns in listed.values() for noun in nouns}


def test_words_are_texts_where_names_are_compared_with_names():
    texts = describe({"ketch": ["a boat", Words("sail mast")], "ibis": None})
    assert with_words_as_texts(texts) == ClassTexts(("ketch", "ibis"), (("ketch", "a boat", "sail", "mast"), ("ibis",)))
