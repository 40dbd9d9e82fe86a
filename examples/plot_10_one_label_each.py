"""Combine one label per class with the class names.

One label alone gives a method one point per class; the class names say where other items of the class are likely to be.
Prints the accuracy with names, with one label per class, and with both, mean of five samples.
"""

import numpy as np

from anyshot import AnyShotClassifier, PrototypeClassifier, encode_once, few_per_class, load_encoder, messages

data = messages()
pairs = [(text, label) for text, label in zip(data.items, data.labels, strict=True) if label != "none"]
texts, labels = (np.array(column) for column in zip(*pairs, strict=True))
vectors = encode_once(load_encoder("minilm-words"), texts.tolist(), cache=None)
names = sorted(set(labels.tolist()))

by_names, by_labels, by_both = [], [], []
for seed in range(5):
    labeled = few_per_class(labels.tolist(), 1, random_state=seed)
    asked = np.setdiff1d(np.arange(len(texts)), labeled)
    by_names.append(AnyShotClassifier(names).fit().score(texts[asked], labels[asked]))
    by_labels.append(PrototypeClassifier().fit(vectors[labeled], labels[labeled]).score(vectors[asked], labels[asked]))
    by_both.append(AnyShotClassifier(names).fit(texts[labeled], labels[labeled]).score(texts[asked], labels[asked]))
print(f"names only: {np.mean(by_names):.0%}")
print(f"one label per class, no names: {np.mean(by_labels):.0%}")
print(f"names and one label per class: {np.mean(by_both):.0%}")
