"""Use labeled reviews of kitchen tools to classify reviews of books, which have no labels.

CORAL transforms the kitchen reviews so that their vectors vary like those of the unlabeled book reviews.
Prints how many of 16 book reviews are classified correctly, without and with CORAL.
"""

import numpy as np

from anyshot import encode_once, load_encoder
from anyshot.domain_adaptation import CORAL

KITCHEN = {
    "good review": [
        "sharp knife, cuts tomatoes like butter",
        "the pan heats evenly and nothing sticks",
        "sturdy, easy to clean, would buy it again",
        "my coffee has never tasted better",
        "a solid kettle that boils fast",
        "lovely bowls, exactly as pictured",
    ],
    "bad review": [
        "the handle came off after a week",
        "rusty after the first wash",
        "it leaks and the lid does not fit",
        "the motor smells burnt, sent it back",
        "thin and flimsy, bent at once",
        "stopped working after two days",
    ],
}
BOOKS = {
    "good review": [
        "I read it in one night and cried at the end",
        "vivid characters and a story that stays with you",
        "the author explains hard ideas with warmth and wit",
        "a gripping thriller, I could not put it down",
        "beautiful prose, every page a pleasure",
        "the best novel I have read this year",
        "my book club loved discussing it",
        "a wise and tender memoir",
    ],
    "bad review": [
        "I gave up after fifty pages, nothing happens",
        "wooden dialogue and a plot full of holes",
        "the ending made me throw it across the room",
        "dry, repetitive and badly edited",
        "a boring hero and no tension at all",
        "shallow advice stretched over three hundred pages",
        "the translation is clumsy and full of mistakes",
        "a lazy sequel that ruins the first volume",
    ],
}

encoder = load_encoder("minilm")
source, target = ([text for own in reviews.values() for text in own] for reviews in (KITCHEN, BOOKS))
X, new = encode_once(encoder, source, cache=None), encode_once(encoder, target, cache=None)
y, truth = (np.array([name for name, own in reviews.items() for _ in own]) for reviews in (KITCHEN, BOOKS))
for what, unlabeled in (("kitchen reviews only", None), ("kitchen reviews and unlabeled book reviews", new)):
    predicted = CORAL().fit(X, y, target=unlabeled).predict(new)
    print(f"{what}: {np.sum(predicted == truth)} of {len(truth)} correct")
