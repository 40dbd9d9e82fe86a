"""The demonstration, run once on the packaged data with both default encoders."""

import io
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from anyshot.app.demo import run_demo
from anyshot.errors import DataFileError


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, one_cache: Path) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("demo")
    page = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANYSHOT_CACHE", str(one_cache))
        run_demo(folder / "curve.png", console=Console(file=page, width=100))
    return page.getvalue(), folder / "curve.png"


@pytest.mark.full
def test_every_step_has_its_headline(shown):
    steps = [
        "1. No labels",
        "2. One to 10 labels per class",
        "3. A new class",
        "4. Messages of no class",
        "5. Two photographs",
        "6. A report",
    ]
    positions = [shown[0].find(step) for step in steps]
    assert positions == sorted(positions)
    assert positions[0] >= 0


@pytest.mark.full
def test_output_in_a_pipe_is_plain_text(shown):
    assert "\x1b" not in shown[0]
    assert max(map(len, shown[0].splitlines())) <= 100


@pytest.mark.full
def test_the_first_message_is_correct_and_an_error_is_shown_too(shown):
    table = shown[0].split("2. One to 10 labels per class")[0]
    marks = [line.split()[-1] if " no: " not in line else "no" for line in table.splitlines() if "%" in line]
    assert marks[0] == "yes"
    assert "no" in marks


@pytest.mark.full
def test_more_labels_are_better_and_one_label_is_better_than_logistic_regression(shown):
    table = shown[0].split("2. One to 10 labels per class")[1].split("Plot:")[0]
    rows = [line.split() for line in table.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["0", "1", "3", "5", "10"]
    ours = [float(row[1]) for row in rows]
    assert all(later > before - 1 for before, later in pairwise(ours))  # one standard error of the mean of 5 samples
    assert ours[-1] > ours[0] + 5
    assert rows[0][2] == "-"
    assert ours[1] > float(rows[1][2]) + 15


@pytest.mark.full
def test_the_new_class_is_predicted_only_after_it_was_added(shown):
    row = next(line for line in shown[0].splitlines() if "forgot my password" in line)
    assert row.split()[-1] == "login"
    assert row.rstrip().removesuffix("login").rstrip().endswith("account settings")


@pytest.mark.full
def test_a_message_of_no_class_is_unknown(shown):
    assert "-> unknown" in shown[0]
    table = shown[0].split("4. Messages of no class")[1].split("-> unknown")[0]
    found = [float(line.split()[1]) for line in table.splitlines() if line.strip().startswith("0.")]
    assert found == sorted(found)
    assert found[0] > 1


@pytest.mark.full
def test_both_photographs_are_classified_by_name(shown):
    rows = {line.split()[0]: line.split()[1] for line in shown[0].splitlines() if ".jpg" in line}
    assert rows == {"china.jpg": "temple", "flower.jpg": "flower"}


@pytest.mark.full
def test_the_probability_of_the_predicted_class_is_in_its_column(shown):
    lines = shown[0].splitlines()
    names = next(line for line in lines if line.split()[:1] == ["photograph"]).split()[2:]
    (shares,) = [line.replace("%", "").split()[2:] for line in lines if "china.jpg" in line]
    assert int(shares[names.index("temple")]) > 80


@pytest.mark.full
def test_the_plot_is_written(shown):
    with Image.open(shown[1]) as picture:
        assert min(picture.size) > 400


@pytest.mark.parametrize(
    ("name", "message"), [("curve.txt", r"its name must end in \.png"), ("nowhere/curve.png", "there is no folder")]
)
def test_a_plot_that_cannot_be_written_is_refused_before_the_work(tmp_path, name, message):
    page = io.StringIO()
    with pytest.raises(DataFileError, match=message):
        run_demo(tmp_path / name, console=Console(file=page))
    assert page.getvalue() == ""


@pytest.mark.full
def test_the_report_is_written_next_to_the_plot(shown):
    page = shown[1].with_suffix(".html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>Customer messages</title>" in page
