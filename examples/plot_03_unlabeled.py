"""Use messages without labels to refine the class names.

The messages to be classified can be used themselves: passed to `fit`, they are classified more accurately.
Prints the accuracy without and with them, at no label and at one label per class.
"""

import numpy as np

from anyshot import AnyShotClassifier, few_per_class, messages

data = messages()
texts, labels = np.array(data.items), np.array(data.labels)
texts, labels = texts[labels != "none"], labels[labels != "none"]
names = sorted(set(labels.tolist()))

for k in (0, 1):
    rows = few_per_class(labels.tolist(), k, random_state=0)
    asked = np.setdiff1d(np.arange(len(texts)), rows)
    clf = AnyShotClassifier(names).fit(texts[rows], labels[rows])
    without = clf.score(texts[asked], labels[asked])
    clf.fit(texts[rows], labels[rows], unlabeled=texts[asked])
    print(f"{k} labels per class: {without:.0%} without, {clf.score(texts[asked], labels[asked]):.0%} with unlabeled")
