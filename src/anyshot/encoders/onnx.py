"""A fitted model as one ONNX file, which runs where there is neither Python nor this library."""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from anyshot.base.files import atomic_file
from anyshot.base.validation import extra
from anyshot.encoders.backbones import Assembled, Assembling, WholeNetwork
from anyshot.encoders.stages import TextPreparation
from anyshot.errors import DataFileError, EncoderError, ExportError

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between the file and the original."""

_ONE_FILE: Final = 1_900_000_000  # bytes of weights; what is larger lies beside the file, since protobuf ends at 2 GB
_PURPOSE: Final = "Exporting a model to ONNX"


def export(model: Assembling, file: str | os.PathLike[str]) -> Path:
    """Write a fitted model, from prepared items to probabilities, to an ONNX file; return its path.

    Beside "model.onnx" stands "model.onnx.json", which says how items are prepared, what goes in and comes out, and the
    classes in order (the file's own metadata say the same); for texts also "model.onnx.tokenizer.json", which the
    package tokenizers reads; and weights of more than 1.9 GB in "model.onnx.data", which goes where the file goes.
    Batches of any size, and texts of any length that the model has places for, go in.

    Parameters
    ----------
    model : fitted classifier
        One with `assembled()`: an encoder that has stages, and a linear head.
    file : str or path
        Where to write it; an old file is replaced when the new one is whole and checked.

    Raises
    ------
    ExportError
        The model is not made of an encoder with stages and a linear head, an operation of its network has no place in
        ONNX, or the file's answers differ from the model's by more than 1e-4.
    MissingExtraError
        onnx, onnxscript or onnxruntime is not installed.

    Notes
    -----
    The file computes in float32, the encoder in bfloat16 where that is fast: probabilities differ as far as that goes.
    "Unknown" is not in the file; it answers by probabilities alone.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        extra(module, "onnx", purpose=_PURPOSE)
    if not isinstance(model, Assembling):
        raise ExportError(
            f"{type(model).__name__} cannot be exported: it is not one network from items to scores. Export a fitted "
            "classifier whose encoder has stages, such as minilm, efficientnet-lite0 or a model of transformers."
        )
    whole = _assembled(model)
    about = _about(whole)
    target = Path(file)
    with _whole_model(target) as part:
        _written(whole, part, about)
        _check(whole, part)
    _write(_beside(target, ".json"), json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    if isinstance(whole.backbone.preparation, TextPreparation) and whole.backbone.preparation.tokenizer is not None:
        _write(_beside(target, ".tokenizer.json"), whole.backbone.preparation.tokenizer())
    return target


def _assembled(model: Assembling) -> Assembled:
    try:
        return model.assembled()
    except EncoderError as error:
        raise ExportError(
            f"{type(model).__name__} cannot be exported: its encoder is no network in stages, or cannot be opened "
            f"({error}). Take minilm, efficientnet-lite0 or a model of transformers."
        ) from error


@contextmanager
def _whole_model(target: Path) -> Iterator[Path]:
    """Give a path to write to; at the block's end what stands there, and its weights beside it, go where they belong.

    The file names the one with its weights, so that both are written under their final names, in a folder apart.

    Raises
    ------
    DataFileError
        They cannot be written: the disk is full, the folder is missing or closed.
    """
    try:
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}.") as apart:
            part = Path(apart, target.name)
            yield part
            weights = _beside(part, ".data")
            if weights.exists():
                weights.replace(_beside(target, ".data"))
            elif target.is_file():
                _beside(target, ".data").unlink(missing_ok=True)  # the old file's
            part.replace(target)
    except OSError as error:
        raise DataFileError(f"{target} cannot be written: {error.strerror or error}.") from error


def _write(file: Path, text: str) -> None:
    with atomic_file(file) as part:
        part.write_text(text, encoding="utf-8")


def _about(whole: Assembled) -> dict[str, Any]:
    """Return what one must know to use the file."""
    text = whole.backbone.modality == "text"
    ids = {"type": "int64", "shape": ["items", "tokens"]}
    inputs = {"input_ids": ids, "attention_mask": ids} if text else {"pixels": _pixels(whole)}
    answer = {"type": "float32", "shape": ["items", len(whole.classes)]}
    return {
        "made_by": f"anyshot {_version()}",
        "encoder": whole.backbone.name,
        "modality": whole.backbone.modality,
        "classes": whole.classes.tolist(),
        "inputs": inputs,
        "outputs": {"scores": answer, "probabilities": answer},
        "preprocessing": dict(whole.backbone.preparation.about),
    }


def _pixels(whole: Assembled) -> dict[str, Any]:
    example = _example(whole)[0]
    return {"type": str(example.dtype).removeprefix("torch."), "shape": ["items", *example.shape[1:]]}


def _example(whole: Assembled, *, items: int = 2, tokens: int = 7) -> tuple[Tensor, ...]:
    """Return a batch of made-up items, of which texts are of several lengths."""
    preparation = whole.backbone.preparation
    if isinstance(preparation, TextPreparation):
        texts = [torch.arange(max(1, tokens - item)) % 5 + 1 for item in range(items)]  # ids that any vocabulary has
        ids, mask = preparation.together(texts)
        assert mask is not None
        return ids, mask.long()
    drawn = np.random.default_rng(0).integers(0, 256, size=(items, 64, 80, 3), dtype=np.uint8)
    return (whole.backbone.together(whole.backbone.prepare(drawn)).x,)


def _written(whole: Assembled, file: Path, about: Mapping[str, Any]) -> None:
    names = ["input_ids", "attention_mask"] if whole.backbone.modality == "text" else ["pixels"]
    axes = {0: "items", 1: "tokens"} if len(names) == 2 else {0: "items"}
    network = WholeNetwork(whole)
    with _quiet():
        try:
            program = torch.onnx.export(
                network,
                _example(whole),
                dynamo=True,
                verbose=False,
                input_names=names,
                output_names=["scores", "probabilities"],
                dynamic_shapes=tuple(axes for _ in names),
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            why = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ExportError(f"{whole.backbone.name} cannot be written as ONNX: {why}") from error
        assert program is not None  # so typed for the exporter that is no more
        program.model.metadata_props["anyshot"] = json.dumps(about)
        size = sum(weights.nbytes for weights in network.state_dict().values())
        program.save(file, external_data=size > _ONE_FILE)


def _check(whole: Assembled, file: Path) -> None:
    """Compare the file's answers to the original's on batches of other sizes than it was made with."""
    runtime = extra("onnxruntime", "onnx", purpose=_PURPOSE)
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    network = WholeNetwork(whole)
    for items, tokens in ((1, 4), (3, 9)):
        given = _example(whole, items=items, tokens=tokens)
        with torch.inference_mode():
            expected = network(*given)[1].numpy()
        names = [one.name for one in session.get_inputs()]
        feed = {name: one.numpy() for name, one in zip(names, given, strict=True)}
        gap = float(np.abs(session.run(["probabilities"], feed)[0] - expected).max())
        if not gap <= TOLERANCE:
            raise ExportError(
                f"The ONNX file's probabilities differ from the model's by {gap:.1e}, more than {TOLERANCE:.0e}; it "
                "was not kept. Install the versions of onnxscript and onnxruntime that constraints.txt names."
            )


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes, on packages that are not needed mostly, from the terminal."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _version() -> str:
    try:
        return version("anyshot")
    except PackageNotFoundError:
        return "of unknown version"
