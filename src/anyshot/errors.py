"""Every error of the library.

::

    AnyshotError
    ├── InputError (ValueError)              the items given cannot be used
    │   ├── MixedInputError                  several kinds of items, or a kind that cannot be told
    │   ├── BadItemError                     one item is unusable; it is named by its row or path
    │   └── WidthError                       vectors of another width than the model's
    ├── ClassesError (ValueError)            the classes given cannot be used
    │   ├── NotEnoughClassesError            none, or one
    │   ├── DuplicateClassError              a name twice, or two that cannot be told apart
    │   └── UnknownClassError                a label that is not among the classes
    ├── NotEnoughLabelsError (ValueError)    the labels given do not suffice for what was asked
    ├── DomainError (ValueError)             the two domains given cannot be used together
    │   ├── TargetLabelsError                labels of the target domain came along; adaptation must not see them
    │   └── EffectiveSampleError             weights leave too little of the source to learn from
    ├── DataFileError (ValueError)           a data file or one of its columns cannot be read
    ├── EncoderError                         an encoder cannot be used
    │   ├── UnknownEncoderError (ValueError) no encoder bears that name
    │   ├── UnknownStageError (ValueError)   a freeze point that the encoder does not have
    │   └── MissingWeightsError (OSError)    its weights are not on this machine, or are not the published ones
    ├── TrainingError (RuntimeError)         training cannot go on
    │   ├── TrainingDivergedError (ArithmeticError) the loss is no number any more
    │   ├── BatchMemoryError (MemoryError)   a batch does not fit into memory
    │   └── CheckpointError (ValueError)     what an interrupted run left behind cannot be gone on from
    ├── ExportError (ValueError)             a model cannot be written in another format
    ├── ModelFolderError (ValueError)        a saved model cannot be loaded or written
    ├── MissingPartError (KeyError)          a report has no such figure or table, for want of something to make it from
    ├── CacheError (OSError)                 the vector cache cannot be read or written
    └── MissingExtraError (ImportError)      an optional package is not installed

Each message says what was given, what is needed, and what to do.
"""


class AnyshotError(Exception):
    """Base of every error that anyshot raises on purpose."""


class InputError(AnyshotError, ValueError):
    """The items given cannot be used."""


class MixedInputError(InputError):
    """The items are of several kinds, or of a kind that cannot be told."""


class BadItemError(InputError):
    """One item of a batch is unusable; the message names its row or its path."""


class WidthError(InputError):
    """The vectors have another width than the model's."""


class ClassesError(AnyshotError, ValueError):
    """The classes given cannot be used."""


class NotEnoughClassesError(ClassesError):
    """There is no class, or only one."""


class DuplicateClassError(ClassesError):
    """A class is named twice, or two classes cannot be told apart."""


class UnknownClassError(ClassesError):
    """A label is not among the classes."""


class NotEnoughLabelsError(AnyshotError, ValueError):
    """The labels given do not suffice for what was asked."""


class DomainError(AnyshotError, ValueError):
    """The source and the target domain given cannot be used together."""


class TargetLabelsError(DomainError):
    """Labels of the target domain were given to a method that must not see them."""


class EffectiveSampleError(DomainError):
    """The weights leave too little of the source domain to learn from."""


class DataFileError(AnyshotError, ValueError):
    """A data file, or one of its columns, cannot be read."""


class EncoderError(AnyshotError):
    """An encoder cannot be used."""


class UnknownEncoderError(EncoderError, ValueError):
    """No encoder bears the name given."""


class UnknownStageError(EncoderError, ValueError):
    """An encoder has no stage of that name, or none at that place."""


class MissingWeightsError(EncoderError, OSError):
    """An encoder's weights are not on this machine, or are not the published ones."""


class TrainingError(AnyshotError, RuntimeError):
    """Training cannot go on."""


class TrainingDivergedError(TrainingError, ArithmeticError):
    """The loss or its gradient is no number any more; the message names the step."""


class BatchMemoryError(TrainingError, MemoryError):
    """A batch does not fit into memory; the message says which would."""


class CheckpointError(TrainingError, ValueError):
    """A checkpoint belongs to another model or another run, or is damaged."""


class ExportError(AnyshotError, ValueError):
    """A fitted model cannot be written in another format."""


class ModelFolderError(AnyshotError, ValueError):
    """A saved model cannot be loaded, or a model cannot be written."""


class MissingPartError(AnyshotError, KeyError):
    """A report has no such figure or table; the message says what it lacked."""

    def __str__(self) -> str:
        """Return the message as it stands; a KeyError's would be quoted."""
        return str(self.args[0]) if self.args else ""


class CacheError(AnyshotError, OSError):
    """The vector cache cannot be read or written."""


class MissingExtraError(AnyshotError, ImportError):
    """An optional package is not installed."""
