"""Inside the sandbox: where in a student's own lines an exception arose, and what can be seen of its cause there.

A traceback, the objects in it and the file's names are here and nowhere else, so they are looked at here. What is found
goes out as data, a `Place` and a clue: a word that says which cause it is, and the names in it. The words for the
student are chosen in the grader (`headcheck.wording`).
"""

from __future__ import annotations

import builtins
import inspect
import linecache
import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from headcheck.protocol import MAX_CLUE, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

MAX_SHOWN = 200
MAX_NAMES = 10
IMPORTS = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "Tensor": "from torch import Tensor",
    "F": "import torch.nn.functional as F",
    "math": "import math",
    "np": "import numpy as np",
}
MODULE_METHODS = {"eval", "train", "parameters", "named_parameters", "state_dict", "load_state_dict", "double", "to"}
_IDENTIFIER = re.compile(r"(?<![\w.])(?:self\.)?[A-Za-z_]\w*")
_CLOSE = 0.7
_ELSEWHERE = {"exit": "exit", "quit": "exit", "null": "notebook"}
_SUPER = [
    ("super", r"AttributeError: cannot assign \w+ before Module.__init__\(\) call"),
    ("super", r"AttributeError: '\w+' object has no attribute '(?:_modules|_parameters|_buffers|training)'"),
]
_UNREADABLE = [
    ("block", r"expected an indented block"),
    ("uneven", r"unindent does not match"),
    ("indent", r"unexpected indent"),
    ("tabs", r"inconsistent use of tabs"),
    ("bracket", r"'.' was never closed"),
    ("colon", r"expected ':'"),
    ("quotes", r"invalid character '[\u2018-\u201f]'"),
    ("command", r"[^\n]*\n\s*(?:[%!]|pip |conda )"),
    ("equals", r"[^\n]*'='"),
    ("mark", r"invalid syntax"),
]
_RAISED = [
    ("no_attribute", r"AttributeError: '(\w+)' object has no attribute '(\w+)'"),
    ("too_early", r"UnboundLocalError: cannot access local variable '(\w+)'"),
    ("not_callable", r"TypeError: '[\w.]+' object is not callable"),
    ("none", r"TypeError: 'NoneType' object is not|TypeError: unsupported operand .*'NoneType'"),
    ("too_many", r"TypeError: ([\w.]+)\(\) takes (.{1,30}) positional arguments? but (\d+) (?:was|were) given"),
    ("needs", r"TypeError: (\w+)\(\) missing 1 required positional arguments?: \"(\w+)\""),
    ("too_few", r"TypeError: ([\w.]+)\(\) missing \d+ required positional arguments?: ('.{1,80}')\Z"),
    ("none_given", r"TypeError: (\w+)\(\): argument '\w+' \(position \d+\) must be Tensor, not NoneType"),
    ("no_tensor", r"TypeError: (\w+)\(\): argument '(\w+)' \(position \d+\) must be Tensor, not (\w+)"),
    ("broadcast", r"RuntimeError: The size of tensor a \((\d+)\) must .* tensor b \((\d+)\) at .* dimension (\d+)"),
    ("matrices", r"RuntimeError: mat1 and mat2 shapes cannot be multiplied \((\d+x\d+) and (\d+x\d+)\)"),
    ("batches", r"RuntimeError: Expected size for first two dimensions of batch2 .*: (\[.*\]) but got: (\[.*\])"),
    ("dtypes", r"RuntimeError: expected m1 and m2 to have the same dtype, but got: ([\w:]+) != ([\w:]+)"),
    ("dtypes", r"RuntimeError: expected scalar type (\w+) but found (\w+)"),
    ("integers", r"\w+Error: \"\w+\" not implemented for '(Long|Int|Short|Char|Byte|Bool)'"),
    ("leaf", r"RuntimeError: a leaf Variable that requires grad is being used in an in-place operation"),
    ("truth", r"RuntimeError: Boolean value of Tensor with more than one value is ambiguous"),
    ("numpy", r"RuntimeError: Can't call numpy\(\) on Tensor that requires grad"),
    ("axis", r"IndexError: Dimension out of range \(expected .* of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)"),
    ("index", r"IndexError: index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)"),
    ("view", r"RuntimeError: shape '(\[[-\d, ]+\])' is invalid for input of size (\d+)"),
    ("gpu", r"\w+Error: Torch not compiled with CUDA enabled"),
    ("gpu", r"RuntimeError: Found no NVIDIA driver"),
    ("assert", r"AssertionError"),
    ("recursion", r"RecursionError"),
    ("unwritten", r"NotImplementedError: \Z"),
    ("keyboard", r"EOFError: EOF when reading a line"),
    ("no_file", r"FileNotFoundError: \[Errno 2\] No such file or directory: '([^']+)'"),
]
_RETURNED = [
    ("returned_none", r"\w+Error: .*'NoneType'"),
    ("returned_many", r"AttributeError: '(list|tuple|dict)' object has no attribute"),
    ("lacks", r"AttributeError: '(\w+)' object has no attribute '(\w+)'"),
    ("no_function", r"TypeError: '(\w+)' object is not callable"),
]


