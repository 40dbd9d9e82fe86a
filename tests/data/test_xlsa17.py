import numpy as np
import pytest
from scipy.io import savemat

from anyshot.data.xlsa17 import load_xlsa17
from anyshot.errors import DataFileError

LABELS = np.array([1, 1, 2, 2, 3, 3, 1, 2])


def write(folder, **changes):
    """Write a data set of 8 items and 3 classes as MATLAB stores it: items in columns, indexes from 1."""
    names = np.empty((3, 1), dtype=object)
    names[:, 0] = ["ox", "bee", "elk"]
    splits = {
        "att": np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]]),
        "allclasses_names": names,
        "trainval_loc": [[1], [2], [3], [4]],
        "test_seen_loc": [[7], [8]],
        "test_unseen_loc": [[5], [6]],
        "train_loc": [[1], [2]],
        "val_loc": [[3], [4]],
    }
    features = {"features": np.arange(16.0).reshape(2, 8), "labels": LABELS[:, None]}
    savemat(folder / "res101.mat", {key: changes.get(key, value) for key, value in features.items()})
    kept = {key: changes.get(key, value) for key, value in splits.items()}
    savemat(folder / "att_splits.mat", {key: value for key, value in kept.items() if value is not None})
    return folder


def test_indexes_start_at_zero_and_items_are_rows(tmp_path):
    data = load_xlsa17(write(tmp_path))
    np.testing.assert_array_equal(data.X[1], [1, 9])
    np.testing.assert_array_equal(data.y, LABELS - 1)
    np.testing.assert_array_equal(data.class_vectors, [[1, 0], [0, 1], [0.6, 0.8]])
    assert data.class_names == ("ox", "bee", "elk")
    assert data.train.tolist() == [0, 1, 2, 3]
    assert data.test_seen.tolist() == [6, 7]
    assert data.test_unseen.tolist() == [4, 5]
    assert data.unseen_classes.tolist() == [2]
    assert data.labels().tolist() == [0, 0, 1, 1, -1, -1, -1, -1]
    assert data.validation_train is None


def test_a_clean_validation_split_is_read(tmp_path):
    data = load_xlsa17(write(tmp_path), validation=True)
    assert data.validation_train is not None
    assert data.validation_train.tolist() == [0, 1]
    assert data.validation_unseen.tolist() == [2, 3]


def test_a_validation_split_with_test_items_is_refused(tmp_path):
    write(tmp_path, val_loc=[[3], [7]])
    with pytest.raises(DataFileError, match=r"contain 1 items outside trainval_loc.*first release.*version 2"):
        load_xlsa17(tmp_path, validation=True)
    assert load_xlsa17(tmp_path).train.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"trainval_loc": [[0], [1]]}, "trainval_loc must be indexes from 1 to 8.*found 0 to 1"),
        ({"test_seen_loc": [[7], [9]]}, "found 7 to 9"),
        ({"test_seen_loc": [[4], [7]]}, "1 items are in trainval_loc and in a test split; the first is item 3"),
        ({"test_unseen_loc": [[5], [8]]}, "Class 1 of test_unseen_loc has items in trainval_loc"),
        ({"labels": np.array([[1], [2]])}, "8 features but 2 labels"),
        ({"labels": np.where(LABELS == 3, 4, LABELS)[:, None]}, "labels must be indexes from 1 to 3"),
        ({"att": None}, "no field 'att'; it has allclasses_names, trainval_loc"),
    ],
)
def test_inconsistent_files_are_refused(tmp_path, changes, text):
    with pytest.raises(DataFileError, match=text):
        load_xlsa17(write(tmp_path, **changes))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataFileError, match=r"There is no .*res101\.mat"):
        load_xlsa17(tmp_path)


def test_a_file_of_another_type_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "res101.mat").write_bytes(b"not a matrix" * 100)
    with pytest.raises(DataFileError, match="cannot be read as a MATLAB file"):
        load_xlsa17(tmp_path)
