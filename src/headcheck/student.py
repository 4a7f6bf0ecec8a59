"""The submission as graders see it: functions, modules and tensors that look local and live in a worker.

Calls send tensors by value and modules by number. A result is differentiable: its backward is another request, so
`torch.autograd.grad` and `gradcheck` work on it. What the call changed in its arguments is written back into them, so
that a property sees side effects as it would in one process. Parameters are real leaf tensors here; a step of an
optimizer on them reaches the worker with the next call.
"""

from __future__ import annotations

import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from headcheck.errors import ProtocolError, StudentDied, StudentRaised, StudentTimeout
from headcheck.protocol import (
    Answer,
    Array,
    Ask,
    Backward,
    Call,
    Callback,
    Count,
    Done,
    Generator,
    Get,
    Parameters,
    Raised,
    Refuse,
    Remote,
    array_of,
    bytes_of,
    generator_of,
    pack,
    parts,
    tensor_of,
    unpack,
)
from headcheck.worker import SUBMISSION, Session

MAX_PRINTED = 256  # texts that are kept of one worker
MAX_EXCHANGES = 512  # that are kept of one example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Sequence as Many

    from headcheck.protocol import Ref, Request, Value

    Together = Callable[[list[bytes]], Iterator[bytes]]
    """Sends several requests, and gives the replies as they come."""


class Exchange(NamedTuple):
    """What the submission was asked, and what it answered."""

    request: Request
    reply: Done | Raised


class Line(Protocol):
    """How requests reach a worker: over a socket, or in this process."""

    def begin(self) -> None:
        """Begin a new example with the next request."""

    def request(self, request: Request, answer: Callable[[Ask], Answer | Refuse]) -> Done | Raised:
        """Send a request, answer what the worker asks meanwhile, and return its reply."""

    def cpu_seconds(self) -> float:
        """What the kernel has charged the worker for so far."""


class LocalLine:
    """A session in this process, for references, alternatives and misconceptions: trusted code only."""

    def __init__(self, submission: object) -> None:
        self._answer: Callable[[Ask], Answer | Refuse] = _refuse
        self._session = Session(self._ask)
        self._session.adopt(submission)

    def _ask(self, question: Ask) -> Answer | Refuse:
        return self._answer(question)

    def begin(self) -> None:
        self._session.begin()

    def request(self, request: Request, answer: Callable[[Ask], Answer | Refuse]) -> Done | Raised:
        self._answer = answer
        with warnings.catch_warnings(action="ignore"):  # as in a worker, where a warning is only something printed
            return self._session.answer(request)

    def cpu_seconds(self) -> float:
        return time.process_time()


