"""The picture of two domains: both in two axes, as they are and each by its own statistics."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import svds

from anyshot.domain_adaptation.base import domain_table, domains_stacked, target_table
from anyshot.domain_adaptation.normalization import Normalize, Table, is_sparse, normalized
from anyshot.errors import DomainError

SOURCE, TARGET = "#0072b2", "#d55e00"
DOTS = 1000
"""Dots of each domain at most, evenly picked."""


def domain_picture(source: ArrayLike, target: ArrayLike) -> Figure:
    """Return both domains (n_s, d), (n_t, d) along their two principal axes, as they are and each normalized.

    The ellipses hold about 86 % of a domain where it is Gaussian (two standard deviations).

    Raises
    ------
    DomainError, InputError, WidthError, BadItemError
        As `domain_gap`; or the vectors are narrower than two.
    """
    ours = domain_table(source, name="source")
    theirs = target_table(target, ours)
    if ours.shape[1] < 2 or ours.shape[0] < 2:
        raise DomainError(f"A picture needs two features and two items at least; source is {ours.shape}.")
    figure = Figure(figsize=(9.2, 4.4), layout="constrained", facecolor="white")
    views: tuple[tuple[Normalize, str], ...] = ((None, "as they are"), ("domain", "each z-scored"))
    for axes, (by, title) in zip(figure.subplots(1, 2), views, strict=True):
        places = in_two_axes(*normalized(ours, theirs, by))
        for place, color, name in zip(places, (SOURCE, TARGET), ("source", "target"), strict=True):
            _draw(axes, place, color, f"{name} ({len(place)})")
        axes.set_title(f"both domains, {title}", loc="left", fontsize=11)
        axes.set_xlabel("first principal axis")
        axes.set_ylabel("second")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def in_two_axes(source: Table, target: Table) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return source (n_s, 2) and target (n_t, 2) along the two principal axes of both; sparse ones are not centered."""
    both = domains_stacked(source, target).astype(np.float64)
    if is_sparse(both):
        axes = svds(both, k=2, v0=np.ones(min(both.shape)), return_singular_vectors="vh")[2][::-1]  # (2, d)
    else:
        both = both - both.mean(axis=0)
        axes = np.linalg.svd(both, full_matrices=False)[2][:2]
    axes = axes * np.where(axes.sum(axis=1) < 0, -1, 1)[:, None]  # an axis has no sign of its own
    places = both @ axes.T
    return places[: source.shape[0]], places[source.shape[0] :]


def _draw(axes: Axes, place: NDArray[np.floating], color: str, name: str) -> None:
    shown = place[np.linspace(0, len(place) - 1, min(len(place), DOTS)).astype(int)]
    axes.scatter(shown[:, 0], shown[:, 1], s=9, color=color, alpha=0.45, linewidths=0, label=name)
    along, turn = np.linalg.eigh(np.cov(place.T))  # (2,), (2, 2)
    width, height = 4 * np.sqrt(np.maximum(along, 0))
    tilt = float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
    axes.add_patch(Ellipse(tuple(place.mean(axis=0)), width, height, angle=tilt, fill=False, color=color, linewidth=2))
