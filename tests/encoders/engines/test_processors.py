"""How many processors a process may use, by affinity, control groups and the environment."""

import os

import pytest

from anyshot.encoders.engines import processors
from anyshot.encoders.engines.processors import n_threads, usable_processors
from anyshot.errors import InputError


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Sixteen processors, no limits; returns a function that writes files of control groups."""
    monkeypatch.setattr(processors, "_affinity", lambda: 16)
    monkeypatch.setattr(processors, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(processors, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def write(own: str, **files: str) -> None:
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            file = tmp_path / "cgroup" / name.replace("__", "/").replace("_of_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return write


def test_without_limits_all_processors_are_used(machine):
    machine("0::/\n", cpu_of_max="max 100000\n")
    assert usable_processors() == 16


@pytest.mark.parametrize(("quota", "expected"), [("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1)])
def test_a_containers_limit_is_rounded_up(machine, quota, expected):
    machine("0::/\n", cpu_of_max=quota)
    assert usable_processors() == expected


def test_the_limit_of_a_group_above_counts(machine):
    machine("0::/service/job\n", service__cpu_of_max="300000 100000", service__job__cpu_of_max="max 100000")
    assert usable_processors() == 3


def test_control_groups_of_version_1_count(machine):
    files = {"cpu__box__cpu_of_cfs_quota_us": "400000", "cpu__box__cpu_of_cfs_period_us": "100000"}
    machine("3:cpu,cpuacct:/box\n0::/\n", **files)
    assert usable_processors() == 4
    machine("3:cpu,cpuacct:/box\n", **(files | {"cpu__box__cpu_of_cfs_quota_us": "-1"}))
    assert usable_processors() == 16


def test_a_group_that_is_not_shown_in_the_container_is_no_error(machine):
    machine("0::/../../elsewhere\n", cpu_of_max="500000 100000")
    assert usable_processors() == 5


@pytest.mark.parametrize(("stated", "expected"), [("3", 3), ("4,2", 4), ("0", 16), ("many", 16), ("64", 16)])
def test_omp_num_threads_limits_as_it_does_elsewhere(machine, monkeypatch, stated, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    assert usable_processors() == expected


def test_a_system_without_control_groups_has_no_limit(machine):
    assert usable_processors() == 16


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot tell")
def test_the_affinity_is_that_of_the_process():
    assert processors._affinity() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_that_are_no_number_of_threads_are_refused(threads):
    with pytest.raises(InputError, match=r"must be a whole number of at least 1\. Without it"):
        n_threads(threads)


def test_threads_override_the_limits(machine):
    assert (n_threads(40), n_threads()) == (40, 16)
