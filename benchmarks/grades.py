"""Regression with few labels and a source domain: final grades of students, from one course to another.

    python benchmarks/grades.py

Data: the student performance data; all rows of one course are the source, k random rows of the other course are
labeled. The root mean squared error is measured on its remaining rows, which AnyShotRegressor also gets without labels,
mean of 20 random samples. Baselines on the same features: RidgeCV on the source, on the target labels, and on both. 382
students are in both courses. Target: with 20 labels, below both the source and the target alone, in both directions.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support import shared

from anyshot.data.table_vectors import TableVectors
from anyshot.tasks.regression import AnyShotRegressor

COURSES = ("math", "portuguese")
DRAWS = range(20)
SHOTS = (0, 5, 20, "all")
GRADES = ["G1", "G2", "G3"]


def ridge() -> object:
    """Return a ridge regression on standardized features, with the penalty by leave-one-out."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-2, 4, 20)))


def error(predicted: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def errors(source: pd.DataFrame, target: pd.DataFrame, known: list[str]) -> pd.DataFrame:
    """Return the errors by number of labels; `known` are the earlier grades among the features."""
    columns = [name for name in target.columns if name not in ("course", *GRADES)] + known
    reader = TableVectors().fit(pd.concat([source, target])[columns])
    Xs, X = reader.transform(source[columns]), reader.transform(target[columns])
    ys, y = source.G3.to_numpy(float), target.G3.to_numpy(float)
    source_only = ridge().fit(Xs, ys)
    rows = []
    for shots in SHOTS:
        for seed in DRAWS:
            order = np.random.default_rng(seed).permutation(len(y))
            k = len(y) * 2 // 3 if shots == "all" else int(shots)
            chosen, rest = order[:k], order[k:]
            labeled = (X[chosen], y[chosen]) if k else ()
            ours = AnyShotRegressor().fit(*labeled, source=(Xs, ys), unlabeled=X[rest])
            found = {"anyshot": ours.predict(X[rest]), "source only": source_only.predict(X[rest])}
            if k:
                found["target only"] = ridge().fit(X[chosen], y[chosen]).predict(X[rest])
                both = ridge().fit(np.vstack([Xs, X[chosen]]), np.append(ys, y[chosen]))
                found["source and target"] = both.predict(X[rest])
            rows += [
                {"labels": shots, "model": name, "error": error(answer, y[rest])} for name, answer in found.items()
            ]
    frame = pd.DataFrame(rows)
    return frame.pivot_table(index="labels", columns="model", values="error", sort=False)


def main() -> None:
    """Print the errors in both directions, with two, one and no earlier grades."""
    frame = pd.read_parquet(shared() / "data" / "student_performance" / "students.parquet")
    for source, target in (COURSES, COURSES[::-1]):
        for known in (["G1", "G2"], ["G1"], []):
            table = errors(frame[frame.course == source], frame[frame.course == target], known)
            what = " and ".join(known) or "no earlier grade"
            print(f"\n{source} to {target}, {what} known: RMSE of G3, mean of {len(DRAWS)} samples\n")
            print(table.round(2).to_string())
            at = table.loc[20]
            best = min(at["source only"], at["target only"])
            met = "✓" if at.anyshot < best else "✗"
            print(f"with 20 labels {at.anyshot:.3f}; target below {best:.3f} {met}", flush=True)


if __name__ == "__main__":
    main()
