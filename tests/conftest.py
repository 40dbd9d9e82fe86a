"""Fixtures that several test files share."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

# Before numpy is loaded: threads that wait for each other at every small product make tests on a busy machine crawl.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

import needed_packages
import touched
from anyshot.base.validation import Vectors, unit

STARTED, LEFT_OUT = pytest.StashKey[float](), pytest.StashKey[list[pytest.Item]]()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(needed_packages)  # whose hooks see the files of src, too
    for name in ("NO_PROXY", "no_proxy"):  # the servers of the tests are on this machine
        os.environ[name] = ",".join([*filter(None, [os.environ.get(name)]), "127.0.0.1", "localhost"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--touched", metavar="COMMIT", help="run what differs from COMMIT touches, the nearest first")
    parser.addoption("--full", action="store_true", help="run all tests, those of random faults as often as stated")
    parser.addoption("--seconds", type=float, metavar="N", help="stop after N seconds of tests, and say so")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a `fault` the seeds of random faults: a few by default, with --full all that it states."""
    if "fault" in metafunc.fixturenames and hasattr(metafunc.module, "N_FAULTS"):
        few, full = metafunc.module.N_FAULTS
        metafunc.parametrize("fault", range(full if metafunc.config.getoption("full") else few))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("full"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("full")])
        items[:] = [item for item in items if not item.get_closest_marker("full")]
    commit = config.getoption("touched")
    if commit is None:
        return
    near = touched.distances(touched.changed_files(commit))
    order = {item: touched.order_of(item.location[0], item.name, near) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if order[item] is None])
    items[:] = sorted((item for item in items if order[item] is not None), key=lambda item: order[item] or 0)


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[STARTED], session.config.stash[LEFT_OUT] = time.monotonic(), []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    seconds = item.config.getoption("seconds")
    if seconds is None or time.monotonic() - item.config.stash[STARTED] < seconds:
        return None
    item.config.stash[LEFT_OUT].append(item)
    return True  # handled: it is not run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, [])
    if left_out:
        terminalreporter.write_line(f"The time is over: {len(left_out)} more tests were not run. make test runs all.")


class LetterEncoder:
    """A text encoder of 26 numbers: the count of each letter. It needs no download."""

    modality = "text"
    width = 26
    digest = "letters-1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, inputs: Sequence[str]) -> Vectors:
        self.encoded.extend(inputs)
        counts = [[text.lower().count(chr(ord("a") + i)) for i in range(26)] for text in inputs]
        return unit(np.array(counts, dtype=np.float32).reshape(-1, 26) + 1e-3)


@pytest.fixture
def letters() -> LetterEncoder:
    return LetterEncoder()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data sets, or skip the test by name where there is none."""
    folder = Path(os.environ.get("ANYSHOT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the real data sets: set ANYSHOT_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the vectors of tests that encode the thousand ImageNet names: once is enough."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "one_cache"  # all processes share it
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> str:
    """A tiny BERT of random weights in a folder, by the name that loads it."""
    import tiny_language_models as tiny  # torch and transformers, for the tests that ask for it only

    return f"hf:{tiny.saved('bert', tmp_path_factory.mktemp('bert'))[0]}"
