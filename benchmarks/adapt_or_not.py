"""adapt_or_not: accuracy of its choice, compared with never adapting and with the best method.

    python benchmarks/adapt_or_not.py [office] [digits] [reviews] [label-shift] [--deep]

The pairs are those of `domain_adaptation.py`; target labels are used for evaluation only. The rule (criteria, weights,
threshold) was developed on the pairs marked with a star and on other transfers. Targets over all pairs: not more than
half a point below the source model on average, and at least half of the gain of the best method of each pair. With
--deep, a network with minimum class confusion is a candidate too, except on the sparse reviews. The duration of the
trials is printed. About half an hour on one core.
"""

import sys
from collections.abc import Iterator

import numpy as np
from scipy.sparse import issparse
from support import line, table

from anyshot.domain_adaptation.base import Normalize, SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.domain_adaptation.label_shift import LabelShiftCorrection
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.msda import MSDA
from anyshot.domain_adaptation.selection import SOURCE, Verdict, adapt_or_not
from anyshot.domain_adaptation.self_training import SelfTraining
from anyshot.domain_adaptation.trials import Method
from domain_adaptation import Transfer, digits, office, reviews, shifted

DEVELOPED_ON = (
    {"c>a", "c>w", "c>d", "a>c", "a>w", "a>d", "w>c", "d>w", "mnist>usps", "usps>mnist", "b>d", "b>e", "b>k"}
    | {f"draw {number}" for number in range(4)}
)  # fmt: skip
ITEMS = {"reviews": 1000}
"""n_items where it is not the default: criteria on two classes of sparse texts need more items."""
GROUPS = {
    "office": office,
    "digits": digits,
    "reviews": reviews,
    "label-shift": lambda: [shifted(seed) for seed in range(8)],
}


def methods(one: Transfer, by: Normalize, *, deep: bool = False) -> dict[str, Method]:
    """Return the candidates for a pair; fewer if the tables are sparse."""
    found: dict[str, Method] = {
        "self-training": SelfTraining(normalize=by),
        "EM": LabelShiftCorrection(normalize=by, n_bootstrap=2, random_state=0),
    }
    if issparse(one.X):
        return found | {"mSDA": MSDA()}
    network = {"MCC": DomainConfusionClassifier(random_state=0)} if deep else {}
    shallow = {"CORAL": CORAL(normalize=by), "MEDA": MEDA(normalize=by)}
    return found | shallow | network


def evaluate(group: str, one: Transfer, *, deep: bool) -> tuple[Verdict, dict[str, float]]:
    """Return the verdict on a pair, and the accuracy [%] of the source model and of each candidate."""
    by: Normalize = "domain" if group == "office" else None
    models = methods(one, by, deep=deep)
    source = SourceModel(normalize=by)
    items = {"n_items": ITEMS[group]} if group in ITEMS else {}
    verdict = adapt_or_not(models, one.X, one.y, target=one.target, source_model=source, random_state=0, **items)
    accuracy = {
        name: 100 * float(np.mean(model.fit(one.X, one.y, target=one.target).predict(one.tested) == one.truth))
        for name, model in {SOURCE: source, **models}.items()
    }
    return verdict, accuracy


def summary(name: str, gains: list[tuple[float, float]]) -> Iterator[str]:
    """Yield the mean gain of the verdicts, and its fraction of the gain of the best methods."""
    ours, best = np.mean(gains, axis=0)
    yield line(f"{name}: gain of adapt_or_not [points]", float(ours), -0.5, note=f"best method {best:+.1f}")
    if best > 0:
        yield line(f"{name}: fraction of the best gain [%]", 100 * float(ours / best), 50.0)


def lines(wanted: list[str], *, deep: bool) -> Iterator[str]:
    """Yield a row for each pair as it is evaluated, then the summaries."""
    every: list[tuple[float, float]] = []
    unseen: list[tuple[float, float]] = []
    for group in wanted:
        own = []
        for one in GROUPS[group]():
            verdict, accuracy = evaluate(group, one, deep=deep)
            gain, best = accuracy[verdict.choice] - accuracy[SOURCE], max(accuracy.values()) - accuracy[SOURCE]
            own.append((gain, best))
            developed_on = one.name in DEVELOPED_ON
            unseen.extend([] if developed_on else [(gain, best)])
            each = ", ".join(f"{name} {percent:.1f}" for name, percent in accuracy.items())
            duration = ", ".join(f"{name} {seconds:.0f}" for name, seconds in verdict.table["seconds"].items())
            note = f"{verdict.shift}: {verdict.choice} {gain:+.1f}, best {best:+.1f} ({each}); seconds: {duration}"
            yield line(f"{one.name}{'*' if developed_on else ''}", accuracy[verdict.choice], None, note=note)
        every += own
        yield from summary(group, own)
    if unseen:
        yield from summary("pairs not developed on", unseen)
    yield from summary("all pairs", every)


if __name__ == "__main__":
    wanted = [name for name in sys.argv[1:] if name != "--deep"]
    table("Adapt or not: accuracy of the choice (%)", lines(wanted or list(GROUPS), deep="--deep" in sys.argv))
