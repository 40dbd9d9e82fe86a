"""The commands encode and curve."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from anyshot import any_shot, encoders, evaluation, store, tasks
from anyshot.app.cli.console import note, show
from anyshot.app.cli.files import PICTURES, check_out
from anyshot.app.cli.options import (
    ClassOptions,
    Columns,
    with_class_options,
    with_column_options,
)
from anyshot.app.cli.reading import Data, EncoderName, encoder_of, read, read_labeled
from anyshot.base.columns import take
from anyshot.base.files import atomic_file
from anyshot.base.labels import Labels, classes_in
from anyshot.base.messages import count
from anyshot.base.written_labels import as_classes_write_them

SEED = 0
"""Seed of the split into training and test items."""


@with_column_options
def encode(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write, .npz.", metavar="FILE")],
    encoder: EncoderName = "auto",
    labels: Annotated[bool, typer.Option(help="Whether to look for labels in DATA and write them as well.")] = True,
    *,
    columns: Columns,
) -> None:
    """Write the vectors of texts or images to a file.

    The file opens with numpy.load. It holds vectors (n, width), items (n), labels (n, "" for a missing one; only if
    DATA has labels), and the name of the encoder.
    """
    check_out(out, (".npz",), data)
    if columns.feature_columns is not None:
        raise typer.BadParameter("Rows of features are not encoded. Leave out --feature-columns.")
    inputs = read(data, columns=columns, with_labels=labels)
    name = encoder_of(inputs, encoder)
    vectors = any_shot.Embedder(name, cache=store.VectorCache()).encode(inputs.items)
    arrays = {"vectors": vectors, "items": np.array([str(item) for item in inputs.items]), "encoder": np.array(name)}
    if inputs.labels is not None:
        texts = ["" if one is None else str(one) for one in inputs.labels]
        arrays["labels"] = np.array(texts if None in inputs.labels else inputs.labels)
    with atomic_file(out) as part:
        np.savez(part, **arrays)
    note(f"Wrote {count(len(vectors), 'vector')} of width {vectors.shape[1]} to {out}.")


@with_class_options
@with_column_options
def curve(
    data: Data,
    out: Annotated[
        Path | None, typer.Option(help="Write the plot to a .png, .svg or .pdf file.", metavar="FILE")
    ] = None,
    encoder: EncoderName = "auto",
    draws: Annotated[int, typer.Option(min=1, help="Random samples of labels to average over.")] = 3,
    *,
    class_options: ClassOptions,
    columns: Columns,
) -> None:
    """Measure accuracy against the number of labels per class, next to logistic regression.

    A random 30 % of each class (seed 0) is the test set; labels are sampled from the rest.
    """
    check_out(out, PICTURES, data)
    inputs = read_labeled(data, columns=columns, classes=class_options.listed, to="compute a learning curve from")
    parameters = class_options.parameters(inputs.labels)
    if parameters["classes"] is None:
        parameters["classes"] = classes_in(inputs.labels)
    labels = as_classes_write_them(inputs.labels, parameters["classes"])
    result = _measured(inputs, labels, parameters, encoder=encoder, draws=draws)
    show(result, {"n_test": result.n_test, "seed": SEED, "scores": result.summary().to_dict("records")})
    if out is not None:
        with atomic_file(out) as part:
            result.plot().savefig(part, dpi=160)
        note(f"Wrote the plot to {out}.")


def _measured(inputs: Any, labels: Labels, parameters: dict[str, Any], *, encoder: str, draws: int) -> Any:
    """Return the learning curves of anyshot and of logistic regression on the same vectors and samples of labels."""
    test = evaluation.holdout_rows(labels, seed=SEED)
    rest = np.setdiff1d(np.array([row for row, label in enumerate(labels) if label is not None]), test)
    learned, tested = (take(inputs.items, rows) for rows in (rest, test))
    known, truth = ([labels[row] for row in rows] for rows in (rest, test))
    name = encoder_of(inputs, encoder)
    loaded = name if name == "table" else encoders.load_encoder(name)
    ours = tasks.AnyShotClassifier(**parameters, encoder=loaded)
    regression = tasks.AnyShotClassifier(**parameters, encoder=loaded, method="logistic-regression")
    largest = max(known.count(name) for name in classes_in(known))
    shots = [k for k in (1, 2, 5, 10, 20) if k < largest]
    data = (learned, known, tested, truth)
    one = evaluation.learning_curve({"anyshot": ours}, *data, shots=[0, *shots, "all"], seeds=draws)
    other = evaluation.learning_curve({"logistic regression": regression}, *data, shots=[*shots, "all"], seeds=draws)
    return one.joined(other)
