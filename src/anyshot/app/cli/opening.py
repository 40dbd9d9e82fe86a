"""Opening a saved model for a command."""

from pathlib import Path
from typing import Any

from anyshot.errors import InputError
from anyshot.tasks.loading import load


def opened(folder: Path, *, to: str) -> Any:
    """Return the model saved to a folder.

    to: the method that the command calls, such as "explain".

    Raises
    ------
    InputError
        Models of its kind cannot do that.
    """
    model = load(folder)
    if not hasattr(model, to):
        raise InputError(
            f"{folder} holds a model of kind {type(model).__name__}, which has no method {to}. This command needs a "
            "model that `anyshot fit` or `anyshot tune` wrote; in Python, anyshot.load reads every kind."
        )
    return model
