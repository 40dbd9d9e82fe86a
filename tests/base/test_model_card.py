import pytest

from anyshot.base.model_card import model_card


def facts(*, n_classes=3, leaderboard=()):
    return {
        "encoder": {"name": "minilm"},
        "training_set": {"classes": [f"class-{k}" for k in range(n_classes)], "examples": ["a", "b"]},
        "model": {"method": "any-shot", "reasons": ["The names are clear.", "Two labels agree."]},
        "leaderboard": leaderboard,
    }


def test_the_card_describes_the_model():
    card = model_card(facts())
    assert "# 3 classes, 2 labeled examples\n\nClasses: class-0, class-1, class-2\n" in card
    assert "Encoder: minilm. Method: any-shot." in card
    assert "\n- The names are clear.\n- Two labels agree.\n" in card


def test_the_card_of_a_network_says_what_was_trained():
    network = {
        "kind": "FineTunedClassifier",
        "parameters": {"encoder": "minilm"},
        "classes": ["a", "b"],
        "freeze_at": "layer5",
        "frozen": "0f",
        "reasons": ["Few labels."],
    }
    card = model_card(network)
    assert "# 2 classes, predicted by a trained network\n\nClasses: a, b\n" in card
    assert "\nEncoder: minilm, trained from layer5 on. Trained by FineTunedClassifier.\n\n- Few labels.\n" in card


def test_the_card_starts_with_metadata_for_model_hubs():
    opening, metadata, _ = model_card(
        facts(), modality="text", base_model="sentence-transformers/all-MiniLM-L6-v2"
    ).split("---\n", 2)
    assert opening == ""
    assert metadata.splitlines() == [
        "library_name: anyshot",
        "pipeline_tag: text-classification",
        'base_model: "sentence-transformers/all-MiniLM-L6-v2"',
        "tags:",
        "- transfer-learning",
        "- few-shot",
    ]


def test_the_leaderboard_is_a_table_and_is_left_out_when_empty():
    board = [["any-shot", 0.8125, -0.5, 1.0, 0.57, 0.934], ["zero-shot", 0.75, -0.7, 1.0]]  # version 0.1: no interval
    table = (
        "| method, on held-out labels | accuracy, 95 % interval |\n|---|---|\n| any-shot | 81.2 % (57.0 to 93.4) |\n"
    )
    assert f"{table}| zero-shot | 75.0 % |\n" in model_card(facts(leaderboard=board))
    assert "accuracy" not in model_card(facts())


@pytest.mark.parametrize(("n_classes", "end"), [(20, "class-19\n"), (21, "class-19, ...\n")])
def test_the_first_twenty_classes_are_named(n_classes, end):
    line = next(line for line in model_card(facts(n_classes=n_classes)).splitlines(True) if line.startswith("Classes:"))
    assert line.endswith(end)


def test_figures_are_in_the_metadata_and_in_a_table():
    given = {"figures": {"accuracy": 0.9125}, "intervals": {"accuracy": (0.88, 0.937)}}
    card = model_card(facts(), **given, tested_on='400 "new" messages')
    assert 'name: "400 \\"new\\" messages"' in card
    assert '    - type: "accuracy"\n      value: 0.9125\n' in card
    assert '| on 400 "new" messages | |\n|---|---|\n| accuracy | 91.2 % (88.0 to 93.7) |' in card


def test_names_are_escaped():
    given = facts()
    given["training_set"]["classes"] = ["<script>alert(1)</script>", "a | b\n---\nlicense: mit", "[x](http://y)"]
    given["encoder"]["name"] = "hf:../../x\ny: z"
    card = model_card(given)
    assert "<script>" not in card
    assert "a \\| b --- license: mit" in card
    assert "\\[x\\](http://y)" in card
    assert "base_model" not in card


def test_the_task_and_the_base_model_are_in_the_metadata():
    card = model_card(facts(), modality="text", base_model="someone/some-model")
    assert 'base_model: "someone/some-model"' in card
    assert "pipeline_tag: text-classification\n" in card