@dataclass(frozen=True)
class Called:
    """What the grader asked for: a function or module, and its arguments."""

    function: object
    args: list[Any]
    kwargs: dict[str, Any]


def place_of(
    error: BaseException, files: Mapping[str, bool], cells: Mapping[str, list[tuple[str, int]]]
) -> Place | None:
    """The innermost line in one of the student's `files` (True: of an earlier exercise) that led to the exception.

    `cells` says of a notebook's lines what their cell defines, and which of its lines they are.
    """
    tensors: list[str] = []
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename in files:
        file, line, text, function = error.filename, error.lineno or 0, error.text or "", ""
        column = len(text) - len(text.lstrip()) + 1 if isinstance(error, IndentationError) else error.offset or 0
    else:
        frame, line = _own_frame(error, files)
        if frame is None:
            return None
        file, function, column = frame.f_code.co_filename, frame.f_code.co_name, 0
        text = linecache.getline(file, line, frame.f_globals)
        tensors = list(_tensors(text, frame))
    lines = cells.get(file, [])
    cell, within = lines[line - 1] if 0 < line <= len(lines) else ("", line)
    kept = text.split("\n")[0].rstrip()[:MAX_SHOWN].encode(errors="replace").decode()
    return Place(file, within, kept, function, tensors[:MAX_CLUE], cell, column, files[file])


def clue_of(error: BaseException, files: Mapping[str, bool], called: Called | None) -> list[str]:
    """A word for what is the matter, and the names in it; nothing when the exception says it all."""
    frame, line = _own_frame(error, files)
    said = f"{type(error).__name__}: {error}"
    text = linecache.getline(frame.f_code.co_filename, line, frame.f_globals) if frame is not None else ""
    if isinstance(error, SyntaxError):
        found = _first(_UNREADABLE, f"{error.msg}\n{error.text}")
    elif _first(_SUPER, said):
        target = re.search(r"self\.\w+", text)
        found = ["super_before", target[0]] if target else ["super_first"]
    elif isinstance(error, NameError) and frame is not None and error.name:
        found = _about_name(error.name, frame)
    elif isinstance(error, AttributeError) and error.name:
        found = _about_attribute(error.obj, error.name, text)
    elif isinstance(error, ImportError) and error.name:
        found = _about_import(error, files)
    elif isinstance(error, TypeError) and frame is None and called is not None:
        found = _about_call(called)
    elif isinstance(error, NotImplementedError) and frame is None and called is not None:
        found = _about_method(type(called.function), "forward")
    else:
        found = []
    return [_plain(part) for part in found or recognised(said)]


def recognised(said: str, *, returned: bool = False) -> list[str]:
    """The clue in what Python or torch say, `TypeError: ...`; with `returned` it is said of a submission's answer."""
    return _first(_RETURNED if returned else _RAISED, said)


def names_of(module: ModuleType, wanted: str) -> list[str]:
    """Why a file does not define what was asked for: that stands inside something else, or is called otherwise."""
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    for name, value in own.items():
        if wanted in _within(value):
            return ["inside", wanted, name, name]
    plain = {name.replace("_", "").casefold(): name for name in own if name[0] != "_"}
    near = get_close_matches(wanted.replace("_", "").casefold(), plain, n=1)
    if near:
        return [_plain(part) for part in ("renamed", plain[near[0]], wanted)]
    listing = ", ".join(f"`{name}`" for name in islice(plain.values(), MAX_NAMES))
    return [_plain(part) for part in (["others", listing, wanted] if listing else ["undefined", wanted])]


def _first(known: list[tuple[str, str]], text: str) -> list[str]:
    found = ((word, re.match(pattern, text)) for word, pattern in known)
    return next(([word, *map(str, match.groups())] for word, match in found if match), [])


def _plain(text: str) -> str:
    return text[:MAX_SHOWN].encode(errors="replace").decode()


def _own_frame(error: BaseException, files: Mapping[str, bool]) -> tuple[FrameType | None, int]:
    """The innermost frame of the student's that led to the exception, and its line."""
    found: tuple[FrameType | None, int] = None, 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in files:
            found = trace.tb_frame, trace.tb_lineno
            if isinstance(error, RecursionError):
                break  # the outermost, whose line is the call; where the limit strikes is an accident
        trace = trace.tb_next
    return found


