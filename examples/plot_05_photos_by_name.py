"""Classify photographs by class names, without labels and without an image-text model.

The network was trained on the 1000 classes of ImageNet; a new name gets its weights from classes of similar meaning.
Prints the prediction and its probability for two photographs that come with scikit-learn.
"""

from pathlib import Path

from sklearn.datasets import load_sample_images

from anyshot import AnyShotClassifier

photographs = load_sample_images().filenames
clf = AnyShotClassifier(["temple", "flower", "car", "dog", "bicycle"]).fit()
for file, name, sure in zip(photographs, clf.predict(photographs), clf.predict_proba(photographs), strict=True):
    print(f"{Path(file).name} -> {name} ({sure.max():.0%})")
