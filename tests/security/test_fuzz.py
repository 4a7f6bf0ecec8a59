"""Whatever bytes a worker sends, the grader refuses them or reads them: nothing else, quickly, and in little memory.

Real exchanges are recorded: what a `Session` answers to each kind of request. Then their frames are damaged, some like
noise and some by somebody who knows MessagePack, and played to a `Connection` that makes the same requests again, down
to the values that a property would hold and the counterexample that would be written.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import headcheck
from headcheck.errors import ProtocolError, StudentRaised
from headcheck.loading import load_for_good
from headcheck.properties import show
from headcheck.protocol import MAX_FRAME, MAX_PLAIN, Ask, Load, Raised, decode_reply, encode, frame_length
from headcheck.student import Connection, Handle, Student, call_counted
from headcheck.worker import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.protocol import Answer, Done, Refuse, Request

PACKAGE = Path(headcheck.__file__).parent
FRAMES = int(os.environ.get("HEADCHECK_FUZZ_FRAMES", "200000"))
BATCH = 1000
MAX_CPU_SECONDS = 5.0  # for one exchange; a megabyte of numbers takes about one on a slow machine
MAX_MIB = 256  # for all of them: what is refused is not kept either
MAX_LENGTH = 4096

SUBMISSION = b"""
import torch
from torch import nn

def double(X): return 2 * X
def scale(X, generator):
    X.mul_(torch.rand(1, generator=generator))
    return X
def nested(X): return {"a": [X, (1, -2, 2.5, "text", None, True)], 3: X.mT, 1.5: torch.float16, None: [[[]]]}
def kinds():
    return [torch.zeros(2, dtype=dtype) for dtype in (torch.bool, torch.int64, torch.complex64, torch.bfloat16)]
def meta(): return torch.empty(3, 4, device="meta"), torch.empty(0, 7), torch.tensor(1.0)
def apply(f, X): return f(f(X), scale=2.0)
def model(): return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
def chatty(): print("hello " * 50)
def fail(): raise ValueError("no\\n\\x1b[31m" + "x" * 100)
def attention(Q, K): return (Q @ K.mT).softmax(-1)
history = [0.5, 0.25]
"""


class Recorder:
    """A line to a real session that keeps every frame that it sends."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._answer: Callable[[Ask], Answer | Refuse] | None = None
        self._session = Session(self._ask)
        self._session.adopt(load_for_good({"work": SUBMISSION}, "work"))

    def _ask(self, question: Ask) -> Answer | Refuse:
        self.frames.append(encode(question))
        return self._answer(question)

    def request(self, request: Request, answer: Callable[[Ask], Answer | Refuse]) -> Done | Raised:
        self._answer = answer
        self.frames.append(encode(self._session.answer(request)))
        return decode_reply(self.frames[-1][4:])

    def cpu_seconds(self) -> float:
        return time.process_time()


class Silent(Exception):
    """The recorded worker has nothing more to say; a real one would be waited for, or found dead."""


class Player:
    """A line whose worker sends these bytes, whatever it is asked."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def request(self, request: Request, answer: Callable[[Ask], Answer | Refuse]) -> Done | Raised:
        encode(request)
        while isinstance(reply := decode_reply(self._read(frame_length(self._read(4)))), Ask):
            encode(answer(reply))
        return reply

    def _read(self, size: int) -> bytes:
        if size > len(self._data):
            raise Silent
        read, self._data = self._data[:size], self._data[size:]
        return read

    def cpu_seconds(self) -> float:
        return 0.0


def load(student: Student) -> Any:
    """The reply to the first request of all, which no property makes."""
    return student._connection._request(Load({"work": SUBMISSION}, "work", []))


def train(student: Student) -> Any:
    """Parameters, a call with a graph, its gradients, an optimizer's step, and the next call."""
    model = student.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    out = model(torch.ones(2, 3))
    out.sum().backward()
    optimizer.step()
    return [model(torch.ones(2, 3)), dict(model.named_parameters()), model.state_dict()]


