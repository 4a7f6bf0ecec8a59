"""Assertions about tensors that say what differs: shape, dtype, the first differing index, got and wanted.

The order is fixed: is it a tensor, has it the dtype, the shape, is it finite, and only then do the numbers agree.
`NaN` never passes and a `(1,)` never broadcasts. Each failure is a `Mismatch`, which carries both sides for the report.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import takewhile
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from headcheck.errors import StudentRaised
from headcheck.protocol import bytes_of
from headcheck.results import Curve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_POINTS = 200
MAX_DRAWN = 1e12
NO_RETURN = "is a `return` missing?"
"""How each message ends that says that nothing came back."""
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 1e-2}


class Mismatch(AssertionError):
    """What came back is not what was wanted; `got` and `wanted` are shown side by side."""

    def __init__(
        self, message: str, *, got: dict[str, Any] | None = None, wanted: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.got = got or {}
        self.wanted = wanted or {}


def assert_tensor(got: object, *, what: str = "the result") -> Tensor:
    """It is a tensor, and not a list, a tuple or None."""
    if isinstance(got, Tensor):
        return got
    if got is None:
        raise Mismatch(f"{what} is None: is a `return` missing?", got={what: None})
    raise Mismatch(_no_tensor(got, what), got={what: _kind(got)})


def _no_tensor(got: object, what: str) -> str:
    """What came instead of a tensor, and what to do about it."""
    match got:
        case bool() | int() | float():
            return f"{what} is not a tensor but a {_kind(got)}: leave out `.item()`, `float` and the like"
        case list():
            return f"{what} is not a tensor but a list: leave out `.tolist()`, or make one tensor of it by torch.stack"
        case tuple():
            return f"{what} is not a tensor but a tuple of {len(got)}: does `return` name more than is asked for?"
    match _kind(got):
        case "ndarray":
            return f"{what} is not a tensor but a numpy array: leave out `.numpy()`, and use torch's functions"
        case "function" | "method" | "builtin_function_or_method" as kind:
            return f"{what} is not a tensor but a {kind}: are the round brackets of its call missing?"
        case kind:
            return f"{what} is not a tensor but a {kind}"


def assert_shape(got: object, shape: tuple[int, ...], *, what: str = "the result") -> Tensor:
    """It is a tensor of exactly this shape."""
    tensor = assert_tensor(got, what=what)
    if tuple(tensor.shape) != tuple(shape):
        raise Mismatch(
            f"{what} has shape {tuple(tensor.shape)}, wanted {tuple(shape)}",
            got={what: tensor}, wanted={f"shape of {what}": list(shape)},
        )  # fmt: skip
    return tensor


def assert_dtype(got: object, dtype: torch.dtype, *, what: str = "the result") -> Tensor:
    """It is a tensor of exactly this dtype."""
    tensor = assert_tensor(got, what=what)
    if tensor.dtype != dtype:
        message = f"{what} is {_name(tensor.dtype)}, wanted {_name(dtype)}"
        if tensor.is_floating_point() and dtype.is_floating_point:
            message = (
                f"{what} is {_name(tensor.dtype)}, wanted {_name(dtype)}: give what you create the dtype of the inputs"
            )
        raise Mismatch(message, got={what: tensor})
    return tensor


def assert_finite(got: object, *, what: str = "the result") -> Tensor:
    """It is a tensor without NaN and infinities."""
    tensor = assert_tensor(got, what=what)
    if not torch.isfinite(tensor).all():
        index = _first(~torch.isfinite(tensor))
        raise Mismatch(f"{_at(what, index)} is {tensor[index].item()}, wanted a finite number", got={what: tensor})
    return tensor


def assert_close(
    got: object,
    wanted: Tensor,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    what: str = "the result",
    dtype: bool = True,
) -> Tensor:
    """It is `wanted` up to `atol + rtol * |wanted|` (default: by dtype, 1e-9, 1e-5 or 1e-2), everywhere.

    Nothing equals nothing, but proves nothing: an empty `wanted`, made of sizes that the submission claims, is refused.
    """
    tensor = assert_shape(got, tuple(wanted.shape), what=what)
    if not wanted.numel():
        raise Mismatch(f"{what} has the shape {tuple(wanted.shape)}: it is empty, so it shows nothing")
    if dtype:
        assert_dtype(tensor, wanted.dtype, what=what)
    default = TOLERANCE.get(wanted.dtype, 0.0)
    rtol = default if rtol is None else rtol
    atol = default if atol is None else atol
    wide = torch.complex128 if tensor.is_complex() or wanted.is_complex() else torch.float64
    left, right = tensor.detach().to(wide), wanted.detach().to(wide)
    agree = (left == right) | ((left - right).abs() <= atol + rtol * right.abs())
    if not agree.all():
        index = _first(~agree)
        is_this, not_that = _told_apart(left[index].item(), right[index].item())
        message = f"{_at(what, index)} is {is_this}, wanted {not_that}"
        raise Mismatch(message, got={what: tensor}, wanted={what: wanted})
    return tensor


def assert_equal(got: object, wanted: Tensor, *, what: str = "the result") -> Tensor:
    """It is `wanted`, element by element, exactly."""
    return assert_close(got, wanted, rtol=0.0, atol=0.0, what=what)


def assert_zero(got: object, *, where: Tensor | None = None, what: str = "the result") -> Tensor:
    """It is exactly 0 at every place where the mask `where` is True (everywhere by default)."""
    tensor = assert_tensor(got, what=what)
    places = torch.ones_like(tensor, dtype=torch.bool) if where is None else where
    assert_shape(tensor, tuple(places.shape), what=what)
    wrong = places & ~(tensor.detach() == 0)
    if wrong.any():
        index = _first(wrong)
        raise Mismatch(
            f"{_at(what, index)} is {_number(tensor[index])}, wanted exactly 0",
            got={what: tensor}, wanted={what: tensor.detach().masked_fill(places, 0)},
        )  # fmt: skip
    return tensor


def assert_unchanged(now: Tensor, before: Tensor, *, what: str) -> None:
    """An argument holds, bit for bit, what it held before the call."""
    if now.shape != before.shape or now.dtype != before.dtype or bytes_of(now) != bytes_of(before):
        message = f"your code changed its argument `{what}`"
        raise Mismatch(message, got={f"{what} after the call": now}, wanted={f"{what} before the call": before})


def assert_number(got: object, wanted: float, *, atol: float, what: str = "the result") -> float:
    """It is a Python number (not a tensor, not a bool) within `atol` of `wanted`."""
    if isinstance(got, bool) or not isinstance(got, int | float):
        raise Mismatch(f"{what} is not a number but a {_kind(got)}", got={what: got if got is None else _kind(got)})
    if not abs(got - wanted) <= atol:
        raise Mismatch(f"{what} is {got:g}, wanted {wanted:g}", got={what: got}, wanted={what: wanted})
    return float(got)


class Recorder:
    """The curves of one run of a property, in the order in which they began."""

    def __init__(self) -> None:
        self._found: list[tuple[Curve, list[float]]] = []
        self._open: dict[str, int] = {}
        self._measured = False

    def add(self, what: str, values: object) -> None:
        """Go on with the curve of that name; what comes after a figure belongs to another training."""
        if self._measured:
            self._open.clear()
            self._measured = False
        if what not in self._open:
            self._open[what] = len(self._found)
            self._found.append((Curve(what, []), []))
        self._found[self._open[what]][1].extend(_numbers(values))

    def end(self, what: str, value: float, at_least: float, at_most: float) -> None:
        """The figure that a training came to: the last value of the curve of that name, or the only one."""
        bounds = [bound if isfinite(bound) else None for bound in (at_least, at_most)]
        curve = Curve(what, [], [], *bounds)
        if what in self._open:
            place = self._open.pop(what)
            self._found[place] = curve, [*self._found[place][1], *_numbers(value)]
        else:
            self._found.append((curve, _numbers(value)))
        self._measured = True

    def curves(self) -> list[Curve]:
        """What was recorded: thinned to `MAX_POINTS`, and cut where it is no longer a finite number."""
        drawn = [replace(curve, values=_drawn(values)) for curve, values in self._found]
        return [curve for curve in drawn if curve.values]


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Iterator[Recorder]:
    """What `record` and `assert_measured` are told in this block, as curves."""
    recorder = Recorder()
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def record(what: str, values: object) -> None:
    """A point of a training's curve, or all of them at once; what is no number, or no list of them, is left out.

    A curve of the same name as a figure that is measured next ends with that figure, and is shown with its thresholds.
    """
    recorder = _recorder.get()
    if recorder is not None:
        recorder.add(what, values)


@dataclass(frozen=True)
class Measurement:
    """A figure that a training came to, and between which thresholds it should lie."""

    what: str
    value: float
    at_least: float
    at_most: float


_measured: ContextVar[list[Measurement] | None] = ContextVar("measured", default=None)


@contextmanager
def measurements() -> Iterator[list[Measurement]]:
    """What `assert_measured` is told in this block; it only listens there, so that wrong models run to their end."""
    found: list[Measurement] = []
    token = _measured.set(found)
    try:
        yield found
    finally:
        _measured.reset(token)


def assert_measured(value: float, *, what: str, at_least: float = -inf, at_most: float = inf) -> None:
    """A trained model's figure lies within its thresholds, which are set where right and wrong were measured."""
    recorder = _recorder.get()
    if recorder is not None:
        recorder.end(what, value, at_least, at_most)
    listening = _measured.get()
    if listening is not None:
        listening.append(Measurement(what, value, at_least, at_most))
    elif not at_least <= value <= at_most:
        bound = f"at least {at_least:g}" if value < at_least or at_most == inf else f"at most {at_most:g}"
        raise Mismatch(f"{what} is {value:.3f}, wanted {bound}", got={what: value})