class Student:
    """`student.masked_softmax(...)`: the public names of one submission."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._known:
            try:
                self._known[name] = self._connection.name(name)
            except StudentRaised as error:
                if error.kind != "AttributeError":
                    raise
                message = f"your file defines no `{name}`"
                raise StudentRaised("NameError", message, clue=error.clue, judged=True) from error
        return self._known[name]

    def __deepcopy__(self, _memo: object) -> Student:
        return self


class Handle:
    """An object that lives in the worker: a module, a function, or anything that is not plain data."""

    def __init__(self, connection: Connection, remote: Remote) -> None:
        self._connection = connection
        self._ref = remote.ref
        self._kind = remote.kind
        self._type_name = remote.type_name
        self._parameters: dict[str, _Parameter] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._connection.call(self._ref, "", args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._connection.call(self._ref, "__getitem__", (key,), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._kind == "module" and name in _METHODS:
            return lambda *args, **kwargs: self._connection.call(self._ref, name, args, kwargs)
        if name in _ONLY_TENSORS_HAVE:
            raise StudentRaised("TypeError", f"a tensor is wanted here, and not a {self._type_name}", judged=True)
        return self._connection.get(self._ref, name)

    def __deepcopy__(self, _memo: object) -> Handle:
        return self

    def __repr__(self) -> str:
        return f"<{self._kind} {self._type_name} of the submission>"

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters as leaf tensors here, freshly read; the same tensors each time."""
        yield from self._connection.read_parameters(self).items()

    def parameters(self) -> Iterator[Tensor]:
        """As `named_parameters`, without the names."""
        yield from self._connection.read_parameters(self).values()

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters that were read here."""
        for parameter in self._parameters.values():
            parameter.here.grad = None


_METHODS = {
    "train",
    "eval",
    "state_dict",
    "load_state_dict",
    "to",
    "float",
    "double",
    "half",
    "bfloat16",
    "forward",
    "requires_grad_",
}
_ONLY_TENSORS_HAVE = set(dir(Tensor)) - set(dir(nn.Module)) - {"name", "tolist"}  # an object could lie in each of them


def call_counted(handle: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Count, float]:
    """Call what a handle stands for; the result, what the worker counted, and the CPU seconds that the kernel did."""
    return handle._connection.call_counted(handle._ref, args, kwargs)


class _Leaf:
    """An argument whose gradient may be asked for; when nobody can ask any more, the worker may forget it."""

    def __init__(self, connection: Connection, number: int, tensor: Tensor) -> None:
        self.number = number
        self.tensor = tensor
        weakref.finalize(self, connection.dropped.add, number)


class _Parameter:
    """A parameter here, and the value that the worker is known to have."""

    def __init__(self, value: Tensor) -> None:
        self.here = value.clone().requires_grad_()
        self.there = value

    def read(self, value: Tensor) -> bool:
        """Take over the worker's value unless one waits here to be sent; False when this tensor cannot hold it."""
        if value.shape != self.here.shape or value.dtype != self.here.dtype:
            return False
        if self.is_changed():
            return True
        if not torch.equal(value, self.here):
            with torch.no_grad():
                self.here.copy_(value)
        self.there = value
        return True

    def is_changed(self) -> bool:
        """Whether it was changed here since the worker last heard of it."""
        return not torch.equal(self.here.detach(), self.there)


