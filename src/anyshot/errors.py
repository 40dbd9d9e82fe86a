"""The errors that anyshot raises, and its warnings that name rows and columns.

::

    AnyshotError
    ├── InputError (ValueError)                  items or parameters cannot be used
    │   ├── MixedInputError                      items of several kinds, or of an unsupported kind
    │   ├── BadItemError                         one item cannot be used
    │   └── WidthError                           vectors whose width is not the model's
    ├── ClassesError (ValueError)                classes cannot be used
    │   ├── NotEnoughClassesError                fewer than two classes
    │   ├── DuplicateClassError                  a repeated or empty class name, or two classes that look the same
    │   └── UnknownClassError                    a label that is not among the classes
    ├── NotEnoughLabelsError (ValueError)        too few labels for the request
    ├── DomainError (ValueError)                 source and target domain cannot be used together
    │   ├── TargetLabelsError                    target labels passed to a method that must not see them
    │   └── EffectiveSampleError                 weights that leave too few source items
    ├── DataFileError (ValueError)               a data file cannot be read or written
    │   └── ItemColumnError                      no column of a table is known to hold the items
    ├── EncoderError                             an encoder cannot be used
    │   ├── UnknownEncoderError (ValueError)     no encoder has this name
    │   ├── UnknownStageError (ValueError)       the encoder does not have this stage
    │   └── MissingWeightsError (OSError)        pretrained weights are missing or differ from the published ones
    ├── TrainingError (RuntimeError)             training cannot continue
    │   ├── TrainingDivergedError (ArithmeticError)  the loss or its gradient is NaN or infinite
    │   ├── BatchMemoryError (MemoryError)       a batch does not fit into memory
    │   └── CheckpointError (ValueError)         training cannot be resumed from a checkpoint
    ├── ExportError (ValueError)                 a model cannot be exported to another format
    ├── ModelFolderError (ValueError)            a saved model cannot be loaded, or a model cannot be saved
    ├── MissingPartError (KeyError)              a report does not have the requested figure or table
    ├── ProjectError (OSError)                   a project of the studio cannot be read or written
    ├── CacheError (OSError)                     the cache of encoded items cannot be read or written
    └── MissingExtraError (ImportError)          an optional package is not installed

Each message names the input, the requirement and the remedy. `ItemWarning` (UserWarning) names the rows of items,
`LeakWarning` (UserWarning) columns that determine the label.
"""

from collections.abc import Iterable


class AnyshotError(Exception):
    """Base class of all errors that anyshot raises."""


class InputError(AnyshotError, ValueError):
    """Raised for items or parameters that cannot be used."""


class MixedInputError(InputError):
    """Raised for items of several kinds, or of a kind that is not supported."""


class BadItemError(InputError):
    """Raised for an item that cannot be used; the message names its row or path."""


class WidthError(InputError):
    """Raised for vectors whose width is not the model's."""


class ClassesError(AnyshotError, ValueError):
    """Raised for classes that cannot be used."""


class NotEnoughClassesError(ClassesError):
    """Raised for fewer than two classes."""


class DuplicateClassError(ClassesError):
    """Raised for a repeated or empty class name, and for two classes that cannot be distinguished."""


class UnknownClassError(ClassesError):
    """Raised for a label that is not among the classes.

    `label` is that label, if it is one of an item. `fault` is the message without the advice to add a class.
    """

    def __init__(self, message: str, label: object = None, fault: str = "") -> None:
        super().__init__(message)
        self.label, self.fault = label, fault


class NotEnoughLabelsError(AnyshotError, ValueError):
    """Raised if there are too few labels."""


class DomainError(AnyshotError, ValueError):
    """Raised for a source and a target domain that cannot be used together."""


class TargetLabelsError(DomainError):
    """Raised if labels of the target domain are passed to a method that must not see them."""


class EffectiveSampleError(DomainError):
    """Raised if the weights leave too few items of the source domain."""


class DataFileError(AnyshotError, ValueError):
    """Raised for a data file, or one of its columns, that cannot be read or written."""


class ItemColumnError(DataFileError):
    """Raised if no column of a table is known to hold the items; `fault` is the message without what to do."""

    def __init__(self, message: str, fault: str = "") -> None:
        super().__init__(message)
        self.fault = fault


class EncoderError(AnyshotError):
    """Raised for an encoder that cannot be used."""


class UnknownEncoderError(EncoderError, ValueError):
    """Raised if no encoder has the requested name."""


class UnknownStageError(EncoderError, ValueError):
    """Raised if an encoder does not have the requested stage."""


class MissingWeightsError(EncoderError, OSError):
    """Raised if an encoder's weights are not on this machine, or differ from the published ones."""


class TrainingError(AnyshotError, RuntimeError):
    """Raised if training cannot continue."""


class TrainingDivergedError(TrainingError, ArithmeticError):
    """Raised if the loss or its gradient is NaN or infinite; the message names the step."""


class BatchMemoryError(TrainingError, MemoryError):
    """Raised if a batch does not fit into memory; the message names a batch size that does."""


class CheckpointError(TrainingError, ValueError):
    """Raised for a checkpoint that is damaged, or belongs to another model or run."""


class ExportError(AnyshotError, ValueError):
    """Raised for a model that cannot be exported to another format."""


class ModelFolderError(AnyshotError, ValueError):
    """Raised if a saved model cannot be loaded, or a model cannot be saved."""


class MissingPartError(AnyshotError, KeyError):
    """Raised if a report does not have the requested figure or table; the message says why."""

    def __str__(self) -> str:
        """Return the message; KeyError would return it in quotes."""
        return str(self.args[0]) if self.args else ""


class ProjectError(AnyshotError, OSError):
    """Raised if a project of the studio cannot be read or written."""


class CacheError(AnyshotError, OSError):
    """Raised if the cache of encoded items cannot be read or written."""


class MissingExtraError(AnyshotError, ImportError):
    """Raised if an optional package is not installed; the message names the command that installs it."""


class LeakWarning(UserWarning):
    """Warns of columns of features that by themselves determine the label, and may be made from it."""


class ItemWarning(UserWarning):
    """Warns of some items; `rows` (m,) are their positions, from 0, in the list that the method got which warns."""

    def __init__(self, message: str, rows: Iterable[int] = ()) -> None:
        super().__init__(message)
        self.rows = tuple(map(int, rows))


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, or the error's type if it has no message.

    >>> first_line(OSError("disk full\nat byte 7")), first_line(ValueError())
    ('disk full', 'ValueError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
