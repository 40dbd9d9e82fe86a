"""What config.json may leave out of image models, and the last layer of a classifier."""

import numpy as np
import pytest

from anyshot.encoders.engines.image_models import FAMILIES, _classifier
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import MissingWeightsError

HEAD = np.zeros((1000, 3), np.float32)


@pytest.mark.torch
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_a_config_leaves_out_is_what_transformers_takes(kind):
    import transformers

    theirs = transformers.AutoConfig.for_model(kind).to_dict()
    ours = FAMILIES[kind][1]
    assert {name: theirs[name] for name in ours} == ours


@pytest.mark.parametrize("name", ["classifier.weight", "classifier.1.weight"])
def test_a_classifier_has_the_names_of_imagenet_unless_it_has_its_own(name):
    weights = Weights({name: HEAD}, "test")
    assert _classifier(weights, {}).names[0] == ("tench", "Tinca tinca")
    own = {"id2label": {str(row): f"class {row}, {row}" for row in range(1000)}}
    assert _classifier(weights, own).names[7] == ("class 7", "7")


def test_a_classifier_of_few_classes_is_not_used():
    assert _classifier(Weights({"classifier.weight": HEAD[:5]}, "test"), {}) is None


def test_a_classifier_without_weights_is_refused():
    with pytest.raises(MissingWeightsError, match=r"test lacks the weights classifier\.weight"):
        _classifier(Weights({}, "test"), {})
