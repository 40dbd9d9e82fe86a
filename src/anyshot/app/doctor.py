"""What this machine has of what anyshot needs, what is amiss, and what mends it.

What may be broken is tried in a process of its own: a broken torch or torchvision takes down whatever imports it.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anyshot import store
from anyshot.encoders.registry import Available, available
from anyshot.errors import AnyshotError

PACKAGES: Final = ("torch", "numpy", "scipy", "scikit-learn", "transformers", "sentence-transformers", "tokenizers")
PATIENCE: Final = 120  # seconds that a trial may take

_SAMPLES: Final = {"text": "['a parcel']", "image": "[__import__('numpy').zeros((8, 8, 3), 'uint8')]"}
_COMPUTE: Final = """
import torch
from anyshot.encoders.compute import choose, multiplies_bfloat16
print(torch.get_num_threads())
print(multiplies_bfloat16(torch.device("cpu")))
print(torch.cuda.get_device_name() if torch.cuda.is_available() else "")
chosen = choose()
print(chosen.device, str(chosen.dtype).removeprefix("torch."))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    found: str
    mend: str | None = None
    """The command that mends it, or what to do; None where nothing is amiss."""


def examine() -> list[Finding]:
    """Return what was found, in the order in which a person would ask."""
    trials: list[Callable[[], list[Finding]]] = [_compute, _torchvision]
    trials += [partial(_encoder, entry) for entry in available()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        compute, *others = pool.map(lambda trial: trial(), trials)
    encoders = [finding for found in others for finding in found]
    return [*_versions(), *compute, *encoders, _cache(), _download()]


def report(findings: Sequence[Finding]) -> Group:
    """Return the findings as a table, and what to do beneath it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("looked at", no_wrap=True)
    table.add_column("found", overflow="fold")
    for one in findings:
        mark = Text("x", style="bold red") if one.mend else Text("ok", style="green")
        table.add_row(mark, Text(one.subject), Text(one.found))
    amiss = [one for one in findings if one.mend]
    remedies = [Text(f"{one.subject}: {one.mend}", style="bold") for one in amiss]
    return Group(table, *(remedies or [Text("Nothing is amiss.")]))


def _versions() -> list[Finding]:
    found = [
        Finding("anyshot", metadata.version("anyshot")),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    for name in PACKAGES:
        version = _version(name)
        found.append(Finding(name, version or "not installed", None if version else f"pip install {name}"))
    return found


def _compute() -> list[Finding]:
    """Say how fast encoders can run here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    done, said = _try(_COMPUTE)
    if not done:
        return [
            Finding("cores", str(cores)),
            Finding("torch works", said, "pip install --force-reinstall torch"),
        ]
    threads, bfloat16, gpu, chosen = said.split("\n")
    has = "yes" if bfloat16 == "True" else "no: encoders run in float32, about three times slower"
    return [
        Finding("cores", f"{cores}, of which torch uses {threads}"),
        Finding("bfloat16 on the CPU", has),
        Finding("GPU", gpu or "none that torch sees"),
        Finding("encoders run on", chosen.replace(" ", " in ")),
    ]


def _encoder(entry: Available) -> list[Finding]:
    """Say whether an encoder that comes with a package is here and whole: it encodes something."""
    if entry.on_this_machine is None:
        return []
    subject = f"encoder {entry.name}"
    if not entry.on_this_machine:
        return [Finding(subject, "its weights are not on this machine", entry.fetch)]
    done, said = _try(f"import anyshot; anyshot.load_encoder({entry.name!r}).encode({_SAMPLES[entry.modality]})")
    if done:
        return [Finding(subject, f"here and whole, {entry.megabytes} MB")]
    return [Finding(subject, said, entry.fetch.replace("install", "install --force-reinstall --no-deps", 1))]


def _torchvision() -> list[Finding]:
    """Find a torchvision that does not fit torch; where there is none, nothing is said, for nothing needs it."""
    version = _version("torchvision")
    if version is None:
        return []
    done, said = _try("import torchvision")
    if done:
        return [Finding("torchvision", version)]
    broken = f"{version} does not fit torch {_version('torch')} ({said}); with it, transformers cannot load models"
    return [Finding("torchvision", broken, f"{sys.executable} -m pip uninstall -y torchvision   (anyshot needs none)")]


def _cache() -> Finding:
    try:
        encoded = store.VectorCache()
        vectors, size = encoded.size()
    except AnyshotError as error:
        return Finding("cache", str(error), "set ANYSHOT_CACHE to a folder that can be written")
    place = encoded.folder if encoded.folder.exists() else encoded.folder.parent
    while not place.exists():
        place = place.parent
    held = f"{vectors:,} vectors, {size / 1e6:,.1f} MB of at most {encoded.limit:,.0f} MB, in {encoded.folder}"
    if os.access(place, os.W_OK):
        return Finding("cache", held)
    return Finding("cache", f"{held}, which cannot be written", "set ANYSHOT_CACHE to a folder that can be written")


def _download() -> Finding:
    """Say whether the network may be used; it is never tried."""
    switch = os.environ.get("ANYSHOT_DOWNLOAD") or "allow"
    if switch in ("allow", "never"):
        return Finding("download", f"{switch} (ANYSHOT_DOWNLOAD); the default encoders need none")
    return Finding("download", f"ANYSHOT_DOWNLOAD is {switch!r}", 'set ANYSHOT_DOWNLOAD to "allow" or "never"')


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _try(program: str) -> tuple[bool, str]:
    """Run a program in a process of its own; return whether it ended well, and what it printed or its last error."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", program],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no answer within {PATIENCE} s"
    if done.returncode == 0:
        return True, done.stdout.strip("\n")
    lines = done.stderr.strip().splitlines()
    return False, lines[-1] if lines else f"ended with code {done.returncode}"
