"""A project with messages, half of which have labels, its answers, and a studio with a browser that shows it."""

import pytest

from anyshot.app.studio import Answers, Project, add_rows, add_texts
from browsers import launched
from shop_customers import customers
from shop_messages import CLASSES, MESSAGES
from studio_page import CAMERA, Studio

STAYS = """{  // what is shown for some seconds stays: a busy machine takes longer to read it
    const wait = window.setTimeout;
    window.setTimeout = (work, milliseconds, ...rest) => wait(work, milliseconds >= 5000 ? 1e9 : milliseconds, ...rest);
}"""


@pytest.fixture
def project(tmp_path):
    """A project of texts without items."""
    with Project.create(tmp_path / "project", name="Mail") as project:
        yield project


@pytest.fixture
def written(tmp_path):
    """Write a text to a file, and return its path."""

    def write(text, name="mail.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def half_labeled(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("views") / "mail", name="Mail") as project:
        add_texts(project, MESSAGES)
        ids = {name: project.classes.add(name) for name in CLASSES}
        for item in project.items.get(project.items.labels().ids)[::2]:
            project.label([item.id], ids[MESSAGES[item.content]])
        yield project


@pytest.fixture(scope="module")
def half_answers(half_labeled):
    answers = Answers(half_labeled, start=False)
    answers.refit()
    return answers


@pytest.fixture(scope="module")
def chromium():
    with launched(*CAMERA) as browser:
        yield browser


@pytest.fixture(scope="module")
def studio(chromium, tmp_path_factory):
    running = Studio(tmp_path_factory.mktemp("projects"))
    yield running
    running.close()


@pytest.fixture
def opened(chromium, studio):
    """Open a page; at the end there is no error in the console, and no request has left the studio."""
    faults, contexts = [], []

    def open_page(path="", *, width=1360, height=820, scheme="light", language="en-US", touch=False, expected=()):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, locale=language, has_touch=touch
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(180_000)
        page.add_init_script(STAYS)
        page.on("pageerror", lambda error: faults.append(f"{error}\n{error.stack}"))
        page.on("console", lambda one: one.type in ("error", "warning") and faults.append(one.text))
        page.on("request", lambda one: one.url.startswith((studio.address, "blob:")) or faults.append(one.url))
        page.expected = expected
        page.goto(studio.address + path)
        return page

    yield open_page
    expected = [text for context in contexts for page in context.pages for text in getattr(page, "expected", ())]
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not any(text in fault for text in expected)] == []


@pytest.fixture(scope="session")
def customer_rows(tmp_path_factory):
    """A project of customers, four of whom have a label, with its answers."""
    folder = tmp_path_factory.mktemp("customers")
    customers().to_csv(folder / "customers.csv", sep=";", index=False)
    with Project.create(folder / "project", name="Customers", kind="rows") as project:
        add_rows(project, folder / "customers.csv")
        ids = {name: project.classes.add(name) for name in ("left", "stays", "new")}
        for item in range(1, 5):
            project.label([item], ids["left" if item % 2 else "stays"])
        answers = Answers(project, start=False)
        answers.refit()
        yield project, answers
