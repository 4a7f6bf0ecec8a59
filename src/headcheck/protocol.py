"""The typed messages between grader and worker, and how a tensor becomes bytes and back.

Everything that crosses the line is one of the structs below, in MessagePack behind a four-byte length. There is no
pickle: a tensor is its dtype, shape and bytes; a module, function or any other object stays where it is and is named by
a number. What comes from a worker is hostile until `decode` and `tensor_of` have checked it, and all they may raise is
`errors.ProtocolError`.

This module is also visible inside the sandbox, so it imports nothing of headcheck but `errors`.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import msgspec
import torch
from torch import Tensor

from headcheck.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FRAME = 64 * 1024 * 1024
MAX_PLAIN = 1024 * 1024  # of a frame, besides the content of tensors: small values take far more room decoded
MAX_DIMENSIONS = 16
MAX_TEXT = 16 * 1024
MAX_FINDINGS = 20
MAX_BASES = 20
MAX_CLUE = 20

DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16,
        torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
        torch.complex64, torch.complex128,
    )
}  # fmt: skip
Text: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=MAX_TEXT + 100)
]  # what is shown: bounded, whatever a worker sends
Findings: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=MAX_FINDINGS)]
Bases: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=MAX_BASES)]
Clue: TypeAlias = Annotated[list[Text], msgspec.Meta(max_length=MAX_CLUE)]
Ref: TypeAlias = int | Text
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class Message(msgspec.Struct, frozen=True, tag=True, array_like=True, forbid_unknown_fields=True):
    """Anything that may be sent."""


class Array(Message, frozen=True):
    """A tensor by value.

    `order` is the permutation that makes a tensor contiguous, so that a transposed argument arrives transposed. `leaf`
    numbers an argument whose gradient the grader may ask for (`cloned`: it was not a leaf there and must not be one
    here), `node` a result whose graph the worker keeps.
    """

    dtype: str
    shape: list[int]
    data: bytes
    order: list[int] | None = None
    meta: bool = False
    leaf: int | None = None
    cloned: bool = False
    node: int | None = None


class Remote(Message, frozen=True):
    """An object that stays in the worker: `kind` is module, callable or object.

    `ref` is its number; of a public function or class of the submission, its name.
    """

    ref: Ref
    kind: Text
    type_name: Text


class Callback(Message, frozen=True):
    """A function of the grader's that the worker may call."""

    number: int
    name: str


class Dtype(Message, frozen=True):
    """A `torch.dtype` by its name."""

    name: str


class Generator(Message, frozen=True):
    """A `torch.Generator` by value, as the bytes of its state."""

    state: bytes


class Sequence(Message, frozen=True):
    """A list or a tuple."""

    items: list[Value]
    is_tuple: bool


class Mapping(Message, frozen=True):
    """A dictionary."""

    items: list[tuple[Key, Value]]


Key: TypeAlias = "bool | int | float | str | None"  # no tuples: many can be made whose hashes are all the same
Value: TypeAlias = (
    "bool | int | float | str | Array | Remote | Callback | Dtype | Generator | Sequence | Mapping | None"
)


class Notebook(Message, frozen=True):
    """A section's notebook as it was handed in, out of which the modules in `wanted` are taken, unless there are files.

    `stubs` are the texts that the section's exercises were handed out with, by module: they say what each asks for.
    """

    name: str
    data: bytes
    stubs: dict[str, bytes]
    wanted: list[str]


class Begin(Message, frozen=True):
    """A new example begins: forget what has a number, and number from the start. It is not answered."""


class Turn(Message, frozen=True):
    """What follows is of the example of that number, of several that are asked in turn. It is not answered."""

    example: int


class Echo(Message, frozen=True):
    """Answer this number: then nothing else has been said than what was asked."""

    number: int


class Load(Message, frozen=True):
    """Import `module` from these sources, by module name; the names in `shortcuts` raise a message when used."""

    sources: dict[str, bytes]
    module: str
    shortcuts: list[str]
    notebooks: list[Notebook] = []


class Call(Message, frozen=True):
    """Call the attribute `path` of `ref` (0 is the submission's module), or `ref` itself when the path is empty."""

    ref: Ref
    path: str
    args: list[Value]
    kwargs: dict[str, Value]
    grad: bool
    seed: int
    parameters: dict[Ref, dict[str, Array]]
    dropped: list[int]
    counted: bool = False


class Get(Message, frozen=True):
    """Read the attribute `path` of `ref`."""

    ref: Ref
    path: str


class Parameters(Message, frozen=True):
    """Read the named parameters of the module `ref`."""

    ref: Ref


class Backward(Message, frozen=True):
    """Pull the gradients of some nodes back to the leaves and the parameters (pairs of ref and name)."""

    nodes: list[int]
    grads: list[Array]
    leaves: list[int]
    parameters: list[tuple[Ref, str]]


class Answer(Message, frozen=True):
    """The value that the grader's callback returned."""

    value: Value


class Refuse(Message, frozen=True):
    """The grader's callback raised: the student's call to it raises `RuntimeError(message)`."""

    message: str


