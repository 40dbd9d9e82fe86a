"""The commands encode and curve."""

import numpy as np
import pytest
from PIL import Image

from app.cli.messages import TRAIN


def test_encode_writes_vectors_that_open_without_pickle(call, made, tmp_path):
    assert call("encode", made / "train.csv", "--out", tmp_path / "v.npz").code == 0
    with np.load(tmp_path / "v.npz", allow_pickle=False) as file:
        assert np.linalg.norm(file["vectors"], axis=1) == pytest.approx(np.ones(9), abs=1e-5)
        assert file["labels"].tolist() == [label for _, label in TRAIN]
        assert file["items"][0] == TRAIN[0][0]
        assert str(file["encoder"]) == "minilm-words"
    assert [path.name for path in tmp_path.iterdir()] == ["v.npz"]


def test_encode_needs_no_label_column(call, made, tmp_path):
    done = call("encode", made / "measured.csv", "--out", tmp_path / "v.npz")
    assert (done.code, "several columns" in done.err) == (1, True)
    for name in ("measured.csv", "train.csv"):
        assert call("encode", made / name, "--no-labels", "--out", tmp_path / "v.npz").code == 0
        with np.load(tmp_path / "v.npz", allow_pickle=False) as file:
            assert sorted(file) == ["encoder", "items", "vectors"]


@pytest.mark.parametrize("name", ["v.csv", "nowhere/v.npz"])
def test_encode_says_where_it_cannot_write(call, made, tmp_path, name):
    done = call("encode", made / "train.csv", "--out", tmp_path / name)
    assert (done.code, "cannot be written" in done.err) == (1, True)


def test_curve_measures_both_models_and_draws_them(call, made, tmp_path):
    done = call("curve", made / "train.csv", "--draws", "1", "--out", tmp_path / "curve.png")
    assert done.code == 0
    (facts,) = done.rows
    assert (facts["n_test"], facts["seed"]) == (3, 0)
    assert {row["model"] for row in facts["scores"]} == {"anyshot", "logistic regression"}
    assert [row["shots"] for row in facts["scores"] if row["model"] == "anyshot"] == [0, 1, "all"]
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG"


def test_curve_needs_labels_and_a_picture_s_suffix(call, made):
    assert "--label-column" in call("curve", made / "texts.csv").err
    assert "must end in .png" in call("curve", made / "train.csv", "--out", "curve.txt").err
