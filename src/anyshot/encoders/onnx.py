"""Export of fitted models to ONNX, to run them without Python and without this library."""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from anyshot.base.files import atomic_file
from anyshot.base.lazy import extra
from anyshot.base.model_folder import anyshot_version
from anyshot.encoders.backbones import Assembled, Assembling, WholeNetwork
from anyshot.encoders.stages import TextPreparation
from anyshot.errors import DataFileError, EncoderError, ExportError, first_line

TOLERANCE: Final = 1e-4
"""Largest difference allowed between a probability of the file and of the model."""

_ONE_FILE: Final = 1_900_000_000  # bytes; larger weights are in a separate file, since protobuf is limited to 2 GB
_PURPOSE: Final = "Exporting a model to ONNX"


def export(model: Assembling, file: str | os.PathLike[str]) -> Path:
    """Write a fitted model to an ONNX file that computes probabilities from prepared items; return its path.

    For "model.onnx", "model.onnx.json" describes how items are prepared, the inputs and outputs, and the classes in
    order; the metadata of the ONNX file contain the same. For texts "model.onnx.tokenizer.json" is the tokenizer, for
    the package tokenizers. Weights of more than 1.9 GB are in "model.onnx.data", which must be kept with the file. The
    batch size is variable, and so is the length of texts, up to the limit of the model.

    Parameters
    ----------
    model : fitted classifier
        A model with `assembled()`: an encoder that has stages, and a linear head.
    file : str or path
        The file to write. An existing file is replaced after the new one was checked.

    Raises
    ------
    ExportError
        The model is not an encoder with stages and a linear head, ONNX lacks an operation of its network, or the file's
        probabilities differ from the model's by more than 1e-4.
    MissingExtraError
        onnx, onnxscript or onnxruntime is not installed.

    Notes
    -----
    The file computes in float32. If the encoder runs in bfloat16, probabilities differ by its rounding. The file does
    not predict "unknown".
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        extra(module, "onnx", purpose=_PURPOSE)
    if not isinstance(model, Assembling):
        raise ExportError(
            f"{type(model).__name__} cannot be exported: it is not a network that computes scores from items. Export a "
            "fitted classifier whose encoder has stages: minilm, efficientnet-lite0 or a model of transformers."
        )
    whole = _assembled(model)
    about = _about(whole)
    target = Path(file)
    with _atomic_model(target) as part:
        _convert(whole, part, about)
        _check(whole, part)
    _write(_with_suffix(target, ".json"), json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    if isinstance(whole.backbone.preparation, TextPreparation) and whole.backbone.preparation.tokenizer is not None:
        _write(_with_suffix(target, ".tokenizer.json"), whole.backbone.preparation.tokenizer())
    return target


def _assembled(model: Assembling) -> Assembled:
    try:
        return model.assembled()
    except EncoderError as error:
        raise ExportError(
            f"{type(model).__name__} cannot be exported: its encoder has no stages, or cannot be opened ({error}). Use "
            "minilm, efficientnet-lite0 or a model of transformers."
        ) from error


@contextmanager
def _atomic_model(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends, the file and its weights replace `target`.

    The file contains the name of the file with its weights, so both are written in a temporary folder, under their
    final names.

    Raises DataFileError if they cannot be written: the disk is full, or the folder is missing or read-only.
    """
    try:
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}.") as folder:
            part = Path(folder, target.name)
            yield part
            weights = _with_suffix(part, ".data")
            if weights.exists():
                weights.replace(_with_suffix(target, ".data"))
            elif target.is_file():
                _with_suffix(target, ".data").unlink(missing_ok=True)  # of the old file
            part.replace(target)
    except OSError as error:
        raise DataFileError(f"{target} cannot be written: {error.strerror or error}.") from error


def _write(file: Path, text: str) -> None:
    with atomic_file(file) as part:
        part.write_text(text, encoding="utf-8")


def _about(whole: Assembled) -> dict[str, Any]:
    """Return the description of the file."""
    text = whole.backbone.modality == "text"
    ids = {"type": "int64", "shape": ["items", "tokens"]}
    inputs = {"input_ids": ids, "attention_mask": ids} if text else {"pixels": _pixels(whole)}
    output = {"type": "float32", "shape": ["items", len(whole.classes)]}
    return {
        "made_by": f"anyshot {anyshot_version()}",
        "encoder": whole.backbone.name,
        "modality": whole.backbone.modality,
        "classes": whole.classes.tolist(),
        "inputs": inputs,
        "outputs": {"scores": output, "probabilities": output},
        "preprocessing": dict(whole.backbone.preparation.about),
    }


def _pixels(whole: Assembled) -> dict[str, Any]:
    example = _example(whole)[0]
    return {"type": str(example.dtype).removeprefix("torch."), "shape": ["items", *example.shape[1:]]}


def _example(whole: Assembled, *, items: int = 2, tokens: int = 7) -> tuple[Tensor, ...]:
    """Return a batch of artificial items; texts differ in length."""
    preparation = whole.backbone.preparation
    if isinstance(preparation, TextPreparation):
        texts = [torch.arange(max(1, tokens - item)) % 5 + 1 for item in range(items)]  # ids in every vocabulary
        ids, mask = preparation.together(texts)
        assert mask is not None
        return ids, mask.long()
    images = np.random.default_rng(0).integers(0, 256, size=(items, 64, 80, 3), dtype=np.uint8)
    return (whole.backbone.together(whole.backbone.prepare(images)).x,)


def _convert(whole: Assembled, file: Path, about: Mapping[str, Any]) -> None:
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
            raise ExportError(f"{whole.backbone.name} cannot be converted to ONNX: {first_line(error)}") from error
        assert program is not None  # None is in the type for the exporter of older versions
        program.model.metadata_props["anyshot"] = json.dumps(about)
        size = sum(weights.nbytes for weights in network.state_dict().values())
        program.save(file, external_data=size > _ONE_FILE)


def _check(whole: Assembled, file: Path) -> None:
    """Compare the file's probabilities with the model's, on batches of other sizes than the export used."""
    runtime = extra("onnxruntime", "onnx", purpose=_PURPOSE)
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    network = WholeNetwork(whole)
    for items, tokens in ((1, 4), (3, 9)):
        example = _example(whole, items=items, tokens=tokens)
        with torch.inference_mode():
            expected = network(*example)[1].numpy()
        names = [one.name for one in session.get_inputs()]
        feed = {name: one.numpy() for name, one in zip(names, example, strict=True)}
        gap = float(np.abs(session.run(["probabilities"], feed)[0] - expected).max())
        if not gap <= TOLERANCE:
            raise ExportError(
                f"The ONNX file's probabilities differ from the model's by {gap:.1e}, more than {TOLERANCE:.0e}. It "
                "was not written. Install the versions of onnxscript and onnxruntime in constraints.txt."
            )


def _with_suffix(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's notes, which are mostly about packages that are not needed."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
