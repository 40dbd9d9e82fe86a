"""A check of the installation: what is installed, what does not work, and what to do about it.

Whatever may be broken is tried in a separate process, since importing a broken torch or torchvision may crash.
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
from anyshot.base.lazy import version_of
from anyshot.encoders.huggingface.files import download_switch
from anyshot.encoders.registry import Available, available
from anyshot.errors import AnyshotError, InputError

PACKAGES: Final = ("numpy", "scipy", "scikit-learn", "openvino", "tokenizers")
FOR_TRAINING: Final = ("torch", "transformers", "sentence-transformers")
TIMEOUT: Final = 120  # seconds for each check in a separate process

_SAMPLES: Final = {"text": "['a parcel']", "image": "[__import__('numpy').zeros((8, 8, 3), 'uint8')]"}
_ENGINE: Final = """
from anyshot.encoders.engines.choice import choose_engine
from anyshot.encoders.engines.openvino import fast_precision
from anyshot.encoders.engines.processors import usable_processors
chosen = choose_engine()
print(usable_processors())
print(chosen)
print(fast_precision() if chosen == "openvino" else "")
"""
_TORCH: Final = """
import torch
print(torch.cuda.get_device_name() if torch.cuda.is_available() else "")
"""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    found: str
    remedy: str | None = None
    """The command that solves the problem, or what to do; None if there is no problem."""


def examine() -> list[Finding]:
    """Run all checks and return their results."""
    trials: list[Callable[[], list[Finding]]] = [_engine, _torchvision]
    trials += [partial(_encoder, entry) for entry in available()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        engine, *others = pool.map(lambda trial: trial(), trials)
    encoders = [finding for found in others for finding in found]
    return [*_versions(), *engine, *encoders, _cache(), _download()]


def report(findings: Sequence[Finding]) -> Group:
    """Return the findings as a table, followed by the remedies."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("checked", no_wrap=True)
    table.add_column("found", overflow="fold")
    for one in findings:
        mark = Text("x", style="bold red") if one.remedy else Text("ok", style="green")
        table.add_row(mark, Text(one.subject), Text(one.found))
    remedies = [Text(f"{one.subject}: {one.remedy}", style="bold") for one in findings if one.remedy]
    return Group(table, *(remedies or [Text("No problem was found.")]))


def _versions() -> list[Finding]:
    found = [
        Finding("anyshot", metadata.version("anyshot")),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    for name in PACKAGES:
        version = version_of(name)
        found.append(Finding(name, version or "not installed", None if version else f"pip install {name}"))
    absent = 'not installed; training a network needs it: pip install "anyshot[torch]"'
    return found + [Finding(name, version_of(name) or absent) for name in FOR_TRAINING]


def _engine() -> list[Finding]:
    """Return what runs the encoders, and why."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    done, output = _try(_ENGINE)
    if not done:
        return [Finding("cores", str(cores)), Finding("engine", output, "pip install --force-reinstall openvino")]
    threads, engine, precision = output.split("\n")
    found = [Finding("cores", f"{cores}, of which encoders use {threads}")]
    has_torch, gpu = _try(_TORCH) if version_of("torch") else (True, "")
    if not has_torch:
        found.append(Finding("torch works", gpu, "pip install --force-reinstall torch"))
    reason = (
        f"torch finds a GPU, {gpu}" if gpu else "torch finds no GPU" if version_of("torch") else "there is no torch"
    )
    if engine == "torch":
        return [*found, Finding("engine", f"torch, because {reason if gpu else 'openvino is not installed'}")]
    slow = "" if precision == "bfloat16" else ", since the CPU has no bfloat16, which is about twice as fast"
    about = f"openvino, on the CPU in {precision}{slow}, because {reason}"
    return [*found, Finding("engine", f"{about}; torch runs what openvino does not build, and training")]


def _encoder(entry: Available) -> list[Finding]:
    """Check a built-in encoder by encoding one item."""
    if entry.on_this_machine is None:
        return []
    subject = f"encoder {entry.name}"
    done, output = _try(f"import anyshot; anyshot.load_encoder({entry.name!r}).encode({_SAMPLES[entry.modality]})")
    if done:
        return [Finding(subject, f"works, {entry.megabytes} MB")]
    return [Finding(subject, output, entry.fetch)]


def _torchvision() -> list[Finding]:
    """Check that torchvision fits torch, if it is installed; anyshot does not need it."""
    version = version_of("torchvision")
    if version is None:
        return []
    done, output = _try("import torchvision")
    if done:
        return [Finding("torchvision", version)]
    broken = f"{version} does not fit torch {version_of('torch')} ({output}); with it, transformers cannot load models"
    return [
        Finding("torchvision", broken, f"{sys.executable} -m pip uninstall -y torchvision   (anyshot does not need it)")
    ]


def _cache() -> Finding:
    try:
        cache = store.VectorCache()
        size = cache.size()
    except AnyshotError as error:
        return Finding("cache", str(error), "set ANYSHOT_CACHE to a folder that can be written")
    folder = cache.folder
    while not folder.exists():
        folder = folder.parent
    contents = (
        f"{size.vectors:,} vectors, {size.bytes / 1e6:,.1f} MB of at most {cache.limit:,.0f} MB, in {cache.folder}"
    )
    if os.access(folder, os.W_OK):
        return Finding("cache", contents)
    return Finding("cache", f"{contents}, which cannot be written", "set ANYSHOT_CACHE to a folder that can be written")


def _download() -> Finding:
    """Return whether downloads are allowed; nothing is downloaded."""
    try:
        switch = download_switch(None)
    except InputError as error:
        return Finding("download", str(error), 'set ANYSHOT_DOWNLOAD to "allow" or "never"')
    return Finding("download", f"{switch} (ANYSHOT_DOWNLOAD); built-in encoders are downloaded by anyshot fetch only")


def _try(program: str) -> tuple[bool, str]:
    """Run a program in a separate process; return whether it succeeded, and its output or its last line of errors."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", program],
            capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no result within {TIMEOUT} s"
    if done.returncode == 0:
        return True, done.stdout.strip("\n")
    lines = done.stderr.strip().splitlines()
    return False, lines[-1] if lines else f"ended with code {done.returncode}"
