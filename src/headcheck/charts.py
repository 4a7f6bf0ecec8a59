"""Curves of a training as drawings: where lines, ticks and thresholds go. A page only writes them down.

Runs of one name are one drawing. A curve of a single value is a figure on a scale. Numbers come from a submission: what
is not finite is left out. A class has a drawing of its own: every run as long as they can be told apart, and then how
they are spread.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from statistics import median

from headcheck.matrices import short
from headcheck.results import Curve

WIDTH, HEIGHT, SCALE_HEIGHT = 360.0, 190.0, 46.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 28.0
LOGARITHMIC = 30.0
"""How many times the smallest value the largest is where a scale goes by powers of ten."""

FEW = 30
"""As many runs of a class are drawn one by one."""

SPREAD = (0.1, 0.25, 0.5, 0.75, 0.9)
"""The quantiles by which more are drawn: four fifths of the runs, half of them, and the middle."""

_MAX_TICKS = 5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROOM = 0.06
_DIGITS = 3
_TINY, _HUGE = 1e-30, 1e30


@dataclass(frozen=True)
class Tick:
    """A number and its place, in the drawing's units."""

    place: float
    text: str


@dataclass(frozen=True)
class Threshold:
    """What the last value had to be: `at_least` it, or at most."""

    place: float
    text: str
    at_least: bool


@dataclass(frozen=True)
class Run:
    """One training: its path through the drawing, where that ends, and its first and last value."""

    path: str
    end: tuple[float, float]
    first: str
    last: str


@dataclass(frozen=True)
class Spread:
    """How the last values of so many runs are spread, in words; and bands or, on a scale, spans that hold most of them.

    Bands are paths around them, spans go from left to right; the wider one comes first.
    """

    count: int
    lowest: str
    middle: str
    highest: str
    bands: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """Runs of one name, a right model's, the thresholds, the span between them, and the numbers on the axis.

    The axis goes up, beside the steps of training; on a scale, which has single figures only, it goes across. A class
    has a `spread`; where its runs are many, `own` is the middle one of it.
    """

    name: str
    own: tuple[Run, ...]
    right: tuple[Run, ...]
    thresholds: tuple[Threshold, ...]
    allowed: tuple[float, float] | None
    ticks: tuple[Tick, ...]
    is_scale: bool
    spread: Spread | None = None


def charts(curves: Sequence[Curve], *, of_class: bool = False) -> list[Chart]:
    """The drawings of a property's curves, those that go on for some steps before single figures."""
    named: dict[str, list[Curve]] = {}
    for curve in curves:
        if _finite(curve.values):
            named.setdefault(curve.name, []).append(curve)
    found = [_chart(name, runs, of_class=of_class) for name, runs in named.items()]
    return sorted(found, key=lambda chart: chart.is_scale)


def _chart(name: str, runs: list[Curve], *, of_class: bool) -> Chart:
    own = [_finite(curve.values) for curve in runs]
    right = [_finite(values) for values in _each_once(curve.right for curve in runs)]
    right = [values for values in right if values]
    bounds = {
        (bound, at_least)
        for curve in runs
        for bound, at_least in ((curve.at_least, True), (curve.at_most, False))
        if bound is not None and _finite([bound])
    }
    is_scale = all(len(values) == 1 for values in own)
    drawn, around = own, []
    if of_class and len(own) > FEW:
        wide, inner, middle, upper, widest = _quantiles(own)
        drawn, around = [middle], [(wide, widest), (inner, upper)]
    everything = [*chain(*drawn, *chain(*around), *right), *(bound for bound, _ in bounds)]
    ends = (LEFT, WIDTH - RIGHT) if is_scale else (HEIGHT - BOTTOM, TOP)
    axis = _Axis(everything, *ends)
    longest = max(map(len, (*own, *right)))
    if is_scale:
        drawn, right = sorted(drawn), sorted(right)
    return Chart(
        name,
        tuple(_run(values, axis, longest, is_scale=is_scale) for values in drawn),
        tuple(_run(values, axis, longest, is_scale=is_scale) for values in right),
        tuple(Threshold(axis.place(bound), _text(bound), at_least) for bound, at_least in sorted(bounds)),
        _allowed({at_least: axis.place(bound) for bound, at_least in bounds}, *ends),
        tuple(Tick(axis.place(value), _text(value)) for value in axis.ticks()),
        is_scale,
        _spread(own, around, axis, longest, is_scale=is_scale) if of_class else None,
    )


def _each_once(runs: Iterable[list[float]]) -> list[list[float]]:
    return [list(values) for values in dict.fromkeys(map(tuple, runs))]


