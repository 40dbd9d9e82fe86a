"""The service under load, against other servers of the same model, on loopback.

    python benchmarks/serve.py                        # all parts: throughput latency overload class-added start
    python benchmarks/serve.py throughput --litserve /path/to/python   # of an environment that has litserve

The model: banking77 with 10 labels for each of 77 classes. Requests have one text. The load generator is this process,
on the same cores as the servers. Servers run one after another; each is measured for some seconds after a warm-up.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from support import draw, installed, line, load_text, table

from anyshot import AnyShotClassifier, load

CLIENTS, SECONDS = 32, 10.0
NEW_CLASSES = ("zebra", "violin", "volcano", "submarine", "mushroom")
IMPORTS = "import numpy, tokenizers, openvino, fastapi, uvicorn"
PLAIN = """
import sys, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
import anyshot
class Asked(BaseModel):
    items: list[str]
app, clf = FastAPI(), anyshot.load(sys.argv[1], cache=len(sys.argv) < 4)
@app.post("/v1/models/model/predict")
def predict(asked: Asked):
    return {"answers": clf.predict(asked.items).tolist()}
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""
PIPELINE = """
import sys, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline
folder = sys.argv[3]
class Asked(BaseModel):
    items: list[str]
app = FastAPI()
encode = pipeline("feature-extraction", model=folder, tokenizer=folder, device="cpu")
@app.post("/v1/models/model/predict")
def predict(asked: Asked):
    return {"answers": [len(one[0]) for one in encode(asked.items)]}
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""
LITSERVE = """
import sys, litserve, anyshot
class Model(litserve.LitAPI):
    def setup(self, device):
        self.model = anyshot.load(sys.argv[1])
    def decode_request(self, request):
        return request["items"][0]
    def batch(self, inputs):
        return list(inputs)
    def predict(self, texts):
        return self.model.predict(texts).tolist()
    def unbatch(self, output):
        return output
    def encode_response(self, output):
        return {"answers": [output]}
if __name__ == "__main__":
    api = Model(max_batch_size=32, batch_timeout=0.005, api_path="/v1/models/model/predict")
    litserve.LitServer(api, accelerator="cpu").run(port=int(sys.argv[2]), log_level="error", generate_client_file=False)
"""


class Client:
    """A connection that sends one request after another. It does less per request than a client library would."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def post(self, path: str, body: dict[str, object]) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        assert length is not None, answer
        return int(answer[9:12]), await self.reader.readexactly(int(length[1]))


PREDICT = "/v1/models/model/predict"


async def closed_loop(port: int, texts: Iterator[str], *, clients: int, seconds: float) -> tuple[float, list[int]]:
    """Return the answers per second to clients that each wait for theirs, and the statuses."""
    statuses: list[int] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        async with Client(port) as client:
            while time.perf_counter() < end:
                statuses.append((await client.post(PREDICT, {"items": [next(texts)]}))[0])

    await asyncio.gather(*(one() for _ in range(clients)))
    return statuses.count(200) / seconds, statuses


async def open_loop(
    port: int, texts: Iterator[str], *, rate: float, seconds: float, connections: int
) -> tuple[list[float], list[int]]:
    """Return the latencies [ms] and statuses of requests that are sent at a rate, whether answers come or not.

    connections: how many requests may be on their way; what would exceed them is sent later, and counts from the time
    at which it was due.
    """
    times: list[float] = []
    statuses: list[int] = []
    began, n = time.perf_counter(), int(rate * seconds)
    numbers = iter(range(n))

    async def one() -> None:
        async with Client(port) as client:
            for number in numbers:
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                status, _ = await client.post(PREDICT, {"items": [next(texts)]})
                times.append(1000 * (time.perf_counter() - due))
                statuses.append(status)

    await asyncio.gather(*(one() for _ in range(connections)))
    return times, statuses


