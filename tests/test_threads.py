import numpy as np
from threadpoolctl import threadpool_info

from anyshot.threads import SMALL, threads_for


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
