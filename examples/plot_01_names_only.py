"""The names of the classes are enough to begin with: no message has a label here.

A language model places messages and names in one space, and each message takes the name that lies nearest in meaning.
Prints the answers to three messages, then the share of 200 messages that are answered rightly.
"""

import numpy as np

from anyshot import AnyShotClassifier, messages

clf = AnyShotClassifier(["billing", "delivery", "login", "damaged item"]).fit()
asked = ["I was charged twice", "my parcel is a week late", "the password is not accepted"]
for text, name in zip(asked, clf.predict(asked), strict=True):
    print(f"{text} -> {name}")

data = messages()
pairs = [(text, label) for text, label in zip(data.items, data.labels, strict=True) if label != "none"]
texts, labels = zip(*pairs, strict=True)
answers = AnyShotClassifier(sorted(set(labels))).fit().predict(texts)
print(f"Right by ten names alone: {np.mean(answers == np.array(labels)):.0%} of {len(texts)} messages")
