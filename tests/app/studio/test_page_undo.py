"""The page in a browser: what a dialog, a folder or a click changes is one step, and taken back by one."""

import io
import time

import pytest
from PIL import Image

from anyshot.app.studio import Project
from shop_messages import MESSAGES
from studio_page import TEXTS, answered, check, create, name_classes, paste, until

pytestmark = pytest.mark.full


def test_a_dialog_offers_to_undo_what_it_changed(opened):
    page = opened()
    create(page, "dialogs")
    name_classes(page, ["billing", "delivery", "login"])
    paste(page, TEXTS)
    page.click("#edit-1")
    page.fill("#sheet [name=name]", "invoices")
    page.fill("#sheet [name=description]", "what was paid")
    page.click("#sheet .main")
    page.wait_for_selector(".class >> text=what was paid")
    page.click("#toast >> text=Edited the class billing")
    page.click("#toast >> text=Undo")
    page.wait_for_selector(".class >> text=what was paid", state="detached")
    page.wait_for_selector(".class >> text=billing")
    page.click("#edit-2")
    page.click("#sheet .danger")
    page.wait_for_selector("#toast >> text=answers changed")  # beside what it came from
    check(page)
    page.click("#toast >> text=Undo")
    page.wait_for_selector("#n-classes >> text=3 classes")


def test_a_label_that_looks_wrong_is_kept(opened, studio):
    page = opened()
    create(page, "looks wrong")
    name_classes(page, sorted(set(MESSAGES.values())))
    paste(page, list(MESSAGES))
    with Project.open(studio.root / "looks wrong") as project:
        ids = {one.name: one.id for one in project.classes.all()}
        items = project.items.get(project.items.labels().ids)
        for item in items[1::2]:
            project.label([item.id], ids[MESSAGES[item.content]])
        wrong = next(item for item in items if MESSAGES[item.content] != "delivery")
        project.label([wrong.id], ids["delivery"])
    page.wait_for_selector(".card.next >> text=may be wrong")
    page.click(".card.next button")
    page.wait_for_selector("#list[data-check]")
    page.click("#list .row >> nth=0")
    kept = page.get_attribute("#list .row.current", "data-item")
    page.click("[data-why]")
    page.wait_for_selector(".why >> text=You labeled this item yourself")
    page.click(".more .pick[aria-pressed=true]")
    page.wait_for_selector(f"#list .row[data-item='{kept}']", state="detached")
    page.click("#undo")
    page.wait_for_selector(".card.next >> text=may be wrong")


TELL = "told = []; new MutationObserver(() => told.push(toast.textContent)).observe(toast, {childList: true})"


def test_a_folder_of_many_photographs_is_undone_at_once(opened, tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    for shade in range(30):  # more than one request takes
        content = io.BytesIO()
        Image.new("RGB", (40, 30), (8 * shade, 90, 90)).save(content, "JPEG")
        (folder / f"{shade}.jpg").write_bytes(content.getvalue())
    for name in ("Thumbs.db", ".DS_Store"):  # which systems leave there
        (folder / name).write_bytes(b"x")
    page = opened()
    create(page, "photographs", "images")
    page.click("#add-items")
    page.evaluate(TELL)
    with page.expect_response("**/items/files") as sent:
        page.set_input_files("#folder-input", folder)
    assert sent.value.json()["version"] > 0  # by which the page tells which news are older
    page.wait_for_selector("#toast >> text=30 items added.")
    assert any("Sending 30 of 30 files" in one for one in page.evaluate("told"))
    assert not page.is_visible("#add")
    assert "could not be used" not in page.text_content("#toast")
    page.click("#undo")
    page.wait_for_selector("#toast >> text=Undone: Added 30 items from holiday")
    page.wait_for_selector("#no-items:visible")


def test_a_table_whose_columns_are_not_chosen_leaves_no_project(opened, studio, tmp_path):
    (tmp_path / "not taken.csv").write_text(
        "number,message\n" + "".join(f"{n},{text}\n" for n, text in enumerate(TEXTS))
    )
    page = opened(expected=("409",))  # the project is gone before the page that follows it
    deadline = time.monotonic() + 180  # a busy machine takes long
    by_key, by_button = lambda: page.keyboard.press("Escape"), lambda: page.click("#sheet form [data-close]")
    for leave in (by_key, by_button, page.go_back):
        page.set_input_files("[data-start-file]", tmp_path / "not taken.csv")
        page.wait_for_selector("#sheet .main")
        said = "gone.hidden || console.error(gone.textContent)"  # which the fixture does not expect
        page.evaluate(f"new MutationObserver(() => {said}).observe(gone, {{attributes: true}})")
        leave()
        page.wait_for_selector("[data-open=new-project]")
        while (left := list(studio.root.glob("not taken*"))) and time.monotonic() < deadline:
            page.wait_for_timeout(50)  # after Back, the first page discards it
        assert not left
        page.wait_for_selector("text=not taken", state="detached")


def test_a_page_that_is_closed_before_the_columns_are_chosen_leaves_no_project(opened, studio, tmp_path):
    (tmp_path / "closed.csv").write_text("number,message\n1,Where is it?\n2,I was charged twice\n")
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "closed.csv")
    page.wait_for_selector("#sheet .main")
    first = page.context.new_page()
    first.goto(studio.address)
    first.wait_for_timeout(1500)  # in which it would discard the project
    assert (studio.root / "closed").exists(), "the columns are being chosen in another tab"
    page.close()
    first.reload()
    first.wait_for_selector("text=closed", state="detached", timeout=180_000)
    assert not (studio.root / "closed").exists()


def test_after_a_table_the_classes_are_asked_for_and_then_their_words(opened, tmp_path):
    (tmp_path / "mail.csv").write_text("number,message\n" + "".join(f"{n},{text}\n" for n, text in enumerate(TEXTS)))
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "mail.csv")
    page.focus("#sheet .main")
    page.keyboard.press("Enter")
    page.wait_for_selector("#new-class textarea:focus")
    page.keyboard.type("billing\nlogin")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ask.words textarea:focus")
    answered(page)
    until(page, "document.activeElement.name === 'words-1'")  # it keeps the focus when answers come


TWO_PARTS = """async () => {
    const {toast} = await import("/static/texts.js"), nothing = () => 0;
    toast("Undone: Labeled 12 items as delivery", "Redo", nothing);
    toast("12 answers changed", "Show them", nothing, {follows: true});
}"""


def test_a_message_of_two_parts_is_one_line_beside_the_history(opened):
    page = opened(width=1101)
    create(page, "Messages to the support of the shop")
    page.evaluate(TWO_PARTS)
    for width in (1101, 1600):
        page.set_viewport_size({"width": width, "height": 780})
        assert page.is_visible("[hx-get$=history]")
        assert page.locator("#toast").bounding_box()["height"] < 45, width
