"""Engine: threads, forks, memory, order; and that openvino's telemetry never starts."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from subprocess import run

import numpy as np
import pytest

from anyshot.encoders.engines import layers
from anyshot.encoders.engines.openvino import Engine, fast_precision, is_memory_error, shared_engine
from anyshot.errors import BatchMemoryError, InputError, MissingExtraError

X = np.arange(12, dtype=np.float32).reshape(4, 3)

SILENT = """
import os, socket, sys, tempfile
def forbidden(*arguments, **options):
    raise AssertionError("something opened a connection")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = forbidden
import anyshot
print(anyshot.load_encoder("minilm").encode(["a parcel"]).shape)
print([name for name in sys.modules if "telemetry" in name or name.startswith("openvino.tools.ovc")])
"""


def doubled():
    x = layers.parameter("x", -1, 3)
    return layers.model(layers.ops.multiply(x, layers.constant(2.0)), [x])


def counted(built: list[int]):
    def build():
        built.append(os.getpid())
        return doubled()

    return build


def test_an_engine_computes_what_its_graph_says():
    np.testing.assert_array_equal(Engine(doubled, threads=1)(x=X), 2 * X)


def test_batches_of_any_size_come_back_in_order():
    engine = Engine(doubled, threads=2)
    batches = [np.full((n, 3), n, np.float32) for n in (3, 1, 4, 1, 5, 9, 2, 6)]
    for batch, output in zip(batches, engine.map({"x": batch} for batch in batches), strict=True):
        np.testing.assert_array_equal(output, 2 * batch)


def test_who_asks_for_the_same_network_gets_the_same_engine():
    one = shared_engine("network", doubled, precision="float32", threads=1)
    assert shared_engine("network", doubled, precision="float32", threads=1) is one
    assert shared_engine("network", doubled, precision="bfloat16", threads=1) is not one
    assert shared_engine("other", doubled, precision="float32", threads=1) is not one


def test_batches_are_taken_as_they_are_needed():
    taken = []

    def batches():
        for n in range(100):
            taken.append(n)
            yield {"x": X}

    outputs = Engine(doubled, threads=2).map(batches())
    next(outputs)
    assert len(taken) <= 4
    outputs.close()


def test_the_graph_is_built_once_though_many_threads_ask_first():
    built: list[int] = []
    engine, start = Engine(counted(built), threads=1), threading.Barrier(4)

    def encode(n: int) -> np.ndarray:
        start.wait()
        return engine(x=X + n)

    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(encode, range(4)))
    assert len(built) == 1
    for n, output in enumerate(outputs):
        np.testing.assert_array_equal(output, 2 * (X + n))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("used", [True, False])
def test_a_forked_child_builds_its_own_and_ends_in_peace(used):
    code = """
import os, sys
sys.path.insert(0, %r)
from test_openvino import X, Engine, counted
built = []
engine = Engine(counted(built), threads=2)
engine(x=X)
child = os.fork()
if child == 0:
    built.clear()
    sys.exit(%r and not ((engine(x=X) == 2 * X).all() and built == [os.getpid()]))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (engine(x=X) == 2 * X).all())
"""
    program = [sys.executable, "-W", "ignore", "-c", code % (os.path.dirname(__file__), used)]
    done = run(program, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "True"], done.stderr


class Small:
    """A compiled graph that doubles at most `room` items, and says so in openvino's words."""

    def __init__(self, room: int) -> None:
        self.room = room

    def start(self, inputs):
        return inputs["x"]

    def finish(self, x):
        if len(x) > self.room:
            raise RuntimeError("Exception from src/inference: std::bad_alloc")
        return 2 * x


def test_a_batch_without_memory_is_run_in_halves(caplog):
    engine = Engine(doubled, threads=1)
    engine._compiled[os.getpid()] = Small(1)
    np.testing.assert_array_equal(engine(x=X), 2 * X)
    assert "A batch of 4 items does not fit into memory; it is encoded in two halves." in caplog.text


def test_one_item_without_memory_is_an_error_with_a_remedy():
    engine = Engine(doubled, threads=1)
    engine._compiled[os.getpid()] = Small(0)
    with pytest.raises(BatchMemoryError, match=r"not enough memory to encode even one item\. Use shorter"):
        engine(x=X)


def test_other_errors_are_not_mistaken_for_lack_of_memory():
    with pytest.raises(RuntimeError, match="shape"):
        Engine(doubled, threads=1)(x=X[:, :2])
    assert not is_memory_error(RuntimeError("Can't set the input tensor"))


def test_no_threads_are_refused():
    with pytest.raises(InputError, match="threads=0 must be a whole number of at least 1"):
        Engine(doubled, threads=0)


def test_the_fast_precision_is_one_that_compiles():
    assert Engine(doubled, precision=fast_precision(), threads=1)(x=X).dtype == np.float32


ENCODED = """
import sys, numpy as np
from anyshot import load_encoder
encoder = load_encoder("minilm", engine="openvino")
np.save(sys.argv[1], encoder.encode(["a parcel that is late", "billing"]))
print(encoder.digest.split()[-1])
"""


@pytest.mark.full
def test_a_processor_without_bfloat16_and_avx512_computes_in_float32(tmp_path):
    found = {}
    for instructions in ("SSE41", "AVX2", "AVX512_CORE"):
        command = [sys.executable, "-c", ENCODED, str(tmp_path / instructions)]
        environment = os.environ | {"OV_CPU_MAX_ISA": instructions}  # of openvino: the most that it may use
        done = run(command, env=environment, check=True, capture_output=True, text=True)
        assert done.stdout == "float32\n"
        found[instructions] = np.load(tmp_path / f"{instructions}.npy")
    for vectors in found.values():
        assert vectors == pytest.approx(found["SSE41"], abs=1e-4)


def test_nothing_is_sent_and_nothing_is_written(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {
        "HERE": os.path.dirname(__file__),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(home),
    }
    done = run([sys.executable, "-c", SILENT], capture_output=True, text=True, env=environment, cwd=home, check=True)
    assert done.stdout.split("\n")[:2] == ["(1, 384)", "[]"]
    written = [path for path in home.rglob("*") if path.is_file()]
    assert [path.parent.name for path in written] == ["checked"] * len(written)  # which weights were found to be whole


def test_the_converter_is_there_for_whoever_asks_for_it():
    code = "from anyshot.encoders.engines.openvino import without_telemetry as w; print(w().convert_model.__doc__)"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "imports only now" in done.stdout


def test_without_openvino_the_error_names_torch():
    code = "import sys, anyshot.encoders.engines.openvino as o; sys.modules['openvino'] = None; o.without_telemetry()"
    done = run([sys.executable, "-c", code], capture_output=True, text=True)
    assert MissingExtraError.__name__ in done.stderr
    assert "pip install openvino. Where it is not made for your system" in done.stderr
