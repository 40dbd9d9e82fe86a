"""ONNX files compute the probabilities of the models from which they were exported."""

import dataclasses
import errno
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import transformers
from scipy.special import softmax
from tokenizers import Tokenizer

import tiny_language_models as tiny
from anyshot.base.validation import unit
from anyshot.encoders import minilm
from anyshot.encoders.backbones import Assembled, WholeNetwork
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.freeze import backbone_of
from anyshot.encoders.huggingface.base import quiet
from anyshot.encoders.huggingface.image_models import TransformersImageEncoder
from anyshot.encoders.huggingface.language_models import LanguageModelEncoder
from anyshot.encoders.minilm import MiniLMEncoder
from anyshot.encoders.onnx import export
from anyshot.encoders.stages import Backbone
from anyshot.errors import DataFileError, ExportError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.classification import AnyShotClassifier

CLASSES = np.array(["billing", "delivery", "login"])
PHOTOS = np.random.default_rng(0).integers(0, 256, size=(3, 50, 40, 3), dtype=np.uint8)


class Model:
    """A backbone and a random head, like a fitted classifier."""

    def __init__(self, backbone: Backbone, *, centered: bool = False) -> None:
        rng = np.random.default_rng(0)
        coef = rng.normal(size=(3, backbone.width)).astype(np.float32)
        center = rng.normal(size=backbone.width).astype(np.float32) / 50 if centered else None
        self.whole = Assembled(backbone, backbone.network, 5 * coef, np.arange(3, dtype=np.float32), CLASSES, center)

    def assembled(self) -> Assembled:
        return self.whole


