"""The page in a browser: the whole way from an empty project to a model, by mouse and by keys.

One way is in the small suite; the others, and the pictures of docs/images, run with --full.
"""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from anyshot.app.studio import Project
from studio_page import TEXTS, answered, check, create, download, name_classes, paste, row_of, saved, until


def test_texts_by_mouse_from_an_empty_project_to_a_spreadsheet_and_a_model(opened):
    page = opened()
    create(page, "Support <b>messages</b>")
    page.fill("#new-class textarea", "billing\ndelivery\nlogin")
    page.click("#new-class .main")
    page.fill(".ask.words textarea >> nth=0", "invoice, charged twice, fee")
    page.fill(".ask.words textarea >> nth=2", "password")
    page.click(".ask.words .main")
    page.wait_for_selector(".chip.own >> text=charged twice")
    page.wait_for_selector(".chip.own >> text=password")
    paste(page, [*TEXTS, "<img src=x onerror=alert(1)>"])
    assert row_of(page, "<img src=x onerror=alert(1)>").count() == 1
    page.wait_for_selector("#at-random:visible")
    row_of(page, "My package is late").click()
    page.click(".more .pick >> text=delivery")
    saved(page, 1)
    row_of(page, "I cannot sign in").drag_to(page.locator(".class", has_text="login"))
    saved(page, 2)
    page.click("#undo")
    saved(page, 1)
    page.keyboard.press("Control+Shift+Z")
    saved(page, 2)
    page.keyboard.press("0")
    page.keyboard.press("Z")  # before the label that was taken off is answered
    page.keyboard.press("Z")
    saved(page, 1)
    row_of(page, "I was charged twice").click()
    page.click("[data-why]")
    page.wait_for_selector(".why li")
    check(page)
    page.click("[hx-get$='/export']")
    table = list(csv.reader(io.StringIO(download(page, "labels.csv").decode("utf-8-sig"))))
    assert len(table) == len(TEXTS) + 2
    assert "model.json" in {
        Path(name).name for name in zipfile.ZipFile(io.BytesIO(download(page, "model.zip"))).namelist()
    }


def tab_to(page, selector):
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def fill_by_keyboard(page):
    """Create a project with classes and items."""
    tab_to(page, "[data-open=new-project]")
    press(page, "Enter")
    tab_to(page, "#new-project [name=name]")
    page.keyboard.type("by keys")
    press(page, "Enter")
    page.wait_for_url("**/p/**")
    page.wait_for_selector("#new-class textarea:focus")
    page.keyboard.type("billing\ndelivery\nlogin")
    press(page, "Tab", "Enter")
    page.wait_for_selector("[data-skip-words]")
    tab_to(page, "[data-skip-words]")
    press(page, "Enter")
    page.wait_for_selector("[data-skip-words]", state="detached")
    tab_to(page, "#add-items")
    press(page, "Enter")
    page.wait_for_selector("#paste-text:focus")
    page.keyboard.insert_text("\n".join(TEXTS))
    tab_to(page, "#paste-add")
    press(page, "Enter")
    answered(page)


@pytest.mark.full
def test_texts_by_keyboard_alone(opened):
    page = opened()
    fill_by_keyboard(page)
    tab_to(page, "#list .row")
    press(page, "j", "1")
    saved(page, 1)
    press(page, "u")
    saved(page, 2)
    press(page, "x", "Shift+J", "2")
    saved(page, 4)
    press(page, "Control+z")
    saved(page, 2)
    press(page, "w")
    page.wait_for_selector(".why li")
    press(page, "?")
    page.wait_for_selector("#keys[open]")
    check(page)
    press(page, "Escape")
    tab_to(page, "[hx-get$='/export']")
    press(page, "Enter")
    page.wait_for_selector("#sheet[open]")
    check(page)
    tab_to(page, "[href$='labels.xlsx']")
    with page.expect_download() as found:
        press(page, "Enter")
    assert zipfile.is_zipfile(found.value.path())


def drawn(color, shape):
    image = Image.new("RGB", (160, 120), "white")
    getattr(ImageDraw.Draw(image), shape)((30, 20, 130, 100), fill=color)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.full
