"""Add a product category each week from its name and two products.

Earlier categories are kept, and no old data are needed.
Prints, week by week, how many products are classified correctly.
"""

import numpy as np

from anyshot import AnyShotClassifier

SHELVES = {
    "kitchen": ["cast iron pan", "bread knife", "salad bowl", "espresso maker", "wooden spoon", "baking tray"],
    "garden": ["watering can", "rose fertiliser", "lawn mower", "pruning shears", "tomato seeds", "garden hose"],
    "toys": ["building blocks", "teddy bear", "jigsaw puzzle", "toy train", "doll's house", "kite for children"],
    "cycling": ["bicycle pump", "helmet for road bikes", "chain oil", "rear light", "puncture kit", "cycling gloves"],
    "pets": ["cat scratching post", "dog lead", "aquarium filter", "hamster wheel", "bird seed", "kitten food"],
}

clf = AnyShotClassifier(["kitchen", "garden"]).fit({name: SHELVES[name][:2] for name in ("kitchen", "garden")})
for week, newest in enumerate(["garden", "toys", "cycling", "pets"], start=1):
    if newest not in clf.classes_:
        clf.add_class(newest, examples=SHELVES[newest][:2])
    asked = [(product, name) for name in clf.classes_ for product in SHELVES[name][2:]]
    products, names = (np.array(column) for column in zip(*asked, strict=True))
    right = clf.predict(products) == names
    print(f"week {week}, {len(clf.classes_)} categories, newest {newest}: {right.sum()} of {len(right)} correct")
