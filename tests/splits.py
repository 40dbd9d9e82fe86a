"""Backbones split at every freeze point, against the network they were cut from; tiny image models to be split."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
import transformers

from anyshot.encoders.backbones import split
from anyshot.encoders.huggingface.base import quiet
from anyshot.encoders.stages import Backbone, Compute, State

PRECISE = Compute(torch.device("cpu"), torch.float32)
PROCESSOR = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "image_processor_type": "ViTImageProcessor",
}
ROOM = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {**ROOM, "image_size": 32, "patch_size": 8}
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 12, 16], "depths": [1, 2, 1], "layer_type": "bottleneck"}
IMAGE_MODELS = {
    "resnet": lambda: transformers.ResNetModel(transformers.ResNetConfig(**RESNET)),
    "resnet classifier": lambda: transformers.ResNetForImageClassification(transformers.ResNetConfig(**RESNET)),
    "mobilenet v1": lambda: transformers.MobileNetV1Model(transformers.MobileNetV1Config(depth_multiplier=0.25)),
    "mobilenet v2": lambda: transformers.MobileNetV2Model(transformers.MobileNetV2Config(depth_multiplier=0.25)),
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**VISION)),
    "vit classifier": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**VISION)),
    "clip vision": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**VISION)),
    "unknown": lambda: transformers.ConvNextModel(transformers.ConvNextConfig(hidden_sizes=[8] * 4, depths=[1] * 4)),
}
PIXELS = np.random.default_rng(0).integers(0, 256, size=(3, 40, 36, 3), dtype=np.uint8)


def precise(backbone: Backbone) -> Backbone:
    """Return a backbone whose trunk runs in float32, whatever the machine is fast at."""
    return dataclasses.replace(backbone, compute=PRECISE)


def saved_image_model(name: str, folder: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(0)
    model = IMAGE_MODELS[name]()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # statistics that tell a frozen norm from a following one
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2.0)
    with quiet():
        model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder, model.eval()


def composition_gap(backbone: Backbone, state: State, expected: torch.Tensor) -> float:
    """Return the largest difference from `expected` over all freeze points, as a share of its own size."""
    gaps = []
    for i in range(len(backbone.stages)):
        trunk, rest = split(backbone, i)
        with torch.no_grad():
            made = rest.eval()(trunk(state))
        assert made.shape == expected.shape
        gaps.append(float((made - expected).abs().max() / expected.abs().max()))
    return max(gaps)
