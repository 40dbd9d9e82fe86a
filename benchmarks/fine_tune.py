"""Speed and accuracy of fine-tuning above frozen stages, and training the same networks from random weights.

    python benchmarks/fine_tune.py                      # all parts
    python benchmarks/fine_tune.py --only speed         # or chest, caltech, banking, scratch

Targets. Speed: CPU seconds of 10 epochs, each contender in a process of its own, alternately, compared with a plain
PyTorch loop and transformers' Trainer, which freeze the same layers and recompute them in every epoch. Head alone: at
least 15 times (texts) and 10 times (images) as fast; last block and head: at least 2.5 and 5 times; with no more peak
memory and the same accuracy. Accuracy (%): chest_xray linear probe at least 76.5, partial fine-tuning at least 5 points
above the probe on the same encoder; caltech101_20 with 5 labels per class at least 97.5; banking77 with all labels and
the last layers tuned at least 93. Settings were chosen on training data.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from support import draw, line, load_text, shared, table
from torch import Tensor, nn

from anyshot.encoders.backbones import open_backbone
from anyshot.encoders.stages import Backbone, State, through
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.from_scratch import compare_with_scratch
from anyshot.fine_tuning.tuning import Tuning

EPOCHS, BATCH = 10, 32
LAST = {"text": "layer6", "image": "block16"}
ENCODER = {"text": "minilm", "image": f"hf:{shared() / 'models' / 'mobilenet_v2_1.0_224'}"}
TARGETS = {("text", "head"): 15.0, ("image", "head"): 10.0, ("text", "last"): 2.5, ("image", "last"): 5.0}
CONTENDERS = ("anyshot", "plain loop", "Trainer")


def images(name: str, split: str | None = None) -> tuple[list[str], NDArray[np.str_]]:
    """Return the paths and classes of the images in a folder with one folder per class."""
    folder = shared() / "data" / name / (split or "")
    paths = sorted(str(path) for path in folder.glob("*/*.jpg"))
    return paths, np.array([Path(path).parent.name for path in paths])


# --- speed ------------------------------------------------------------------------------------------------------------


def speed_data(modality: str, seed: int) -> tuple[list[str], NDArray[np.str_], list[str], NDArray[np.str_]]:
    """Return a few hundred training items, and test items."""
    if modality == "text":
        data = load_text("banking77")
        some = data.classes[:20]
        rows = draw(data.y, 20, seed)
        rows = rows[np.isin(data.y[rows], some)]
        test = np.flatnonzero(np.isin(data.y_test, some))
        return [data.train[r] for r in rows], data.y[rows], [data.test[r] for r in test], data.y_test[test]
    paths, y = images("caltech101_20")
    rows = draw(y, 10, seed)
    test = np.setdiff1d(draw(y, 25, seed), rows, assume_unique=True)
    return [paths[r] for r in rows], y[rows], [paths[r] for r in test], y[test]


class Plain(nn.Module):
    """The same network in plain PyTorch: the frozen stages run at every step."""

    def __init__(self, backbone: Backbone, freeze_at: str, n_classes: int) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(dict(backbone.network))
        self.head = nn.Linear(backbone.width, n_classes)
        for row, (_, stage) in enumerate(self.stages.items()):
            stage.requires_grad_(row >= backbone.n_frozen(freeze_at))

    def forward(self, x: Tensor, labels: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Return the loss and the logits of prepared items."""
        logits = self.head(through(dict(self.stages.items()), State(x, mask)).x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    def train(self, mode: bool = True) -> "Plain":
        """Keep batch norms in evaluation mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


def run_plain(model: Plain, items: list[dict[str, Any]], collate: Any, rate: float) -> None:
    """Train with a plain PyTorch loop."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate)
    loader = torch.utils.data.DataLoader(items, BATCH, shuffle=True, collate_fn=collate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(loader))
    model.train()
    for _ in range(EPOCHS):
        for batch in loader:
            optimizer.zero_grad()
            model(**batch)["loss"].backward()
            optimizer.step()
            schedule.step()


def run_trainer(model: Plain, items: list[dict[str, Any]], collate: Any, rate: float, seed: int) -> None:
    """Train with transformers' Trainer."""
    from transformers import Trainer, TrainingArguments

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=BATCH,
            num_train_epochs=EPOCHS,
            learning_rate=rate,
            lr_scheduler_type="cosine",
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            remove_unused_columns=False,
            seed=seed,
        )
        Trainer(model=model, args=arguments, train_dataset=items, data_collator=collate).train()


