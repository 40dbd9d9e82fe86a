"""Make the notebooks from their examples. Run: python examples/notebooks/make.py.

The docstring becomes the first cell. Each block of code between blank lines becomes a cell.
"""

import ast
import json
import re
from pathlib import Path

EXAMPLES = ("plot_10_one_label_each", "plot_11_new_product_category", "plot_14_grades_of_another_course")


def notebook_of(example: str) -> str:
    """Return the notebook (nbformat 4.5) of an example."""
    tree = ast.parse(example)
    title, *rest = (ast.get_docstring(tree) or "").splitlines()
    code = "".join(example.splitlines(keepends=True)[tree.body[0].end_lineno :])
    imports, *blocks = [block.strip("\n") for block in re.split(r"\n\n+(?=\S)", code.strip("\n"))]
    while blocks and blocks[0].startswith(("import ", "from ")):
        imports += "\n\n" + blocks.pop(0)
    cells = [
        _cell("markdown", f"# {title}\n" + "\n".join(rest)),
        *(_cell("code", block) for block in [imports, *blocks]),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    language = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": cells, "metadata": {"kernelspec": language}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, object]:
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": "", "metadata": {}, **code, "source": text.splitlines(keepends=True)}


if __name__ == "__main__":
    home = Path(__file__).parent
    for name in EXAMPLES:
        text = (home.parent / f"{name}.py").read_text(encoding="utf-8")
        (home / f"{name}.ipynb").write_text(notebook_of(text), encoding="utf-8")
