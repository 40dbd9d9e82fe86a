"""What the text encoder's space itself leans to, before any label: occupations of the Winogender schemas.

Run: python benchmarks/fairness.py

Protocol: all-MiniLM-L6-v2 frozen; class vectors of the 60 occupations' bare names; eight words for women and eight for
men (`WOMEN`, `MEN`). The shares of women are those of the US labour statistics that come with the schemas. The answers
are those of a zero-shot classifier of the sentence's mood, asked for "she", "he" and "they". There is no target: the
figures say what to expect of names as classes.
"""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from support import shared

from anyshot import AnyShotClassifier, VectorCache, encode_once, load_encoder
from anyshot.evaluation.fairness import MEN, WOMEN, answers_that_change, association, class_leanings
from anyshot.semantics import class_vectors, describe

MOODS = {
    "calm": "The mood is calm.",
    "angry": "Somebody is angry.",
    "sad": "Somebody is sad.",
    "glad": "Somebody is glad.",
}


def main() -> None:
    """Measure and print."""
    frame = pd.read_parquet(shared() / "data" / "fairness_text" / "winogender.parquet")
    encoder, cache = load_encoder("minilm"), VectorCache()
    share = frame.groupby("occupation")["bls_pct_female"].first()
    names = sorted(share.index)

    def embed(texts: list[str]) -> np.ndarray:
        return encode_once(encoder, texts, cache=cache)

    vectors = class_vectors(describe(names), embed)
    found = class_leanings(names, vectors, embed(list(WOMEN)), embed(list(MEN)))
    by_name = found.set_index("class")["leaning"]
    rank = spearmanr(by_name[names], share[names])
    print(f"leaning to women's words and share of women: rank correlation {rank.statistic:.2f} (p = {rank.pvalue:.2g})")
    most = np.array(names)[np.argsort(share[names].to_numpy())]
    of = {name: vectors[names.index(name)] for name in names}
    ends = [np.stack([of[name] for name in part]) for part in (most[-15:], most[:15])]
    apart = association(*ends, embed(list(WOMEN)), embed(list(MEN)))
    print(f"15 occupations with most women against 15 with fewest: {apart}")
    print(f"of {len(names)} occupations {(found['p_adjusted'] < 0.05).sum()} lean beyond chance (Holm, 5 %)")
    print(found.head(6).round(3).to_string(index=False))
    wide = frame.pivot_table(
        index=["occupation", "participant", "answer"], columns="gender", values="sentence", aggfunc="first"
    ).dropna()
    clf = AnyShotClassifier(MOODS, encoder=encoder).fit()
    answers = {str(gender): clf.predict(wide[gender].tolist()) for gender in wide.columns}
    print(answers_that_change(answers).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
