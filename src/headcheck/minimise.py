"""A failing case made easier to read: fewer rows along the axes that its tensors share, and shorter numbers.

Strategies draw sizes and a seed, so Hypothesis cannot take a row out of a tensor, nor make a number round. That is done
here, greedily, one move at a time. What may be moved is learnt from the property's drawn cases: axes that are equally
long in all of them are one axis, and whole numbers that never exceed an axis but reach it are lengths along it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from headcheck.strategies import POISON, Inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Case = dict[str, Any]

MAX_ELEMENTS = 24  # of a tensor whose numbers are tried one by one
FRACTIONS = (1, 2, 10, 100)  # numbers are rounded to whole ones, halves, tenths, hundredths


class Place(NamedTuple):
    """Where in a case a tensor is: the name of a drawn value, and of its field if that is a dataclass."""

    name: str
    field: str


class Axis(NamedTuple):
    """One dimension of the tensor at a place."""

    place: Place
    dim: int


@dataclass(frozen=True)
class Group:
    """Axes that are one: the sizes that they were drawn with, and the lengths along them with the least of each."""

    axes: list[Axis]
    sizes: set[int]
    lengths: dict[Place, int]


def can_be_minimised(case: Case) -> bool:
    """Whether there is a tensor in it."""
    return bool(_tensors(case))


def minimise(case: Case, drawn: list[Case], fails: Callable[[Case], bool], *, proven: bool, numbers: bool) -> None:
    """Put simpler and simpler cases to `fails`, each made of the last that did; `fails` may raise to end the search.

    Where no reference has `proven` that a right answer passes, only `Inputs` are touched, and sizes stay among those
    drawn. Numbers are left as they are unless `numbers`.
    """
    search = _Search(case, drawn, fails, proven=proven)
    before: Case = {}
    while search.case is not before:
        before = search.case
        search.leave_out_rows()
        if numbers:
            search.round_tensors()
            search.round_elements()


class _Search:
    """The simplest case that has failed so far, and the moves that lead on from there."""

    def __init__(self, case: Case, drawn: list[Case], fails: Callable[[Case], bool], *, proven: bool) -> None:
        self.case = case
        self._fails = fails
        self._proven = proven
        self._groups = _groups([_tensors(case) for case in drawn])

    def leave_out_rows(self) -> None:
        """Along each axis keep one row or two, or leave out single ones, until none can be spared."""
        for group in self._groups:
            while any(self._keep(group, rows) for rows in self._fewer_rows(group)):
                pass

    def round_tensors(self) -> None:
        """Make whole tensors 0, 1 or round."""
        for place in self._places_of_numbers():
            any(self._put(place, simpler) for simpler in _rounder(_tensors(self.case)[place]))

    def round_elements(self) -> None:
        """Make single numbers of small tensors 0, 1 or round."""
        for place in self._places_of_numbers():
            for i in range(_tensors(self.case)[place].numel()):
                any(self._put(place, simpler) for simpler in _rounder(_tensors(self.case)[place], i))

    def _fewer_rows(self, group: Group) -> Iterator[list[int]]:
        here = _tensors(self.case)
        found = [here[place].shape[dim] for place, dim in group.axes if place in here and dim < here[place].dim()]
        if not found or not all(self._may_be_touched(axis.place) for axis in group.axes):
            return
        count = found[0]
        rows = list(range(count))
        some = [[row] for row in rows] + [rows[:2], rows[-2:]] + [rows[:row] + rows[row + 1 :] for row in rows[::-1]]
        yield from (kept for kept in some if 0 < len(kept) < count and self._may_be(len(kept), group))

    def _may_be(self, size: int, group: Group) -> bool:
        return size in group.sizes or (self._proven and len(group.sizes) > 1)

    def _keep(self, group: Group, rows: list[int]) -> bool:
        """Try the case with these rows only along an axis; lengths count those of them that they counted before."""
        changed = {}
        kept = torch.tensor(rows)
        for place, tensor in _tensors(self.case).items():
            dims = [dim for where, dim in group.axes if where == place and dim < tensor.dim()]
            now = reduce(lambda left, dim: left.index_select(dim, kept), dims, tensor)
            if place in group.lengths:
                now = (kept < now[..., None]).sum(-1).to(tensor.dtype)
                if int(now.min()) < (min(group.lengths[place], 1) if self._proven else group.lengths[place]):
                    return False
            changed[place] = now
        return self._try(changed)

    def _put(self, place: Place, simpler: Tensor) -> bool:
        shorter = _cost(simpler) < _cost(_tensors(self.case)[place])
        return shorter and (self._proven or self._stays_apart(place, simpler)) and self._try({place: simpler})

    def _stays_apart(self, place: Place, simpler: Tensor) -> bool:
        """Whether numbers that differ still do, and from 0: where all is alike, right answers may look wrong."""
        before = {other: tensor for other, tensor in _tensors(self.case).items() if tensor.is_floating_point()}
        left, right = ([0.0, *_numbers(tensors)] for tensors in (before, before | {place: simpler}))
        return len(set(zip(left, right, strict=True))) == len(set(right))

    def _try(self, changed: dict[Place, Tensor]) -> bool:
        case = _replaced(self.case, changed)
        if not self._fails(case):
            return False
        self.case = case
        return True

    def _places_of_numbers(self) -> list[Place]:
        return [
            place
            for place, tensor in _tensors(self.case).items()
            if tensor.is_floating_point() and self._may_be_touched(place, numbers=True)
        ]

    def _may_be_touched(self, place: Place, *, numbers: bool = False) -> bool:
        value = self.case[place.name]
        return self._proven or (isinstance(value, Inputs) and (value.any_numbers or not numbers))


def _tensors(case: Case) -> dict[Place, Tensor]:
    """The tensors of a case: drawn themselves, or fields of drawn dataclasses."""
    found: dict[Place, Any] = {}
    for name, value in case.items():
        if dataclasses.is_dataclass(value):
            found |= {Place(name, part.name): getattr(value, part.name) for part in dataclasses.fields(value)}
        else:
            found[Place(name, "")] = value
    return {place: value for place, value in found.items() if isinstance(value, Tensor)}


def _replaced(case: Case, changed: dict[Place, Tensor]) -> Case:
    """The case with other tensors at some places."""
    case = dict(case)
    for (name, field), tensor in changed.items():
        case[name] = dataclasses.replace(case[name], **{field: tensor}) if field else tensor
    return case


def _groups(drawn: list[dict[Place, Tensor]]) -> list[Group]:
    """The axes of the drawn tensors, first dimensions first; together those that are equally long wherever both are."""
    sizes: dict[Axis, dict[int, int]] = {}
    for number, tensors in enumerate(drawn):
        for place, tensor in tensors.items():
            for dim, size in enumerate(tensor.shape):
                sizes.setdefault(Axis(place, dim), {})[number] = size
    groups: list[Group] = []
    for axis in sorted(sizes, key=lambda axis: axis.dim):
        of = sizes[axis]
        home = next((group for group in groups if _always_equal(of, sizes[group.axes[0]])), None)
        if home is None:
            groups.append(Group([axis], set(of.values()), {}))
        else:
            home.axes.append(axis)
    for group in groups:
        group.lengths.update(_lengths(drawn, sizes[group.axes[0]]))
    return groups


def _always_equal(left: dict[int, int], right: dict[int, int]) -> bool:
    both = left.keys() & right.keys()
    return bool(both) and all(left[number] == right[number] for number in both)


def _lengths(drawn: list[dict[Place, Tensor]], sizes: dict[int, int]) -> dict[Place, int]:
    """The places of whole numbers that stay within an axis of these sizes and reach it, and the least of them."""
    spans: dict[Place, list[tuple[int, int]]] = {}
    for number, tensors in enumerate(drawn):
        for place, tensor in tensors.items():
            whole = not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)
            if whole and number in sizes and tensor.numel():
                spans.setdefault(place, []).append((int(tensor.min()), int(tensor.max()) - sizes[number]))
    return {place: min(span)[0] for place, span in spans.items() if max(above for _, above in span) == 0}


def _numbers(tensors: dict[Place, Tensor]) -> list[float]:
    return [float(value) for tensor in tensors.values() for value in tensor.detach().reshape(-1).tolist()]


def _rounder(tensor: Tensor, element: int | None = None) -> Iterator[Tensor]:
    """The tensor all 0, all 1 and rounded, or only one of its elements; what is poisoned stays so."""
    if element is not None and tensor.numel() > MAX_ELEMENTS:
        return
    places = tensor != POISON
    if element is not None:
        places &= (torch.arange(tensor.numel()) == element).view(tensor.shape)
    wide = tensor.double()
    rounded = [(wide * parts).round() / parts for parts in FRACTIONS]
    for values in (torch.zeros_like(wide), torch.ones_like(wide), *rounded):
        yield torch.where(places, values.to(tensor.dtype), tensor)


def _cost(tensor: Tensor) -> int:
    """How much there is to read in its numbers: their characters, and one for each that is neither 0 nor 1."""
    return sum(len(f"{value:.6g}") + (value not in (0, 1)) for value in tensor.detach().reshape(-1).tolist())
