"""Adapt or not: what the verdict brings over all pairs, beside never adapting and the best method seen afterwards.

    python benchmarks/adapt_or_not.py [office] [digits] [reviews] [label-shift] [--deep]

The pairs of `domain_adaptation.py`; target labels are used to report alone. The rule (which figures, their mean, the
bar) was settled by looking at the labels of some pairs, marked with a star, and of other transfers; the others were not
looked at. Targets over all pairs: not more than half a point below the source model on average, and at least half of
the gain that the best method of each pair, seen afterwards, would have brought. With --deep a network under minimum
class confusion is a candidate too, but on the sparse reviews. The price of the trials is printed. About half an hour on
one core.
"""

import sys
from collections.abc import Iterator

import numpy as np
from scipy.sparse import issparse
from support import line, table

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.domain_adaptation.domain_trials import Method
from anyshot.domain_adaptation.label_shift import LabelShiftCorrection
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.msda import MSDA
from anyshot.domain_adaptation.normalization import Normalize
from anyshot.domain_adaptation.selection import SOURCE, Verdict, adapt_or_not
from anyshot.domain_adaptation.self_training import SelfTraining
from domain_adaptation import Transfer, digits, office, reviews, shifted

LOOKED_AT = (
    {"c>a", "c>w", "c>d", "a>c", "a>w", "a>d", "w>c", "d>w", "mnist>usps", "usps>mnist", "b>d", "b>e", "b>k"}
    | {f"draw {number}" for number in range(4)}
)  # fmt: skip
ITEMS = {"reviews": 1000}
"""Of each part of a draw, where it is not the default: a figure is steady on two classes of sparse texts from there."""
GROUPS = {
    "office": office,
    "digits": digits,
    "reviews": reviews,
    "label-shift": lambda: [shifted(seed) for seed in range(8)],
}


def methods(one: Transfer, by: Normalize, *, deep: bool = False) -> dict[str, Method]:
    """Return the candidates for a pair; a sparse table leaves fewer."""
    found: dict[str, Method] = {
        "self-training": SelfTraining(normalize=by),
        "EM": LabelShiftCorrection(normalize=by, n_draws=2, random_state=0),
    }
    if issparse(one.X):
        return found | {"mSDA": MSDA()}
    network = {"MCC": DomainConfusionClassifier(random_state=0)} if deep else {}
    shallow = {"CORAL": CORAL(normalize=by), "manifold": MEDA(normalize=by)}
    return found | shallow | network


def told(group: str, one: Transfer, *, deep: bool) -> tuple[Verdict, dict[str, float]]:
    """Return the verdict on a pair, and the accuracy [%] of the source model and of every candidate."""
    by: Normalize = "domain" if group == "office" else None
    models = methods(one, by, deep=deep)
    source = SourceModel(normalize=by)
    items = {"n_items": ITEMS[group]} if group in ITEMS else {}
    verdict = adapt_or_not(models, one.X, one.y, target=one.target, source_model=source, random_state=0, **items)
    right = {
        name: 100 * float(np.mean(model.fit(one.X, one.y, target=one.target).predict(one.judged) == one.truth))
        for name, model in {SOURCE: source, **models}.items()
    }
    return verdict, right


def summary(name: str, gains: list[tuple[float, float]]) -> Iterator[str]:
    """Yield what the verdicts gained on average, and the share of what the best would have."""
    ours, best = np.mean(gains, axis=0)
    yield line(f"{name}: gain of the verdict [points]", float(ours), -0.5, note=f"best seen afterwards {best:+.1f}")
    if best > 0:
        yield line(f"{name}: share of the best gain [%]", 100 * float(ours / best), 50.0)


def lines(wanted: list[str], *, deep: bool) -> Iterator[str]:
    """Yield a row a pair as it is measured, then the summaries."""
    every: list[tuple[float, float]] = []
    unseen: list[tuple[float, float]] = []
    for group in wanted:
        own = []
        for one in GROUPS[group]():
            verdict, right = told(group, one, deep=deep)
            gain, best = right[verdict.choice] - right[SOURCE], max(right.values()) - right[SOURCE]
            own.append((gain, best))
            looked_at = one.name in LOOKED_AT
            unseen.extend([] if looked_at else [(gain, best)])
            each = ", ".join(f"{name} {share:.1f}" for name, share in right.items())
            price = ", ".join(f"{name} {seconds:.0f}" for name, seconds in verdict.table["seconds"].items())
            note = f"{verdict.shift}: {verdict.choice} {gain:+.1f}, best {best:+.1f} ({each}); seconds: {price}"
            yield line(f"{one.name}{'*' if looked_at else ''}", right[verdict.choice], None, note=note)
        every += own
        yield from summary(group, own)
    if unseen:
        yield from summary("pairs not looked at", unseen)
    yield from summary("all pairs", every)


if __name__ == "__main__":
    wanted = [name for name in sys.argv[1:] if name != "--deep"]
    table(
        "Adapt or not: accuracy of the verdict's choice (%)", lines(wanted or list(GROUPS), deep="--deep" in sys.argv)
    )
