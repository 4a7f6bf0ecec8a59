"""Inside the sandbox: hold one submission and answer calls about it.

`Session` answers one request at a time. Tensors go out by value; modules, functions and unknown objects stay here,
under a number. Whatever the submission raises, `BaseException` included, becomes a `Raised`. The grader uses the same
class in its own process for references and misconceptions, so that a property cannot tell them from a student.
"""

from __future__ import annotations

import importlib
import io
import linecache
import os
import sys
import time
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import torch
from torch import Tensor, nn

from headcheck.cells import is_blank, sources_of
from headcheck.clues import Called, clue_of, names_of, place_of
from headcheck.counting import counted
from headcheck.errors import NotHandedIn, ProtocolError
from headcheck.loading import file_name, load_for_good
from headcheck.protocol import (
    DTYPE_NAMES,
    MAX_BASES,
    MAX_FINDINGS,
    MAX_TEXT,
    Answer,
    Array,
    Ask,
    Backward,
    Begin,
    Call,
    Callback,
    Done,
    Echo,
    Generator,
    Get,
    Load,
    Parameters,
    Raised,
    Refuse,
    Remote,
    Turn,
    array_of,
    bytes_of,
    decode_request,
    encode,
    frame_length,
    generator_of,
    pack,
    tensor_of,
    unpack,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    from headcheck.protocol import Place, Ref, Request, Value

SUBMISSION = 0
MIN_READ = 1 << 16
SOON_SECONDS = 0.02
_NAME, _MRO = type.__dict__["__name__"], type.__dict__["__mro__"]  # not what a metaclass says


class _Example:
    """What the grader holds of a submission in one example: objects, leaves and nodes of graphs, by number."""

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}
        self.leaves: dict[int, Tensor] = {}
        self.nodes: dict[int, Tensor] = {}
        self._numbers: dict[int, int] = {}  # by the id of an object
        self._last = SUBMISSION

    def number_of(self, value: Any) -> int:
        """An object's number, the same whenever it is asked for."""
        if id(value) not in self._numbers:
            self._numbers[id(value)] = self._number(value, self.objects)
        return self._numbers[id(value)]

    def number_of_node(self, tensor: Tensor) -> int:
        """A new number for a result whose graph is kept."""
        return self._number(tensor, self.nodes)

    def _number(self, value: Any, table: dict[int, Any]) -> int:
        self._last += 1
        table[self._last] = value
        return self._last

    def drop(self, number: int) -> None:
        """Forget what has this number, if anything."""
        self.nodes.pop(number, None)
        self.leaves.pop(number, None)
        if number in self.objects:
            self._numbers.pop(id(self.objects.pop(number)), None)


