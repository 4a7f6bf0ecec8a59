"""Which submissions are more alike than their exercise explains: facts for a person, and never points.

Compared are pieces (`outlines`). Those that the stub, the reference, an alternative or a good part of the class has as
well are taken away; what is left of a submission is its own. A piece is the rarer, the fewer have it: by
`log((n + 2) / (k - 1))` where k of n do, which is minus the logarithm of about the chance that one more has it. Pairs
are ranked by the rarity of all that they share, times the part that this is of the one that has less.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from headcheck.outlines import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

COMMON = 0.25
COMMON_AT_LEAST = 5
"""A piece is common when more than this part of the class has it, and more than so many students."""

LEAST = 12
"""Own pieces, about two lines, without which nothing can be said of a submission."""

LEAST_PART = 0.3
MAX_PAIRS = 100


@dataclass(frozen=True)
class Work:
    """What one student handed in for an exercise, and its outline."""

    exercise: str
    student: str
    text: str
    pieces: Sequence[int]
    lines: Sequence[int]


@dataclass(frozen=True)
class LeftOut:
    """What could not be compared, and why."""

    exercise: str
    student: str
    reason: str


@dataclass(frozen=True)
class Side:
    """One of two that are alike: how many pieces are its own, and its text."""

    student: str
    own: int
    text: str
    shared_lines: frozenset[int]

    def lines(self) -> list[tuple[str, bool]]:
        """Each line, and whether it is shared."""
        return [(line, number in self.shared_lines) for number, line in enumerate(self.text.split("\n"), start=1)]


@dataclass(frozen=True)
class Pair:
    """Two students' work that is alike: how many pieces they share, and how many of these nobody else has."""

    exercise: str
    sides: tuple[Side, Side]
    shared: int
    alone: int
    rank: float


@dataclass(frozen=True)
class Silence:
    """Of how many of an exercise's submissions nothing can be said: too little in them is their own."""

    exercise: str
    count: int
    of: int


@dataclass(frozen=True)
class Similarities:
    """Of so many submissions the pairs, the most improbable first, and how many more pairs there are."""

    compared: int
    pairs: list[Pair]
    more: int
    silent: list[Silence]
    left_out: list[LeftOut]


def similarities(
    works: Sequence[Work],
    known: Mapping[str, Collection[int]],
    left_out: Sequence[LeftOut] = (),
    each: Callable[[Collection[str]], Iterable[str]] = iter,
) -> Similarities:
    """Compare a class; `known` are, by exercise, the pieces that everybody was given or that are simply right.

    Exercises are compared as `each` hands out their ids.
    """
    by_exercise: dict[str, list[Work]] = defaultdict(list)
    for work in works:
        by_exercise[work.exercise].append(work)
    found: list[tuple[_Pair, _Class]] = []
    silent: list[Silence] = []
    for exercise in each(by_exercise):
        own = by_exercise[exercise]
        everybody = _Class(own, known.get(exercise, ()))
        found += [(pair, everybody) for pair in everybody.pairs()]
        if len(everybody.own) < len(own):
            silent.append(Silence(exercise, len(own) - len(everybody.own), len(own)))
    found.sort(key=lambda each: -each[0].rank)
    pairs = [everybody.side_by_side(pair) for pair, everybody in found[:MAX_PAIRS]]
    return Similarities(len(works), pairs, len(found) - len(pairs), silent, list(left_out))


class _Pair(NamedTuple):
    """Two places in a class, how many pieces nobody else has, and how improbable what they share is."""

    first: int
    second: int
    alone: int
    rank: float


class _Class:
    """All work for an exercise, each under its place, and what of it is `own`, where that is enough to compare."""

    def __init__(self, works: list[Work], known: Collection[int]) -> None:
        self._works = works
        given = {0, *known}
        pieces = [set(work.pieces) - given for work in works]
        self._count = Counter(piece for each in pieces for piece in each)
        most = max(COMMON_AT_LEAST, COMMON * len(works))
        common = {piece for piece, count in self._count.items() if count > most}
        left = {place: each - common for place, each in enumerate(pieces)}
        self.own = {place: each for place, each in left.items() if len(each) >= LEAST}

    def pairs(self) -> Iterator[_Pair]:
        """Those that are alike, found by the pieces that they share: nobody is compared with everybody."""
        shared: Counter[tuple[int, int]] = Counter()
        alone: Counter[tuple[int, int]] = Counter()
        rarity: dict[tuple[int, int], float] = defaultdict(float)
        weight = dict.fromkeys(self.own, 0.0)
        for count, groups in sorted(self._groups().items()):
            rare = math.log((len(self._works) + 2) / max(count - 1, 1))
            for place, pieces in Counter(place for group in groups for place in group).items():
                weight[place] += pieces * rare
            found = Counter(pair for group in groups for pair in combinations(group, 2))
            for pair, pieces in found.items():
                rarity[pair] += pieces * rare
            shared += found
            if count == 2:  # noqa: PLR2004  (the two of them)
                alone = found
        for pair in sorted(shared):
            part = rarity[pair] / min(weight[place] for place in pair)
            if shared[pair] >= LEAST and part >= LEAST_PART:
                yield _Pair(*pair, alone[pair], rarity[pair] * part)

    def _groups(self) -> dict[int, list[list[int]]]:
        """By how many have a piece, for each such piece the places where it is."""
        holders: dict[int, list[int]] = defaultdict(list)
        for place, pieces in self.own.items():
            for piece in pieces:
                holders[piece].append(place)
        groups: dict[int, list[list[int]]] = defaultdict(list)
        for piece, places in holders.items():
            groups[self._count[piece]].append(places)
        return groups

    def side_by_side(self, pair: _Pair) -> Pair:
        """A pair with both texts."""
        shared = self.own[pair.first] & self.own[pair.second]
        sides = (self._side(pair.first, shared), self._side(pair.second, shared))
        return Pair(self._works[pair.first].exercise, sides, len(shared), pair.alone, pair.rank)

    def _side(self, place: int, shared: set[int]) -> Side:
        work = self._works[place]
        starts = [start for start, piece in enumerate(work.pieces) if piece in shared]
        lines = frozenset(line for start in starts for line in work.lines[start : start + PIECE])
        return Side(work.student, len(self.own[place]), work.text, lines)
