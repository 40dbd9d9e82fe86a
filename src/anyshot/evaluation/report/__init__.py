"""The report: one HTML page on how good a model is, where it fails and what more labels would bring."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Report": "anyshot.evaluation.report.render",
    "report": "anyshot.evaluation.report.assembly",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
