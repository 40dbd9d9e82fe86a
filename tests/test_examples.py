"""The examples: each runs without a warning, prints what it promises, and leaves nothing behind."""

import ast
import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
PROMISED = {
    "plot_01_names_only": ("I was charged twice -> billing", "a week late -> delivery", "not accepted -> login"),
    "plot_02_few_labels": ("anyshot", "logistic regression", "120 test items"),
    "plot_03_unlabeled": ("0 labels a class", "1 labels a class"),
    "plot_04_unknown": ("unknown_rate=0.05", "of 12 strangers found"),
    "plot_05_photos_by_name": ("china.jpg -> temple", "flower.jpg -> flower"),
    "plot_06_new_class_each_week": ("billing, delivery: ", "delivery, refund: refund", "refund, login: refund"),
    "plot_07_own_encoder": ("-> English", "-> German", "-> Spanish"),
    "plot_08_vectors": ("in print alone", "without labels", "5 labels a class"),
    "plot_09_sentiment_and_sarcasm": ("by name: ", "by description: ", "'sarcasm'"),
    "plot_10_one_label_each": ("names alone: ", "one label each, no names: ", "names and one label each: "),
    "plot_11_new_product_category": ("week 1, 2 categories", "week 4, 5 categories, newest pets"),
    "plot_12_x_rays": ("5 labels a class: ", "and 50 without labels: "),
    "plot_13_reviews_of_another_domain": ("from kitchen things alone: 11 of 16", "books without labels: 13 of 16"),
    "plot_14_grades_of_another_course": ("the old course alone: ", "both: ", "the interval of 90 % holds"),
}
PICTURES = {"plot_02_few_labels": ("curve.png",)}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_cache: Path, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs an example as a script in an empty folder, and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANYSHOT_CACHE", str(one_cache))
    monkeypatch.setenv("MPLBACKEND", "agg")

    def run(example: Path, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [str(example), *arguments])
        runpy.run_path(str(example), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_has_a_promise_here_and_every_promise_an_example():
    assert [example.stem for example in EXAMPLES] == sorted(PROMISED)


@each_example
def test_an_example_is_one_idea_of_at_most_sixty_lines_that_says_what_it_prints(example):
    text = example.read_text(encoding="utf-8")
    lines = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert len(text.splitlines()) <= 60
    assert lines[0].endswith(".")
    assert lines[-1].startswith("Prints")


@each_example
def test_an_example_prints_what_it_promises_and_leaves_only_the_picture_it_was_asked_for(example, run, tmp_path):
    pictures = PICTURES.get(example.stem, ())
    printed = run(example, *pictures)
    assert [line for line in PROMISED[example.stem] if line not in printed] == []
    assert {path.name for path in tmp_path.iterdir()} == set(pictures)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_three_notebooks_are_there():
    assert len(NOTEBOOKS) == 3


@each_notebook
def test_a_notebook_is_what_the_script_makes_of_its_example(notebook):
    make = runpy.run_path(str(notebook.with_name("make.py")))
    example = notebook.parents[1] / f"{notebook.stem}.py"
    assert notebook.read_text(encoding="utf-8") == make["notebook_of"](example.read_text(encoding="utf-8"))


@each_notebook
def test_a_notebook_runs_cell_by_cell_and_prints_what_its_example_promises(notebook, monkeypatch, tmp_path, one_cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANYSHOT_CACHE", str(one_cache))
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # the notebook is ours
    assert [line for line in PROMISED[notebook.stem] if line not in out.getvalue()] == []
