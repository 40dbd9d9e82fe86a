"""Text models run by openvino: small random ones, compared with transformers and with sentence-transformers."""

import json
import shutil
import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders import compiled_texts as module
from anyshot.encoders.compiled_texts import CompiledTextEncoder, read_supported
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.readability import TextReading
from anyshot.encoders.registry import load_encoder
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError, UnknownEncoderError

tiny = pytest.importorskip("tiny_language_models", reason="small models are made by transformers")
pytestmark = pytest.mark.torch

TEXTS = [*tiny.TEXTS, "<pad> card <pad>"]
SCRIPTS = ["my card", "\u0e1e\u0e31\u0e2a\u0e14\u0e38", "my \u0e1e"]
FAMILIES = ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet"]


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Pretend that the CPU has no bfloat16, so that vectors are exact."""
    monkeypatch.setattr(module, "fast_precision", lambda: "float32")


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory) -> Path:
    return tiny.saved("bert", tmp_path_factory.mktemp("bert"))[0]


@pytest.fixture
def folder(bert_folder, tmp_path) -> Path:
    """A copy of the folder of a small BERT, to damage."""
    return Path(shutil.copytree(bert_folder, tmp_path / "copy"))


def changed(file: Path, **settings: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


@pytest.mark.parametrize("kind", FAMILIES)
def test_vectors_are_the_mean_of_the_states_of_transformers(kind, tmp_path):
    folder, model = tiny.saved(kind, tmp_path)
    encoder = load_encoder(f"hf:{folder}", device="cpu", download="never", threads=1)
    assert isinstance(encoder, CompiledTextEncoder)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    vectors, expected = encoder.encode(tiny.TEXTS), tiny.expected_vectors(kind, model)
    assert (vectors * expected).sum(axis=1).min() > 1 - 1e-6
    np.testing.assert_allclose(vectors, expected, atol=2e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_torch_gives_the_same_vectors_digest_and_language(kind, tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # a CPU without bfloat16
    folder, _ = tiny.saved(kind, tmp_path)
    (folder / "README.md").write_text("---\nlanguage: en\n---\n")
    ours, other = CompiledTextEncoder(folder), load_encoder(f"hf:{folder}", device="cpu", engine="torch")
    np.testing.assert_allclose(ours.encode(TEXTS), other.encode(TEXTS), atol=2e-6)
    assert (ours.digest, ours.language) == (other.digest, other.language)
    assert TextReading(["It broke", "Das ist nicht gut"], other).foreign == {1: "German"}
    assert ours.is_unread(SCRIPTS).tolist() == other.is_unread(SCRIPTS).tolist()


@pytest.mark.parametrize(
    ("pooling", "narrowed"),
    [
        ("mean", False),
        ("mean", True),
        ("cls", True),
        ("max", False),
        ("mean_sqrt_len_tokens", True),
        (("cls", "max"), False),
    ],
)
def test_modules_of_sentence_transformers_are_used(pooling, narrowed, tmp_path):
    from sentence_transformers import SentenceTransformer

    from anyshot.encoders.huggingface.base import quiet

    folder, _ = tiny.saved_sentences(tmp_path, pooling=pooling, narrowed=narrowed)
    with quiet():
        library = SentenceTransformer(str(folder), device="cpu")
        expected = library.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    encoder = load_encoder(f"hf:{folder}", download="never", device="cpu")
    assert isinstance(encoder, CompiledTextEncoder)
    assert encoder.width == expected.shape[1]
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=2e-6)


def test_prompt_lower_case_and_longest_text_are_those_of_the_folder(tmp_path):
    from sentence_transformers import SentenceTransformer

    from anyshot.encoders.huggingface.base import quiet

    folder, _ = tiny.saved_sentences(tmp_path)
    changed(folder / "sentence_bert_config.json", max_seq_length=5, do_lower_case=True)
    changed(
        folder / "config_sentence_transformers.json", prompts={"query": "please refund "}, default_prompt_name="query"
    )
    texts = ["CARD where", "my card is late please refund my card", "where"]
    with quiet():
        library = SentenceTransformer(str(folder), device="cpu")
        expected = library.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    vectors = CompiledTextEncoder(folder).encode(texts)
    np.testing.assert_allclose(vectors, expected, atol=2e-6)


def test_a_module_normalize_before_a_dense_layer_is_used(tmp_path):
    folder, _ = tiny.saved_sentences(tmp_path, narrowed=True)
    plain = CompiledTextEncoder(folder).encode(TEXTS)
    modules = json.loads((folder / "modules.json").read_text())
    kind = "sentence_transformers.models.Normalize"
    modules.insert(2, {"idx": 9, "name": "9", "path": "9_Normalize", "type": kind})
    (folder / "modules.json").write_text(json.dumps(modules))
    assert np.abs(CompiledTextEncoder(folder).encode(TEXTS) - plain).max() > 1e-3


def test_weights_of_a_model_with_a_head_are_found_under_their_prefix(folder):
    expected = CompiledTextEncoder(folder).encode(TEXTS)
    arrays = load_file(folder / "model.safetensors")
    renamed = {f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): array for name, array in arrays.items()}
    save_file(renamed | {"cls.bias": np.zeros(3, np.float32)}, folder / "model.safetensors")
    np.testing.assert_array_equal(CompiledTextEncoder(folder).encode(TEXTS), expected)


def test_half_precision_weights_are_read(folder):
    expected = CompiledTextEncoder(folder).encode(TEXTS)
    arrays = load_file(folder / "model.safetensors")
    save_file({name: array.astype(np.float16) for name, array in arrays.items()}, folder / "model.safetensors")
    np.testing.assert_allclose(CompiledTextEncoder(folder).encode(TEXTS), expected, atol=2e-3)


def test_long_texts_are_truncated(folder):
    whole, longer = CompiledTextEncoder(folder).encode(["card " * 10, "card " * 30])
    np.testing.assert_allclose(whole, longer, atol=1e-6)


def test_no_texts_are_no_vectors(folder):
    assert CompiledTextEncoder(folder).encode([]).shape == (0, 16)


def test_a_stream_gives_the_same_vectors(folder):
    encoder = CompiledTextEncoder(folder)
    np.testing.assert_allclose(np.concatenate(list(encoder.stream(iter(TEXTS)))), encoder.encode(TEXTS), atol=1e-6)


def test_the_backbone_is_opened_by_torch(folder):
    encoder = CompiledTextEncoder(folder)
    backbone = encoder.backbone()
    assert backbone.stages == ("embeddings", "layer1", "layer2", "pooling", "head")
    assert backbone.digest.split()[0] == encoder.digest.split()[0]


# --- what cannot be used ---------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "words"), [(" ", "row 1 is empty"), (7, "Row 1 is not a text")])
def test_a_bad_text_is_reported_with_its_row(folder, bad, words):
    with pytest.raises(BadItemError, match=words):
        CompiledTextEncoder(folder).encode(["card", bad])


def test_other_architectures_go_to_torch(tmp_path):
    folder, _ = tiny.saved("gpt2", tmp_path)
    assert type(load_encoder(f"hf:{folder}", device="cpu")).__name__ == "LanguageModelEncoder"
    with pytest.raises(EncoderError, match="openvino cannot run this model: models of type 'gpt2' are not among"):
        load_encoder(f"hf:{folder}", engine="openvino")
    with pytest.raises(EncoderError, match=r"openvino cannot run .*gpt2.*Use engine='torch'"):
        CompiledTextEncoder(folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"is_decoder": True}, "is a decoder"),
        ({"position_embedding_type": "relative_key"}, "positions of type 'relative_key'"),
        ({"hidden_act": "mish"}, "the activation 'mish', which is none of gelu"),
    ],
)
def test_settings_that_are_not_built_here_go_to_torch(folder, settings, words):
    changed(folder / "config.json", **settings)
    with pytest.raises(UnsupportedModelError, match=words):
        read_supported(folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pooling_mode": "weightedmean"}, "its pooling is 'weightedmean', which is none of cls, max, mean"),
        ({"pooling_mode": "shortest"}, "its pooling is 'shortest'"),
        ({"include_prompt": False}, "leaves out the prompt"),
    ],
)
def test_an_unknown_pooling_goes_to_torch(tmp_path, settings, words):
    folder, _ = tiny.saved_sentences(tmp_path)
    changed(next(folder.glob("1_*")) / "config.json", **settings)
    with pytest.raises(UnsupportedModelError, match=words):
        read_supported(folder)


def test_a_module_that_is_not_built_here_goes_to_torch(tmp_path):
    folder, _ = tiny.saved_sentences(tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_LSTM", "type": "sentence_transformers.models.LSTM"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnsupportedModelError, match="it has a module of the kind LSTM"):
        read_supported(folder)


def test_a_folder_that_asks_for_code_is_refused(folder):
    changed(folder / "config.json", auto_map={"AutoModel": "owner/code--modeling.Model"})
    with pytest.raises(UnknownEncoderError, match=r"needs its own code \(owner/code--modeling.Model\), which is never"):
        load_encoder(f"hf:{folder}")


def test_without_a_tokenizer_openvino_cannot_run_it(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(EncoderError, match=r"cannot run this model: it has no tokenizer\.json"):
        load_encoder(f"hf:{folder}", engine="openvino")


def test_a_tokenizer_that_was_cut_short_is_refused(folder):
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text[: len(text) // 2])
    with pytest.raises(MissingWeightsError, match=r"tokenizer\.json is not a tokenizer: .* Download the model again"):
        CompiledTextEncoder(folder)


def test_a_tokenizer_of_another_model_is_reported(folder):
    changed(folder / "config.json", vocab_size=9)
    arrays = load_file(folder / "model.safetensors")
    arrays["embeddings.word_embeddings.weight"] = arrays["embeddings.word_embeddings.weight"][:9].copy()
    save_file(arrays, folder / "model.safetensors")
    encoder = CompiledTextEncoder(folder)
    with pytest.raises(EncoderError, match="a token with the number 10, but the network knows only 9"):
        encoder.encode(["refund"])


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_weights_that_were_cut_short_are_refused(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(MissingWeightsError, match=r"are damaged or cut short\. Download the model again"):
        CompiledTextEncoder(folder)


def test_missing_weights_and_weights_of_another_shape_are_named(folder):
    changed(folder / "config.json", intermediate_size=40)
    with pytest.raises(MissingWeightsError, match=r"layer\.0\.intermediate\.dense\.bias in the shape \(24,\), but"):
        CompiledTextEncoder(folder)
    changed(folder / "config.json", intermediate_size=24, num_hidden_layers=3)
    with pytest.raises(MissingWeightsError, match=r"lacks the weights encoder\.layer\.2\.attention"):
        CompiledTextEncoder(folder)


@pytest.mark.parametrize("settings", [{"num_hidden_layers": "two"}, {"num_attention_heads": 3}])
def test_sizes_that_are_none_are_refused(folder, settings):
    changed(folder / "config.json", **settings)
    with pytest.raises(UnknownEncoderError, match=r"config\.json (says num_hidden_layers='two'|has a width of 16)"):
        CompiledTextEncoder(folder)


@pytest.mark.parametrize("longest", [-5, 0, 2])
def test_a_limit_without_room_for_a_text_is_refused(longest, folder):
    changed(folder / "tokenizer_config.json", model_max_length=longest)
    with pytest.raises(UnknownEncoderError, match=f"says that the model reads at most {longest} tokens"):
        CompiledTextEncoder(folder)


def test_other_weights_in_the_folder_are_not_read(folder):
    expected = CompiledTextEncoder(folder).encode(TEXTS)
    weights = load_file(folder / "model.safetensors")
    save_file({name: np.zeros_like(one) for name, one in weights.items()}, folder / "model_zero.safetensors")
    np.testing.assert_allclose(CompiledTextEncoder(folder).encode(TEXTS), expected, atol=1e-6)


def test_dense_weights_in_a_pickle_are_refused(tmp_path):
    folder, _ = tiny.saved_sentences(tmp_path, narrowed=True)
    dense = next(folder.glob("2_*"))
    (dense / "model.safetensors").rename(dense / "pytorch_model.bin")
    with pytest.raises(MissingWeightsError, match=r"only in the pickle pytorch_model\.bin, which is never opened"):
        CompiledTextEncoder(folder)


def test_nothing_is_written_to_the_terminal_and_torch_is_not_imported(folder):
    code = (
        "import sys; from anyshot.encoders import load_encoder\n"
        f"load_encoder({f'hf:{folder}'!r}).encode(['card ' * 50])\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
