"""A failing case with fewer rows and shorter numbers, of the kind that was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from headcheck.minimise import can_be_minimised, minimise
from headcheck.strategies import POISON, Inputs, MaskedScores, padding

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = dict[str, Any]

SIZES = [(1, 2, 3), (2, 3, 4), (3, 1, 2), (4, 2, 5), (2, 4, 1)]


def drawn(*, least: int = 1) -> list[Case]:
    """Scores and lengths as a strategy draws them: of whole numbers, and of different sizes."""
    cases = []
    for seed, shape in enumerate(size for size in SIZES if min(size) >= least):
        generator = torch.Generator().manual_seed(seed)
        lengths = torch.randint(1, shape[2] + 1, shape[:1], generator=generator)
        lengths[0] = shape[2]
        scores = torch.randint(-3, 4, shape, generator=generator).float()
        cases.append({"case": MaskedScores(scores.masked_fill(padding(lengths, shape), POISON), lengths)})
    return cases


def simplest(
    case: Case, cases: list[Case], fails: Callable[[Case], bool], *, proven: bool = False, numbers: bool = True
) -> Case:
    """The last case that failed."""
    found = [case]

    def keep(candidate: Case) -> bool:
        if fails(candidate):
            found.append(candidate)
            return True
        return False

    minimise(case, cases, keep, proven=proven, numbers=numbers)
    return found[-1]


def test_what_fails_everywhere_ends_as_one_zero() -> None:
    """One example, one query, one key, and nothing to read."""
    case = simplest(drawn()[3], drawn(), lambda _: True, proven=True)["case"]
    assert (case.scores.tolist(), case.valid_lens.tolist()) == ([[[0.0]]], [1])


def test_sizes_are_those_that_were_drawn() -> None:
    """A property that was never given a single key may be one that makes no sense of it."""
    cases = drawn(least=2)
    case = simplest(cases[-1], cases, lambda _: True)["case"]
    assert tuple(case.scores.shape) == (2, 2, 4)
    case = simplest(cases[-1], cases, lambda _: True, proven=True)["case"]
    assert tuple(case.scores.shape) == (1, 1, 1)


def test_lengths_count_the_keys_that_are_left() -> None:
    """What was padding stays padding, and stays poisoned; no length is 0 where none was."""

    def check(candidate: Case) -> bool:
        case = candidate["case"]
        assert torch.equal(case.scores == POISON, case.padded)
        assert 1 <= int(case.valid_lens.min()) <= int(case.valid_lens.max()) <= case.scores.shape[-1]
        return bool(case.padded.any())

    padded = {"case": MaskedScores(torch.tensor([[[1.0, -2.0, POISON]], [[3.0, 2.0, 1.0]]]), torch.tensor([2, 3]))}
    case = simplest(padded, drawn(), check)["case"]
    assert (case.scores.tolist(), case.valid_lens.tolist()) == ([[[1.0, POISON]]], [1])


def test_what_matters_stays() -> None:
    """The number on which the failure depends is left as it was."""
    case = {"case": MaskedScores(torch.tensor([[[1.0, -2.0, 3.0]], [[-3.0, 2.0, 1.0]]]), torch.tensor([3, 3]))}
    found = simplest(case, drawn(), lambda candidate: bool((candidate["case"].scores == -2).any()))
    assert found["case"].scores.tolist() == [[[-2.0]]]


@dataclass(frozen=True)
class Samples(Inputs):
    """Keys and values of the same number."""

    keys: Tensor
    values: Tensor


def samples(count: int, seed: int) -> Case:
    """Normal numbers, none of them twice."""
    numbers = torch.randn(2, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return {"case": Samples(*numbers)}


def test_numbers_that_always_differed_still_differ() -> None:
    """Nor is one of them 0: where all is the same, right answers look wrong."""
    cases = [samples(count, count) for count in (1, 2, 3, 4)]
    case = simplest(cases[2], cases, lambda candidate: len(candidate["case"].keys) == 3)["case"]
    numbers = [*case.keys.tolist(), *case.values.tolist()]
    assert len({*numbers, 0.0}) == 7
    assert all(number == round(number, 2) for number in numbers)
    case = simplest(cases[2], cases, lambda candidate: len(candidate["case"].keys) == 3, proven=True)["case"]
    assert (case.keys.tolist(), case.values.tolist()) == ([0.0] * 3, [0.0] * 3)


@dataclass(frozen=True)
class Rows(Samples):
    """Samples whose numbers mean something."""

    any_numbers = False


@dataclass(frozen=True)
class Unvouched:
    """A dataclass of which the engine knows nothing."""

    keys: Tensor


@pytest.mark.parametrize("proven", [False, True])
def test_only_what_vouches_is_touched_without_a_proof(proven: bool) -> None:
    """Other dataclasses, and bare tensors, only where a right solution has been tried."""
    for make in (Unvouched, lambda X: X):
        cases = [{"case": make(samples(count, 1)["case"].keys)} for count in (1, 2, 3)]
        assert (simplest(cases[2], cases, lambda _: True, proven=proven) is cases[2]) is not proven


def test_rows_may_be_vouched_for_alone() -> None:
    """Then numbers are left as they are; and so they are where the failure says so."""
    cases = [{"case": Rows(*torch.full((2, count), 0.123))} for count in (1, 2, 3)]
    case = simplest(cases[2], cases, lambda _: True)["case"]
    assert torch.equal(case.keys, torch.full((1,), 0.123))
    case = simplest(drawn()[1], drawn(), lambda _: True, numbers=False)["case"]
    assert (case.scores.numel(), case.scores.item() == 0) == (1, False)


def test_axes_that_were_always_as_long_as_each_other_are_one() -> None:
    """A row goes from both tensors."""
    cases = [samples(count, count) for count in (1, 2, 3)]
    sizes: list[tuple[int, int]] = []
    simplest(cases[2], cases, lambda case: sizes.append((len(case["case"].keys), len(case["case"].values))) or True)
    assert sizes
    assert all(keys == values for keys, values in sizes)


def test_the_search_ends_when_it_is_told_to() -> None:
    """Whatever `fails` raises comes out."""

    def spent(_: Case) -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        minimise(drawn()[1], drawn(), spent, proven=False, numbers=True)


def test_a_case_without_tensors_is_left_to_hypothesis() -> None:
    """Integers it shrinks best."""
    assert can_be_minimised(drawn()[0])
    assert not can_be_minimised({"n": 3, "shape": (2, 3)})
