import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from anyshot.base import threads
from anyshot.base.threads import SMALL, one_at_a_time, threads_for
from anyshot.tasks.vector_classifiers import AnyShotHead


def blas_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Let BLAS use two threads, also on a machine with one core; threads of those who run the tests do not count."""
    earlier, is_idle = threading.enumerate(), threads._is_idle
    monkeypatch.setattr(threads, "_is_idle", lambda thread: thread in earlier or is_idle(thread))
    with threadpool_limits(limits=2, user_api="blas"):
        yield


@contextmanager
def another_thread(Thread=threading.Thread, **options):
    """Keep another Python thread alive in the block; it waits."""
    end = threading.Event()
    thread = Thread(target=end.wait, **options)
    thread.start()
    try:
        yield thread
    finally:
        end.set()
        thread.join()


def test_small_work_uses_one_thread_and_the_limit_is_restored():
    with threads_for(SMALL - 1):
        assert set(blas_threads()) == {1}
        with threads_for(1):
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_large_work_is_not_limited():
    with threads_for(SMALL):
        assert set(blas_threads()) == {2}


def test_an_error_restores_the_limit():
    def failing():
        with threads_for(1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()
    assert set(blas_threads()) == {2}


def test_no_limit_is_set_while_another_thread_is_alive():
    with another_thread(), threads_for(1):
        assert set(blas_threads()) == {2}
    with threads_for(1):
        assert set(blas_threads()) == {1}


def test_no_limit_is_set_in_a_thread_beside_the_main_thread():
    def limited(_):
        with threads_for(1):
            return blas_threads()

    with ThreadPoolExecutor(4) as pool:
        assert {count for counts in pool.map(limited, range(8)) for count in counts} == {2}


@pytest.mark.parametrize("module", ["ipykernel.heartbeat", "tqdm._monitor"])
def test_threads_of_a_jupyter_kernel_and_of_progress_bars_do_not_count(module):
    class Waiting(threading.Thread):
        __module__ = module

    with another_thread(Waiting), another_thread(name="IOPub"), threads_for(1):
        assert set(blas_threads()) == {1}


def test_a_thread_that_computes_during_a_fit_never_sees_a_limit():
    X, y, seen = np.eye(8, dtype=np.float32).repeat(4, axis=0), np.arange(8).repeat(4), set()
    end, began = threading.Event(), threading.Event()

    def compute():
        while not end.is_set():
            seen.update(blas_threads())
            began.set()

    thread = threading.Thread(target=compute)
    thread.start()
    began.wait()
    for _ in range(3):
        AnyShotHead().fit(X, y)
    end.set()
    thread.join()
    assert seen == {2}
    assert set(blas_threads()) == {2}


class Counter:
    """A number that two threads which add at once would lose additions of."""

    def __init__(self):
        self.n = 0

    @one_at_a_time
    def add(self, amount=1):
        """Add slowly."""
        before = self.n
        time.sleep(0.001)
        self.n = before + amount
        return self.n

    @one_at_a_time
    def add_twice(self):
        return self.add() + self.add()


def test_methods_that_run_one_at_a_time_lose_nothing_and_may_call_each_other():
    counter = Counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: counter.add_twice(), range(20)))
    assert counter.n == 40
    assert Counter.add.__doc__ == "Add slowly."


def test_objects_do_not_wait_for_each_other():
    one, other, entered = Counter(), Counter(), threading.Event()

    class Holder(Counter):
        @one_at_a_time
        def hold(self):
            entered.set()
            return other.add(), one.add()

    assert Holder().hold() == (1, 1)
    assert entered.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have():
    counter, held, end = Counter(), threading.Event(), threading.Event()

    class Held(Counter):
        @one_at_a_time
        def hold(self):
            held.set()
            end.wait(60)

    counter = Held()
    thread = threading.Thread(target=counter.hold)
    thread.start()
    held.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(counter.add() - 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    end.set()
    thread.join()
