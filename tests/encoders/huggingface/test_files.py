"""Models in folders, in the cache and on the hub, and their kinds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save_file

from anyshot.encoders.huggingface.files import (
    digest_of_folder,
    download_switch,
    kind_of,
    model_folder,
    weight_files,
)
from anyshot.encoders.registry import load_encoder
from anyshot.errors import InputError, MissingWeightsError, UnknownEncoderError

ABSENT = "anyshot-tests/no-such-model"


@pytest.fixture
def empty_cache(tmp_path, monkeypatch) -> Path:
    """Point the hub's client at an empty cache and a closed port."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "cache"


def folder_of(folder: Path, **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"weight": np.zeros(2)}, folder / "model.safetensors")
    return folder


def test_downloads_follow_the_argument_then_the_environment_then_allow(monkeypatch):
    monkeypatch.delenv("ANYSHOT_DOWNLOAD", raising=False)
    assert download_switch(None) == "allow"
    monkeypatch.setenv("ANYSHOT_DOWNLOAD", "never")
    assert download_switch(None) == "never"
    assert download_switch("allow") == "allow"


def test_a_switch_other_than_allow_or_never_is_refused(monkeypatch):
    with pytest.raises(InputError, match='download is \'no\'; it must be "allow" or "never"'):
        download_switch("no")
    monkeypatch.setenv("ANYSHOT_DOWNLOAD", "0")
    with pytest.raises(InputError, match="environment variable ANYSHOT_DOWNLOAD is '0'"):
        download_switch(None)


def test_a_local_folder_is_found_without_the_network(tmp_path, empty_cache):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    assert model_folder(str(folder), download="never") == folder
    assert model_folder(folder) == folder
    assert not empty_cache.exists()


def test_a_model_that_may_not_be_downloaded_is_reported_with_the_command(empty_cache):
    with pytest.raises(MissingWeightsError) as caught:
        load_encoder(f"hf:{ABSENT}", download="never")
    assert str(caught.value) == (
        f"The model {ABSENT} is not on this machine, and download is 'never'. Download it: hf download {ABSENT}"
    )


def test_the_environment_forbids_downloads_too(empty_cache, monkeypatch):
    monkeypatch.setenv("ANYSHOT_DOWNLOAD", "never")
    with pytest.raises(MissingWeightsError, match="download is 'never'"):
        kind_of(ABSENT)


def test_a_model_in_the_cache_is_found_without_the_network(empty_cache):
    snapshot = empty_cache / "models--anyshot-tests--kept" / "snapshots" / ("0" * 40)
    folder_of(snapshot, model_type="bert")
    (empty_cache / "models--anyshot-tests--kept" / "refs").mkdir()
    (empty_cache / "models--anyshot-tests--kept" / "refs" / "main").write_text("0" * 40)
    assert model_folder("anyshot-tests/kept", download="never") == snapshot
    assert model_folder("anyshot-tests/kept", download="allow") == snapshot