def assert_that(condition: bool, message: str, **got: Any) -> None:
    """A claim that no other assertion makes; the keywords are shown as what was got."""
    if not condition:
        raise Mismatch(message, got=got)


def assert_responds(function: Callable[[Any], Any], first: Any, second: Any, *, what: str = "the result") -> None:
    """Two different inputs get two different answers, and the first input gets its own again.

    For gates: no constant, remembered or repeated answer passes. The function returns a tensor, a number, or a list,
    tuple or dictionary of them.
    """
    one, two, again = _flat(function(first)), _flat(function(second)), _flat(function(first))
    if not one:
        raise Mismatch(f"{what} holds no numbers")
    if _same(one, two):
        raise Mismatch(f"{what} is the same for two different inputs: it does not depend on them", got={what: one[0]})
    if not _same(one, again):
        raise Mismatch(
            f"{what} is not the same when the same input comes again: is an argument changed, or something remembered?",
            got={f"{what}, second time": again[0] if again else None}, wanted={f"{what}, first time": one[0]},
        )  # fmt: skip


def assert_not_copied(got: object, given: Tensor, *, what: str = "the result") -> None:
    """It is not simply an argument handed back."""
    tensor = assert_tensor(got, what=what)
    if tensor.shape == given.shape and torch.equal(tensor.to(given.dtype), given):
        raise Mismatch(f"{what} is the argument itself", got={what: tensor})