def _tensors(text: str, frame: FrameType) -> Iterator[str]:
    """`X: float32 (2, 3, 4)` of each plain tensor that a line names."""
    known = dict(frame.f_locals)
    if isinstance(known.get("self"), nn.Module):
        known |= {f"self.{name}": value for name, value in vars(known["self"]).items()}
    for name in dict.fromkeys(_IDENTIFIER.findall(text)):
        value = known.get(name)
        if type(value) in (Tensor, nn.Parameter):
            yield f"{name}: {_described(value)}"


def _described(value: object) -> str:
    if type(value) in (Tensor, nn.Parameter):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"  # type: ignore[attr-defined]
    return "None" if value is None else type(value).__name__


def _about_name(name: str, frame: FrameType) -> list[str]:
    if name in IMPORTS:
        return ["unimported", name, IMPORTS[name]]
    if hasattr(frame.f_locals.get("self"), name):
        return ["of_self", name]
    if name in _ELSEWHERE:
        return [_ELSEWHERE[name], name]
    known = {*frame.f_locals, *frame.f_globals, *vars(builtins)} - {name}
    near = get_close_matches(name, known, n=1, cutoff=_CLOSE)
    return ["near", name, near[0]] if near else ["unknown", name]


def _about_attribute(owner: object, name: str, text: str) -> list[str]:
    if owner is None:
        before = re.search(rf"([\w.]+)\.{re.escape(name)}\b", text)
        return ["of_none", before[1]] if before else ["none"]
    if name in MODULE_METHODS and not isinstance(owner, Tensor | nn.Module):
        return ["no_module", type(owner).__name__]
    if isinstance(owner, ModuleType) and owner.__name__.startswith("torch"):
        return []  # thousands of names
    near = get_close_matches(name, [known for known in dir(owner) if known != name], n=1, cutoff=_CLOSE)
    return ["near", name, near[0]] if near else []


def _about_import(error: ImportError, files: Mapping[str, bool]) -> list[str]:
    missing = str(error.name)
    if isinstance(error, ModuleNotFoundError):
        modules = [file.removesuffix(".py").replace("/", ".") for file in files]
        near = get_close_matches(missing, [*modules, *(module.rpartition(".")[2] for module in modules)], n=1)
        if near:
            return ["near", missing, near[0]]
        return ["no_exercise", f"{missing.replace('.', '/')}.py"] if "." in missing else ["no_library", missing]
    wanted = re.search(r"cannot import name '(\w+)'", str(error))
    file = f"{missing.replace('.', '/')}.py"
    return ["not_there", file, wanted[1]] if wanted and file in files else []


def _about_call(called: Called) -> list[str]:
    """Whether what was called takes other arguments than it was given."""
    function, name = _entered(called.function)
    if isinstance(called.function, type):
        if called.function.__name__.islower():
            return ["class", called.function.__name__]
        if "__init__" not in vars(called.function):
            return _about_method(called.function, "__init__")
    if not isinstance(function, FunctionType):
        return []
    parameters = list(inspect.signature(function).parameters)
    bound = function is not called.function
    if bound and parameters[:1] != ["self"]:
        return ["no_self", name, function.__name__, ", ".join(["self", *parameters])]
    try:
        inspect.signature(function).bind(*([None] if bound else []), *called.args, **called.kwargs)
    except TypeError:
        given = [*map(_described, called.args), *(f"{key}={_described(value)}" for key, value in called.kwargs.items())]
        own = parameters[bound:]
        return ["arguments", name, str(len(own)), ", ".join(own), str(len(given)), ", ".join(given)]
    return []


def _entered(function: object) -> tuple[object, str]:
    """The function of the student's that a call comes to, and its name."""
    kind = function if isinstance(function, type) else type(function)
    if isinstance(function, type):
        return vars(kind).get("__init__"), f"{kind.__name__}.__init__"
    if isinstance(function, nn.Module):
        return getattr(kind, "forward", None), f"{kind.__name__}.forward"
    return function, getattr(function, "__name__", kind.__name__)


def _about_method(kind: type, wanted: str) -> list[str]:
    """Why a class has no such method: it is misspelt, or stands inside another one, or outside the class."""
    own = {name: value for name, value in vars(kind).items() if isinstance(value, FunctionType)}
    for name, method in own.items():
        if wanted in _within(method):
            return ["inside", wanted, f"{kind.__name__}.{name}", name]
    first = next(iter(own.values()), None)
    if first is not None and wanted in first.__globals__:
        return ["outside", wanted, kind.__name__]
    near = get_close_matches(wanted, own, n=1, cutoff=_CLOSE)
    return ["method", kind.__name__, wanted, near[0]] if near else ["no_method", kind.__name__, wanted]


def _within(value: object) -> set[str]:
    """The functions that are defined inside of a function or class."""
    if isinstance(value, FunctionType):
        return {constant.co_name for constant in value.__code__.co_consts if isinstance(constant, CodeType)}
    return (
        {name for name, part in vars(value).items() if isinstance(part, FunctionType)}
        if isinstance(value, type)
        else set()
    )
