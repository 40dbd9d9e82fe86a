"""Domain confusion: `DomainConfusionClassifier` with any alignment loss, and DANN, CDAN, MCC, DAN and Deep CORAL.

The parameters and attributes of the latter are those of `DomainConfusionClassifier` without `align`.
"""

import os
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import nn

from anyshot.base.labels import class_table
from anyshot.base.model_folder import SavedModel, opened_model
from anyshot.domain_adaptation.deep.losses import Align
from anyshot.domain_adaptation.deep.network import KIND, AlignedNetworkClassifier, vector_network
from anyshot.errors import ModelFolderError
from anyshot.training.networks import seeded
from anyshot.training.run import History
from anyshot.training.weights import load_weights


@dataclass(kw_only=True, eq=False, repr=False)
class DomainConfusionClassifier(AlignedNetworkClassifier):
    """Train a network on the labeled source and align the target's features with it.

    Parameters
    ----------
    network : torch.nn.Module, default=None
        Maps items to features (n, d); a copy is trained. For items that are activations of a frozen trunk, the rest of
        the encoder. None means one hidden layer between batch norms, for vectors.
    align : {"mcc", "mmd", "deep-coral", "cdan", "dann"}, default="mcc"
        The alignment loss: minimum class confusion, maximum mean discrepancy, covariances, a critic of features and
        predictions, or a critic of features.
    weight : float, default=None
        Weight of the alignment loss relative to the cross-entropy on the source. None means the default of the loss.
    source_epochs : int, default=10
        Epochs on the source alone, which come first.
    epochs : int, default=20
        Epochs on both domains.
    learning_rate : float, default=1e-3
        Highest learning rate.
    batch_size : int, default=64
        Items of each domain in a batch.
    random_state : int, generator or None, default=None
        Seed of the head's weights and of the batches.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Source classes, sorted.
    network_, head_ : Module
        The trained copy of `network`, and the linear classifier of its features.
    history_ : History
        Of the epochs on both domains, or of those on the source if `fit` had no target.
    diagnostics_ : Diagnostics
        Warnings, found without target labels, about the last adaptation.
    source_probabilities_ : ndarray of shape (n_target, n_classes)
        Predictions on the target before the last adaptation.

    References
    ----------
    Ganin et al. Domain-Adversarial Training of Neural Networks. JMLR 2016.
    Jin, Wang, Long, Wang. Minimum Class Confusion for Versatile Domain Adaptation. ECCV 2020.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]] * 8, ["low", "low", "high", "high"] * 8, [[1.0], [2.0], [6.0]] * 8
    >>> model = DomainConfusionClassifier(learning_rate=0.01, random_state=0).fit(X, y, target=target)
    >>> model.predict([[1.0], [6.0]])
    array(['low', 'high'], dtype='<U4')
    """

    align: Align = "mcc"

    @classmethod
    def from_saved(cls, saved: SavedModel, network: nn.Module | None = None) -> Self:
        """Return the model that `save` wrote; network: as in `load_domain_confusion`."""
        facts: dict[str, Any] = saved.facts
        if facts["own_network"] and network is None:
            raise ModelFolderError(
                "The model was trained with a network of your own, whose layers are not saved. Pass a network of the "
                "same layers: anyshot.domain_adaptation.deep.load_domain_confusion(folder, network)."
            )
        model = cls(network, **facts["parameters"])
        model.classes_ = class_table(facts["classes"])
        model.source_prior_ = np.array(facts["source_shares"])
        model.history_ = History.from_facts(facts["history"])
        if facts["n_features"] is not None:
            model.n_features_in_ = facts["n_features"]
        with seeded(0):  # the initial weights are replaced
            model.network_ = vector_network(model.n_features_in_) if network is None else deepcopy(network)
            model.head_ = nn.Linear(facts["width"], len(model.classes_))
        load_weights(model.network_, saved.arrays, "network")
        load_weights(model.head_, saved.arrays, "head")
        return model


class DANN(AlignedNetworkClassifier):
    """Domain-adversarial network: a critic of features. Ganin et al., JMLR 2016.

    Its parameters and methods are those of `DomainConfusionClassifier`, without `align`.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]] * 8, ["low", "low", "high", "high"] * 8, [[1.0], [2.0], [6.0]] * 8
    >>> DANN(learning_rate=0.01, random_state=0).fit(X, y, target=target).predict([[1.0], [6.0]])
    array(['low', 'high'], dtype='<U4')
    """

    align: Align = "dann"


class CDAN(AlignedNetworkClassifier):
    """Conditional adversarial network: a critic of features and predictions. Long et al., NeurIPS 2018.

    Its parameters and methods are those of `DomainConfusionClassifier`, without `align`.
    """

    align: Align = "cdan"


class MCC(AlignedNetworkClassifier):
    """Minimum class confusion on the target. Jin et al., ECCV 2020.

    Its parameters and methods are those of `DomainConfusionClassifier`, without `align`.
    """

    align: Align = "mcc"


class DAN(AlignedNetworkClassifier):
    """Deep adaptation network: maximum mean discrepancy (MMD) between the features. Long et al., ICML 2015.

    Its parameters and methods are those of `DomainConfusionClassifier`, without `align`.
    """

    align: Align = "mmd"


class DeepCORAL(AlignedNetworkClassifier):
    """Deep CORAL: the distance between the covariances of the features. Sun, Saenko, ECCV-W 2016.

    Its parameters and methods are those of `DomainConfusionClassifier`, without `align`.
    """

    align: Align = "deep-coral"


def load_domain_confusion(
    folder: str | os.PathLike[str], network: nn.Module | None = None
) -> DomainConfusionClassifier:
    """Return the fitted classifier that `save` wrote to a folder; no code from it is run.

    network: if `network` was set in `fit`, one of the same layers; its weights are replaced. Raises ModelFolderError if
    the folder holds no complete, unchanged classifier of this kind, or `network` is missing or has other layers.
    """
    with opened_model(folder, kind=KIND) as saved:
        return DomainConfusionClassifier.from_saved(saved, network)
