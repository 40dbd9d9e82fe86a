"""Time and memory of a new process until its first answer, each beside its target.

    python benchmarks/cold_start.py [--rounds 9]

A command runs alternately with an import of the libraries that it cannot do without, each in a new process; the figure
is the ratio of the medians, so that a busy machine changes it little. The second ratio is of processor times, which
other processes change least. Python's compiled files are kept in a temporary folder, as where anyshot is installed.
Each predicted text is new, so that no vector of it is in the cache; in the warm process they have several lengths.
Under two minutes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from support import installed, line, table

MODEL = """
import sys, anyshot
anyshot.AnyShotClassifier(["billing", "delivery"]).fit(["charged twice", "lost parcel"], ["billing", "delivery"]).save(
    sys.argv[1])
"""
WARM = """
import time, statistics, anyshot
from anyshot.encoders.engines.texts import row_inputs
encoder = anyshot.load_encoder("minilm")
model = anyshot.AnyShotClassifier(["billing", "delivery", "account"]).fit()
text_engine = encoder._runner
compiled = text_engine._engine._of_this_process().model.create_infer_request()
texts = [f"I was charged {time.time_ns()} times, " + "why and " * (number % 7) for number in range(300)]
inputs = {text: dict(row_inputs([text_engine.tokenizer.ids([text])[0]], padding=0)) for text in texts}
works = {
    "bare": lambda text: compiled.infer(inputs[text], share_inputs=True, share_outputs=True),
    "encode": lambda text: encoder.encode([text]),
    "predict": lambda text: model.predict([text]),
}
taken = {name: [] for name in works}
for text in texts:
    for name, work in works.items():
        wall, processor = time.perf_counter(), time.process_time()
        work(text)
        taken[name].append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - processor)))
for times in taken.values():
    print(*map(statistics.median, zip(*times[20:])))
"""


class Run(NamedTuple):
    """What a process took."""

    wall: float  # [s]
    processor: float  # [s], of all its threads
    peak: float  # of its memory [MB]


def run(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run Python with arguments; TEXT among them becomes a text that was never predicted."""
    arguments = [f"I was charged {time.time_ns()} times" if one == "TEXT" else one for one in command]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments} failed.")
    return Run(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def alternately(*commands: Sequence[str], environment: dict[str, str], rounds: int) -> list[list[Run]]:
    """Return what each command took in each round, after a round that fills the caches."""
    for command in commands:
        run(command, environment)
    done = [[run(command, environment) for command in commands] for _ in range(rounds)]
    return [list(column) for column in zip(*done, strict=True)]


def ratio(ours: Sequence[Run], libraries: Sequence[Run], field: str) -> float:
    """Return the ratio of the medians of one field."""
    one, other = (statistics.median(getattr(done, field) for done in each) for each in (ours, libraries))
    return one / other


def rows(environment: dict[str, str], folder: Path, rounds: int) -> Iterator[str]:
    """Measure each command beside what it cannot do without."""
    model = str(folder / "model")
    subprocess.run([sys.executable, "-c", MODEL, model], check=True, env=environment)
    engine, terminal = "import numpy, tokenizers, openvino", "import typer, rich.console"
    predict = ["-m", "anyshot", "predict", "TEXT"]
    cases = {
        "anyshot predict --classes": ([*predict, "--classes", "billing,delivery,account"], engine, 2.5),
        "anyshot predict --model": ([*predict, "--model", model], engine, 2.5),
        "anyshot --help": (["-m", "anyshot", "--help"], terminal, 1.7),
        "import anyshot": (["-c", "import anyshot"], "pass", None),
    }
    for name, (command, libraries, target) in cases.items():
        ours, theirs = alternately(command, ["-c", libraries], environment=environment, rounds=rounds)
        note = (
            f"times {libraries!r}; processor {ratio(ours, theirs, 'processor'):.2f}; "
            f"{statistics.median(done.wall for done in ours):.2f} s"
        )
        yield line(name, ratio(ours, theirs, "wall"), target, note=note, least=False)
        if target == 2.5:
            yield line(f"{name}, peak [MB]", max(done.peak for done in ours), 330, least=False)
    yield from warm_rows(environment)


def warm_rows(environment: dict[str, str]) -> Iterator[str]:
    """Measure one new short text in a warm process, alternately with openvino's run of its network alone."""
    warm = subprocess.run([sys.executable, "-c", WARM], check=True, capture_output=True, text=True, env=environment)
    bare, *ours = ([float(number) for number in row.split()] for row in warm.stdout.splitlines())
    for name, (wall, processor) in zip(("encode", "AnyShotClassifier.predict"), ours, strict=True):
        note = f"on a quiet machine; times openvino alone ({bare[0]:.1f} ms): {wall / bare[0]:.2f}"
        note += f"; processor {processor / bare[1]:.2f}"
        yield line(f"one short text, warm, {name} [ms]", wall, 4 if name == "encode" else None, note=note, least=False)


def main() -> None:
    """Print each figure beside its target."""
    parser = argparse.ArgumentParser(description="Time and memory until the first answer.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = installed(folder / "compiled", ANYSHOT_CACHE=str(folder / "cache"))
        table("The first answer of a process", rows(environment, folder, rounds))


if __name__ == "__main__":
    main()
