"""The commands models, fetch and cache."""


def test_models_lists_the_encoders(call):
    names = ["minilm-words", "minilm", "efficientnet-lite0", "efficientnet-lite0-even", "hf:", "keras:"]
    assert [row["name"] for row in call("models").rows] == names


def test_the_cache_is_shown_and_cleared(call, made, tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    call("predict", "cannot sign in", "--model", made / "model")
    assert call("cache").rows[0]["vectors"] >= 1
    assert call("cache", "--clear").rows[0]["vectors"] == 0
    assert list(call("cache").rows[0]) == ["folder", "vectors", "activations", "bytes", "limit_mb"]


def test_fetch_names_the_weights_that_are_here(call):
    rows = call("fetch", "efficientnet-lite0").rows
    assert [(row["encoder"], row["path"].endswith(".pth")) for row in rows] == [("efficientnet-lite0", True)]


def test_every_encoder_that_models_lists_as_here_can_be_fetched_by_its_name(call):
    names = [row["name"] for row in call("models").rows if row["on_this_machine"]]
    rows = call("fetch", *names).rows
    assert {row["encoder"] for row in rows} == set(names)
    assert len({row["path"] for row in rows}) == 3  # the weights of two networks, and a tokenizer
