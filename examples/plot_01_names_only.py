"""Classify messages by class names alone, without any label.

A text encoder maps messages and class names to vectors, and each message gets the class with the nearest name.
Prints the predictions for three messages, then the accuracy on 200 messages.
"""

import numpy as np

from anyshot import AnyShotClassifier, messages

clf = AnyShotClassifier(["billing", "delivery", "login", "damaged item"]).fit()
asked = ["why is there a fee on my invoice", "my parcel is a week late", "the password is not accepted"]
for text, name in zip(asked, clf.predict(asked), strict=True):
    print(f"{text} -> {name}")

data = messages()
pairs = [(text, label) for text, label in zip(data.items, data.labels, strict=True) if label != "none"]
texts, labels = zip(*pairs, strict=True)
predicted = AnyShotClassifier(sorted(set(labels))).fit().predict(texts)
print(f"Accuracy with ten names: {np.mean(predicted == np.array(labels)):.0%} of {len(texts)} messages")
