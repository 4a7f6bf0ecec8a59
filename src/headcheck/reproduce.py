"""One line of Python that makes a failing call again, in a student's own shell, in their directory of exercises.

It is made of what the submission was asked, and cut down to what one answer depends on: that which the counterexample
shows, or else the last. What cannot be said in a line (a function of the grader's, a large tensor, a training) is not.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from headcheck.protocol import (
    Array,
    Backward,
    Call,
    Done,
    Dtype,
    Generator,
    Get,
    Mapping,
    Parameters,
    Raised,
    Remote,
    Sequence,
    generator_of,
    parts,
    tensor_of,
)
from headcheck.worker import SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.protocol import Ref, Request, Value
    from headcheck.student import Exchange

    Answer: TypeAlias = "Call | Get"

MAX_LINE = 420
MAX_SAID = 64  # of which a line may be made
MAX_WHOLE = 1e6
SEEDS = 32  # that random numbers are looked for under
FEW, MANY = 2, 8  # numbers that are written out, whatever they are; and that are written shorter as whole ones
EXACT, ENOUGH = 17, 5
"""Digits of a number: no two numbers look alike, or only to somebody who sees four after the point."""
RETURN_THEMSELVES = {"train", "eval", "to", "float", "double", "half", "bfloat16", "requires_grad_"}


class _Unsayable(Exception):
    """Not in one line."""


def line_for(exchanges: list[Exchange], module: str, got: dict[str, Any]) -> str:
    """The line after which Python shows `got` again, or the exception; "" where there is none of reasonable length."""
    if len(exchanges) > MAX_SAID:
        return ""
    try:
        chosen = _chosen(exchanges, got)
        lines = (_Script(exchanges, digits).line(chosen, module) for digits in (EXACT, ENOUGH))
        return next((line for line in lines if len(line) <= MAX_LINE), "")
    except _Unsayable:
        return ""


def _chosen(exchanges: list[Exchange], got: dict[str, Any]) -> int:
    """The number of the exchange that brought what was got, or the exception, or else the last answer.

    Weights are an answer only where nothing was asked after them: elsewhere they are read to be set.
    """
    numbers = range(len(exchanges))[::-1]
    if exchanges and isinstance(exchanges[-1].reply, Raised):
        return len(exchanges) - 1
    shown = [value for value in got.values() if isinstance(value, Tensor) and value.numel()]
    for number in numbers:
        if any(_same(array, value) for array in _answers(exchanges[number]) for value in shown):
            return number
    for number in numbers:
        request = exchanges[number].request
        if isinstance(request, Parameters) or (number == numbers[0] and _reads_weights(request)):
            return number
        if isinstance(request, Backward):
            break  # it was about gradients
        if isinstance(request, Call | Get) and not _is_about_weights(request) and not _made(exchanges[number]):
            return number
    raise _Unsayable


def _reads_weights(request: Request) -> bool:
    return isinstance(request, Call) and request.path.rpartition(".")[2] == "state_dict"


def _is_about_weights(request: Call | Get) -> bool:
    return request.path.rpartition(".")[2] in {"state_dict", "load_state_dict", "training", *RETURN_THEMSELVES}


def _made(exchange: Exchange) -> Remote | None:
    """The object that an exchange brought, and that stays with the submission."""
    value = None if isinstance(exchange.reply, Raised) else exchange.reply.value
    return value if isinstance(value, Remote) else None


def _answers(exchange: Exchange) -> Iterator[Tensor]:
    if isinstance(exchange.request, Call | Get) and not isinstance(exchange.reply, Raised):
        yield from _tensors(exchange.reply.value)


def _tensors(value: Value) -> Iterator[Tensor]:
    return (tensor_of(part) for part in parts(value) if isinstance(part, Array))


def _same(left: Tensor, right: Tensor) -> bool:
    if left.is_meta or (left.shape, left.dtype, left.device) != (right.shape, right.dtype, right.device):
        return False
    return bool(((left == right) | (left.isnan() & right.isnan())).all())


def _names(state: Mapping) -> list[Any]:
    return [name for name, _ in state.items]


class _Script:
    """Statements that lead to one answer, made from behind: what is asked, of which object, and how that was made."""

    def __init__(self, exchanges: list[Exchange], digits: int) -> None:
        self._exchanges = exchanges
        self._digits = digits
        self._random = False
        self._imported: list[str] = []
        self._statements: list[str] = []
        self._variables: dict[int, str] = {}  # by the number of the exchange that made an object

    def line(self, chosen: int, module: str) -> str:
        """All of it, ending in a `print`."""
        request = self._exchanges[chosen].request
        owner = self._owner(request, chosen) if isinstance(request, Call | Get | Parameters) else None
        if owner is not None:
            self._make(owner, chosen)
            self._call_before(owner, chosen)
        asked = self._expression(chosen)
        self._reseed(owner, chosen)
        self._statements.append(f"print({asked})")
        text = "; ".join(self._statements)
        if self._random:  # the numbers of the arguments are not to be drawn between the seed and the call
            text = text.replace("generator=torch.manual_seed(", "generator=torch.Generator().manual_seed(")
        names = ", ".join(dict.fromkeys(self._imported))
        head = f"from {module} import {names}; " if names else ""
        return head + ("import torch; " if "torch." in text else "") + text

    def _expression(self, number: int) -> str:
        """What an exchange asked for."""
        request = self._exchanges[number].request
        if isinstance(request, Get) and request.ref == SUBMISSION:
            self._imported.append(request.path)
            return request.path
        if isinstance(request, Get):
            return f"{self._object(request.ref, number)}.{request.path}"
        if isinstance(request, Parameters):
            parameters = f"{self._object(request.ref, number)}.named_parameters()"
            return f"{{n: tuple(w.shape) for n, w in {parameters}}}"
        if not isinstance(request, Call) or request.parameters:
            raise _Unsayable
        function = self._object(request.ref, number) + (f".{request.path}" if request.path else "")
        arguments = [self._value(value, number) for value in request.args]
        arguments += [f"{name}={self._value(value, number)}" for name, value in request.kwargs.items()]
        if request.path == "__getitem__":
            return f"{self._object(request.ref, number)}[{arguments[0]}]"
        return f"{function}({', '.join(arguments)})"

    def _source(self, ref: Ref, before: int) -> int:
        """The number of the exchange that brought an object first."""
        for number in range(before):
            made = _made(self._exchanges[number])
            if made is not None and made.ref == ref:
                return number
        raise _Unsayable

    def _object(self, ref: Ref, before: int) -> str:
        source = self._source(ref, before)
        if source in self._variables:
            return self._variables[source]
        if isinstance(self._exchanges[source].request, Call):
            self._make(source, before)
            return self._variables[source]
        return self._expression(source)

    def _owner(self, request: Call | Get | Parameters, before: int) -> int | None:
        """The exchange that made the object which is asked, or of which that is a part; None for a plain function."""
        if request.ref == SUBMISSION:
            return None
        source = self._source(request.ref, before)
        asked = self._exchanges[source].request
        if isinstance(asked, Call):
            return source
        return self._owner(asked, source) if isinstance(asked, Get) else None

    def _make(self, source: int, before: int) -> None:
        """Make an object, and put it into the state in which it is asked."""
        if source in self._variables:
            return
        call = self._expression(source)
        name = "m" if not self._variables else f"m{len(self._variables) + 1}"
        steps = [number for number in range(source + 1, before) if self._concerns(number, source)]
        loads = [number for number in steps if self._path(number).endswith("load_state_dict")]
        modes = [number for number in steps if self._path(number) in ("train", "eval")]
        kept = [number for number in steps if self._path(number) in RETURN_THEMSELVES - {"train", "eval"}]
        for number in [*modes[-1:], *kept]:
            call += self._method(number)
        if not any(self._is_whole(number) for number in loads):
            self._seed(source)
        self._variables[source] = name
        self._statements.append(f"{name} = {call}")
        if loads:
            self._statements.append(self._load(loads[-1], source, name))

    def _is_whole(self, load: int) -> bool:
        """Whether all of a module's weights are loaded: without `strict=False` they must be."""
        request = self._exchanges[load].request
        return isinstance(request, Call) and not request.kwargs

    def _load(self, number: int, owner: int, name: str) -> str:
        """The statement that gives a module its weights; where they are not all of its own, the others are as drawn."""
        request = self._exchanges[number].request
        assert isinstance(request, Call)
        state = request.args[0] if request.args else None
        text = ""
        if request.path == "load_state_dict" and isinstance(state, Mapping):
            if not request.kwargs or _names(state) in self._names(owner, number, Call):
                text = _simple_state(state, name, f"{name}.state_dict().items()", "")
            elif _names(state) in self._names(owner, number, Parameters):
                text = _simple_state(state, name, f"{name}.named_parameters()", ", strict=False")
        return text or self._expression(number)

    def _names(self, owner: int, before: int, kind: type[Call | Parameters]) -> list[list[Any]]:
        """What each state that was read until then holds, by name and in order."""
        found = []
        for number in range(owner + 1, before):
            request, reply = self._exchanges[number]
            read = isinstance(request, Parameters) or self._path(number) == "state_dict"
            if isinstance(request, kind) and read and isinstance(reply, Done) and isinstance(reply.value, Mapping):
                found += [_names(reply.value)] if self._owner(request, number) == owner else []
        return found

    def _call_before(self, owner: int, chosen: int) -> None:
        """An attribute shows what the last call has left in it."""
        if not isinstance(self._exchanges[chosen].request, Get):
            return
        for number in range(chosen - 1, owner, -1):
            if self._concerns(number, owner) and self._path(number) in ("", "forward"):
                self._reseed(owner, number)
                self._statements.append(self._expression(number))
                return

    def _concerns(self, number: int, owner: int) -> bool:
        request = self._exchanges[number].request
        return isinstance(request, Call) and self._owner(request, number) == owner

    def _path(self, number: int) -> str:
        request = self._exchanges[number].request
        return request.path if isinstance(request, Call) else ""

    def _method(self, number: int) -> str:
        request = self._exchanges[number].request
        assert isinstance(request, Call)
        arguments = ", ".join(self._value(value, number) for value in request.args)
        return ".double()" if arguments == "torch.float64" else f".{request.path}({arguments})"

    def _reseed(self, owner: int | None, number: int) -> None:
        """What draws is called under its seed: dropout, and a function that makes numbers out of none."""
        request = self._exchanges[number].request
        made = request if owner is None else self._exchanges[owner].request
        if not isinstance(request, Call) or not isinstance(made, Call):
            return
        given = [*made.args, *made.kwargs.values()]
        drops = owner is not None and any(isinstance(value, float) and value > 0 for value in given)
        makes = not any(True for value in given for _ in _tensors(value)) and any(
            True for _ in _answers(self._exchanges[number])
        )
        if drops or (owner is None and makes):
            self._random = True
            self._seed(number)

    def _seed(self, number: int) -> None:
        request = self._exchanges[number].request
        if isinstance(request, Call):
            self._statements.append(f"torch.manual_seed({request.seed})")

    def _value(self, value: Value, before: int) -> str:
        match value:
            case Array():
                return _tensor(value, self._digits)
            case Remote():
                return self._object(value.ref, before)
            case Sequence():
                items = [self._value(item, before) for item in value.items]
                end = "," if value.is_tuple and len(items) == 1 else ""
                return f"({', '.join(items)}{end})" if value.is_tuple else f"[{', '.join(items)}]"
            case Mapping():
                return "{" + ", ".join(f"{key!r}: {self._value(item, before)}" for key, item in value.items) + "}"
            case Dtype():
                return f"torch.{value.name}"
            case Generator():
                return _generator(value)
            case bool() | int() | str() | None:
                return repr(value)
            case float():
                return repr(value) if isfinite(value) else f"float('{value}')"
        raise _Unsayable


