"""The stages of transformers' image models: ResNet, MobileNet, ViT, CLIP's; any other model is one single stage."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from anyshot.encoders.stages import Mapped, Network, State


class Flattened(nn.Module):
    """Pooling by the model's own pooler, (n, width, 1, 1) made flat."""

    def __init__(self, pooler: nn.Module) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, state: State) -> State:
        """Map (n, width, h, w) to (n, width)."""
        return State(self.pooler(state.x).flatten(1).float())


class ClassToken(nn.Module):
    """Pooling of a transformer: its norm, the class token, then what the model puts on it."""

    def __init__(self, *, before: nn.Module | None = None, after: nn.Module | None = None) -> None:
        super().__init__()
        self.before = before or nn.Identity()
        self.after = after or nn.Identity()

    def forward(self, state: State) -> State:
        """Map (n, places, width) to (n, width)."""
        token = self.before(state.x)[:, 0]
        return State(self.after(token).float())


class Pooler(nn.Module):
    """A model's own pooler, which reads every place and takes the class token itself."""

    def __init__(self, norm: nn.Module, pooler: nn.Module) -> None:
        super().__init__()
        self.norm, self.pooler = norm, pooler

    def forward(self, state: State) -> State:
        """Map (n, places, width) to (n, width)."""
        return State(self.pooler(self.norm(state.x)).float())


class Attending(nn.Module):
    """A layer of a vision transformer: every place sees every other."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, state: State) -> State:
        """Map (n, places, width) to (n, places, width)."""
        made = self.layer(state.x, None)
        return State(made[0] if isinstance(made, tuple) else made, state.mask)


class Whole(nn.Module):
    """A whole model as one stage, with its pooling."""

    def __init__(self, model: nn.Module, features: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.features = model, features

    def forward(self, state: State) -> State:
        """Map (n, 3, h, w) to (n, width)."""
        return State(self.features(self.model, state.x).float())


def image_stages(model: Any, *, features: Callable[[nn.Module, Tensor], Tensor]) -> Network:
    """Return the stages of an image model of transformers, a classifier without its last layer or a bare trunk.

    features: the model and pixels (n, 3, h, w) to (n, width); used where the family is not known.
    """
    trunk = model.base_model
    kind = trunk.config.model_type
    if kind == "resnet":
        layers = _numbered(Mapped(layer) for layer in trunk.encoder.stages)
        return {"stem": Mapped(trunk.embedder), **layers, "pooling": Flattened(trunk.pooler)}
    if kind == "mobilenet_v1" and trunk.pooler is not None:
        pairs = zip(trunk.layer[::2], trunk.layer[1::2], strict=True)
        layers = _numbered((Mapped(*pair) for pair in pairs), word="block")
        return {"stem": Mapped(trunk.conv_stem), **layers, "pooling": Flattened(trunk.pooler)}
    if kind == "mobilenet_v2" and trunk.pooler is not None:
        layers = _numbered((Mapped(block) for block in trunk.layer), word="block")
        last = {"features": Mapped(trunk.conv_1x1), "pooling": Flattened(trunk.pooler)}
        return {"stem": Mapped(trunk.conv_stem), **layers, **last}
    if kind == "vit" and hasattr(trunk, "layers"):
        pooler = getattr(trunk, "pooler", None)
        top = ClassToken(before=trunk.layernorm) if pooler is None else Pooler(trunk.layernorm, pooler)
        layers = _numbered(Attending(layer) for layer in trunk.layers)
        return {"embeddings": Mapped(trunk.embeddings), **layers, "pooling": top}
    if kind == "clip_vision_model":
        return clip_stages(trunk, projection=None)
    return {"network": Whole(model, features)}


def clip_stages(vision: Any, *, projection: nn.Module | None) -> Network:
    """Return the stages of CLIP's image tower; the last maps to the space of the texts where `projection` is given."""
    after = nn.Sequential(vision.post_layernorm, *([] if projection is None else [projection]))
    layers = _numbered(Attending(layer) for layer in vision.encoder.layers)
    return {
        "embeddings": Mapped(vision.embeddings, vision.pre_layrnorm),
        **layers,
        "pooling": ClassToken(after=after),
    }


def _numbered(layers: Any, *, word: str = "layer") -> dict[str, nn.Module]:
    return {f"{word}{number}": layer for number, layer in enumerate(layers, start=1)}
