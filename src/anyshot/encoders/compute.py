"""Where an encoder runs, and in what precision: asked when one is loaded, never set for the whole process."""

from dataclasses import dataclass

import torch

from anyshot.errors import EncoderError


@dataclass(frozen=True)
class Compute:
    """A device, and the precision that is fast there and good enough for a frozen encoder."""

    device: torch.device
    dtype: torch.dtype

    def marked(self, digest: str) -> str:
        """Return a digest of weights and preparation, marked with the precision, which moves vectors a little."""
        return f"{digest} {self.dtype}"


def choose(device: str = "auto") -> Compute:
    """Return where to run and how precisely.

    bfloat16 where the device multiplies it in hardware, float32 elsewhere; float16 never, a CPU is slow at it.

    Parameters
    ----------
    device : str, default="auto"
        "auto" is the GPU where torch sees one, else the CPU; or torch's own name: "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    EncoderError
        There is no such device, or torch does not see it.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = _named(device)
    return Compute(place, torch.bfloat16 if multiplies_bfloat16(place) else torch.float32)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether `device` has instructions for bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False  # an older torch cannot tell: float32 is right everywhere
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16"))


def _named(name: str) -> torch.device:
    remedy = 'Give "auto", "cpu", or the name of a GPU that torch sees, such as "cuda".'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EncoderError(f"device={name!r} is no device. {remedy}") from error
    seen = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= seen.get(device.type, 0):
        raise EncoderError(f"device={name!r} is not on this machine, as torch sees it. {remedy}")
    return device
