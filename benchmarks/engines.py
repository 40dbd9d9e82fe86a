"""Speed and memory of the engine that runs encoders, each figure beside its target.

    python benchmarks/engines.py

Data: texts of banking77 and ag_news. What is compared runs alternately, and figures are ratios of medians, so that
a busy machine changes them little; the absolute ones (marked "quiet") hold only where nothing else runs. About four
minutes.
"""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from anyshot.encoders.minilm import WEIGHTS, MiniLMEncoder
from anyshot.encoders.published_files import published_file

SHARED = Path(os.environ.get("ANYSHOT_SHARED", Path(__file__).parents[2] / "shared"))
ROUNDS = 7
SEED = 0

PREDICT = [sys.executable, "-m", "anyshot", "predict", "I was charged twice", "--classes", "billing,delivery,account"]
LIBRARIES = [sys.executable, "-c", "import numpy, tokenizers, openvino"]
MEMORY = (
    "import resource, runpy, sys; sys.argv = ['anyshot', *sys.argv[1:]]\n"
    "try: runpy.run_module('anyshot', run_name='__main__')\n"
    "finally: print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def texts_of(name: str, n: int) -> list[str]:
    """Return customer messages of about a dozen words (banking77), or titles with descriptions (ag_news)."""
    table = pd.read_parquet(SHARED / "data" / name / f"{name}.parquet").sample(n, random_state=SEED)
    column = table["text"] if name == "banking77" else table["title"] + ". " + table["description"]
    return list(column)


def seconds(work: Callable[[], Any]) -> float:
    """Return the duration of `work` [s]."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(*works: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Return the median duration of each [s]; they run alternately, after an untimed run of each."""
    for work in works:
        work()
    times = [[seconds(work) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def process(command: list[str]) -> Callable[[], Any]:
    """Return a function that runs a command in a new process."""
    return lambda: subprocess.run(command, check=True, capture_output=True)


def show(what: str, figure: str, target: str) -> None:
    """Print one row."""
    print(f"{what:<72}{figure:>9}   {target}", flush=True)


def cold_rows() -> None:
    """Print what the first answer of a new process takes."""
    ours, libraries = medians(process(PREDICT), process(LIBRARIES))
    show("cold `anyshot predict`, ratio to importing its libraries", f"{ours / libraries:.2f}", "at most 2.5")
    show("cold `anyshot predict` [s]", f"{ours:.2f}", "at most 0.7, quiet")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *PREDICT[3:]], check=True, capture_output=True, text=True
    ).stdout.split()
    show("cold `anyshot predict`, peak memory [MB]", f"{float(done[done.index('peak') + 1]):.0f}", "at most 330")


def warm_rows() -> None:
    """Print what one short text takes in a process that has answered before: lengths seen before, and new ones."""
    encoder, texts = MiniLMEncoder(device="cpu"), texts_of("banking77", 300)
    encoder.encode(texts[:1])
    first = [seconds(lambda text=text: encoder.encode([text])) for text in texts]
    again = [seconds(lambda text=text: encoder.encode([text])) for text in texts]
    show("one short text, warm process, median [ms]", f"{1e3 * statistics.median(again):.1f}", "at most 4, quiet")
    show("one short text, the first 300, median [ms]", f"{1e3 * statistics.median(first):.1f}", "")


def throughput_rows(threads: int) -> None:
    """Print how many times as fast as sentence-transformers texts are encoded, with the same number of threads."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        theirs = SentenceTransformer(str(published_file("minilm", WEIGHTS).parent), device="cpu")
    ours = MiniLMEncoder(device="cpu", threads=threads)
    for name, n, target in (("banking77", 600, {1: "4.2", 2: "3.4"}[threads]), ("ag_news", 150, None)):
        texts = texts_of(name, n)
        mine, other = medians(
            lambda texts=texts: ours.encode(texts),
            lambda texts=texts: theirs.encode(texts, show_progress_bar=False),
        )
        goal = f"at least {target}" if target else ""
        show(f"{name}, {threads} threads: times as fast as sentence-transformers", f"{other / mine:.2f}", goal)
        show(f"{name}, {threads} threads: texts/s", f"{n / mine:.0f}", "")


def main() -> None:
    """Print each result beside its target."""
    if len(sys.argv) == 3 and sys.argv[1] == "throughput":
        throughput_rows(int(sys.argv[2]))
        return
    show("", "measured", "target")
    cold_rows()
    warm_rows()
    for threads in (1, 2):  # in a process each: both libraries read their limits at their start
        limits = {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)}
        command = [sys.executable, __file__, "throughput", str(threads)]
        subprocess.run(command, check=True, env=os.environ | limits)


if __name__ == "__main__":
    main()
