"""Every example runs without warnings, prints the documented output and writes no other file."""

import ast
import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
EXPECTED = {
    "plot_01_names_only": ("on my invoice -> billing", "a week late -> delivery", "not accepted -> login"),
    "plot_02_few_labels": ("anyshot", "logistic regression", "120 test items"),
    "plot_03_unlabeled": ("0 labels per class", "1 labels per class"),
    "plot_04_unknown": ("unknown_rate=0.05", "of 12 out-of-scope messages found"),
    "plot_05_photos_by_name": ("china.jpg -> temple", "flower.jpg -> flower"),
    "plot_06_new_class_each_week": (
        "billing, delivery: ",
        "delivery, refund: refund",
        "delivery, login, refund: refund",
    ),
    "plot_07_own_encoder": ("-> English", "-> German", "-> Spanish"),
    "plot_08_vectors": ("printed digits only", "1 labels per class", "5 labels per class"),
    "plot_09_sentiment_and_sarcasm": ("by name: ", "by description: ", "'sarcasm'"),
    "plot_10_one_label_each": ("names only: ", "one label per class, no names: ", "names and one label per class: "),
    "plot_11_new_product_category": ("week 1, 2 categories", "week 4, 5 categories, newest pets"),
    "plot_12_x_rays": ("5 labels per class: ", "and 50 unlabeled images: "),
    "plot_13_reviews_of_another_domain": ("kitchen reviews only: 11 of 16", "unlabeled book reviews: 13 of 16"),
    "plot_14_grades_of_another_course": ("old course only: ", "both: ", "the 90 % interval contains "),
}
PLOTS = {"plot_02_few_labels": ("curve.png",)}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))
SLOW = ("plot_12_x_rays", "plot_14_grades_of_another_course")
"""Examples that run with --full only."""
SLOW_NOTEBOOKS = (*SLOW, "plot_10_one_label_each")
"""Notebooks that run with --full only."""
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def path_or_slow(path, slow=SLOW):
    return pytest.param(path, marks=[pytest.mark.full] if path.stem in slow else [], id=path.stem)


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


def test_the_expected_output_of_every_example_is_listed():
    assert [example.stem for example in EXAMPLES] == sorted(EXPECTED)


@each_example
def test_an_example_has_at_most_sixty_lines_and_documents_its_output(example):
    text = example.read_text(encoding="utf-8")
    lines = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert len(text.splitlines()) <= 60
    assert lines[0].endswith(".")
    assert lines[-1].startswith("Prints")


@pytest.mark.parametrize("example", [path_or_slow(path) for path in EXAMPLES])
def test_an_example_prints_the_documented_output_and_writes_only_its_plot(example, run, tmp_path):
    plots = PLOTS.get(example.stem, ())
    printed = run(example, *plots)
    assert [line for line in EXPECTED[example.stem] if line not in printed] == []
    assert {path.name for path in tmp_path.iterdir()} == set(plots)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in plots)


def test_there_are_three_notebooks():
    assert len(NOTEBOOKS) == 3


@each_notebook
def test_a_notebook_is_made_from_its_example(notebook):
    make = runpy.run_path(str(notebook.with_name("make.py")))
    example = notebook.parents[1] / f"{notebook.stem}.py"
    assert notebook.read_text(encoding="utf-8") == make["notebook_of"](example.read_text(encoding="utf-8"))


@pytest.mark.parametrize("notebook", [path_or_slow(path, SLOW_NOTEBOOKS) for path in NOTEBOOKS])
def test_a_notebook_runs_and_prints_the_output_of_its_example(notebook, monkeypatch, tmp_path, one_cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANYSHOT_CACHE", str(one_cache))
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # the notebook is ours
    assert [line for line in EXPECTED[notebook.stem] if line not in out.getvalue()] == []
