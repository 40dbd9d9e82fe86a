"""Predict "unknown" for a message of no class, instead of the nearest class.

`unknown_rate` is the fraction of messages of known classes that may be predicted as unknown.
Prints, for two rates, how many out-of-scope messages are found and how many others are lost.
"""

import numpy as np

from anyshot import UNKNOWN, AnyShotClassifier, few_per_class, messages

data = messages()
texts, labels = np.array(data.items), np.array(data.labels)
out_of_scope, known = texts[labels == "none"], labels != "none"
texts, labels = texts[known], labels[known]
rows = few_per_class(labels.tolist(), 5, random_state=0)
rest = np.setdiff1d(np.arange(len(texts)), rows)

for rate in (0.05, 0.2):
    clf = AnyShotClassifier(unknown_rate=rate).fit(texts[rows], labels[rows])
    found = clf.predict(out_of_scope) == UNKNOWN
    lost = clf.predict(texts[rest]) == UNKNOWN
    print(f"unknown_rate={rate}: {found.sum()} of {len(found)} out-of-scope messages found, ", end="")
    print(f"{lost.sum()} of {len(lost)} others lost")
