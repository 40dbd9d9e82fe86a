"""How fast the studio answers: the first answers to a file, a click, and scrolling, in a browser on this machine.

The texts are train rows of banking77's ten largest classes; the studio is a process of its own with an empty cache of
vectors. A click is on the button of a class; it is over when the answer of another item on the screen has changed.
`partial_fit` runs in this process with the same labels and pool after each click, so that both meet the same load.
Times are on the clock and, for a busy machine, of the server's processor.

    python benchmarks/studio_speed.py [--clicks 20]
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright
from support import load_text
from threadpoolctl import threadpool_limits

from anyshot.tasks import AnyShotClassifier

N_TEXTS, N_MANY, N_GIVEN = 1_000, 10_000, 10
RUN = """import sys
from pathlib import Path
from anyshot.app.studio.page import run_studio
run_studio(port=0, root=Path(sys.argv[1]), browse=None)"""
ANSWERED = "[...document.querySelectorAll('#list .meter i')].some(one => parseFloat(one.style.width) > 0)"
CLICK = """name => new Promise((done) => {
  const list = document.getElementById('list'), own = list.querySelector('.current').dataset.item;
  const start = performance.now();
  const isOther = ({ target, oldValue }) => target.matches('.meter i') && oldValue
    && oldValue !== target.getAttribute('style') && target.closest('[data-item]').dataset.item !== own;
  const watch = new MutationObserver((changes) => {
    if (!changes.some(isOther)) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - start));
  });
  watch.observe(list, { subtree: true, attributes: true, attributeFilter: ['style'], attributeOldValue: true });
  [...list.querySelectorAll('.current .pick')].find(one => one.lastChild.textContent === name).click();
})"""
SCROLL = """([seconds, by]) => new Promise((done) => {
  const one = document.getElementById('scroller'), start = performance.now();
  let frames = 0;
  const step = () => {
    frames++;
    one.scrollTop += by;
    const passed = performance.now() - start;
    if (passed < 1000 * seconds) requestAnimationFrame(step); else done(1000 * frames / passed);
  };
  requestAnimationFrame(step);
})"""


@dataclass(frozen=True)
class Server:
    """The studio that is measured."""

    address: str
    pid: int

    def processor_time(self) -> float:
        """Return the processor time that it has taken [s]."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_at_rest(self) -> None:
        """Wait until it has done nearly nothing for six seconds: on a busy machine, a refit gets little time."""
        before, since = self.processor_time(), time.monotonic()
        while time.monotonic() - since < 6:
            time.sleep(0.1)
            now = self.processor_time()
            if now - before > 0.2:
                before, since = now, time.monotonic()


def main() -> None:
    """Print the three figures beside their targets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clicks", type=int, default=20)
    n_clicks = parser.parse_args().clicks
    loaded = load_text("banking77")
    table = pd.DataFrame({"text": [" ".join(text.split()) for text in loaded.train], "label": loaded.y})
    names = table["label"].value_counts().index[:10].tolist()
    table = table[table["label"].isin(names)].drop_duplicates("text").sample(frac=1, random_state=0)[:N_TEXTS]
    truth = dict(zip(table["text"], table["label"].str.replace("_", " "), strict=True))
    names = [name.replace("_", " ") for name in names]
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1360, "height": 820})
        page.set_default_timeout(120_000)
        clock, processor = first_answers(page, server, list(truth), names, Path(scratch))
        print(f"first answers to 1,000 texts: {clock:.1f} s, processor {processor:.1f} s (target 5)", flush=True)
        taken = clicks(page, server, truth, names, n_clicks)
        for name, (own, fit) in {"clock": taken[:2], "processor": taken[2:]}.items():
            ratio = f"partial_fit {fit:.0f} ms, {own / fit:.2f} times (target 1.5)"
            print(f"changed answers after a click, {name}: {own:.0f} ms (target 500), {ratio}", flush=True)
        own, at_rest = frames(page, server, Path(scratch))
        print(f"frames a second while 10,000 items are scrolled: {own:.0f} (target 50), at rest {at_rest:.0f}")
        browser.close()


@contextlib.contextmanager
def running(scratch: Path) -> Iterator[Server]:
    """Run the studio with an empty cache and no projects."""
    environment = {**os.environ, "ANYSHOT_CACHE": str(scratch / "cache")}
    command = [sys.executable, "-c", RUN, str(scratch / "projects")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    yield Server(process.stdout.readline().split(": ", 1)[1].strip(), process.pid)
    process.terminate()
    process.wait()


def first_answers(page: Page, server: Server, texts: list[str], names: list[str], folder: Path) -> tuple[float, float]:
    """Return how long after a file was dropped the first answers are on the screen, by clock and processor [s]."""
    (folder / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    page.goto(server.address)
    page.click("[data-open=new-project]")
    page.fill("#new-project [name=name]", "speed")
    page.click("#new-project .main")
    page.wait_for_url("**/p/**")
    page.fill("#new-class textarea", "\n".join(names))
    page.click("#new-class .main")
    until(page, f"document.querySelectorAll('#classes .class').length > {len(names)}")
    while page.locator("[data-skip-words]").count():
        page.evaluate("document.querySelector('[data-skip-words]')?.click()")
        time.sleep(0.05)
    server.wait_until_at_rest()
    start, used = time.perf_counter(), server.processor_time()
    page.set_input_files("#file-input", folder / "texts.txt")
    until(page, ANSWERED)
    return time.perf_counter() - start, server.processor_time() - used


def clicks(page: Page, server: Server, truth: dict[str, str], names: list[str], n: int) -> list[float]:
    """Return the medians of clicks and of `partial_fit` of the same texts, by clock, then by processor [ms]."""
    given = list(truth)[:N_GIVEN]
    clf = AnyShotClassifier(names, long_texts="mean").fit(given, [truth[one] for one in given], unlabeled=list(truth))
    server.wait_until_at_rest()
    taken = []
    for step in range(N_GIVEN + n):
        text = page.text_content("#list .current .text") or ""
        used = server.processor_time()
        clock = page.evaluate(CLICK, truth[text])
        used = 1000 * (server.processor_time() - used)
        server.wait_until_at_rest()
        if step >= N_GIVEN:
            with threadpool_limits(1, "blas"):
                start, fit = time.perf_counter(), time.process_time()
                clf.partial_fit([text], [truth[text]])
            taken.append((clock, 1000 * (time.perf_counter() - start), used, 1000 * (time.process_time() - fit)))
    return list(np.median(taken, axis=0))


def frames(page: Page, server: Server, folder: Path) -> tuple[float, float]:
    """Return the frames a second while 10,000 items are scrolled, once they are read, and while nothing moves."""
    (folder / "many.csv").write_text("text\n" + "".join(f"message number {n}\n" for n in range(N_MANY)))
    page.goto(server.address)
    page.set_input_files("[data-start-file]", folder / "many.csv")
    page.click("#sheet .main")
    page.wait_for_selector("#shown >> text=10,000 items")
    page.select_option("#view", "added")
    page.wait_for_timeout(2_000)
    until(page, "document.querySelector('#reading').hidden")
    server.wait_until_at_rest()
    found = [[page.evaluate(SCROLL, [3, by]) for by in (60, 0)] for _ in range(4)]
    return tuple(np.median(found, axis=0))


def until(page: Page, expression: str) -> None:
    """Wait until an expression is true."""
    while not page.evaluate(expression):
        page.wait_for_timeout(20)


if __name__ == "__main__":
    main()
