"""Image models in Hugging Face layout that openvino runs: what their config leaves out, and their classifier."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from anyshot.base.protocols import LinearClassifier
from anyshot.encoders.engines.efficientnet import efficientnet
from anyshot.encoders.engines.images import Config
from anyshot.encoders.engines.layers import Node
from anyshot.encoders.engines.mobilenet_v2 import mobilenet_v2
from anyshot.encoders.engines.resnet import resnet
from anyshot.encoders.engines.vit import vit
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.images import classes_of_labels

Build: TypeAlias = Callable[[Node, Weights, Config], Node]

FAMILIES: Final[Mapping[str, tuple[Build, Config]]] = {
    "efficientnet": (
        efficientnet,
        {
            "batch_norm_eps": 1e-3,
            "depth_coefficient": 3.1,
            "depthwise_padding": [],
            "hidden_act": "swish",
            "num_block_repeats": [1, 2, 2, 3, 3, 4, 1],
            "pooling_type": "mean",
            "strides": [1, 2, 2, 2, 1, 2, 1],
        },
    ),
    "mobilenet_v2": (
        mobilenet_v2,
        {
            "first_layer_is_expansion": True,
            "hidden_act": "relu6",
            "layer_norm_eps": 1e-3,
            "output_stride": 32,
            "tf_padding": True,
        },
    ),
    "resnet": (
        resnet,
        {
            "depths": [3, 4, 6, 3],
            "downsample_in_bottleneck": False,
            "downsample_in_first_stage": False,
            "hidden_act": "relu",
            "layer_type": "bottleneck",
        },
    ),
    "vit": (
        vit,
        {
            "hidden_act": "gelu",
            "hidden_size": 768,
            "layer_norm_eps": 1e-12,
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "pooler_act": "tanh",
        },
    ),
}
"""How each type of model is built, and what its config.json may leave out, as in transformers."""

HEADS: Final = ("classifier.weight", "classifier.1.weight")  # the last layer of a classifier, by its two names
CLASSIFIER: Final = "ForImageClassification"


def image_network(config: Config, weights: Weights) -> tuple[Callable[[Node], Node], LinearClassifier | None]:
    """Return the network of one of the `FAMILIES`, and the last layer of a classifier.

    The network maps normalized pixels (n, 3, side, side) to features (n, width). The last layer comes with the names of
    its classes; it is None if there are fewer than the 1000 of ImageNet.
    """
    build, defaults = FAMILIES[config["model_type"]]
    is_classifier = str((config.get("architectures") or [""])[0]).endswith(CLASSIFIER)
    trunk, settings = weights.without_head(config["model_type"]), {**defaults, **config, "pooled": not is_classifier}
    return lambda x: build(x, trunk, settings), _classifier(weights, config) if is_classifier else None


def _classifier(weights: Weights, config: Config) -> LinearClassifier | None:
    """Return the last layer of a classifier with the names of its classes, or None if they are too few."""
    head = weights[next((name for name in HEADS if name in weights), HEADS[0])]
    labels = {int(row): str(label) for row, label in (config.get("id2label") or {}).items()}
    names = classes_of_labels([labels.get(row, f"LABEL_{row}") for row in range(len(head))])
    return None if names is None else LinearClassifier(head, names)
