"""The learning curve in the README: accuracy on banking77 by the number of labels per class.

    python benchmarks/picture.py docs/images/labels.svg

Protocol as in any_shot_text.py, with the mean of 3 random samples and up to 10 labels per class.
"""

import sys

from sklearn.linear_model import LogisticRegression
from support import load_text

from anyshot import AnyShotClassifier, VectorCache, encode_once, learning_curve, load_encoder
from anyshot.zero_shot.class_embeddings import embed_classes
from anyshot.zero_shot.class_texts import describe


def main(out: str) -> None:
    """Measure the learning curves and plot them."""
    data, encoder, cache = load_text("banking77"), load_encoder("minilm"), VectorCache()
    X, X_test = (encode_once(encoder, texts, cache=cache) for texts in (data.train, data.test))
    S = embed_classes(describe(data.classes), lambda texts: encode_once(encoder, texts, cache=cache))
    ours = AnyShotClassifier(dict(zip(data.classes, S, strict=True)), cache=False)
    shots = (0, 1, 2, 3, 5, 10)
    baselines = {"logistic regression": LogisticRegression(C=10, max_iter=1000)}
    plain = learning_curve({"anyshot": ours, **baselines}, X, data.y, X_test, data.y_test, shots=shots, seeds=3)
    pooled = learning_curve(
        {"anyshot, with unlabeled texts": ours}, X, data.y, X_test, data.y_test, shots=shots, seeds=3, unlabeled=X
    )
    both = plain.joined(pooled)
    print(both)
    both.plot().savefig(out, bbox_inches="tight")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "labels.svg")
