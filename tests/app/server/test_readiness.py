"""What a service loads before its first change."""

from threadpoolctl import threadpool_info, threadpool_limits

from anyshot.app.server.readiness import fit_once


def test_blas_has_one_thread_once_changes_are_prepared():
    with threadpool_limits(2, "blas"):
        fit_once()
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
