"""The page in a browser with what people bring: folders, large tables, spreadsheets, photographs, a full disk."""

import io
import os

import pytest
from PIL import Image

from anyshot.app.studio import Project, save_model
from studio_page import TEXTS, answered, check, create, name_classes, paste, row_of, until

pytestmark = pytest.mark.full


def drop(page, *paths):
    """Drop files and folders onto the middle of the page, as the operating system does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [os.fspath(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 500, "data": data})


def photo(color=90):
    content = io.BytesIO()
    Image.new("RGB", (80, 60), (color, 90, 120)).save(content, "JPEG")
    return content.getvalue()


@pytest.fixture
def holiday(tmp_path):
    """A folder with three photographs and forty other files, one of them of a telephone."""
    folder = tmp_path / "holiday"
    (folder / "beach").mkdir(parents=True)
    for number, name in enumerate(["a.jpg", "b.jpg", "beach/c.jpg"]):
        (folder / name).write_bytes(photo(60 * number))
    (folder / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / ".hidden").write_bytes(b"x")
    for number in range(39):
        (folder / f"note {number}.txt").write_text("no picture")
    return folder


def refused(page):
    page.click("#toast >> text=Show")
    page.wait_for_selector("#sheet[open] li")
    return page.locator("#sheet li").all_text_contents()


def test_a_folder_that_is_dropped_on_the_first_page_becomes_a_project(opened, holiday):
    page = opened()
    drop(page, holiday)
    page.wait_for_url("**/p/holiday/")
    page.wait_for_selector("#toast >> text=3 items added. 40 could not be used.")
    reasons = refused(page)
    assert len(reasons) == 2  # the same reason is told once
    assert any("note 0.txt, " in one for one in reasons)
    assert any("phone.HEIC: HEIC photographs cannot be read" in one for one in reasons)
    check(page)


def test_a_studio_that_ends_while_a_folder_is_sent_says_where_some_files_are(opened, tmp_path):
    folder = tmp_path / "cut off"
    folder.mkdir()
    for number in range(30):  # more than one request takes
        (folder / f"{number}.jpg").write_bytes(photo(8 * number))
    page, sent = opened(expected=("ERR_FAILED",)), []

    def pass_first(route):
        sent.append(route)
        if len(sent) == 1:
            route.continue_()
        else:
            route.abort()

    page.route("**/items/files", pass_first)
    page.set_input_files("#start-folder", folder)
    page.wait_for_selector("#start-error >> text=Some files are in the project “cut off” already")


def test_photographs_of_which_none_can_be_used_leave_no_project(opened, tmp_path):
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    page = opened()
    drop(page, tmp_path / "phone.heic")
    page.wait_for_selector("#start-error >> text=phone.heic: HEIC photographs cannot be read")
    check(page)
    page.reload()
    assert page.locator(".projects >> text=Images").count() == 0


def test_a_folder_is_dropped_on_a_project_in_german(opened, holiday):
    page = opened(language="de-DE")
    create(page, "Fotos", "images")
    drop(page, holiday)
    page.wait_for_selector("#toast >> text=3 Einträge hinzugefügt. 40 sind nicht verwendbar.")
    page.click("#toast >> text=Zeigen")
    page.wait_for_selector("#sheet >> text=Fotos im Format HEIC können nicht gelesen werden")
    check(page)


def test_letters_that_are_dropped_are_an_item_each_and_one_file_asks(opened, tmp_path):
    for name in ("Ann", "Bob", "Eve"):
        text = f"Dear {name}\n\nWhere is it? The café in the Straße für Käse is closed.\n"
        (tmp_path / f"{name}.txt").write_text(text, encoding="cp1252")
    page = opened()
    drop(page, tmp_path / "Bob.txt", tmp_path / "Ann.txt")
    page.wait_for_selector("#toast >> text=2 items added. There are 2 notes.")
    page.click("#toast >> text=Show")
    page.wait_for_selector("#sheet .note >> text=Ann.txt is read in the older encoding")  # the first by name
    page.wait_for_selector("#sheet .note >> text=The same is true of 1 other file.")
    page.keyboard.press("Escape")
    drop(page, tmp_path / "Eve.txt")
    page.wait_for_selector("#sheet .main >> text=Add 2 rows")
    page.select_option("#sheet [name=whole]", "yes")
    page.click("#sheet .main >> text=Add 1 row")
    page.wait_for_selector("#shown >> text=3 items")


PASTE_CELLS = """() => {  // a spreadsheet copies its cells as text, and as a picture of them
    const data = new DataTransfer();
    data.setData("text/plain", "Where is my parcel?\\nIt is late: call 0151 7788, please, and say when it comes");
    data.items.add(new File([new Uint8Array([137, 80, 78, 71])], "image.png", {type: "image/png"}));
    document.activeElement.blur();
    document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""
REVERSE = """async () => {  // as when new answers change the order
    const { show, shown } = await import("/static/list.js");
    show(shown.ids.toReversed(), [...shown.labeled], null, false);
}"""


def test_copied_cells_are_pasted_as_texts_and_the_text_of_an_item_can_be_copied(opened):
    page = opened()
    create(page, "cells")
    name_classes(page, ["billing", "delivery"])
    page.evaluate(PASTE_CELLS)
    page.click("#paste-add >> text=Add 2")
    answered(page)
    row_of(page, "0151 7788").click()
    page.locator("#list .row.current .text").dblclick(position={"x": 60, "y": 16})
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip()
    for _ in range(2):
        before = page.text_content("#list .row >> nth=0")
        page.evaluate(REVERSE)
        until(page, "text => document.querySelector('#list .row').textContent !== text", before)
    assert page.evaluate("getSelection().toString()") == selected, "the opened row is not moved when the order changes"


def test_the_folder_of_a_model_is_dropped(opened, studio, tmp_path):
    page = opened()
    create(page, "to be trained")
    name_classes(page, ["billing", "delivery", "login"])
    paste(page, TEXTS)
    with Project.open(studio.root / "to be trained") as project:
        project.label([1, 4], 1)
        project.label([2, 5], 2)
        folder = save_model(project, tmp_path / "our model")
    page.goto(studio.address)
    drop(page, folder)
    page.wait_for_url("**/p/our%20model/")
    answered(page)
    assert page.text_content("#n-classes") == "3 classes"
    assert "4 labels" in page.text_content("#saved")


def test_three_hundred_thousand_rows(opened, tmp_path):
    rows = "".join(f"{number},message number {number}\n" for number in range(300_000))
    (tmp_path / "large.csv").write_text("id,text\n" + rows)
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "large.csv")
    page.click("#sheet .main >> text=300,000")
    page.wait_for_selector("#toast >> text=300,000 items added", timeout=300_000)
    page.wait_for_selector("#shown >> text=300,000 items")
    page.select_option("#view", "added")
    last = "document.getElementById('list').innerText.includes('message number 299999')"
    until(page, f"() => {{ document.getElementById('scroller').scrollTop = 1e9; return {last} }}")
    assert page.locator("#list .row").count() < 60


