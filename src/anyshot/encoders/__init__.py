"""Encoders of texts and images as unit-length vectors."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "CompiledImageEncoder": "anyshot.encoders.compiled_images",
    "CompiledImageTextEncoder": "anyshot.encoders.compiled_images",
    "CompiledTextEncoder": "anyshot.encoders.compiled_texts",
    "EfficientNetLite0Encoder": "anyshot.encoders.efficientnet",
    "EncoderRanking": "anyshot.encoders.ranking",
    "ImageTextEncoder": "anyshot.encoders.huggingface.image_models",
    "KerasEncoder": "anyshot.encoders.keras",
    "LanguageModelEncoder": "anyshot.encoders.huggingface.language_models",
    "MiniLMEncoder": "anyshot.encoders.minilm",
    "SentenceModelEncoder": "anyshot.encoders.huggingface.sentence_models",
    "TransformersImageEncoder": "anyshot.encoders.huggingface.image_models",
    "TunedEncoder": "anyshot.encoders.tuned",
    "assemble": "anyshot.encoders.backbones",
    "available": "anyshot.encoders.registry",
    "backbone_of": "anyshot.encoders.freeze",
    "default_for": "anyshot.encoders.registry",
    "export": "anyshot.encoders.onnx",
    "fetch_weights": "anyshot.encoders.fetch",
    "load_encoder": "anyshot.encoders.registry",
    "open_backbone": "anyshot.encoders.backbones",
    "rank_encoders": "anyshot.encoders.ranking",
    "split": "anyshot.encoders.backbones",
    "trainable": "anyshot.encoders.registry",
    "tuned_from_saved": "anyshot.encoders.tuned",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