def differentiate(student: Student) -> Any:
    """The gradients of two arguments, one of them no leaf."""
    Q, K = torch.ones(2, 3, requires_grad=True), torch.ones(4, 3, requires_grad=True)
    return torch.autograd.grad(student.attention(Q, K * 2).sum(), (Q, K))


def count(student: Student) -> Any:
    """What a call costs, if there is something to call."""
    function = student.attention
    arguments = torch.ones(2, 3), torch.ones(4, 3)
    return call_counted(function, arguments, {}) if isinstance(function, Handle) else function


SCENES: list[Callable[[Student], Any]] = [
    load,
    lambda student: student.double(torch.ones(2, 3)),
    lambda student: student.scale(torch.ones(2, 3), torch.Generator().manual_seed(1)),
    lambda student: student.nested(torch.arange(6.0).view(2, 3)),
    lambda student: student.kinds(),
    lambda student: student.meta(),
    lambda student: student.apply(lambda *args, **kwargs: torch.ones(len(args), len(kwargs)), torch.ones(2, 2)),
    lambda student: student.chatty(),
    lambda student: student.fail(),
    lambda student: student.history,
    count,
    train,
    differentiate,
]


def recorded(scene: Callable[[Student], Any]) -> list[bytes]:
    """The frames that a session sends in a scene."""
    line = Recorder()
    with contextlib.suppress(StudentRaised):
        scene(Student(Connection(line)))
    return line.frames


def play(scene: Callable[[Student], Any], data: bytes) -> str:
    """How a scene ends when the worker sends these bytes; anything but the ends that are named here is raised."""
    try:
        value = scene(Student(Connection(Player(data))))
    except (ProtocolError, StudentRaised, Silent) as error:
        return type(error).__name__
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        if _is_the_scenes_own(error):
            return "unusable"
        raise
    msgspec.json.encode(show(value))
    return "read"