def _generator(value: Generator) -> str:
    generator = generator_of(value)
    seed = generator.initial_seed()
    if not torch.equal(torch.Generator().manual_seed(seed).get_state(), generator.get_state()):
        raise _Unsayable
    return f"torch.Generator().manual_seed({seed})"


def _tensor(array: Array, digits: int) -> str:
    """An expression for a tensor, in the order in which it lies in memory."""
    if array.meta:
        raise _Unsayable
    tensor = tensor_of(array)
    order = array.order or list(range(tensor.dim()))
    text = _in_order(tensor.permute(order) if tensor.dim() else tensor, digits)
    if array.order is not None:
        text += f".permute{tuple(order.index(dim) for dim in range(tensor.dim()))}"
    if array.leaf is not None:
        text += ".requires_grad_()" + (".clone()" if array.cloned else "")
    return text


def _in_order(tensor: Tensor, digits: int) -> str:
    shape = ", ".join(map(str, tensor.shape))
    if not tensor.numel():
        return f"torch.zeros({shape}, dtype={tensor.dtype})"
    if tensor.is_floating_point() and tensor.numel() > FEW:
        for name, wanted in (("zeros", 0.0), ("ones", 1.0)):
            if (tensor == wanted).all():
                return f"torch.{name}({shape}{_dtype(tensor)})"
        drawn = _drawn(tensor)
        if drawn:
            return drawn
    if tensor.numel() > MAX_LINE:
        raise _Unsayable
    whole = tensor.is_floating_point() and tensor.numel() > MANY and bool((tensor == tensor.long()).all())
    numbers = f"torch.tensor({_nested(tensor.long() if whole else tensor, digits)}"
    if tensor.dtype == torch.float32 and whole:
        return f"{numbers}).float()"
    if tensor.dtype == torch.float64 and (digits == ENOUGH or torch.equal(tensor.float().double(), tensor)):
        return f"{numbers}).double()"
    return f"{numbers}{_dtype(tensor)})"


