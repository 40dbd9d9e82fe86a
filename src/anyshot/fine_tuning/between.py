"""Between the first weights and the trained ones: training moves what is known no further than the labels bear out.

The weights that training starts from and those it ends with lie in one valley of the loss, and a point between them is
often better than either end, above all on items of another kind than the labeled ones (Wortsman et al., Robust
fine-tuning of zero-shot models, CVPR 2022, section 3).
"""

import copy
from typing import Final

import torch
from torch import Tensor

from anyshot.encoders.freeze import Rest
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import Labeled, scores_of
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.losses import cross_entropy

USUAL: Final = 0.5
"""How far to go where no item is held out to tell; the paper's choice, too."""
TRIED: Final = (1.0, 0.75, 0.5, 0.25)


class Start:
    """The weights before training."""

    def __init__(self, rest: Rest, head: LinearHead) -> None:
        self._rest, self._head = (copy.deepcopy(module.state_dict()) for module in (rest, head))

    def settle(self, rest: Rest, head: LinearHead, data: Labeled, tuning: Tuning) -> float:
        """Put weights between these and the trained ones into `rest` and `head`; return how far from these, 0 to 1.

        As far as the settings say; or, for "auto", as far as answers the held-out items best, and `USUAL` where there
        are none.
        """
        ends = [copy.deepcopy(module.state_dict()) for module in (rest, head)]

        def go(share: float) -> None:
            for module, first, last in zip((rest, head), (self._rest, self._head), ends, strict=True):
                module.load_state_dict({name: _between(first[name], last[name], share) for name in last})

        share = USUAL if tuning.moved == "auto" else tuning.moved
        if tuning.moved == "auto" and len(data.held_out):
            losses = {}
            for tried in TRIED:
                go(tried)
                losses[tried] = _loss(rest, head, data)
            share = min(losses, key=lambda tried: losses[tried])
        go(share)
        return share


def _between(first: Tensor, last: Tensor, share: float) -> Tensor:
    return torch.lerp(first, last, share) if last.is_floating_point() else last


def _loss(rest: Rest, head: LinearHead, data: Labeled) -> float:
    """Return the mean cross-entropy of the held-out items [nats]."""
    scores = torch.from_numpy(scores_of(rest, head, data.activations, data.held_out))
    return float(cross_entropy(scores, torch.from_numpy(data.index[data.held_out])))
