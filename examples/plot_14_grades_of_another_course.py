"""Predict grades in a new course from twenty grades, with another course as the prior.

If ANYSHOT_SHARED names a folder with data/student_performance/students.parquet, real grades are used; otherwise
synthetic ones. The final grade is predicted from the first grade and from data about the student.
Prints the error with the old course, with twenty grades, and with both, and the coverage of 90 % intervals.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from anyshot import AnyShotRegressor


def students(n, course, random):
    """Return a table of synthetic students."""
    hours, absences = random.integers(1, 5, n), random.poisson(4, n)
    school = random.choice(["north", "south"], n)
    talent = random.normal(11, 3, n)
    first = talent + random.normal(0, 1, n)
    level, slope = {"old": (0.0, 0.5), "new": (1.5, 0.2)}[course]
    final = level + talent + slope * hours - 0.15 * absences + (school == "north") + random.normal(0, 1, n)
    return pd.DataFrame({"hours": hours, "absences": absences, "school": school, "G1": first, "G3": final})


file = Path(os.environ.get("ANYSHOT_SHARED", "none")) / "data" / "student_performance" / "students.parquet"
if file.is_file():
    print("real grades: mathematics to Portuguese")
    table = pd.read_parquet(file).drop(columns="G2")
    old, new = (table[table.course == name].drop(columns="course") for name in ("math", "portuguese"))
else:
    print("synthetic grades")
    old, new = (students(300, name, np.random.default_rng(0)) for name in ("old", "new"))
there = old.drop(columns="G3"), old.G3
errors, covered = [], []
for seed in range(5):
    order = np.random.default_rng(seed).permutation(len(new))
    few, rest = new.iloc[order[:20]], new.iloc[order[20:]]
    here, asked = (few.drop(columns="G3"), few.G3), rest.drop(columns="G3")
    both = AnyShotRegressor().fit(*here, source=there, unlabeled=asked)
    models = AnyShotRegressor().fit(source=there), AnyShotRegressor().fit(*here, unlabeled=asked), both
    errors.append([np.sqrt(np.mean((model.predict(asked) - rest.G3) ** 2)) for model in models])
    lower, upper = both.predict_interval(asked, coverage=0.9).T
    covered.append(np.mean(rest.G3.between(lower, upper)))
names = ("old course only", "twenty new grades only", "both")
for name, error in zip(names, np.mean(errors, axis=0), strict=True):
    print(f"{name}: {error:.2f}")
print(f"the 90 % interval contains {np.mean(covered):.0%} of the grades")
