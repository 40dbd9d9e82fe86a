"""A studio that runs, and the steps that tests of its page share."""

import socket
import threading
import time
from pathlib import Path

import pytest

from anyshot.app.studio.page import Projects
from anyshot.app.studio.page.starting import StudioServer

MESSAGES = {
    "billing": ["I was charged twice", "There is a fee on my invoice", "My card was debited two times", "Wrong bill"],
    "delivery": ["Where is my parcel?", "The courier never came", "My package is late", "The box arrived broken"],
    "login": ["I cannot sign in", "My password does not work", "The code never arrives", "My account is locked"],
}
TEXTS = [text for texts in zip(*MESSAGES.values(), strict=True) for text in texts]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Studio:
    """A studio that can be stopped and started again under the same address."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = socket.socket()  # keeps the port while the studio is stopped; it never listens
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        self.projects = Projects(self.root)
        self.server = StudioServer(self.projects, port=self.port)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.02)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def close(self) -> None:
        self.stop()
        self.place.close()


def create(page, name, kind="texts"):
    page.click("[data-open=new-project]")
    page.fill("#new-project [name=name]", name)
    page.check(f"#new-project [value={kind}]")
    page.click("#new-project .main")
    page.wait_for_url("**/p/**")


def name_classes(page, names):
    page.fill("#new-class textarea", "\n".join(names))
    page.click("#new-class .main")
    page.wait_for_selector(".ask.words")
    until(page, "() => { const skip = document.querySelector('[data-skip-words]'); skip?.click(); return !skip }")


def paste(page, texts):
    page.click("#no-items [data-tab=paste]")
    page.fill("#paste-text", "\n".join(texts))
    page.click("#paste-add")
    answered(page)


def until(page, expression, arg=None):
    """Wait until an expression is true; the content policy forbids Playwright's own way, which evaluates strings."""
    deadline = time.monotonic() + 180  # a busy machine takes long
    while not page.evaluate(expression, arg):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def answered(page):
    until(
        page,
        "[...document.querySelectorAll('#list [data-item] .meter i')].some(one => parseFloat(one.style.width) > 0)",
    )


def saved(page, n_labels):
    until(page, "n => document.querySelector('#saved').textContent.includes(` ${n} `)", n_labels)


def row_of(page, text):
    return page.locator("#list .row", has_text=text)


def download(page, name):
    with page.expect_download() as found:
        page.click(f"[href$='export/{name}']")
    return Path(found.value.path()).read_bytes()


def check(page):
    """Assert that axe-core finds no serious fault in what the page shows."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => 0)))")
    found = axe.run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious]
    assert faults == [], faults
