"""Models in Hugging Face layout: their files and kinds, and the encoders that run them with torch and transformers."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ImageTextEncoder": "anyshot.encoders.huggingface.image_models",
    "LanguageModelEncoder": "anyshot.encoders.huggingface.language_models",
    "SentenceModelEncoder": "anyshot.encoders.huggingface.sentence_models",
    "TransformersImageEncoder": "anyshot.encoders.huggingface.image_models",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
