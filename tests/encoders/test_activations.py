"""Activations: computed once, cached, continued from an earlier freeze point, and equal to the trunk's output."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import pre_tokenizers

import tiny_language_models as tiny
from anyshot.encoders import activations as room
from anyshot.encoders.activations import activations, states
from anyshot.encoders.backbones import split
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.huggingface.language_models import LanguageModelEncoder
from anyshot.encoders.stages import Backbone, Compute, State
from anyshot.errors import BadItemError, InputError, UnknownStageError
from anyshot.store.disk_cache import VectorCache

TEXTS = [*tiny.TEXTS, "where is my refund please", "late", "card"]  # the last one is there twice
PHOTOS = list(np.random.default_rng(0).integers(0, 256, size=(5, 40, 50, 3), dtype=np.uint8))


class CountedPreparation:
    """Calls a real preparation, and records the items."""

    def __init__(self, inner: object) -> None:
        self.inner, self.modality, self.seen = inner, inner.modality, []

    def prepare(self, items: Sequence[object], *, first_row: int = 0) -> list[torch.Tensor]:
        self.seen.extend(items)
        return self.inner.prepare(items, first_row=first_row)

    def together(self, inputs: Sequence[torch.Tensor]) -> State:
        return self.inner.together(inputs)


def counted(backbone: Backbone) -> Backbone:
    return dataclasses.replace(backbone, preparation=CountedPreparation(backbone.preparation))


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Backbone:
    folder, _ = tiny.saved("bert", tmp_path_factory.mktemp("bert"))
    return LanguageModelEncoder(folder, device="cpu").backbone()


@pytest.fixture(scope="module")
def photos_network() -> Backbone:
    """Return the first two stages of a real network: all that these tests need."""
    backbone = EfficientNetLite0Encoder(device="cpu").backbone()
    network = dict(list(backbone.network.items())[:2])
    return dataclasses.replace(backbone, network=network, digest="first two stages")


def direct(backbone: Backbone, items: Sequence[object], freeze_at: str | int) -> list[torch.Tensor]:
    """Return the output of the trunk for each item alone, as it is stored."""
    trunk = split(backbone, freeze_at).trunk
    result = [trunk(backbone.together(backbone.prepare([item]))).x[0] for item in items]
    return [one.to(torch.bfloat16).float() if one.ndim > 1 else one.float() for one in result]


def real(state: State) -> list[torch.Tensor]:
    """Return each text's states (t, width), without padding."""
    return [x[mask] for x, mask in zip(state.x, state.mask, strict=True)]


@pytest.mark.parametrize("freeze_at", ["layer1", "layer2", "pooling"])
@pytest.mark.parametrize("budget_mb", [512.0, 0.0])
def test_activations_of_texts_equal_the_output_of_the_trunk_for_each_alone(bert, freeze_at, budget_mb):
    result = activations(bert, TEXTS, freeze_at=freeze_at, budget_mb=budget_mb)
    assert result.in_memory == (budget_mb > 0)
    rows = np.array([4, 0, 7, 2, 2])
    state = result.batch(rows)
    assert state.x.dtype == torch.float32
    expected = direct(bert, [TEXTS[row] for row in rows], freeze_at)
    for one, other in zip(real(state), expected, strict=True):
        assert torch.allclose(one, other, atol=0.05)  # bfloat16 of a batch of another size
    assert result.lengths.tolist() == [len(ids) for ids in bert.prepare(TEXTS)]


def test_pooled_features_are_stored_in_float32_if_only_the_head_is_trained(bert):
    result = activations(bert, TEXTS, freeze_at=-1)
    state = result.batch([0, 3])
    assert state.mask is None
    assert state.x.shape == (2, 16)
    assert result.lengths.tolist() == [1] * len(TEXTS)
    assert torch.allclose(state.x, torch.stack(direct(bert, [TEXTS[0], TEXTS[3]], -1)), atol=0.02)


def test_token_ids_are_stored_if_everything_is_trained(bert):
    state = activations(bert, TEXTS, freeze_at=0).batch([1, 2])
    assert state.x.dtype == torch.int64
    assert [ids.tolist() for ids in real(state)] == [ids.tolist() for ids in bert.prepare([TEXTS[1], TEXTS[2]])]


def test_the_rest_computes_the_same_from_a_batch_as_from_the_texts(bert):
    precise = dataclasses.replace(bert, compute=Compute(torch.device("cpu"), torch.float32))
    trunk, rest = split(precise, "layer2")
    rest.eval()
    with torch.no_grad():
        computed = rest(activations(precise, TEXTS, freeze_at="layer2").batch(np.arange(len(TEXTS))))
        whole = rest(trunk(precise.together(precise.prepare(TEXTS))))
    assert torch.nn.functional.cosine_similarity(computed, whole).min() > 0.9999


