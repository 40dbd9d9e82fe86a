"""The bridge from a known classifier to new class names."""

import json
from importlib import resources

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from anyshot.base.validation import unit
from anyshot.errors import BadItemError, ClassesError, InputError, WidthError
from anyshot.zero_shot.imagenet_bridge import carried, carry, kinds_by_name, known_class_vectors, landmarks, rests_on


@pytest.fixture
def known():
    """Return the text vectors (6, 4) and the weights (6, 5) of six known classes."""
    generator = np.random.default_rng(0)
    return unit(generator.normal(size=(6, 4))), generator.normal(size=(6, 5)).astype(np.float32)


def test_a_known_name_gets_its_own_weights_where_each_class_is_believed(known):
    names, weights = known
    np.testing.assert_allclose(carry(names, names, weights, ridge=0), unit(weights - weights.mean(0)), atol=1e-4)


def test_two_orthogonal_known_classes_by_hand():
    # Kernel [[1, q], [q, 1]] + I with q = exp(-1); the name is that of the first: k = (1, q). The centered weights are
    # +-(1, -1) / 2, so that the sign of share_0 - share_1 decides, (1 - q) / (2 - q) > 0.
    found = carry([[1, 0]], [[1, 0], [0, 1]], [[1, 0], [0, 1]], sharpness=1, ridge=1)
    np.testing.assert_allclose(found, [[0.5**0.5, -(0.5**0.5)]], atol=1e-6)
    ((first, second),) = rests_on([[1, 0]], [[1, 0], [0, 1]], [["one"], ["two"]], sharpness=1, ridge=1)
    q = np.exp(-1)
    shares = np.array([2 - q**2, q]) / (4 - q**2)
    assert (first[0], second[0]) == ("one", "two")
    np.testing.assert_allclose([first[1], second[1]], shares / shares.sum(), atol=1e-6)


def test_carried_weights_are_the_kernel_ridge_of_scikit_learn(known):
    names, weights = known
    new = unit(np.random.default_rng(1).normal(size=(3, 4)))
    # On unit vectors exp(s (cos - 1)) is the Gaussian kernel exp(-s |a - b|^2 / 2).
    ridge = KernelRidge(alpha=0.7, kernel="rbf", gamma=1.5).fit(names, weights - weights.mean(0))
    np.testing.assert_allclose(carry(new, names, weights, sharpness=3, ridge=0.7), unit(ridge.predict(new)), atol=1e-5)


def test_what_all_known_classes_share_changes_nothing(known):
    names, weights = known
    np.testing.assert_allclose(carry(names[:2], names, weights), carry(names[:2], names, weights + 7), atol=1e-5)


def test_the_order_of_known_classes_and_the_length_of_vectors_change_nothing(known):
    names, weights = known
    order = np.array([3, 1, 5, 0, 2, 4])
    one = carry(names[:2], names, weights)
    np.testing.assert_allclose(one, carry(3 * names[:2], 2 * names[order], weights[order]), atol=1e-5)


def test_two_known_classes_of_one_name_are_borne(known):
    names, weights = known
    names[1] = names[0]
    assert np.isfinite(carry(names, names, weights, ridge=0)).all()


