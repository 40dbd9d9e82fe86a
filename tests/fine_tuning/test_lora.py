"""LoRA: nothing changes at the start, little is trained, and the merged network is the adapted one."""

import pytest
import torch

from anyshot.encoders.backbones import open_backbone, split
from anyshot.encoders.image_model import load_image_model
from anyshot.errors import EncoderError
from anyshot.fine_tuning.lora import add_lora, merge_lora, n_trained
from splits import PIXELS, precise, saved_image_model
from tiny_language_models import TEXTS, saved

pytest.importorskip("peft")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, _ = saved("bert", tmp_path_factory.mktemp("bert"))
    return open_backbone(f"hf:{folder}", device="cpu")


@pytest.fixture
def parts(backbone):
    trunk, rest = split(backbone, "layer1")
    return trunk(backbone.together(backbone.prepare(TEXTS))), rest.eval()


def test_at_the_start_nothing_is_changed_and_only_the_small_matrices_learn(parts):
    state, rest = parts
    with torch.no_grad():
        before, full = rest(state), n_trained(rest)
        add_lora(rest, rank=2)
        assert torch.equal(rest.eval()(state), before)
    learning = [name for name, parameter in rest.named_parameters() if parameter.requires_grad]
    assert learning
    assert all("lora_" in name for name in learning)
    assert n_trained(rest) < full / 2


def test_merged_it_answers_as_adapted_in_its_own_shape(parts):
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
def test_convolutions_that_networks_read_the_shape_of_are_adapted_too(kind, tmp_path):
    folder, _ = saved_image_model(kind, tmp_path)
    trunk, rest = split(precise(load_image_model(folder, device="cpu").backbone()), -3)
    state = trunk(trunk.backbone.together(trunk.backbone.prepare(PIXELS)))
    with torch.no_grad():
        before = rest.eval()(state)
        add_lora(rest, rank=2)
        torch.testing.assert_close(rest.eval()(state), before)
        merge_lora(rest)
        torch.testing.assert_close(rest.eval()(state), before)


def test_the_transposed_dense_layers_of_gpt2_are_adapted_too(tmp_path):
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


def test_a_rest_without_dense_layers_is_refused(backbone):
    rest = split(backbone, "head").rest
    with pytest.raises(EncoderError, match="no dense layer for LoRA"):
        add_lora(rest, rank=2)
