"""The pages of the documentation: every block runs and prints what the page shows."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WITH_CODE = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]
LINKED = [*PAGES, *(DOCS.parent / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md"))]
run = runpy.run_path(str(DOCS / "run.py"))["run"]


def parts(text):
    """Split a text into words and numbers; they may differ a little between machines."""
    return re.split(r"(\d+(?:\.\d+)?)", re.sub(r"\s+", " ", text.strip()))


SLOW = ("domain_adaptation.md", "freeze_points.md", "reference.md", "serving.md")
"""Pages that run with --full only."""
NEED_TORCH = ("freeze_points.md", "reference.md")
"""Pages that train a network, or load all names."""


def page_or_slow(page):
    marks = [pytest.mark.full] if page.name in SLOW else []
    return pytest.param(page, marks=[*marks, pytest.mark.torch] if page.name in NEED_TORCH else marks, id=page.name)


@pytest.mark.parametrize("page", [page_or_slow(page) for page in WITH_CODE])
def test_a_page_prints_the_documented_output(page, tmp_path, monkeypatch):
    (tmp_path / "docs" / "images").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    pairs = run(page)
    assert pairs
    for printed, written in pairs:
        found, expected = parts(printed), parts(written)
        assert found[::2] == expected[::2]
        for number, shown in zip(found[1::2], expected[1::2], strict=True):
            assert float(number) == pytest.approx(float(shown), abs=2 if float(shown) >= 10 else 0.3)
    drawn = {path.name for path in (tmp_path / "docs" / "images").iterdir()}
    assert drawn == set(re.findall(r"\(images/([\w.]+)\)", page.read_text(encoding="utf-8")))


def test_the_first_examples_of_the_readme_print_the_documented_output(tmp_path):
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    first = tmp_path / "first.md"
    first.write_text(readme[: readme.index("## Installation")], encoding="utf-8")
    pairs = run(first)
    assert len(pairs) == 2
    assert [printed for printed, _ in pairs] == [written for _, written in pairs]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pictures_of_a_page_are_there_and_small(page):
    for name in re.findall(r"\(images/([\w.]+)\)", page.read_text(encoding="utf-8")):
        assert 1_000 < (DOCS / "images" / name).stat().st_size < 100_000


def headings(page):
    """Return the names of a page's headings in links, as GitHub writes them."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links_lead_to_files_headings_and_functions_that_are_there(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'(?:\]\(|src="|srcset=")([^)"\s]+)', text)
    here = [link.partition("#") for link in links if not link.startswith("http")]
    assert [name for name, _, _ in here if name and not (page.parent / name).exists()] == []
    assert [part for name, _, part in here if part and part not in headings(page.parent / name if name else page)] == []
    for name, file in re.findall(r"\[`(?:\w+\.)*(\w+)`\]\(([^)]+\.py)\)", text):
        assert re.search(rf"\b(def|class) {name}\b", (page.parent / file).read_text(encoding="utf-8")), (name, file)


def test_a_page_that_says_something_else_is_found_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(6 * 7)\n```\n\n```text\n41\n```\n", encoding="utf-8")
    assert run(page) == [("42\n", "41\n")]
