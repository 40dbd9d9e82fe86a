"""What follows the token states: pooling, dense layers and normalization, as a folder of sentence-transformers says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from anyshot.encoders.engines.layers import (
    Node,
    activate,
    constant,
    integers,
    linear,
    mean_over,
    ops,
    token_at,
    unit_length,
)
from anyshot.encoders.engines.weights import Weights, read_safetensors
from anyshot.encoders.huggingface.files import PICKLES, optional_settings, read_modules, read_settings
from anyshot.errors import MissingWeightsError, UnknownEncoderError

Pooling: TypeAlias = Literal["cls", "max", "mean", "mean_sqrt_len_tokens"]

POOLINGS: Final[tuple[Pooling, ...]] = ("cls", "max", "mean", "mean_sqrt_len_tokens")
OLD_POOLINGS: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Names of poolings in older folders, in the order in which their vectors are put side by side."""

ACTIVATION_OF: Final = {
    "Identity": None, "Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu",
}  # fmt: skip
"""Our names of the activations of dense layers, by their classes in torch."""


@dataclass(frozen=True)
class Dense:
    """A dense layer on the pooled vector."""

    folder: Path
    width: int
    activation: str | None
    has_bias: bool


@dataclass(frozen=True)
class Normalize:
    """Scaling to unit length."""


@dataclass(frozen=True)
class SentenceModules:
    """What maps the states of a text's tokens to its vector, and what is done to the text before.

    The default is the mean over tokens, without more.
    """

    transformer: str = ""  # folder of the network, in the model's folder
    poolings: tuple[Pooling, ...] = ("mean",)
    after: tuple[Dense | Normalize, ...] = ()
    prompt: str = ""  # put before each text
    lower_case: bool = False
    max_tokens: int | None = None
    obstacle: str | None = None  # why it cannot be built here; None if it can


def read_sentence_modules(folder: Path) -> SentenceModules:
    """Return what the files of a folder of sentence-transformers say, without opening weights.

    Raises UnknownEncoderError if a file is missing or cannot be read.
    """
    first, *others = read_modules(folder / "modules.json")
    transformer = str(first.get("path", ""))
    limits = _transformer_settings(folder / transformer)
    poolings: tuple[str, ...] = ()
    after: list[Dense | Normalize] = []
    obstacle = None if _name(first) == "Transformer" else f"its first module is a {_name(first)}"
    for module in others:
        name, place = _name(module), folder / str(module.get("path", ""))
        if name == "Pooling" and not poolings:
            settings = read_settings(place / "config.json")
            poolings = _poolings(settings)
            obstacle = obstacle or _pooling_obstacle(poolings, settings)
        elif name == "Dense":
            settings = read_settings(place / "config.json")
            obstacle = obstacle or _dense_obstacle(settings)
            width, activation = int(settings["out_features"]), ACTIVATION_OF.get(_activation_class(settings))
            after.append(Dense(place, width, activation, bool(settings.get("bias", True))))
        elif name == "Normalize":
            after.append(Normalize())
        elif name != "Dropout":  # which changes nothing outside of training
            obstacle = obstacle or f"it has a module of the kind {name}"
    if not poolings:
        obstacle = obstacle or "it has no pooling"
    return SentenceModules(
        transformer=transformer,
        poolings=poolings,  # type: ignore[arg-type]  # checked above: the others are an obstacle
        after=tuple(after),
        prompt=_prompt(folder),
        lower_case=bool(limits.get("do_lower_case", False)),
        max_tokens=limits.get("max_seq_length"),
        obstacle=obstacle,
    )


def pooled_vector(modules: SentenceModules, states: Node, mask: Node) -> Node:
    """Return the vector (n, d) of the token states (n, t, width), not of unit length."""
    parts = [_pool(kind, states, mask) for kind in modules.poolings]
    x = parts[0] if len(parts) == 1 else ops.concat(parts, 1)
    for module in modules.after:
        if isinstance(module, Normalize):
            x = unit_length(x)
            continue
        x = linear(x, _dense_weights(module), bias=module.has_bias)
        x = x if module.activation is None else activate(x, module.activation)
    return x


