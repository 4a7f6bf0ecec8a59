"""Inputs for properties: small, shrinkable, and of shapes that no accident passes.

A strategy draws sizes, a kind of lengths and a seed, and builds its tensors from the seed: an integer costs Hypothesis
a fraction of what a list of floats does. The first choices are the simplest, so failures shrink to small whole numbers.
Sizes are pairwise different; padding is poisoned with large finite numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from hypothesis import strategies as st
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

LengthKind = Literal["none", "per example", "per query"]
ALL_LENGTHS: tuple[LengthKind, ...] = ("none", "per example", "per query")
POISON = 9.0


def generators() -> SearchStrategy[torch.Generator]:
    """A seeded generator, for what a property draws itself."""
    return seeds().map(lambda seed: torch.Generator().manual_seed(seed))


def seeds() -> SearchStrategy[int]:
    """A seed for `torch.Generator`."""
    return st.integers(0, 2**16)


@st.composite
def sizes(draw: DrawFn, count: int, *, low: int = 1, high: int = 6) -> tuple[int, ...]:
    """`count` pairwise different sizes from `low` to `high`."""
    left = list(range(low, high + 1))
    return tuple(left.pop(draw(st.integers(0, len(left) - 1))) for _ in range(count))


@st.composite
def tensors(draw: DrawFn, shape: Sequence[int], *, dtype: torch.dtype = torch.float32, scale: float = 2.0) -> Tensor:
    """Small whole numbers, or normal ones with this standard deviation."""
    whole = draw(st.sampled_from([True, False]))
    return _numbers(torch.Generator().manual_seed(draw(seeds())), tuple(shape), whole, dtype, scale)


class Inputs:
    """Drawn inputs that vouch for simpler ones: a right answer is right with rows missing and with other numbers.

    Where no reference is at hand to try it, only dataclasses that are `Inputs` are made smaller in a counterexample.
    Without `any_numbers` they vouch for missing rows only.
    """

    any_numbers: ClassVar[bool] = True


@dataclass(frozen=True)
class MaskedScores(Inputs):
    """Scores `(batch, queries, keys)` and valid lengths: None, `(batch,)` or `(batch, queries)`."""

    scores: Tensor
    valid_lens: Tensor | None

    @property
    def padded(self) -> Tensor:
        """True at the keys past the valid length; shape of the scores."""
        return padding(self.valid_lens, tuple(self.scores.shape))

    @property
    def empty(self) -> Tensor:
        """True at the rows without any valid key; shape `(batch, queries)`."""
        return self.padded.all(-1)


@st.composite
def masked_scores(
    draw: DrawFn,
    *,
    dtype: torch.dtype = torch.float32,
    lengths: Sequence[LengthKind] = ALL_LENGTHS,
    empty_rows: bool = False,
    scale: float = 2.0,
    poison: float = POISON,
    ones: bool = True,
) -> MaskedScores:
    """Score matrices with valid lengths, 0 among them only with `empty_rows`; sizes of 1 unless `ones` is False."""
    batch, queries, keys = draw(sizes(3, low=1 if ones else 2))
    scores = draw(tensors((batch, queries, keys), dtype=dtype, scale=scale))
    valid_lens = draw(valid_lengths((batch, queries, keys), lengths=lengths, empty_rows=empty_rows))
    padded = padding(valid_lens, (batch, queries, keys))
    return MaskedScores(scores.masked_fill(padded, poison), valid_lens)


@st.composite
def valid_lengths(
    draw: DrawFn,
    shape: tuple[int, int, int],
    *,
    lengths: Sequence[LengthKind] = ALL_LENGTHS,
    empty_rows: bool = False,
) -> Tensor | None:
    """Lengths for scores of `shape`, from 1 (0 with `empty_rows`) to the number of keys, int64."""
    batch, queries, keys = shape
    kind = draw(st.sampled_from(lengths))
    if kind == "none":
        return None
    size = (batch,) if kind == "per example" else (batch, queries)
    generator = torch.Generator().manual_seed(draw(seeds()))
    found = torch.randint(0 if empty_rows else 1, keys + 1, size, generator=generator)
    if empty_rows:
        found.view(-1)[draw(st.integers(0, found.numel() - 1))] = 0
    return found


def padding(valid_lens: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """True where a key is past its valid length; shape `(batch, queries, keys)`."""
    batch, _, keys = shape
    if valid_lens is None:
        return torch.zeros(shape, dtype=torch.bool)
    return (torch.arange(keys) >= valid_lens.reshape(batch, -1, 1)).expand(shape).clone()


@dataclass(frozen=True)
class Attention(Inputs):
    """Queries `(batch, queries, query_size)`, keys `(batch, keys, key_size)`, values `(batch, keys, value_size)`."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    valid_lens: Tensor | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(batch, queries, keys)`: the shape of the attention weights of one head."""
        return self.queries.shape[0], self.queries.shape[1], self.keys.shape[1]

    @property
    def padded(self) -> Tensor:
        """True at the keys past the valid length; `(batch, queries, keys)`."""
        return padding(self.valid_lens, self.shape)

    @property
    def args(self) -> tuple[Any, ...]:
        """The four arguments of an attention module's forward, in order."""
        return self.queries, self.keys, self.values, self.valid_lens


@st.composite
def attention_inputs(
    draw: DrawFn,
    *,
    query_size: int | None = None,
    key_size: int | None = None,
    value_size: int | None = None,
    dtype: torch.dtype = torch.float32,
    lengths: Sequence[LengthKind] = ALL_LENGTHS,
    empty_rows: bool = False,
    scale: float = 1.0,
    ones: bool = True,
) -> Attention:
    """Inputs of an attention layer; sizes left as None are drawn, different from each other and from the counts.

    Keys and values that are padding for every query are poisoned. Without `ones` no count is 1.
    """
    batch, queries, keys = draw(sizes(3, low=1 if ones else 2, high=6))
    free = [size for size in range(2, 9) if size not in (batch, queries, keys, query_size, key_size, value_size)]
    widths = [
        size if size is not None else free.pop(draw(st.integers(0, len(free) - 1)))
        for size in (query_size, key_size, value_size)
    ]
    whole = draw(st.sampled_from([True, False]))
    generator = torch.Generator().manual_seed(draw(seeds()))
    q, k, v = (
        _numbers(generator, shape, whole, dtype, scale)
        for shape in ((batch, queries, widths[0]), (batch, keys, widths[1]), (batch, keys, widths[2]))
    )
    valid_lens = draw(valid_lengths((batch, queries, keys), lengths=lengths, empty_rows=empty_rows))
    unused = padding(valid_lens, (batch, queries, keys)).all(1)[..., None]
    return Attention(q, k.masked_fill(unused, POISON), v.masked_fill(unused, POISON), valid_lens)


def normal(shape: Sequence[int], seed: int, *, dtype: torch.dtype = torch.float32, scale: float = 1.0) -> Tensor:
    """Normal numbers from a seed, the same on every call."""
    return scale * torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def amplify(state: dict[str, Tensor], seed: int, *, scale: float = 1.0) -> dict[str, Tensor]:
    """A state dict of the same names and shapes with large normal numbers, so that attention is far from uniform."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: scale * torch.randn(value.shape, generator=generator, dtype=value.dtype)
        if value.is_floating_point()
        else value.clone()
        for name, value in state.items()
    }


def _numbers(
    generator: torch.Generator, shape: tuple[int, ...], whole: bool, dtype: torch.dtype, scale: float
) -> Tensor:
    if whole:
        return torch.randint(-3, 4, shape, generator=generator).to(dtype)
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)