class Connection:
    """The grader's end of one session: numbers its tensors, answers its callbacks, turns replies into values.

    `together` sends several requests at once, where the line can.
    """

    def __init__(self, line: Line, *, seed: int = 0, together: Together | None = None) -> None:
        self._line = line
        self.together = together
        self._seed = seed
        self._calls = 0
        self._last_leaf = 0
        self._recent: list[_Leaf] = []  # the leaves of the last call
        self._handles: weakref.WeakValueDictionary[Ref, Handle] = weakref.WeakValueDictionary()
        self.dropped: set[int] = set()  # numbers that the worker is told, with the next call, to forget
        self._grader_error: BaseException | None = None
        self._functions: list[Callable[..., Any]] = []
        self._exchanges: list[Exchange] | None = None
        self._names: dict[str, tuple[Handle, Exchange]] = {}
        self._sealed = False
        self._changed: dict[int, tuple[Tensor, Tensor]] = {}  # by id: an argument, and what it held before
        self.printed: list[str] = []

    def restart(self, seed: int, *, exchanges: list[Exchange] | None = None, sealed: bool = False) -> None:
        """Before each example: what is random in the submission is drawn from here on by this seed.

        `exchanges` is emptied, and then told what is asked and answered, up to `MAX_EXCHANGES`. When `sealed`, what
        calls change in their tensor arguments is not written back.
        """
        self.put_back()
        self._seed, self._calls, self._sealed = seed, 0, sealed
        self._last_leaf, self._recent = 0, []
        self._handles, self.dropped = weakref.WeakValueDictionary(), set()  # what goes now was of another example
        self.begin()
        self._exchanges = exchanges
        if exchanges is not None:
            exchanges.clear()

    def begin(self) -> None:
        """Let the worker forget, with the next request, what it has numbered."""
        self._line.begin()

    def put_back(self) -> bool:
        """Give the arguments that were changed what they held before; whether there were any."""
        changed, self._changed = self._changed, {}
        for argument, before in changed.values():
            argument.data.copy_(before)
        return bool(changed)

    def write_back(self, argument: Tensor, value: Tensor) -> None:
        """Make an argument here what a call left of it there, until it is put back."""
        if not self._sealed:
            before = argument.detach().clone()
            argument.data.copy_(value)
            self._changed.setdefault(id(argument), (argument, before))

    def name(self, name: str) -> Any:
        """A public name of the submission; for a function or class it is asked once."""
        if name in self._names:
            handle, exchange = self._names[name]
            self._tell(exchange)
            return handle
        request = Get(SUBMISSION, name)
        reply = self._request(request)
        value = self._value(reply.value)
        if isinstance(value, Handle) and value._ref == name:
            self._names[name] = value, Exchange(request, reply)
        return value

    def get(self, ref: Ref, path: str) -> Any:
        """An attribute, connected to the graph of the last call if it belongs to one."""
        return self._value(self._request(Get(ref, path)).value)

    def call(self, ref: Ref, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a remote function; write back what it changed in its arguments."""
        return self._call(ref, path, args, kwargs, counted=False)[0]

    def call_counted(self, ref: Ref, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Count, float]:
        """As `call`; the result, what the worker counted, and the CPU seconds that the kernel did."""
        before = self._line.cpu_seconds()
        result, count = self._call(ref, "", args, kwargs, counted=True)
        if count is None:
            raise ProtocolError("a call that was to be counted was not")
        return result, count, self._line.cpu_seconds() - before

    def _call(
        self, ref: Ref, path: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, counted: bool
    ) -> tuple[Any, Count | None]:
        sent = _Sent(self)
        packed = [sent.pack(value) for value in args]
        named = {name: sent.pack(value) for name, value in kwargs.items()}
        self._calls += 1
        dropped = sorted(self.dropped)
        self.dropped.clear()
        request = Call(
            ref,
            path,
            packed,
            named,
            torch.is_grad_enabled(),
            (self._seed + self._calls) % 2**63,
            self._changed_parameters(),
            dropped,
            counted,
        )
        functions, self._functions = self._functions, sent.functions
        try:
            done = self._request(request)
        finally:
            self._functions = functions
        self._recent = sent.leaves
        sent.write_back(done)
        return self._value(done.value), done.count

    def backward(
        self, nodes: Many[int], grads: Many[Tensor], leaves: Many[int], parameters: Many[tuple[Ref, str]]
    ) -> Any:
        """The gradients of the leaves and parameters, in order; None where a node does not depend on one."""
        request = Backward(list(nodes), [array_of(grad) for grad in grads], list(leaves), list(parameters))
        return self._value(self._request(request).value)

    def read_parameters(self, handle: Handle) -> dict[str, Tensor]:
        """Every parameter of a module, as the leaf tensor that stands for it here."""
        values = self._value(self._request(Parameters(handle._ref)).value)
        if not isinstance(values, dict) or not all(_is_parameter(*item) for item in values.items()):
            raise ProtocolError("the parameters are not named floating tensors")
        known = handle._parameters
        handle._parameters = {
            name: known[name] if name in known and known[name].read(value) else _Parameter(value)
            for name, value in values.items()
        }
        return {name: parameter.here for name, parameter in handle._parameters.items()}

    def leaf(self, tensor: Tensor) -> _Leaf:
        """Number a tensor whose gradient may be asked for (below zero: the worker's own numbers are above)."""
        self._last_leaf -= 1
        return _Leaf(self, self._last_leaf, tensor)

    def _request(self, request: Request) -> Done:
        reply = self._line.request(request, self._answer)
        self._tell(Exchange(request, reply))
        if reply.printed and len(self.printed) < MAX_PRINTED:
            self.printed.append(reply.printed)
        if self._grader_error is not None:
            error, self._grader_error = self._grader_error, None
            raise error
        if isinstance(reply, Raised):
            raise raised(reply)
        return reply

    def _tell(self, exchange: Exchange) -> None:
        if self._exchanges is not None and len(self._exchanges) < MAX_EXCHANGES:
            self._exchanges.append(exchange)

    def _answer(self, question: Ask) -> Answer | Refuse:
        """Call one of the grader's functions for the submission; what it raises is kept for the grader."""
        if not 0 <= question.number < len(self._functions):
            return Refuse("there is no such function")
        if self._grader_error is not None:
            return Refuse("this function has failed before")
        args = [self._value(value) for value in question.args]
        kwargs = {name: self._value(value) for name, value in question.kwargs.items()}
        try:
            with torch.no_grad():
                result = self._functions[question.number](*args, **kwargs)
            return Answer(_Sent(self).pack(result))
        except (StudentDied, StudentTimeout, ProtocolError):
            raise  # the function called the submission, which has ended: there is nobody to answer
        except BaseException as error:  # noqa: BLE001  (raised again once the submission has answered)
            self._grader_error = error
            return Refuse("the grader's function failed")

    def _changed_parameters(self) -> dict[Ref, dict[str, Array]]:
        changed: dict[Ref, dict[str, Array]] = {}
        for ref, handle in self._handles.items():
            for name, parameter in handle._parameters.items():
                if parameter.is_changed():
                    changed.setdefault(ref, {})[name] = array_of(parameter.here)
                    parameter.there = parameter.here.detach().clone()
        return changed

    def _value(self, value: Value) -> Any:
        """A reply's value as Python objects, its differentiable tensors joined to the graph here."""
        try:
            return self._joined(value)
        except RecursionError as error:
            raise ProtocolError("a list in a list in a list, too deep to be read") from error

    def _joined(self, value: Value) -> Any:
        nodes = [part for part in parts(value) if isinstance(part, Array) and part.node is not None]
        tensors = {id(array): tensor_of(array) for array in nodes}
        if any(not tensor.is_floating_point() and not tensor.is_complex() for tensor in tensors.values()):
            raise ProtocolError("a tensor of whole numbers has no gradient")
        if nodes:
            graph = _Graph(self, [array.node for array in nodes if array.node is not None], self._recent, self._live())
            joined = _Pull.apply(graph, list(tensors.values()), *graph.inputs)  # type: ignore[no-untyped-call]
            tensors = dict(zip(tensors, joined, strict=True))

        def resolve(part: Array | Remote | Callback | Generator) -> Any:
            match part:
                case Array():
                    return tensors[id(part)] if id(part) in tensors else tensor_of(part)
                case Remote():
                    return self._handle(part)
                case _:
                    raise ProtocolError(f"a {type(part).__name__.lower()} cannot come from a worker")

        return unpack(value, resolve)

    def _live(self) -> list[tuple[Ref, str, Tensor]]:
        return [
            (ref, name, parameter.here)
            for ref, handle in self._handles.items()
            for name, parameter in handle._parameters.items()
        ]

    def _handle(self, remote: Remote) -> Handle:
        handle = self._handles.get(remote.ref)
        if handle is None:
            handle = self._handles[remote.ref] = Handle(self, remote)
            if isinstance(remote.ref, int):
                weakref.finalize(handle, self.dropped.add, remote.ref)
        if isinstance(remote.ref, int):
            self.dropped.discard(remote.ref)
        return handle


class _Sent:
    """The tensors, generators and functions of one call, in the order in which they are sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tensors: list[Tensor] = []
        self._generators: list[torch.Generator] = []
        self.functions: list[Callable[..., Any]] = []
        self.leaves: list[_Leaf] = []

    def pack(self, value: Any) -> Value:
        return pack(value, self._send)

    def _send(self, value: Any) -> Value:
        if isinstance(value, Tensor):
            self._tensors.append(value)
            if not (torch.is_grad_enabled() and value.requires_grad):
                return array_of(value)
            self.leaves.append(self._connection.leaf(value))
            return array_of(value, leaf=self.leaves[-1].number, cloned=not value.is_leaf)
        if isinstance(value, torch.Generator):
            self._generators.append(value)
            return Generator(bytes_of(value.get_state()))
        if isinstance(value, Handle):
            return Remote(value._ref, value._kind, value._type_name)
        if callable(value):
            self.functions.append(value)
            return Callback(len(self.functions) - 1, getattr(value, "__name__", "function"))
        raise TypeError(f"a {type(value).__name__} cannot be sent to a submission")

    def write_back(self, done: Done) -> None:
        """Make the arguments here what the call left of them there."""
        for i, array in done.changed.items():
            new = tensor_of(array)
            if not 0 <= i < len(self._tensors):
                raise ProtocolError("an argument that was not sent has changed")
            old = self._tensors[i]
            if new.shape != old.shape or new.dtype != old.dtype:
                message = f"your code changed the shape or dtype of an argument, {tuple(old.shape)}"
                raise StudentRaised("ValueError", message, judged=True)
            if new.is_meta:
                raise ProtocolError("an argument has lost its content")
            self._connection.write_back(old, new)
        for i, state in done.generators.items():
            if not 0 <= i < len(self._generators):
                raise ProtocolError("a generator that was not sent has changed")
            self._generators[i].set_state(generator_of(Generator(state)).get_state())


class _Graph:
    """What a differentiable reply depends on; when nothing here needs it any more, the worker may forget it too."""

    def __init__(
        self, connection: Connection, nodes: list[int], leaves: list[_Leaf], live: list[tuple[Ref, str, Tensor]]
    ) -> None:
        self.connection = connection
        self.nodes = nodes
        self.leaves = leaves
        self.parameters = [(ref, name) for ref, name, _ in live]
        self.inputs = [leaf.tensor for leaf in leaves] + [tensor for _, _, tensor in live]
        for node in nodes:
            weakref.finalize(self, connection.dropped.add, node)


class _Pull(torch.autograd.Function):
    """Joins a worker's results to the graph here: the backward pass is a request."""

    @staticmethod
    def forward(ctx: Any, graph: _Graph, outputs: list[Tensor], *_inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.graph = graph
        ctx.set_materialize_grads(False)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        graph: _Graph = ctx.graph
        known = [(node, grad) for node, grad in zip(graph.nodes, grads, strict=True) if grad is not None]
        pulled = graph.connection.backward(
            [node for node, _ in known],
            [grad for _, grad in known],
            [leaf.number for leaf in graph.leaves],
            graph.parameters,
        )
        if not isinstance(pulled, list) or len(pulled) != len(graph.inputs):
            raise ProtocolError("the gradients are not as many as the inputs")
        for grad, tensor in zip(pulled, graph.inputs, strict=True):
            if grad is not None and not _is_like(grad, tensor):
                raise ProtocolError("a gradient does not have the shape and dtype of its input")
        return (None, None, *pulled)


def raised(reply: Raised) -> StudentRaised:
    """The exception that a worker tells of."""
    return StudentRaised(reply.kind, reply.message, reply.trace, tuple(reply.bases), reply.place, tuple(reply.clue))


def local(submission: object, *, seed: int = 0) -> Connection:
    """A connection to trusted code in this process: a reference, an alternative, a misconception."""
    return Connection(LocalLine(submission), seed=seed)


def _is_like(grad: object, tensor: Tensor) -> bool:
    return isinstance(grad, Tensor) and (grad.shape, grad.dtype, grad.device) == (
        tensor.shape,
        tensor.dtype,
        tensor.device,
    )


def _is_parameter(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, Tensor):
        return False
    return value.is_floating_point() and not value.is_meta and not value.requires_grad


def _refuse(_question: Ask) -> Refuse:
    return Refuse("nobody is listening")
