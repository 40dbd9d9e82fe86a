"""The protocols of encoders: an object needs no more than the members that each one names."""

import numpy as np
import pytest

from anyshot.base.protocols import (
    Classifying,
    Digested,
    Encoder,
    EncodesWords,
    LinearClassifier,
    TextAligned,
    Trained,
)

VECTORS = np.zeros((1, 3), np.float32)


def an_object(**members):
    """Return an object with these members, of a class that inherits from no protocol."""
    return type("Own", (), members)()


def returns(value):
    return lambda *_: value


ENCODER = {"modality": "text", "width": 3, "encode": returns(VECTORS)}
MEMBERS = {
    Encoder: ENCODER,
    Digested: {"digest": "0f"},
    EncodesWords: {"word_width": 2, "without_words": returns(None)},
    TextAligned: {"width": 3, "encode_texts": returns(VECTORS)},
    Classifying: {"classifier": LinearClassifier(VECTORS, (("cat", "house cat"),))},
    Trained: {"name": "minilm", "center": None, "facts": returns({}), "arrays": returns({})},
}


@pytest.mark.parametrize("protocol", MEMBERS, ids=lambda protocol: protocol.__name__)
def test_an_object_with_the_members_of_a_protocol_has_it(protocol):
    assert isinstance(an_object(**MEMBERS[protocol]), protocol)


@pytest.mark.parametrize("protocol", MEMBERS, ids=lambda protocol: protocol.__name__)
def test_each_member_is_needed(protocol):
    for name in MEMBERS[protocol]:
        rest = {other: value for other, value in MEMBERS[protocol].items() if other != name}
        assert not isinstance(an_object(**rest), protocol)


def test_an_encoder_has_the_other_protocols_only_if_it_offers_them():
    encoder = an_object(**ENCODER)
    assert not any(isinstance(encoder, other) for other in MEMBERS if other is not Encoder)
    assert isinstance(an_object(**ENCODER, digest="0f"), Digested)


def test_the_classes_of_a_classifier_cannot_be_exchanged():
    with pytest.raises(AttributeError):
        MEMBERS[Classifying]["classifier"].names = ()