def _quantiles(runs: list[list[float]]) -> list[list[float]]:
    """Step by step those of `SPREAD` over the runs that have come as far, between two values in proportion."""
    steps = [sorted(run[step] for run in runs if step < len(run)) for step in range(max(map(len, runs)))]
    return [[_quantile(values, part) for values in steps] for part in SPREAD]


def _quantile(values: list[float], part: float) -> float:
    whole, rest = divmod(part * (len(values) - 1), 1)
    low, high = values[int(whole)], values[min(int(whole) + 1, len(values) - 1)]
    return low + rest * (high - low)


def _spread(
    runs: list[list[float]], around: list[tuple[list[float], list[float]]], axis: _Axis, longest: int, *, is_scale: bool
) -> Spread:
    last = sorted(values[-1] for values in runs)
    words = (_text(last[0]), _text(median(last)), _text(last[-1]))
    if is_scale:
        spans = tuple((axis.place(low[0]), axis.place(high[0])) for low, high in around)
        return Spread(len(runs), *words, (), spans)
    bands = [[*_places(low, axis, longest), *reversed(_places(high, axis, longest))] for low, high in around]
    return Spread(len(runs), *words, tuple(map(_path, bands)), ())


def _allowed(places: dict[bool, float], low: float, high: float) -> tuple[float, float] | None:
    """Where the last value should lie, from left to right or from top to bottom."""
    if not places:
        return None
    first, last = sorted((places.get(True, low), places.get(False, high)))
    return first, last


def _run(values: list[float], axis: _Axis, longest: int, *, is_scale: bool) -> Run:
    if is_scale:
        end = axis.place(values[-1]), SCALE_HEIGHT / 2
        return Run("", end, _text(values[0]), _text(values[-1]))
    places = _places(values, axis, longest)
    return Run(_path(places), places[-1], _text(values[0]), _text(values[-1]))


def _places(values: list[float], axis: _Axis, longest: int) -> list[tuple[float, float]]:
    return list(zip(_along(longest), map(axis.place, values), strict=False))


@lru_cache
def _along(steps: int) -> list[float]:
    """Where each of so many steps is drawn."""
    size = (WIDTH - LEFT - RIGHT) / max(1, steps - 1)
    return [round(LEFT + size * step, 1) for step in range(steps)]


def _path(places: list[tuple[float, float]]) -> str:
    """Where it begins, and how far each place is from the one before, which is shorter than where it is.

    Places are in tenths and below a thousand: four digits say all of it.
    """
    steps = pairwise([(0.0, 0.0), *places])
    return "m" + " ".join([f"{x - from_x:.4g},{y - from_y:.4g}" for (from_x, from_y), (x, y) in steps])


class _Axis:
    """Where a value lies between two ends of a drawing: evenly, or by powers of ten where values span several."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        self._logarithmic = low > 0 and high / low > LOGARITHMIC
        low, high = self._scaled(low), self._scaled(high)
        share = 0 <= low <= high <= 1 and not self._logarithmic
        room = _ROOM * (high - low) or max(abs(high), 1.0) * _ROOM
        self.low, self.high = (0.0, 1.0) if share and high - low > 0.5 else (low - room, high + room)  # noqa: PLR2004
        if share:
            self.low, self.high = max(0.0, self.low), min(1.0, self.high)
        self._start, self._unit = start, (end - start) / (self.high - self.low)

    def place(self, value: float) -> float:
        return round(self._start + (self._scaled(value) - self.low) * self._unit, 1)

    def ticks(self) -> list[float]:
        """Round numbers between the ends, a few."""
        if self._logarithmic:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            every = -(-len(powers) // _MAX_TICKS)
            wanted = [10.0**power for power in powers if power % every == 0]
            if len(powers) <= _MAX_TICKS // 2 + 1:
                wanted = [times * value for value in wanted for times in (1, 3)]
            return [value for value in wanted if self.low <= self._scaled(value) <= self.high]
        rough = (self.high - self.low) / (_MAX_TICKS - 1)
        power = 10.0 ** math.floor(math.log10(rough))
        size = next(power * times for times in _STEPS if power * times >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / size - 1e-9), math.floor(self.high / size + 1e-9)
        return [number * size for number in range(first, last + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._logarithmic else value


def _finite(values: Sequence[float]) -> list[float]:
    return [value if abs(value) > _TINY else 0.0 for value in values if abs(value) < _HUGE]


def _text(value: float) -> str:
    return short(float(value), _DIGITS)
