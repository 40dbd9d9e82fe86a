"""Evaluation of any model: metrics, splits, calibration, learning curves, fairness and the report."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Association": "anyshot.evaluation.fairness",
    "Evaluation": "anyshot.evaluation.classification",
    "GroupFigures": "anyshot.evaluation.fairness",
    "LearningCurve": "anyshot.evaluation.learning_curves",
    "NumberCurve": "anyshot.evaluation.regression",
    "NumberEvaluation": "anyshot.evaluation.regression",
    "accuracy": "anyshot.evaluation.metrics",
    "answers_that_change": "anyshot.evaluation.fairness",
    "association": "anyshot.evaluation.fairness",
    "class_leanings": "anyshot.evaluation.fairness",
    "conformal_threshold": "anyshot.evaluation.conformal",
    "cross_validate": "anyshot.evaluation.splits",
    "effective_size": "anyshot.evaluation.intervals",
    "evaluate_answers": "anyshot.evaluation.classification",
    "evaluate_numbers": "anyshot.evaluation.regression",
    "few_shot_episodes": "anyshot.evaluation.splits",
    "figures_by_group": "anyshot.evaluation.fairness",
    "fit_temperature": "anyshot.training.softmax_regression",
    "holdout_rows": "anyshot.evaluation.splits",
    "leave_one_domain_out": "anyshot.evaluation.splits",
    "learning_curve": "anyshot.evaluation.learning_curves",
    "macro_f1": "anyshot.evaluation.metrics",
    "number_curve": "anyshot.evaluation.regression",
    "over_class_splits": "anyshot.evaluation.class_splits",
    "rates_by_group": "anyshot.evaluation.fairness",
    "wilson_interval": "anyshot.evaluation.intervals",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
