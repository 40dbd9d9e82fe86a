"""The stages of transformers' text models: BERT, RoBERTa, DistilBERT, GPT-2; any other model is one single stage."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from anyshot.encoders.stages import Network, State, TokenPooling


class Embedded(nn.Module):
    """Token ids to states by a model's own embeddings."""

    def __init__(self, embeddings: nn.Module) -> None:
        super().__init__()
        self.embeddings = embeddings

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, t, width)."""
        return State(self.embeddings(state.x), state.mask)


class GPT2Embedded(nn.Module):
    """GPT-2's words and places, which are added with no norm."""

    def __init__(self, words: nn.Module, places: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.words, self.places, self.dropout = words, places, dropout

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, t, width)."""
        places = torch.arange(state.x.shape[1], device=state.x.device)
        return State(self.dropout(self.words(state.x) + self.places(places)), state.mask)


class Attending(nn.Module):
    """A layer of transformers in which a token sees every real token of its text."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, t, width)."""
        made = self.layer(state.x, _hidden_from(state))
        return State(_states(made), state.mask)


class AttendingBackward(nn.Module):
    """A layer of a causal model: a token sees those before it, and never what fills the text up on the right."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, t, width)."""
        return State(_states(self.layer(state.x)), state.mask)


class Whole(nn.Module):
    """A whole model as one stage, with its pooling."""

    def __init__(self, model: nn.Module, pooled: Callable[[State], Tensor]) -> None:
        super().__init__()
        self.model, self.pooled = model, pooled

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, width)."""
        mask = torch.ones_like(state.x) if state.mask is None else state.mask.long()
        made = self.model(input_ids=state.x, attention_mask=mask).last_hidden_state
        return State(self.pooled(State(made, state.mask)))


def text_stages(model: Any, *, pooled: Callable[[State], Tensor]) -> Network:
    """Return the stages of a text model of transformers; `pooled` makes one vector of a text's last states."""
    kind, decodes = model.config.model_type, bool(getattr(model.config, "is_decoder", False))
    if kind in {"bert", "roberta", "xlm-roberta", "camembert"} and not decodes:
        layers = _numbered(Attending(layer) for layer in model.encoder.layer)
        return {"embeddings": Embedded(model.embeddings), **layers, "pooling": TokenPooling(pooled)}
    if kind == "distilbert":
        layers = _numbered(Attending(layer) for layer in model.transformer.layer)
        return {"embeddings": Embedded(model.embeddings), **layers, "pooling": TokenPooling(pooled)}
    if kind == "gpt2":
        layers = _numbered(AttendingBackward(block) for block in model.h)
        embeddings = GPT2Embedded(model.wte, model.wpe, model.drop)
        return {"embeddings": embeddings, **layers, "pooling": TokenPooling(pooled, norm=model.ln_f)}
    return {"network": Whole(model, pooled)}


def _numbered(layers: Any) -> dict[str, nn.Module]:
    return {f"layer{number}": layer for number, layer in enumerate(layers, start=1)}


def _hidden_from(state: State) -> Tensor | None:
    """Return what is added to attention's logits (n, 1, 1, t): nothing at real tokens, the least number at the rest."""
    if state.mask is None:
        return None
    least = torch.finfo(state.x.dtype).min
    return torch.zeros(state.mask.shape, dtype=state.x.dtype, device=state.x.device).masked_fill(~state.mask, least)[
        :, None, None, :
    ]


def _states(made: Any) -> Tensor:
    states: Tensor = made[0] if isinstance(made, tuple) else made
    return states
