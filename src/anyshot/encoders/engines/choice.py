"""Which engine runs an encoder: openvino on the processor, torch on a GPU and for what openvino cannot run."""

import importlib.util
import sys
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from anyshot.base.extras import extra
from anyshot.encoders.engines.openvino import is_installed
from anyshot.errors import EncoderError, InputError

EngineName: TypeAlias = Literal["openvino", "torch"]

CPU: Final = frozenset({"auto", "cpu"})
DRIVERS: Final = ("/dev/nvidiactl", "/dev/kfd", r"C:\Windows\System32\nvcuda.dll")
"""Files that are there if a GPU is, one of NVIDIA or of AMD."""


class UnsupportedModelError(EncoderError):
    """openvino cannot run a model; the message is the reason, for `choose_engine`."""


def choose_engine(engine: str = "auto", device: str = "auto", *, unsupported: str | None = None) -> EngineName:
    """Return the engine that runs an encoder.

    engine: "auto" is torch where a device other than the CPU is asked for, where torch is installed and finds a GPU,
    and where openvino is not installed or cannot run the model; else openvino. unsupported: the reason why openvino
    cannot run it, such as "models of type 'gpt2' are not built here".

    Raises
    ------
    InputError
        The engine is not known.
    EncoderError
        openvino is asked for on another device than the CPU, or for a model that it cannot run.
    MissingExtraError
        torch is needed and is not installed; the message says what for.
    """
    if engine not in ("auto", *get_args(EngineName)):
        raise InputError(f"engine={engine!r} must be 'auto', 'openvino' or 'torch'.")
    if engine == "openvino" and device not in CPU:
        raise EncoderError("engine='openvino' runs on the CPU only. Use device='cpu', or engine='torch'.")
    if engine == "openvino" and unsupported:
        raise EncoderError(
            f"engine='openvino' cannot run this model: {unsupported}. Use engine='torch', after "
            'pip install "anyshot[torch]".'
        )
    reasons = {
        "engine='torch'": engine == "torch",
        f"device={device!r}": device not in CPU,
        f"This model ({unsupported})": bool(unsupported),
    }
    for reason, holds in reasons.items():
        if holds:
            extra("torch", "torch", purpose=reason)
            return "torch"
    if engine == "auto" and not is_installed():
        extra("torch", "torch", purpose="Without openvino (pip install openvino), an encoder")
        return "torch"
    return "torch" if engine == "auto" and device == "auto" and finds_gpu() else "openvino"


def finds_gpu() -> bool:
    """Return whether torch is installed and finds a GPU; torch is imported only if there can be one."""
    if importlib.util.find_spec("torch") is None:
        return False
    if "torch" not in sys.modules and not any(Path(driver).exists() for driver in DRIVERS):
        return False
    torch = extra("torch", "torch", purpose="A GPU")
    return bool(torch.cuda.is_available())
