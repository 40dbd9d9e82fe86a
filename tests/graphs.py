"""Run a graph of openvino on arrays, and compare it with a model of transformers that has random weights."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anyshot.encoders.engines.layers import Node, model, parameter
from anyshot.encoders.engines.openvino import Engine
from anyshot.encoders.engines.weights import Weights, read_safetensors


def answer(build: Callable[..., Node], *inputs: np.ndarray) -> np.ndarray:
    """Return the output of the graph that `build` makes, in float32, for inputs of the same ranks."""

    def whole() -> Any:
        shapes = [(-1, *x.shape[1:]) if x.ndim == 4 else (-1,) * x.ndim for x in inputs]
        parameters = [
            parameter(f"x{row}", *shape, dtype=x.dtype)
            for row, (x, shape) in enumerate(zip(inputs, shapes, strict=True))
        ]
        return model(build(*parameters), parameters)

    return Engine(whole)(**{f"x{row}": x for row, x in enumerate(inputs)})


def randomized(model: Any, *, seed: int = 0) -> Any:
    """Return a model of transformers in which every weight and statistic is random."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            spread = 0.3 if weights.ndim < 2 else (weights.shape[0] / weights.numel()) ** 0.5
            weights.copy_(torch.randn(weights.shape, generator=generator) * spread)
        for name, statistic in model.named_buffers():
            if name.endswith("running_var"):
                statistic.copy_(torch.rand(statistic.shape, generator=generator) + 0.5)
            elif name.endswith("running_mean"):
                statistic.copy_(torch.randn(statistic.shape, generator=generator) * 0.1)
    return model.eval()


def saved(model: Any, folder: Path) -> tuple[Weights, Mapping[str, Any]]:
    """Save a model of transformers; return its weights and its config as they are read again."""
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    return read_safetensors([folder / "model.safetensors"], source=folder), model.config.to_dict() | config


def largest_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest 1 - cosine of two tables of vectors (n, width)."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(np.max(1 - np.sum(ours * theirs, axis=1) / lengths))