def assert_raises(kind: str, function: Callable[..., Any], *args: Any, what: str) -> None:
    """The student's code raises this exception or a kind of it, by the name of its type; `what` says on which input."""
    try:
        answer = function(*args)
    except StudentRaised as error:
        if kind in (error.kind, *error.bases):
            return
        raise Mismatch(f"{what} raises {error}, wanted a {kind}") from error
    raise Mismatch(f"{what} raises nothing, wanted a {kind}", got={what: answer})


def gradients(output: object, inputs: list[Tensor], *, what: str = "the result") -> list[Tensor]:
    """The gradients of the sum of `output`; zeros where it does not depend on an input.

    A result that is cut from the graph is the student's mistake, and said so.
    """
    tensor = assert_tensor(output, what=what)
    if not tensor.requires_grad:
        raise Mismatch(f"no gradient flows through {what}: it was detached, or made from plain numbers")
    found = torch.autograd.grad(tensor.sum(), inputs, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(of) if grad is None else grad for grad, of in zip(found, inputs, strict=True)]


def assert_gradcheck(function: Callable[..., Any], *inputs: Tensor, what: str = "the result") -> None:
    """The gradient of `function` agrees with finite differences; the inputs are float64 leaves with gradient."""
    output = assert_tensor(function(*inputs), what=what)
    if not output.requires_grad:
        raise Mismatch(f"no gradient flows through {what}: it was detached, or made from plain numbers")
    try:
        torch.autograd.gradcheck(function, inputs, nondet_tol=1e-7)
    except GradcheckError as error:
        reason = str(error).splitlines()[0]
        raise Mismatch(f"the gradient of {what} is not its derivative: {reason}") from error


def _numbers(values: object) -> list[float]:
    """A number, or those at the beginning of a list, as floats."""
    match values:
        case list() | tuple():
            singles = [_numbers(value) if not isinstance(value, list | tuple) else [] for value in values]
            return [number for one in takewhile(len, singles) for number in one]
        case Tensor() if values.numel() == 1 and values.device.type == "cpu" and not values.is_complex():
            return [float(values.item())]
        case bool() | None:
            return []
        case int() | float() if -MAX_DRAWN <= values <= MAX_DRAWN:
            return [float(values)]
        case float() | int():
            return [inf]
        case _:
            return []


def _drawn(values: list[float]) -> list[float]:
    stride = -(-len(values) // MAX_POINTS)
    kept = [value for place, value in enumerate(values) if (len(values) - 1 - place) % stride == 0] if stride else []
    return [float(f"{value:.4g}") for value in takewhile(isfinite, kept)]


def _flat(answer: Any) -> list[Tensor]:
    """The tensors and numbers of an answer, as tensors."""
    match answer:
        case Tensor():
            return [answer.detach()]
        case bool() | int() | float():
            return [torch.tensor(float(answer))]
        case list() | tuple():
            return [part for item in answer for part in _flat(item)]
        case dict():
            return [part for item in answer.values() for part in _flat(item)]
        case _:
            return []


def _same(left: list[Tensor], right: list[Tensor]) -> bool:
    return len(left) == len(right) and all(
        a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(left, right, strict=True)
    )


def _first(wrong: Tensor) -> tuple[int, ...]:
    return tuple(int(i) for i in wrong.nonzero()[0])


def _at(what: str, index: tuple[int, ...]) -> str:
    return f"{what}{list(index)}" if index else what


def _number(value: Tensor) -> str:
    return f"{value.item():.6g}"


def _told_apart(left: complex, right: complex) -> tuple[str, str]:
    """Two numbers with as few digits as show that they differ."""
    texts = ((f"{left:.{digits}g}", f"{right:.{digits}g}") for digits in (6, 9, 12, 17))
    return next((pair for pair in texts if pair[0] != pair[1]), (str(left), str(right)))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _kind(value: object) -> str:
    return getattr(value, "_type_name", None) or type(value).__name__
