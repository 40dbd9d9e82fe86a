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
        else:
            project.label([item], number % 3 + 1)
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills") / "project"
    with Project.create(folder, name="Mail") as project:
        add_texts(project, [f"message {number}" for number in range(500)])
        for name in ("billing", "delivery", "login"):
            project.classes.add(name)
    return folder


def labels_after(n_changes):
    """Return the labels of all items after some of the changes that `LABELING` makes."""
    labels, before = [0] * 500, (0, 0)
    for number in range(n_changes):
        if number % 50 == 49:
            labels[before[0]] = before[1]
        else:
            before = number % 500, labels[number % 500]
            labels[number % 500] = number % 3 + 1
    return labels


def test_every_label_that_was_reported_as_saved_is_there(folder, fault):
    with Project.open(folder) as project:
        project.undo(to=project.history.entries(limit=10**6)[-4].id)  # without labels, with the classes
    process = subprocess.Popen([sys.executable, "-c", LABELING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    reported = [process.stdout.readline() for _ in range(random.Random(fault).randint(1, 200))]
    process.kill()
    reported += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    with Project.open(folder) as project:
        assert project.database.column("pragma integrity_check") == ["ok"]
        found = project.items.labels().labels.tolist()
    # The change that was about to be reported may be there or not.
    assert found in (labels_after(len(reported)), labels_after(len(reported) + 1))
