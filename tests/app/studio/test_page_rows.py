"""The page in a browser with rows of numbers, dates and categories: from a spreadsheet to a labeled one and a model."""

import csv
import io
import zipfile

import pandas as pd
import pytest

from shop_customers import customers
from studio_page import answered, check, create, download, saved, until

CURRENT = "Number(document.querySelector('#list .row.current')?.dataset.item ?? 0)"


def label_current(page, n):
    """Label the current row as a person would, who knows the customer; n: how many labels there are then."""
    until(page, f"{CURRENT} > 0")
    left = customers()["status"][page.evaluate(CURRENT) - 1] == "left"
    page.keyboard.press("1" if left else "2")
    saved(page, n)
    return left


@pytest.mark.full
def test_customers_from_a_table_to_a_labeled_one_and_a_model(opened, tmp_path):
    customers().to_csv(tmp_path / "customers.csv", sep=";", index=False)
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "customers.csv")
    page.wait_for_selector("#sheet[open] [name=kind][value=rows]:checked")
    used = (
        "[...document.querySelectorAll('[data-use]:checked')].map(one => one.parentElement.innerText.split('\\n')[0])"
    )
    assert page.evaluate(used) == ["age", "income", "city", "since"]
    page.select_option("#sheet [name=label]", label="city")
    assert page.evaluate(used) == ["age", "income", "since"]
    check(page)
    page.select_option("#sheet [name=label]", value="")
    page.check("[data-use='3']")
    page.click("#sheet .main")
    page.wait_for_selector("body[data-kind=rows] #toast >> text=60 items added")
    page.fill("#new-class textarea", "left\nstays")
    page.click("#new-class .main")
    page.wait_for_selector(".card.next >> text=label at least one row of each class")
    assert page.locator(".hint").count() == 2
    assert not page.locator("[data-add-word], .ask.words").count()
    page.click("#list .row >> nth=0")
    assert {label_current(page, n) for n in range(1, 9)} == {True, False}
    answered(page)
    page.wait_for_selector(".headline >> text=right")
    page.keyboard.press("w")
    page.wait_for_selector(".why >> text=Close to “age: ")
    check(page)
    page.fill("#search", "rome")
    page.wait_for_selector(f"#shown >> text={(customers()['city'] == 'Rome').sum()} of 60 items")
    page.click("[hx-get$='/export']")
    table = list(csv.reader(io.StringIO(download(page, "labels.csv").decode("utf-8-sig"))))
    assert (table[0][-3:], len(table)) == (["class", "confidence", "confirmed"], 61)
    names = zipfile.ZipFile(io.BytesIO(download(page, "model.zip"))).namelist()
    assert any(name.endswith("model.json") for name in names)
    assert not page.locator("[href$='onnx.zip']").count()


@pytest.mark.full
def test_rows_are_pasted_into_an_empty_project_and_undone_in_both_tabs(opened):
    page = opened(language="de-DE", width=360, height=740, scheme="dark", touch=True)
    create(page, "Kunden")
    other, asked = opened(page.url.split("/", 3)[3], language="de-DE"), []
    other.on("dialog", lambda one: (asked.append(one.type), one.accept()))
    other.fill("#new-class textarea", "geht\nbleibt")
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", customers(20).drop(columns="status").to_csv(sep="\t", index=False))
    page.click("#paste-add")
    page.wait_for_selector("#sheet[open] .features")
    check(page)
    page.click("#sheet .main")
    for one in (page, other):
        one.wait_for_selector("body[data-kind=rows] #list .row .cells")
    until(other, "document.querySelector('#new-class textarea').value === 'geht\\nbleibt'")
    assert not asked  # though what is typed is not sent
    page.click("#list .row >> nth=1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    check(page)
    page.click("#undo")
    for one in (page, other):
        one.wait_for_selector("body[data-kind=texts] #no-items:visible")
    page.evaluate("document.activeElement.blur()")  # the box for the classes has the focus
    page.keyboard.press("Shift+Z")
    other.wait_for_selector("body[data-kind=rows] #list .row .cells")


@pytest.mark.full
def test_many_columns_are_cut_until_all_are_asked_for(opened, tmp_path):
    table = customers(12)[[]].assign(**{f"size {n}": [n + row % 5 for row in range(12)] for n in range(30)})
    with pd.ExcelWriter(tmp_path / "sizes.xlsx") as book:
        pd.DataFrame({"note": ["sizes in cm"]}).to_excel(book, sheet_name="About", index=False)
        table.to_excel(book, sheet_name="Sizes", index=False)
    page = opened()
    page.set_input_files("[data-start-file]", tmp_path / "sizes.xlsx")
    page.wait_for_selector("#sheet[open] [name=kind][value=texts]:checked")
    page.select_option("#sheet [name=sheet]", "Sizes")
    page.wait_for_selector("#sheet[open] [name=kind][value=rows]:checked")
    page.click("#sheet[open] .main")
    page.wait_for_selector("body[data-kind=rows] #list .row.current")
    cells = "[...document.querySelectorAll('#list .row.current .cells span')]"
    shown = f"{cells}.filter(one => one.checkVisibility()).length"
    until(page, f"{shown} === 12")
    page.emulate_media(media="print")
    until(page, f"{shown} === 30")
    page.emulate_media(media="screen")
    page.click("#list .row.current .cells button >> text=18 more")
    until(page, f"{shown} === 30 && document.activeElement.matches('.cells button')")
    check(page)
    page.click("#list .row.current .cells button >> text=fewer")
    until(page, f"{shown} === 12")
