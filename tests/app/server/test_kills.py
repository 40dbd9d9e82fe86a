"""Writers that are killed at random moments: every change that was acknowledged is there afterward."""

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from anyshot import AnyShotClassifier
from anyshot.tasks.loading import load

N_FAULTS = (2, 60)
LEFT, RIGHT = [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]
# Processes that write to a folder until they are killed, forked from one that has loaded everything. Each example is
# an angle of its own; its number is printed once the change is acknowledged.
NURSERY = """
import itertools, os, sys, threading
from functools import partial
from pathlib import Path
from anyshot.app.server.changes import AddExamples
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.readiness import fit_once
from anyshot.tasks.loading import load

fit_once()
print("ready", flush=True)

def write(live, first):
    for number in itertools.count(first, 4):
        live.change(AddExamples([[1.0, number / 1000, 0.0]], ["right"])).result()
        os.write(1, f"{number}\\n".encode())

for line in sys.stdin:
    folder, first = line.split()
    pid = os.fork()
    if pid == 0:
        live = LiveModel("points", Path(folder), partial(load, cache=False), keep=3)
        for thread in range(4):
            threading.Thread(target=write, args=(live, int(first) + thread)).start()
        threading.Event().wait()
    os.write(1, f"pid {pid}\\n".encode())
    os.waitpid(pid, 0)
    os.write(1, b"ended\\n")
"""


@pytest.fixture(scope="module")
def nursery():
    arguments = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The model that all writers change, one after another."""
    place = tmp_path_factory.mktemp("kills") / "points"
    AnyShotClassifier({"left": LEFT, "right": RIGHT}, cache=False).fit([LEFT], ["left"]).save(place)
    return place


def numbers_in(folder):
    """Return the numbers of the examples that the model in a folder knows."""
    points, _ = load(folder, cache=False).training_examples()
    return {round(1000 * y / x) for x, y, _ in points.tolist() if x > 0}


def test_every_acknowledged_label_survives_a_kill(nursery, folder, fault):
    before = numbers_in(folder)
    nursery.stdin.write(f"{folder} {1 + max(before, default=0)}\n")
    pid = int(nursery.stdout.readline().removeprefix("pid "))
    first = int(nursery.stdout.readline())
    threading.Timer(random.Random(fault).random() / 3, os.kill, (pid, signal.SIGKILL)).start()
    acknowledged = {first} | {int(line) for line in iter(nursery.stdout.readline, "ended\n")}
    assert acknowledged | before <= numbers_in(folder)
