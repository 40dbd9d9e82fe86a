"""What the domain adaptation classifiers take as items, labels and targets, and what they refuse."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.ensemble import AdaptationEnsemble
from anyshot.domain_adaptation.msda import MSDA
from anyshot.errors import BadItemError, DomainError, InputError, NotEnoughClassesError, WidthError
from domain_adaptation.worlds import moved_world


def test_a_dict_as_target_is_refused():
    world = moved_world()
    with pytest.raises(InputError, match="it is a dict"):
        SourceModel().fit(world.X, world.y, target={"X": world.target})


def test_columns_in_another_order_are_refused():
    world = moved_world()
    X, target = (pd.DataFrame(table, columns=list("abcdef")) for table in (world.X, world.target))
    with pytest.raises(DomainError, match="target has the columns b, a, c, d, e, f; X has a, b, c, d, e, f"):
        SourceModel().fit(X, world.y, target=target[list("bacdef")])
    predicted = SourceModel().fit(X, world.y, target=target).predict(target)
    np.testing.assert_array_equal(
        predicted, SourceModel().fit(world.X, world.y, target=world.target).predict(world.target)
    )


@pytest.mark.parametrize("none", [None, np.nan, pd.NA])
def test_a_missing_source_label_is_refused(none):
    world = moved_world()
    y = [*world.y.tolist()[:3], none, *world.y.tolist()[4:]]
    with pytest.raises(InputError, match=r"y has no label in row 3 \(NaN or None\)"):
        SourceModel().fit(world.X, y, target=world.target)


def test_texts_and_numbers_as_labels_are_refused():
    world = moved_world()
    y = np.array([*world.y.tolist()[:-1], 7], dtype=object)
    with pytest.raises(InputError, match=r"y has texts and numbers, 'ash' and 7\."):
        SourceModel().fit(world.X, y, target=world.target)


def test_invalid_targets_are_refused():
    world = moved_world()
    model = SourceModel()
    with pytest.raises(WidthError, match="target has 5 features; the source has 6"):
        model.fit(world.X, world.y, target=world.target[:, :5])
    with pytest.raises(DomainError, match="target has 1 item"):
        model.fit(world.X, world.y, target=world.target[:1])
    with pytest.raises(BadItemError, match="NaN or infinity in row 1"):
        model.fit(world.X, world.y, target=[[0.0] * 6, [np.nan] * 6])
    with pytest.raises(DomainError, match="X is dense and target is sparse"):
        model.fit(world.X, world.y, target=csr_array(world.target))
    with pytest.raises(DomainError, match="X is sparse and target is dense"):
        model.fit(csr_array(world.X), world.y, target=world.target)


def test_a_source_of_one_class_is_refused():
    world = moved_world()
    with pytest.raises(NotEnoughClassesError, match="The source has 1 class, 'ash'"):
        SourceModel().fit(world.X, ["ash"] * len(world.X), target=world.target)


def test_an_unknown_normalization_is_refused():
    with pytest.raises(InputError, match="Unknown normalize='target'"):
        SourceModel(normalize="target").fit([[0.0], [1.0]], [0, 1])


def test_a_target_of_fewer_items_than_classes_is_reported():
    world = moved_world()
    with pytest.warns(UserWarning, match="target has 2 items for 3 classes, too few to show how the domains differ"):
        CORAL().fit(world.X, world.y, target=world.target[:2])


def test_data_frames_of_sparse_columns_count_as_sparse_tables():
    X, y, target = np.eye(3)[[0, 1, 2, 0, 1, 2]], list("abcabc"), np.eye(3)[[2, 0, 1, 1]]
    frames = [pd.DataFrame.sparse.from_spmatrix(csr_matrix(table)) for table in (X, target)]
    found = MSDA(n_layers=1).fit(frames[0], y, target=frames[1]).predict_proba(frames[1])
    expected = MSDA(n_layers=1).fit(csr_matrix(X), y, target=csr_matrix(target)).predict_proba(csr_matrix(target))
    np.testing.assert_allclose(found, expected)


def test_a_base_that_is_no_classifier_or_takes_no_weights_is_refused():
    world = moved_world()
    with pytest.raises(InputError, match=r"base must be a classifier; it is Ridge\(\)"):
        CORAL(base=Ridge()).fit(world.X, world.y, target=world.target)
    for base in (KNeighborsClassifier(1), make_pipeline(KNeighborsClassifier(1))):
        with pytest.raises(InputError, match=r"must take sample_weight, .*; KNeighborsClassifier does not"):
            DensityRatioWeighting(base=base).fit(world.X, world.y, target=world.target)


@pytest.mark.parametrize("make", [lambda y: pd.array(y, "Int64"), pl.Series, pa.array])
def test_labels_of_every_library_keep_their_type(make):
    X, y = np.random.default_rng(0).normal(size=(20, 3)), [0, 1] * 10
    model = SourceModel().fit(X, make(y))
    assert model.classes_.tolist() == [0, 1]
    assert model.classes_.dtype.kind == model.predict(X).dtype.kind == "i"


@pytest.mark.torch
def test_labels_may_be_tensors():
    import torch

    X, y = np.random.default_rng(0).normal(size=(20, 3)), torch.tensor([0, 1] * 10)
    assert SourceModel().fit(X, y).classes_.tolist() == [0, 1]


def test_a_masked_number_is_refused():
    X, y, target = np.ma.MaskedArray(np.eye(4), mask=np.eye(4, k=1, dtype=bool)), [0, 0, 1, 1], np.eye(4)
    with pytest.raises(BadItemError, match="rows 0, 1, 2"):
        CORAL().fit(X, y, target=target)
    with pytest.raises(BadItemError, match="rows 0, 1, 2"):
        CORAL().fit(np.eye(4), y, target=target).predict(X)


def test_the_score_leaves_out_items_without_a_label_whatever_their_type():
    X = [[0.0], [1.0], [4.0], [5.0]]
    for model in (SourceModel(), AdaptationEnsemble(methods=[SourceModel()])):
        model.fit(X, [1, 1, 2, 2], target=X)
        assert model.score(X, [1.0, None, 2.0, 1.0]) == pytest.approx(2 / 3)
