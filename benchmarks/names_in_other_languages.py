"""Class names in other languages than English, of texts in English and in these languages.

Run: python benchmarks/names_in_other_languages.py

Protocol: no label, no pool; accuracy [%] on the test split of ag_news, sst2 and sms_spam, which are English, and on
tweets of the language in three moods, by English names, by names in the language as the encoder reads them
(`words=False`), and by these names with their translations. The names are the usual words, written without a look at
results. The encoder is all-MiniLM-L6-v2, frozen.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from support import load_text, shared

from anyshot import AnyShotClassifier

ENGLISH: Final = {
    "ag_news": ["World", "Sports", "Business", "Sci/Tech"],
    "sst2": ["negative", "positive"],
    "sms_spam": ["ham", "spam"],
    "tweets": ["negative", "neutral", "positive"],
}
NAMES: Final = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""Names of the same classes in other languages, by language and set."""


def load_test(name: str, language: str) -> tuple[list[str], NDArray[np.str_]]:
    """Return the texts and labels of a test split."""
    if name != "tweets":
        data = load_text(name)
        return data.test, data.y_test
    frame = pd.read_parquet(shared() / "data/multilingual_sentiment/multilingual_sentiment.parquet")
    frame = frame[(frame.language == language) & (frame.split == "test")]
    return frame.text.tolist(), frame.label.to_numpy(dtype=str)


def accuracy(
    names: Sequence[str], labels: Sequence[str], texts: list[str], truth: NDArray[np.str_], **options: bool
) -> float:
    """Return the accuracy [%] by class names that stand for `labels`, without a label."""
    found = AnyShotClassifier(names, **options).fit().predict(texts)
    label_of = dict(zip(names, labels, strict=True))
    return 100 * float(np.mean(np.array([label_of[name] for name in found]) == truth))


def main() -> None:
    """Print the table."""
    print("| names | set | English names | names as the encoder reads them | with translations |")
    print("|---|---|---|---|---|")
    for language, sets in NAMES.items():
        for name, names in sets.items():
            texts, truth = load_test(name, language)
            labels = ENGLISH[name]
            cells = [
                accuracy(labels, labels, texts, truth),
                accuracy(names, labels, texts, truth, words=False),
                accuracy(names, labels, texts, truth),
            ]
            print(f"| {language} | {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
