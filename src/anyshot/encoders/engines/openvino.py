"""Run a graph with openvino: compiled once per process, used by any number of threads.

openvino's own `import` starts its telemetry, by way of its model converter. `without_telemetry` leaves the converter
out, so that nothing is sent and no file is written; that also saves a third of the time of the import.
"""

import ctypes
import importlib
import importlib.util
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, Final, Literal, TypeAlias
from weakref import WeakSet, WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from anyshot.encoders.engines.processors import n_threads
from anyshot.errors import BatchMemoryError, MissingExtraError

Precision: TypeAlias = Literal["float32", "bfloat16"]
Inputs: TypeAlias = Mapping[str, NDArray[Any]]  # by the names of the graph's parameters; the first axis is the items

CONVERTER: Final = "openvino.tools.ovc"  # importing it starts the telemetry
HINTS: Final = {"float32": "f32", "bfloat16": "bf16"}
MOST_STREAMS: Final = 8
"""Batches that run at a time. One thread for each is faster than several threads for one."""

log = logging.getLogger(__name__)
_import_lock = Lock()


class Engine:
    """A graph of openvino, compiled when it is first used.

    It may be used by several threads at once. A forked child compiles the graph again, since threads do not survive a
    fork.

    Parameters
    ----------
    build : callable
        Returns the graph, an `openvino.Model` with one output. It is called once per process.
    precision : {"float32", "bfloat16"}, default="float32"
        The precision of the products. See `fast_precision`.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.
    halve : callable, optional
        Returns the two halves of a batch, or none if it cannot be halved. Default: `halves_of_items`.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        *,
        precision: Precision = "float32",
        threads: int | None = None,
        halve: Callable[[Inputs], list[Inputs]] | None = None,
    ) -> None:
        self.precision, self.threads = precision, n_threads(threads)
        self._build, self._halve = build, halve or halves_of_items
        self._compiled: dict[int, _Compiled] = {}  # by process id
        self._locks: dict[int, Lock] = {}  # by process id: a lock of the parent may be held for ever in a child

    def __call__(self, **inputs: NDArray[Any]) -> NDArray[Any]:
        """Return the graph's output (n, ...) for inputs (n, ...), by the names of the graph's parameters.

        Raises
        ------
        BatchMemoryError
            Not even one item fits into memory.
        """
        return next(self.map([inputs]))

    def map(self, batches: Iterable[Inputs]) -> Iterator[NDArray[Any]]:
        """Yield the output of each batch, in order.

        As many batches as there are threads run at a time, at most eight, while the next is prepared. A batch for which
        memory does not suffice is run in two halves.
        """
        compiled = self._of_this_process()
        running: deque[tuple[Any, Inputs]] = deque()
        try:
            for inputs in batches:
                running.append((compiled.start(inputs), inputs))
                if len(running) > min(self.threads, MOST_STREAMS):
                    yield self._result(compiled, running)
            while running:
                yield self._result(compiled, running)
        finally:
            for request, _ in running:  # the caller stopped early
                request.cancel()

    def _result(self, compiled: "_Compiled", running: "deque[tuple[Any, Inputs]]") -> NDArray[Any]:
        request, inputs = running.popleft()
        try:
            return compiled.finish(request)
        except (RuntimeError, MemoryError) as error:
            if not is_memory_error(error):
                raise
            return self._in_halves(inputs, error)

    def _in_halves(self, inputs: Inputs, error: BaseException) -> NDArray[Any]:
        halves = self._halve(inputs)
        if not halves:
            raise BatchMemoryError(
                "There is not enough memory to encode even one item. Use shorter or smaller items, a smaller encoder, "
                "or a machine with more memory."
            ) from error
        n = len(next(iter(inputs.values())))
        log.warning("A batch of %d items does not fit into memory; it is encoded in two halves.", n)
        return np.concatenate([self(**half) for half in halves])

    def _of_this_process(self) -> "_Compiled":
        process = os.getpid()
        if process not in self._compiled:
            with self._locks.setdefault(process, Lock()):
                if process not in self._compiled:
                    self._compiled[process] = _compile(self._build(), self.precision, self.threads)
        return self._compiled[process]


@dataclass(eq=False)  # compared by identity, so that it can be in a set
class _Compiled:
    """A compiled graph with its requests, each of which holds the buffers of one run."""

    model: Any
    idle: deque[Any] = field(default_factory=deque)
    requests: list[Any] = field(default_factory=list)  # the idle ones, and those that run

    def __post_init__(self) -> None:
        _keep_in_forked_children()
        _alive.add(self)

    def start(self, inputs: Inputs) -> Any:
        """Start to run one batch; return its request."""
        try:
            request = self.idle.pop()
        except IndexError:
            request = self.model.create_infer_request()
            self.requests.append(request)
        request.start_async(dict(inputs), share_inputs=True)
        return request

    def finish(self, request: Any) -> NDArray[Any]:
        """Wait for a request and return its output, which is a copy."""
        request.wait()
        output: NDArray[Any] = request.get_output_tensor().data.copy()
        self.idle.append(request)
        return output


_alive: "WeakSet[_Compiled]" = WeakSet()


@cache
def _keep_in_forked_children() -> None:
    """Let children that are forked from now on keep what their parent compiled, unused.

    Freeing it in a child waits for the parent's threads, which the child does not have, and ends the child with an
    abort when Python frees all that is left at its exit.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_never_free)


