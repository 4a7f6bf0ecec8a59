"""Real sentences to translate, from a file of yours: English, a tab, another language, a tab, who wrote the two.

    What a fine date!	Quelle belle date !	written by Ann and by Benoît

The volunteers of Tatoeba write such pairs, and manythings.org hands them out in this layout, one pair a line. No
exercise needs the file and nothing fetches it: download and unpack it yourself, and keep the authors' names with
whatever you publish. What is read is of the same kind as the dates, so the same code trains on both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from given.dates import Dates, pad, vocabulary

COLUMNS = "English sentence", "translation", "authors"
EVERY = 10  # so many pairs make one to be tested on


@dataclass(frozen=True, eq=False)
class SentencePairs(Dates):
    """Pairs to learn from and other ones to be tested on; `credits` names the authors of all, in this order."""

    credits: tuple[str, ...]


def read_pairs(path: str | Path, *, max_pairs: int = 300, max_words: int = 10) -> SentencePairs:
    """The shortest English sentences, each with the first translation that the file has of it; one in ten is to test.

    Neither sentence of a pair has more than `max_words` words, and a punctuation mark counts as one. A file that looks
    different, or has too few such pairs, is a ValueError; none at all is a FileNotFoundError.
    """
    first: dict[tuple[str, ...], tuple[list[str], list[str], str]] = {}
    for english, translation, authors in _rows(Path(path)):
        words = tokenize(english)
        first.setdefault(tuple(words), (words, tokenize(translation), authors))
    fitting = [row for row in first.values() if max(len(row[0]), len(row[1])) <= max_words]
    chosen = sorted(fitting, key=lambda row: len(row[0]))[:max_pairs]
    if len(chosen) < EVERY:
        raise ValueError(
            f"{path}: {len(fitting)} pairs with different English sentences have at most {max_words} words a side, "
            f"max_pairs is {max_pairs}, and it takes {EVERY}: raise max_words or max_pairs, or take a longer file"
        )
    train = [row for place, row in enumerate(chosen, 1) if place % EVERY]
    rows = train + chosen[EVERY - 1 :: EVERY]
    src, tgt = [row[0] for row in rows], [row[1] for row in rows]
    src_vocab, tgt_vocab = vocabulary(src), vocabulary(tgt)
    parts = *pad(src, src_vocab), *pad(tgt, tgt_vocab)
    to_learn, to_test = (tuple(part[some] for part in parts) for some in (slice(len(train)), slice(len(train), None)))
    return SentencePairs(src_vocab, tgt_vocab, to_learn, to_test, tuple(row[2] for row in rows))  # type: ignore[arg-type]


def tokenize(text: str) -> list[str]:
    """Words in lower case, an elided one with its apostrophe, and every punctuation mark by itself."""
    return re.findall(r"\w+['\u2019]?|[^\w\s]", text.lower())


def _rows(path: Path) -> Iterator[list[str]]:
    """The three columns of every line, with composed accents."""
    layout = f"wanted three with tabs between: {', '.join(COLUMNS)}"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: name one of three columns, {', '.join(COLUMNS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text (byte {error.start}): unpack it, or save it as UTF-8") from error
    for number, line in enumerate(unicodedata.normalize("NFC", text).removesuffix("\n").split("\n"), 1):
        columns = line.split("\t")
        if len(columns) != len(COLUMNS):
            raise ValueError(f"{path}, line {number} has {len(columns)} columns, {layout}")
        for name, column in zip(COLUMNS, columns, strict=True):
            if not column.strip():
                raise ValueError(f"{path}, line {number} has no {name}, {layout}")
        yield columns
