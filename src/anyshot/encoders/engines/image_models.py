"""Image models in Hugging Face layout that openvino runs: their config, weights, processor and classifier."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from anyshot.base.protocols import LinearClassifier
from anyshot.encoders.engines.efficientnet import efficientnet
from anyshot.encoders.engines.images import Config, OpenvinoModel, image_precision
from anyshot.encoders.engines.layers import Node
from anyshot.encoders.engines.mobilenet_v2 import mobilenet_v2
from anyshot.encoders.engines.openvino import Precision
from anyshot.encoders.engines.resnet import resnet
from anyshot.encoders.engines.vit import vit
from anyshot.encoders.engines.weights import Weights, read_safetensors
from anyshot.encoders.huggingface.files import read_settings, weight_files
from anyshot.encoders.image_processing import read_image_processing
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


class OpenvinoImageModel(OpenvinoModel):
    """An image model that openvino runs, of one of the `FAMILIES`.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout.
    key : str
        Hash of its files; models of the same key are compiled once.
    precision : {"float32", "bfloat16"}, optional
        Precision of the products. Default: `image_precision()`.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.

    Attributes
    ----------
    classifier : LinearClassifier or None
        The last layer and the names of its classes; only if it has at least the 1000 classes of ImageNet.
    """

    def __init__(
        self, folder: Path, *, key: str, precision: Precision | None = None, threads: int | None = None
    ) -> None:
        config = read_settings(folder / "config.json")
        kind = config["model_type"]
        build, defaults = FAMILIES[kind]
        weights = read_safetensors(weight_files(folder), source=folder)
        is_classifier = str((config.get("architectures") or [""])[0]).endswith(CLASSIFIER)
        trunk = weights.without_head(kind)
        settings = {**defaults, **config, "pooled": not is_classifier}
        super().__init__(
            lambda x: build(x, trunk, settings),
            folder,
            read_image_processing(folder, model_type=kind),
            key=f"{key} images",
            precision=precision or image_precision(),
            threads=threads,
        )
        self.classifier = _classifier(weights, config) if is_classifier else None


def _classifier(weights: Weights, config: Config) -> LinearClassifier | None:
    """Return the last layer of a classifier with the names of its classes, or None if they are too few."""
    head = weights[next((name for name in HEADS if name in weights), HEADS[0])]
    labels = {int(row): str(label) for row, label in (config.get("id2label") or {}).items()}
    names = classes_of_labels([labels.get(row, f"LABEL_{row}") for row in range(len(head))])
    return None if names is None else LinearClassifier(head, names)
