"""Describe each class in a sentence, which says more than its name.

There are no labels. Praise and complaint differ in their words; sarcasm, praise that means the opposite, is hard for a
model that reads words and not intentions.
Prints how many of 24 remarks are classified correctly by name and by description, for each class.
"""

import numpy as np

from anyshot import AnyShotClassifier

REMARKS = {
    "praise": [
        "The staff went out of their way to help us and we loved every minute.",
        "Best headphones I have owned, the sound is wonderful.",
        "Quick delivery and beautifully packed, thank you!",
        "The soup was delicious and the portions were generous.",
        "Setting it up took two minutes and it has run perfectly since.",
        "A moving film with a brilliant cast.",
        "Clear instructions and a friendly support team.",
        "My daughter adores this toy, well worth the price.",
    ],
    "complaint": [
        "The zip broke on the second day and nobody answers my mails.",
        "We waited an hour for cold food.",
        "The battery is dead by noon, I want a refund.",
        "Rude staff and a dirty room, never again.",
        "It arrived scratched and a part was missing.",
        "The plot is dull and far too long.",
        "The app crashes whenever I open a file.",
        "Expensive and poorly made, a disappointment.",
    ],
    "sarcasm": [
        "Oh great, another update that deletes my files. Just what I needed.",
        "Wow, only three hours late. A new record for this airline!",
        "Sure, because who does not love paying twice for the same ticket.",
        "Fantastic, the waterproof watch drowned in the rain. Bravo.",
        "Yeah right, 'silent' fan. My neighbors enjoyed it too.",
        "Thanks a lot for the lovely hair in my pizza, so thoughtful.",
        "Brilliant idea to hide the off switch. Genius at work.",
        "Oh sure, I adore being on hold for an hour. Best day ever.",
    ],
}
DESCRIBED = {
    "praise": "a satisfied customer says that something is good",
    "complaint": "an unhappy customer says that something is bad or broken",
    "sarcasm": "mocking praise that means the opposite, an ironic joke about a failure",
}
for what, classes in (("name", list(REMARKS)), ("description", DESCRIBED)):
    clf = AnyShotClassifier(classes).fit()
    right = {name: int(np.sum(clf.predict(own) == name)) for name, own in REMARKS.items()}
    print(f"by {what}: {sum(right.values())} of 24 correct; of 8 each {right}")
