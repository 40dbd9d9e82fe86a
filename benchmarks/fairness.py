"""Fairness: gender bias of text embeddings without labels, and metrics by group of a classifier of census rows.

    python benchmarks/fairness.py [names] [census]

There are no targets.

- names: Winogender schemas, all-MiniLM-L6-v2 frozen. Bias of the class vectors of 60 occupation names, measured with
  eight words for women and eight for men (`WOMEN`, `MEN`), and its rank correlation with the share of women in the US
  labor statistics that come with the schemas. Also how often a zero-shot classifier of the mood of a sentence changes
  its prediction between "she", "he" and "they".
- census: Adult, whether a person earns more than 50,000. Logistic regression on 10,000 rows without sex and race; three
  metrics by sex and by race on 5,000 test rows with 95 % intervals, without and with the weights of the census
  (fnlwgt).
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
from anyshot.encoders.registry import default_for
from anyshot.evaluation import accuracy, answers_that_change, association, class_leanings, figures_by_group
from anyshot.zero_shot.class_embeddings import embed_classes
from anyshot.zero_shot.class_texts import describe

WOMEN = ("woman", "she", "her", "female", "mother", "daughter", "sister", "girl")
MEN = ("man", "he", "his", "male", "father", "son", "brother", "boy")
"""Words of two groups, paired by position, as in Caliskan et al., table 1."""

MOODS = {
    "calm": "The mood is calm.",
    "angry": "Somebody is angry.",
    "sad": "Somebody is sad.",
    "glad": "Somebody is glad.",
}


def names() -> None:
    """Measure the bias of the embeddings of occupation names."""
    frame = pd.read_parquet(shared() / "data" / "fairness_text" / "winogender.parquet")
    encoder, cache = load_encoder(default_for("text")), VectorCache()
    share = frame.groupby("occupation")["bls_pct_female"].first()
    jobs = sorted(share.index)

    def embed(texts: list[str]) -> np.ndarray:
        return encode_once(encoder, texts, cache=cache)

    vectors = embed_classes(describe(jobs), embed)
    found = class_leanings(jobs, vectors, embed(list(WOMEN)), embed(list(MEN)))
    by_name = found.set_index("class")["leaning"]
    rank = spearmanr(by_name[jobs], share[jobs])
    print(f"rank correlation of bias and share of women: {rank.statistic:.2f} (p = {rank.pvalue:.2g})")
    most = np.array(jobs)[np.argsort(share[jobs].to_numpy())]
    of = {name: vectors[jobs.index(name)] for name in jobs}
    ends = [np.stack([of[name] for name in part]) for part in (most[-15:], most[:15])]
    apart = association(*ends, embed(list(WOMEN)), embed(list(MEN)))
    print(f"the 15 occupations with most women against the 15 with fewest: {apart}")
    print(f"of {len(jobs)} occupations {(found['p_adjusted'] < 0.05).sum()} have a significant bias (Holm, 5 %)")
    print(found.head(6).round(3).to_string(index=False))
    wide = frame.pivot_table(
        index=["occupation", "participant", "answer"], columns="gender", values="sentence", aggfunc="first"
    ).dropna()
    clf = AnyShotClassifier(MOODS, encoder=encoder).fit()
    answers = {str(gender): clf.predict(wide[gender].tolist()) for gender in wide.columns}
    print(answers_that_change(answers).round(3).to_string(index=False))


def census() -> None:
    """Measure a classifier of census rows by group."""
    frame = pd.read_parquet(shared() / "data" / "fairness_adult" / "adult.parquet")
    features = frame.drop(columns=["income", "split", "sex", "race", "fnlwgt"])
    rich, test = (frame["income"].str.contains(">50K")).to_numpy(dtype=int), (frame["split"] == "test").to_numpy()
    reader = TableVectors().fit(features[~test])
    model = LogisticRegression(C=1, max_iter=2000).fit(reader.transform(features[~test]), rich[~test])
    predicted, truth, rows = model.predict(reader.transform(features[test])), rich[test], frame[test]
    metrics = {"accuracy": accuracy, "share predicted rich": selection_rate, "recall of rich": recall_score}
    for by in ("sex", "race"):
        for name, metric in metrics.items():
            for weight in (None, rows["fnlwgt"].to_numpy(dtype=float)):
                found = figures_by_group(
                    truth, predicted, rows[by].tolist(), metric=metric, sample_weight=weight, n_draws=300
                )
                print(f"\n{name} by {by}{'' if weight is None else ', weighted'}\n{found}")


PARTS = {"names": names, "census": census}

if __name__ == "__main__":
    for part in sys.argv[1:] or list(PARTS):
        PARTS[part]()
