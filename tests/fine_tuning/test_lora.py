"""LoRA: no change before training, few trained weights, and a merged network equal to the adapted one."""

import pytest
import torch

from anyshot.encoders.backbones import open_backbone, split
from anyshot.encoders.huggingface.image_models import TransformersImageEncoder
from anyshot.errors import EncoderError
from anyshot.fine_tuning.lora import add_lora, merge_lora
from splits import PIXELS, precise, saved_image_model
from tiny_language_models import TEXTS, saved

pytest.importorskip("peft")


def n_trained_weights(module):
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@pytest.fixture(scope="module")
def backbone(bert):
    return open_backbone(bert, device="cpu")


@pytest.fixture
def parts(backbone):
    trunk, rest = split(backbone, "layer1")
    return trunk(backbone.together(backbone.prepare(TEXTS))), rest.eval()


def test_adding_lora_does_not_change_the_output_and_leaves_only_its_matrices_to_train(parts):
    state, rest = parts
    with torch.no_grad():
        before, full = rest(state), n_trained_weights(rest)
        add_lora(rest, rank=2)
        assert torch.equal(rest.eval()(state), before)
    trained = [name for name, parameter in rest.named_parameters() if parameter.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert n_trained_weights(rest) < full / 2


def test_merging_keeps_the_output_and_restores_the_original_layers(parts):
    state, rest = parts
    names = set(rest.state_dict())
    add_lora(rest, rank=2)
    with torch.no_grad():
        for name, parameter in rest.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
        adapted = rest.eval()(state)
        merge_lora(rest)
        assert set(rest.state_dict()) == names
        torch.testing.assert_close(rest(state), adapted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["mobilenet v1", "mobilenet v2"])
def test_lora_adapts_convolutions_whose_shape_the_network_reads(kind, tmp_path):
    folder, _ = saved_image_model(kind, tmp_path)
    trunk, rest = split(precise(TransformersImageEncoder(folder, device="cpu").backbone()), -3)
    state = trunk(trunk.backbone.together(trunk.backbone.prepare(PIXELS)))
    with torch.no_grad():
        before = rest.eval()(state)
        add_lora(rest, rank=2)
        torch.testing.assert_close(rest.eval()(state), before)
        merge_lora(rest)
        torch.testing.assert_close(rest.eval()(state), before)


def test_lora_adapts_the_transposed_dense_layers_of_gpt2(tmp_path):
    folder, _ = saved("gpt2", tmp_path)
    backbone = open_backbone(f"hf:{folder}", device="cpu")
    trunk, rest = split(backbone, "layer1")
    state, names = trunk(backbone.together(backbone.prepare(TEXTS))), set(rest.state_dict())
    with torch.no_grad():
        before = rest.eval()(state)
        add_lora(rest, rank=2)
        torch.testing.assert_close(rest.eval()(state), before)
        for name, parameter in rest.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
        adapted = rest(state)
        assert not torch.allclose(adapted, before)
        merge_lora(rest)
        assert set(rest.state_dict()) == names
        torch.testing.assert_close(rest(state), adapted, atol=1e-5, rtol=1e-4)


def test_stages_without_dense_layers_are_an_error(backbone):
    rest = split(backbone, "head").rest
    with pytest.raises(EncoderError, match="no dense layer for LoRA"):
        add_lora(rest, rank=2)
