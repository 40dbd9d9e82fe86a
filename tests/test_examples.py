"""The examples: each runs without a warning, prints what it promises, and leaves nothing behind."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
PROMISED = {
    "plot_01_names_only": ("I was charged twice -> billing", "a week late -> delivery", "not accepted -> login"),
    "plot_02_few_labels": ("anyshot", "logistic regression", "120 test items"),
    "plot_03_unlabelled": ("0 labels a class", "1 labels a class"),
    "plot_04_unknown": ("unknown_rate=0.05", "of 12 strangers found"),
    "plot_05_photos_by_name": ("china.jpg -> temple", "flower.jpg -> flower"),
    "plot_06_new_class_each_week": ("billing, delivery: ", "delivery, refund: refund", "refund, login: refund"),
    "plot_07_own_encoder": ("-> English", "-> German", "-> Spanish"),
    "plot_08_vectors": ("in print alone", "without labels", "5 labels a class"),
}
PICTURES = {"plot_02_few_labels": ("curve.png",)}
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
