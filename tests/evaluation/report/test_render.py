"""The page of a report: its text, and how a browser shows and prints it."""

import base64
import html
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from anyshot.evaluation.learning_curves import learning_curve
from anyshot.evaluation.report.assembly import report
from anyshot.evaluation.report.render import (
    MAX_SIDE,
    MAX_TEXT,
    Card,
    Matrix,
    PageTable,
    Report,
    Section,
    ShownItem,
    Tile,
    one_line,
    shown_item,
    single_items,
)
from anyshot.tasks.regression import AnyShotRegressor
from browsers import launched

LONG = "a_class_whose_name_is_very_long_indeed_and_has_no_place_to_break" * 2


class OfFiles:
    """A classifier of image files by their names."""

    classes_ = np.array(["cat", LONG])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.array([[0.9, 0.1] if "cat" in str(file) else [0.3, 0.7] for file in X])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def report_of(**parts):
    return Report(None, "Verdict", (Tile("1", "name"),), (), {"one": Section("Lead", title="Title", **parts)})


def test_cells_have_a_text_and_a_sort_key():
    frame = pd.DataFrame({"n": [1200], "share": [0.125], "accuracy": [float("nan")], "class": ["B"]})
    cells = PageTable.of(frame, "n share accuracy class", caption="c").rows[0]
    assert [cell.text for cell in cells] == ["1,200", "12.5 %", "-", "B"]
    assert [cell.order for cell in cells] == ["1200", "0.125000", "", "b"]
    assert cells[1].bar == "0.1250"


def test_rows_beyond_the_limit_are_counted():
    table = PageTable.of(pd.DataFrame({"n": range(7)}), "n", caption="c", max_rows=5)
    assert (len(table.rows), table.n_hidden) == (5, 2)
    assert "2 more rows" in report_of(shown=(table,)).to_html()


def test_a_matrix_is_shaded_by_the_shares_of_its_rows():
    matrix = Matrix.of(["a", "b"], [[3, 1], [0, 0]])
    assert [[cell.bar for cell in cells] for _, cells in matrix.rows] == [["0.750", "0.250"], ["0.000", "0.000"]]


def test_long_class_names_are_shortened_and_turned_in_the_matrix():
    names = [f"a very long name of a class, number {number}" for number in range(10)]
    matrix = Matrix.of(names, np.eye(10, dtype=int).tolist())
    assert matrix.is_turned
    assert len(set(matrix.columns)) == 10
    assert all(len(column) <= 22 for column in matrix.columns)
    assert [whole for _, whole in matrix.legend] == names
    page = report_of(matrix=matrix).to_html()
    assert 'class="matrix turned"' in page
    assert names[9] in page
    assert Matrix.of(["a", "b"], [[1, 0], [0, 1]]).legend == ()


def test_sections_with_nothing_to_show_are_named_in_one_line_at_the_end():
    sections = {
        "curve": Section(title="What more labels would bring", missing={"curve": "A curve needs training data."}),
        "task": Section("Classify items.", title="The task"),
    }
    page = Report(None, "Verdict", (Tile("1", "name"),), (), sections).to_html()
    assert page.count("<section") == 1
    assert "Not shown: <b>What more labels would bring</b>. A curve needs training data." in page
    assert page.index("Not shown") > page.index("The task")


@pytest.mark.parametrize("hostile", ["<b>x</b>", "</script><script>alert(1)</script>", '" onload="alert(1)'])
def test_all_text_is_escaped(hostile):
    card = Card(ShownItem(hostile), hostile, hostile, hostile, (hostile,))
    frame = pd.DataFrame({"class": [hostile]})
    page = report_of(
        cards=(card,), notes=(hostile,), bullets=(hostile,), code=hostile, missing={"x": hostile},
        shown=(PageTable.of(frame, "class", caption=hostile),), matrix=Matrix.of([hostile], [[1]]),
    ).to_html()  # fmt: skip
    assert hostile not in page.replace("\n", "")
    assert hostile in html.unescape(page)


def test_no_other_script_may_run():
    page = report_of().to_html()
    assert "default-src 'none'" in page
    assert "script-src 'sha256-" in page


