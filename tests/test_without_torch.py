"""What must work where torch or openvino is not installed: here it is hidden from Python's search for modules."""

import subprocess
import sys

import pytest

HIDING = """
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] in HIDDEN
        return None if hidden else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Hiding, sys.meta_path)
"""

FIT = """
import anyshot
texts = ["I was charged twice", "where is my parcel", "refund my payment", "the box is late"]
labels = ["billing", "delivery", "billing", "delivery"]
zero_shot = anyshot.AnyShotClassifier(["billing", "delivery"]).fit()
assert list(zero_shot.predict(texts)) == labels
model = anyshot.AnyShotClassifier(["billing", "delivery"]).fit(texts, labels, unlabeled=["my card was charged"])
model.save("model")
assert list(anyshot.load("model").predict(texts)) == labels
"""
FIT_IMAGES = """
import numpy, anyshot
images = list(numpy.random.default_rng(0).integers(0, 256, (6, 20, 20, 3), dtype=numpy.uint8))
labels = ["cat", "dog"] * 3
assert anyshot.AnyShotClassifier(["cat", "dog"]).fit().predict(images).shape == (6,)  # by the bridge from ImageNet
model = anyshot.AnyShotClassifier(["cat", "dog"]).fit(images, labels, unlabeled=images)
model.save("model")
assert list(anyshot.load("model").predict(images)) == list(model.predict(images))
"""
CONVNEXT = """
import json, pathlib, anyshot
folder = pathlib.Path("convnext")
folder.mkdir()
(folder / "config.json").write_text(json.dumps({"model_type": "convnext"}))
anyshot.load_encoder("hf:convnext")
"""
COMMAND = """
import runpy
sys.argv = ["anyshot", "predict", "I was charged twice", "--classes", "billing,delivery"]
runpy.run_module("anyshot", run_name="__main__")
"""
BEST = """
import anyshot
texts = [f"{what} number {n}" for n in range(6) for what in ("I was charged twice for order", "where is my parcel")]
model = anyshot.AnyShotClassifier(budget="best", cache=False).fit(texts, ["billing", "delivery"] * 6)
assert list(model.predict(texts)) == ["billing", "delivery"] * 6
print(*model.reasons_)
"""
TRAIN = """
import anyshot
anyshot.load_encoder("minilm").backbone()
"""
FACE = "from anyshot import FineTunedClassifier"
GPU = "import anyshot; anyshot.load_encoder('minilm', device='cuda')"


def run(code: str, folder, *, hidden=("torch", "transformers", "sentence_transformers", "pyarrow", "huggingface_hub")):
    program = f"HIDDEN = {hidden!r}\n{HIDING}{code}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder)


def test_texts_are_fitted_predicted_saved_and_loaded(tmp_path):
    done = run(FIT, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
def test_images_are_fitted_predicted_saved_and_loaded(tmp_path):
    done = run(FIT_IMAGES, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_model_of_another_architecture_names_the_extra(tmp_path):
    done = run(CONVNEXT, tmp_path)
    assert "A model of type 'convnext' needs transformers: pip install \"anyshot[torch]\"" in done.stderr


def test_the_command_predicts_texts(tmp_path):
    done = run(COMMAND, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "billing" in done.stdout


def test_the_best_budget_compares_the_closed_forms_and_says_what_torch_would_add(tmp_path):
    done = run(BEST, tmp_path)
    assert 'Fine-tuning was not tried: it needs torch, which pip install "anyshot[torch]" adds' in done.stdout


@pytest.mark.parametrize(
    ("code", "purpose"),
    [
        (TRAIN, "Training a network needs torch"),
        (GPU, "device='cuda' needs torch"),
        (FACE, "FineTunedClassifier needs torch"),
    ],
)
def test_what_needs_torch_names_the_extra(tmp_path, code, purpose):
    done = run(code, tmp_path)
    assert f'{purpose}: pip install "anyshot[torch]"' in done.stderr


@pytest.mark.full
@pytest.mark.torch
def test_without_openvino_torch_serves(tmp_path):
    done = run(FIT, tmp_path, hidden=("openvino",))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
def test_with_neither_the_error_names_both(tmp_path):
    done = run(FIT, tmp_path, hidden=("openvino", "torch"))
    assert (
        'Without openvino (pip install openvino), an encoder needs torch: pip install "anyshot[torch]"' in done.stderr
    )


def test_without_openvino_an_encoder_that_was_asked_for_names_it(tmp_path):
    code = "import anyshot; anyshot.load_encoder('minilm', engine='openvino').encode(['a'])"
    assert "Install it: pip install openvino" in run(code, tmp_path, hidden=("openvino",)).stderr