def _is_the_scenes_own(error: Exception) -> bool:
    """Whether it was raised by a property's own line, on a well-formed value of another kind, and not by the engine."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return PACKAGE not in Path(trace.tb_frame.f_code.co_filename).parents


# How frames are damaged.

INTERESTING = [0, 1, 2, 3, 5, 15, 16, 17, 127, 128, 255, 256, 2**15, 2**16, 2**26, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
VALUES: list[Any] = [
    None, True, 0, -1, 2**63 - 1, 2**64 - 1, 1e308, float("nan"), "", "x" * 300, b"", bytes(300), [], {}, [[]] * 20,
    msgspec.msgpack.Ext(1, b"xx"), ["Sequence", [], True], ["Mapping", [["a", None], ["a", 1]]], ["Dtype", "float8"],
    ["Mapping", [[["Sequence", [], True], 1]]], ["Callback", 0, "f"], ["Generator", bytes(5056)], ["Remote", 0, "", ""],
    ["Remote", -(2**63), "module", "Linear"], ["Array", "float32", [], bytes(4), None, False, 1, True, 1],
    ["Array", "float32", [0, 2**26], b""], ["Array", "bfloat16", [1] * 16, bytes(2), list(range(16))],
    ["Array", "complex64", [2**63], b"", None, True], ["Array", "float64", [1, 1], bytes(8), [1, 1]],
]  # fmt: skip
NAMES = [
    b"Done", b"Raised", b"Ask", b"Array", b"Remote", b"Callback", b"Dtype", b"Generator", b"Sequence", b"Mapping",
    b"Count", b"float32", b"float64", b"int64", b"bool", b"complex64", b"module", b"callable", b"object",
]  # fmt: skip


def flip_bits(payload: bytearray, dice: random.Random) -> None:
    """Noise."""
    for _ in range(dice.choice((1, 1, 2, 8))):
        payload[dice.randrange(len(payload))] ^= 1 << dice.randrange(8)


def overwrite(payload: bytearray, dice: random.Random) -> None:
    """Other bytes, fewer or more of them."""
    place = dice.randrange(len(payload))
    payload[place : place + dice.randrange(4)] = dice.randbytes(dice.randrange(4))


def truncate(payload: bytearray, dice: random.Random) -> None:
    """A beginning, or an end."""
    place = dice.randrange(len(payload))
    if dice.random() < 0.5:
        del payload[place:]
    else:
        del payload[:place]


def repeat(payload: bytearray, dice: random.Random) -> None:
    """A part of it, several times."""
    start = dice.randrange(len(payload))
    part = payload[start : start + dice.randint(1, 40)]
    payload[start:start] = part * dice.choice((1, 1, 2, 50))


def change_code(payload: bytearray, dice: random.Random) -> None:
    """Another type, most often: every code of MessagePack from 0xc0 on, or a small container."""
    payload[dice.randrange(len(payload))] = dice.randrange(0x80, 0x100)


def change_number(payload: bytearray, dice: random.Random) -> None:
    """A size, length or number that is at the edge of something."""
    place = dice.randrange(len(payload))
    payload[place : place + 1] = msgspec.msgpack.encode(dice.choice(INTERESTING))


def insert_value(payload: bytearray, dice: random.Random) -> None:
    """A whole value, in place of a byte or before it."""
    place = dice.randrange(len(payload))
    payload[place : place + dice.randrange(2)] = msgspec.msgpack.encode(dice.choice(VALUES))


def rename(payload: bytearray, dice: random.Random) -> None:
    """One kind of message, or dtype, for another."""
    present = [name for name in NAMES if name in payload]
    if present:
        old, new = dice.choice(present), dice.choice(NAMES)
        place = payload.index(old)
        payload[place - 1 : place + len(old)] = bytes([0xA0 + len(new)]) + new


def nest(payload: bytearray, dice: random.Random) -> None:
    """A value inside lists, up to and beyond what a stack holds."""
    place = dice.randrange(len(payload))
    depth = dice.choice((1, 3, 50, 150, 200, 250, 300, 400, 600))
    payload[place : place + 1] = b"\x93\xa8Sequence\x91" * depth + b"\xc0" + dice.choice((b"\xc2", b"\xc3")) * depth


def edit_tree(payload: bytearray, dice: random.Random) -> None:
    """A well-formed message, one of whose parts is another value."""
    try:
        tree = msgspec.msgpack.decode(bytes(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError):
        return
    places = list(_places(tree, 0))
    if places:
        parent, key = dice.choice(places)
        parent[key] = dice.choice(VALUES) if dice.random() < 0.7 else dice.choice(places)[0]
    try:
        payload[:] = msgspec.msgpack.encode(tree)
    except (RecursionError, TypeError):
        return


def _places(tree: Any, depth: int) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, list | dict) and depth < 50:
        for key in range(len(tree)) if isinstance(tree, list) else tree:
            yield tree, key
            yield from _places(tree[key], depth + 1)


DAMAGES = [
    flip_bits, overwrite, truncate, repeat, change_code, change_code, change_number, insert_value, rename, nest,
    edit_tree, edit_tree, edit_tree, edit_tree, edit_tree, edit_tree,
]  # fmt: skip


def damaged(frames: list[bytes], pool: list[bytes], dice: random.Random) -> bytes:
    """The frames of a scene, one of them damaged or another's, the lengths before them right most of the time."""
    frames = list(frames)
    number = dice.randrange(len(frames))
    payload = bytearray(frames[number][4:])
    if dice.random() < 0.1:
        payload[:] = dice.choice(pool)[4:]
    elif dice.random() < 0.1:
        other = dice.choice(pool)[4:]
        payload[dice.randrange(len(payload)) :] = other[dice.randrange(len(other)) :]
    for _ in range(dice.choice((0, 1, 1, 1, 2, 4))):
        dice.choice(DAMAGES)(payload, dice)
        del payload[MAX_LENGTH * 8 :]
        if not payload:
            break
    length = dice.choice(INTERESTING) & 0xFFFFFFFF if dice.random() < 0.02 else len(payload)
    frames[number] = length.to_bytes(4, "big") + payload
    return b"".join(frames)


