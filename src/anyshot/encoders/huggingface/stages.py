"""Models of transformers as stages: BERT, RoBERTa, DistilBERT, GPT-2, ResNet, MobileNet, ViT, CLIP.

Any other model is a single stage. The names of the submodules are the keys of saved models.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from anyshot.encoders.stages import Mapped, Network, State, TokenPooling


class Embedded(nn.Module):
    """Token ids to states, by the model's embeddings."""

    def __init__(self, embeddings: nn.Module) -> None:
        super().__init__()
        self.embeddings = embeddings

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, t, width)."""
        return State(self.embeddings(state.x), state.mask)


class GPT2Embedded(nn.Module):
    """Token ids to states, by GPT-2's token and position embeddings."""

    def __init__(self, words: nn.Module, places: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.words, self.places, self.dropout = words, places, dropout

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, t, width)."""
        positions = torch.arange(state.x.shape[1], device=state.x.device)
        return State(self.dropout(self.words(state.x) + self.places(positions)), state.mask)


class TransformerLayer(nn.Module):
    """A transformer layer, in which padding is masked. A causal model needs no mask: padding comes last."""

    def __init__(self, layer: nn.Module, *, causal: bool = False) -> None:
        super().__init__()
        self.layer, self.causal = layer, causal

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, t, width)."""
        output = self.layer(state.x) if self.causal else self.layer(state.x, _attention_bias(state))
        return State(output[0] if isinstance(output, tuple) else output, state.mask)


class Flattened(nn.Module):
    """Pooling by the model's pooler, followed by flattening (n, width, 1, 1)."""

    def __init__(self, pooler: nn.Module) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, state: State) -> State:
        """Map (n, width, h, w) to (n, width)."""
        return State(self.pooler(state.x).flatten(1).float())


class ClassToken(nn.Module):
    """Pooling by the class token, with modules applied to all states before, and to the token after."""

    def __init__(self, *, before: nn.Module | None = None, after: nn.Module | None = None) -> None:
        super().__init__()
        self.before = before or nn.Identity()
        self.after = after or nn.Identity()

    def forward(self, state: State) -> State:
        """Map (n, patches, width) to (n, width)."""
        return State(self.after(self.before(state.x)[:, 0]).float())


class Pooler(nn.Module):
    """Pooling by a norm and the model's pooler, which takes the class token itself."""

    def __init__(self, norm: nn.Module, pooler: nn.Module) -> None:
        super().__init__()
        self.norm, self.pooler = norm, pooler

    def forward(self, state: State) -> State:
        """Map (n, patches, width) to (n, width)."""
        return State(self.pooler(self.norm(state.x)).float())


class WholeModel(nn.Module):
    """A whole model with its pooling, as one stage."""

    def __init__(self, model: nn.Module, features: Callable[[Any, State], Tensor]) -> None:
        super().__init__()
        self.model, self.features = model, features

    def forward(self, state: State) -> State:
        """Map token ids (n, t) or pixels (n, 3, h, w) to (n, width)."""
        return State(self.features(self.model, state).float())


def text_stages(model: Any, *, pool: Callable[[State], Tensor]) -> Network:
    """Return the stages of a text model; `pool` maps the last token states to one vector per text."""
    kind, is_decoder = model.config.model_type, bool(getattr(model.config, "is_decoder", False))
    if kind == "distilbert" or (kind in {"bert", "roberta", "xlm-roberta", "camembert"} and not is_decoder):
        stack = model.transformer if kind == "distilbert" else model.encoder
        layers = _numbered(TransformerLayer(layer) for layer in stack.layer)
        return {"embeddings": Embedded(model.embeddings), **layers, "pooling": TokenPooling(pool)}
    if kind == "gpt2":
        layers = _numbered(TransformerLayer(block, causal=True) for block in model.h)
        embeddings = GPT2Embedded(model.wte, model.wpe, model.drop)
        return {"embeddings": embeddings, **layers, "pooling": TokenPooling(pool, norm=model.ln_f)}

    def features(model: Any, state: State) -> Tensor:
        mask = torch.ones_like(state.x) if state.mask is None else state.mask.long()
        return pool(State(model(input_ids=state.x, attention_mask=mask).last_hidden_state, state.mask))

    return {"network": WholeModel(model, features)}


def image_stages(model: Any, *, features: Callable[[Any, State], Tensor]) -> Network:
    """Return the stages of an image model, which is a classifier without its last layer or has no classifier.

    features: maps the model and pixels (n, 3, h, w) to (n, width); for models of an unknown architecture.
    """
    trunk = model.base_model
    kind = trunk.config.model_type
    if kind == "resnet":
        layers = _numbered(Mapped(layer) for layer in trunk.encoder.stages)
        return {"stem": Mapped(trunk.embedder), **layers, "pooling": Flattened(trunk.pooler)}
    if kind == "mobilenet_v1" and trunk.pooler is not None:
        pairs = zip(trunk.layer[::2], trunk.layer[1::2], strict=True)
        layers = _numbered((Mapped(*pair) for pair in pairs), prefix="block")
        return {"stem": Mapped(trunk.conv_stem), **layers, "pooling": Flattened(trunk.pooler)}
    if kind == "mobilenet_v2" and trunk.pooler is not None:
        layers = _numbered((Mapped(block) for block in trunk.layer), prefix="block")
        last = {"features": Mapped(trunk.conv_1x1), "pooling": Flattened(trunk.pooler)}
        return {"stem": Mapped(trunk.conv_stem), **layers, **last}
    if kind == "vit" and hasattr(trunk, "layers"):
        pooler = getattr(trunk, "pooler", None)
        pooling = ClassToken(before=trunk.layernorm) if pooler is None else Pooler(trunk.layernorm, pooler)
        layers = _numbered(TransformerLayer(layer) for layer in trunk.layers)
        return {"embeddings": Mapped(trunk.embeddings), **layers, "pooling": pooling}
    if kind == "clip_vision_model":
        return clip_stages(trunk, projection=None)
    return {"network": WholeModel(model, features)}


def clip_stages(vision: Any, *, projection: nn.Module | None) -> Network:
    """Return the stages of CLIP's image model; with a `projection`, the last maps into the shared vector space."""
    after = nn.Sequential(vision.post_layernorm, *([] if projection is None else [projection]))
    layers = _numbered(TransformerLayer(layer) for layer in vision.encoder.layers)
    embeddings = Mapped(vision.embeddings, vision.pre_layrnorm)
    return {"embeddings": embeddings, **layers, "pooling": ClassToken(after=after)}


def _numbered(layers: Iterable[nn.Module], *, prefix: str = "layer") -> dict[str, nn.Module]:
    return {f"{prefix}{number}": layer for number, layer in enumerate(layers, start=1)}


def _attention_bias(state: State) -> Tensor | None:
    """Return what is added to the attention logits (n, 1, 1, t): 0 at tokens, the lowest number at padding."""
    if state.mask is None:
        return None
    bias = torch.zeros(state.mask.shape, dtype=state.x.dtype, device=state.x.device)
    return bias.masked_fill(~state.mask, torch.finfo(state.x.dtype).min)[:, None, None, :]