def test_carried_weights_are_of_unit_length_and_as_wide_as_the_features(known):
    names, weights = known
    found = carry(names[:2], names, weights)
    assert found.shape == (2, 5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_shares_sum_to_one_and_the_greatest_comes_first(known):
    names, _ = known
    (shares,) = rests_on(names[2:3], names, [[str(row)] for row in range(6)], n=6)
    sizes = [abs(share) for _, share in shares]
    assert shares[0][0] == "2"
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == pytest.approx(1)


def test_bad_vectors_are_named(known):
    names, weights = known
    with pytest.raises(InputError, match="6 rows and weights has 5"):
        carry(names, names, weights[:5])
    with pytest.raises(WidthError, match="class_vectors has vectors of width 3"):
        carry(names[:, :3], names, weights)
    with pytest.raises(InputError, match="class_vectors has only zeros in row 1"):
        carry([[1, 0, 0, 0], [0, 0, 0, 0]], names, weights)
    with pytest.raises(BadItemError, match="weights holds NaN or infinity in row 2"):
        carry(names, names, np.where(np.arange(6)[:, None] == 2, np.nan, weights))
    with pytest.raises(InputError, match="tells no class apart"):
        carry(names, names, np.ones((6, 5)))
    with pytest.raises(InputError, match="6 known classes and 1 names"):
        rests_on(names, names, [["only"]])


@pytest.mark.parametrize("given", [{"sharpness": 0}, {"ridge": -1}, {"sharpness": float("nan")}])
def test_parameters_out_of_range_are_refused(known, given):
    names, weights = known
    with pytest.raises(InputError, match="sharpness must be > 0 and ridge >= 0"):
        carry(names, names, weights, **given)


def test_known_vectors_are_half_synonyms_and_half_kinds(letters):
    names = [["American robin", "robin"], ["a thing of no kind"]]
    bare = known_class_vectors(names, letters.encode, kinds=False)
    told = known_class_vectors(names, letters.encode)
    bird = known_class_vectors([["bird"]], letters.encode, kinds=False)
    np.testing.assert_allclose(told[0], unit(bare[:1] + bird)[0], atol=1e-6)
    np.testing.assert_allclose(told[1], bare[1], atol=1e-6)


def test_a_known_class_without_a_name_is_refused(letters):
    with pytest.raises(ClassesError, match="Known class 1 has no name"):
        known_class_vectors([["cat"], []], letters.encode)


def test_the_thousand_classes_each_have_names_of_their_own():
    listed = json.loads(resources.files("anyshot.data").joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    assert len(listed) == 1000
    assert all(own and all(name == name.strip() and name for name in own) for own in listed)
    assert all(len({name.lower() for name in own}) == len(own) for own in listed)
    assert len({own[0].lower() for own in listed}) == 1000
    assert [listed[row][0] for row in (0, 207, 999)] == ["tench", "Golden Retriever", "toilet paper"]


def test_kinds_are_found_by_any_name_that_is_not_ambiguous():
    kinds = kinds_by_name()
    assert kinds["golden retriever"] == ("dog",)
    assert set(kinds["monarch butterfly"]) == {"insect", "butterfly"}
    assert "crane (bird)" in kinds
    assert "crane" not in kinds  # the bird or the machine


# --- landmarks and lengths -------------------------------------------------------------------------------------------


def letters_of(texts):
    """Return how often each letter occurs in each text, as unit vectors (n, 26)."""
    return unit(np.array([[text.lower().count(chr(97 + letter)) for letter in range(26)] for text in texts], float))


def test_a_kind_is_a_point_of_its_own_and_the_mean_of_its_classes():
    found = landmarks([["robin"], ["house finch"], ["goldfish"]], letters_of)
    kind = found.names.index(("bird",))
    assert found.names[:3] == (("robin",), ("house finch",), ("goldfish",))
    np.testing.assert_allclose(found.members[kind], [0.5, 0.5, 0])
    np.testing.assert_allclose(found.members[:3], np.eye(3))
    np.testing.assert_allclose(
        found.vectors[kind], known_class_vectors([["bird"]], letters_of, kinds=False)[0], atol=1e-6
    )


def test_classes_of_no_listed_kind_are_the_only_landmarks():
    found = landmarks([["zzyzx"], ["qwerty"]], letters_of)
    np.testing.assert_array_equal(found.members, np.eye(2))
    np.testing.assert_allclose(found.vectors, known_class_vectors([["zzyzx"], ["qwerty"]], letters_of, kinds=False))


def test_the_name_of_a_kind_meets_the_mean_of_its_classes():
    names, weights = [["robin"], ["house finch"], ["goldfish"]], np.eye(3, dtype=np.float32)
    found = landmarks(names, letters_of)
    bird = letters_of(["bird"])
    robin, finch, fish = carry(bird, found.vectors, found.members @ weights, sharpness=20)[0]
    assert min(robin, finch) > fish


def test_carried_weights_are_those_of_kernel_ridge(known):
    names, weights = known
    new = unit(np.random.default_rng(1).normal(size=(3, 4)))
    ridge = KernelRidge(alpha=1.0, kernel="rbf", gamma=4.0).fit(names, weights - weights.mean(0))
    np.testing.assert_allclose(carried(new, names, weights), ridge.predict(new), rtol=1e-3, atol=1e-5)


def test_a_known_name_has_longer_weights_than_a_strange_one(known):
    names, weights = known
    own, strange = carried(np.stack([names[0], -names.mean(axis=0)]), names, weights)
    assert np.linalg.norm(own) > np.linalg.norm(strange)


def test_carried_needs_a_row_of_weights_for_each_known_class(known):
    names, weights = known
    with pytest.raises(InputError, match="6 rows and weights has 5"):
        carried(names, names, weights[:5])
