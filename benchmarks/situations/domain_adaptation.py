"""Domain adaptation: source and target tables, and priors of classes."""

import numpy as np
import torch

from anyshot import domain_gap
from anyshot.domain_adaptation import CORAL, SourceModel, adapt_or_not, bbse_prior, em_prior, plot_domains
from situations.situation import REORDERED, SIGNS, TABLE, Subject

holds = Subject("domain adaptation")

holds.refused("columns in another order: refused", "same order")(
    lambda _: CORAL().fit(TABLE, SIGNS, target=TABLE).predict(REORDERED)
)
holds.refused("a target of other columns: refused", "columns")(
    lambda _: CORAL().fit(TABLE, SIGNS, target=TABLE[["a", "b"]])
)
holds.refused("domain_gap with columns in another order: refused", "order")(lambda _: domain_gap(TABLE, REORDERED))
holds.refused("adapt_or_not with columns in another order: refused", "order")(
    lambda _: adapt_or_not({"CORAL": CORAL()}, TABLE, SIGNS, target=REORDERED)
)
holds.refused("plot_domains with columns in another order: refused", "columns")(
    lambda _: plot_domains(TABLE, REORDERED)
)
holds.refused("a gap in the target: refused by row", "target", "0")(
    lambda _: CORAL().fit(TABLE, SIGNS, target=TABLE.assign(a=[np.nan, *TABLE["a"][1:]]))
)
ARRAY = TABLE.to_numpy()
holds.refused("numbers of 1e200: refused by row", "3.4e38", "row")(
    lambda _: SourceModel().fit(ARRAY * 1e200, SIGNS, target=ARRAY)
)
HALF_PRECISION = torch.tensor(ARRAY).bfloat16()
holds("tensors of half precision: answered")(
    lambda _: len(CORAL().fit(HALF_PRECISION, SIGNS, target=HALF_PRECISION).predict(HALF_PRECISION))
)
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
holds.refused("em_prior of percent: refused by row", "row 0")(lambda _: em_prior(PROBABILITIES * 100, np.ones(3)))
holds.refused("em_prior with negative weights: refused by row", "row 1")(
    lambda _: em_prior(PROBABILITIES, np.ones(3), weights=np.array([1.0, -1.0, 1.0]))
)
holds.refused("bbse_prior with a class that is not there: refused by class", "class 5")(
    lambda _: bbse_prior(PROBABILITIES, [0, 1, 5], PROBABILITIES)
)
holds.refused("bbse_prior with a class without items: refused by class", "class 2")(
    lambda _: bbse_prior(PROBABILITIES[:2], [0, 1], PROBABILITIES)
)
