"""What messages say to write for objects that are no items."""

from array import array

import numpy as np
import pytest

from anyshot.base.item_remedies import how_to_bytes, remedy_for
from anyshot.base.items import modality_of
from anyshot.base.pixels import read_pixels
from anyshot.errors import BadItemError, MixedInputError

GRAY = np.array([[0, 51], [102, 255]])


@pytest.mark.parametrize(
    ("image", "remedy"),
    [
        (GRAY / 255, "Write (255 * image).astype(np.uint8)."),
        (GRAY > 99, "Write (255 * image).astype(np.uint8)."),
        (GRAY.astype(np.float32), "Write image.astype(np.uint8)."),
        (GRAY, "Write image.astype(np.uint8)."),
        (GRAY * 257, "Divide larger values first"),
        (GRAY / 127.5 - 1, "Scale its values to 0 to 255 first"),
        (np.where(GRAY == 51, np.nan, GRAY / 255), "Scale its values to 0 to 255 first"),
    ],
)
def test_the_way_to_bytes_depends_on_the_values_of_an_image(image, remedy):
    assert how_to_bytes(image).strip().startswith(remedy)
    assert remedy_for(image) == how_to_bytes(image)
    with pytest.raises(BadItemError, match="uint8") as refused:
        read_pixels(image)
    assert remedy in str(refused.value)
    with pytest.raises(MixedInputError) as mixed:
        modality_of([image, image])
    assert remedy in str(mixed.value)


def test_a_batch_of_float_images_is_refused_with_the_remedy():
    with pytest.raises(MixedInputError, match=r"\(255 \* image\)\.astype"):
        modality_of(np.zeros((2, 3, 8, 8), np.float32))


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        (b"\x89PNG\r\n\x1a\n", r"Write \[PIL\.Image\.open\(io\.BytesIO\(item\)\)"),
        ("data:image/png;base64," + 5000 * "A", r"^'data:image/png;base6…' is an image written as text\. Write PIL"),
        (
            "I was charged twice",
            r"There is no file 'I was charged twice'\. .*The encoder reads images; a text needs an encoder of texts",
        ),
        (".", r"\. is a folder\. Give the paths of the images in it"),
    ],
)
def test_what_is_no_image_is_refused_with_the_remedy(item, remedy):
    with pytest.raises(BadItemError, match=remedy):
        read_pixels(item)


def test_pairs_of_a_data_set_and_arrays_of_other_libraries_have_a_remedy():
    row = np.ones(3)
    assert remedy_for((row, 1)) == " Write [pair[0] for pair in items] as X, and [pair[1] for pair in items] as y."
    assert remedy_for([row]) == " Write [row for batch in items for row in batch[0]] as X."
    assert remedy_for(array("d", [1.0])) == remedy_for(memoryview(row)) == " Write numpy.array(items)."
    assert remedy_for(np.array("a text")) == " Write [item.item() for item in items]."