class Count(Message, frozen=True):
    """What a call did: FLOPs of its matmuls, elements of the largest storage it made, its first operations by name."""

    flops: int
    largest: int
    operations: list[str]


class Done(Message, frozen=True):
    """The answer to a request.

    `changed` holds the tensor arguments, by position, whose content the call changed; `generators` the new states of
    those that were passed; `findings` what there is to say of the notebooks that were loaded.
    """

    value: Value
    changed: dict[int, Array]
    generators: dict[int, bytes]
    printed: Text
    count: Count | None = None
    findings: Findings = []


class Place(Message, frozen=True):
    """A line of the student's own: where it stands, what it says, and the tensors in it, by name.

    In a notebook `cell` is what the line's cell defines, and `line` is 0 where only the cell is known. `column` is
    where Python gave up reading. An `earlier` line is of an exercise that this one builds on.
    """

    file: Text
    line: int
    text: Text
    function: Text = ""
    tensors: Clue = []
    cell: Text = ""
    column: int = 0
    earlier: bool = False


class Raised(Message, frozen=True):
    """The student's code raised; `bases` are the names of what its exception is a kind of.

    `place` is the innermost line of the student's own that led there, and `clue` what the worker sees of the cause: a
    word that says which cause, and the names in it.
    """

    kind: Text
    message: Text
    trace: Text
    printed: Text
    findings: Findings = []
    bases: Bases = []
    place: Place | None = None
    clue: Clue = []


class Ask(Message, frozen=True):
    """The student's code calls the grader's function `number`."""

    number: int
    args: list[Value]
    kwargs: dict[str, Value]


Request: TypeAlias = Begin | Turn | Echo | Load | Call | Get | Parameters | Backward | Answer | Refuse
Reply: TypeAlias = Done | Raised | Ask

_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(Request)
_reply_decoder = msgspec.msgpack.Decoder(Reply)
_Decoded = TypeVar("_Decoded")


def encode(message: Message) -> bytes:
    """The message as one frame: its length in four bytes, then MessagePack."""
    try:
        payload = _encoder.encode(message)
    except UnicodeEncodeError as error:
        raise ProtocolError(f"a text that is not Unicode cannot be sent: {error.reason}") from error
    if len(payload) > MAX_FRAME:
        raise ProtocolError(f"a message of {len(payload):,} bytes is over the limit of {MAX_FRAME:,}")
    _limit_plain(payload)
    return struct.pack(">I", len(payload)) + payload


def frame_length(header: bytes) -> int:
    """The length that a four-byte header announces, refused when it is over the limit."""
    (length,) = struct.unpack(">I", header)
    if length > MAX_FRAME:
        raise ProtocolError(f"a message of {length:,} bytes was announced; the limit is {MAX_FRAME:,}")
    return int(length)


def decode_request(payload: bytes) -> Request:
    """What the grader sent, in the worker."""
    request: Request = _decode(_request_decoder.decode, payload)
    return request


def decode_reply(payload: bytes) -> Reply:
    """What the worker sent, in the grader: hostile until it is here."""
    reply: Reply = _decode(_reply_decoder.decode, payload)
    return reply


