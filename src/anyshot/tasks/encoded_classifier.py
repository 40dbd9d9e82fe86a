"""A classifier of encoded items, for the learning curve of a model on its own labels and unlabeled items."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.model import Model
from anyshot.base.items import Items
from anyshot.base.labels import Labels, from_indexes, to_indexes
from anyshot.base.validation import Vectors
from anyshot.tasks.fitting import fit_model
from anyshot.tasks.parameters import Parameters


class EncodedClassifier:
    """An `AnyShotClassifier` that is fitted to vectors of its encoder, with its classes and unlabeled items.

    Parameters
    ----------
    clf : AnyShotClassifier
        Its parameters are used.
    model : Model
        What it has learned.
    """

    def __init__(self, clf: Parameters, model: Model) -> None:
        self.clf, self.model = clf, model

    def __sklearn_clone__(self) -> Self:
        """Return a copy that is not fitted, for `sklearn.base.clone`; the model is shared, since it is not changed."""
        return type(self)(self.clf, self.model)

    @property
    def is_fine_tuned(self) -> bool:
        """Whether the encoder was trained on the labels."""
        return self.model.embedder.trained is not None

    def training_examples(self) -> tuple[Vectors, Labels]:
        """Return the labeled vectors (n, d) of the model and their labels (n,)."""
        data = self.model.data
        return data.vectors, data.classes[data.index].tolist()

    def encode(self, items: Items) -> Vectors:
        """Return the vectors of items (n, d)."""
        found: Vectors = self.model.embedder.encode(items)
        return found

    def fit(self, X: Vectors | None = None, y: Labels = ()) -> Self:
        """Fit the model again to vectors (n, d) with labels (n,), without its own labeled examples."""
        data = self.model.data.subset(np.zeros(0, np.intp))
        if X is not None:
            index = to_indexes(y, data.classes, n_items=len(X))
            data = data.with_labels(X, index, [""] * len(X))
        self.fitted_ = fit_model(self.clf, self.model.embedder, data)
        return self

    def predict(self, X: Vectors) -> NDArray[Any]:
        """Return the most probable class of each vector (n,)."""
        data = self.fitted_.data
        return from_indexes(self.fitted_.predict(data.centered(X)), data.classes)
