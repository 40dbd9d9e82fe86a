"""How many processors this process may use: its affinity, the limit of its container, and OMP_NUM_THREADS."""

import math
import os
from pathlib import Path
from typing import Final

from anyshot.base.validation import is_whole
from anyshot.errors import InputError

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUPS: Final = Path("/proc/self/cgroup")


def n_threads(threads: int | None = None) -> int:
    """Return the number of threads to use: `threads`, or else `usable_processors()`.

    Raises InputError if `threads` is not a whole number of at least 1.
    """
    if threads is None:
        return usable_processors()
    if not is_whole(threads) or threads < 1:
        raise InputError(
            f"threads={threads!r} must be a whole number of at least 1. Without it, the encoder uses the "
            f"{usable_processors()} processors that this process may use."
        )
    return int(threads)


def usable_processors() -> int:
    """Return the number of processors that this process may use, at least 1."""
    limits = [_affinity(), _quota(CGROUPS, OWN_CGROUPS), _from_environment()]
    return max(1, min(limit for limit in limits if limit is not None))


def _affinity() -> int:
    """Return how many processors the process is bound to; macOS and Windows cannot tell, so there it is all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _from_environment() -> int | None:
    """Return OMP_NUM_THREADS, by which other numeric libraries are limited too; None if it is not a number."""
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(stated) if stated.isdigit() and int(stated) > 0 else None


def _quota(root: Path, own: Path) -> int | None:
    """Return the processors that the control groups of this process allow, rounded up; None if they set no limit.

    root: where Linux shows the groups; own: the file that names those of this process. A group is limited by the groups
    that contain it as well. In a container, the named path may not exist, and the limit stands at the root.
    """
    quotas = [_quota_of_version_2(root / name) for name in _with_parents(_group(own, ""))]
    cpu = next((folder for folder in (root / "cpu", root / "cpu,cpuacct") if folder.is_dir()), None)
    if cpu is not None:
        quotas += [_quota_of_version_1(cpu / name) for name in _with_parents(_group(own, "cpu"))]
    limits = [math.ceil(quota) for quota in quotas if quota is not None]
    return min(limits, default=None)


def _group(own: Path, controller: str) -> str:
    """Return the path of the process's group of one controller, relative to the root; of version 2 it has no name."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return ""
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.strip("/")
    return ""


def _with_parents(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", "..")]
    return ["/".join(parts[:n]) for n in range(len(parts) + 1)]


def _quota_of_version_2(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    return _share(quota, period)


def _quota_of_version_1(folder: Path) -> float | None:
    return _share(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _share(quota: str, period: str) -> float | None:
    """Return the processors that a quota of each period allows; None for "max" and -1, which set no limit."""
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
