"""Accuracy where one class has a description and a name that the thesaurus lacks, and the others have listed names.

Run: python benchmarks/described_names.py

Protocol: the halves of `misleading_pools.py`; no test row is read. Each class of a set in turn has another name and a
description of one sentence, without a label. 600 texts of one half or none are the pool, and 600 of the other are
predicted: accuracy [%], mean over classes, by names and descriptions alone (`words=False`) and with words. Names and
descriptions were written from knowledge of the language, without looking at the texts.
"""

from itertools import product
from typing import Final

import numpy as np
from denied_names import print_table
from misleading_pools import load_halves

from anyshot import AnyShotClassifier

N_TEXTS: Final = 600
CLASSES: Final = {
    "ag_news": {
        "economy desk": "company results, markets and the economy in general",
        "gadgets": "new devices, software, internet companies and research",
        "athletics": "games, matches, players and tournaments of any kind",
        "diplomacy": "politics, wars and diplomacy between countries",
    },
    "customer_reviews": {
        "regretted buying it": "the buyer regrets the purchase or complains of it",
        "loved the product": "the buyer is content with what was bought",
    },
    "movie_reviews": {
        "harsh criticism": "the critic advises against going to see it",
        "high praise": "the critic liked what was shown on the screen",
    },
    "mpqa_opinion": {
        "disapproving": "a phrase that shows dislike or blame of something",
        "approving": "a phrase that shows approval of something or hope",
    },
    "reuters": {
        "petroleum": "oil prices and the countries that produce it",
        "quarterly results": "companies publish how much they made in the last quarter",
        "currencies": "what one currency costs in another on the markets",
        "central bank": "what central banks charge for borrowed money this month",
        "takeovers": "one company buys another or a part of it",
        "tariffs": "imports, exports and tariffs between two countries",
    },
    "sms_spam": {
        "chat with friends": "a private note to a friend about plans for tonight",
        "promotion": "an advertisement that offers a gift if you call a number",
    },
    "subjectivity": {
        "storyline": "a sentence that tells what happens in the story",
        "verdict": "a sentence with the view of a critic on it",
    },
    "snips": {
        "extend list": "the user wants a song or album put on one of the lists",
        "table for two": "a table for a number of people somewhere tonight or later",
        "climate outlook": "how warm or wet it will be in some place",
        "start tune": "start a song, an artist or a genre now",
        "score novel": "give a number of points or stars to something that was read",
        "lookup title": "find a show, a song, a game or a novel by its title",
        "cinema times": "when and where a movie is shown nearby",
    },
    "review_products": {
        "things to read": "novels, guides and other things that people read",
        "discs": "movies and series on disc, and how good they are",
        "gadgets and gear": "cameras, headphones, cables and other devices",
        "cookware stuff": "pans, knives, coffee makers and other things to cook with",
    },
    "multilingual_sentiment": {
        "sorrowful tone": "the author complains, is angry or sad about something",
        "plain tone": "the author only states a fact or asks something",
        "cheerful tone": "the author is happy, thankful or proud about something",
    },
    "sst5": {
        "weak effort": "the critic finds it weak and points at faults",
        "so so effort": "the critic has neither praise nor blame for it",
        "solid effort": "the critic likes it and recommends going to see it",
        "worst effort": "the critic hates it and calls it one of the worst",
        "masterpiece effort": "the critic loves it and calls it a masterpiece of the year",
    },
    "sst2": {
        "harsh criticism": "the critic advises against going to see it",
        "high praise": "the critic liked what was shown on the screen",
    },
}
"""Another name and a description of each class of a set, in the order of its own names."""


def measure(name: str) -> list[float]:
    """Return the accuracies [%] of a set without words and with them, each without a pool and with it."""
    halves = load_halves(name)
    test, truth, own = halves.test[:N_TEXTS], halves.truth[:N_TEXTS], np.unique(halves.y)
    found = []
    for row, (other, description) in enumerate(CLASSES[name].items()):
        names = np.array([other if k == row else label for k, label in enumerate(own.tolist())])
        accuracies = []
        for words, pool in product((False, True), (None, halves.texts[:N_TEXTS])):
            classes = {label: description if label == other else None for label in names.tolist()}
            predicted = AnyShotClassifier(classes, words=words).fit(unlabeled=pool).predict(test)
            right = [np.mean(predicted[truth == label] == names[k]) for k, label in enumerate(own)]
            accuracies.append(100 * np.mean(right))
        found.append(accuracies)
    return np.mean(found, axis=0).tolist()


def main() -> None:
    """Print the accuracies of each set, and their means."""
    print_table(["without words", "with the pool", "with words", "with the pool"], CLASSES, measure)


if __name__ == "__main__":
    main()
