"""Compare fine-tuning with training the same architecture from random weights."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.base import clone

from anyshot.base.items import Items
from anyshot.base.labels import Classes, Labels
from anyshot.base.validation import Indexes, RandomState, check_whole, generator
from anyshot.encoders.activations import activations
from anyshot.encoders.freeze import from_scratch
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.partial import LinearHead, StageTraining, fine_tune
from anyshot.fine_tuning.training_labels import LabeledItems, TrainingLabels, labeled_items
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.run import History, plot_histories

SCRATCH, FINE_TUNED, MAJORITY = "from random weights", "fine-tuned", "most frequent class"


@dataclass(frozen=True)
class ScratchComparison:
    """A fine-tuned model and the same architecture trained from random weights. Print it to read the table.

    Attributes
    ----------
    table : DataFrame
        Rows: the two models, and always predicting the most frequent class. Columns: `accuracy` on the test items,
        `cpu_seconds` of training, and `epochs`.
    histories : mapping of str to History
        The two training runs.
    model : FineTunedClassifier
        The fine-tuned model.
    """

    table: pd.DataFrame
    histories: Mapping[str, History]
    model: FineTunedClassifier

    def __str__(self) -> str:
        """Return the table, and the difference of the accuracies."""
        gain = self.table.accuracy[FINE_TUNED] - self.table.accuracy[SCRATCH]
        table = self.table.to_string(float_format=lambda value: f"{value:.3f}")
        return f"{table}\nThe pretrained weights change the accuracy by {100 * gain:+.1f} points."

    def plot(self) -> Figure:
        """Draw the loss and, with held-out items, the accuracy of both runs by epoch."""
        return plot_histories(dict(self.histories))


def compare_with_scratch(
    model: FineTunedClassifier,
    X: Items,
    y: Labels,
    X_test: Items,
    y_test: Labels,
    *,
    sample_weight: ArrayLike | None = None,
    epochs: int | None = None,
    random_state: RandomState = None,
) -> ScratchComparison:
    """Fine-tune a model, train its architecture from random weights on the same items, and compare both.

    Parameters
    ----------
    model : FineTunedClassifier
        A copy of it is fitted.
    X, y : n items and their labels
    X_test, y_test : m items and their labels
        Used for the accuracies alone.
    sample_weight : (n,), optional
        How often each item of `X` counts in both trainings; see `FineTunedClassifier.fit`.
    epochs : int, optional
        Epochs of training from random weights, which trains all stages. By default those of `model`.
    random_state : int, RandomState, Generator or None
        Random weights and order of the items.

    Raises
    ------
    InputError
        `model` is not a FineTunedClassifier, or trains only a head, which on random weights learns nothing; or an
        argument of `fit` is invalid.
    NotEnoughLabelsError
        No test item has a label.
    """
    if not isinstance(model, FineTunedClassifier):
        raise InputError(
            "model must be a FineTunedClassifier, such as FineTunedClassifier('minilm', epochs=5); got a "
            f"{type(model).__name__}."
        )
    if model.method == "probe":
        raise InputError("method='probe' learns nothing on a network with random weights. Use method='partial'.")
    if epochs is not None:
        check_whole(1, epochs=epochs)
    given = labeled_items(X, y, model.classes, sample_weight=sample_weight)
    labels = TrainingLabels.of(given.index, len(given.classes), given.weights)
    test = _test_items(X_test, y_test, given.classes)
    start = time.process_time()
    fitted = clone(model).fit(X, y, sample_weight=sample_weight)
    seconds = time.process_time() - start
    correct = np.asarray(fitted.predict(test.items) == fitted.classes_[test.index])
    start = time.process_time()
    predicted, history = _train_from_scratch(fitted, given.items, labels, test.items, epochs, random_state)
    seconds_scratch = time.process_time() - start
    figures = {
        FINE_TUNED: (correct.mean(), seconds, _n_epochs(fitted.history_)),
        SCRATCH: ((predicted == test.index).mean(), seconds_scratch, _n_epochs(history)),
        MAJORITY: ((test.index == labels.counts.argmax()).mean(), 0.0, 0),
    }
    table = pd.DataFrame.from_dict(figures, orient="index", columns=["accuracy", "cpu_seconds", "epochs"])
    return ScratchComparison(table, {FINE_TUNED: fitted.history_, SCRATCH: history}, fitted)


def _test_items(X_test: Items, y_test: Labels, classes: Classes) -> LabeledItems:
    """Return the labeled test items, or raise an error before anything is trained."""
    try:
        return labeled_items(X_test, y_test, classes)
    except NotEnoughLabelsError:
        message = f"None of the {len(X_test)} test items has a label. Give labels in y_test."
        raise NotEnoughLabelsError(message) from None


def _train_from_scratch(
    fitted: FineTunedClassifier,
    items: Items,
    labels: TrainingLabels,
    test_items: Items,
    epochs: int | None,
    random_state: RandomState,
) -> tuple[Indexes, History]:
    """Train on `items` from random weights; return the predicted rows of the test items and the history."""
    random = generator(random_state)
    backbone = from_scratch(fitted.backbone_, random_state=random)
    # All stages have the same learning rate and start at once: none is pretrained more than another.
    tuning = replace(
        fitted.tuning or Tuning(), depth_decay=1.0, unfreeze_every=0.0, patience=None, cache=False, checkpoints=None
    )
    start, epochs, rate = backbone.stages[0], epochs or fitted.epochs, fitted.recipe_.learning_rate
    run = StageTraining.open(
        backbone, items, freeze_at=start, tuning=tuning, epochs=epochs, learning_rate=rate, random_state=random
    )
    head = LinearHead.zeros(len(fitted.classes_), backbone.width).to(backbone.device)
    history = fine_tune(run, head, labels, random_state=int(random.integers(2**31)))
    states = activations(backbone, test_items, freeze_at=0, budget_mb=tuning.budget_mb)
    scores = replace(run, activations=states).scores(head, np.arange(len(test_items)))
    return scores.argmax(axis=1), history


def _n_epochs(history: History) -> int:
    return sum(record.epoch > 0 for record in history.records)
