"""The page on paper."""

import pytest

from studio_page import answered

pytestmark = pytest.mark.full

BUTTONS = """[...document.querySelectorAll('button:not(.plain), input, select, textarea')].filter(
    one => one.checkVisibility())"""
ROWS = "[...document.querySelectorAll('#list .row')].filter(one => one.checkVisibility())"
CUT = """[...document.querySelectorAll('.row, .row .text, .areas, .area, dialog[open]')].filter(
    one => one.checkVisibility() && one.scrollHeight > one.clientHeight + 2)"""


@pytest.mark.parametrize("width", [375, 1360])
def test_a_project_is_printed_without_buttons_in_dark_ink_and_says_how_many_items_are(opened, width):
    page = opened(width=width, scheme="dark")
    page.click("[value=texts].tile")
    page.wait_for_url("**/p/**")
    answered(page)
    page.emulate_media(media="print")
    assert page.evaluate(f"[{BUTTONS}.length, {CUT}.length]") == [0, 0]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    n, told = page.evaluate(f"(dispatchEvent(new Event('beforeprint')), [{ROWS}.length, printed.textContent])")
    assert told.startswith(f"{n} of 112 items are printed")
    assert page.is_visible("#printed")
    assert page.is_visible("#quality .headline")
    page.emulate_media(media="screen")
    assert not page.is_visible("#printed")
    page.click("[hx-get$=history]")
    page.wait_for_selector("#sheet[open]")
    page.emulate_media(media="print")
    assert page.evaluate(f"[{BUTTONS}.length, {CUT}.length]") == [0, 0]
    assert not page.is_visible(".areas")
