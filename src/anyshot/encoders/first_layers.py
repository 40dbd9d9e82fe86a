"""The first layers of a text encoder as a smaller encoder, for example to distill a model into."""

import dataclasses
import hashlib

from anyshot.base.validation import Vectors, unit
from anyshot.encoders.activations import outputs
from anyshot.encoders.freeze import backbone_of
from anyshot.encoders.stages import Backbone, Network, Trunk
from anyshot.encoders.texts import TextEncoder
from anyshot.errors import EncoderError


class FirstLayers(TextEncoder):
    """A text encoder's first layers, with its pooling; `load_encoder("minilm[:2]")` returns one by name.

    Parameters
    ----------
    encoder : Encoder
        A text encoder with stages.
    n_layers : int
        Number of layers, without embeddings and pooling.

    Raises
    ------
    EncoderError
        The encoder reads images, or does not have more than `n_layers` layers.

    Examples
    --------
    >>> from anyshot.encoders import load_encoder
    >>> small = FirstLayers(load_encoder("minilm"), 2)
    >>> small.backbone().stages
    ('embeddings', 'layer1', 'layer2', 'pooling', 'head')
    """

    def __init__(self, encoder: object, n_layers: int) -> None:
        whole = backbone_of(encoder)
        layers = [name for name in whole.network if name.startswith("layer")]
        if whole.modality != "text" or not layers:
            raise EncoderError(
                f"{whole.name} is not a text encoder with layers, so its first layers cannot be used. Use 'minilm[:2]' "
                "or the first layers of a text model of transformers."
            )
        if not 0 < n_layers < len(layers):
            raise EncoderError(f"n_layers={n_layers} of {whole.name} must be at least 1 and less than {len(layers)}.")
        network = {name: stage for name, stage in whole.network.items() if name not in layers[n_layers:]}
        self.digest = hashlib.sha256(f"{whole.digest} first {n_layers}".encode()).hexdigest()
        self.width = whole.width
        name = f"the first {n_layers} layers of {whole.name}"
        self._backbone = dataclasses.replace(whole, name=name, network=network, digest=self.digest, fresh=self._fresh)
        self._trunk = Trunk(self._backbone, "head")
        self._fresh_whole, self._stages = whole.fresh, tuple(network)

    def backbone(self) -> Backbone:
        """Return the layers in stages."""
        return self._backbone

    def _encode(self, texts: list[str]) -> Vectors:
        return unit(outputs(self._trunk, texts, lambda pooled: pooled.x, width=self.width))

    def _fresh(self) -> Network:
        whole = self._fresh_whole()
        return {name: whole[name] for name in self._stages}
