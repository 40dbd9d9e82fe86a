"""Classify vectors, with a vector as the description of each class.

The items are scans of handwritten digits, 8 x 8 pixels; each class is described by the printed digit.
Prints the accuracy with no label, and with one and five labels per class.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits

from anyshot import AnyShotClassifier, few_per_class


def printed(digit):
    """Return the printed digit as 8 x 8 pixels, flattened (64,)."""
    page, small = Image.new("L", (128, 128)), Image.new("L", (8, 8))
    ImageDraw.Draw(page).text((64, 64), str(digit), fill=255, font=ImageFont.load_default(size=64), anchor="mm")
    small.paste(page.crop(page.getbbox()).resize((6, 8), Image.Resampling.BOX), (1, 0))
    return np.asarray(small, dtype=np.float32).ravel()


scans, digits = load_digits(return_X_y=True)
train, test = slice(0, 900), slice(900, None)
prints = np.stack([printed(digit) for digit in range(10)])  # (10, 64)
# Vectors are compared by cosine, so their common mean is subtracted first.
scans, prints = scans - scans[train].mean(axis=0), prints - prints.mean(axis=0)

clf = AnyShotClassifier(dict(enumerate(prints))).fit()
print(f"printed digits only: {clf.score(scans[test], digits[test]):.0%}")
for k in (1, 5):
    rows = few_per_class(digits[train].tolist(), k, random_state=0)
    clf.fit(scans[rows], digits[rows])
    print(f"and {k} labels per class: {clf.score(scans[test], digits[test]):.0%}")
