"""The page of a report: what it says, and how it stands in a real browser."""

import html
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from anyshot.evaluation.learning_curves import learning_curve
from anyshot.evaluation.report.build import report
from anyshot.evaluation.report.render import Card, Page, PageTable, Section, Tile, matrix_of, render
from anyshot.evaluation.report.shown_item import ShownItem
from anyshot.tasks.regression import AnyShotRegressor

LONG = "a_class_whose_name_is_very_long_indeed_and_has_no_place_to_break" * 2


class OfFiles:
    """Answers image files by what is in their names; explains nothing."""

    classes_ = np.array(["cat", LONG])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.array([[0.9, 0.1] if "cat" in str(file) else [0.3, 0.7] for file in X])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def page_of(**parts):
    section = Section("one", "One", "Title", "Lead", **parts)
    return render(Page("Page", "Verdict", (Tile("1", "name"),), (section,)))


def test_cells_are_read_and_sorted_by_different_texts():
    frame = pd.DataFrame({"n": [1200], "share": [0.125], "nothing": [float("nan")], "name": ["B"]})
    kinds = {"n": "count", "share": "share", "nothing": "share", "name": "text"}
    cells = PageTable.of(frame, kinds, caption="c").rows[0]
    assert [cell.text for cell in cells] == ["1,200", "12.5 %", "-", "B"]
    assert [cell.order for cell in cells] == ["1200", "0.125000", "", "b"]
    assert cells[1].bar == "0.1250"


def test_rows_beyond_the_limit_are_counted():
    table = PageTable.of(pd.DataFrame({"n": range(7)}), {"n": "count"}, caption="c", at_most=5)
    assert (len(table.rows), table.left_out) == (5, 2)
    assert "2 more rows" in page_of(tables=(table,))


def test_a_matrix_is_shaded_by_the_shares_of_its_rows():
    matrix = matrix_of(["a", "b"], [[3, 1], [0, 0]], caption="c")
    assert [[cell.bar for cell in cells] for _, cells in matrix.rows] == [["0.750", "0.250"], ["0.000", "0.000"]]


@pytest.mark.parametrize("hostile", ["<b>x</b>", "</script><script>alert(1)</script>", '" onload="alert(1)'])
def test_whatever_comes_from_data_is_escaped(hostile):
    card = Card(ShownItem(hostile), hostile, hostile, hostile, (hostile,))
    frame = pd.DataFrame({hostile: [hostile]})
    page = page_of(
        cards=(card,), notes=(hostile,), lists=((hostile, (hostile,)),), code=hostile,
        tables=(PageTable.of(frame, {hostile: "text"}, caption=hostile),),
        matrix=matrix_of([hostile], [[1]], caption=hostile),
    )  # fmt: skip
    assert hostile not in page.replace("\n", "")
    assert hostile in html.unescape(page)


def test_only_its_own_script_may_run():
    page = page_of()
    assert "default-src 'none'" in page
    assert "script-src 'sha256-" in page


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a browser: install chromium from the distribution")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if root else [])
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    images = [folder / f"{name}<i>{n}.png" for n in range(3) for name in ("cat", "dog")]
    for image in images[1:]:
        Image.new("RGB", (500, 300), "teal").save(image)
    images[0].write_bytes(b"no image")
    truth = [LONG, LONG, "cat", "cat", "cat", "never <b>seen</b>"]
    report(OfFiles(), images, truth, groups={"site": [*"aaabb", LONG]}).save(folder / "images.html")
    random = np.random.default_rng(0)
    y = np.array([f"class {k}" for k in range(20)]).repeat(6)
    X = np.eye(20)[np.arange(20).repeat(6)] + 0.4 * random.normal(size=(120, 20))
    model = LogisticRegression().fit(X, y)
    curve = learning_curve(model, X, y, X, y, shots=(1, 2, 5), seeds=2)
    report(model, X, y, curve=curve, train=(X, y), pool=X[:30]).save(folder / "vectors.html")
    frame = pd.DataFrame({"a very long name of a column": X[:, 0], "b": X[:, 1], "of which kind": [LONG, "x"] * 60})
    numbers = AnyShotRegressor().fit(frame[:40], X[:40, 0] + X[:40, 1])
    truth, groups = X[40:, 0] + X[40:, 1], {LONG: ["<i>a</i>", LONG] * 40}
    found = report(numbers, frame[40:], truth, groups=groups, train=(frame[:40], X[:40, 0]), pool=frame[:30])
    found.save(folder / "numbers.html")
    return folder


@pytest.mark.parametrize("name", ["images.html", "vectors.html", "numbers.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_in_a_browser_nothing_overflows_nothing_fails_and_nothing_is_asked_for(browser, files, width, scheme, name):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((files / name).as_uri())
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert widths[0] <= widths[1]
    assert not said
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("name", ["images.html", "vectors.html", "numbers.html"])
def test_on_paper_all_that_is_there_is_seen(browser, files, name):
    page = browser.new_page(viewport={"width": 680, "height": 1000}, color_scheme="dark")  # A4 within its margins
    page.goto((files / name).as_uri())
    page.emulate_media(media="print")
    cut_off = page.evaluate(
        "[document.documentElement, ...document.querySelectorAll('.scroll, figure, pre, .cards > li')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
    )
    hidden = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(o => o.scrollHeight > o.clientHeight + 1).length"
    )
    closed = page.evaluate("document.querySelectorAll('details:not([open])').length")
    for_screens = page.evaluate(
        "[...document.querySelectorAll('nav, .on-screen')].filter(one => one.getClientRects().length).length"
    )
    arrows = page.evaluate(
        "[...document.querySelectorAll('th button')]"
        ".filter(button => getComputedStyle(button, '::after').display != 'none').length"
    )
    ink = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    page.close()
    assert cut_off == []
    assert (hidden, closed, for_screens, arrows) == (0, 0, 0, 0)
    assert ink == ["rgb(17, 17, 17)", "rgb(255, 255, 255)"]


def test_on_paper_a_page_is_a4_and_a_report_has_several(browser, files):
    page = browser.new_page()
    page.goto((files / "vectors.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert b"/MediaBox [0 0 594.95" in printed
    assert printed.count(b"/Type /Page\n") > 2


def test_in_a_browser_every_figure_and_thumbnail_is_drawn(browser, files):
    page = browser.new_page()
    page.goto((files / "images.html").as_uri())
    sizes = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('svg, img')].filter(one => !(one.alt || one.ariaLabel)).length"
    )
    page.close()
    assert sizes == [224, 224]  # of three mistakes one is a file that cannot be shown
    assert unnamed == 0


def test_in_a_browser_a_click_sorts_and_another_turns_the_order(browser, files):
    page = browser.new_page()
    page.goto((files / "vectors.html").as_uri())
    button = page.locator("#classes th.number button").first
    cells = "[...document.querySelectorAll('#classes tbody tr')].map(row => +row.cells[1].dataset.order)"
    orders = []
    for _ in range(2):
        button.click()
        orders.append(page.evaluate(cells))
    sorted_as = page.evaluate("document.querySelector('#classes th[aria-sort]').ariaSort")
    page.close()
    assert orders == [sorted(orders[0]), sorted(orders[0], reverse=True)]
    assert sorted_as == "descending"
