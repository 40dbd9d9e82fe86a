"""Two sample projects, which need no network: customer messages, and small drawings."""

import math
import random
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw

from anyshot import data
from anyshot.app.studio.adding_images import add_images
from anyshot.app.studio.adding_texts import add_texts
from anyshot.app.studio.kinds import Kind
from anyshot.app.studio.project import Project

MESSAGE_CLASSES: Final = ("billing", "delivery", "login", "order cancellation", "return or refund")
DRAWING_CLASSES: Final = ("tree", "house", "sailing boat", "umbrella")
N_DRAWINGS: Final = 15
"""Drawings of each class."""
_SIDE: Final = 192  # pixels


def sample(kind: Kind, folder: str | Path) -> Project:
    """Create a sample project with classes and items, and without a label.

    Texts are messages to a shop, of five classes and some of no class; images are drawings of four things.
    """
    name = "Sample: messages to a shop" if kind == "texts" else "Sample: drawings"
    project = Project.create(folder, name=name, kind=kind)
    if kind == "texts":
        found = data.messages()
        pairs = zip(found.items, found.labels or [], strict=True)
        texts = [str(text) for text, label in pairs if label in (*MESSAGE_CLASSES, "none")]
        random.Random(0).shuffle(texts)
        add_texts(project, texts, source="sample messages")
    else:
        with tempfile.TemporaryDirectory(prefix="anyshot-") as scratch:
            add_images(project, _drawn(Path(scratch)), source="sample drawings")
    for one in MESSAGE_CLASSES if kind == "texts" else DRAWING_CLASSES:
        project.classes.add(one)
    return project


def _drawn(folder: Path) -> list[Path]:
    """Draw the images, in mixed order, and return their files."""
    chance, files = random.Random(0), []
    drawers = dict(zip(DRAWING_CLASSES, (_tree, _house, _boat, _umbrella), strict=True))
    order = [name for name in DRAWING_CLASSES for _ in range(N_DRAWINGS)]
    chance.shuffle(order)
    for number, name in enumerate(order, start=1):
        image = Image.new("RGB", (_SIDE, _SIDE), _near(chance, (206, 228, 244)))
        pencil = ImageDraw.Draw(image)
        ground = (70, 120, 190) if name == "sailing boat" else (150, 185, 110)
        pencil.rectangle((0, chance.randint(140, 160), _SIDE, _SIDE), fill=_near(chance, ground))
        drawers[name](pencil, chance, chance.randint(75, 115), chance.uniform(0.75, 1.15))
        files.append(folder / f"drawing {number:02}.png")
        image.save(files[-1])
    return files


def _near(chance: random.Random, color: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(max(0, min(255, part + chance.randint(-22, 22))) for part in color)


def _tree(pencil: Any, chance: random.Random, x: int, size: float) -> None:
    pencil.rectangle((x - 8 * size, 95, x + 8 * size, 160), fill=_near(chance, (110, 75, 45)))
    for _ in range(14):
        at, up, r = x + chance.uniform(-32, 32) * size, chance.uniform(45, 100), chance.uniform(16, 28) * size
        pencil.ellipse((at - r, up - r, at + r, up + r), fill=_near(chance, (45, 125, 55)))


def _house(pencil: Any, chance: random.Random, x: int, size: float) -> None:
    half, top = 48 * size, 160 - 62 * size
    pencil.rectangle((x - half, top, x + half, 162), fill=_near(chance, (225, 205, 170)))
    pencil.polygon([(x - half - 9, top), (x + half + 9, top), (x, top - 42 * size)], fill=_near(chance, (165, 65, 50)))
    pencil.rectangle((x - 9, 162 - 34 * size, x + 9, 162), fill=_near(chance, (95, 60, 40)))
    for at in (x - 0.62 * half, x + 0.62 * half):
        pencil.rectangle((at - 9, top + 12, at + 9, top + 31), fill=_near(chance, (120, 170, 210)), outline="white")


def _boat(pencil: Any, chance: random.Random, x: int, size: float) -> None:
    half = 52 * size
    pencil.polygon(
        [(x - half, 145), (x + half, 145), (x + 0.65 * half, 168), (x - 0.65 * half, 168)],
        fill=_near(chance, (130, 75, 45)),
    )
    pencil.line((x, 145, x, 145 - 100 * size), fill=(70, 50, 35), width=4)
    pencil.polygon(
        [(x + 5, 138), (x + 5, 148 - 100 * size), (x + 0.9 * half, 138)], fill=_near(chance, (245, 240, 228))
    )
    pencil.polygon([(x - 5, 138), (x - 5, 152 - 90 * size), (x - 0.7 * half, 138)], fill=_near(chance, (232, 90, 70)))


def _umbrella(pencil: Any, chance: random.Random, x: int, size: float) -> None:
    r, top = 62 * size, 92
    colors = [_near(chance, color) for color in ((200, 50, 60), (240, 190, 60))]
    for part in range(6):
        pencil.pieslice((x - r, top - r, x + r, top + r), 180 + 30 * part, 210 + 30 * part, fill=colors[part % 2])
    for part in range(6):
        middle = x + r * math.cos(math.radians(195 + 30 * part))
        pencil.ellipse((middle - r / 7, top - 6, middle + r / 7, top + 6), fill=colors[part % 2])
    pencil.line((x, top, x, 165), fill=(60, 50, 45), width=5)
    pencil.arc((x, 155, x + 20, 177), 0, 180, fill=(60, 50, 45), width=5)