class Session:
    """One submission, and what the grader holds of it."""

    def __init__(self, ask: Callable[[Ask], Answer | Refuse]) -> None:
        self._ask = ask
        self._files: dict[str, bool] = {}  # the student's, and whether they are of an earlier exercise
        self._cells: dict[str, list[tuple[str, int]]] = {}
        self._called: Called | None = None
        self._imported: list[str] = []
        self._family: list[ModuleType] = []
        self._submission: object = None
        self._public: dict[str, Any] = {}
        self._examples: dict[int, _Example] = {}
        self._findings: list[str] = []
        self.begin()

    def adopt(self, submission: object) -> None:
        """Take an object that is already here, a loaded module say, for the submission."""
        self._submission = submission
        self._family = getattr(submission, "__family__", [])

    def begin(self) -> None:
        """Forget what has a number, so that whoever is asked the same is asked it in the same words."""
        self._examples.clear()
        self.turn(0)

    def turn(self, number: int) -> None:
        """Go on with the example of that number, or begin it."""
        if number not in self._examples:
            self._examples[number] = _Example()
        self._example = self._examples[number]

    def answer(self, request: Request) -> Done | Raised:
        """Do what is asked; whatever the submission raises is the answer, not an exception here."""
        printed = CappedText()
        self._findings, self._called = [], None
        shown = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = printed
        try:
            done = self._dispatch(request)
        except BaseException as error:  # noqa: BLE001  (all of it is the student's)
            return self._raised(error, printed.text(), request)
        finally:
            sys.stdout, sys.stderr = shown
        return Done(done.value, done.changed, done.generators, printed.text(), done.count, self._findings)

    def _dispatch(self, request: Request) -> Done:
        match request:
            case Load():
                return self._load(request)
            case Call():
                return self._call(request)
            case Get():
                return _done(self._get(request))
            case Parameters():
                named = self._held(request.ref).named_parameters()
                return _done(pack(dict(named), _by_value))
            case Backward():
                return self._backward(request)
            case Echo():
                return _done(request.number)
            case _:
                raise ProtocolError(f"{type(request).__name__} is no request")

    def _load(self, request: Load) -> Done:
        for name in request.shortcuts:
            _close(name)
        sources, blank = self._with_notebooks(request)
        own = [name for name in sources if not name.startswith("given.")]
        self._files = {file_name(name): name != request.module for name in own}
        linecache.clearcache()  # it may know these files from another submission
        self._imported = [name for name in sources if name != request.module]
        self.adopt(load_for_good(sources, request.module))
        return _done(blank)

    def _with_notebooks(self, request: Load) -> tuple[dict[str, bytes], str | None]:
        """The sources and what is taken out of notebooks; a file goes before, unless nothing was written in it.

        And where nothing was written, if the exercise's own text is blank.
        """
        sources = dict(request.sources)
        homes = ["file"] if request.module in sources else []
        available = {*sources, *(module for notebook in request.notebooks for module in notebook.wanted)}
        for notebook in request.notebooks:
            try:
                taken = sources_of(notebook.data, notebook.stubs, available, name=notebook.name)
            except NotHandedIn as error:
                self._note([str(error)])
                continue
            self._note(taken.findings.get(request.module, []))
            homes += ["notebook"] if request.module in taken.sources and request.module in notebook.wanted else []
            for module in notebook.wanted:
                text = taken.sources.get(module, b"")
                if module not in sources or (is_blank(sources[module]) and not is_blank(text)):
                    sources |= {module: text} if text else {}
                    self._cells |= {file_name(module): taken.cells[module]} if text else {}
                elif module == request.module and not is_blank(text):
                    self._note([f"{file_name(module)} was handed in beside {notebook.name}, and is what counts"])
        if request.module not in sources:
            raise NotHandedIn("; ".join(self._findings))
        return sources, " and ".join(homes) if is_blank(sources[request.module]) else None

    def _note(self, findings: list[str]) -> None:
        self._findings = [*self._findings, *map(_clean, findings)][:MAX_FINDINGS]

    def _call(self, request: Call) -> Done:
        for number in request.dropped:
            self._example.drop(number)
        for ref, parameters in request.parameters.items():
            self._overwrite(ref, parameters)
        torch.default_generator.manual_seed(request.seed)  # torch.manual_seed also queues a call for CUDA, every time
        received: list[_Received] = []
        generators: list[torch.Generator] = []

        def resolve(value: Array | Remote | Callback | Generator) -> Any:
            match value:
                case Array():
                    received.append(self._receive(value))
                    return received[-1].tensor
                case Remote():
                    return self._held(value.ref)
                case Callback():
                    return self._stand_in(value)
                case Generator():
                    generators.append(generator_of(value))
                    return generators[-1]

        args = [unpack(value, resolve) for value in request.args]
        kwargs = {name: unpack(value, resolve) for name, value in request.kwargs.items()}
        function = _follow(self._held(request.ref), request.path)
        count = None
        self._called = Called(function, args, kwargs)
        with torch.set_grad_enabled(request.grad):
            if request.counted:
                returned, count = counted(lambda: function(*args, **kwargs))
            else:
                returned = function(*args, **kwargs)
            result = self._pack(returned)
        changed = {i: array_of(each.tensor) for i, each in enumerate(received) if each.is_changed()}
        return Done(result, changed, {i: bytes_of(g.get_state()) for i, g in enumerate(generators)}, "", count)

    def _get(self, request: Get) -> Value:
        """An attribute; a public function or class goes by its name."""
        value = self._attribute(request.ref, request.path)
        if request.ref != SUBMISSION or not callable(value) or isinstance(value, nn.Module):
            return self._pack(value)
        self._public[request.path] = value
        return Remote(request.path, "callable", _type_name(value))

    def _held(self, ref: Ref) -> Any:
        """What the grader means by a number, or by a public name."""
        if ref == SUBMISSION:
            return self._submission
        if isinstance(ref, int):
            return self._example.objects[ref]
        if ref not in self._public:
            self._public[ref] = self._attribute(SUBMISSION, ref)
        return self._public[ref]

    def _attribute(self, ref: Ref, path: str) -> Any:
        """An attribute; of the submission also one that only its earlier exercises define, imported or not."""
        try:
            return _follow(self._held(ref), path)
        except AttributeError:
            modules = [*self._family, *map(importlib.import_module, self._imported)] if ref == SUBMISSION else []
            for module in modules:
                if hasattr(module, path):
                    return getattr(module, path)
            raise

    def _receive(self, array: Array) -> _Received:
        memory = bytearray(array.data)
        tensor = tensor_of(array, memory)
        if array.leaf is not None:
            self._example.leaves[array.leaf] = tensor.requires_grad_()
            tensor = tensor.clone() if array.cloned else tensor
        return _Received(array, tensor, memory, _place(tensor))

    def _overwrite(self, ref: Ref, parameters: dict[str, Array]) -> None:
        own = dict(self._held(ref).named_parameters())
        with torch.no_grad():
            for name, value in parameters.items():
                own[name].copy_(tensor_of(value))

    def _backward(self, request: Backward) -> Done:
        inputs = [self._example.leaves[number] for number in request.leaves]
        inputs += [self._held(ref).get_parameter(name) for ref, name in request.parameters]
        grads = torch.autograd.grad(
            [self._example.nodes[number] for number in request.nodes],
            inputs,
            [tensor_of(grad) for grad in request.grads],
            retain_graph=True,
            allow_unused=True,
        )
        return _done(pack(list(grads), _by_value))

    def _stand_in(self, callback: Callback) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            packed = {name: self._pack(value) for name, value in kwargs.items()}
            answer = self._ask(Ask(callback.number, [self._pack(value) for value in args], packed))
            if not isinstance(answer, Answer):
                raise RuntimeError(answer.message)  # noqa: TRY004  (the grader refused; no type is wrong)
            return unpack(answer.value, lambda value: tensor_of(value) if isinstance(value, Array) else None)

        function.__name__ = function.__qualname__ = callback.name
        return function

    def _pack(self, value: Any) -> Value:
        return pack(value, self._keep)

    def _keep(self, value: Any) -> Value:
        """A dense tensor goes out by value, with a number for its graph; everything else stays, with a number."""
        if isinstance(value, Tensor) and _is_dense(value):
            node = self._example.number_of_node(value) if value.requires_grad else None
            return array_of(value, node=node)
        kind = "module" if isinstance(value, nn.Module) else "callable" if callable(value) else "object"
        return Remote(self._example.number_of(value), kind, _type_name(value))

    def _raised(self, error: BaseException, printed: str, request: Request) -> Raised:
        try:
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if frame.filename in self._files]
            trace = "".join(traceback.format_list(own))[-MAX_TEXT:]
            message = _clean(str.__str__(str(error))[:MAX_TEXT])
            if isinstance(error, SyntaxError):
                message = _clean("".join(traceback.format_exception_only(error))[:MAX_TEXT].strip())
        except BaseException:  # noqa: BLE001  (an exception may lie about itself in any way)
            trace, message = "", "(the exception could not be shown)"
        place, clue = self._cause(error, request)
        bases = [_name(base) for base in _MRO.__get__(type(error))[1:MAX_BASES]]
        return Raised(_type_name(error), message, _clean(trace), printed, self._findings, bases, place, clue)

    def _cause(self, error: BaseException, request: Request) -> tuple[Place | None, list[str]]:
        """Where the exception arose, and what is to be seen of its cause."""
        module = self._submission
        try:
            if isinstance(request, Get) and request.ref == SUBMISSION and isinstance(error, AttributeError):
                return None, names_of(module, request.path) if isinstance(module, ModuleType) else []
            return place_of(error, self._files, self._cells), clue_of(error, self._files, self._called)
        except BaseException:  # noqa: BLE001  (objects may lie in any way to whoever looks at them)
            return None, []


