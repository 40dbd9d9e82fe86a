"""adapt_or_not: accuracy of its choice, compared with never adapting and with the best method.

    python benchmarks/adapt_or_not.py [office] [digits] [reviews] [label-shift] [readme] [--deep]

The pairs are those of `domain_adaptation.py`; target labels are used for evaluation only. The rule (criteria, weights,
threshold) was developed on the pairs marked with a star and on other transfers. Targets over all pairs: not more than
half a point below the source model on average, and at least half of the gain of the best method of each pair. With
--deep, a network with minimum class confusion is a candidate too, except on the sparse reviews. The duration of the
trials is printed. About half an hour on one core.

"readme" is for itself: the features are raw and the call is that of README, with CORAL as the only candidate that is
named. Target on each pair: nothing lost against the best normalization of the source model, which is found with labels.
"""

import sys
from collections.abc import Iterator
from itertools import permutations

import numpy as np
from scipy.sparse import issparse
from support import line, shared, table

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.domain_adaptation.domains import Normalize
from anyshot.domain_adaptation.label_shift import LabelShiftCorrection
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.msda import MSDA
from anyshot.domain_adaptation.selection import NORMALIZATIONS, SOURCE, Verdict, adapt_or_not
from anyshot.domain_adaptation.self_training import SelfTraining
from anyshot.domain_adaptation.trials import Adaptation
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


def methods(one: Transfer, by: Normalize, *, deep: bool = False) -> dict[str, Adaptation]:
    """Return the candidates for a pair; fewer if the tables are sparse."""
    found: dict[str, Adaptation] = {
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
    found = {name: model.fit(one.X, one.y, target=one.target) for name, model in {SOURCE: source, **models}.items()}
    found[verdict.choice] = verdict.model  # which may be one of the candidates that are added
    return verdict, {name: 100 * float(np.mean(own.predict(one.tested) == one.truth)) for name, own in found.items()}


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


def raw_pairs() -> Iterator[Transfer]:
    """Yield 12 pairs of photo collections, as counts of visual words, and 12 of reviews, as 400 features."""
    for file in ("office_caltech10/office_caltech10_surf.npz", "amazon_reviews/amazon_reviews_400.npz"):
        data = np.load(shared() / "data" / file)
        names = [key[2:] for key in data.files if key.startswith("X_")]
        X, y = ({name: data[f"{part}_{name}"] for name in names} for part in "Xy")
        for a, b in permutations(names, 2):
            target = X[b].astype(np.float32)
            yield Transfer(f"{a}>{b}", X[a].astype(np.float32), y[a], target, target, y[b])


def readme_lines() -> Iterator[str]:
    """Yield a row for each pair: accuracy of the choice, with the best normalization of the source model as target."""
    for one in raw_pairs():
        verdict = adapt_or_not({"CORAL": CORAL()}, one.X, one.y, target=one.target)
        sources = [SourceModel(normalize=by).fit(one.X, one.y, target=one.target) for by in NORMALIZATIONS.values()]
        best = max(100 * float(np.mean(source.predict(one.tested) == one.truth)) for source in sources)
        ours = 100 * float(np.mean(verdict.model.predict(one.tested) == one.truth))
        yield line(one.name, ours, best, note=f"{verdict.shift}: {verdict.choice}")


if __name__ == "__main__":
    wanted = [name for name in sys.argv[1:] if name not in ("--deep", "readme")]
    if "readme" in sys.argv:
        table("As in README: accuracy of the choice (%)", readme_lines())
        sys.exit()
    table("Adapt or not: accuracy of the choice (%)", lines(wanted or list(GROUPS), deep="--deep" in sys.argv))
