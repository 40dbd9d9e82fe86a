"""What config.json may leave out of CLIP and SigLIP, and their tokenizers."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from anyshot.encoders.engines.image_text_models import (
    CLIP_LAYERS,
    CLIP_TEXTS,
    END,
    SIGLIP_LAYERS,
    TextTokens,
    canonical,
)
from anyshot.errors import MissingWeightsError


def saved(folder, **settings):
    words = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "cat": 2, "<pad>": 3}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("CLIPVisionConfig", CLIP_LAYERS),
        ("CLIPTextConfig", {**CLIP_LAYERS, **CLIP_TEXTS, "eos_token_id": END}),
        ("SiglipVisionConfig", SIGLIP_LAYERS),
        ("SiglipTextConfig", SIGLIP_LAYERS),
    ],
)
def test_what_a_config_leaves_out_is_what_transformers_takes(name, ours):
    import transformers

    theirs = getattr(transformers, name)().to_dict()
    assert {key: theirs[key] for key in ours} == ours


def test_texts_lose_case_and_punctuation():
    assert canonical("  A  Cat, a\ndog! ") == "a cat a dog"


@pytest.mark.parametrize("pad", ["<pad>", {"content": "<pad>"}])
def test_texts_are_truncated_and_filled_to_full_length(pad, tmp_path):
    tokens = TextTokens.of(saved(tmp_path, pad_token=pad), longest=3, is_padded=True)
    assert tokens(["a cat", "a a cat cat", "A, cat"]) == [[1, 2, 3], [1, 1, 2], [0, 2, 3]]


def test_without_padding_and_a_stated_token_texts_keep_their_length(tmp_path):
    tokens = TextTokens.of(saved(tmp_path), longest=3, is_padded=False)
    assert (tokens(["a cat", "cat"]), tokens.pad) == ([[1, 2], [2]], 0)


def test_siglips_own_tokenizer_reads_canonical_texts(tmp_path):
    folder = saved(tmp_path, tokenizer_class="SiglipTokenizer", pad_token="<pad>")
    assert TextTokens.of(folder, longest=2, is_padded=True)(["A, Cat."]) == [[1, 2]]


def test_a_damaged_tokenizer_is_refused(tmp_path):
    saved(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(MissingWeightsError, match="is not a tokenizer"):
        TextTokens.of(tmp_path, longest=2, is_padded=True)