def test_spreadsheets_with_formulas_merged_cells_and_a_password(opened, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl")
    book = openpyxl.Workbook()
    for row in (["message", "amount"], ["Charged twice", "=1+1"], ["Where is it?", 2], ["Merged", None]):
        book.active.append(row)
    book.active.merge_cells("A4:B4")
    book.save(tmp_path / "mail.xlsx")
    (tmp_path / "locked.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    page = opened(expected=("422",))
    page.set_input_files("[data-start-file]", tmp_path / "locked.xlsx")
    page.wait_for_selector("#start-error >> text=locked.xlsx cannot be read as Excel: it has a password")
    check(page)
    page.set_input_files("[data-start-file]", tmp_path / "mail.xlsx")
    page.click("#sheet .main >> text=Add 3 rows")
    page.wait_for_selector("#toast >> text=3 items added.")
    drop(page, tmp_path / "locked.xlsx")
    page.wait_for_selector("#toast >> text=it has a password")


def test_a_full_disk_is_said_and_what_was_saved_stays(opened, studio):
    page = opened(expected=("507",))
    create(page, "full disk")
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    database = studio.projects.get("full disk").project.database

    def allow(pages):
        with database.transaction() as transaction:
            transaction.read(f"pragma max_page_count = {pages}")

    allow(database.column("pragma page_count")[0])
    page.click("#add-items")
    page.fill("#paste-text", "\n".join(f"message {number} {'x' * 400}" for number in range(200)))
    page.click("#paste-add")
    page.wait_for_selector("#add-error >> text=disk is full")
    check(page)
    allow(10**6)
    page.click("#paste-add")
    page.wait_for_selector("#shown >> text=212 items")


def test_a_form_is_sent_once_and_keeps_the_focus_when_it_is_refused(opened):
    page = opened(expected=("422",))
    create(page, "sent once")
    name_classes(page, ["billing", "delivery", "login"])
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", '"two\nlines of ""one"" cell"\n"a quoted line"')
    page.dblclick("#paste-add")
    page.wait_for_selector("#toast >> text=2 items added.")
    row_of(page, 'two lines of "one" cell').wait_for()
    row_of(page, '"a quoted line"').wait_for()
    page.click("#edit-1")
    page.fill("#sheet [name=name]", "login")
    page.focus("#sheet .main")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet .error >> text=There is a class")
    assert page.evaluate("document.activeElement.matches('#sheet .main')")
    page.click("#sheet legend")  # nothing there takes the focus
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.wait_for_selector("#sheet", state="hidden")
    assert page.locator("#saved", has_text="0 labels").count() == 1


def test_a_project_is_renamed_removed_and_brought_back(opened, studio):
    page = opened()
    create(page, "Old name")
    page.goto(studio.address)
    page.click("[data-name='Old name'][data-edit-project]")
    check(page)
    page.fill("#edit-project [name=name]", "<i>New</i> name")
    page.keyboard.press("Enter")
    page.click("[data-name='<i>New</i> name'][data-edit-project]")
    page.click("#edit-project .danger")
    page.click(".banner >> text=Undo")
    page.click("[data-name='<i>New</i> name'][data-edit-project]")
    page.click("#edit-project .danger")
    page.click(".removed summary")
    check(page)
    page.click("[data-delete-project]")
    check(page)
    page.click("#delete-project .danger")
    page.wait_for_selector("text=/New/", state="detached")  # the page is loaded again


def test_a_project_that_is_removed_elsewhere_is_said_and_comes_back(opened, studio):
    page = opened(expected=("409",))
    create(page, "shared with others")
    gone = studio.projects.remove("shared with others")
    page.wait_for_selector("#gone:visible >> text=shared with others")
    studio.projects.restore(gone)
    page.wait_for_selector("#gone", state="hidden")


def test_the_first_page_says_when_the_studio_is_gone_and_is_drawn_anew_when_the_browser_goes_back_to_it(opened):
    page = opened(expected=("ERR_FAILED",))
    page.route("**/projects", lambda route: route.abort())
    page.click("[value=texts].tile")
    page.wait_for_selector("#start-error >> text=start it again")
    page.evaluate("document.body.classList.add('working')")  # as when a project was opened
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.wait_for_selector("body.start:not(.working)")


def test_arabic_is_read_from_the_right(opened):
    page = opened()
    create(page, "Arabic")
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", "أين طردي؟ لقد انتظرت.\nWhere is my parcel?")
    page.click("#paste-add")
    row_of(page, "Where is").wait_for()
    ends = """[...document.querySelectorAll('#list .text')].map(text => {
        const range = document.createRange();
        range.selectNodeContents(text);
        return range.getBoundingClientRect().left > text.getBoundingClientRect().left + 50;
    })"""
    assert sorted(page.evaluate(ends)) == [False, True]


def test_zoom_and_reduced_motion(opened):
    page = opened(width=640, height=400, language="de-DE")  # 1280 x 800 at 200 %
    page.emulate_media(reduced_motion="reduce")
    page.click("[value=texts].tile")
    page.wait_for_url("**/p/**")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert page.evaluate("document.getAnimations().length") == 0
    for control in ("#add-items", "#show-keys", "[hx-get$='/export']", "[hx-get$='/history']"):
        page.click(control)
        page.wait_for_selector("dialog[open]")
        check(page)
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [375, 1280])
def test_every_dialog_in_german_has_no_fault_and_keeps_the_focus(opened, width):
    page = opened(width=width, height=780, language="de-DE", scheme="dark", expected=("422",))
    for tile in ("start-file", "new-project"):
        page.click(f"[data-open={tile}]")
        check(page)
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.open") == tile
    page.click("[value=texts].tile")
    page.wait_for_url("**/p/**")
    answered(page)
    if width < 900:
        page.click(".area.left summary")
    page.click("#edit-1")
    page.wait_for_selector("#sheet[open] [name=description]")
    page.mouse.click(4, 4)  # beside it, as when a text in it is selected up to there
    check(page)
    assert page.is_visible("#sheet")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "edit-1"
    page.click("#add-class")
    check(page)
    page.fill("#new-class input", "Billing")
    page.keyboard.press("Enter")
    page.wait_for_selector("#new-class .error >> text=gibt es schon")
    check(page)


def test_forty_classes_leave_room_for_the_items(opened, studio):
    page = opened(width=1280, height=720)
    create(page, "forty")
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", "\n".join(TEXTS))
    page.click("#paste-add")
    with Project.open(studio.root / "forty") as project:
        project.classes.add_several([f"class of number {number}" for number in range(40)])
    page.wait_for_selector("text=40 classes")
    for place in range(3):
        page.click(f"#list .row input >> nth={place}")
    page.wait_for_selector("#several >> text=3 selected")
    page.set_viewport_size({"width": 390, "height": 800})
    until(page, "several.getBoundingClientRect().bottom === innerHeight")  # wherever the page is scrolled to
    check(page)


@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_is_deleted_before_it_is_sent_stops_nothing_else(opened, tmp_path, first):
    file, other = tmp_path / "late.csv", tmp_path / "other.csv"
    for one in (file, other):
        one.write_text("text\nI was charged twice\n")
    page = opened(expected=("ERR_FAILED",))
    if not first:
        create(page, "Mail")

    def lose(route):
        file.unlink(missing_ok=True)
        route.abort()

    page.route("**/projects/file" if first else "**/tables", lose)
    page.locator("input[type=file]").first.set_input_files(file)
    page.wait_for_selector("text=“late.csv” cannot be read any more")
    page.unroute("**/projects/file" if first else "**/tables")
    page.locator("input[type=file]").first.set_input_files(other)
    page.wait_for_selector("#sheet[open] >> text=other.csv")