class _Received(NamedTuple):
    """An argument, the memory that it was made in, and where and how it lay there."""

    sent: Array
    tensor: Tensor
    memory: bytearray
    place: tuple[object, ...]

    def is_changed(self) -> bool:
        """Whether it does not hold any more what was sent."""
        sent, tensor = self.sent, self.tensor
        if sent.meta:
            return False
        if not sent.cloned and _place(tensor) == self.place:
            return self.memory != sent.data
        if list(tensor.shape) != sent.shape or DTYPE_NAMES.get(tensor.dtype) != sent.dtype:
            return True
        return bytes_of(tensor if sent.order is None else tensor.permute(sent.order)) != sent.data


def _place(tensor: Tensor) -> tuple[object, ...]:
    return tensor.is_meta or tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


class CappedText(io.TextIOWrapper):
    """Standard output and error of a submission: the first few thousand bytes are kept, the rest is counted."""

    def __init__(self, limit: int = MAX_TEXT) -> None:
        self._capped = _CappedBytes(limit)
        super().__init__(self._capped, "utf-8", "backslashreplace", newline="", write_through=True)

    def text(self) -> str:
        """What was written, as valid Unicode."""
        end = f"\n... and {self._capped.lost:,} more bytes" if self._capped.lost else ""
        return self._capped.kept.decode("utf-8", "replace") + end