def test_cached_activations_are_not_computed_again(bert, tmp_path):
    cache = VectorCache(tmp_path)
    first = activations(bert, TEXTS, freeze_at="layer2", cache=cache)
    backbone = counted(bert)
    again = activations(backbone, TEXTS[::-1], freeze_at="layer2", cache=cache)
    assert backbone.preparation.seen == []
    there, here = first.batch(np.arange(len(TEXTS))), again.batch(np.arange(len(TEXTS))[::-1])
    assert all(torch.equal(one, other) for one, other in zip(real(there), real(here), strict=True))


def test_each_distinct_text_is_computed_once_and_later_only_new_ones(bert, tmp_path):
    cache = VectorCache(tmp_path)
    backbone = counted(bert)
    activations(backbone, TEXTS, freeze_at="layer1", cache=cache)
    assert sorted(backbone.preparation.seen) == sorted(set(TEXTS))
    backbone.preparation.seen.clear()
    activations(backbone, ["please", *TEXTS], freeze_at="layer1", cache=cache)
    assert backbone.preparation.seen == ["please"]


def test_a_later_freeze_point_starts_from_the_activations_of_an_earlier_one(bert, tmp_path):
    cache = VectorCache(tmp_path)
    activations(bert, TEXTS[:4], freeze_at="layer1", cache=cache)
    activations(bert, TEXTS[2:5], freeze_at="layer2", cache=cache)
    backbone = counted(bert)
    result = activations(backbone, TEXTS, freeze_at=-1, cache=cache)
    assert sorted(set(backbone.preparation.seen)) == sorted(set(TEXTS[5:]) - set(TEXTS[:5]))
    assert torch.allclose(result.batch(range(8)).x, torch.stack(direct(bert, TEXTS, -1)), atol=0.05)


def test_another_network_has_other_activations(bert, tmp_path):
    cache = VectorCache(tmp_path)
    activations(bert, TEXTS, freeze_at="layer1", cache=cache)
    backbone = counted(dataclasses.replace(bert, digest="another"))
    activations(backbone, TEXTS, freeze_at="layer1", cache=cache)
    assert len(backbone.preparation.seen) == len(set(TEXTS))


def test_a_damaged_file_is_detected_and_computed_again(bert, tmp_path):
    cache = VectorCache(tmp_path)
    sound = activations(bert, TEXTS, freeze_at="layer1", cache=cache).batch([0]).x
    (file,) = cache.folder.rglob("*.act")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    backbone = counted(bert)
    assert torch.equal(activations(backbone, TEXTS, freeze_at="layer1", cache=cache).batch([0]).x, sound)
    assert len(backbone.preparation.seen) == len(set(TEXTS))


def test_if_the_cache_cannot_be_written_there_is_one_warning_and_activations_are_computed(bert, tmp_path):
    (tmp_path / "activations-2").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match=r"Activations are computed and not stored. .* cannot be written") as caught:
        result = activations(bert, TEXTS, freeze_at="layer1", cache=VectorCache(tmp_path))
    assert len(caught) == 1
    assert len(result) == len(TEXTS)


