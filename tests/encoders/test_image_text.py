"""Image-text models, tiny and random, against transformers' own forward."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.base.validation import unit
from anyshot.encoders.image_text import TEXTS, ImageTextEncoder, load_image_text_model
from anyshot.encoders.stages import choose
from anyshot.errors import BadItemError, EncoderError

WORDS = ["<pad>", "<unk>", "<end>", "a", "photo", "of", "cat", "dog", "house"]
TEXT = {
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
VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
PROCESSOR = {
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


def make(folder: Path, model: transformers.PreTrainedModel, processor: str) -> Path:
    torch.manual_seed(0)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="<end>"
    )
    tokenizer.save_pretrained(folder)
    settings = PROCESSOR | {"image_processor_type": processor, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def clip(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=10)
    return make(folder, transformers.CLIPModel(config), "CLIPImageProcessor")


def siglip(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.SiglipConfig(text_config=TEXT | {"projection_size": 16}, vision_config=VISION)
    return make(folder, transformers.SiglipModel(config), "SiglipImageProcessor")


@pytest.fixture
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size=(*shape, 3), dtype=np.uint8) for shape in ((40, 50), (32, 32))]


@pytest.fixture(params=[clip, siglip], ids=["CLIP", "SigLIP"])
def folder(request, tmp_path) -> Path:
    return request.param(tmp_path)


@pytest.fixture
def encoder(folder) -> ImageTextEncoder:
    return load_image_text_model(folder, device="cpu")


def theirs(folder: Path, images: list[np.ndarray]) -> object:
    """Return what transformers' own forward makes of images and sentences, in the precision of the encoder."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval().to(choose("cpu").dtype)
    is_siglip = model.config.model_type == "siglip"
    padding = "max_length" if is_siglip else True
    tokens = tokenizer(SENTENCES, padding=padding, max_length=12, truncation=True, return_tensors="pt")
    mask = None if is_siglip else tokens["attention_mask"]
    with torch.inference_mode():
        return model(input_ids=tokens["input_ids"], attention_mask=mask, pixel_values=pixels.to(model.dtype))


def test_it_is_an_encoder_of_images_that_places_texts_among_them(encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert isinstance(encoder, TextAligned)
    assert not isinstance(encoder, Classifying)
    assert encoder.modality == "image"


def test_image_and_text_vectors_are_those_of_transformers(encoder, folder, images):
    output = theirs(folder, images)
    np.testing.assert_allclose(encoder.encode(images), unit(output.image_embeds.float().numpy()), atol=1e-2)
    np.testing.assert_allclose(encoder.encode_texts(SENTENCES), unit(output.text_embeds.float().numpy()), atol=1e-2)


def test_scale_and_bias_turn_cosines_into_the_models_logits(encoder, folder, images):
    logits = theirs(folder, images).logits_per_image.float().numpy()
    cosines = encoder.encode(images) @ encoder.encode_texts(SENTENCES).T
    assert encoder.logit_scale is not None
    made = encoder.logit_scale * cosines + (encoder.logit_bias or 0)
    np.testing.assert_allclose(made, logits, atol=0.02 * encoder.logit_scale)


def test_the_neighbors_of_a_text_do_not_matter(encoder):
    together = encoder.encode_texts(SENTENCES)
    alone = np.concatenate([encoder.encode_texts([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-2)


def test_vectors_are_float32_of_unit_length(encoder, images):
    for vectors in (encoder.encode(images), encoder.encode_texts(["cat"] * (TEXTS + 3))):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == encoder.width
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_nothing_in_gives_nothing_out(encoder):
    assert encoder.encode([]).shape == (0, encoder.width)
    assert encoder.encode_texts([]).shape == (0, encoder.width)


def test_an_empty_text_is_named_by_its_row(encoder):
    with pytest.raises(BadItemError, match="row 1 is empty"):
        encoder.encode_texts(["cat", " "])


def test_a_model_of_images_alone_is_refused(tmp_path):
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1], layer_type="basic")
    folder = make(tmp_path, transformers.ResNetModel(config), "ViTImageProcessor")
    with pytest.raises(EncoderError, match="holds a ResNetModel, which does not place images and texts in one space"):
        load_image_text_model(folder, device="cpu")
