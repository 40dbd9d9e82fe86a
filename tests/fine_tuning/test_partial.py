"""Training the stages above a freeze point: head, learning rates, loss, interpolation, identity."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize, one_hot

from anyshot.base.validation import unit
from anyshot.encoders.backbones import open_backbone
from anyshot.errors import TrainingDivergedError
from anyshot.fine_tuning.partial import (
    DEFAULT_INTERPOLATION,
    INTERPOLATIONS,
    LinearHead,
    StageTraining,
    copy_weights,
    digest,
    fine_tune,
    interpolate,
    layer_groups,
    log_class_shares,
    similar_lengths,
)
from anyshot.fine_tuning.training_labels import TrainingLabels
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.vector_classifiers import AnyShotHead
from tiny_language_models import TEXTS

INDEX = np.array([0, 1, 0, 0, 1])
ROWS = np.arange(len(TEXTS))
X = unit(np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))


@pytest.fixture(scope="module")
def backbone(bert):
    return open_backbone(bert, device="cpu")


def open_run(backbone, freeze_at="head", *, texts=TEXTS, epochs=25, learning_rate=0.02, **settings) -> StageTraining:
    return StageTraining.open(
        backbone,
        texts,
        freeze_at=freeze_at,
        tuning=Tuning(**{"batch_size": 5, "cache": False, **settings}),
        epochs=epochs,
        learning_rate=learning_rate,
        random_state=0,
    )


def labeled(held_out=(), *, n_classes=2) -> TrainingLabels:
    return TrainingLabels.of(INDEX, n_classes, held_out=np.array(held_out, dtype=np.intp))


def trained(backbone, freeze_at="layer2", **settings):
    run, head = open_run(backbone, freeze_at, **settings), LinearHead.zeros(2, backbone.width)
    return run, head, fine_tune(run, head, labeled(), random_state=0)


# --- the head ---------------------------------------------------------------------------------------------------------


def test_the_head_returns_the_scores_of_the_any_shot_head_for_features_of_any_length():
    closed_form = AnyShotHead().fit(X, np.repeat([0, 1, 2], 4), class_vectors=np.eye(3, 4))
    head = LinearHead(closed_form.coef_, closed_form.intercept_)
    np.testing.assert_allclose(head(torch.from_numpy(7 * X)).detach(), closed_form.decision_function(X), atol=1e-5)


def test_the_head_subtracts_the_center():
    center = np.array([0.1, -0.2, 0.3, 0.0], np.float32)
    head = LinearHead(np.eye(4, dtype=np.float32), np.zeros(4), center=center)
    np.testing.assert_allclose(head(torch.from_numpy(X)).detach(), unit(X - center), atol=1e-6)


def test_a_head_of_zeros_scores_every_class_0():
    assert torch.equal(LinearHead.zeros(3, 4)(torch.from_numpy(X)), torch.zeros(12, 3))


def test_the_center_is_saved_but_not_trained():
    head = LinearHead(np.eye(2, dtype=np.float32), np.zeros(2), center=np.ones(2))
    assert set(head.state_dict()) == {"coef", "intercept", "center"}
    assert {name for name, _ in head.named_parameters()} == {"coef", "intercept"}


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze_at", ["head", "layer2", "embeddings"])
def test_training_fits_the_labels_at_every_freeze_point_and_does_not_change_the_encoder(backbone, freeze_at):
    before = copy_weights(*backbone.network.values())
    run, head, history = trained(backbone, freeze_at)
    assert run.scores(head, ROWS).argmax(axis=1).tolist() == INDEX.tolist()
    assert history.records[-1].loss < history.records[0].loss
    for first, last in zip(before, copy_weights(*backbone.network.values()), strict=True):
        assert all(torch.equal(first[name], last[name]) for name in first)


def test_features_are_in_the_order_of_the_rows(backbone):
    run = open_run(backbone, "layer2")
    np.testing.assert_allclose(run.features(ROWS[[3, 0]]), run.features(ROWS)[[3, 0]], atol=1e-5)


def test_the_head_has_the_highest_learning_rate_then_the_last_stage(backbone):
    run, head = open_run(backbone, "layer1"), LinearHead.zeros(2, backbone.width)
    groups = layer_groups(run.rest, head, Tuning(head_rate=5, depth_decay=0.5, unfreeze_every=1))
    found = [(group.name, group.rate, group.starts) for group in groups]
    assert found == [("layer1", 0.5, 2), ("layer2", 1, 1), ("head", 5, 0)]


def test_a_head_alone_has_the_full_learning_rate(backbone):
    groups = layer_groups(open_run(backbone).rest, LinearHead.zeros(2, backbone.width), Tuning())
    assert [(group.name, group.rate) for group in groups] == [("head", 1.0)]


def test_log_class_shares_are_equal_for_the_class_prior_of_the_labels_and_for_balanced_weights():
    assert torch.exp(log_class_shares(labeled(), Tuning())).tolist() == pytest.approx([0.6, 0.4])
    for settings in ({"class_prior": "labels"}, {"class_weight": "balanced"}):
        first, second = log_class_shares(labeled(), Tuning(**settings))
        assert first == second


@pytest.mark.parametrize("settings", [{}, {"class_prior": "labels"}, {"class_weight": "balanced"}, {"smoothing": 0.3}])
def test_training_does_not_change_the_weights_of_a_class_without_labels(backbone, settings):
    run, head = open_run(backbone, weight_decay=0.0, **settings), LinearHead.zeros(3, backbone.width)
    fine_tune(run, head, labeled(n_classes=3), random_state=0)
    assert head.coef[2].abs().max().item() < 1e-3
    assert head.intercept[2].abs().item() < 1e-3
    assert head.coef[:2].abs().max().item() > 0.1


def test_training_with_balanced_weights_and_label_smoothing_fits_the_labels(backbone):
    run, head, _ = trained(backbone, "head", class_weight="balanced", smoothing=0.1)
    assert run.scores(head, ROWS).argmax(axis=1).tolist() == INDEX.tolist()


def test_the_history_has_the_loss_on_held_out_items(backbone):
    run, head = open_run(backbone, epochs=2, learning_rate=0.01), LinearHead.zeros(2, backbone.width)
    history = fine_tune(run, head, labeled([4]), random_state=0)
    assert history.records[0].held_out.loss == pytest.approx(np.log(2), abs=1e-6)
    assert len(history.records) == 3


def test_an_output_that_is_not_finite_is_an_error(backbone):
    run = open_run(backbone)
    run.check_finite(np.zeros(3))
    with pytest.raises(TrainingDivergedError, match=r"NaN or infinite values.*Lower learning_rate \(it is 0.02\)"):
        run.check_finite(np.array([0.0, np.nan]))


# --- interpolation ----------------------------------------------------------------------------------------------------


def interpolated_head(backbone, *, trained, interpolation="auto", held_out=()):
    """Return the factor and the weights of a head that training moved from zero to `trained` (2, width)."""
    run, head = open_run(backbone, interpolation=interpolation), LinearHead.zeros(2, backbone.width)
    initial = copy_weights(run.rest, head)
    with torch.no_grad():
        head.coef.copy_(trained)
    factor = interpolate(run, head, initial, labeled(held_out))
    return factor, head.coef.detach()


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
def test_interpolation_is_linear_in_the_weights(backbone, factor):
    weights = torch.ones(2, backbone.width)
    found, coef = interpolated_head(backbone, trained=weights, interpolation=factor)
    assert found == factor
    torch.testing.assert_close(coef, factor * weights)


def test_interpolation_is_a_half_without_held_out_items(backbone):
    assert interpolated_head(backbone, trained=torch.ones(2, backbone.width))[0] == DEFAULT_INTERPOLATION


def test_held_out_items_choose_the_largest_factor_for_good_weights_and_the_smallest_for_bad_ones(backbone):
    z = normalize(torch.from_numpy(open_run(backbone).features(ROWS)), dim=1)
    good = torch.linalg.lstsq(z, one_hot(torch.from_numpy(INDEX), 2).float()).solution.T
    assert interpolated_head(backbone, trained=good, held_out=ROWS)[0] == max(INTERPOLATIONS)
    assert interpolated_head(backbone, trained=-good, held_out=ROWS)[0] == min(INTERPOLATIONS)


# --- the identity of a run --------------------------------------------------------------------------------------------


def test_the_identity_does_not_depend_on_where_files_are_stored(backbone):
    run = open_run(backbone)
    elsewhere = replace(run.tuning, cache=True, budget_mb=1.0, checkpoints="elsewhere")
    assert run.identity() == replace(run, tuning=elsewhere).identity()


@pytest.mark.parametrize("other", [{"texts": TEXTS[::-1]}, {"freeze_at": "layer1"}, {"dropout": 0.2}], ids=str)
def test_the_identity_depends_on_items_freeze_point_and_settings(backbone, other):
    assert open_run(backbone, **other).identity() != open_run(backbone).identity()


def test_the_digest_depends_on_contents_and_shape():
    assert digest(np.zeros(4)) == digest(np.zeros(4))
    assert len({digest(np.zeros(4)), digest(np.ones(4)), digest(np.zeros((2, 2)))}) == 3


# --- batches ----------------------------------------------------------------------------------------------------------


LENGTHS = np.random.default_rng(0).integers(1, 60, size=500)


def test_every_row_is_in_one_batch_of_similar_lengths():
    rows = np.arange(3, 480)
    result = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    assert sorted(np.concatenate(result).tolist()) == rows.tolist()
    assert all(len(batch) <= 16 for batch in result)
    assert len(result) == 30


def test_batches_of_similar_lengths_need_little_padding():
    rows = np.arange(500)
    result = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in result)
    assert padded < 1.15 * LENGTHS.sum()


def test_the_generator_determines_the_batches_and_epochs_differ():
    first, again = (
        similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=np.random.default_rng(1)) for _ in "ab"
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    rng = np.random.default_rng(1)
    epochs = [similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=rng) for _ in range(2)]
    assert {frozenset(batch.tolist()) for batch in epochs[0]} != {frozenset(batch.tolist()) for batch in epochs[1]}


def test_items_of_one_length_are_shuffled():
    result = similar_lengths(np.ones(100), np.arange(100), batch_size=10, generator=np.random.default_rng(0))
    assert np.concatenate(result).tolist() != list(range(100))
    assert all(np.ptp(batch) > 20 for batch in result)


def test_without_rows_there_are_no_batches():
    assert similar_lengths(LENGTHS, np.arange(0), batch_size=4, generator=np.random.default_rng(0)) == []
