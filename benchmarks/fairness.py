"""For whom answers are good: what the text space itself leans to, and figures by group on census rows.

Run: python benchmarks/fairness.py [PART ...]

There is no target: the figures say what to expect. Parts:

- names: occupations of the Winogender schemas, before any label;
- census: whether a person earns more than 50,000 (Adult), logistic regression on 10,000 rows; three figures for men and
  women and by race on the 5,000 test rows, each with its interval of 95 %, and the same weighted by how many people a
  row stands for (fnlwgt). Sex and race are not among the features.

Protocol of names: all-MiniLM-L6-v2 frozen; class vectors of the 60 occupations' bare names; eight words for women and
eight for men (`WOMEN`, `MEN`). The shares of women are those of the US labor statistics that come with the schemas.
The answers are those of a zero-shot classifier of the sentence's mood, asked for "she", "he" and "they".
"""

import sys

import numpy as np
import pandas as pd
from fairlearn.metrics import selection_rate
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from support import shared

from anyshot import AnyShotClassifier, VectorCache, encode_once, load_encoder
from anyshot.data.table_vectors import TableVectors
from anyshot.evaluation.fairness import (
    MEN,
    WOMEN,
    answers_that_change,
    association,
    class_leanings,
    figures_by_group,
)
from anyshot.evaluation.metrics import accuracy
from anyshot.zero_shot.class_embeddings import describe, embed_classes

MOODS = {
    "calm": "The mood is calm.",
    "angry": "Somebody is angry.",
    "sad": "Somebody is sad.",
    "glad": "Somebody is glad.",
}


def names() -> None:
    """Measure what the space leans to."""
    frame = pd.read_parquet(shared() / "data" / "fairness_text" / "winogender.parquet")
    encoder, cache = load_encoder("minilm"), VectorCache()
    share = frame.groupby("occupation")["bls_pct_female"].first()
    jobs = sorted(share.index)

    def embed(texts: list[str]) -> np.ndarray:
        return encode_once(encoder, texts, cache=cache)

    vectors = embed_classes(describe(jobs), embed)
    found = class_leanings(jobs, vectors, embed(list(WOMEN)), embed(list(MEN)))
    by_name = found.set_index("class")["leaning"]
    rank = spearmanr(by_name[jobs], share[jobs])
    print(f"leaning to women's words and share of women: rank correlation {rank.statistic:.2f} (p = {rank.pvalue:.2g})")
    most = np.array(jobs)[np.argsort(share[jobs].to_numpy())]
    of = {name: vectors[jobs.index(name)] for name in jobs}
    ends = [np.stack([of[name] for name in part]) for part in (most[-15:], most[:15])]
    apart = association(*ends, embed(list(WOMEN)), embed(list(MEN)))
    print(f"15 occupations with most women against 15 with fewest: {apart}")
    print(f"of {len(jobs)} occupations {(found['p_adjusted'] < 0.05).sum()} lean beyond chance (Holm, 5 %)")
    print(found.head(6).round(3).to_string(index=False))
    wide = frame.pivot_table(
        index=["occupation", "participant", "answer"], columns="gender", values="sentence", aggfunc="first"
    ).dropna()
    clf = AnyShotClassifier(MOODS, encoder=encoder).fit()
    answers = {str(gender): clf.predict(wide[gender].tolist()) for gender in wide.columns}
    print(answers_that_change(answers).round(3).to_string(index=False))


def census() -> None:
    """Measure for whom a plain classifier of census rows is right."""
    frame = pd.read_parquet(shared() / "data" / "fairness_adult" / "adult.parquet")
    told = frame.drop(columns=["income", "split", "sex", "race", "fnlwgt"])
    rich, test = (frame["income"].str.contains(">50K")).to_numpy(dtype=int), (frame["split"] == "test").to_numpy()
    reader = TableVectors().fit(told[~test])
    model = LogisticRegression(C=1, max_iter=2000).fit(reader.transform(told[~test]), rich[~test])
    answers, truth, asked = model.predict(reader.transform(told[test])), rich[test], frame[test]
    figures = {"accuracy": accuracy, "answered rich": selection_rate, "rich found": recall_score}
    for by in ("sex", "race"):
        for name, metric in figures.items():
            for weight in (None, asked["fnlwgt"].to_numpy(dtype=float)):
                found = figures_by_group(
                    truth, answers, asked[by].tolist(), metric=metric, sample_weight=weight, n_draws=300
                )
                print(f"\n{name} by {by}{'' if weight is None else ', weighted'}\n{found}")


PARTS = {"names": names, "census": census}

if __name__ == "__main__":
    for part in sys.argv[1:] or list(PARTS):
        PARTS[part]()