def run_baseline(contender: str, modality: str, freeze_at: str, seed: int) -> tuple[float, float]:
    """Return the CPU seconds and the accuracy of a contender that recomputes the frozen layers."""
    X, y, X_test, y_test = speed_data(modality, seed)
    torch.manual_seed(seed)
    backbone = open_backbone(ENCODER[modality])
    classes, index = np.unique(y, return_inverse=True)
    model = Plain(backbone, freeze_at, len(classes))

    def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
        state = backbone.together([item["x"] for item in items])
        labels = torch.tensor([item["label"] for item in items])
        return {"x": state.x, "labels": labels, **({} if state.mask is None else {"mask": state.mask})}

    began = time.process_time()
    prepared = backbone.prepare(X)  # once, although many scripts do so in every epoch
    items = [{"x": x, "label": int(k)} for x, k in zip(prepared, index, strict=True)]
    rate = 1e-2 if freeze_at == "head" else 1e-3
    if contender == "Trainer":
        run_trainer(model, items, collate, rate, seed)
    else:
        run_plain(model, items, collate, rate)
    spent = time.process_time() - began
    model.eval()
    inputs, correct = backbone.prepare(X_test), 0
    with torch.inference_mode():
        for first in range(0, len(inputs), 64):
            state = backbone.together(inputs[first : first + 64])
            predicted = model(state.x, torch.zeros(len(state.x), dtype=torch.long), state.mask)["logits"].argmax(dim=1)
            correct += int((classes[predicted.numpy()] == y_test[first : first + 64]).sum())
    return spent, correct / len(y_test)


def run_ours(modality: str, freeze_at: str, seed: int) -> tuple[float, float]:
    """Return the CPU seconds and the accuracy of anyshot with an empty cache."""
    X, y, X_test, y_test = speed_data(modality, seed)
    open_backbone(ENCODER[modality])  # loading weights is not timed for any contender
    model = FineTunedClassifier(
        ENCODER[modality],
        freeze_at=freeze_at,
        epochs=EPOCHS,
        learning_rate=1e-2 if freeze_at == "head" else 3e-4,
        tuning=Tuning(cache=False, batch_size=BATCH),
        random_state=seed,
    )
    began = time.process_time()
    model.fit(X, y)
    return time.process_time() - began, float(model.score(X_test, y_test))


