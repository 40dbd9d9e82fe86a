"""The page in a browser while answers come: a button is pressed, someone types, or something has the focus."""

import pytest

from anyshot.app.studio import Project, add_texts
from studio_page import MESSAGES, TEXTS, create, name_classes, paste, row_of, saved, until


def test_a_panel_that_is_drawn_anew_loses_neither_a_click_nor_what_was_typed(opened, studio):
    page = opened()
    create(page, "changed elsewhere")
    name_classes(page, ["billing", "delivery"])
    held = []
    page.route("**/classes", lambda route: held.append(route))
    with Project.open(studio.root / "changed elsewhere") as project:
        project.classes.add("login")
    while not held:
        page.wait_for_timeout(20)
    page.hover("[data-add-class]")
    page.mouse.down()
    held.pop().continue_()
    page.unroute("**/classes")
    page.wait_for_timeout(300)
    page.mouse.up()
    page.fill("#new-class input", "refund")
    page.focus("#new-class .main")
    page.wait_for_timeout(500)
    assert page.input_value("#new-class input") == "refund"
    page.click("#new-class .main")
    page.click("[data-skip-words]")
    page.wait_for_selector(".class >> text=refund")
    page.wait_for_selector(".class >> text=login")


@pytest.mark.full
def test_what_someone_types_stays_when_others_change_the_classes(opened, studio):
    page = opened()
    create(page, "typed")
    page.fill("#new-class textarea", "refund\nreturns")
    with Project.open(studio.root / "typed") as project:
        project.classes.add_several(["billing", "login"])
        page.wait_for_selector(".class >> text=login")
        assert page.input_value("#new-class input") == "refund, returns"
        page.click("#new-class .main")
        page.wait_for_selector(".ask.words textarea:focus")
        page.keyboard.type("money back")
        page.click("[data-add-word] >> nth=0")
        page.keyboard.type("fee")
        project.classes.add("parcel")
        page.wait_for_selector(".class >> text=parcel")
        assert page.input_value(".ask.words textarea >> nth=0") == "money back"
        assert page.input_value(".chips [name=add]:focus") == "fee"
        page.keyboard.press("Enter")
        page.wait_for_selector(".chip.own >> text=fee")
        assert page.input_value(".chips [name=add]:focus") == ""  # for the next word


@pytest.mark.full
def test_a_click_on_a_class_is_not_lost_when_the_answer_changes_meanwhile(opened, studio):
    page = opened()
    create(page, "changed answer")
    name_classes(page, list(MESSAGES))
    paste(page, TEXTS)
    row_of(page, MESSAGES["billing"][0]).locator(".text").click()  # below it may be a button
    likely = "document.querySelector('.more .pick.likely').lastChild.textContent"
    until(page, f"{likely} === 'billing'")
    page.hover(".more .pick >> text=delivery")
    page.mouse.down()
    with Project.open(studio.root / "changed answer") as project:
        for name, words in (("login", "charged, twice, fee, invoice, debited, bill"), ("billing", "password, sign in")):
            project.classes.set_words(project.classes.named(name).id, words)
    until(page, f"{likely} === 'login'")
    page.mouse.up()
    saved(page, 1)


@pytest.mark.full
def test_who_labels_while_items_are_added_keeps_the_place(opened, studio):
    page = opened()
    create(page, "grows")
    name_classes(page, list(MESSAGES))
    paste(page, TEXTS)
    row_of(page, TEXTS[5]).click()
    with Project.open(studio.root / "grows") as project:
        add_texts(project, ["When do you open?"])
    until(page, "document.querySelector('#list .row').ariaSetSize === '13'")
    assert TEXTS[5] in page.text_content("#list .row.current:focus-within")


READ_SLOWLY = """async () => {
    const ask = window.fetch, news = await (await ask("changes?since=0")).json();
    let done = 0;
    window.fetch = async (address, ...rest) => {
        if (!address.includes("changes?")) return ask(address, ...rest);
        await new Promise(resolve => setTimeout(resolve, 200));
        return Response.json({...news, subjects: [], reading: {done: done += 100, total: 1e6}});
    };
}"""


