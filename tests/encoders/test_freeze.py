"""Freeze points: what is trained, what stays as it is, and what is refused."""

import dataclasses
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_language_models as tiny
from anyshot.encoders import minilm as text
from anyshot.encoders.backbones import open_backbone, split
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.freeze import Rest, backbone_of, from_scratch
from anyshot.encoders.image_model import load_image_model
from anyshot.encoders.language_model import load_language_model
from anyshot.encoders.registry import load_encoder
from anyshot.errors import EncoderError, InputError, UnknownStageError
from anyshot.training.loop import Recipe, train
from splits import PIXELS, precise, saved_image_model


def test_training_the_rest_leaves_the_encoder_as_it_was(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    encoder = load_language_model(folder, device="cpu")
    backbone, before = encoder.backbone(), encoder.encode(tiny.TEXTS)
    trunk, rest = split(backbone, "layer2")
    state = trunk(backbone.together(backbone.prepare(tiny.TEXTS)))
    published = split(backbone, 0).rest.eval()(backbone.together(backbone.prepare(tiny.TEXTS)))
    optimizer = torch.optim.SGD(rest.parameters(), lr=1.0)
    rest(state).square().sum().backward()
    optimizer.step()
    rest.eval()
    assert not torch.allclose(rest(state), split(backbone, "layer2").rest.eval()(state), atol=1e-3)
    assert np.array_equal(encoder.encode(tiny.TEXTS), before)
    assert torch.equal(split(backbone, 0).rest.eval()(backbone.together(backbone.prepare(tiny.TEXTS))), published)


def test_an_encoder_is_split_as_its_backbone_is(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    for given in (load_language_model(folder, device="cpu"), f"hf:{folder}"):
        trunk, rest = split(given, freeze_at="layer2")
        assert [name for name, _ in rest.named_stages()] == ["layer2", "pooling"]
        assert trunk.stages == ("embeddings", "layer1")


def test_statistics_of_batch_norms_stay_frozen_in_the_training_loop_and_their_gains_learn(tmp_path):
    folder, _ = saved_image_model("resnet", tmp_path)
    backbone = precise(load_image_model(folder, device="cpu").backbone())
    trunk, rest = split(backbone, "layer2")
    before = {name: value.clone() for name, value in rest.state_dict().items()}
    state = trunk(backbone.together(backbone.prepare(PIXELS)))
    stages = [stage for _, stage in rest.named_stages()]  # as fine-tuning hands them over: one by one
    train(
        stages,
        lambda _: [state],
        lambda batch, _: rest(batch).square().sum(),
        recipe=Recipe(epochs=2, learning_rate=0.1),
        random_state=0,
    )
    moved = {name for name, value in rest.state_dict().items() if not torch.equal(value, before[name])}
    assert any("running_mean" in name for name in before)
    assert not any("running" in name for name in moved)
    assert any("normalization.weight" in name for name in moved)


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_from_scratch_is_the_same_architecture_with_weights_that_the_seed_decides(kind, tmp_path):
    folder, _ = tiny.saved(kind, tmp_path)
    backbone = load_language_model(folder, device="cpu").backbone()
    before = torch.random.get_rng_state()
    first, again, other = (from_scratch(backbone, random_state=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    shapes = [
        {name: value.shape for name, value in Rest(one, place=0).state_dict().items()} for one in (backbone, first)
    ]
    assert shapes[0] == shapes[1]
    weights = [Rest(one, place=0).state_dict() for one in (backbone, first, again, other)]
    name = next(name for name, value in weights[0].items() if value.ndim == 2)
    assert torch.equal(weights[1][name], weights[2][name])
    assert not torch.equal(weights[1][name], weights[3][name])
    assert not torch.equal(weights[1][name], weights[0][name])
    assert first.digest == again.digest != other.digest != backbone.digest


def test_a_freeze_point_is_the_first_trained_stage(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = load_language_model(folder, device="cpu").backbone()
    assert [backbone.place(at) for at in ("embeddings", 0, "layer2", 2, -1, "head")] == [0, 0, 2, 2, 4, 4]
    assert backbone.place(np.int64(-1)) == 4
    trunk, rest = split(backbone, "layer2")
    assert trunk.stages == ("embeddings", "layer1")
    assert [name for name, _ in rest.named_stages()] == ["layer2", "pooling"]
    assert all(weights.requires_grad for weights in rest.parameters())
    assert split(backbone, -1).rest.named_stages() == []
    assert split(backbone, 0).trunk.stages == ()


@pytest.mark.parametrize("freeze_at", ["layer9", "Layer2", -6, True, 2.0, None])
def test_an_unknown_stage_is_refused_and_the_stages_are_named(freeze_at, tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = load_language_model(folder, device="cpu").backbone()
    with pytest.raises(UnknownStageError, match=r"is no stage of .*embeddings, layer1, layer2, pooling, head"):
        split(backbone, freeze_at)


def test_a_freeze_point_above_the_head_is_refused(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    with pytest.raises(UnknownStageError, match="lies above the head, so that nothing would be trained"):
        split(load_language_model(folder, device="cpu").backbone(), 5)


def test_an_encoder_without_stages_is_refused(letters):
    with pytest.raises(EncoderError, match="LetterEncoder has no stages to freeze or train"):
        backbone_of(letters)
    with pytest.raises(EncoderError, match="A model on vectors has no network"):
        backbone_of(None)


def test_an_image_network_given_texts_says_what_it_reads():
    with pytest.raises(InputError, match="efficientnet-lite0 reads images; texts were given"):
        EfficientNetLite0Encoder(device="cpu").backbone().prepare(["a cat"])


def test_texts_longer_than_the_models_positions_are_cut_counted_and_said(tmp_path, caplog):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = load_language_model(folder, device="cpu").backbone()
    with caplog.at_level(logging.INFO):
        tokens = backbone.prepare(["card", "card " * 30])
    assert [len(ids) for ids in tokens] == [3, 12]
    assert "1 of 2 texts are longer than 12 tokens and were cut there" in caplog.text


def test_a_name_opens_the_backbone_of_its_encoder():
    backbone = open_backbone("minilm", device="cpu")
    assert backbone.stages == ("embeddings", *(f"layer{number}" for number in range(1, 7)), "pooling", "head")
    assert backbone.digest == load_encoder("minilm", device="cpu").digest
    weights = load_file(text.model_folder() / "model.safetensors")
    norm = backbone.network["embeddings"].state_dict()["norm.weight"]
    assert torch.equal(norm, weights["embeddings.LayerNorm.weight"])


def test_a_trunk_is_known_by_its_weights_its_stages_and_its_precision(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = load_language_model(folder, device="cpu").backbone()
    other = dataclasses.replace(backbone, digest="other")
    digests = [split(one, place).trunk.digest for one in (backbone, other) for place in range(len(backbone.stages))]
    assert len(set(digests)) == len(digests)
    assert split(backbone, 1).trunk.digest == split(backbone, "layer1").trunk.digest


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_split_runs_on_a_gpu_as_it_does_on_the_cpu():
    texts = ["a parcel", "where is it"]
    answers = []
    for device in ("cpu", "cuda"):
        backbone = open_backbone("minilm", device=device)
        trunk, rest = split(backbone, "layer6")
        with torch.no_grad():
            made = rest.eval()(trunk(backbone.together(backbone.prepare(texts))))
        answers.append(torch.nn.functional.normalize(made).cpu())
    assert (answers[0] * answers[1]).sum(dim=1).min() > 0.999