def one(contender: str, modality: str, freeze_at: str, seed: int) -> None:
    """Run one contender, and print its time, accuracy and peak memory as JSON."""
    torch.set_num_threads(1)
    if contender == "anyshot":
        spent, accuracy = run_ours(modality, freeze_at, seed)
    else:
        spent, accuracy = run_baseline(contender, modality, freeze_at, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": spent, "accuracy": accuracy, "peak_mb": peak}))


def speed(seeds: int) -> Iterator[str]:
    """Compare the contenders, run alternately."""
    for (modality, what), target in TARGETS.items():
        freeze_at = "head" if what == "head" else LAST[modality]
        runs_of: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
        for seed in range(seeds):
            for name in CONTENDERS:
                command = [sys.executable, __file__, "--one", name, modality, freeze_at, str(seed)]
                output = subprocess.run(command, capture_output=True, text=True, check=True)
                runs_of[name].append(json.loads(output.stdout.strip().splitlines()[-1]))
        median = {
            name: {key: np.median([run[key] for run in runs]) for key in runs[0]} for name, runs in runs_of.items()
        }
        for name in CONTENDERS[1:]:
            ratio = median[name]["cpu_s"] / median["anyshot"]["cpu_s"]
            note = "; ".join(
                f"{who} {own['cpu_s']:.1f} s, {100 * own['accuracy']:.1f} "
                f"(+-{100 * np.std([run['accuracy'] for run in runs_of[who]]):.1f}) %, {own['peak_mb']:.0f} MB"
                for who, own in median.items()
                if who in ("anyshot", name)
            )
            yield line(f"{modality}, {what}: times as fast as {name}", ratio, target, note=note)


# --- accuracy ---------------------------------------------------------------------------------------------------------


def chest(seeds: int) -> Iterator[str]:
    """Pneumonia in 300 X-ray images, as they are and with even brightness, which the training images favor."""
    X, y = images("chest_xray", "train")
    X_test, y_test = images("chest_xray", "test")
    for encoder in ("efficientnet-lite0", "efficientnet-lite0-even"):
        probe = 100 * FineTunedClassifier(encoder, method="probe", random_state=0).fit(X, y).score(X_test, y_test)
        yield line(f"chest_xray, {encoder}, linear probe", probe, 76.5)
        for method in ("partial", "lora"):
            accuracies = [
                100 * FineTunedClassifier(encoder, method=method, random_state=seed).fit(X, y).score(X_test, y_test)
                for seed in range(seeds)
            ]
            target = probe + 5 if method == "partial" else None
            name = f"chest_xray, {encoder}, {method}, mean over seeds"
            yield line(name, float(np.mean(accuracies)), target, note=f"{np.round(accuracies, 1)}")


def caltech(seeds: int) -> Iterator[str]:
    """Photographs of twenty everyday classes, five labels per class."""
    X, y = images("caltech101_20")
    for method in ("probe", "partial"):
        accuracies = []
        for seed in range(seeds):
            rows = draw(y, 5, seed)
            rest = np.setdiff1d(np.arange(len(y)), rows)
            model = FineTunedClassifier(method=method, random_state=seed).fit([X[r] for r in rows], y[rows])
            accuracies.append(100 * model.score([X[r] for r in rest], y[rest]))
        target = 97.5 if method == "partial" else None
        yield line(
            f"caltech101_20, 5 labels per class, {method}",
            float(np.mean(accuracies)),
            target,
            note=f"{np.round(accuracies, 1)}",
        )


def banking(seeds: int) -> Iterator[str]:
    """banking77 with all labels."""
    data = load_text("banking77")
    for method, draws in (("probe", 1), ("partial", seeds)):
        accuracies, began = [], time.process_time()
        for seed in range(draws):
            model = FineTunedClassifier(method=method, epochs=5, random_state=seed).fit(data.train, data.y)
            accuracies.append(100 * model.score(data.test, data.y_test))
        spent = (time.process_time() - began) / draws
        target = 93.0 if method == "partial" else None
        note = f"{np.round(accuracies, 2)}; {spent:.0f} CPU s each"
        yield line(f"banking77, all labels, {method}", float(np.mean(accuracies)), target, note=note)


def scratch(seeds: int) -> Iterator[str]:
    """Fine-tuning and training the same architectures from random weights."""
    X, y = images("chest_xray", "train")
    X_test, y_test = images("chest_xray", "test")
    data = load_text("banking77")
    rows = draw(data.y, 20, 0)
    for name, given in (
        ("chest_xray", (X, y, X_test, y_test)),
        ("banking77, 20 labels per class", ([data.train[r] for r in rows], data.y[rows], data.test, data.y_test)),
    ):
        comparison = compare_with_scratch(FineTunedClassifier(random_state=0), *given, random_state=0)
        for row in comparison.table.itertuples():
            yield line(f"{name}, {row.Index}", 100 * row.accuracy, None, note=f"{row.cpu_seconds:.0f} CPU s")


PARTS = {"speed": speed, "chest": chest, "caltech": caltech, "banking": banking, "scratch": scratch}


def main() -> None:
    """Run all parts, or the one given by --only."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=4, metavar=("CONTENDER", "MODALITY", "FREEZE_AT", "SEED"))
    options = parser.parse_args()
    if options.one:
        contender, modality, freeze_at, seed = options.one
        one(contender, modality, freeze_at, int(seed))
        return
    for name, part in PARTS.items():
        if options.only in (None, name):
            table(f"Fine-tuning: {name}", part(options.seeds))


if __name__ == "__main__":
    main()