def test_images_by_upload_and_camera(opened):
    page = opened()
    create(page, "shapes", "images")
    name_classes(page, ["ball", "envelope"])
    page.click("#no-items [data-tab=files]")
    check(page)
    files = [
        {"name": f"{n}.png", "mimeType": "image/png", "buffer": drawn((20 * n, 90, 200), "ellipse")} for n in range(4)
    ]
    page.set_input_files("#file-input", [*files, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}])
    page.wait_for_selector("#toast >> text=4 items added. 1 could not be used.")
    answered(page)
    page.click("#list .card >> nth=1")
    assert page.evaluate("dock.scrollHeight - dock.clientHeight") == 0, "few classes are all in sight"
    page.click("#dock [data-enlarge]")
    until(page, "document.querySelector('#sheet[open] .picture')?.naturalWidth === 160")
    check(page)
    page.keyboard.press("Escape")
    page.click("#dock .pick >> text=ball")
    saved(page, 1)
    check(page)
    page.click("#add-items")
    page.click("#tab-camera")
    page.select_option("#camera-class", label="envelope")
    page.click("#shoot:enabled")
    page.wait_for_selector("#shots img")
    check(page)
    page.keyboard.press("Escape")
    saved(page, 2)


@pytest.mark.full
def test_a_refused_camera_is_said(opened):
    page = opened()
    create(page, "no camera", "images")
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')) }"
    )
    page.click("#no-items [data-tab=camera]")
    page.wait_for_selector("#camera-error >> text=cannot be used")
    assert page.is_disabled("#shoot")


@pytest.mark.full
def test_a_spreadsheet_with_a_choice_of_columns(opened, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["number", "<b>message</b>", "team"])
    for number, text in enumerate(TEXTS):
        book.active.append([number, text, "billing" if number == 0 else "login" if number == 2 else None])
    book.save(tmp_path / "tickets.xlsx")
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "tickets.xlsx")
    page.wait_for_selector("#sheet[open] >> text=12 rows")
    page.select_option("[name=label]", label="team")
    assert page.locator("th.chosen").all_text_contents() == ["<b>message</b>", "team"]
    check(page)
    page.click("#sheet .main")
    answered(page)
    saved(page, 2)
    page.wait_for_selector("#n-classes >> text=2 classes")
    page.wait_for_selector("#list .row.current .others >> text=number")  # a column that is not read
    page.wait_for_url("**/p/tickets/")  # a reload asks for the columns no more


@pytest.mark.full
@pytest.mark.parametrize("fault", ["'sessionStorage', {}", "'sessionStorage', {get() { throw new DOMException() }}"])
def test_the_page_works_where_the_browser_keeps_nothing(opened, fault):
    page = opened()
    page.add_init_script(
        f"Object.defineProperty(window, {fault}); Object.defineProperty(window, {fault.replace('session', 'local')})"
    )
    create(page, "Private")
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    row_of(page, TEXTS[0]).locator(".text").click()
    page.keyboard.press("1")
    saved(page, 1)


@pytest.mark.full
def test_without_javascript_the_page_says_so(chromium, studio):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(studio.address)
    assert "needs JavaScript" in page.inner_text("body")
    context.close()


@pytest.mark.full
def test_columns_that_are_pasted_are_chosen_as_those_of_a_file(opened):
    page = opened()
    create(page, "Pasted")
    page.click("#no-items [data-tab=paste]")
    labels = ["billing", "delivery", "login"] * 4
    page.fill("#paste-text", "\n".join(f"{text}\t{label}" for text, label in zip(TEXTS, labels, strict=True)))
    page.click("#paste-add")
    page.wait_for_selector("#sheet[open] th.chosen >> text=Column 2")
    page.select_option("#sheet [name=names]", "yes")
    page.wait_for_selector("#sheet[open] >> text=Add 11 rows")
    assert page.evaluate("document.activeElement.name") == "names"
    page.select_option("#sheet [name=names]", "no")
    page.click("#sheet .main >> text=Add 12 rows")
    page.wait_for_selector("#toast >> text=12 items added")
    answered(page)
    saved(page, 12)
    page.wait_for_selector("#n-classes >> text=3 classes")
    assert page.input_value("#paste-text") == ""
    page.evaluate("navigator.clipboard.writeText('One more message')")
    page.keyboard.press("Control+v")
    assert page.input_value("#paste-text") == "One more message"


@pytest.mark.full
def test_german(opened):
    page = opened(language="de-DE")
    check(page)
    create(page, "Nachrichten")
    name_classes(page, ["Rechnung", "Lieferung"])
    paste(page, ["Die Rechnung stimmt nicht", "Wo ist mein Paket?"])
    assert "2 Einträge" in page.text_content("#shown")
    page.click(".more .pick >> nth=0")
    until(page, "document.querySelector('#saved').textContent.includes('Gespeichert · 1 Label')")
    check(page)


@pytest.mark.full
@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (375, "dark"), (640, "light"), (2560, "dark")])
def test_every_width_shows_all_without_scrolling_sideways(opened, width, scheme):
    page = opened(width=width, height=780, scheme=scheme, touch=width < 700)
    page.click("[value=texts].tile")
    page.wait_for_url("**/p/**")
    answered(page)
    if width < 900:
        page.click(".area.left summary")
        page.click(".area.right summary")
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#tools").scroll_into_view_if_needed()
    page.mouse.wheel(0, 300)
    page.click("#list .row >> nth=2")
    page.click(".more .pick >> nth=1")
    until(page, "Boolean(document.querySelector('#list .confirmed'))")


