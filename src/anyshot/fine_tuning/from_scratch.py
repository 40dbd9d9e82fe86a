"""What transfer bought: the same architecture, trained on the same items from random weights, and both side by side."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.base import clone

from anyshot.base.items import Classes, Items, Labels, by_position, items_and_labels, to_indexes
from anyshot.base.validation import Indexes, RandomState, check_whole, generator
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.stages import Backbone
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.network_classifier import labeled_items
from anyshot.fine_tuning.partial import Labeled, fine_tune, scores_of
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.history import History, plot_histories

SCRATCH, TRANSFERRED = "from random weights", "fine-tuned"


@dataclass(frozen=True)
class ScratchComparison:
    """A fine-tuned model beside the same architecture trained from random weights; it prints.

    Attributes
    ----------
    table : DataFrame
        A row each: `accuracy` on the test items, and on the most frequent class alone; `cpu_seconds` of training and
        `epochs`.
    histories : mapping of str to History
        The two runs.
    model : FineTunedClassifier
        The fine-tuned one.
    """

    table: pd.DataFrame
    histories: Mapping[str, History]
    model: FineTunedClassifier

    def __str__(self) -> str:
        """Return the table, and in a sentence what transfer bought."""
        gain = self.table.accuracy[TRANSFERRED] - self.table.accuracy[SCRATCH]
        shown = self.table.to_string(float_format=lambda figure: f"{figure:.3f}")
        return f"{shown}\nWhat the network had learned elsewhere is worth {100 * gain:.1f} points of accuracy here."

    def plot(self) -> Figure:
        """Draw the losses and, where items were held out, the accuracies of both runs over the epochs."""
        return plot_histories(dict(self.histories))


def compare_with_scratch(
    model: FineTunedClassifier,
    X: Items,
    y: Labels,
    X_test: Items,
    y_test: Labels,
    *,
    epochs: int | None = None,
    random_state: RandomState = None,
) -> ScratchComparison:
    """Train a model, and its architecture from random weights on the same items; report both.

    Parameters
    ----------
    model : FineTunedClassifier
        How to fine-tune; a copy of it is fitted.
    X, y : n items and their labels
    X_test, y_test : m items and labels to be told; they decide nothing
    epochs : int, optional
        Of training from random weights, everything being trained; as many as the model's if not given.
    random_state : int, RandomState, Generator or None
        Decides the random weights and the order of the items.

    Raises
    ------
    InputError
        The model is no FineTunedClassifier, or trains a head only: from random weights there would be nothing to
        compare. Or there is not one label an item. Else as `fit`.
    NotEnoughLabelsError
        No test item has a label.
    """
    if not isinstance(model, FineTunedClassifier):
        raise InputError(
            f"model says how to fine-tune: FineTunedClassifier('minilm', epochs=5). A {type(model).__name__} was given."
        )
    if model.method == "probe":
        raise InputError("A network of random weights with method='probe' learns nothing. Compare method='partial'.")
    if epochs is not None:
        check_whole(1, epochs=epochs)
    items, index, classes = labeled_items(X, y, model.classes)
    trained, asked = _Items(items, index), _asked(X_test, y_test, classes)
    began = time.process_time()
    fitted = clone(model).fit(X, y)
    spent = time.process_time() - began
    answers, history, spent_scratch = _from_random_weights(fitted, trained, asked, epochs, random_state)
    right = {
        TRANSFERRED: np.asarray(fitted.predict(asked.items) == fitted.classes_[asked.index]),
        SCRATCH: np.asarray(answers == asked.index),
    }
    commonest = np.bincount(trained.index, minlength=len(fitted.classes_)).argmax()
    rows = {
        TRANSFERRED: (right[TRANSFERRED].mean(), spent, len(_epochs(fitted.history_))),
        SCRATCH: (right[SCRATCH].mean(), spent_scratch, len(_epochs(history))),
        "always the commonest class": (float((asked.index == commonest).mean()), 0.0, 0),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["accuracy", "cpu_seconds", "epochs"])
    return ScratchComparison(table, {TRANSFERRED: fitted.history_, SCRATCH: history}, fitted)


@dataclass(frozen=True)
class _Items:
    """Items and the rows of their classes."""

    items: Items
    index: Indexes


def _asked(X_test: Items, y_test: Labels, classes: Classes) -> _Items:
    """Return the test items that have labels; these are looked at before training is paid for."""
    X_test, y_test = items_and_labels(X_test, y_test)
    X_test, index = by_position(X_test), to_indexes(y_test, classes, n_items=len(X_test))
    told = np.flatnonzero(index >= 0)
    if not len(told):
        raise NotEnoughLabelsError(
            f"None of the {len(X_test)} test items has a label; accuracy is a share of those that have. Give y_test."
        )
    return _Items([X_test[int(row)] for row in told], index[told])


def _from_random_weights(
    fitted: FineTunedClassifier, trained: _Items, asked: _Items, epochs: int | None, random_state: RandomState
) -> tuple[NDArray[np.intp], History, float]:
    """Return the answers to `asked`, what training went through, and its CPU time [s]."""
    random = generator(random_state)
    tuning = replace(fitted.tuning or Tuning(), checkpoints=None)
    began = time.process_time()
    backbone: Backbone = from_scratch(fitted.backbone_, random_state=random)
    rest = split(backbone, 0).rest
    head = LinearHead.blank(len(fitted.classes_), backbone.width).to(backbone.device)
    known = activations(backbone, trained.items, freeze_at=0, budget_mb=tuning.budget_mb, augment=tuning.augment)
    everything = np.arange(len(trained.index))
    data = Labeled(known, trained.index, len(fitted.classes_), everything, everything[:0])
    recipe = replace(fitted.recipe_, epochs=fitted.epochs if epochs is None else epochs, patience=None)
    even = replace(tuning, depth_decay=1.0, unfreeze_every=0.0)  # no stage knows more than another
    history = fine_tune(rest, head, data, recipe=recipe, tuning=even, random_state=int(random.integers(2**31)))
    spent = time.process_time() - began
    told = activations(backbone, asked.items, freeze_at=0, budget_mb=tuning.budget_mb)
    scores = scores_of(rest, head, told, np.arange(len(asked.items)))
    return scores.argmax(axis=1), history, spent


def _epochs(history: History) -> list[int]:
    return [record.epoch for record in history.records if record.epoch > 0]