@pytest.mark.parametrize("make", [lambda folder: sentence_model(folder), lambda folder: image_model(folder)])
def test_a_complete_model_in_the_cache_is_opened_without_the_hubs_library(empty_cache, make):
    make(empty_cache / "models--anyshot-tests--kept" / "snapshots" / ("0" * 40))
    code = (
        "import sys; from anyshot.encoders.huggingface.files import model_folder; "
        "model_folder('anyshot-tests/kept'); sys.exit('huggingface_hub' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def image_model(folder: Path) -> Path:
    """Save the settings of an image model, with some weights."""
    (folder_of(folder, model_type="vit") / "preprocessor_config.json").write_text("{}")
    return folder


@pytest.mark.parametrize("source", ["./nowhere", "/nowhere/at/all", "a/b/c"])
def test_a_missing_folder_is_refused(source):
    with pytest.raises(UnknownEncoderError, match="There is no folder"):
        model_folder(source)


def test_weights_in_a_pickle_are_refused(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(MissingWeightsError, match=r"only in the pickle pytorch_model\.bin, which is never opened"):
        model_folder(folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match=r"has no model\.safetensors"):
        model_folder(folder)


def test_other_weights_beside_those_of_the_model_are_not_read(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "model_fp16.safetensors").write_bytes(b"")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    assert weight_files(folder) == [folder / "model.safetensors"]  # as transformers, which prefers the one file


def test_a_missing_part_of_the_weights_is_reported(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    with pytest.raises(MissingWeightsError, match=r"lacks model-00002-of-00002\.safetensors"):
        model_folder(folder)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "model_types"),
    [
        ("text", ["bert", "roberta", "distilbert", "gpt2", "t5", "llama"]),
        ("image", ["vit", "resnet", "mobilenet_v2", "dinov2", "convnext", "clip_vision_model"]),
        ("image-text", ["clip", "siglip", "siglip2"]),
    ],
)
def test_the_kind_follows_from_the_settings(tmp_path, kind, model_types):
    assert {kind_of(folder_of(tmp_path, model_type=name)) for name in model_types} == {kind}


def test_a_list_of_modules_is_a_sentence_model(tmp_path):
    folder = folder_of(tmp_path, model_type="bert")
    modules = [{"path": "", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    assert kind_of(folder) == "sentences"


def test_modules_with_custom_code_are_refused(tmp_path):
    folder = folder_of(tmp_path, model_type="bert")
    (folder / "modules.json").write_text(json.dumps([{"path": "", "type": "custom_st.Transformer"}]))
    with pytest.raises(UnknownEncoderError, match=r"needs custom code, custom_st\.Transformer, which is never run"):
        kind_of(folder)


def test_clip_in_sentence_transformers_layout_is_refused_with_its_inner_folder(tmp_path):
    folder = folder_of(tmp_path, model_type="clip")
    modules = [{"path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnknownEncoderError, match=r"image-text model in sentence-transformers' layout.*0_CLIPModel"):
        kind_of(folder)


@pytest.mark.torch
def test_a_model_that_encodes_neither_texts_nor_images_is_refused(tmp_path):
    with pytest.raises(
        UnknownEncoderError, match="of type 'wav2vec2', which transformers does not list as encoding texts or images"
    ):
        kind_of(folder_of(tmp_path, model_type="wav2vec2"))


@pytest.mark.torch
def test_a_model_of_an_unknown_type_that_asks_for_code_is_refused(tmp_path):
    folder = folder_of(tmp_path, model_type="own", auto_map={"AutoModel": "modeling.Model"})
    with pytest.raises(UnknownEncoderError, match="of type 'own', which needs custom code, which is never run"):
        kind_of(folder)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UnknownEncoderError, match=r"is not a model: it has no config\.json"):
        kind_of(tmp_path)


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_settings_that_are_no_json_are_refused(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UnknownEncoderError, match="cannot be read as JSON"):
        kind_of(tmp_path)


def test_the_digest_changes_only_with_weights_and_settings(tmp_path):
    folder = folder_of(tmp_path, model_type="bert")
    first = digest_of_folder(folder, "mean")
    (folder / "README.md").write_text("A card.")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "notes.json").write_text("{}")
    assert digest_of_folder(folder, "mean") == first
    assert digest_of_folder(folder, "last") != first
    save_file({"weight": np.ones(2)}, folder / "model.safetensors")
    second = digest_of_folder(folder, "mean")
    (folder / "config.json").write_text('{"model_type": "roberta"}')
    assert len({first, second, digest_of_folder(folder, "mean")}) == 3


@pytest.fixture
def no_pickles(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a pickle was opened")

    monkeypatch.setattr("torch.load", refuse)


ST = "sentence_transformers.sentence_transformer.modules"


def sentence_model(folder, **files):
    """Save a small model in sentence-transformers' layout, with more files by path."""
    shutil.copytree(Path(__file__).parents[2] / "first_edition" / "bert", folder)
    pooling = {"embedding_dimension": 16, "pooling_mode": "mean"}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.Transformer"}]
    modules += [{"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{ST}.Pooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


DENSE = {"in_features": 16, "out_features": 4, "bias": True, "activation_function": "torch.nn.modules.linear.Identity"}
INDEX = "model.safetensors.index.json"


@pytest.mark.torch
@pytest.mark.usefixtures("no_pickles")
@pytest.mark.parametrize(
    "files",
    [
        {INDEX: {"weight_map": {"a": "weights.bin"}}, "weights.bin": b"pickle"},
        {"sub/" + INDEX: {"weight_map": {"a": "weights.bin"}}, "sub/weights.bin": b"pickle"},
        {"2_Dense/config.json": DENSE, "2_Dense/pytorch_model.bin": b"pickle"},
        {"2_Dense/config.json": DENSE, "2_Dense/pytorch_model.bin": b"pickle", "2_Dense/other.safetensors": b""},
        {
            "2_Dense/config.json": DENSE,
            "2_Dense/pytorch_model.bin": b"pickle",
            f"2_Dense/{INDEX}": {"weight_map": {"linear.weight": "other.safetensors"}},
        },
        {
            "2_Router/router_config.json": {
                "types": {"query_0_Dense": f"{ST}.Dense"},
                "structure": {"query": ["query_0_Dense"]},
                "parameters": {},
            },
            "2_Router/query_0_Dense/config.json": DENSE,
            "2_Router/query_0_Dense/pytorch_model.bin": b"pickle",
        },
    ],
    ids=["index", "index below", "Dense", "Dense and others", "Dense and index", "Dense in a Router"],
)
def test_a_pickle_is_never_opened(tmp_path, files):
    folder = sentence_model(tmp_path / "model", **files)
    with pytest.raises(MissingWeightsError, match=r"only in the pickle .*, which is never opened"):
        load_encoder(f"hf:{folder}")


@pytest.mark.parametrize("part", ["../secret.safetensors", "/etc/a.safetensors", "sub/a.safetensors"])
def test_an_index_that_leaves_the_folder_is_refused(tmp_path, part):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    for target in (tmp_path / "secret.safetensors", folder / "sub" / "a.safetensors"):
        target.parent.mkdir(exist_ok=True)
        save_file({"weight": np.zeros(2)}, target)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": part}}))
    with pytest.raises((UnknownEncoderError, MissingWeightsError), match=r"outside of its folder|lacks /etc"):
        model_folder(folder)


@pytest.mark.parametrize("path", ["../other", "/etc", "~/models", "a/../../b", ".hidden", "onnx", "..\\other", "C:\\x"])
@pytest.mark.parametrize("file", ["modules.json", "router_config.json"])
def test_a_module_outside_of_the_folder_is_refused(tmp_path, path, file):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    router = {"types": {path: f"{ST}.Dense"}, "structure": {}, "parameters": {}}
    modules = [{"path": path, "type": f"{ST}.Dense"}]
    (folder / file).write_text(json.dumps(modules if file == "modules.json" else router))
    with pytest.raises(UnknownEncoderError, match="a module outside of its folder"):
        model_folder(folder)


def test_custom_code_in_a_router_is_refused(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    router = {"types": {"a": "os.system"}, "structure": {}, "parameters": {}}
    (folder / "router_config.json").write_text(json.dumps(router))
    with pytest.raises(UnknownEncoderError, match=r"needs custom code, os\.system, which is never run"):
        model_folder(folder)


@pytest.mark.parametrize(
    ("weights", "error"), [("weights.bin", MissingWeightsError), ("../a.safetensors", UnknownEncoderError)]
)
def test_settings_that_name_other_weights_are_refused(tmp_path, weights, error):
    folder = folder_of(tmp_path / "bert", model_type="bert", transformers_weights=weights)
    with pytest.raises(error, match="which is never opened" if weights.endswith("bin") else "outside of its folder"):
        model_folder(folder)


def test_an_adapter_is_refused(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "evil/remote"}')
    with pytest.raises(UnknownEncoderError, match="is an adapter of another model"):
        model_folder(folder)


def test_links_are_followed_into_the_blobs_of_the_same_cache_entry_only(tmp_path):
    entry = tmp_path / "models--owner--name"
    folder = folder_of(entry / "snapshots" / "0", model_type="bert")
    (entry / "blobs").mkdir()
    (folder / "model.safetensors").rename(entry / "blobs" / "abc")
    (folder / "model.safetensors").symlink_to("../../blobs/abc")
    assert model_folder(folder) == folder
    (entry / "blobs" / "abc").rename(tmp_path / "abc")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(tmp_path / "abc")
    with pytest.raises(UnknownEncoderError, match="is a link to a file outside of"):
        model_folder(folder)


@pytest.mark.parametrize("name", ["part-1.safetensors", "2_Dense/model.safetensors", "spiece.spm", "words.vocab"])
def test_the_digest_covers_every_file_that_is_read(tmp_path, name):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"one")
    first = digest_of_folder(folder)
    (folder / name).write_bytes(b"two")
    assert digest_of_folder(folder) != first


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", [1], r"config\.json is a list, not settings by name\. Download the model again"),
        ("config.json", {"model_type": ["bert"]}, r"The settings of .* cannot be used \(TypeError"),
        ("modules.json", ["a"], r"modules\.json is not a list of modules"),
        ("config.json", {"model_type": "bert", "auto_map": ["own.py"]}, r"needs its own code .*own\.py"),
        (
            "config.json",
            {"model_type": "bert", "layer_norm_eps": "small"},
            r"The settings of .* cannot be used",
        ),
        ("preprocessor_config.json", [1], r"preprocessor_config\.json is a list"),
        ("preprocessor_config.json", {"size": "big"}, r"The settings of .* cannot be used \(ValueError: .*'big'\)"),
    ],
)
def test_settings_of_another_kind_are_refused_by_name(file, content, message, tmp_path):
    kind = "vit" if file == "preprocessor_config.json" else "bert"
    folder_of(tmp_path, model_type=kind)
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / file).write_text(json.dumps(content))
    with pytest.raises(UnknownEncoderError, match=message):
        load_encoder(f"hf:{tmp_path}", engine="openvino")


def test_a_folder_without_weights_is_not_looked_for_on_the_hub(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        MissingWeightsError, match=r"has no model\.safetensors\. Copy it there, or save the model again"
    ):
        model_folder(str(folder))


def test_a_file_is_no_model(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    with pytest.raises(UnknownEncoderError, match=r"config\.json is a file\. Give the folder of a model"):
        model_folder(str(folder / "config.json"))


def test_weights_of_no_use_are_refused_for_every_engine(tmp_path):
    folder = folder_of(tmp_path / "bert", model_type="bert")
    save_file({"layer.weight": np.int8([1, 2])}, folder / "model.safetensors")
    with pytest.raises(MissingWeightsError, match=r"layer\.weight as I8"):
        model_folder(str(folder))
    folder_of(folder, model_type="bert", quantization_config={"quant_method": "bitsandbytes"})
    save_file({"layer.weight": np.int8([1, 2])}, folder / "model.safetensors")
    assert model_folder(str(folder)) == folder
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(MissingWeightsError, match="damaged or cut short"):
        model_folder(str(folder))
