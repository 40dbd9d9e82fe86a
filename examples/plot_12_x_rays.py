"""Classify images unlike those the network was trained on, from five labels per class and unlabeled images.

If ANYSHOT_SHARED names a folder with chest X-rays (data/chest_xray/{train,test}/CLASS/*.jpg), they are used; otherwise
synthetic images of two dark lungs, clear or with bright spots. This is an example of the method, not a medical device.
Prints the source of the images, and the accuracy without and with unlabeled images.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from anyshot import AnyShotClassifier, few_per_class


def synthetic(ill, random):
    """Return a gray image of two lungs, with bright spots if `ill`."""
    page = Image.new("L", (224, 224), int(random.integers(150, 190)))
    pen = ImageDraw.Draw(page)
    for left in (30, 124):
        x, y = left + random.integers(-8, 9), 35 + random.integers(-8, 9)
        pen.ellipse((x, y, x + 70, y + 150), fill=40)
        for _ in range(int(random.integers(3, 7)) if ill else 0):
            at = random.integers((x + 10, y + 30), (x + 50, y + 120))
            pen.ellipse((*at.tolist(), *(at + random.integers(8, 24)).tolist()), fill=int(random.integers(45, 80)))
    grains = Image.fromarray(random.normal(128, 25, (224, 224)).clip(0, 255).astype(np.uint8))
    return Image.blend(page.filter(ImageFilter.GaussianBlur(5)), grains, 0.3)


def images(part, n):
    """Return n images of each class, and their classes."""
    folder = Path(os.environ.get("ANYSHOT_SHARED", "none")) / "data" / "chest_xray" / part
    random = np.random.default_rng(["train", "test"].index(part))
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ["clear", "clouded"]
    made = [
        [str(path) for path in sorted((folder / name).iterdir())[:n]]
        if folder.is_dir()
        else [synthetic(name == "clouded", random) for _ in range(n)]
        for name in names
    ]
    return [one for own in made for one in own], [name for name in names for _ in range(n)]


real = (Path(os.environ.get("ANYSHOT_SHARED", "none")) / "data" / "chest_xray").is_dir()
print("chest X-rays" if real else "synthetic images, not real X-rays")
train, labels = images("train", 30)
test, truth = images("test", 30)
rows = few_per_class(labels, 5, random_state=0)
labeled = [train[row] for row in rows], [labels[row] for row in rows]
print(f"5 labels per class: {AnyShotClassifier(cache=False).fit(*labeled).score(test, truth):.0%}")
rest = [image for row, image in enumerate(train) if row not in set(rows)]
clf = AnyShotClassifier(cache=False).fit(*labeled, unlabeled=rest)
print(f"and {len(rest)} unlabeled images: {clf.score(test, truth):.0%}")
