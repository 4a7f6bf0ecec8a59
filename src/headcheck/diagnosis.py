"""Which misconception behaves like this submission: wrong in the same way, on every property.

A misconception is named only when it fails on the inputs on which the submission fails, answers the same there, and
passes where the submission passes; on inputs that were graded and on others that nobody was graded on; and when that is
true of no other misconception. What is compared are the answers that a property gets up to its failure: values,
attributes, parameters, gradients, and changed arguments, up to rounding.

What is drawn at random has another value in code that draws in another order. So where answers differ, the submission
is asked again under other seeds. What does not stay the same then must change in the misconception too, in the same
shape and, as far as a few draws can tell, by the same law; the rest must be equal all the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from headcheck.errors import HeadcheckError, SandboxError, StudentRaised
from headcheck.properties import call, draw_cases
from headcheck.protocol import Array, Backward, Call, Raised, Remote, tensor_of, unpack
from headcheck.student import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.properties import Case, Property
    from headcheck.student import Connection, Exchange

    Trial = tuple[Property, list[Case], int]
    """A property, its inputs and their seed."""

PROPERTIES = 4  # that fail, and are looked at closely
FAILED = 6  # inputs of each, or more, until one is found on which it fails
FRESH = 3  # inputs of each that are drawn for this
OTHERS = 1  # input of every other property
DRAWS = 6  # how often what is random is asked
STRIDE = 1 << 16  # between their seeds, more than the calls of any property
LUCK = 5  # standard errors
TOLERANCE = {torch.float64: 1e-6, torch.float32: 5e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}  # for long sums, too
SMALL = 1e-3  # smaller numbers may be what is left of larger ones
ALIKE = {  # what a wrong shape, or a length that is not there, raises is a matter of style
    "ValueError": "IndexError",
    "RuntimeError": "IndexError",
    "AttributeError": "TypeError",
}


PASSED = "passed"


class _Example(NamedTuple):
    """A property on one of its cases."""

    prop: Property
    number: int
    case: Case
    seed: int


class _Trace(NamedTuple):
    """What a solution answered on one example, and how the property ended."""

    answers: list[Any]
    ending: str


class Suspects:
    """An exercise's misconceptions, and what they answer: asked once, remembered for the class."""

    def __init__(self, solutions: dict[str, Any], reference: object) -> None:
        self._connections = {name: local(solution) for name, solution in solutions.items()}
        self._reference = reference
        self._known: dict[tuple[str, str, int, int], _Trace] = {}
        self._fresh: dict[str, list[Case]] = {}

    def name(self, failed: list[Trial], passed: list[Trial], connect: Callable[[], Connection]) -> str | None:
        """The one misconception that is wrong as the submission is, given what that fails and what it passes."""
        left = exact = set(self._connections)
        try:
            for example, first in self._examples(failed, passed, connect):
                same, alike = self._compare(left, example, first, connect)
                left, exact = same | alike, exact & same
                if not left:
                    return None
        except SandboxError:
            raise
        except HeadcheckError:
            return None  # it does not even answer here
        candidates = exact if len(exact) == 1 else left
        return candidates.pop() if len(candidates) == 1 else None

    def _examples(
        self, failed: list[Trial], passed: list[Trial], connect: Callable[[], Connection]
    ) -> Iterator[tuple[_Example, _Trace]]:
        """What is compared, with the submission's answers: first where mistakes show, and what is drawn for it last."""
        for prop, cases, seed in failed[:PROPERTIES]:
            shown = False
            for number, case in enumerate(cases):
                if shown and number >= FAILED:
                    break
                example = _Example(prop, number, case, seed)
                trace = self._ask(connect(), example)
                shown |= trace.ending != PASSED
                if number < FAILED or shown:
                    yield example, trace
        for prop, cases, seed in failed[PROPERTIES:] + passed:
            for number, case in list(enumerate(cases))[-OTHERS:]:
                example = _Example(prop, number, case, seed)
                yield example, self._ask(connect(), example)
        for prop, cases, seed in failed[:PROPERTIES]:
            if prop.name not in self._fresh:
                self._fresh[prop.name] = draw_cases(prop, seed + 1, at_most=FRESH)
            for number, case in enumerate(self._fresh[prop.name], start=len(cases)):
                example = _Example(prop, number, case, seed + 1)
                yield example, self._ask(connect(), example)

    def _compare(
        self, left: set[str], example: _Example, first: _Trace, connect: Callable[[], Connection]
    ) -> tuple[set[str], set[str]]:
        """Those of the suspects that are wrong in the same way, and those that are so but for what is random."""
        same = {name for name in left if _same(first, self._answers(name, example))}
        if same == left:
            return same, set()
        others = [example._replace(seed=example.seed + draw * STRIDE) for draw in range(1, DRAWS)]
        again = self._ask(connect(), others[0])
        if _same(first, again):
            return same, set()
        ours = [first, again, *(self._ask(connect(), other) for other in others[1:])]
        alike = set()
        for name in left - same:
            theirs = [self._answers(name, example)]
            if _alike(ours, theirs):  # most need not be asked more often
                theirs += [self._answers(name, other) for other in others]
                if _alike(ours, theirs):
                    alike.add(name)
        return same, alike

    def _answers(self, name: str, example: _Example) -> _Trace:
        key = name, example.prop.name, example.number, example.seed
        if key not in self._known:
            self._known[key] = self._ask(self._connections[name], example)
        return self._known[key]

    def _ask(self, connection: Connection, example: _Example) -> _Trace:
        return _trace(example.prop, example.case, connection, self._reference, example.seed)