def test_activations_over_the_budget_are_in_temporary_files(bert, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(room.SLICE, "text", 2)
    result = activations(bert, TEXTS, freeze_at="layer1", budget_mb=0.001)
    assert not result.in_memory
    small = activations(bert, TEXTS, freeze_at="layer1")
    for row in range(len(TEXTS)):
        assert torch.allclose(result.batch([row]).x, small.batch([row]).x, atol=0.05)
    del result
    assert not list(tmp_path.iterdir())


def test_slices_of_any_size_give_the_same_result(bert, tmp_path, monkeypatch):
    monkeypatch.setitem(room.SLICE, "text", 3)
    cache = VectorCache(tmp_path)
    mapped = activations(bert, TEXTS, freeze_at="layer2", cache=cache, budget_mb=0.0)
    assert len(list(tmp_path.rglob("*.act"))) == 3
    assert cache.size().activations == len(set(TEXTS))
    loaded = activations(bert, TEXTS, freeze_at="layer2", cache=cache)
    assert (mapped.in_memory, loaded.in_memory) == (False, True)
    rows = np.arange(len(TEXTS))[::-1]
    assert torch.equal(mapped.batch(rows).x, loaded.batch(rows).x)


def test_activations_of_images_equal_the_output_of_the_trunk_for_each_alone(photos_network):
    result = activations(photos_network, PHOTOS, freeze_at="stage1")
    state = result.batch([3, 1])
    assert state.x.shape == (2, 32, 112, 112)
    assert state.x.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(state.x, torch.stack(direct(photos_network, [PHOTOS[3], PHOTOS[1]], "stage1")), atol=0.05)


def test_a_generator_chooses_among_the_views_and_the_default_is_the_unchanged_image(photos_network, tmp_path):
    cache = VectorCache(tmp_path)
    plain = activations(photos_network, PHOTOS, freeze_at=-1)
    result = activations(photos_network, PHOTOS, freeze_at=-1, augment=3, cache=cache)
    assert result.n_views == 4
    assert torch.equal(result.batch([0, 1]).x, plain.batch([0, 1]).x)
    rng = np.random.default_rng(0)
    seen = {tuple(result.batch([0], generator=rng).x.flatten()[:500].tolist()) for _ in range(60)}
    assert len(seen) == 4
    backbone = counted(photos_network)
    activations(backbone, PHOTOS[::-1], freeze_at=-1, augment=3, cache=cache)
    assert backbone.preparation.seen == []


def test_views_of_texts_raise_an_error(bert):
    with pytest.raises(InputError, match=r"augment=2 is for images, but .* reads texts\. Set augment=0"):
        activations(bert, TEXTS, freeze_at=-1, augment=2)


def test_states_yields_the_same_activations(bert):
    computed = activations(bert, TEXTS, freeze_at="layer2")
    seen = []
    for rows, state in states(split(bert, "layer2").trunk, TEXTS):
        for row, one in zip(rows, real(state), strict=True):
            assert torch.allclose(one.float(), real(computed.batch([row]))[0], atol=0.05)
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(TEXTS)))


def test_an_empty_list_has_no_activations(bert):
    result = activations(bert, [], freeze_at="layer1")
    assert len(result) == 0
    assert list(states(split(bert, "layer1").trunk, [])) == []


def test_an_unusable_item_is_named_by_its_row(bert, photos_network, tmp_path, monkeypatch):
    with pytest.raises(BadItemError, match="The text in row 3 is empty"):
        activations(bert, [*TEXTS[:3], " "], freeze_at="layer1")
    monkeypatch.setitem(room.SLICE, "image", 2)
    files = [tmp_path / f"{row}.png" for row in range(4)]
    for file, photo in zip(files, PHOTOS, strict=False):
        Image.fromarray(photo).save(file)
    files[3].write_bytes(b"no image")
    with pytest.raises(BadItemError, match=r"3\.png in row 3 is not an image"):
        activations(photos_network, files, freeze_at=-1)


def test_an_unknown_stage_raises_an_error_before_anything_is_computed(bert):
    backbone = counted(bert)
    with pytest.raises(UnknownStageError, match="layer7"):
        activations(backbone, TEXTS, freeze_at="layer7")
    assert backbone.preparation.seen == []


def test_an_interrupted_run_resumes_at_the_last_slice(bert, tmp_path, monkeypatch):
    monkeypatch.setitem(room.SLICE, "text", 2)
    cache, backbone = VectorCache(tmp_path), counted(bert)
    monkeypatch.setattr(backbone.preparation, "inner", Interrupted(bert.preparation, after=2))
    with pytest.raises(KeyboardInterrupt):
        activations(backbone, TEXTS, freeze_at="layer1", cache=cache)
    backbone = counted(bert)
    activations(backbone, TEXTS, freeze_at="layer1", cache=cache)
    assert sorted(backbone.preparation.seen) == sorted(list(dict.fromkeys(TEXTS))[4:])


class Interrupted:
    """A preparation that is interrupted, as by Ctrl-C."""

    def __init__(self, inner: object, *, after: int) -> None:
        self.inner, self.left, self.together = inner, after, inner.together

    def prepare(self, items: Sequence[str], *, first_row: int = 0) -> list[torch.Tensor]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.inner.prepare(items, first_row=first_row)


def test_a_text_without_a_token_is_named_by_its_row(tmp_path, monkeypatch):
    folder, _ = tiny.saved("gpt2", tmp_path)
    tokenizer = tiny.tokenizer_for("gpt2")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit("_")
    tokenizer.save_pretrained(folder)
    monkeypatch.setitem(room.SLICE, "text", 2)
    with pytest.raises(BadItemError, match="returned no tokens for the text in row 3"):
        activations(LanguageModelEncoder(folder, device="cpu").backbone(), ["is", "my", "card", "_"], freeze_at=0)