def pooled_width(modules: SentenceModules, *, width: int) -> int:
    """Return d of `pooled_vector`, for states of this width; check that the weights of the dense layers fit.

    Raises MissingWeightsError if the weights of a dense layer are missing or of another shape.
    """
    d = width * len(modules.poolings)
    for module in modules.after:
        if isinstance(module, Dense):
            weights = _dense_weights(module)
            weights.check("weight", (module.width, d))
            if module.has_bias:
                weights.check("bias", (module.width,))
            d = module.width
    return d


def _dense_weights(module: Dense) -> Weights:
    file = module.folder / "model.safetensors"
    if not file.is_file():
        pickles = sorted(one.name for one in module.folder.glob("*") if one.suffix in PICKLES)
        held = f" has weights only in the pickle {pickles[0]}, which is never opened" if pickles else " has no weights"
        raise MissingWeightsError(
            f"{module.folder}{held}. Save it as safetensors: "
            "SentenceTransformer(...).save_pretrained(folder, safe_serialization=True)."
        )
    return read_safetensors([file], source=module.folder).under("linear")


def _pool(kind: Pooling, states: Node, mask: Node) -> Node:
    """Return one vector (n, width) for the states (n, t, width) of each text's tokens."""
    if kind == "cls":
        return token_at(states, 0)
    if kind == "max":
        masked = ops.multiply(ops.subtract(mask, constant(1.0)), constant(1e9))  # 0 at tokens
        return ops.reduce_max(ops.add(states, ops.unsqueeze(masked, integers(2))), integers(1))
    mean = mean_over(states, mask)
    if kind == "mean":
        return mean
    return ops.multiply(mean, ops.sqrt(ops.reduce_sum(mask, integers(1), True)))  # the sum over the root of t


def _name(module: Mapping[str, Any]) -> str:
    return str(module.get("type", "")).rsplit(".", 1)[-1]


def _poolings(settings: Mapping[str, Any]) -> tuple[str, ...]:
    stated = settings.get("pooling_mode")
    if stated is None:
        return tuple(name for key, name in OLD_POOLINGS.items() if settings.get(key, name == "mean"))
    return (stated,) if isinstance(stated, str) else tuple(stated)


def _pooling_obstacle(poolings: Sequence[str], settings: Mapping[str, Any]) -> str | None:
    unknown = [name for name in poolings if name not in POOLINGS]
    if unknown:
        return f"its pooling is {unknown[0]!r}, which is none of {', '.join(POOLINGS)}"
    if not settings.get("include_prompt", True):
        return "its pooling leaves out the prompt"
    return None


def _dense_obstacle(settings: Mapping[str, Any]) -> str | None:
    name = _activation_class(settings)
    if name not in ACTIVATION_OF:
        return f"a dense layer has the activation {name}"
    sides = (settings.get("module_input_name"), settings.get("module_output_name"))
    if settings.get("use_residual") or any(side not in (None, "sentence_embedding") for side in sides):
        return "a dense layer is not a plain one on the pooled vector"
    return None


def _activation_class(settings: Mapping[str, Any]) -> str:
    return str(settings.get("activation_function", "Tanh")).rsplit(".", 1)[-1]


def _transformer_settings(folder: Path) -> Mapping[str, Any]:
    """Return the settings of the first module, whose file is named after the family."""
    files = sorted(folder.glob("sentence_*_config.json"))
    return read_settings(files[0]) if files else {}


def _prompt(folder: Path) -> str:
    file = folder / "config_sentence_transformers.json"
    settings = optional_settings(file)
    name = settings.get("default_prompt_name")
    prompts = settings.get("prompts") or {}
    if name and name not in prompts:
        raise UnknownEncoderError(
            f"{file} names the prompt {name!r} as the default, which is none of its prompts. Download the model again."
        )
    return str(prompts[name] or "") if name else ""
