"""Tiny image and image-text models of transformers with random weights, and their own outputs."""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor

from anyshot.encoders.stages import choose_compute

FAST = choose_compute("cpu").dtype
"""The precision in which encoders of torch run here."""
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32}
DINO = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
CONVNEXT = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "image_size": 32, "window_size": 4}

CLASSIFIERS = {
    "ViT": (transformers.ViTForImageClassification, transformers.ViTConfig, {**VIT, "patch_size": 8}),
    "DINOv2": (transformers.Dinov2ForImageClassification, transformers.Dinov2Config, DINO),
    "ResNet": (transformers.ResNetForImageClassification, transformers.ResNetConfig, RESNET),
    "ConvNeXt": (transformers.ConvNextForImageClassification, transformers.ConvNextConfig, CONVNEXT),
    "Swin": (transformers.SwinForImageClassification, transformers.SwinConfig, SWIN),
}


def make(folder: Path, model_class: type, config: transformers.PretrainedConfig) -> Path:
    torch.manual_seed(0)
    model = model_class(config)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear) and layer.bias is not None:
            torch.nn.init.zeros_(layer.bias)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def theirs(
    folder: Path, auto: type, images: list[np.ndarray], dtype: torch.dtype = FAST
) -> transformers.utils.ModelOutput:
    """Return the output of transformers' own model, by default in the precision of torch's encoders."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    x: Tensor = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    model = auto.from_pretrained(folder).eval().to(dtype)
    with torch.inference_mode():
        return model(x.to(dtype))


WORDS = ["<pad>", "<unk>", "<end>", "a", "photo", "of", "cat", "dog", "house"]
TEXT_CONFIG = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 12,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
VISION_CONFIG = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
JOINT_PROCESSOR = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_center_crop": False,
    "do_rescale": True,
    "do_normalize": True,
}
SENTENCES = [
    "a photo of a cat <end>",
    "dog <end>",
    "a house of a house of a house of a house of a house of a dog <end>",
]


def make_image_text(folder: Path, model: transformers.PreTrainedModel, processor: str) -> Path:
    torch.manual_seed(0)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="<end>"
    )
    tokenizer.save_pretrained(folder)
    settings = JOINT_PROCESSOR | {"image_processor_type": processor, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def clip(folder: Path, *, end: int = 2) -> Path:
    torch.manual_seed(0)
    texts = TEXT_CONFIG | {"eos_token_id": end}
    config = transformers.CLIPConfig(text_config=texts, vision_config=VISION_CONFIG, projection_dim=10)
    return make_image_text(folder, transformers.CLIPModel(config), "CLIPImageProcessor")


def siglip(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.SiglipConfig(text_config=TEXT_CONFIG | {"projection_size": 16}, vision_config=VISION_CONFIG)
    return make_image_text(folder, transformers.SiglipModel(config), "SiglipImageProcessor")


def joint_output(folder: Path, images: list[np.ndarray], dtype: torch.dtype = FAST) -> transformers.utils.ModelOutput:
    """Return the output of transformers' own model for images and `SENTENCES`."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval().to(dtype)
    is_siglip = model.config.model_type == "siglip"
    padding = "max_length" if is_siglip else True
    tokens = tokenizer(SENTENCES, padding=padding, max_length=12, truncation=True, return_tensors="pt")
    mask = None if is_siglip else tokens["attention_mask"]
    with torch.inference_mode():
        return model(input_ids=tokens["input_ids"], attention_mask=mask, pixel_values=pixels.to(model.dtype))
