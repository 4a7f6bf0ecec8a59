"""The dates task: translate written dates from English to French or Chinese.

    thursday , march 5 , 1 9 4 2   ->   jeudi 5 mars 1 9 4 2

The texts are those of the Unicode consortium, by way of Babel, and are made when you ask for them, the same ones every
time. Each date is written in full, long or medium style. The parts change places between the languages, names must be
translated and digits copied: a task for whoever can look back at the source.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

PAD, BOS, EOS = 0, 1, 2
SPECIAL = "<pad>", "<bos>", "<eos>"
FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
STYLES = "full", "long", "medium"

Pairs = tuple[
    Int[Tensor, "pairs src_steps"],
    Int[Tensor, " pairs"],
    Int[Tensor, "pairs steps"],
    Int[Tensor, " pairs"],
]
"""Source, its lengths, labels, their lengths. Every sentence ends in `<eos>`, which counts; `<pad>` follows."""


@dataclass(frozen=True, eq=False)
class Dates:
    """Pairs to learn from and other ones to be tested on; `src_vocab[id]` and `tgt_vocab[id]` are the words."""

    src_vocab: tuple[str, ...]
    tgt_vocab: tuple[str, ...]
    train: Pairs
    test: Pairs


def make_dates(target: Literal["fr", "zh"] = "fr", *, train: int = 2000, test: int = 200, seed: int = 0) -> Dates:
    """Dates of 1900 to 2099, no day twice, in English and in the target language."""
    try:
        from babel.dates import format_date
    except ImportError as error:
        raise ImportError('the dates task needs Babel: pip install "headcheck[attention]"') from error
    draw = random.Random(seed)  # noqa: S311  (a task, not a secret)
    days = draw.sample(range((LAST - FIRST).days + 1), train + test)
    texts = [(FIRST + timedelta(day), draw.choice(STYLES)) for day in days]
    src, tgt = (
        [tokenize(format_date(day, format=style, locale=locale)) for day, style in texts] for locale in ("en", target)
    )
    src_vocab, tgt_vocab = vocabulary(src), vocabulary(tgt)
    pairs = *pad(src, src_vocab), *pad(tgt, tgt_vocab)
    first, second = (tuple(part[rows] for part in pairs) for rows in (slice(train), slice(train, None)))
    return Dates(src_vocab, tgt_vocab, first, second)  # type: ignore[arg-type]


def minibatch(pairs: Pairs, size: int, *, generator: torch.Generator) -> Pairs:
    """Some of the pairs, drawn from `generator`, none twice."""
    chosen = torch.randperm(len(pairs[0]), generator=generator)[:size]
    src, src_lens, labels, label_lens = pairs
    return src[chosen], src_lens[chosen], labels[chosen], label_lens[chosen]


def tokenize(text: str) -> list[str]:
    """Words in lower case, Chinese by the character; the digits of a year one by one, a day as one number."""
    words = re.findall(r"\d+|[\u4e00-\u9fff]|[^\W\d]+\.?|,", text.lower())
    return [token for word in words for token in (word if re.fullmatch(r"\d{4}", word) else [word])]


def vocabulary(sentences: list[list[str]]) -> tuple[str, ...]:
    """The special tokens, then every word once, sorted."""
    return *SPECIAL, *sorted({token for sentence in sentences for token in sentence})


def pad(
    sentences: list[list[str]], vocab: tuple[str, ...]
) -> tuple[Int[Tensor, "sentences steps"], Int[Tensor, " sentences"]]:
    """Sentences as ids, each with `<eos>` at its end, padded to the longest; and their lengths."""
    ids = {token: i for i, token in enumerate(vocab)}
    rows = [torch.tensor([ids[token] for token in sentence] + [EOS]) for sentence in sentences]
    lengths = torch.tensor([len(row) for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD), lengths


def sentence(ids: list[int], vocab: tuple[str, ...]) -> str:
    """The words of some ids, with blanks between them."""
    return " ".join(vocab[i] for i in ids)
