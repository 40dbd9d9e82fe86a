"""Accuracy where classes have names that the bundled thesaurus lacks: by names, and by the words of similar names.

Run: python benchmarks/other_names.py                      # minutes; the train rows are encoded on the first run
     python benchmarks/other_names.py --sets ag_news --draws 3

Protocol: as for `ablation.py`, with halves of the train rows; no test row is read. The names below were written from
knowledge of the language, without looking at the texts. Of each set at least one name is not listed. clinc150 has its
own names, of which 37 of 150 are not listed.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from ablation_sets import Reading, Setting, class_data, draws_of, embedder, encode_train, load_halves

from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.training_set import TrainingSet, without_items
from anyshot.base.validation import Vectors
from anyshot.evaluation.metrics import per_class_accuracy
from anyshot.zero_shot.class_texts import describe

NAMES: Final = {
    "ag_news": ("economy desk", "gadgets", "athletics", "diplomacy"),
    "clinc150": (),
    "customer_reviews": ("regretted buying it", "loved the product"),
    "movie_reviews": ("harsh criticism", "high praise"),
    "mpqa_opinion": ("disapproving", "approving"),
    "reuters": ("petroleum", "quarterly results", "currencies", "central bank", "takeovers", "tariffs"),
    "sms_spam": ("chat with friends", "promotion"),
    "subjectivity": ("storyline", "verdict"),
}
"""Other names of the classes of each set, in the order of its own names; none: its own."""
SETTINGS: Final = tuple(Setting(labels, pool) for pool in (False, True) for labels in (0, 1, 5))


def class_embeddings(name: str, folder: Path, *, words: bool) -> Vectors:
    """Return the embeddings (c, d) of the classes of a set under their other names."""
    names = NAMES[name] or load_halves(name, folder).names.tolist()
    return embedder(name, folder, words).reader.embed(describe(names))


def accuracy(name: str, folder: Path, data: TrainingSet, setting: Setting, draws: int | None) -> float:
    """Return the mean accuracy [%] over draws of labels."""
    halves = load_halves(name, folder)
    data = data.with_unlabeled(halves.unlabeled) if setting.pool else data
    found = []
    for seed in range(draws_of(name, setting, draws)):
        rows = halves.rows(setting.labels, seed)
        labeled = data.with_labels(halves.vectors[rows], halves.index[rows], [""] * len(rows))
        model = fit_model(embedder(name, folder), labeled)
        answers = model.probabilities(model.data.centered(halves.test_vectors)).argmax(axis=1)
        found.append(per_class_accuracy(halves.truth, answers))
    return 100 * float(np.mean(found))


def main() -> None:
    """Print a row for each set: accuracy by names, and its change by words of similar names, in each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--draws", type=int, help="draws of labels; default: 5, or 20 for short texts of two classes")
    parser.add_argument("--folder", type=Path, default=Path("build/ablation"), help="where vectors are kept")
    options = parser.parse_args()
    print(f"| set | {' | '.join(setting.key for setting in SETTINGS)} |")
    print("|---" * (len(SETTINGS) + 1) + "|")
    changes = []
    for name in options.sets:
        encode_train(name, options.folder)
        texts = class_data(name, options.folder, Reading(words=False)).texts
        rows = []
        for words in (False, True):
            data = without_items(texts, class_embeddings(name, options.folder, words=words))
            rows.append([accuracy(name, options.folder, data, setting, options.draws) for setting in SETTINGS])
        changes.append(np.subtract(rows[1], rows[0]))
        cells = (f"{before:.1f} {change:+.1f}" for before, change in zip(rows[0], changes[-1], strict=True))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"| mean change | {' | '.join(f'{change:+.1f}' for change in np.mean(changes, axis=0))} |")


if __name__ == "__main__":
    main()
