"""Speed of text encoding relative to sentence-transformers in float32, and the distance between their vectors.

    OMP_NUM_THREADS=1 python benchmarks/encode.py

Data: texts of banking77 and ag_news, encoded with all-MiniLM-L6-v2 by both, alternately. Targets on two cores with
bfloat16 instructions: at least 2.8 times as fast, cosine distance at most 2e-4, a second run from the cache at least 50
times as fast, and the first vector of a new process in less than half the time. Under two minutes.
"""

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from sentence_transformers import SentenceTransformer
from support import shared

from anyshot.encoders.minilm import WEIGHTS, MiniLMEncoder
from anyshot.encoders.published_files import published_file
from anyshot.encoders.stages import choose_compute
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once

ROUNDS = 5
SEED = 0
FOLDER = str(published_file("minilm", WEIGHTS).parent)

FIRST_VECTOR = {
    "ours": "from anyshot.encoders import load_encoder; load_encoder('minilm').encode(['Where is my parcel?'])",
    "theirs": "from sentence_transformers import SentenceTransformer; "
    f"SentenceTransformer({FOLDER!r}).encode(['Where is my parcel?'])",
}


def short_texts(n: int) -> list[str]:
    """Return customer messages of banking77, of about a dozen words each."""
    table = pd.read_parquet(shared() / "data" / "banking77" / "banking77.parquet")
    return table["text"].sample(n, random_state=SEED).tolist()


def long_texts(n: int) -> list[str]:
    """Return titles with descriptions of ag_news."""
    table = pd.read_parquet(shared() / "data" / "ag_news" / "ag_news.parquet").sample(n, random_state=SEED)
    return (table["title"] + ". " + table["description"]).tolist()


def seconds(work: Callable[[], Any]) -> float:
    """Return the duration of `work` [s]."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio_of_medians(ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int = ROUNDS) -> float:
    """Return how many times as fast as `theirs` `ours` is; the two run alternately."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return statistics.median(pair[1] for pair in pairs) / statistics.median(pair[0] for pair in pairs)


def cores_used(work: Callable[[], Any]) -> float:
    """Return the mean number of cores that `work` uses."""
    busy = time.process_time()
    elapsed = seconds(work)
    return (time.process_time() - busy) / elapsed


def first_vector(code: str) -> Callable[[], Any]:
    """Return a function that runs `code` in a new process."""
    return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def show(what: str, figure: str, target: str) -> None:
    """Print one row."""
    print(f"{what:<70}{figure:>9}   {target}", flush=True)


def encoding_rows(name: str, texts: list[str], ours: MiniLMEncoder, theirs: SentenceTransformer) -> None:
    """Print speed, largest distance and number of cores for one set of texts."""
    expected = theirs.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    farthest = float((1 - (ours.encode(texts) * expected).sum(axis=1)).max())
    ratio = ratio_of_medians(lambda: ours.encode(texts), lambda: theirs.encode(texts, show_progress_bar=False))
    show(f"{name}: times as fast as sentence-transformers", f"{ratio:.2f}", "at least 2.8")
    show(f"{name}: largest cosine distance to its vectors", f"{farthest:.1e}", "at most 2e-4")
    show(f"{name}: cores used", f"{cores_used(lambda: ours.encode(texts)):.2f}", f"of {torch.get_num_threads()}")


def cold_start_row() -> None:
    """Print the relative time to the first vector of a new process; an untimed run of each fills the disk cache."""
    ours, theirs = first_vector(FIRST_VECTOR["ours"]), first_vector(FIRST_VECTOR["theirs"])
    for warm in (ours, theirs):
        warm()
    show(
        "cold start, process to first vector: times as fast",
        f"{ratio_of_medians(ours, theirs, rounds=3):.2f}",
        "above 2",
    )


def cache_row(name: str, texts: list[str], ours: MiniLMEncoder) -> None:
    """Print how many times as fast the same texts are read from the cache on disk."""
    with tempfile.TemporaryDirectory() as folder:
        cache = VectorCache(folder)
        first = seconds(lambda: encode_once(ours, texts, cache=cache))
        second = statistics.median(seconds(lambda: encode_once(ours, texts, cache=cache)) for _ in range(ROUNDS))
    show(f"{name}: a second run, times as fast", f"{first / second:.0f}", "at least 50")


def main() -> None:
    """Print each result beside its target."""
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        theirs = SentenceTransformer(FOLDER, device="cpu")
    ours = MiniLMEncoder(device="cpu")
    print(f"CPU, {torch.get_num_threads()} threads, {choose_compute('cpu').dtype}\n")
    show("", "measured", "target")
    encoding_rows("short texts (banking77, 600)", short_texts(600), ours, theirs)
    encoding_rows("long texts (ag_news, 150)", long_texts(150), ours, theirs)
    cache_row("short texts (banking77, 10,003)", short_texts(10_003), ours)
    cold_start_row()


if __name__ == "__main__":
    main()
