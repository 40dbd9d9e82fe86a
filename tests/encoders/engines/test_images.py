"""A graph that reads bytes: its normalization, its batches, its precision."""

import numpy as np
import pytest

from anyshot.encoders.engines import images
from anyshot.encoders.engines.convolution import mean_over_space
from anyshot.encoders.engines.images import ImageGraph, image_graph, normalized
from graphs import answer

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
MEAN, SCALE = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)


def build() -> object:
    return image_graph(mean_over_space, side=4, mean=MEAN, scale=SCALE)


def test_bytes_are_normalized_by_channel_with_the_channels_first():
    ours = answer(lambda x: normalized(x, mean=MEAN, scale=SCALE), PIXELS)
    np.testing.assert_allclose(ours, ((PIXELS - MEAN) / SCALE).transpose(0, 3, 1, 2), rtol=1e-6)


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_batches_of_any_size_are_answered_in_order(threads):
    graph = ImageGraph(build, key="test", precision="float32", threads=threads)
    parts = list(graph.map(iter([PIXELS[:2], PIXELS[2:3], PIXELS[3:]])))
    assert [len(part) for part in parts] == [2, 1, 2]
    expected = ((PIXELS - MEAN) / SCALE).mean(axis=(1, 2))
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-5)


def test_the_precision_is_stated():
    graph = ImageGraph(build, key="test", precision="bfloat16")
    assert graph.precision == "bfloat16"


def test_without_bfloat16_it_is_float32_which_is_said(monkeypatch, caplog):
    monkeypatch.setattr(images, "fast_precision", lambda: "float32")
    with caplog.at_level("INFO"):
        assert images.image_precision.__wrapped__() == "float32"
    assert "does not multiply bfloat16, so images are encoded in float32" in caplog.text