def _dtype(tensor: Tensor) -> str:
    return "" if tensor.dtype in (torch.float32, torch.int64, torch.bool) else f", dtype={tensor.dtype}"


def _nested(tensor: Tensor, digits: int) -> str:
    if tensor.dim():
        return f"[{', '.join(_nested(part, digits) for part in tensor.unbind())}]"
    return _number(tensor, digits)


def _number(element: Tensor, digits: int) -> str:
    """The shortest text that is read as this number in its dtype, or one of so many digits."""
    value = element.item()
    if not element.is_floating_point():
        return repr(value)
    if not isfinite(value):
        return f"float('{value}')"
    if value == int(value) and abs(value) < MAX_WHOLE:
        return f"{value:.0f}."
    texts = [f"{value:.{count}g}" for count in range(1, digits + 1)]
    text = next((text for text in texts if _reads_as(text, element)), texts[-1])
    return text if set(text) & set(".e") else f"{text}."


def _reads_as(text: str, element: Tensor) -> bool:
    return bool(torch.tensor(float(text), dtype=element.dtype) == element)


def _drawn(tensor: Tensor) -> str:
    """Normal numbers, by one of the first seeds under which they are drawn so."""
    shape = ", ".join(map(str, tensor.shape))
    for seed in range(SEEDS):
        scale = _scale([tensor], seed)
        if scale:
            return f"{_times(scale)}torch.randn({shape}, generator=torch.manual_seed({seed}){_dtype(tensor)})"
    return ""


