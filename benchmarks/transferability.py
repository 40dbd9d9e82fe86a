"""Transferability scores: LogME, H-score, LEEP and NCE compared with a linear probe, and the time of each.

    python benchmarks/transferability.py

Data: caltech101_20 (20 classes with 20 photographs each) and the train split of chest_xray (2 classes with 60 images
each); no test split is used. Encoders: EfficientNet-Lite0, MobileNetV2 and MobileNetV1 x 0.25. The probe is logistic
regression with C = 10 over five folds. A score is useful if it ranks the encoders as the probe does (Kendall's tau 1).
Expected: LogME and H-score do on caltech101_20 and, except for a tie, on chest_xray; LEEP and NCE not always. Under
five minutes on two cores, most of it for encoding.
"""

from pathlib import Path

from support import shared

from anyshot.encoders.ranking import rank_encoders


def images(name: str, *, at_most: int) -> tuple[list[str], list[str]]:
    """Return the paths of images and their classes, which are the names of their folders."""
    folder = shared() / "data" / name
    kinds = {".jpg", ".jpeg", ".png"}
    classes = sorted({path.parent for path in folder.rglob("*") if path.suffix.lower() in kinds})
    found = [(path, one.name) for one in classes for path in first(one, kinds, at_most)]
    return [str(path) for path, _ in found], [label for _, label in found]


def first(folder: Path, kinds: set[str], n: int) -> list[Path]:
    """Return the first n images of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in kinds)[:n]


def main() -> None:
    """Rank three image encoders on two data sets."""
    models = shared() / "models"
    encoders = {
        "efficientnet-lite0": "efficientnet-lite0",
        "mobilenet-v2": f"hf:{models / 'mobilenet_v2_1.0_224'}",
        "mobilenet-v1 x 0.25": f"hf:{models / 'mobilenet_v1_0.25_128'}",
    }
    for name, at_most in {"caltech101_20": 20, "chest_xray/train": 60}.items():
        paths, labels = images(name, at_most=at_most)
        ranking = rank_encoders(paths, labels, encoders)
        agreement = ", ".join(f"{score} {tau:.2f}" for score, tau in ranking.agreement.items())
        print(f"\n## {name}: {len(paths)} images\n\n{ranking}\n\nKendall's tau with the probe: {agreement}", flush=True)


if __name__ == "__main__":
    main()
