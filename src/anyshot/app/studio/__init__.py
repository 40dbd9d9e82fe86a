"""The studio: projects of items, classes and labels for people who do not program; the page shows what is here."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Added": "anyshot.app.studio.adding",
    "Answers": "anyshot.app.studio.answers",
    "Preview": "anyshot.app.studio.adding_texts",
    "Project": "anyshot.app.studio.project",
    "add_images": "anyshot.app.studio.adding_images",
    "add_table": "anyshot.app.studio.adding_texts",
    "add_texts": "anyshot.app.studio.adding_texts",
    "preview": "anyshot.app.studio.adding_texts",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
