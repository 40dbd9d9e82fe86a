"""Saving, loading, copying and pickling models."""

import copy
import pickle
import socket
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from anyshot import AnyShotClassifier, MultitaskModel, load
from anyshot.base.model_folder import read_model, write_model
from anyshot.encoders.registry import load_encoder
from situations.situation import (
    CSV,
    INDEX,
    NAMES,
    SIGNS,
    TABLE,
    TEXTS,
    Subject,
    by_names,
    command,
    fit,
    fitted,
    model_in,
    refuses,
    taken_or_refused,
)

holds = Subject("saved models")


# --- folders ---------------------------------------------------------------------------------------------------------


@holds("save into a folder of other things: kept, or refused")
def _(folder: Path) -> object:
    (folder / "thesis.txt").write_text("years of work")
    return (
        taken_or_refused(lambda: fitted().save(folder) or load(folder), "Nothing was written")
        and (folder / "thesis.txt").read_text() == "years of work"
    )


holds.refused("save where a file is: refused", "file")(lambda f: (f / "m").write_text("x") and by_names().save(f / "m"))
holds.refused("load of a folder that is no model: refused", "model")(lambda f: load(f))
holds.each("load of {}: refused, with a folder", {"None": None, "bytes": b"model", "a model": AnyShotClassifier()})(
    lambda _, folder: refuses(lambda: load(folder), "The path of a folder is needed")
)


@holds("a model file that was copied only in part: refused by folder")
def _(folder: Path) -> object:
    fitted().save(folder / "m")
    arrays = max((folder / "m").rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    arrays.write_bytes(arrays.read_bytes()[:-100])
    return refuses(lambda: load(folder / "m"), str(folder / "m"))


@holds("class names alone, saved before an answer: the loaded model answers")
def _(folder: Path) -> object:
    by_names().save(folder / "model")
    return load(folder / "model").predict(TEXTS[2:3]).tolist() == ["delivery"]


@holds("whole numbers as classes: whole numbers after load")
def _(folder: Path) -> object:
    fitted(y=np.array(INDEX, dtype=np.int32)).save(folder / "m")
    found = load(folder / "m").predict(TEXTS)
    return found.dtype.kind == "i" and found.tolist() == INDEX


@holds("truth values as classes: named as text in commands")
def _(folder: Path) -> object:
    flags = CSV.replace(",refund", ",TRUE").replace(",delivery", ",FALSE")
    fit(folder, "a.csv", flags)
    learned = command("learn", folder / "m", "where is it now", "--label", "FALSE")
    renamed = command("rename-class", folder / "m", "TRUE", "refund")
    return learned[0] == renamed[0] == 0 and set(load(folder / "m").classes_.tolist()) == {False, "refund"}


# --- copies ----------------------------------------------------------------------------------------------------------

holds("a pickled model: answers the same")(
    lambda _: pickle.loads(pickle.dumps(fitted(TEXTS, NAMES))).predict(TEXTS).tolist() == NAMES
)


@holds("a loaded model that is pickled: answers the same")
def _(folder: Path) -> object:
    fitted().save(folder / "m")
    model = load(folder / "m")
    again = pickle.loads(pickle.dumps(model))
    return np.allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)


@holds("models in joblib and pickle: answer the same")
def _(folder: Path) -> object:
    model = fitted(TABLE, SIGNS)
    joblib.dump({"model": model, "task": MultitaskModel().fit(TABLE, {"t": SIGNS})}, folder / "a.joblib", compress=3)
    back = joblib.load(folder / "a.joblib")
    same = np.array_equal(back["model"].predict_proba(TABLE), model.predict_proba(TABLE))
    return same and pickle.loads(pickle.dumps(back["task"])).predict(TABLE)["t"].shape == (60,)


@holds("a deep copy: learns by itself")
def _(_: Path) -> object:
    clf = fitted()
    other = copy.deepcopy(clf).add_class("login", examples=["I cannot log in"])
    return clf.classes_.tolist() == ["delivery", "refund"] and len(other.classes_) == 3


# --- models of others ------------------------------------------------------------------------------------------------


def _renamed(folder: Path, name: str, **facts: Any) -> Path:
    """Save a model that names another encoder."""
    saved = read_model(model_in(folder))
    encoder: Any = saved.facts["encoder"]
    parameters: Any = saved.facts["parameters"]
    changed = {"encoder": {**encoder, "name": name, **facts}, "parameters": {**parameters, "encoder": name}}
    write_model(folder / "model", facts={**saved.facts, **changed}, arrays=saved.arrays, card="")
    return folder / "model"


ENCODERS = (
    "hf:evil/remote",
    "hf:/etc",
    "hf:~",
    "hf:../outside",
    "hf:\\\\server\\share",
    "hf:file:///etc",
    "keras:MobileNetV2",
)


@holds.each("a model with the encoder {}: refused, without a connection", ENCODERS)
def _(folder: Path, name: str) -> object:
    model, tried, connect = _renamed(folder, name), [], socket.socket.connect
    socket.socket.connect = lambda *given: tried.append(given)  # type: ignore[method-assign]
    try:
        return refuses(lambda: load(model), "If you trust it") and not tried
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]


holds.refused("a model whose encoder has no digest: refused", "no digest")(
    lambda f: load(_renamed(f, "minilm", digest=None))
)


@holds("weights whose index names a pickle: refused")
def _(folder: Path) -> object:
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "weights.bin"}}')
    for name in ("weights.bin", "model-1.safetensors"):
        (folder / name).write_bytes(b"")
    return refuses(lambda: load_encoder(f"hf:{folder}"), "pickle")