@contextmanager
def running(command: Sequence[str], cache: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server; yield its process and its port once it answers."""
    env = installed(cache.parent / "compiled", ANYSHOT_CACHE=str(cache), OPENBLAS_NUM_THREADS="1")
    env.pop("OMP_NUM_THREADS", None)  # by which openvino would use one core of all
    port = free_port()
    given = [part.replace("PORT", str(port)) for part in command]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # A session of its own, since some servers start processes that outlive them.
    with subprocess.Popen(given, text=True, env=env, start_new_session=True, **quiet) as process:
        try:
            asyncio.run(wait_for(port))
            yield process, port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """Return a port that nothing listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def wait_for(port: int, limit: float = 120) -> None:
    """Return once a server answers a request."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        try:
            async with Client(port) as client:
                if (await client.post(PREDICT, {"items": ["ready?"]}))[0] == 200:
                    return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.02)
    raise TimeoutError(f"No server answers on port {port}.")


class Bench:
    """The model, the texts, and the commands of the servers."""

    def __init__(self, place: Path, litserve: str | None, pipeline: str | None) -> None:
        data = load_text("banking77")
        chosen = draw(data.y, 10, 0)
        self.place, self.folder = place, place / "model"
        clf = AnyShotClassifier(data.classes)
        clf.fit([data.train[row] for row in chosen], data.y[chosen]).save(self.folder)
        self.base, self.salt = list(data.train), itertools.count()
        ours = [sys.executable, "-m", "anyshot", "--quiet", "serve", str(self.folder), "--port", "PORT"]
        given = [str(self.folder), "PORT"]
        self.commands = {
            "anyshot serve": ours,
            "FastAPI with predict": [sys.executable, "-c", PLAIN, *given],
            "FastAPI with predict, cache=False": [sys.executable, "-c", PLAIN, *given, "no-cache"],
        }
        if litserve:
            script = place / "lit.py"
            script.write_text(LITSERVE)
            self.commands["LitServe"] = [litserve, str(script), *given]
        if pipeline:
            command = [sys.executable, "-c", PIPELINE, *given, pipeline]
            self.commands["FastAPI with a transformers pipeline"] = command

    def unseen(self) -> Iterator[str]:
        """Yield texts that no server has seen before."""
        for text in itertools.cycle(self.base):
            yield f"{text} {next(self.salt)}"

    def repeated(self) -> Iterator[str]:
        """Yield a hundred texts again and again."""
        return itertools.cycle(self.base[:100])

    def rate(self, name: str, texts: Callable[[], Iterator[str]], seconds: float = SECONDS) -> tuple[float, float]:
        """Return the answers per second of a server to 32 clients, and its CPU time for each [ms]."""
        with running(self.commands[name], self.place / f"cache {name}") as (process, port):
            asyncio.run(closed_loop(port, texts(), clients=CLIENTS, seconds=3))
            wait_until_idle(process.pid)  # what is prepared after the start is no part of a request
            before = cpu_of(process.pid)
            rate, statuses = asyncio.run(closed_loop(port, texts(), clients=CLIENTS, seconds=seconds))
            return rate, 1000 * (cpu_of(process.pid) - before) / len(statuses)


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process and those that it started [s]."""
    place = Path(f"/proc/{pid}")
    times = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
    own = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    children = {int(child) for task in (place / "task").iterdir() for child in (task / "children").read_text().split()}
    return own + sum(cpu_of(child) for child in children)


def wait_until_idle(pid: int, limit: float = 60) -> None:
    """Return once a process has used hardly any CPU time for a second."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before = cpu_of(pid)
        time.sleep(1)
        if cpu_of(pid) - before < 0.05:
            return


def throughput(bench: Bench) -> Iterator[str]:
    """Measure answers per second and the CPU time of each, for texts not seen before and for repeated ones.

    The ratios are of CPU times: on a machine that other work shares, requests per second measure that work too.
    """
    for what, texts, target in (("unseen", bench.unseen, 2), ("repeated", bench.repeated, 5)):
        found = {name: bench.rate(name, texts) for name in bench.commands}
        ours = found["anyshot serve"][1]
        for name, (rate, cpu) in found.items():
            yield line(f"{name}, {what} texts [requests/s]", rate, None, note=f"{cpu:.2f} ms of CPU each")
        for name in list(found)[1:]:
            least = target if "predict" in name else 1
            yield line(f"CPU time of {name} / of anyshot serve, {what} texts", found[name][1] / ours, least)


def latency(bench: Bench) -> Iterator[str]:
    """Measure the latency of a lone request, and at half load."""
    clf, texts = load(bench.folder, cache=False), bench.unseen()
    with running(bench.commands["anyshot serve"], bench.place / "cache") as (_, port):
        rate = asyncio.run(closed_loop(port, texts, clients=CLIENTS, seconds=4))[0]
        alone, within = asyncio.run(one_by_one(port, texts, clf))
        yield line("lone request, median [ms]", alone, None)
        yield line("lone request minus predict in process, median [ms]", alone - within, 3, least=False)
        times, _ = asyncio.run(open_loop(port, texts, rate=rate / 2, seconds=6, connections=64))
        yield line("half load, median [ms]", float(np.median(times)), None)
        yield line("half load, p99 / median", float(np.percentile(times, 99) / np.median(times)), 5, least=False)


async def one_by_one(port: int, texts: Iterator[str], clf: AnyShotClassifier) -> tuple[float, float]:
    """Return the median time of a request and of `predict` in this process, taken in turn [ms]."""
    served, within = [], []
    async with Client(port) as client:
        for _ in range(150):
            began = time.perf_counter()
            await client.post(PREDICT, {"items": [next(texts)]})
            served.append(time.perf_counter() - began)
            began = time.perf_counter()
            clf.predict([next(texts)])
            within.append(time.perf_counter() - began)
    return 1000 * float(np.median(served)), 1000 * float(np.median(within))


def overload(bench: Bench) -> Iterator[str]:
    """Send four times what the service can bear, and measure memory, refusals and the time to recover."""
    texts = bench.unseen()
    with running(bench.commands["anyshot serve"], bench.place / "cache") as (process, port):
        rate = asyncio.run(closed_loop(port, texts, clients=CLIENTS, seconds=4))[0]
        before = memory(process.pid)
        times, statuses = asyncio.run(open_loop(port, texts, rate=4 * rate, seconds=5, connections=1024))
        after = memory(process.pid)
        again, _ = asyncio.run(closed_loop(port, texts, clients=CLIENTS, seconds=2))
    answered, in_time = statuses.count(200) / len(statuses), sum(one in (200, 503) for one in statuses) / len(statuses)
    yield line("overload: answered [%]", 100 * answered, None)
    yield line("overload: answered, or refused with 503 [%]", 100 * in_time, 100)
    yield line("overload: slowest answer or refusal [s]", max(times) / 1000, 30, least=False)
    yield line("overload: memory after / before [%]", 100 * after / before, 120, least=False)
    yield line("overload: rate within 2 s after / before [%]", 100 * again / rate, 90)


def memory(pid: int) -> float:
    """Return the resident memory of a process [MB]."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


def class_added(bench: Bench) -> Iterator[str]:
    """Add a class while 16 clients ask, and measure how soon it is predicted."""
    within = added_within(bench)
    with running(bench.commands["anyshot serve"], bench.place / "cache") as (process, port):
        asyncio.run(closed_loop(port, bench.unseen(), clients=16, seconds=2))
        wait_until_idle(process.pid)
        times, failed = asyncio.run(add_under_load(bench, port))
    yield line("class added under load: failed requests", failed, 0, least=False)
    yield line("`add_class` in this process, median of 5 [ms of CPU]", within, None)
    yield line("class added under load: until it is predicted [ms]", float(np.median(times)), 300, least=False)


def added_within(bench: Bench) -> float:
    """Return the CPU time of adding a class in this process, median [ms]."""
    clf, times = load(bench.folder, cache=False), []
    clf.predict(["a first text"])
    clf.partial_fit(["a first text"], [clf.classes_[0]])  # loads what fitting needs
    for name in NEW_CLASSES:
        began = time.process_time()
        clf.add_class(name, examples=[f"my {name} is here", f"a {name}, please"])
        times.append(1000 * (time.process_time() - began))
    return float(np.median(times))


async def add_under_load(bench: Bench, port: int) -> tuple[list[float], int]:
    """Return the times until new classes are predicted [ms], and the number of failed requests meanwhile."""
    load_of = asyncio.ensure_future(closed_loop(port, bench.unseen(), clients=16, seconds=12))
    await asyncio.sleep(1)
    times, failed = [], 0
    async with Client(port) as client:
        for number, name in enumerate(NEW_CLASSES):
            began = time.perf_counter()
            body = {"name": name, "examples": [f"my {name} is here", f"a {name}, please"]}
            status, _ = await client.post("/v1/models/model/classes", body)
            failed += status != 200
            answer = b""
            while name.encode() not in answer and time.perf_counter() < began + 5:
                _, answer = await client.post(PREDICT, {"items": [f"the {name} of number {number}"]})
            times.append(1000 * (time.perf_counter() - began))
    _, statuses = await load_of
    return times, failed + len(statuses) - statuses.count(200)


def start(bench: Bench) -> Iterator[str]:
    """Measure the time from the command to the first answer, and that of the imports alone, taken in turn.

    The first of six rounds, which also compiles what Python imports, does not count.
    """
    times, imports, environment = [], [], installed(bench.place / "compiled")
    for _ in range(6):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True, env=environment)
        imports.append(time.perf_counter() - began)
        began = time.perf_counter()
        with running(bench.commands["anyshot serve"], bench.place / "cache"):
            times.append(time.perf_counter() - began)
    del times[0], imports[0]
    yield line("cold start to the first answer, best of 5 [s]", min(times), 1, least=False)
    yield line(f"`{IMPORTS}`, best of 5 [s]", min(imports), None)
    yield line("cold start / imports, median", float(np.median(np.divide(times, imports))), None)


PARTS = {
    "throughput": throughput,
    "latency": latency,
    "overload": overload,
    "class-added": class_added,
    "start": start,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; default: all")
    parser.add_argument("--litserve", help="the Python of an environment with litserve that can import anyshot")
    parser.add_argument("--pipeline", help="folder of a transformers model of the same size, such as all-MiniLM-L6-v2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Bench(Path(folder), options.litserve, options.pipeline)
        rows = (one for part in options.parts or PARTS for one in PARTS[part](made))
        table("The service under load", rows)