def _trace(prop: Property, case: Case, connection: Connection, reference: object, seed: int) -> _Trace:
    """What one example is answered, up to where the property fails."""
    exchanges: list[Exchange] = []
    ending = PASSED
    try:
        call(prop, case, connection, reference, seed, exchanges=exchanges)
    except StudentRaised as error:
        ending = f"raised {ALIKE.get(error.kind, error.kind)}"
    except HeadcheckError:
        raise
    except Exception:  # noqa: BLE001  (which one is for the student; here it counts that it fails)
        ending = "failed"
    return _Trace([_answer(exchange) for exchange in exchanges], ending)


def _answer(exchange: Exchange) -> Any:
    request, reply = exchange
    if isinstance(reply, Raised):
        return f"raised {ALIKE.get(reply.kind, reply.kind)}"
    value = unpack(reply.value, _seen)
    match request:
        case Backward() if isinstance(value, list):
            value = _by_name(request, value)
        case Call(path="load_state_dict"):
            value = None  # the names that fit, in the order in which they were made
    return [value, {place: tensor_of(array) for place, array in reply.changed.items()}]


def _by_name(request: Backward, gradients: list[Any]) -> list[Any]:
    """Gradients of the inputs in order, and those of the parameters whatever the order in which they were made."""
    inputs, rest = gradients[: len(request.leaves)], gradients[len(request.leaves) :]
    modules = [ref for ref, _ in request.parameters]
    names = [(modules.index(ref), name) for ref, name in request.parameters]
    return [inputs, dict(zip(names, rest, strict=False))]


def _seen(part: object) -> Any:
    """Of a tensor what it holds and whether it has a gradient, of an object only that it is one."""
    match part:
        case Array():
            return tensor_of(part), part.node is not None
        case Remote():
            return part.kind
        case _:
            return type(part).__name__


def _same(one: _Trace, other: _Trace) -> bool:
    """Whether two solutions are both right, or wrong in the same way."""
    return one.ending == other.ending and (one.ending == PASSED or _equal(one.answers, other.answers))


def _alike(ours: list[_Trace], theirs: list[_Trace]) -> bool:
    """Whether two solutions, asked under several seeds, differ only in what is random in both of them.

    Of the other, one answer is enough to tell that it differs in something else.
    """
    endings, others = ({trace.ending for trace in traces} for traces in (ours, theirs))
    if len(endings) == 1 and not endings & others:
        return False
    for draws, drawn in zip(_by_place(ours), _by_place(theirs), strict=False):
        if all(_equal(draws[0], value) for value in draws):
            if not all(_equal(draws[0], value) for value in drawn):
                return False
        elif not _same_law(draws, drawn):
            return False
    return True


def _by_place(traces: list[_Trace]) -> Iterator[tuple[Any, ...]]:
    return zip(*(trace.answers for trace in traces), strict=False)


def _same_law(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """Whether random answers have the same shape and agree in their zeros, their mean and their size."""
    if not _equal(_form(ours[0]), _form(theirs[0])):
        return False
    if len(theirs) == 1:
        return True
    if all(_equal(theirs[0], value) for value in theirs):
        return False
    one, other = (torch.stack([_moments(value) for value in draws]) for draws in (ours, theirs))  # (draws, moments)
    gap = (one.mean(0) - other.mean(0)).abs()
    error = ((one.var(0) + other.var(0)) / DRAWS).sqrt()
    return bool((gap <= LUCK * error + TOLERANCE[torch.float32]).all())


def _moments(value: Any) -> Tensor:
    """The share of zeros, the mean and the root mean square of all real numbers in a value."""
    numbers = torch.cat([torch.zeros(0, dtype=torch.float64), *_numbers(value)]).nan_to_num(0, 0, 0)
    if not len(numbers):
        return torch.zeros(3, dtype=torch.float64)
    return torch.stack([(numbers == 0).double().mean(), numbers.mean(), numbers.square().mean().sqrt()])


def _numbers(value: Any) -> Iterator[Tensor]:
    match value:
        case Tensor() if value.is_floating_point() and not value.is_meta:
            yield value.double().flatten()
        case float():
            yield torch.tensor([value], dtype=torch.float64)
        case list() | tuple():
            for item in value:
                yield from _numbers(item)
        case dict():
            for key in sorted(value, key=str):
                yield from _numbers(value[key])


def _form(value: Any) -> Any:
    """A value without its numbers."""
    match value:
        case Tensor():
            return [list(value.shape), str(value.dtype), str(value.device)]
        case list() | tuple():
            return [_form(item) for item in value]
        case dict():
            return {key: _form(item) for key, item in value.items()}
        case _:
            return type(value).__name__


def _equal(left: Any, right: Any) -> bool:
    match left, right:
        case Tensor(), Tensor():
            return (
                left.shape == right.shape
                and left.dtype == right.dtype
                and left.device == right.device
                and (left.device.type == "meta" or _close(left, right))
            )
        case list() | tuple(), list() | tuple():
            return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
        case dict(), dict():
            return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
        case float(), float():
            close = math.isclose(left, right, rel_tol=1e-4, abs_tol=1e-6)
            return close or not (math.isfinite(left) or math.isfinite(right))
        case _:
            return type(left) is type(right) and bool(left == right)


def _close(left: Tensor, right: Tensor) -> bool:
    """Up to rounding, of numbers of that size; whether a quotient overflows to infinity or NaN is a matter of order."""
    tolerance = TOLERANCE.get(left.dtype, 0.0)
    wide = torch.complex128 if left.is_complex() else torch.float64
    left, right = (torch.where(side.isfinite(), side, math.nan) for side in (left.to(wide), right.to(wide)))
    scale = right.abs().nan_to_num(0.0).amax().clamp(SMALL, 1).item() if right.numel() else 1.0
    return torch.allclose(left, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