def _decode(decoder: Callable[[bytes], _Decoded], payload: bytes) -> _Decoded:
    _limit_plain(payload)
    try:
        return decoder(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ProtocolError(f"not a message: {str(error)[:200]}") from error


# MessagePack: how many bytes after a code hold a length, and how many others follow it.
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_CONTENT = {0xC4, 0xC5, 0xC6}
_SIZES = (
    dict.fromkeys((0xC7, 0xC8, 0xC9, 0xCC, 0xD0), 1) | dict.fromkeys((0xCD, 0xD1, 0xDC, 0xDE, 0xD4), 2)
    | dict.fromkeys((0xCA, 0xCE, 0xD2, 0xDD, 0xDF), 4) | dict.fromkeys((0xCB, 0xCF, 0xD3), 8)
    | {0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17} | {0xA0 + length: length for length in range(32)}
)  # fmt: skip


def _limit_plain(payload: bytes) -> None:
    """Refuse a message with too much besides the content of tensors, before anything is made of it."""
    place = content = 0
    while len(payload) - content > MAX_PLAIN and place < len(payload):
        if place - content > MAX_PLAIN:
            raise ProtocolError(f"a message with more than {MAX_PLAIN:,} bytes besides the content of tensors")
        code = payload[place]
        width = _LENGTHS.get(code, 0)
        size = int.from_bytes(payload[place + 1 : place + 1 + width]) if width else 0
        if code in _CONTENT:
            content += size
        place += 1 + width + size + _SIZES.get(code, 0)


def array_of(tensor: Tensor, *, leaf: int | None = None, cloned: bool = False, node: int | None = None) -> Array:
    """A dense tensor on the CPU (or on `meta`, without content) as its dtype, shape and bytes."""
    tensor = tensor.detach()
    dtype, shape = DTYPE_NAMES[tensor.dtype], list(tensor.shape)
    if tensor.device.type == "meta":
        return Array(dtype, shape, b"", meta=True, leaf=leaf, cloned=cloned, node=node)
    order = None
    if not tensor.is_contiguous():
        by_stride = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
        if tensor.permute(by_stride).is_contiguous():
            order, tensor = by_stride, tensor.permute(by_stride)
    return Array(dtype, shape, bytes_of(tensor), order=order, leaf=leaf, cloned=cloned, node=node)


def bytes_of(tensor: Tensor) -> bytes:
    """The elements in row-major order."""
    resolved = tensor.detach().resolve_conj().resolve_neg()
    if resolved.dtype is torch.bfloat16:  # which NumPy does not have
        resolved = resolved.view(torch.int16)
    return resolved.numpy().tobytes()


def tensor_of(array: Array, memory: bytearray | None = None) -> Tensor:
    """The tensor that an `Array` describes, in a copy of its bytes, which may be given.

    Raises ProtocolError where dtype, shape and bytes do not agree.
    """
    dtype = dtype_of(array.dtype)
    shape = array.shape
    if len(shape) > MAX_DIMENSIONS or min(shape, default=0) < 0 or math.prod([size or 1 for size in shape]) > MAX_FRAME:
        raise ProtocolError(f"a tensor of shape {str(shape)[:100]} is out of bounds")
    if array.meta:
        return torch.empty(shape, dtype=dtype, device="meta")
    if math.prod(shape) * dtype.itemsize != len(array.data):
        raise ProtocolError(
            f"a tensor of shape {str(shape)[:100]} and dtype {array.dtype} with {len(array.data)} bytes"
        )
    if dtype is torch.bool and array.data.strip(b"\0\1"):
        raise ProtocolError("a boolean tensor whose bytes are not 0 and 1")
    if not array.data:
        return torch.empty(shape, dtype=dtype)
    flat = torch.frombuffer(bytearray(array.data) if memory is None else memory, dtype=dtype)
    if array.order is None:
        return flat.view(shape)
    if sorted(array.order) != list(range(len(shape))):
        raise ProtocolError(f"{array.order[:20]} is not an order of {len(shape)} dimensions")
    inverse = [array.order.index(d) for d in range(len(shape))]
    return flat.reshape([shape[d] for d in array.order]).permute(inverse)


def dtype_of(name: str) -> torch.dtype:
    """The dtype of that name."""
    if name not in DTYPES:
        raise ProtocolError(f"{name[:40]!r} is not a dtype that is exchanged")
    return DTYPES[name]


_GENERATOR = "<QiiQ"  # how torch's state begins: seed, numbers left, whether seeded, place of the next number
_NUMBERS = 624


def generator_of(message: Generator) -> torch.Generator:
    """A CPU generator in that state."""
    generator = torch.Generator()
    try:
        _, left, _, following = struct.unpack_from(_GENERATOR, message.state)
        generator.set_state(torch.frombuffer(bytearray(message.state), dtype=torch.uint8))
    except (struct.error, RuntimeError, ValueError, TypeError) as error:
        raise ProtocolError("not the state of a generator") from error
    if (left, following) != (1, 0) and left + following != _NUMBERS + 1:
        raise ProtocolError("not the state of a generator: it would draw from beyond its numbers")
    return generator


def pack(value: Any, fallback: Callable[[Any], Value]) -> Value:
    """A Python value as a message; what is not plain data goes to `fallback`."""
    if _is_plain(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, torch.dtype) and value in DTYPE_NAMES:
        return Dtype(DTYPE_NAMES[value])
    if isinstance(value, list | tuple):
        return Sequence([pack(item, fallback) for item in value], isinstance(value, tuple))
    if isinstance(value, dict) and all(map(_is_plain, value)):
        return Mapping([(key, pack(item, fallback)) for key, item in value.items()])
    return fallback(value)


def _is_plain(value: object) -> bool:
    """Whether a value is sent as it is; integers have 64 bits there."""
    return type(value) in (bool, float, str, type(None)) or (type(value) is int and -(2**63) <= value < 2**63)


def parts(value: Value) -> Iterator[Value]:
    """What is in a value's lists and dictionaries, in order; a value that is neither is its own only part."""
    if isinstance(value, Sequence):
        for item in value.items:
            yield from parts(item)
    elif isinstance(value, Mapping):
        for _, item in value.items:
            yield from parts(item)
    else:
        yield value


def unpack(value: Value, resolve: Callable[[Array | Remote | Callback | Generator], Any]) -> Any:
    """The Python value of a message; tensors, generators and references go to `resolve`."""
    if type(value) is Array:
        return resolve(value)
    if isinstance(value, Sequence):
        items = [unpack(item, resolve) for item in value.items]
        return tuple(items) if value.is_tuple else items
    if isinstance(value, Mapping):
        return {key: unpack(item, resolve) for key, item in value.items}
    if isinstance(value, Dtype):
        return dtype_of(value.name)
    if isinstance(value, Remote | Callback | Generator):
        return resolve(value)
    return value
