"""TCA and JDA: the axes against the definition, and what is refused."""

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.sparse import csr_array
from sklearn.preprocessing import normalize

from anyshot.domain_adaptation.tca import JDA, TCA, pool_domains, transfer_components
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def by_definition(source, target, *, n_components, penalty, classes=None):
    """Solve the problem as the papers write it, with n x n matrices."""
    X, n_s, n = np.vstack([source, target]), len(source), len(source) + len(target)
    rows = [np.r_[np.full(n_s, 1 / n_s), np.full(n - n_s, -1 / (n - n_s))]]
    for k in np.unique(classes[0]) if classes else []:
        row = np.zeros(n)
        row[:n_s][classes[0] == k], row[n_s:][classes[1] == k] = (
            1 / np.sum(classes[0] == k),
            -1 / np.sum(classes[1] == k),
        )
        rows.append(row)
    M = sum(np.outer(row, row) for row in rows)
    H = np.eye(n) - 1 / n
    left = X.T @ (M / np.linalg.norm(M)) @ X + penalty * np.eye(X.shape[1])
    values, axes = eigh(X.T @ H @ X, left)
    return axes[:, np.argsort(-values)[:n_components]]


@pytest.mark.parametrize("by_class", [False, True], ids=["TCA", "JDA"])
@pytest.mark.parametrize("width", [6, 40], ids=["dense solver", "Lanczos"])
def test_the_axes_solve_the_papers_problem(by_class, width):
    world = moved_world(width=width)
    index = np.unique(world.y, return_inverse=True)[1]
    classes = (index, np.roll(index, 3)) if by_class else None
    ours = transfer_components(pool_domains(world.X, world.target), n_components=2, penalty=0.5, classes=classes)
    oracle = by_definition(world.X, world.target, n_components=2, penalty=0.5, classes=classes)
    np.testing.assert_allclose(np.abs(ours), np.abs(oracle), rtol=1e-5, atol=1e-7)


def test_more_features_than_items_and_sparse_tables_give_the_same_axes():
    world = moved_world(width=40, n_each=4)
    X, target = np.maximum(world.X, 0), np.maximum(world.target, 0)
    oracle = by_definition(X, target, n_components=2, penalty=1.0)
    for pair in ((X, target), (csr_array(X.astype(np.float32)), csr_array(target.astype(np.float32)))):
        axes = transfer_components(pool_domains(*pair), n_components=2)
        np.testing.assert_allclose(np.abs(axes), np.abs(oracle), atol=1e-4)


def test_the_axes_avoid_a_large_difference_of_means():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(50, 4)), random.normal([50, 0, 0, 0], 1, size=(50, 4))
    axes = transfer_components(pool_domains(source, target), n_components=3, penalty=1e-3)
    gap = (source @ axes).mean(axis=0) - (target @ axes).mean(axis=0)
    assert np.abs(gap).max() < 0.05 * (source @ axes).std(axis=0).max()


def test_jda_brings_the_class_means_together():
    world = moved_world(n_each=40)
    gaps = []
    for rounds in (0, 5):
        model = JDA(n_components=2, rounds=rounds, penalty=0.1, normalize=None)
        model.fit(world.X, world.y, target=world.target)
        projected = [normalize(X) @ model.axes_ for X in (world.X, world.target)]
        means = [[Z[world.y == k].mean(axis=0) for k in np.unique(world.y)] for Z in projected]
        gaps.append(np.linalg.norm(np.subtract(*means)) / np.linalg.norm(np.vstack(projected).std(axis=0)))
    assert gaps[1] < gaps[0]


def test_zero_rounds_are_tca():
    world = moved_world()
    jda, tca = (model.fit(world.X, world.y, target=world.target) for model in (JDA(rounds=0), TCA()))
    np.testing.assert_array_equal(jda.axes_, tca.axes_)


def test_negative_rounds_are_refused():
    world = moved_world()
    with pytest.raises(InputError, match="rounds must be at least 0; it is -1"):
        JDA(rounds=-1).fit(world.X, world.y, target=world.target)


def test_half_an_axis_is_refused():
    world = moved_world()
    with pytest.raises(InputError, match=r"n_components must be an integer; it is 2\.5"):
        TCA(n_components=2.5).fit(world.X, world.y, target=world.target)
