"""Text models of a few hundred random weights, saved as the hub's are, and their vectors by the formula."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CamembertConfig,
    CamembertModel,
    DistilBertConfig,
    DistilBertModel,
    GPT2Config,
    GPT2Model,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from anyshot.encoders.huggingface.base import quiet

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "where", "is", "my", "parcel", "late", "card", "refund", "please"]
TEXTS = ["refund please", "where is my parcel", "card", "my card is late please refund my card", "is is is"]
ROOM = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}

MODELS = {
    "bert": lambda: BertModel(BertConfig(vocab_size=12, max_position_embeddings=12, pad_token_id=0, **ROOM)),
    "roberta": lambda: RobertaModel(RobertaConfig(vocab_size=12, max_position_embeddings=13, pad_token_id=0, **ROOM)),
    "xlm-roberta": lambda: XLMRobertaModel(
        XLMRobertaConfig(vocab_size=12, max_position_embeddings=13, pad_token_id=0, **ROOM)
    ),
    "camembert": lambda: CamembertModel(
        CamembertConfig(vocab_size=12, max_position_embeddings=13, pad_token_id=0, **ROOM)
    ),
    "mpnet": lambda: MPNetModel(MPNetConfig(vocab_size=12, max_position_embeddings=14, pad_token_id=1, **ROOM)),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(vocab_size=12, max_position_embeddings=12, dim=16, n_layers=2, n_heads=2, hidden_dim=24)
    ),
    "gpt2": lambda: GPT2Model(GPT2Config(vocab_size=12, n_positions=12, n_embd=16, n_layer=2, n_head=2)),
    "t5": lambda: T5Model(T5Config(vocab_size=12, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2)),
}


def tokenizer_for(kind: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words; GPT-2's frames no text and knows no padding, as the real one."""
    words = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if kind == "gpt2":
        return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="</s>")
    frame = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    words.post_processor = frame
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", pad_token="<pad>")


QUESTIONS = [f"{word} {of}" for of in ("card", "refund") for word in ("where", "is", "my", "please")]
ABOUT = ["card"] * 4 + ["refund"] * 4


def saved(kind: str, folder: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(0)
    model = MODELS[kind]().eval()
    with quiet():
        model.save_pretrained(folder)
        tokenizer_for(kind).save_pretrained(folder)
    return folder, model


def saved_sentences(folder: Path, *, pooling: str = "mean", narrowed: bool = False) -> tuple[Path, torch.nn.Module]:
    """Save a tiny BERT with a pooling, and optionally a dense layer, in sentence-transformers' layout."""
    from sentence_transformers import SentenceTransformer  # slow to import
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    inner, bert = saved("bert", folder / "bert")
    with quiet():
        modules = [Transformer(str(inner)), Pooling(16, pooling_mode=pooling)]
        modules += [Dense(16, 5, activation_function=torch.nn.Tanh())] if narrowed else []
        SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder / "sentences"))
    return folder / "sentences", bert


def expected_vectors(kind: str, model: torch.nn.Module) -> np.ndarray:
    """Return each text's vector, one text at a time: no padding, no mask."""
    vectors = []
    for text in TEXTS:
        tokens = tokenizer_for(kind)(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            states = (model.get_encoder() if kind == "t5" else model)(input_ids=tokens).last_hidden_state[0]
        vector = states[-1] if kind == "gpt2" else states.mean(dim=0)
        vectors.append((vector / vector.norm()).numpy())
    return np.stack(vectors)
