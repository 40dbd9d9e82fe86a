from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import threadpool_info

from anyshot.base.threads import SMALL, threads_for


def blas_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_small_work_is_done_by_one_thread_and_the_setting_comes_back():
    before = blas_threads()
    with threads_for(SMALL - 1):
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_large_work_is_left_as_the_machine_is_set_up():
    before = blas_threads()
    with threads_for(SMALL):
        assert blas_threads() == before


def test_work_in_several_threads_at_once_leaves_the_setting_as_it_was():
    before, together = blas_threads(), Barrier(4)

    def work(_):
        with threads_for(0):
            together.wait()  # all are within at once
            return blas_threads()

    with ThreadPoolExecutor(4) as pool:
        assert {count for counts in pool.map(work, range(4)) for count in counts} == {1}
    assert blas_threads() == before
