"""Tokenizers are read from the files of models, and files that hold none are refused."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from anyshot.encoders.tokenizer_files import read_tokenizer
from anyshot.errors import MissingWeightsError


@pytest.mark.parametrize("is_published", [False, True])
def test_a_tokenizer_is_read_without_its_own_padding_and_limit(tmp_path, is_published):
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "my": 1, "card": 2, "is": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(1)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for most, ids in ((2, [1, 2]), (4, [1, 2, 3])):
        read = read_tokenizer(tmp_path / "tokenizer.json", max_tokens=most, is_published=is_published)
        assert read.encode("my card is").ids == ids


def test_a_missing_tokenizer_is_reported(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"has no tokenizer\.json\. Download the model again, or save its"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2)


@pytest.mark.parametrize("text", ["", '{"model": {"ty', "[]", '{"version": "1.0"}', '{"model": {"type": "Own"}}'])
def test_a_file_that_is_no_tokenizer_is_reported(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(MissingWeightsError, match=r"tokenizer\.json is not a tokenizer: .*Download the model again"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_tokenizer_that_cannot_be_read_is_reported(tmp_path, is_published):
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(MissingWeightsError, match=r"tokenizer\.json cannot be read"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2, is_published=is_published)
