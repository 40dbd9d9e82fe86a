"""Duration of a report on the 3,080 test texts of banking77, and the size of its file.

    python benchmarks/report.py [FILE]

Protocol: five labels per class (seed 0), all-MiniLM-L6-v2 frozen; the test texts are encoded before. Groups by length
of the text; the other train texts are the pool; no learning curve (learning_curve.py measures it). Targets on two
cores: under 10 s and under 5 MB.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from support import draw, line, load_text, table

from anyshot import AnyShotClassifier
from anyshot.evaluation.report.assembly import report


def main(file: str) -> None:
    """Write the report, and print its duration and size."""
    data = load_text("banking77")
    rows = draw(data.y, 5, 0)
    rest = np.setdiff1d(np.arange(len(data.y)), rows)
    clf = AnyShotClassifier(data.classes, unknown_rate=0.02)
    clf.fit([data.train[row] for row in rows], data.y[rows])
    pool = [data.train[row] for row in rest]
    for texts in (data.test, pool):
        clf.predict(texts)
    lengths = ["short" if len(text) < 60 else "long" for text in data.test]
    begun = time.perf_counter()
    found = report(clf, data.test, data.y_test, groups={"length": lengths}, pool=pool)
    saved = found.save(file, title="banking77, five labels a class")
    seconds = time.perf_counter() - begun
    table(
        "Report on 3,080 texts",
        [
            line("seconds", seconds, 10, least=False),
            line("megabytes", saved.stat().st_size / 1e6, 5, least=False),
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(tempfile.gettempdir()) / "banking77.html"))