def test_the_page_is_one_file_and_shown_in_a_notebook(tmp_path):
    file = report_of().save(tmp_path / "report.html", title="Heights")
    assert "<title>Heights</title>" in file.read_text(encoding="utf-8")
    assert report_of()._repr_html_().startswith("<iframe srcdoc=")


def test_a_name_that_is_not_utf_8_is_shown(tmp_path):
    file = report_of().save(tmp_path / "report.html", title="caf\udce9")
    assert "<title>caf\N{REPLACEMENT CHARACTER}</title>" in file.read_text(encoding="utf-8")


class Unwritable:
    def __str__(self):
        raise RuntimeError("the power is gone")


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    found = report_of()
    found.save(tmp_path / "report.html")
    before = (tmp_path / "report.html").read_bytes()
    with pytest.raises(RuntimeError, match="the power is gone"):
        found.save(tmp_path / "report.html", title=Unwritable())
    assert (tmp_path / "report.html").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_long_text_is_cut():
    assert shown_item("a <b> c").text == "a <b> c"
    assert len(shown_item("word " * MAX_TEXT).text) <= MAX_TEXT + 1


def test_an_image_becomes_a_thumbnail_with_the_same_proportions(tmp_path):
    def opened(shown):
        return Image.open(io.BytesIO(base64.b64decode(shown.picture.split(",")[1])))

    file = tmp_path / "photo.png"
    Image.new("RGB", (1000, 500), "red").save(file)
    shown = shown_item(file)
    assert shown.text == f"{tmp_path.name}/photo.png"
    assert opened(shown).size == (MAX_SIDE, MAX_SIDE // 2)
    assert opened(shown_item(np.zeros((30, 20), np.uint8))).size == (20, 30)
    image = Image.new("RGBA", (900, 900))
    shown_item(image)
    assert image.size == (900, 900)


def test_an_image_that_cannot_be_read_says_why(tmp_path):
    file = tmp_path / "broken.png"
    file.write_bytes(b"no image")
    shown = shown_item(file)
    assert (shown.picture, shown.is_readable) == (None, False)
    assert shown.text.startswith(f"{tmp_path.name}/broken.png cannot be shown: ")
    assert "cannot be shown" in shown_item(tmp_path / "gone.png").text


def test_vectors_rows_and_other_items_are_described():
    assert shown_item(np.array([0.5, 0.25])).text == "a vector of 2 numbers: 0.5, 0.25"
    assert shown_item(pd.Series({"age": 3})).text == "age: 3"
    assert shown_item(object()).text.startswith("object <object")


def test_one_line_has_no_line_breaks():
    assert one_line("a\nb\t c") == "a b c"
    assert len(one_line("x" * 500)) == 161


def test_single_items_come_from_every_kind_of_collection():
    assert single_items(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]
    assert single_items(pd.DataFrame({"a": [1, 2]}), np.array([1]))[0]["a"] == 2


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


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
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (375, "light"),
        (1440, "dark"),
        pytest.param(375, "dark", marks=pytest.mark.full),
        pytest.param(1440, "light", marks=pytest.mark.full),
    ],
)
def test_in_a_browser_nothing_overflows_fails_or_is_loaded(browser, files, width, scheme, name):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    messages, requests = [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((files / name).as_uri())
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.close()
    assert widths[0] <= widths[1]
    assert not messages
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("name", ["images.html", "vectors.html", "numbers.html"])
def test_on_paper_nothing_is_hidden_or_cut_off(browser, files, name):
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


def test_on_paper_pages_are_a4(browser, files):
    page = browser.new_page()
    page.goto((files / "vectors.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert b"/MediaBox [0 0 594.95" in printed
    assert printed.count(b"/Type /Page\n") > 2


def test_in_a_browser_every_figure_and_thumbnail_is_shown(browser, files):
    page = browser.new_page()
    page.goto((files / "images.html").as_uri())
    sizes = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('svg, img')].filter(one => !(one.alt || one.ariaLabel)).length"
    )
    page.close()
    assert sizes == [224, 224]  # the third mistake is a file that cannot be read
    assert unnamed == 0


def test_in_a_browser_a_click_sorts_and_another_reverses(browser, files):
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
