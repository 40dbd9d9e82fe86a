"""Modules of sentence-transformers, as their folders state them, and their vectors by the formula."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from anyshot.encoders.engines.layers import model, parameter
from anyshot.encoders.engines.openvino import Engine
from anyshot.encoders.engines.sentence_modules import (
    Dense,
    Normalize,
    SentenceModules,
    pooled_vector,
    pooled_width,
    read_sentence_modules,
)
from anyshot.errors import MissingWeightsError, UnknownEncoderError

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(2, 4, 6)).astype(np.float32)
MASK = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], np.float32)
TOKENS = [STATES[0, :2], STATES[1]]


def folder_of(root, *modules, **files):
    """Write a folder with modules (kind, settings), each in a folder of its own, and further files."""
    listed = []
    for number, (kind, settings) in enumerate(modules):
        path = "" if number == 0 else f"{number}_{kind}"
        (root / path).mkdir(exist_ok=True)
        if number:
            (root / path / "config.json").write_text(json.dumps(settings))
        listed.append(
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        )
    (root / "modules.json").write_text(json.dumps(listed))
    for name, settings in files.items():
        (root / f"{name}.json").write_text(json.dumps(settings))
    return root


def pooled(modules):
    def build():
        nodes = [parameter("states", -1, -1, 6), parameter("mask", -1, -1)]
        return model(pooled_vector(modules, *nodes), nodes)

    return Engine(build, threads=1)(states=STATES, mask=MASK)


@pytest.mark.parametrize(
    ("poolings", "formula"),
    [
        (("mean",), lambda x: x.mean(axis=0)),
        (("max",), lambda x: x.max(axis=0)),
        (("cls",), lambda x: x[0]),
        (("mean_sqrt_len_tokens",), lambda x: x.sum(axis=0) / np.sqrt(len(x))),
        (("cls", "mean"), lambda x: np.concatenate([x[0], x.mean(axis=0)])),
    ],
)
def test_poolings_are_their_formulas(poolings, formula):
    modules = SentenceModules(poolings=poolings)
    vectors = pooled(modules)
    np.testing.assert_allclose(vectors, [formula(x) for x in TOKENS], atol=1e-5)
    assert pooled_width(modules, width=6) == vectors.shape[1]


def test_dense_layers_and_normalization_follow_in_order(tmp_path):
    weights = {"linear.weight": RNG.normal(size=(3, 6)).astype(np.float32), "linear.bias": np.ones(3, np.float32)}
    save_file(weights, tmp_path / "model.safetensors")
    modules = SentenceModules(after=(Normalize(), Dense(tmp_path, 3, "tanh", True), Normalize()))
    mean = np.stack([x.mean(axis=0) for x in TOKENS])
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    expected = np.tanh(mean @ weights["linear.weight"].T + 1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(pooled(modules), expected, atol=1e-5)
    assert pooled_width(modules, width=6) == 3


def test_a_folder_says_all(tmp_path):
    root = folder_of(
        tmp_path,
        ("Transformer", {}),
        ("Pooling", {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}),
        ("Dropout", {"dropout": 0.5}),
        ("Dense", {"in_features": 6, "out_features": 3, "bias": False, "activation_function": "torch.nn.Identity"}),
        ("Normalize", {}),
        sentence_bert_config={"max_seq_length": 77, "do_lower_case": True},
        config_sentence_transformers={"prompts": {"q": "query: ", "d": "text: "}, "default_prompt_name": "q"},
    )
    assert read_sentence_modules(root) == SentenceModules(
        poolings=("mean",),
        after=(Dense(root / "3_Dense", 3, None, False), Normalize()),
        prompt="query: ",
        lower_case=True,
        max_tokens=77,
    )


def test_without_a_default_no_prompt_is_used(tmp_path):
    root = folder_of(
        tmp_path, ("Transformer", {}), ("Pooling", {}), config_sentence_transformers={"prompts": {"q": "query: "}}
    )
    assert (read_sentence_modules(root).prompt, read_sentence_modules(root).max_tokens) == ("", None)


@pytest.mark.parametrize(
    ("settings", "poolings"),
    [
        ({}, ("mean",)),
        ({"pooling_mode": "cls"}, ("cls",)),
        ({"pooling_mode": ["max", "mean"]}, ("max", "mean")),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, ("cls", "mean")),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, ("cls",)),
    ],
)
def test_poolings_are_read_in_their_old_and_new_form(tmp_path, settings, poolings):
    assert read_sentence_modules(folder_of(tmp_path, ("Transformer", {}), ("Pooling", settings))).poolings == poolings


@pytest.mark.parametrize(
    ("modules", "obstacle"),
    [
        ([("Pooling", {"pooling_mode": "lasttoken"})], "its pooling is 'lasttoken', which is none of cls, max, mean"),
        ([("Pooling", {"pooling_mode_lasttoken": True})], "its pooling is 'lasttoken'"),
        ([("Pooling", {"include_prompt": False})], "its pooling leaves out the prompt"),
        ([("Pooling", {}), ("WeightedLayerPooling", {})], "it has a module of the kind WeightedLayerPooling"),
        ([("Pooling", {}), ("Dense", {"out_features": 3, "activation_function": "torch.nn.ELU"})], "activation ELU"),
        ([("Pooling", {}), ("Dense", {"out_features": 3, "use_residual": True})], "not a plain one"),
        ([], "it has no pooling"),
        ([("Pooling", {"pooling_mode_mean_tokens": False})], "it has no pooling"),
    ],
)
def test_what_is_not_built_has_a_reason(tmp_path, modules, obstacle):
    assert obstacle in read_sentence_modules(folder_of(tmp_path, ("Transformer", {}), *modules)).obstacle


def test_a_default_prompt_that_is_no_prompt_is_refused(tmp_path):
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "passage"}
    root = folder_of(tmp_path, ("Transformer", {}), ("Pooling", {}), config_sentence_transformers=prompts)
    with pytest.raises(UnknownEncoderError, match="names the prompt 'passage' as the default, which is none of its"):
        read_sentence_modules(root)


def test_another_first_module_is_an_obstacle(tmp_path):
    root = folder_of(tmp_path, ("WordEmbeddings", {}), ("Pooling", {}))
    assert read_sentence_modules(root).obstacle == "its first module is a WordEmbeddings"


def test_dense_weights_of_another_width_are_refused(tmp_path):
    save_file({"linear.weight": np.zeros((3, 5), np.float32)}, tmp_path / "model.safetensors")
    modules = SentenceModules(after=(Dense(tmp_path, 3, None, False),))
    with pytest.raises(MissingWeightsError, match=r"linear\.weight in the shape \(3, 5\)"):
        pooled_width(modules, width=6)


@pytest.mark.parametrize(("file", "words"), [("pytorch_model.bin", "only in the pickle"), ("other", "has no weights")])
def test_missing_dense_weights_are_refused(tmp_path, file, words):
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(MissingWeightsError, match=words):
        pooled_width(SentenceModules(after=(Dense(tmp_path, 3, None, False),)), width=6)


@pytest.mark.parametrize("text", ["[{", "{}", "[1]", '"modules"'])
def test_a_list_of_modules_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "modules.json").write_text(text)
    with pytest.raises(UnknownEncoderError, match=r"modules\.json"):
        read_sentence_modules(tmp_path)
