"""Use your own encoder: any object with `modality`, `width` and `encode`.

This one counts character n-grams, which tells languages apart if each class has a few lines of text.
Prints the language of three sentences.
"""

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from anyshot import AnyShotClassifier


class CharacterNgrams:
    """Counts of character bigrams and trigrams."""

    modality = "text"
    width = 4096

    def encode(self, inputs):
        """Return unit-length vectors (n, width)."""
        counter = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=self.width, alternate_sign=False)
        return counter.transform(inputs).toarray().astype(np.float32)


lines = {
    "English": ["where is the parcel that I ordered last week", "this is not the one which you have shown me"],
    "German": ["wo ist das Paket, das ich letzte Woche bestellt habe", "das ist nicht das, was Sie mir gezeigt haben"],
    "Spanish": ["dónde está el paquete que pedí la semana pasada", "este no es el que usted me ha enseñado"],
}
clf = AnyShotClassifier(encoder=CharacterNgrams()).fit(lines)
asked = ["I have not seen the other thing", "ich habe nichts gesehen", "no he visto nada de eso"]
for text, name in zip(asked, clf.predict(asked), strict=True):
    print(f"{text} -> {name}")
