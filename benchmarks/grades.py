"""Students' final grades, from one course to another with few labels. Run: python benchmarks/grades.py.

The other course's rows are the source; k rows of the new course, drawn at random, have their grade; the error is
measured on its other rows, which ours is given without their grades. Mean of 20 draws. Beside ours: the source's ridge
alone, ridge on the new course's labels alone, and ridge on both together, each with its penalty cross-validated
(scikit-learn's RidgeCV), on the same vectors. 382 pupils are in both courses.
Targets: with 20 labels below both the source alone and the new course alone, in both directions.
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
    """Return ridge on scaled features, its penalty by leave-one-out."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-2, 4, 20)))


def error(answers: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(np.mean((answers - y) ** 2)))


def measured(there: pd.DataFrame, here: pd.DataFrame, known: list[str]) -> pd.DataFrame:
    """Return the errors by number of labels: columns of the frame that are known besides the pupil's own."""
    columns = [name for name in here.columns if name not in ("course", *GRADES)] + known
    reader = TableVectors().fit(pd.concat([there, here])[columns])
    Xs, X = reader.transform(there[columns]), reader.transform(here[columns])
    ys, y = there.G3.to_numpy(float), here.G3.to_numpy(float)
    alone = ridge().fit(Xs, ys)
    rows = []
    for shots in SHOTS:
        for seed in DRAWS:
            order = np.random.default_rng(seed).permutation(len(y))
            k = len(y) * 2 // 3 if shots == "all" else int(shots)
            chosen, rest = order[:k], order[k:]
            labeled = (X[chosen], y[chosen]) if k else ()
            ours = AnyShotRegressor().fit(*labeled, source=(Xs, ys), unlabeled=X[rest])
            found = {"anyshot": ours.predict(X[rest]), "source alone": alone.predict(X[rest])}
            if k:
                found["new course alone"] = ridge().fit(X[chosen], y[chosen]).predict(X[rest])
                both = ridge().fit(np.vstack([Xs, X[chosen]]), np.append(ys, y[chosen]))
                found["both together"] = both.predict(X[rest])
            rows += [{"labels": shots, "model": name, "error": error(made, y[rest])} for name, made in found.items()]
    frame = pd.DataFrame(rows)
    return frame.pivot_table(index="labels", columns="model", values="error", sort=False)


def main() -> None:
    """Print the errors of both directions, with what is known growing."""
    frame = pd.read_parquet(shared() / "data" / "student_performance" / "students.parquet")
    for there, here in (COURSES, COURSES[::-1]):
        for known in (["G1", "G2"], ["G1"], []):
            table = measured(frame[frame.course == there], frame[frame.course == here], known)
            what = " and ".join(known) or "no earlier grade"
            print(f"\n{there} to {here}, {what} known: root mean squared error of G3, mean of {len(DRAWS)} draws\n")
            print(table.round(2).to_string())
            at = table.loc[20]
            best = min(at["source alone"], at["new course alone"])
            met = "✓" if at.anyshot < best else "✗"
            print(f"with 20 labels {at.anyshot:.3f}; to be below {best:.3f} {met}", flush=True)


if __name__ == "__main__":
    main()
