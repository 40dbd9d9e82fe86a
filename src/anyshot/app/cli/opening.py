"""Saved models, opened for what a command is to do with them."""

from pathlib import Path
from typing import Any

from anyshot import tasks
from anyshot.errors import InputError


def opened(folder: Path, *, to: str) -> Any:
    """Return the model saved to a folder.

    to: the method that the command calls, such as "explain".

    Raises
    ------
    InputError
        Models of its kind cannot do that.
    """
    model = tasks.load(folder)
    if not hasattr(model, to):
        raise InputError(
            f"{folder} holds a model of kind {type(model).__name__}, which has no {to}. This command is for those that "
            "`anyshot fit` or `anyshot tune` wrote; in Python, tasks.load reads every kind."
        )
    return model