def test_whatever_a_worker_sends_is_refused_or_read() -> None:
    """Hundreds of thousands of damaged frames: no other exception, no crash, and not much time or memory for any."""
    scenes = [(scene, recorded(scene)) for scene in SCENES]
    pool = [frame for _, frames in scenes for frame in frames]
    for scene, frames in scenes:
        play(scene, b"".join(frames))
    ends: Counter[str] = Counter()
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(max_examples=-(-FRAMES // BATCH), deadline=None, database=None, phases=[Phase.generate])
    @given(st.integers(0, 2**64 - 1))
    def batch(seed: int) -> None:
        nonlocal slowest
        dice = random.Random(seed)
        for number in range(BATCH):
            scene, frames = dice.choice(scenes)
            data = damaged(frames, pool, dice)
            started = time.process_time()
            try:
                ends[play(scene, data)] += 1
            except BaseException as error:
                error.add_note(f"seed {seed}, number {number}, scene {SCENES.index(scene)}: {data!r}"[:4000])
                raise
            slowest = max(slowest, time.process_time() - started)

    batch()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert slowest < MAX_CPU_SECONDS
    assert grown < MAX_MIB
    assert ends.total() >= FRAMES
    assert all(ends[end] > FRAMES / 10 for end in ("read", "ProtocolError")), ends
    assert all(ends[end] > FRAMES / 500 for end in ("StudentRaised", "Silent")), ends


ITEM = {
    "nothing": b"\xc0",
    "texts": b"\xa2xy",
    "numbers": b"\xcd\x12\x34",
    "lists": b"\x93\xa8Sequence\x90\xc3",
    "tensors": b"\x94\xa5Array\xa5int64\x91\x00\xc4\x00",
    "graphs": b"\x99\xa5Array\xa7float32\x91\x00\xc4\x00\xc0\xc2\xc0\xc2\x01",
    "modules": b"\x94\xa6Remote\xcd\x12\x34\xa6module\xa1M",
}


def reply_with(value: bytes) -> bytes:
    """The payload of an answer with this encoded value."""
    return b"\x95\xa4Done" + value + b"\x80\x80\xa0"


def many(item: bytes, count: int) -> bytes:
    """A list of one item again and again."""
    return b"\x93\xa8Sequence\xdd" + count.to_bytes(4, "big") + item * count + b"\xc2"


def tensor_with(dtype: str, content: bytes) -> bytes:
    """A tensor of bytes, as large as a frame."""
    return msgspec.msgpack.encode(["Array", dtype, [len(content)], content])


@pytest.mark.parametrize("size", [MAX_PLAIN, MAX_FRAME])
@pytest.mark.parametrize("item", list(ITEM))
def test_a_frame_full_of_small_values_takes_little_time_and_memory(item: str, size: int) -> None:
    """As many as are let through, and as many as a frame could hold."""
    payload = reply_with(many(ITEM[item], (size - 100) // len(ITEM[item])))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    end = play(SCENES[1], (len(payload).to_bytes(4, "big") + payload))
    assert time.process_time() - started < MAX_CPU_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MAX_MIB
    assert end == ("unusable" if size == MAX_PLAIN else "ProtocolError")


@pytest.mark.parametrize("dtype", ["bool", "uint8"])
def test_a_frame_full_of_one_tensor_takes_little_time(dtype: str) -> None:
    """Its bytes are checked by a loop in C."""
    payload = reply_with(tensor_with(dtype, bytes(MAX_FRAME - 100)))
    started = time.process_time()
    assert play(SCENES[1], len(payload).to_bytes(4, "big") + payload) == "unusable"
    assert time.process_time() - started < MAX_CPU_SECONDS


def test_every_kind_of_reply_is_in_the_corpus() -> None:
    """The recorded frames hold all that a worker may say, and undamaged they are read as they were."""
    scenes = [(scene, recorded(scene)) for scene in SCENES]
    replies = [decode_reply(frame[4:]) for _, frames in scenes for frame in frames]
    text = repr(replies)
    kinds = ("Done(", "Raised(", "Ask(", "Array(", "Remote(", "Dtype(", "Sequence(", "Mapping(", "Count(")
    assert [kind for kind in kinds if kind not in text] == []
    assert any(getattr(reply, "changed", None) and reply.generators for reply in replies)
    ends = Counter(play(scene, b"".join(frames)) for scene, frames in scenes)
    assert ends == {"read": len(SCENES) - 1, "StudentRaised": 1}
