"""The page of the studio: what it shows and answers, with its templates, style sheet and scripts.

Everything that it changes is done by public calls of `anyshot.app.studio`.
"""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Projects": "anyshot.app.studio.page.opened",
    "create_studio": "anyshot.app.studio.page.routes",
    "run_studio": "anyshot.app.studio.page.starting",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
