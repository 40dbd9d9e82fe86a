"""Improve on class names with a few labels per class.

Methods that learn from labels alone start with a lower accuracy and need several labels per class to catch up.
Prints the accuracy at 0, 1, 3 and 5 labels per class, mean of three samples of labels, and plots it to a FILE.png.
"""

import sys

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from anyshot import AnyShotClassifier, encode_once, learning_curve, load_encoder, messages

data = messages()
pairs = [(text, label) for text, label in zip(data.items, data.labels, strict=True) if label != "none"]
texts, labels = zip(*pairs, strict=True)
train, test, y, y_test = train_test_split(texts, labels, test_size=0.6, stratify=labels, random_state=0)

ours = {"anyshot": AnyShotClassifier(sorted(set(labels)))}
curve = learning_curve(ours, train, y, test, y_test, shots=(0, 1, 3, 5), seeds=3)

encoder = load_encoder("minilm-words")
plain = {"logistic regression": LogisticRegression(max_iter=1000)}
vectors, tested = (encode_once(encoder, some, cache=None) for some in (train, test))
curve = curve.joined(learning_curve(plain, vectors, y, tested, y_test, shots=(1, 3, 5), seeds=3))

print(curve)
if len(sys.argv) > 1:
    curve.plot(title="Customer messages in ten classes").savefig(sys.argv[1], dpi=160)