@pytest.mark.full
def test_keys_and_what_was_pasted_are_there_after_back_and_forward(opened):
    page = opened()
    create(page, "back")
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    page.click("#add-items")
    page.fill("#paste-text", "One more message")
    page.go_back()
    page.wait_for_selector("body.start")
    page.go_forward()
    answered(page)
    page.keyboard.press("1")
    saved(page, 1)
    page.click("#add-items")
    page.click("#paste-add >> text=Add 1 item")
    page.wait_for_selector("#shown >> text=13 items")


@pytest.mark.full
def test_two_tabs_see_the_changes_of_each_other(opened):
    first = opened()
    create(first, "shared")
    second = opened(first.url.split("/", 3)[3])
    name_classes(first, ["billing", "login"])
    paste(first, TEXTS)
    answered(second)
    second.wait_for_selector("text=2 classes")
    row_of(second, "I cannot sign in").click()
    second.click(".more .pick >> text=login")
    saved(first, 1)
    until(first, "[...document.querySelectorAll('.row')].some(one => one.textContent.includes('✓'))")


ROWS = "[...document.querySelectorAll('#list .row')].map(row => Number(row.dataset.item))"


def opened_at_a_class(opened, name):
    """Open a project with messages that shows those of its first class."""
    page = opened()
    create(page, name)
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    page.click("#classes [data-show-class] >> nth=0")
    page.wait_for_selector("#filter:visible")
    page.evaluate("new Promise(requestAnimationFrame)")  # in which the list is drawn
    return page


@pytest.mark.full
def test_no_confirmed_item_becomes_the_current_one_by_itself(opened, studio):
    page = opened_at_a_class(opened, "selection")
    ids, current = page.evaluate(ROWS), "Number(document.querySelector('#list .row.current')?.dataset.item ?? 0)"
    page.click("#list .row >> nth=0")
    page.keyboard.press("1")
    saved(page, 1)
    assert page.evaluate(current) == ids[1]
    with Project.open(max(studio.root.glob("selection*"))) as project:
        project.label([ids[1]], project.classes.all()[1].id)
    until(page, f"!({ROWS}).includes({ids[1]})")  # it has left the list
    left, now = page.evaluate(f"[{ROWS}, {current}]")
    assert ids[0] in left
    assert now in {0, *left} - {ids[0]}


@pytest.mark.full
def test_what_was_read_stays_in_the_list_and_undo_leads_back_to_it(opened):
    page = opened_at_a_class(opened, "stays")
    current = "Number(document.querySelector('#list .row.current').dataset.item)"
    ids = page.evaluate(ROWS)
    page.keyboard.press("2")
    saved(page, 1)
    page.wait_for_timeout(1_500)  # its answers have come
    assert page.evaluate(ROWS)[:2] == ids[:2]
    assert page.evaluate(current) == ids[1]
    page.keyboard.press("z")
    saved(page, 0)
    until(page, f"{current} === {ids[0]}")
    page.wait_for_selector("#list .row.current:not(.waiting):not(:has(.confirmed))")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#list .row[data-item='{ids[0]}']:has(.confirmed)")
    saved(page, 1)


@pytest.mark.full
def test_a_server_that_is_gone_and_back_loses_no_click(opened, studio):
    page = opened(expected=("ERR_CONNECTION_REFUSED", "Failed to load resource", "htmx:"))
    create(page, "gone")
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    studio.stop()
    page.wait_for_selector("#gone:visible")
    page.keyboard.press("1")
    page.keyboard.press("j")
    page.keyboard.press("2")
    page.wait_for_selector("#gone >> text=2 changes wait")
    check(page)
    studio.start()
    page.wait_for_selector("#gone", state="hidden")
    saved(page, 2)


@pytest.mark.full
def test_ten_thousand_items_are_never_all_in_the_document(opened, tmp_path):
    table = "text\n" + "".join(f"message number {number}\n" for number in range(10_000))
    (tmp_path / "many.csv").write_text(table)
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "many.csv")
    page.click("#sheet .main")
    page.wait_for_selector("#shown >> text=10,000 items")
    page.select_option("#view", "added")
    for share in (0.5, 1.0):
        page.wait_for_function(  # again and again: the list begins anew once all items are there
            """([share, text]) => {
                const one = document.getElementById("scroller");
                one.scrollTop = share * one.scrollHeight;
                return one.innerText.includes(text);
            }""",
            arg=[share, "message number " + ("9999" if share == 1 else "50")],
            polling=300,
        )
        assert page.locator("#list .row").count() < 60
