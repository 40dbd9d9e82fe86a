"""Labels that were reported as saved are there after the process was killed, at whatever moment."""

import random
import subprocess
import sys

import pytest

from anyshot.app.studio import Project, add_texts

N_FAULTS = (2, 40)
"""Kills at random moments: in every run of the tests, and in all of them."""

LABELING = """
import sys
from anyshot.app.studio import Project

with Project.open(sys.argv[1]) as project:
    print("ready", flush=True)
    for number in range(10_000):
        item = number % 500 + 1
        if number % 50 == 49:
            project.undo()
            print("undo", flush=True)
        else:
            project.label([item], number % 3 + 1)
            print(item, number % 3 + 1, flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills") / "project"
    with Project.create(folder, name="Mail") as project:
        add_texts(project, [f"message {number}" for number in range(500)])
        for name in ("billing", "delivery", "login"):
            project.classes.add(name)
    return folder


def test_every_label_that_was_reported_as_saved_is_there(folder, fault):
    with Project.open(folder) as project:
        project.undo(to=project.history.entries(limit=10_000)[-4].id)  # without labels, with the classes
        stored = project.items.labels().labels.tolist()
    process = subprocess.Popen([sys.executable, "-c", LABELING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    after = random.Random(fault).randint(1, 200)  # lines, and so at any moment of what comes next
    lines = [process.stdout.readline().split() for _ in range(after)]
    process.kill()
    lines += [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    expected, before = dict(enumerate(stored, start=1)), {}
    for line in lines:
        if line == ["undo"]:
            expected |= before
        else:
            item, label = map(int, line)
            before = {item: expected[item]}
            expected[item] = label
    with Project.open(folder) as project:
        assert project.database.column("pragma integrity_check") == ["ok"]
        found = project.items.labels()
        wrong = [
            item
            for item, label in zip(found.ids.tolist(), found.labels.tolist(), strict=True)
            if expected[item] != label
        ]
    assert len(wrong) <= 1, "only the label that was about to be reported may differ"
