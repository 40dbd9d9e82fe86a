"""Batch norms whose statistics stay as they were learned, whoever switches the network to training."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm

# A few small batches of other images would ruin what a million made. A norm in evaluation is not enough: each call of
# train() on anything that holds it would let its statistics follow the batches again.


class FrozenNorm(nn.Module):
    """A batch norm as it stands: mean and variance are constants, gain and offset are weights."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.weight, self.bias = norm.weight, norm.bias
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width, ...) to the same shape."""
        return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def freeze_norms(module: nn.Module) -> nn.Module:
    """Replace the batch norms within `module`, in place, by frozen ones; return it, or its own replacement.

    Norms that keep no statistics stay: they live by the batch.
    """
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
        return FrozenNorm(module)
    for name, child in module.named_children():
        setattr(module, name, freeze_norms(child))
    return module