class _CappedBytes(io.RawIOBase):
    name = "<output>"

    def __init__(self, limit: int) -> None:
        self.kept = bytearray()
        self.lost = 0
        self._limit = limit

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        with memoryview(data).cast("B") as view:
            room = self._limit - len(self.kept)
            self.kept += view[:room]
            self.lost += max(len(view) - room, 0)
            return len(view)


def serve(channel: int) -> NoReturn:
    """Answer requests on a file descriptor until the grader closes it."""
    line = _Line(channel)

    def ask(question: Ask) -> Answer | Refuse:
        line.write(encode(question))
        answer = decode_request(line.read())
        if not isinstance(answer, Answer | Refuse):
            raise ProtocolError(f"{type(answer).__name__} is no answer")
        return answer

    session = Session(ask)
    while True:
        match decode_request(line.read()):
            case Begin():
                session.begin()
            case Turn() as turn:
                session.turn(turn.example)
            case request:
                line.write(_frame(session.answer(request)))


def _frame(reply: Done | Raised) -> bytes:
    try:
        return encode(reply)
    except ProtocolError as error:
        return encode(Raised("ValueError", f"the answer is too large: {error}", "", ""))


class _Line:
    """Frames on a file descriptor. What several requests that came together are answered is sent together, but soon."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._read = bytearray()
        self._written: list[bytes] = []
        self._since = 0.0

    def read(self) -> bytes:
        """The next frame, without its length; whoever waits for an answer has it first."""
        size = frame_length(self._take(4))
        return self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            self.flush()
            part = os.read(self._channel, max(size - len(self._read), MIN_READ))
            if not part:
                os._exit(0)  # the grader is done with us
            self._read += part
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken

    def write(self, frame: bytes) -> None:
        """Send it with the next frames, but not much later than now."""
        now = time.monotonic()
        if not self._written:
            self._since = now
        self._written.append(frame)
        if now - self._since > SOON_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what has been written."""
        view = memoryview(b"".join(self._written))
        self._written.clear()
        while view:
            view = view[os.write(self._channel, view) :]


def _close(name: str) -> None:
    """Make a library's function or class raise a message that says to write it oneself."""
    where, _, attribute = name.rpartition(".")
    module = importlib.import_module(where)
    text = f"this exercise asks you to write it yourself, so {name} is closed here"

    def closed(*_args: object, **_kwargs: object) -> NoReturn:
        raise RuntimeError(text)

    shut = (
        type(attribute, (nn.Module,), {"__init__": closed}) if isinstance(getattr(module, attribute), type) else closed
    )
    setattr(module, attribute, shut)


def _follow(value: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        value = getattr(value, name)
    return value


def _done(value: Value) -> Done:
    return Done(value, {}, {}, "")


def _by_value(value: Any) -> Array:
    return array_of(value)


def _type_name(value: object) -> str:
    """The name of its type, whatever its metaclass says."""
    return _name(type(value))


def _name(kind: type) -> str:
    return str(_NAME.__get__(kind))[:100]


def _is_dense(tensor: Tensor) -> bool:
    """A plain tensor, whose bytes are its content; a subclass may answer anything, so it stays here."""
    if type(tensor) not in (Tensor, nn.Parameter):
        return False
    return tensor.layout is torch.strided and tensor.device.type in ("cpu", "meta") and tensor.dtype in DTYPE_NAMES


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
