"""Pictures of the page for the documentation, drawn on request."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from anyshot.app.studio import Project
from anyshot.data import messages
from studio_page import answered, check, saved

IMAGES = Path(__file__).parents[3] / "docs" / "images"


@pytest.mark.full
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_five_states(opened, studio, scheme, tmp_path):
    """Take the pictures of docs/images, small files of few colors; with ANYSHOT_PICTURES=1 they are written there."""
    folder = IMAGES if os.environ.get("ANYSHOT_PICTURES") else tmp_path

    def shoot(page, name):
        page.wait_for_timeout(400)
        page.evaluate("document.getElementById('toast')?.setAttribute('hidden', '')")
        check(page)
        picture = Image.open(io.BytesIO(page.screenshot()))
        few = picture.convert("RGB").quantize(192, dither=Image.Dither.NONE)
        few.save(folder / f"studio_{name}_{scheme}.png", optimize=True)

    page = opened(width=1280, height=800, scheme=scheme)
    page.wait_for_selector(".tiles")
    page.evaluate("document.querySelector('.projects')?.parentElement.remove()")
    shoot(page, "start")
    page.click("[value=texts].tile")
    page.wait_for_url("**/p/**")
    answered(page)
    shoot(page, "first_answers")
    label_sample(page, max(studio.root.glob("sample texts*"), key=lambda one: one.stat().st_ctime))
    page.click("#list .row >> nth=1")
    page.keyboard.press("w")
    page.wait_for_selector(".why li")
    shoot(page, "labeled")
    page.click("[hx-get$='/export']")
    page.wait_for_selector("#sheet[open]")
    shoot(page, "export")
    address = page.url.split("/", 3)[3]
    phone = opened(address, width=375, height=740, scheme=scheme, touch=True)
    answered(phone)
    check(phone)
    pictures = opened(width=1280, height=800, scheme=scheme)
    pictures.click("[value=images].tile")
    pictures.wait_for_url("**/p/**")
    answered(pictures)
    shoot(pictures, "images")


def label_sample(page, folder):
    """Label messages of the sample as a person would, in another tab, until there are figures and a curve."""
    sample = messages()
    truth = dict(zip(map(str, sample.items), sample.labels, strict=True))
    with Project.open(folder) as project:
        classes = {"none": "unknown"} | {one.name: one.id for one in project.classes.all()}
        items = project.items.get(project.items.labels().ids)
        labeled = [(one.id, classes[truth[one.content]]) for one in items]
        for start in range(0, 48, 12):
            for item, number in labeled[start : start + 12]:
                project.label([item], number)
            saved(page, start + 12)
            page.wait_for_timeout(1500)