def _never_free() -> None:
    """Add a reference, which nothing ever removes, to all that was compiled."""
    for compiled in _alive:
        for kept in (compiled.model, *compiled.requests):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


@cache
def without_telemetry() -> Any:
    """Import openvino without its model converter, which would start its telemetry, and return it.

    The converter is imported when somebody calls `openvino.convert_model`, which is not done here.

    Raises MissingExtraError if openvino is not installed. There are systems for which it is not made.
    """
    with _import_lock:
        is_first = "openvino" not in sys.modules
        if is_first:
            sys.modules[CONVERTER] = None  # type: ignore[assignment]  # Python's way to make an import fail
        try:
            openvino: Any = importlib.import_module("openvino")
        except ImportError as error:
            raise MissingExtraError(
                f"openvino, which runs the encoders, cannot be imported: {error}. Install it: pip install openvino. "
                'Where it is not made for your system, torch can take its place: pip install "anyshot[torch]"'
            ) from error
        finally:
            if is_first:
                del sys.modules[CONVERTER]
        if is_first:
            openvino.convert_model = _convert_model
    return openvino


def _convert_model(*arguments: Any, **options: Any) -> Any:
    """Convert a model, as `openvino.convert_model` does, which this imports only now."""
    return importlib.import_module(CONVERTER).convert_model(*arguments, **options)


def is_installed() -> bool:
    """Return whether openvino is installed, without importing it."""
    return importlib.util.find_spec("openvino") is not None


@cache
def fast_precision() -> Precision:
    """Return "bfloat16" if the processor multiplies it faster than float32, else "float32"."""
    fastest = without_telemetry().Core().get_property("CPU", "INFERENCE_PRECISION_HINT")
    return "bfloat16" if fastest.get_type_name() == "bf16" else "float32"


def halves_of_items(inputs: Inputs) -> list[Inputs]:
    """Return the arrays of the first half of the items, and those of the second; an empty list if there is one item."""
    n = len(next(iter(inputs.values())))
    parts = np.s_[: n // 2, n // 2 :] if n > 1 else ()
    return [{name: array[rows] for name, array in inputs.items()} for rows in parts]


def shared_engine(
    key: Hashable,
    build: Callable[[], Any],
    *,
    precision: Precision,
    threads: int | None = None,
    halve: Callable[[Inputs], list[Inputs]] = halves_of_items,
) -> Engine:
    """Return the engine of a graph, the same for all who ask with this key while one of them keeps it.

    key: what the graph is made from, such as the digest of its weights.
    """
    made = Engine(build, precision=precision, threads=threads, halve=halve)
    return _shared.setdefault((key, precision, made.threads), made)


_shared: "WeakValueDictionary[Hashable, Engine]" = WeakValueDictionary()


def is_memory_error(error: BaseException) -> bool:
    """Return whether an error means that memory ran out; openvino says it in a message only."""
    words = ("bad_alloc", "allocate", "out of memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def _compile(model: Any, precision: Precision, threads: int) -> _Compiled:
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": min(threads, MOST_STREAMS),
        "ENABLE_CPU_PINNING": False,  # a thread bound to a processor would wait for other programs there
    }
    return _Compiled(without_telemetry().Core().compile_model(model, "CPU", settings))