@pytest.mark.full
def test_reading_says_about_how_long_it_takes(opened):
    page = opened()
    create(page, "long")
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", "\n".join(TEXTS))
    page.click("#paste-add")
    page.wait_for_selector("#shown >> text=12 items")
    page.evaluate(READ_SLOWLY)
    page.wait_for_selector("#reading >> text=/Reading .* · about [0-9,]+ minutes left/")


@pytest.mark.full
def test_the_focus_goes_to_what_took_the_place_of_what_a_key_removed(opened):
    page = opened()
    create(page, "by keyboard")
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    focused = "document.activeElement.getAttribute('aria-label')"
    page.focus("[data-strike=charge]")
    following = page.evaluate("document.activeElement.closest('.chip').nextElementSibling.dataset.part")
    page.keyboard.press("Enter")
    until(page, f"{focused} === 'Leave out {following.removeprefix('word ')}'")
    page.focus("[aria-label='Edit billing']")
    page.keyboard.press("Enter")
    page.click("#sheet .danger")
    until(page, f"{focused} === 'Edit login'")


@pytest.mark.full
def test_what_has_the_focus_keeps_it_when_its_panel_is_drawn_anew(opened, studio):
    page = opened()
    create(page, "focus")
    page.fill("#new-class textarea", "billing\ndelivery")
    page.click("#new-class .main")
    page.focus(".ask.words textarea >> nth=1")
    with Project.open(studio.root / "focus") as project:
        project.classes.add("login")
        page.wait_for_selector(".class >> text=login")
        page.keyboard.type("parcel")
        page.wait_for_selector("[name=words-2]:focus")
        assert page.input_value("[name=words-2]") == "parcel"
        page.fill("[name=words-2]", "")
        page.focus("[data-skip-words]")
        project.classes.add("refund")
        page.wait_for_selector(".class >> text=refund")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-skip-words]", state="detached")
        page.click("[data-add-word] >> nth=0")
        with page.expect_response(lambda one: "changes?" in one.url and "classes" in one.json()["subjects"]):
            project.classes.add("praise")
    page.wait_for_timeout(500)  # in which the panel would be drawn, and the form that was opened be gone
    page.keyboard.type("fee")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip.own >> text=fee")
    page.wait_for_selector(".class >> text=praise")


@pytest.mark.full
def test_the_browser_asks_before_it_leaves_what_is_typed_but_nothing_that_was_sent_or_canceled(opened):
    page, asked = opened(), []
    page.on("dialog", lambda one: (asked.append(one.type), one.accept()))

    def asks():
        asked.clear()
        page.reload()
        return asked == ["beforeunload"]

    page.click("[data-open=new-project]")
    page.fill("#new-project [name=name]", "asked")
    assert asks()
    create(page, "asked")
    page.fill("#new-class textarea", "billing")
    assert asks()
    name_classes(page, ["billing", "login"])
    paste(page, TEXTS)
    assert not asks()
    for opens, field, sends, cancels in (
        ("[data-add-class]", "#new-class input", "", "[data-cancel-class]"),
        ("[data-add-word] >> nth=0", ".chips [name=add] >> nth=0", "", ""),
        ("#edit-1", "#sheet textarea", "#sheet .main", "#sheet [data-close]"),
        ("#add-items", "#paste-text", "#paste-add", "#add [data-close]"),
    ):
        page.click(opens)
        page.fill(field, "invoice")
        assert asks(), field
        for ends in filter(None, (sends, cancels)):
            page.click(opens)
            page.fill(field, "invoice")
            page.click(ends)
            page.wait_for_selector(field, state="hidden")
            assert not asks(), ends
    page.click("#add-items")
    page.fill("#paste-text", "late\tdelivery\nlost\tdelivery")
    page.click("#paste-add")
    page.wait_for_selector("#sheet[open] [data-column=text]")
    assert asks(), "the columns of pasted cells are being chosen"
    page.fill("#search", "invoice")
    assert not asks()
    page.click(".home")
    for ends in ("", "[data-close]", ".main"):
        page.click("[aria-label='Edit asked']")
        page.fill("#edit-project [name=name]", "renamed")
        if ends:
            page.click(f"#edit-project {ends}")
            page.wait_for_selector("#edit-project", state="hidden")
        assert asks() == (not ends), ends
    page.wait_for_selector("[aria-label='Edit renamed']")
