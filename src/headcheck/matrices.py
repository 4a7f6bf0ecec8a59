"""Tensors of a counterexample as small matrices of labelled cells, got beside wanted, with what differs marked.

Both views, terminal and page, draw from here. A value is untrusted: what is not exactly a tensor as
`headcheck.properties.show` writes it is shown as plain text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from headcheck.text import visible

MAX_SIDE = 16
MAX_MATRICES = 8
LEVELS = 5
"""Shades of each sign: a cell's level is -5 to 5, in proportion to the largest number on either side."""
WEIGHT_LEVELS = 10
"""Shades of attention weights: a cell's level is 0 to 10, in tenths of the whole weight of 1."""

_TOLERANCE = {"float64": 1e-9, "float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-2}
_DIGITS = 4
_MORE_DIGITS = (6, 9, 17)
_MAX_RANK = 16
_MAX_PLAIN = 200
_MAX_BITS = 64
_WEIGHTS = re.compile(r"(the |same |dropped )*(\w+\.)*(attention[_ ])?weights(?! @)(?![\w.])")
_OF_KEYS = re.compile(rf"{_WEIGHTS.pattern}|(the )?scores(?![\w.])")

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Cell:
    """One entry; `level` is its shade, None for NaN and infinities."""

    text: str
    level: int | None
    differs: bool = False


@dataclass(frozen=True)
class Matrix:
    """The last `axes` of a tensor, at most two; `label` is its place on the axes before, such as `[0, 1]`."""

    label: str
    axes: int
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def differs(self) -> bool:
        return any(cell.differs for row in self.rows for cell in row)


@dataclass(frozen=True)
class View:
    """One named value: matrices when it is a small tensor, otherwise one line of text; `kind` is dtype and shape.

    Where the name says that they are attention weights or scores, rows are queries (`down`) and columns keys
    (`across`); `weights` have shades of their own.
    """

    name: str
    kind: str = ""
    text: str = ""
    matrices: tuple[Matrix, ...] = ()
    left_out: int = 0
    weights: bool = False
    down: str = ""
    across: str = ""

    @property
    def differs(self) -> bool:
        return any(matrix.differs for matrix in self.matrices)

    @property
    def is_alone(self) -> bool:
        """Whether a tensor is one matrix, so that its place says nothing."""
        return len(self.matrices) + self.left_out == 1


@dataclass(frozen=True)
class Pair:
    """What was got beside what was wanted in its place; either may be missing."""

    got: View | None
    wanted: View | None

    @property
    def is_alike(self) -> bool:
        """Whether both are the same but for their numbers."""
        if self.got is None or self.wanted is None:
            return False
        return (self.got.name, self.got.kind) == (self.wanted.name, self.wanted.kind)


def views(values: dict[str, Any]) -> list[View]:
    """Each value by itself: the inputs of a counterexample."""
    return [_view(name, value) for name, value in _spread(values).items()]


def pairs(got: dict[str, Any], wanted: dict[str, Any]) -> list[Pair]:
    """Values of one name side by side, and so are a single remaining one on either side."""
    left, right = _spread(got), _spread(wanted)
    extra_left = [name for name in left if name not in right]
    extra_right = [name for name in right if name not in left]
    partner = {name: name for name in left if name in right}
    if len(extra_left) == len(extra_right) == 1:
        partner[extra_left[0]] = extra_right.pop()
    found = []
    for name, value in left.items():
        other = partner.get(name)
        if other is None:
            found.append(Pair(_view(name, value), None))
        else:
            differ = _differences(value, right[other])
            found.append(Pair(_view(name, value, right[other], differ), _view(other, right[other], value, differ)))
    return found + [Pair(None, _view(name, right[name])) for name in extra_right]


def short(value: Any, digits: int = _DIGITS) -> str:
    """A number in at most four significant digits, without trailing zeros; whole numbers in full."""
    match value:
        case bool() | None:
            return str(value)
        case int():
            return str(value) if value.bit_length() <= _MAX_BITS else f"an integer of {value.bit_length():,} bits"
        case float():
            mantissa, exponent, power = f"{value or 0.0:.{digits}g}".partition("e")
            return f"{mantissa}{exponent}{int(power)}" if power else mantissa
        case _:
            return visible(str(value), limit=_MAX_PLAIN)


def _spread(values: dict[str, Any]) -> dict[str, Any]:
    """Lists of tensors, one name an item."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and any(_is_tensor(item) for item in value):
            found |= {f"{name}[{place}]": item for place, item in enumerate(value)}
        else:
            found[name] = value
    return found


def _view(name: str, value: Any, other: Any = None, differ: list[bool] | None = None) -> View:
    if not _is_tensor(value):
        return View(name, text=_plain(value))
    shape, kind = value["shape"], f"{value['dtype']} ({', '.join(map(str, value['shape']))})"
    numbers = _leaves(value)
    if 0 in shape:
        return View(name, kind, "no values")
    if not numbers or max(shape[-2:], default=1) > MAX_SIDE:
        return View(name, kind, _summary(numbers, differ))
    same_shape = _is_tensor(other) and other["shape"] == shape
    others = (_leaves(other) if same_shape else []) or numbers
    weights = bool(_WEIGHTS.match(name)) and all(_is_share(number) for number in (*numbers, *others))
    cells = _cells(numbers, others, differ or [False] * len(numbers), weights=weights)
    matrices = _split(cells, shape)
    chosen = sorted(sorted(range(len(matrices)), key=lambda place: not matrices[place].differs)[:MAX_MATRICES])
    shown, left_out = tuple(matrices[place] for place in chosen), len(matrices) - len(chosen)
    down, across = ("queries", "keys") if _OF_KEYS.match(name) and len(shape) > 1 else ("", "")
    return View(name, kind, "", shown, left_out, weights, down, across)


def _split(cells: list[Cell], shape: list[int]) -> list[Matrix]:
    columns, rows = shape[-1] if shape else 1, shape[-2] if len(shape) > 1 else 1
    lines = _chunks(cells, columns)
    labels = [f"[{', '.join(map(str, place))}]" if place else "" for place in product(*map(range, shape[:-2]))]
    return [Matrix(label, min(len(shape), 2), block) for label, block in zip(labels, _chunks(lines, rows), strict=True)]


def _chunks(items: Sequence[_Item], size: int) -> tuple[tuple[_Item, ...], ...]:
    return tuple(tuple(items[start : start + size]) for start in range(0, len(items), size))


def _cells(numbers: list[Any], others: list[Any], differ: list[bool], *, weights: bool) -> list[Cell]:
    largest = max((abs(value) for value in (*numbers, *others) if _finite(value)), default=0)
    scale, levels = (1, WEIGHT_LEVELS) if weights else (largest, LEVELS)
    return [
        Cell(_text(value, other) if off else short(value), _level(value, scale, levels), off)
        for value, other, off in zip(numbers, others, differ, strict=True)
    ]


def _text(value: Any, other: Any) -> str:
    """The number, with as many digits as tell it from the other."""
    for digits in (_DIGITS, *_MORE_DIGITS):
        if short(value, digits) != short(other, digits):
            return short(value, digits)
    return short(value)


def _level(value: Any, scale: float, levels: int) -> int | None:
    if not _finite(value):
        return None
    return round(levels * (value / scale)) if scale else 0


def _is_share(value: Any) -> bool:
    """A weight between 0 and 1, or what is no number and has no shade."""
    return not _finite(value) or (isinstance(value, float) and 0 <= value <= 1)


def _finite(value: Any) -> bool:
    match value:
        case int():
            return value.bit_length() <= _MAX_BITS
        case float():
            return math.isfinite(value)
        case _:
            return False


def _differences(got: Any, wanted: Any) -> list[bool] | None:
    """Which numbers differ beyond the tolerance of the dtype, or at all when none does; None without any to compare."""
    if not (_is_tensor(got) and _is_tensor(wanted) and got["shape"] == wanted["shape"]):
        return None
    both = list(zip(_leaves(got), _leaves(wanted), strict=False))
    tolerance = _TOLERANCE.get(wanted["dtype"], 0.0)
    found = [not _agree(left, right, tolerance) for left, right in both]
    return found if any(found) else [not _agree(left, right, 0.0) for left, right in both]


def _agree(left: Any, right: Any, tolerance: float) -> bool:
    if "nan" in (left, right):
        return False
    if left == right or not (_finite(left) and _finite(right)):
        return bool(left == right)
    return bool(abs(left - right) <= tolerance + tolerance * abs(right))


def _summary(numbers: list[Any], differ: list[bool] | None) -> str:
    if differ and any(differ):
        return f"too large to show; {sum(differ):,} of {len(differ):,} values differ"
    finite = [value for value in numbers if _finite(value)]
    return f"too large to show; from {short(min(finite))} to {short(max(finite))}" if finite else "too large to show"


def _plain(value: Any) -> str:
    match value:
        case list():
            return visible(f"[{', '.join(map(_plain, value[:_MAX_PLAIN]))}]", limit=_MAX_PLAIN)
        case dict():
            items = (f"{name}: {_plain(item)}" for name, item in value.items())
            return visible(f"{{{', '.join(items)}}}", limit=_MAX_PLAIN)
        case _:
            return short(value)


def _is_tensor(value: Any) -> bool:
    match value:
        case {"dtype": str(), "shape": [*shape], **rest}:
            sizes = all(type(size) is int and 0 <= size < 2**_MAX_BITS for size in shape) and len(shape) <= _MAX_RANK
            return sizes and (not rest or (rest.keys() == {"values"} and _fits(rest["values"], shape)))
        case _:
            return False


def _fits(values: Any, shape: list[int]) -> bool:
    if not shape:
        return isinstance(values, bool | int | float | str)
    return isinstance(values, list) and len(values) == shape[0] and all(_fits(value, shape[1:]) for value in values)


def _leaves(tensor: dict[str, Any]) -> list[Any]:
    """The numbers of a tensor in order, none when they were not kept."""
    found = [tensor["values"]] if "values" in tensor else []
    for _ in tensor["shape"]:
        found = [item for values in found for item in values]
    return found
