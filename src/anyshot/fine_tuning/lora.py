"""LoRA: train low-rank matrices beside the weights, and add them to the weights afterward."""

import warnings

from torch import nn
from transformers.pytorch_utils import Conv1D

from anyshot.base.lazy import extra
from anyshot.encoders.freeze import Rest
from anyshot.errors import EncoderError

# Each dense layer W x + b becomes W x + b + (alpha / rank) B A x, with A (rank, in) random and B (out, rank) zero, so
# that nothing changes before training. Only A and B are trained. Hu et al., LoRA, ICLR 2022, eq. (3).


def add_lora(rest: Rest, *, rank: int) -> None:
    """Add matrices of rank `rank` to every dense layer and every 1 x 1 convolution of `rest`; freeze all else.

    Their weight alpha / rank is 2. Their initial values come from torch's generator. Raises MissingExtraError if peft
    is not installed, and EncoderError if `rest` has no such layer.
    """
    peft = extra("peft", "lora", purpose="method='lora'")
    targets = [name for name, module in rest.named_modules() if _takes_lora(module)]
    if not targets:
        raise EncoderError("The stages above the freeze point have no dense layer for LoRA. Choose an earlier stage.")
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False")  # peft sets it itself for GPT-2's layers
        peft.inject_adapter_in_model(config, rest)
    for name in targets:
        _copy_shape(rest.get_submodule(name))


def merge_lora(rest: Rest) -> None:
    """Add the low-rank matrices to the weights and remove them, so that `rest` has its original layers again."""
    tuners = extra("peft.tuners.tuners_utils", "lora", purpose="method='lora'")
    adapted = [(name, module) for name, module in rest.named_modules() if isinstance(module, tuners.BaseTunerLayer)]
    for name, module in adapted:
        module.merge()
        rest.set_submodule(name, module.get_base_layer())
    rest.requires_grad_(True)


def _copy_shape(adapted: nn.Module) -> None:
    """Copy the shape of a convolution to its adapter, because some networks read it to pad their input."""
    inner = adapted.get_base_layer()  # type: ignore[operator]  # peft's, which mypy does not see
    if isinstance(inner, nn.Conv2d):
        adapted.stride, adapted.kernel_size = inner.stride, inner.kernel_size  # type: ignore[assignment]
        adapted.dilation = inner.dilation  # type: ignore[assignment]


def _takes_lora(module: nn.Module) -> bool:
    """Return whether a layer is dense, as GPT-2's Conv1D is too, or a 1 x 1 convolution over all channels."""
    is_pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    return isinstance(module, nn.Linear | Conv1D) or is_pointwise
