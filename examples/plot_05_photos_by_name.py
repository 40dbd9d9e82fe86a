"""Photographs can be sorted by class names given on the spot, with no label and no image-text model.

The network knows 1000 kinds of things from ImageNet; each new name borrows from those that are close in meaning.
Prints the answer for two photographs that scikit-learn carries, and how sure it is.
"""

from pathlib import Path

from sklearn.datasets import load_sample_images

from anyshot import AnyShotClassifier

photographs = load_sample_images().filenames
clf = AnyShotClassifier(["temple", "flower", "car", "dog", "bicycle"]).fit()
for file, name, sure in zip(photographs, clf.predict(photographs), clf.predict_proba(photographs), strict=True):
    print(f"{Path(file).name} -> {name} ({sure.max():.0%})")