def probabilities(file: Path, backbone: Backbone, items: object) -> np.ndarray:
    """Return the probabilities that onnxruntime computes of items."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    state = backbone.together(backbone.prepare(items))
    feed = [state.x.numpy()] + ([] if state.mask is None else [state.mask.long().numpy()])
    names = [one.name for one in session.get_inputs()]
    return session.run(["probabilities"], dict(zip(names, feed, strict=True)))[0]


def by_formula(whole: Assembled, items: object) -> np.ndarray:
    """Return the probabilities, computed by the formula of `Assembled` in numpy."""
    state = whole.backbone.together(whole.backbone.prepare(items))
    with torch.no_grad():
        for stage in whole.network.values():
            state = stage.eval()(state)
    z = unit(state.x.numpy())
    if whole.center is not None:
        z = unit(z - whole.center)
    return softmax(z @ whole.coef.T + whole.intercept, axis=1)


@pytest.mark.parametrize("kind", [pytest.param("roberta", marks=pytest.mark.full), "gpt2"])
def test_an_exported_text_model_computes_the_same_probabilities(kind, tmp_path):
    folder, _ = tiny.saved(kind, tmp_path / "model")
    model = Model(LanguageModelEncoder(folder, device="cpu").backbone(), centered=True)
    backbone, expected = model.whole.backbone, by_formula(model.whole, tiny.TEXTS)
    file = export(model, tmp_path / "model.onnx")
    assert np.abs(probabilities(file, backbone, tiny.TEXTS) - expected).max() < 1e-4
    assert np.abs(probabilities(file, backbone, tiny.TEXTS[2:3]) - expected[2:3]).max() < 1e-4
    assert np.array_equal(by_formula(model.whole, tiny.TEXTS), expected)  # the export changed nothing
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"model.onnx", "model.onnx.json", "model.onnx.tokenizer.json"}
    metadata = onnxruntime.InferenceSession(str(file)).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["anyshot"]) == json.loads((tmp_path / "model.onnx.json").read_text())


@pytest.mark.full
@pytest.mark.parametrize("kind", ["ResNet", "ViT"])
def test_an_exported_image_model_computes_the_same_probabilities(kind, tmp_path):
    room = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    settings = {
        "ResNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
        "ViT": {**room, "image_size": 32},
    }
    torch.manual_seed(0)
    network = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**settings[kind]))
    with quiet():
        network.save_pretrained(tmp_path / "model")
    processor = {"size": {"height": 32, "width": 32}, "image_processor_type": "ViTImageProcessor"}
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(processor))
    model = Model(TransformersImageEncoder(tmp_path / "model", device="cpu").backbone())
    file = export(model, tmp_path / "model.onnx")
    assert np.abs(probabilities(file, model.whole.backbone, PHOTOS) - by_formula(model.whole, PHOTOS)).max() < 1e-4
    about = json.loads((tmp_path / "model.onnx.json").read_text())
    assert about["inputs"] == {"pixels": {"type": "float32", "shape": ["items", 3, 32, 32]}}
    assert about["preprocessing"]["size"] == {"height": 32, "width": 32}


def test_an_exported_efficientnet_lite0_reads_bytes(tmp_path):
    backbone = EfficientNetLite0Encoder(device="cpu").backbone()
    parts = {name: backbone.network[name] for name in ("stem", "stage1", "pooling")}  # enough to test the input
    model = Model(dataclasses.replace(backbone, network=parts, width=16))
    file = export(model, tmp_path / "lite0.onnx")
    assert np.abs(probabilities(file, model.whole.backbone, PHOTOS) - by_formula(model.whole, PHOTOS)).max() < 1e-4
    assert json.loads((tmp_path / "lite0.onnx.json").read_text())["inputs"]["pixels"]["type"] == "uint8"


@pytest.fixture(params=["sentences", "with words"])
def any_shot_classifier(request, monkeypatch) -> AnyShotClassifier:
    monkeypatch.setattr(minilm, "fast_precision", lambda: "float32")
    encoder = MiniLMEncoder(device="cpu", word_layer=request.param == "with words")
    clf = AnyShotClassifier(CLASSES.tolist(), encoder=encoder, cache=False)
    texts = ["I was charged twice", "my parcel is late", "I forgot my password", "the invoice is wrong"]
    return clf.fit(texts, ["billing", "delivery", "login", "billing"])


NEW = ["charged for a parcel that never came", "cannot sign in"]


def test_the_network_of_an_any_shot_classifier_computes_the_same_probabilities(any_shot_classifier):
    computed = by_formula(any_shot_classifier.assembled(), NEW)
    assert np.abs(computed - any_shot_classifier.predict_proba(NEW)).max() < 1e-4


@pytest.mark.full
def test_an_exported_any_shot_classifier_computes_the_same_probabilities(any_shot_classifier, tmp_path):
    file = export(any_shot_classifier, tmp_path / "model.onnx")
    computed = probabilities(file, backbone_of(MiniLMEncoder(device="cpu")), NEW)
    assert np.abs(computed - any_shot_classifier.predict_proba(NEW)).max() < 1e-4
    about = json.loads((tmp_path / "model.onnx.json").read_text())
    assert about["classes"] == CLASSES.tolist()
    tokenizer = Tokenizer.from_file(str(tmp_path / "model.onnx.tokenizer.json"))
    assert tokenizer.encode(NEW[0]).ids == MiniLMEncoder(device="cpu").backbone().prepare(NEW)[0].tolist()


@pytest.mark.parametrize("method", [pytest.param(method, marks=pytest.mark.full) for method in ("partial", "lora")])
def test_an_exported_fine_tuned_classifier_computes_the_same_probabilities(method, tmp_path):
    folder, _ = tiny.saved("bert", tmp_path / "model")
    clf = FineTunedClassifier(
        f"hf:{folder}", method=method, freeze_at="layer2", epochs=1, tuning=Tuning(cache=False), random_state=0
    )
    clf.fit(tiny.TEXTS * 2, ["billing", "delivery", "login", "delivery", "billing"] * 2)
    file = export(clf, tmp_path / "model.onnx")
    computed = probabilities(file, clf.backbone_, tiny.TEXTS)
    assert np.abs(computed - by_formula(clf.assembled(), tiny.TEXTS)).max() < 1e-4
    assert np.abs(computed - clf.predict_proba(tiny.TEXTS)).max() < 0.02  # the trunk's bfloat16 against float32


@pytest.mark.full
def test_large_weights_are_in_a_file_of_their_own(tmp_path, monkeypatch):
    """The next export replaces them, and that of a small model deletes them."""
    folder, _ = tiny.saved("bert", tmp_path / "model")
    model = Model(LanguageModelEncoder(folder, device="cpu").backbone())
    with monkeypatch.context() as changed:
        changed.setattr("anyshot.encoders.onnx._ONE_FILE", 1000)
        for _ in range(2):
            file = export(model, tmp_path / "model.onnx")
            written = {path.name for path in tmp_path.iterdir() if path.is_file()}
            assert written == {"model.onnx", "model.onnx.data", "model.onnx.json", "model.onnx.tokenizer.json"}
        computed = probabilities(file, model.whole.backbone, tiny.TEXTS)
        assert np.abs(computed - by_formula(model.whole, tiny.TEXTS)).max() < 1e-4
    export(model, file)
    assert not (tmp_path / "model.onnx.data").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_model_whose_encoder_has_no_stages_raises_an_error(letters, tmp_path):
    clf = AnyShotClassifier(["ab", "cd"], encoder=letters, cache=False).fit(["aab", "ccd"], ["ab", "cd"])
    with pytest.raises(ExportError, match=r"AnyShotClassifier cannot be exported: its encoder has no stages"):
        export(clf, tmp_path / "model.onnx")


def test_a_model_that_is_not_a_network_raises_an_error(tmp_path):
    with pytest.raises(ExportError, match="dict cannot be exported: it is not a network that computes scores"):
        export({}, tmp_path / "model.onnx")


@pytest.mark.full
def test_a_file_with_other_probabilities_is_not_written(tmp_path, monkeypatch):
    folder, _ = tiny.saved("bert", tmp_path / "model")
    model = Model(LanguageModelEncoder(folder, device="cpu").backbone())
    (tmp_path / "model.onnx").write_text("the old file")
    coefs = iter([model.whole.coef, -model.whole.coef])

    def negated(whole: Assembled) -> WholeNetwork:
        return WholeNetwork(dataclasses.replace(whole, coef=next(coefs)))

    monkeypatch.setattr("anyshot.encoders.onnx.WholeNetwork", negated)
    with pytest.raises(ExportError, match=r"differ from the model's by .*It was not written"):
        export(model, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_text() == "the old file"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.full
def test_a_description_that_cannot_be_written_leaves_no_incomplete_file(tmp_path, monkeypatch):
    folder, _ = tiny.saved("bert", tmp_path / "model")
    model = Model(LanguageModelEncoder(folder, device="cpu").backbone())
    (tmp_path / "model.onnx.json").write_text("the old file")
    write = Path.write_text

    def full(path, text, **options):
        write(path, text[:5], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DataFileError, match=r"model\.onnx\.json cannot be written: No space left on device"):
        export(model, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx.json").read_text() == "the old file"
    assert not list(tmp_path.glob(".*"))
