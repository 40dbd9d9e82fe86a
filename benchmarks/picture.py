"""The pictures in the README, on the test splits, all-MiniLM-L6-v2 frozen.

    python benchmarks/picture.py labels docs/images/labels.svg    # accuracy on banking77 by the number of labels
    python benchmarks/picture.py words docs/images/words.svg      # what twelve words per class are worth in labels

labels: protocol as in any_shot_text.py, with the mean of 5 random samples and up to 10 labels per class.
words: the seven sets of priors.py without a pool; names, the words of the bundled thesaurus and twelve own words per
class (own_words.json) beside logistic regression; the mean over sets, for 5 random samples of labels.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from priors import SEVEN, own_words
from sklearn.linear_model import LogisticRegression
from support import load_text

from anyshot import AnyShotClassifier, VectorCache, encode_once, learning_curve, load_encoder
from anyshot.any_shot.embedder import Embedder
from anyshot.base.validation import Vectors
from anyshot.encoders.registry import default_for
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.zero_shot.class_texts import describe

SHOTS = (0, 1, 2, 3, 5, 10)


def classifier(classes: Any, *, words: bool) -> AnyShotClassifier:
    """Return a model of the vectors of classes, which are read as an AnyShotClassifier of texts reads them."""
    reader, texts = Embedder(default_for("text"), cache=VectorCache(), words=words).reader, describe(classes)
    return AnyShotClassifier(dict(zip(texts.names, reader.embed(texts), strict=True)), cache=False)


def labels(encode: Callable[[list[str]], Vectors]) -> Figure:
    """Return the learning curves on banking77, without and with the train texts as the pool."""
    data = load_text("banking77")
    X, X_test = encode(data.train), encode(data.test)
    ours = classifier(data.classes, words=True)
    measure = partial(learning_curve, shots=SHOTS, seeds=5)
    rows = (X, data.y, X_test, data.y_test)
    plain = measure({"anyshot": ours, "logistic regression": LogisticRegression(C=10, max_iter=1000)}, *rows)
    pooled = measure({"anyshot, with unlabeled texts": ours}, *rows, unlabeled=X)
    both = plain.joined(pooled)
    print(both)
    return both.plot()


def words(encode: Callable[[list[str]], Vectors]) -> Figure:
    """Return the learning curves of models that read class names in three ways, means over seven sets."""
    curves = []
    for name in SEVEN:
        data = load_text(name)
        X, X_test = encode(data.train), encode(data.test)
        models = {
            "twelve own words per class": classifier(own_words(name), words=True),
            "names, by the thesaurus": classifier(data.classes, words=True),
            "names alone": classifier(data.classes, words=False),
            "logistic regression": LogisticRegression(C=10, max_iter=1000),
        }
        curves.append(learning_curve(models, X, data.y, X_test, data.y_test, shots=SHOTS, seeds=5))
    scores = pd.concat([curve.scores for curve in curves])
    mean = scores.groupby(["model", "shots", "seed"], sort=False, as_index=False)[["n_labels", "accuracy"]].mean()
    found = LearningCurve(mean, sum(curve.n_test for curve in curves))
    print(found)
    return found.plot(title="Accuracy by number of labels, mean over seven sets of short texts")


if __name__ == "__main__":
    draw = {"labels": labels, "words": words}[sys.argv[1]]
    draw(partial(encode_once, load_encoder(default_for("text")), cache=VectorCache())).savefig(
        sys.argv[2], bbox_inches="tight"
    )
