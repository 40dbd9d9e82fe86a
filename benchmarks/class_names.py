"""Write src/anyshot/data/imagenet_classes.json: the names of the 1000 ImageNet classes, in the order of classifiers.

Reads `data/class_names/imagenet1k.parquet` of the shared data (columns index, wordnet_lemmas, simple_name; its
SOURCE.md names the sources): for each class the short common name, then the WordNet lemmas that differ.

Run: python benchmarks/class_names.py [SHARED_FOLDER]
Expected: 1000 classes, 1992 names.
"""

import json
import os
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve()
TARGET = HERE.parents[1] / "src" / "anyshot" / "data" / "imagenet_classes.json"


def synonyms(simple_name: str, lemmas: str) -> list[str]:
    """Return the names of one class without duplicates, ignoring case; the short common name first."""
    distinct: dict[str, str] = {}
    for name in (simple_name, *lemmas.replace("_", " ").split(", ")):
        distinct.setdefault(name.strip().lower(), name.strip())
    return list(distinct.values())


def main(shared: Path) -> None:
    """Write one class in each line, so that a diff shows the classes that changed."""
    table = pd.read_parquet(shared / "data" / "class_names" / "imagenet1k.parquet").sort_values("index")
    classes = [synonyms(*row) for row in zip(table["simple_name"], table["wordnet_lemmas"], strict=True)]
    lines = ",\n".join(json.dumps(names, ensure_ascii=False) for names in classes)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(classes)} classes, {sum(map(len, classes))} names -> {TARGET.name}")


if __name__ == "__main__":
    default = os.environ.get("ANYSHOT_SHARED", HERE.parents[2] / "shared")
    main(Path(sys.argv[1] if len(sys.argv) > 1 else default))
