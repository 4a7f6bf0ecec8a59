"""Curves of a training as drawings: where lines, ticks and thresholds go. A page only writes them down.

Runs of one name are one drawing. A curve of a single value is a figure on a scale. Numbers come from a submission: what
is not finite is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headcheck.matrices import short
from headcheck.results import Curve

WIDTH, HEIGHT, SCALE_HEIGHT = 360.0, 190.0, 46.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 28.0
LOGARITHMIC = 30.0
"""How many times the smallest value the largest is where a scale goes by powers of ten."""

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
    """One training: its line through the drawing, where that ends, and its first and last value."""

    points: str
    end: tuple[float, float]
    first: str
    last: str


@dataclass(frozen=True)
class Chart:
    """Runs of one name, a right model's, the thresholds, the span between them, and the numbers on the axis.

    The axis goes up, beside the steps of training; on a scale, which has single figures only, it goes across.
    """

    name: str
    own: tuple[Run, ...]
    right: tuple[Run, ...]
    thresholds: tuple[Threshold, ...]
    allowed: tuple[float, float] | None
    ticks: tuple[Tick, ...]
    is_scale: bool


def charts(curves: Sequence[Curve]) -> list[Chart]:
    """The drawings of a property's curves, those that go on for some steps before single figures."""
    named: dict[str, list[Curve]] = {}
    for curve in curves:
        if _finite(curve.values):
            named.setdefault(curve.name, []).append(curve)
    found = [_chart(name, runs) for name, runs in named.items()]
    return sorted(found, key=lambda chart: chart.is_scale)


def _chart(name: str, runs: list[Curve]) -> Chart:
    own, right = (
        [_finite(values) for values in side] for side in zip(*((c.values, c.right) for c in runs), strict=True)
    )
    right = [values for values in right if values]
    bounds = {
        (bound, at_least)
        for curve in runs
        for bound, at_least in ((curve.at_least, True), (curve.at_most, False))
        if bound is not None and _finite([bound])
    }
    everything = [value for values in (*own, *right) for value in values] + [bound for bound, _ in bounds]
    is_scale = all(len(values) == 1 for values in own)
    ends = (LEFT, WIDTH - RIGHT) if is_scale else (HEIGHT - BOTTOM, TOP)
    axis = _Axis(everything, *ends)
    longest = max(map(len, (*own, *right)))
    if is_scale:
        own, right = sorted(own), sorted(right)
    return Chart(
        name,
        tuple(_run(values, axis, longest, is_scale=is_scale) for values in own),
        tuple(_run(values, axis, longest, is_scale=is_scale) for values in right),
        tuple(Threshold(axis.place(bound), _text(bound), at_least) for bound, at_least in sorted(bounds)),
        _allowed({at_least: axis.place(bound) for bound, at_least in bounds}, *ends),
        tuple(Tick(axis.place(value), _text(value)) for value in axis.ticks()),
        is_scale,
    )


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
    step = (WIDTH - LEFT - RIGHT) / max(1, longest - 1)
    places = [(round(LEFT + step * number, 1), axis.place(value)) for number, value in enumerate(values)]
    return Run(" ".join(f"{x:g},{y:g}" for x, y in places), places[-1], _text(values[0]), _text(values[-1]))


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
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        part = (self._scaled(value) - self.low) / (self.high - self.low)
        return round(self._start + part * (self._end - self._start), 1)

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
