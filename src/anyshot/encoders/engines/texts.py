"""Encode texts with an engine: fill rows and batches with tokens, run, and put the vectors in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Vectors, unit
from anyshot.encoders.engines.layers import MASKED, Node, constant, integer, integers, model, ops, parameter
from anyshot.encoders.engines.openvino import Inputs, Precision, shared_engine
from anyshot.encoders.texts import Rows, TextEncoder, TextTokenizer, batches, collect, refuse_unknown

BATCH_TOKENS: Final = 1024
"""Tokens in a batch: few enough that the hidden states stay in the cache of a processor."""

LEAST: Final = 32
"""Tokens in the shortest row."""
STEP: Final = 16
"""The length of a row is a multiple of this."""
SHORT, LONG = 64, 128
"""Tokens in a row of texts that are at most `LEAST` long, and of longer ones: the fewest with little padding."""

Ids: TypeAlias = Sequence[Sequence[int]]  # of each text


# --- rows of tokens -------------------------------------------------------------------------------------------------
#
# A graph prepares itself anew for each shape of its inputs, which for a short text takes almost as long as the network.
# Processors multiply matrices fastest whose sides are multiples of 16 or 32. So a row holds several texts, and a token
# attends to its own text only: little of a batch is padding, and rows have few different lengths.


class TokenNodes(NamedTuple):
    """The inputs of a graph that reads texts: n rows of t tokens, in which are m texts of at most l tokens."""

    ids: Node  # (n, t)
    positions: Node  # (n, t): 0 at the first token of a text
    texts: Node  # (n, t): the number of the text in its row, from 1; 0 at padding
    places: Node  # (m, l): of each text's tokens in the rows, one after another
    mask: Node  # (m, l): 1 at tokens, 0 at padding

    def of_texts(self, states: Node) -> Node:
        """Return the states (m, l, width) of the tokens of each text from those of the rows (n, t, width)."""
        width = ops.gather(ops.shape_of(states), integers(2), integer(0))  # (1,)
        flat = ops.reshape(states, ops.concat([integers(-1), width], 0), False)
        return ops.gather(flat, self.places, integer(0))


def token_nodes() -> TokenNodes:
    """Return the inputs as parameters of a graph, in rows of any number and length."""
    kinds = {"mask": np.float32}
    return TokenNodes(*(parameter(name, -1, -1, dtype=kinds.get(name, np.int32)) for name in TokenNodes._fields))


def bias_between_texts(texts: Node) -> Node:
    """Return what is added to the logits of attention (n, 1, t, t): no token sees one of another text."""
    is_other = ops.not_equal(ops.unsqueeze(texts, integers(1, 2)), ops.unsqueeze(texts, integers(1, 3)))
    return ops.multiply(ops.convert(is_other, "f32"), constant(MASKED))


def row_length(n_tokens: int) -> int:
    """Return the length of a row with this many tokens."""
    return max(LEAST, -(-n_tokens // STEP) * STEP)


def _room(longest: int) -> int:
    """Return the length of a row whose longest text has this many tokens, so that others as long fill it."""
    return row_length(max(1, (SHORT if longest <= LEAST else LONG) // longest) * longest)


def share_rows(lengths: Sequence[int]) -> list[list[int]]:
    """Return the texts of each row, by their numbers.

    lengths (n,): tokens of each text. A row begins with the longest text that is left, and takes as many more as it has
    room for, the longest first.
    """
    longest = max(lengths, default=0)
    by_length: list[list[int]] = [[] for _ in range(longest + 1)]
    for number, length in enumerate(lengths):
        by_length[length].append(number)
    rows = []
    while longest:
        if not by_length[longest]:
            longest -= 1
            continue
        row, length, room = [], longest, _room(longest)
        while length:
            if by_length[length]:
                row.append(by_length[length].pop())
                room -= length
            else:
                length -= 1
            length = min(length, room)
        rows.append(row)
    return rows


def row_inputs(rows: Sequence[Ids], *, padding: int) -> Inputs:
    """Return the arrays for the nodes of `TokenNodes`.

    rows: the token ids of the texts in each row; padding: the id that fills up a row.
    """
    lengths = np.array([len(ids) for row in rows for ids in row])  # (m,)
    row_of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])  # (m,)
    filled = np.bincount(row_of, weights=lengths).astype(np.intp)  # (n,): tokens of each row
    t, ends = row_length(int(filled.max())), np.cumsum(lengths)
    first_of_row = np.cumsum(filled) - filled
    begins = row_of * t + ends - lengths - first_of_row[row_of]  # (m,): place of each text's first token
    positions = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    at = np.repeat(begins, lengths) + positions  # the place of each token
    number = np.arange(len(lengths)) - np.searchsorted(row_of, row_of) + 1  # (m,): of each text in its row

    def spread(values: NDArray[np.integer], empty: int = 0) -> NDArray[np.int32]:
        array = np.full(len(rows) * t, empty, np.int32)
        array[at] = values
        return array.reshape(len(rows), t)

    steps = np.arange(lengths.max())
    mask = steps < lengths[:, None]  # (m, l)
    return {
        "places": np.where(mask, begins[:, None] + steps, 0).astype(np.int32),
        "mask": mask.astype(np.float32),
        "ids": spread(np.concatenate([ids for row in rows for ids in row]), padding),
        "positions": spread(positions),
        "texts": spread(np.repeat(number, lengths)),
    }


def halves_of_rows(inputs: Inputs) -> list[Inputs]:
    """Return the arrays of the first half of the rows, and those of the second; an empty list if there is one row."""
    n, t = inputs["ids"].shape
    if n < 2:
        return []
    cut, begins = n // 2, inputs["places"][:, 0]
    parts = ((np.s_[:cut], begins < cut * t, 0), (np.s_[cut:], begins >= cut * t, cut * t))
    return [
        {name: inputs[name][rows] for name in ("ids", "positions", "texts")}
        | {"mask": inputs["mask"][own], "places": np.maximum(inputs["places"][own] - start, 0)}
        for rows, own, start in parts
    ]


# --- encoding -------------------------------------------------------------------------------------------------------


class TextEngine:
    """Texts to unit-length vectors, by a tokenizer and a compiled network.

    network: maps the nodes of m texts to the node of their vectors, of which the first numbers (m, width) are used;
    vocabulary: the number of token ids that it knows; key: hash of what it is made from, engines of the same key are
    one; precision, threads: see `Engine`.
    """

    def __init__(
        self,
        tokenizer: TextTokenizer,
        network: Callable[[TokenNodes], Node],
        *,
        width: int,
        vocabulary: int,
        key: str,
        precision: Precision,
        threads: int | None = None,
    ) -> None:
        self.tokenizer, self.width, self._vocabulary = tokenizer, width, vocabulary

        def build() -> Any:
            tokens = token_nodes()
            return model(network(tokens), list(tokens))

        self._engine = shared_engine(key, build, precision=precision, threads=threads, halve=halves_of_rows)

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts."""
        return collect(self._encoded(texts), n_texts=len(texts), width=self.width)

    def _encoded(self, texts: list[str]) -> Iterator[tuple[Rows, Vectors]]:
        """Yield the texts of each batch, by their row in `texts`, and their vectors."""
        running: deque[Rows] = deque()
        for output in self._engine.map(self._batches(texts, running)):
            yield running.popleft(), unit(output[:, : self.width])

    def _batches(self, texts: list[str], running: deque[Rows]) -> Iterator[Inputs]:
        """Yield the inputs of each batch, after its texts were appended to `running`."""
        for start, ids in self.tokenizer.windows(texts):
            rows = share_rows([len(of_text) for of_text in ids])
            lengths = [row_length(sum(len(ids[text]) for text in row)) for row in rows]
            for batch in batches(lengths, budget=BATCH_TOKENS):
                chosen = [rows[number] for number in batch]
                running.append(np.concatenate(chosen) + start)
                inputs = row_inputs([[ids[text] for text in row] for row in chosen], padding=self.tokenizer.padding)
                refuse_unknown(int(inputs["ids"].max()), vocabulary=self._vocabulary)
                yield inputs


class TextRunner(Protocol):
    """What computes the vectors of texts that were checked, as `TextEngine` does."""

    tokenizer: TextTokenizer

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts."""
        ...


class TokenizingEncoder(TextEncoder):
    """Base class of text encoders with a `TextTokenizer`; subclasses set the runner, which has it, and the width."""

    _runner: TextRunner

    @property
    def max_tokens(self) -> int:
        """The most tokens that the model reads."""
        return self._runner.tokenizer.max_tokens

    def _encode(self, texts: list[str]) -> Vectors:
        return self._runner.encode(texts)

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text has more tokens than the model reads (n,)."""
        return self._runner.tokenizer.is_cut(texts)

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads (n,)."""
        return self._runner.tokenizer.n_tokens(texts)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown to the model (n,)."""
        return self._runner.tokenizer.is_unread(texts)
