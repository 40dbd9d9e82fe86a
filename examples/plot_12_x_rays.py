"""Images of a kind that the network has never seen, from five labels a class and images without labels.

Where ANYSHOT_SHARED names a folder with chest X-rays (data/chest_xray/{train,test}/CLASS/*.jpg) those are read. Else
pictures are drawn that only look a little like them: two dark lungs, clear or with bright clouds. This is an example of
the method, no medical device.
Prints the source of the pictures, and the accuracy with labels alone and with unlabeled pictures.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from anyshot import AnyShotClassifier, few_per_class


def drawn(ill, random):
    """Return a gray picture of two lungs, with clouds if `ill`."""
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


def pictures(part, n):
    """Return n pictures of each class, and their classes."""
    folder = Path(os.environ.get("ANYSHOT_SHARED", "none")) / "data" / "chest_xray" / part
    random = np.random.default_rng(["train", "test"].index(part))
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ["clear", "clouded"]
    made = [
        [str(path) for path in sorted((folder / name).iterdir())[:n]]
        if folder.is_dir()
        else [drawn(name == "clouded", random) for _ in range(n)]
        for name in names
    ]
    return [one for own in made for one in own], [name for name in names for _ in range(n)]


real = (Path(os.environ.get("ANYSHOT_SHARED", "none")) / "data" / "chest_xray").is_dir()
print("chest X-rays" if real else "drawn pictures, no real X-rays")
train, labels = pictures("train", 30)
test, truth = pictures("test", 30)
rows = few_per_class(labels, 5, random_state=0)
shown = [train[row] for row in rows], [labels[row] for row in rows]
print(f"5 labels a class: {AnyShotClassifier(cache=False).fit(*shown).score(test, truth):.0%}")
rest = [image for row, image in enumerate(train) if row not in set(rows)]
clf = AnyShotClassifier(cache=False).fit(*shown, unlabeled=rest)
print(f"and {len(rest)} without labels: {clf.score(test, truth):.0%}")
