"""A message that fits no class should be answered "unknown", not with the least bad name.

`unknown_rate` says what that may cost: the share of messages of the known classes that may be answered so too.
Prints, for two rates, how many strange messages are found and how many of the others are lost.
"""

import numpy as np

from anyshot import UNKNOWN, AnyShotClassifier, few_per_class, messages

data = messages()
texts, labels = np.array(data.items), np.array(data.labels)
strange, known = texts[labels == "none"], labels != "none"
texts, labels = texts[known], labels[known]
rows = few_per_class(labels.tolist(), 5, random_state=0)
rest = np.setdiff1d(np.arange(len(texts)), rows)

for rate in (0.05, 0.2):
    clf = AnyShotClassifier(unknown_rate=rate).fit(texts[rows], labels[rows])
    found = clf.predict(strange) == UNKNOWN
    lost = clf.predict(texts[rest]) == UNKNOWN
    print(
        f"unknown_rate={rate}: {found.sum()} of {len(found)} strangers found, {lost.sum()} of {len(lost)} others lost"
    )
