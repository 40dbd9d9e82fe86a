"""Which engine runs an encoder: openvino on the processor, torch on a GPU and for what openvino cannot run."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from anyshot.base.lazy import extra
from anyshot.encoders.engines.openvino import is_installed
from anyshot.errors import EncoderError, InputError

EngineName: TypeAlias = Literal["openvino", "torch"]

CPU: Final = frozenset({"auto", "cpu"})
DRIVERS: Final = ("/dev/nvidiactl", "/dev/kfd", r"C:\Windows\System32\nvcuda.dll")
"""Files that are there if a GPU is, one of NVIDIA or of AMD."""


class UnsupportedModelError(EncoderError):
    """openvino cannot run a model.

    reason: why, as a clause, such as "models of type 'gpt2' are not built here".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"openvino cannot run this model: {self.reason}. Use engine='torch', after pip install \"anyshot[torch]\"."
        )


def choose_engine(
    engine: str = "auto", device: str = "auto", *, check: Callable[[], object] = lambda: None
) -> EngineName:
    """Return the engine that runs an encoder.

    engine: "auto" is torch where a device other than the CPU is asked for, where torch is installed and finds a GPU,
    and where openvino is not installed or cannot run the model; else openvino. check: raises UnsupportedModelError if
    openvino cannot run it.

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
    purpose = "engine='torch'" if engine == "torch" else f"device={device!r}" if device not in CPU else None
    try:
        check()
    except UnsupportedModelError as error:
        if engine == "openvino":
            raise
        purpose = purpose or f"This model ({error.reason})"
    if purpose is None and engine == "auto" and not is_installed():
        purpose = "Without openvino (pip install openvino), an encoder"
    if purpose is not None:
        extra("torch", "torch", purpose=purpose)
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