def _scale(tensors: list[Tensor], seed: int) -> float:
    """What normal numbers, drawn one after another under a seed, are multiplied by to be these; 0 if they never are."""
    generator = torch.Generator().manual_seed(seed)
    scale = 0.0
    for tensor in tensors:
        numbers = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        scale = scale or float(f"{(tensor.reshape(-1)[0] / numbers.reshape(-1)[0]).item():.3g}")
        if not torch.equal(scale * numbers, tensor):
            return 0.0
    return scale


def _times(scale: float) -> str:
    return "" if scale == 1 else f"{scale:g} * "


def _simple_state(value: Mapping, name: str, weights: str, rest: str) -> str:
    """The statements that load one number, or normal numbers, into all of a module's weights, if that is what it is."""
    tensors = list(_tensors(value))
    if len(tensors) < len(value.items) or not tensors:
        return ""
    if not all(tensor.is_floating_point() and tensor.numel() for tensor in tensors):
        return ""
    number = tensors[0].reshape(-1)[0]
    if all((tensor == number).all() for tensor in tensors):
        return f"{name}.load_state_dict({{n: torch.full_like(w, {number:g}) for n, w in {weights}}}{rest})"
    for seed in range(SEEDS):
        scale = _scale(tensors, seed)
        if scale:
            state = f"{{n: {_times(scale)}torch.randn_like(w) for n, w in {weights}}}"
            return f"torch.manual_seed({seed}); {name}.load_state_dict({state}{rest})"
    return ""
