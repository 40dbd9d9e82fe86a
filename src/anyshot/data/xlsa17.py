"""The standard zero-shot data sets with the proposed split of Xian et al. (TPAMI 2018)."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from anyshot.base.validation import Indexes, Vectors, vectors
from anyshot.errors import DataFileError

_SPLITS = ("trainval_loc", "test_seen_loc", "test_unseen_loc")


@dataclass(frozen=True, eq=False)
class ZeroShotDataset:
    """Items, class vectors and splits of a zero-shot data set; all indexes start at 0."""

    X: Vectors
    """Features (n, d), as stored."""
    y: Indexes
    """Class of each item (n,), a row of `class_vectors`."""
    class_vectors: NDArray[np.float64]
    """Attributes (c, a), with rows of unit length, as stored in `att`."""
    class_names: tuple[str, ...]
    train: Indexes
    """Training items, of seen classes (`trainval_loc`)."""
    test_seen: Indexes
    test_unseen: Indexes
    validation_train: Indexes | None
    """Items of `train` for training in validation (`train_loc`); None unless requested."""
    validation_unseen: Indexes | None
    """Items of `train` of the classes that are unseen in validation (`val_loc`); None unless requested."""

    @property
    def unseen_classes(self) -> Indexes:
        """The classes of the unseen test items, sorted."""
        return np.unique(self.y[self.test_unseen])

    def labels(self) -> Indexes:
        """Return the training labels (n,): -1 outside `train`."""
        labels = np.full(len(self.y), -1, dtype=np.intp)
        labels[self.train] = self.y[self.train]
        return labels


def load_xlsa17(folder: str | PathLike[str], *, validation: bool = False) -> ZeroShotDataset:
    """Read `res101.mat` and `att_splits.mat` from the folder of a data set (AWA2, CUB, SUN, APY).

    validation: also read `train_loc` and `val_loc`. In the first release of these files they contain images of
    `test_seen_loc`, so that parameters chosen with them have seen test images: such files are refused. Class-wise
    validation on `train` alone needs neither.

    Raises
    ------
    DataFileError
        A file or field is missing, or indexes do not start at 1 or are out of range. Or the splits overlap: a test item
        is also a training item, an unseen class has training items, or the validation split contains test items.
    """
    folder = Path(folder)
    features, splits = _read(folder / "res101.mat"), _read(folder / "att_splits.mat")
    X = vectors(_field(features, "features", folder / "res101.mat").T, name="features")  # stored (d, n)
    attributes = np.asarray(_field(splits, "att", folder / "att_splits.mat"), dtype=np.float64).T  # stored (a, c)
    y = _from_one(_field(features, "labels", folder / "res101.mat"), limit=len(attributes), name="labels")
    if len(y) != len(X):
        raise DataFileError(f"{folder / 'res101.mat'} has {len(X)} features but {len(y)} labels.")
    train, test_seen, test_unseen = (
        _from_one(_field(splits, name, folder / "att_splits.mat"), limit=len(X), name=name) for name in _SPLITS
    )
    _check_disjoint(y, train, test_seen, test_unseen)
    validation_train, validation_unseen = _validation(splits, folder, train, len(X)) if validation else (None, None)
    names = tuple(str(np.squeeze(name)) for name in splits.get("allclasses_names", np.arange(len(attributes))).ravel())
    return ZeroShotDataset(X, y, attributes, names, train, test_seen, test_unseen, validation_train, validation_unseen)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataFileError(
            f"There is no {path}. Give the folder of a data set of xlsa17, with res101.mat and att_splits.mat."
        )
    try:
        return dict(loadmat(path))
    except (ValueError, TypeError, OSError, NotImplementedError) as error:
        raise DataFileError(f"{path} cannot be read as a MATLAB file: {error}. Download it again.") from error


def _field(content: dict[str, Any], name: str, path: Path) -> NDArray[Any]:
    if name not in content:
        fields = ", ".join(key for key in content if not key.startswith("__"))
        raise DataFileError(f"{path} has no field {name!r}; it has {fields}. Is it a file of xlsa17?")
    return np.asarray(content[name])


def _from_one(values: NDArray[Any], *, limit: int, name: str) -> Indexes:
    """Return MATLAB's indexes, which start at 1, as indexes from 0 (m,)."""
    index = values.ravel().astype(np.intp)
    if not index.size or index.min() < 1 or index.max() > limit:
        found = f"{index.min()} to {index.max()}" if index.size else "nothing"
        raise DataFileError(
            f"{name} must be indexes from 1 to {limit}, as in MATLAB; found {found}. Use the original files, not ones "
            "converted to indexes from 0."
        )
    return index - 1


def _check_disjoint(y: Indexes, train: Indexes, test_seen: Indexes, test_unseen: Indexes) -> None:
    both = np.intersect1d(train, np.concatenate([test_seen, test_unseen]))
    if both.size:
        raise DataFileError(f"{both.size} items are in trainval_loc and in a test split; the first is item {both[0]}.")
    shared = np.intersect1d(y[train], y[test_unseen])
    if shared.size:
        raise DataFileError(f"Class {shared[0]} of test_unseen_loc has items in trainval_loc; it is not unseen.")


def _validation(splits: dict[str, Any], folder: Path, train: Indexes, n: int) -> tuple[Indexes, Indexes]:
    path = folder / "att_splits.mat"
    fit, held_out = (_from_one(_field(splits, name, path), limit=n, name=name) for name in ("train_loc", "val_loc"))
    leaking = np.setdiff1d(np.concatenate([fit, held_out]), train)
    if leaking.size:
        raise DataFileError(
            f"{path}: train_loc and val_loc contain {leaking.size} items outside trainval_loc, including test items of "
            "seen classes, as in the first release of xlsa17. Parameters chosen with them would have seen test items. "
            "Download version 2 of the files, or use validation=False and hold out classes of trainval_loc."
        )
    return fit, held_out
