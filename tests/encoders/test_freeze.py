"""Freeze points: which layers are trained, which stay unchanged, and which arguments raise errors."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import tiny_language_models as tiny
from anyshot.encoders.backbones import open_backbone, split
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.freeze import FrozenNorm, Rest, backbone_of, freeze_norms, from_scratch
from anyshot.encoders.huggingface.image_models import TransformersImageEncoder
from anyshot.encoders.huggingface.language_models import LanguageModelEncoder
from anyshot.encoders.published_files import published_file
from anyshot.encoders.registry import load_encoder
from anyshot.errors import EncoderError, InputError, UnknownStageError
from anyshot.training.loop import train
from anyshot.training.recipe import Recipe
from splits import PIXELS, precise, saved_image_model


def test_training_the_rest_does_not_change_the_encoder(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    encoder = LanguageModelEncoder(folder, device="cpu")
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


def test_an_encoder_or_its_name_can_be_split(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    for encoder in (LanguageModelEncoder(folder, device="cpu"), f"hf:{folder}"):
        trunk, rest = split(encoder, freeze_at="layer2")
        assert [name for name, _ in rest.named_stages()] == ["layer2", "pooling"]
        assert trunk.stages == ("embeddings", "layer1")


def test_training_changes_the_weights_of_batch_norms_and_not_their_statistics(tmp_path):
    folder, _ = saved_image_model("resnet", tmp_path)
    backbone = precise(TransformersImageEncoder(folder, device="cpu").backbone())
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
def test_from_scratch_has_the_same_architecture_and_weights_determined_by_the_seed(kind, tmp_path):
    folder, _ = tiny.saved(kind, tmp_path)
    backbone = LanguageModelEncoder(folder, device="cpu").backbone()
    before = torch.random.get_rng_state()
    first, again, other = (from_scratch(backbone, random_state=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    shapes = [{name: value.shape for name, value in Rest(one, 0).state_dict().items()} for one in (backbone, first)]
    assert shapes[0] == shapes[1]
    weights = [Rest(one, 0).state_dict() for one in (backbone, first, again, other)]
    name = next(name for name, value in weights[0].items() if value.ndim == 2)
    assert torch.equal(weights[1][name], weights[2][name])
    assert not torch.equal(weights[1][name], weights[3][name])
    assert not torch.equal(weights[1][name], weights[0][name])
    assert first.digest == again.digest != other.digest != backbone.digest


def test_a_freeze_point_is_the_first_trained_stage(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = LanguageModelEncoder(folder, device="cpu").backbone()
    assert [backbone.n_frozen(at) for at in ("embeddings", 0, "layer2", 2, -1, "head")] == [0, 0, 2, 2, 4, 4]
    assert backbone.n_frozen(np.int64(-1)) == 4
    trunk, rest = split(backbone, "layer2")
    assert trunk.stages == ("embeddings", "layer1")
    assert [name for name, _ in rest.named_stages()] == ["layer2", "pooling"]
    assert all(weights.requires_grad for weights in rest.parameters())
    assert split(backbone, -1).rest.named_stages() == []
    assert split(backbone, 0).trunk.stages == ()


@pytest.mark.parametrize("freeze_at", ["layer9", "Layer2", -6, True, 2.0, None])
def test_an_unknown_stage_raises_an_error_that_lists_the_stages(freeze_at, tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = LanguageModelEncoder(folder, device="cpu").backbone()
    with pytest.raises(UnknownStageError, match=r"is not a stage of .*embeddings, layer1, layer2, pooling, head"):
        split(backbone, freeze_at)


def test_a_freeze_point_after_the_head_raises_an_error(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    with pytest.raises(UnknownStageError, match="is after the head, so nothing would be trained"):
        split(LanguageModelEncoder(folder, device="cpu").backbone(), 5)


def test_an_encoder_without_stages_raises_an_error(letters):
    with pytest.raises(EncoderError, match="LetterEncoder has no stages to freeze or train"):
        backbone_of(letters)
    with pytest.raises(EncoderError, match="A model on vectors has no network"):
        backbone_of(None)


def test_texts_for_an_image_network_raise_an_error():
    with pytest.raises(InputError, match="efficientnet-lite0 reads images, but got texts"):
        EfficientNetLite0Encoder(device="cpu").backbone().prepare(["a cat"])


def test_long_texts_are_truncated(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = LanguageModelEncoder(folder, device="cpu").backbone()
    assert [len(ids) for ids in backbone.prepare(["card", "card " * 30])] == [3, 12]


def test_a_backbone_is_opened_by_the_name_of_its_encoder():
    backbone = open_backbone("minilm", device="cpu")
    assert backbone.stages == ("embeddings", *(f"layer{number}" for number in range(1, 7)), "pooling", "head")
    assert backbone.digest == load_encoder("minilm", device="cpu").digest
    weights = load_file(published_file("minilm", "model.safetensors"))
    norm = backbone.network["embeddings"].state_dict()["norm.weight"]
    assert torch.equal(norm, weights["embeddings.LayerNorm.weight"])


def test_the_digest_of_a_trunk_depends_on_weights_and_stages(tmp_path):
    folder, _ = tiny.saved("bert", tmp_path)
    backbone = LanguageModelEncoder(folder, device="cpu").backbone()
    other = dataclasses.replace(backbone, digest="other")
    digests = [
        split(one, n_frozen).trunk.digest for one in (backbone, other) for n_frozen in range(len(backbone.stages))
    ]
    assert len(set(digests)) == len(digests)
    assert split(backbone, 1).trunk.digest == split(backbone, "layer1").trunk.digest


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_split_gives_the_same_result_on_a_gpu():
    texts = ["a parcel", "where is it"]
    outputs = []
    for device in ("cpu", "cuda"):
        backbone = open_backbone("minilm", device=device)
        trunk, rest = split(backbone, "layer6")
        with torch.no_grad():
            features = rest.eval()(trunk(backbone.together(backbone.prepare(texts))))
        outputs.append(torch.nn.functional.normalize(features).cpu())
    assert (outputs[0] * outputs[1]).sum(dim=1).min() > 0.999


# --- frozen batch norms ---------------------------------------------------------------------------


def seen(norm, x):
    norm.train()(x * 3 + 1)  # statistics that are not the first ones
    return norm.eval()


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm1d(4), (9, 4)), (nn.BatchNorm2d(4, eps=0.1), (9, 4, 2, 2))], ids=["1d", "2d"]
)
@pytest.mark.parametrize("mode", [True, False])
def test_a_frozen_norm_computes_the_norm_in_evaluation_mode_in_either_mode(norm, shape, mode):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    wanted = seen(norm, x)(x)
    frozen = FrozenNorm(norm).train(mode)
    before = frozen.running_var.clone()
    assert torch.equal(frozen(x), wanted)
    assert torch.equal(frozen.running_var, before)


def test_norms_are_replaced_at_any_depth_and_keep_their_names():
    network = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU()))
    names = {name for name in network.state_dict() if "tracked" not in name}
    frozen = freeze_norms(network)
    assert frozen is network
    assert set(network.state_dict()) == names
    assert isinstance(network[1][0], FrozenNorm)


def test_weight_and_bias_of_a_frozen_norm_are_trained():
    frozen = FrozenNorm(nn.BatchNorm1d(4))
    frozen(torch.randn(5, 4)).square().sum().backward()
    assert frozen.weight.grad.abs().sum() > 0
    assert [name for name, _ in frozen.named_parameters()] == ["weight", "bias"]


def test_a_norm_without_statistics_is_not_replaced():
    norm = nn.BatchNorm1d(4, track_running_stats=False)
    assert freeze_norms(norm) is norm
