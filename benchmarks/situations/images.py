"""Images in Python, image files and folders of images."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.datasets import load_digits

from anyshot import load_encoder
from anyshot.base.pixels import read_pixels
from anyshot.data import read_data
from anyshot.errors import AnyshotError
from situations.situation import (
    CLASSES,
    CSV,
    INDEX,
    NAMES,
    TEXTS,
    Subject,
    by_names,
    command,
    facts_of_fit,
    fails_with,
    fitted,
    labels_of,
    mentions,
    model_in,
    photo,
    refuses,
    taken_or_refused,
    written,
)

holds = Subject("images")

# --- kinds of files --------------------------------------------------------------------------------------------------

SUFFIXES = ("jfif", "jpe", "avif", "jp2", "tif")
holds.each("a .{} file in a folder: read", SUFFIXES)(
    lambda f, s: photo(f, f"cat/1.{s}") and len(read_data(f).items) == 1
)
holds.each("the path of a .{} file as an item: encoded", SUFFIXES)(
    lambda f, s: load_encoder("efficientnet-lite0").encode([str(photo(f, f"1.{s}"))]).shape == (1, 1280)
)


@holds("a PNG that is called .JPG: encoded")
def _(folder: Path) -> object:
    photo(folder, "a.png").rename(folder / "a.JPG")
    return load_encoder("efficientnet-lite0").encode([str(folder / "a.JPG")]).shape == (1, 1280)


@holds("a folder of .HEIC files, which PIL cannot read: refused by suffix")
def _(folder: Path) -> object:
    written(folder, "photos/IMG_1.HEIC", "x")
    return fails_with(command("predict", folder / "photos", *CLASSES), 1, ".HEIC")


@holds("an image file without a byte: refused by name")
def _(folder: Path) -> object:
    written(folder, "a.png", b"")
    return fails_with(command("predict", folder / "a.png", "--classes", "cat,dog"), 1, "a.png")


RANDOM = np.random.default_rng(0)


def _saved_image(folder: Path, name: str, image: Image.Image, **how: Any) -> Path:
    image.save(folder / name, **how)
    return folder / name


@holds("a photo that was cut off: skipped by name")
def _(folder: Path) -> object:
    noise = Image.fromarray(RANDOM.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole, half = _saved_image(folder, "a.jpg", noise), folder / "half.jpg"
    half.write_bytes(whole.read_bytes()[:2000])
    code, _, said = command("predict", folder, "--classes", "cat,dog", "--out", folder / "o.csv")
    return code == 0 and "half.jpg" in said and len(pd.read_csv(folder / "o.csv").dropna()) == 1


@holds("an image of 400 million pixels: skipped by name, or read")
def _(folder: Path) -> object:
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    photo(folder, "good.png")
    code, out, err = command("predict", folder, "--classes", "cat,dog")
    return code == 0 and "good.png" in out and ("bomb.png" in err + out)


@holds("an image of one pixel, a strip and an animation: answered")
def _(folder: Path) -> object:
    Image.new("RGB", (1, 1)).save(folder / "a.png")
    Image.new("RGB", (3000, 1)).save(folder / "b.png")
    frames = [Image.new("P", (30, 30), number) for number in range(3)]
    frames[0].save(folder / "c.gif", save_all=True, append_images=frames[1:])
    return len(labels_of(command("predict", folder, "--classes", "cat,dog"))) == 3


# --- what pixels mean ------------------------------------------------------------------------------------------------


@holds.each(
    "gray values of {}: not clipped",
    {
        "12 bits in a PNG": (12, np.uint16, "a.png"),
        "12 bits in a TIFF": (12, np.uint16, "a.tif"),
        "20 bits in a TIFF": (20, np.int32, "a.tif"),
        "9 bits in a TIFF": (9, np.int32, "a.tif"),
    },
)
def _(folder: Path, bits: int, kind: Any, name: str) -> object:
    values = np.linspace(0, 2**bits - 1, 240).astype(kind).reshape(12, 20)
    Image.fromarray(values).save(folder / name)
    return len(np.unique(read_pixels(folder / name))) > 230


@holds("gray values of 12 bits in a big-endian TIFF: not clipped")
def _(folder: Path) -> object:
    values = np.linspace(0, 2**12 - 1, 240).astype(np.uint16).reshape(12, 20)
    image = Image.frombytes("I;16B", (20, 12), values.astype(">u2").tobytes())
    image.save(folder / "a.tif")
    return len(np.unique(read_pixels(folder / "a.tif"))) > 230


def _pixel(folder: Path, image: Image.Image, name: str) -> list[int]:
    image.save(folder / name)
    return list(read_pixels(folder / name)[0, 0])


holds("gray with transparency: white where transparent")(
    lambda f: _pixel(f, Image.new("LA", (9, 9), (0, 0)), "a.png") == [255, 255, 255]
)
holds("one bit in a TIFF: white")(lambda f: _pixel(f, Image.new("1", (9, 9), 1), "a.tif") == [255, 255, 255])


def _white(path: Path) -> bool:
    """Return whether an image is white."""
    return bool(np.asarray(read_pixels(path)).min() > 250)


holds("CMYK of a scanner: white where no ink is")(
    lambda f: _white(_saved_image(f, "a.jpg", Image.new("CMYK", (32, 32), (0, 0, 0, 0))))
)
CLEAR = Image.new("P", (32, 32), 0)
CLEAR.putpalette([255, 0, 0])
holds("a palette with a transparent color: white where transparent")(
    lambda f: _white(_saved_image(f, "a.png", CLEAR, transparency=0))
)


@holds("a scan of two pages: the first is read")
def _(folder: Path) -> object:
    pages = [Image.new("1", (32, 32), one) for one in (1, 0)]
    return _white(_saved_image(folder, "a.tif", pages[0], save_all=True, append_images=pages[1:], compression="group4"))


@holds("a photo that lies on its side, with its orientation: upright")
def _(folder: Path) -> object:
    """Red above blue, stored on its side with orientation 6, as phones do."""
    upright = Image.new("RGB", (40, 60), "blue")
    upright.paste("red", (0, 0, 40, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _saved_image(folder, "a.jpg", upright.transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)
    pixels = np.asarray(read_pixels(path))
    return pixels.shape[:2] == (60, 40) and pixels[5, 20, 0] > 200 and pixels[55, 20, 2] > 200


# --- folders ---------------------------------------------------------------------------------------------------------


@holds("a linked subfolder: read as a class")
def _(folder: Path) -> object:
    photo(folder, "elsewhere/1.png")
    (folder / "set").mkdir()
    (folder / "set" / "cat").symlink_to(folder / "elsewhere")
    return read_data(folder / "set").labels == ["cat"]


holds("other files in a folder: listed as skipped")(
    lambda f: photo(f, "cat/1.png") and written(f, "cat/2.heic", "x") and len(read_data(f).skipped) == 1
)


@holds("a broken link in a folder: skipped by name")
def _(folder: Path) -> object:
    for name in ("cat", "dog"):
        photo(folder, f"set/{name}/1.png")
    (folder / "set" / "cat" / "2.png").symlink_to(folder / "nowhere.png")
    code, _, err = command("fit", folder / "set", "--out", folder / "m")
    return code == 0 and "2.png" in err and "Skipped" in err


@holds("files that macOS and Windows leave in a folder: passed over")
def _(folder: Path) -> object:
    photo(folder, "cat/a.jpg")
    photo(folder, "dog/b.jpg")
    for name in (".DS_Store", "cat/._a.jpg", "cat/Thumbs.db", "cat/desktop.ini", "__MACOSX/._cat"):
        written(folder, name, b"\0\5\x16\7")
    data = read_data(folder, on_error="skip")
    return len(data.items) == 2 and sorted(set(data.labels or [])) == ["cat", "dog"]


@holds("train and test in one folder: the classes are in them, or refused")
def _(folder: Path) -> object:
    for place in ("train/cat/1", "train/dog/1", "test/cat/2"):
        photo(folder, f"{place}.png")
    try:
        return set(read_data(folder).labels) == {"cat", "dog"}
    except AnyshotError as error:
        return "train" in str(error)


PHOTO_NAMES = [f"{kind}{number}" for kind in ("cat", "dog") for number in range(2)]


@holds("a folder in a folder of the same name: read, or refused with the inner one")
def _(folder: Path) -> object:
    # An archive that was unpacked into a folder of its own name.
    for name in PHOTO_NAMES:
        photo(folder, f"photos/photos/{name[:3]}/{name}.png", "red" if name[0] == "c" else "blue")
    result = command("fit", folder / "photos", "--out", folder / "m")
    return facts_of_fit(result).get("classes") == 2 or fails_with(result, 1, str(folder / "photos" / "photos"))


holds("a folder of tables: refused, with one file")(
    lambda f: fails_with(command("fit", written(f, "in/a.csv", CSV).parent, "--out", f / "m"), 1, ".csv", "one file")
)


@holds("a folder of .txt files for each class: read, or refused with .txt")
def _(folder: Path) -> object:
    for number, (text, name) in enumerate(zip(TEXTS[:4], NAMES[:4], strict=True)):
        written(folder, f"mails/{name}/{number}.txt", text)
    try:
        found = read_data(folder / "mails")
    except AnyshotError as error:
        return "images" in str(error) and ".txt" in str(error)
    return sorted(zip(found.labels, found.items, strict=True)) == sorted(zip(NAMES[:4], TEXTS[:4], strict=True))


# --- lists of images -------------------------------------------------------------------------------------------------


@holds("labels in metadata.csv: read")
def _(folder: Path) -> object:
    photo(folder, "a.png")
    written(folder, "metadata.csv", "file_name,label\na.png,x\n")
    return read_data(folder).labels == ["x"]


@holds("metadata.csv names a file that is not there: refused by name")
def _(folder: Path) -> object:
    photo(folder, "a.png")
    written(folder, "in/metadata.csv", "file_name,label\nb.png,x\n")
    return refuses(lambda: read_data(folder / "in"), "b.png")


@holds("backslashes in paths of a list: read")
def _(folder: Path) -> object:
    photo(folder, "in/a.png")
    return len(read_data(written(folder, "l.csv", "image,label\nin\\a.png,x\n")).items) == 1


@holds("labels.csv names images without their suffix: read")
def _(folder: Path) -> object:
    for name in ("img_0", "img_1"):
        photo(folder, f"{name}.png")
    written(folder, "labels.csv", "id,label\nimg_1,x\nimg_0,y\n")
    return read_data(folder, image_column="id").labels == ["x", "y"]


@holds("labels.csv lists only some images: all are read, or it is said")
def _(folder: Path) -> object:
    # labels.csv lists some of the photos, and the subfolders are classes too.
    for name in PHOTO_NAMES:
        photo(folder, f"p/{name[:3]}/{name}.png", "red" if name[0] == "c" else "blue")
    written(folder, "p/labels.csv", "file,label\ncat/cat0.png,cat\ndog/dog0.png,dog\n")
    result = command("fit", folder / "p", "--out", folder / "m")
    return facts_of_fit(result).get("labels") == 4 or mentions(result, "labels.csv", "2 ")


@holds("labels.xlsx beside batches of images: read, or said")
def _(folder: Path) -> object:
    files = [f"batch{row % 2}/{name}.png" for row, name in enumerate(PHOTO_NAMES)]
    for file in files:
        photo(folder / "photos", file)
    table = pd.DataFrame({"file": files, "label": [name[:3] for name in PHOTO_NAMES]})
    table.to_excel(folder / "photos" / "labels.xlsx", index=False)
    result = command("fit", folder / "photos", "--out", folder / "m")
    return (result[0] == 0 and "batch0" not in str(command("card", folder / "m"))) or mentions(result, "labels.csv")


@holds("images as bytes in Parquet, as data sets of Hugging Face have them: refused, with saving them as files")
def _(folder: Path) -> object:
    content = photo(folder, "a.png").read_bytes()
    pd.DataFrame({"image": [{"bytes": content, "path": "a.png"}], "label": [0]}).to_parquet(folder / "a.parquet")
    return fails_with(command("fit", folder / "a.parquet", "--out", folder / "m"), 1, "bytes of images", "as a file")


holds("an image written as a long text in a list: skipped by row, with its ends")(
    lambda f: mentions(
        command("predict", written(f, "l.csv", f"image,id\n{'A' * 3000},1\n"), *CLASSES), "row 2", "AAA …"
    )
)

# --- items in Python -------------------------------------------------------------------------------------------------

holds.refused("images as floats from 0 to 1: refused, with uint8", "uint8")(
    lambda _: fitted([np.full((32, 32, 3), i / 2, np.float32) for i in INDEX], NAMES)
)


@holds("digits as an array of floats: refused, with the remedy")
def _(_: Path) -> object:
    images, digits = load_digits(return_X_y=True)[0].reshape(-1, 8, 8)[:40], load_digits().target[:40]
    return refuses(lambda: fitted(images, digits), "uint8") or refuses(lambda: fitted(images, digits), "reshape")


@holds("photos of torch, channels first: as channels last, or refused by shape")
def _(folder: Path) -> object:
    """Photos of shape (3, height, width): those of (height, width, 3), or refused."""
    pixels = np.asarray(Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 50).convert("RGB"))
    clf = by_names(["cat", "dog"])
    wanted = clf.predict_proba([pixels])
    return taken_or_refused(
        lambda: np.allclose(clf.predict_proba(torch.tensor(pixels.transpose(2, 0, 1).copy())[None]), wanted, atol=1e-3),
        "shape",
    )


holds.refused("a photo that is not there: refused by name", "cat.jpg")(
    lambda f: by_names(["cat", "dog"]).predict([f / "cat.jpg"])
)
holds.refused("the address of a photo: refused as an address", "address", "https")(
    lambda _: by_names(["cat", "dog"], encoder="efficientnet-lite0").predict(["https://example.org/cat.jpg"])
)

# --- commands --------------------------------------------------------------------------------------------------------


@holds("one of two photos is missing: named")
def _(folder: Path) -> object:
    code, out, said = command("predict", photo(folder, "a.jpg"), folder / "b.jpg", "--classes", "cat,dog")
    return "b.jpg" in said and (code == 1 or len(out.splitlines()) == 1)


holds("a photo and a text in one command: refused")(
    lambda f: (
        fails_with(command("predict", photo(f, "a.png"), "refund please", *CLASSES), 1, "text", "image")
        or fails_with(command("predict", photo(f, "b.png"), "refund please", *CLASSES), 2, "text", "image")
    )
)
holds("an image for a model of texts: refused")(
    lambda f: fails_with(command("predict", photo(f, "a.png"), "--model", model_in(f)), 1, "text", "image")
)
