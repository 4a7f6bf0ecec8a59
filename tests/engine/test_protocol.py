"""The protocol: every tensor survives the crossing, and no bytes do harm."""

from __future__ import annotations

import itertools
import math
import struct
from collections import OrderedDict
from random import Random

import msgspec
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headcheck.errors import ProtocolError
from headcheck.protocol import (
    DTYPES,
    MAX_FRAME,
    MAX_TEXT,
    Answer,
    Array,
    Call,
    Callback,
    Done,
    Dtype,
    Generator,
    Mapping,
    Raised,
    Remote,
    Sequence,
    array_of,
    bytes_of,
    decode_reply,
    decode_request,
    encode,
    frame_length,
    generator_of,
    pack,
    tensor_of,
    unpack,
)

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def filled(shape, dtype):
    """A tensor whose elements differ where its dtype allows it."""
    return (
        (torch.arange(math.prod(shape)) % 2 if dtype is torch.bool else torch.arange(math.prod(shape)))
        .to(dtype)
        .view(shape)
    )


def crossed(value):
    """The value as it arrives on the other side of the line."""
    reply = decode_reply(encode(Done(pack(value, array_of), {}, {}, ""))[4:])
    return unpack(reply.value, tensor_of)


def assert_same(got, wanted):
    """Equal in dtype, shape, strides and every bit."""
    assert (got.dtype, got.shape, got.stride()) == (wanted.dtype, wanted.shape, wanted.stride())
    assert bytes_of(got) == bytes_of(wanted)


@given(SHAPES, st.sampled_from(list(DTYPES.values())))
@example((), torch.bool)
@example((0, 3), torch.complex128)
def test_a_tensor_arrives_as_it_was_sent(shape, dtype):
    """Every dtype, every shape: 0-dimensional and empty ones too."""
    assert_same(crossed(filled(shape, dtype)), filled(shape, dtype))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_transposed_tensor_arrives_transposed(order):
    """Code that calls `.view` must fail there as it would here."""
    tensor = filled((2, 3, 4), torch.float32).permute(order)
    assert_same(crossed(tensor), tensor)


@pytest.mark.parametrize(
    "tensor",
    [torch.arange(8)[::2], torch.ones(2, 1).expand(2, 3), torch.tensor([1j, 2]).conj()],
)
def test_a_view_that_is_no_permutation_arrives_contiguous(tensor):
    """Slices, expanded and lazily conjugated tensors: the elements are what counts."""
    assert_same(crossed(tensor), tensor.resolve_conj().contiguous())


@pytest.mark.parametrize("tensor", [torch.ones(1, 4)[:, 0], torch.ones(()).expand(1)])
def test_a_lone_element_arrives_whatever_its_stride(tensor):
    """To torch it is contiguous, and yet its bytes cannot be viewed in place."""
    assert_same(crossed(tensor), torch.ones(1))


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0, 5e-324])
def test_every_bit_of_a_float_arrives(value):
    """NaN, infinities, signed zero and denormals are not touched."""
    assert_same(crossed(torch.tensor([value], dtype=torch.float64)), torch.tensor([value], dtype=torch.float64))


def test_a_meta_tensor_arrives_without_content():
    """Shape and dtype only, however large."""
    got = crossed(torch.empty(3, 5, dtype=torch.float16, device="meta"))
    assert (got.is_meta, got.shape, got.dtype) == (True, (3, 5), torch.float16)


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.sampled_from(list(DTYPES.values()))
)
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(NESTED)
def test_nested_plain_values_arrive_as_they_were(value):
    """Lists stay lists, tuples tuples; True does not become 1, nor 1.0 an integer."""
    assert repr(crossed(value)) == repr(value)


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, {1}, b"x", type("Whole", (int,), {})(1), object(), torch.Generator()]
)
def test_what_is_not_plain_goes_to_the_fallback(value):
    """Integers that are too large, sets, bytes and subclasses are not plain data."""
    assert pack(value, lambda it: ["kept", it is value]) == ["kept", True]


def test_subclasses_of_containers_arrive_as_the_plain_container():
    """A size as a tuple, an ordered dictionary as a dictionary."""
    assert type(crossed(torch.Size([1, 2]))) is tuple
    assert type(crossed(OrderedDict(a=1))) is dict


def test_a_generator_arrives_in_its_state():
    """The next number drawn is the same on both sides."""
    here = torch.Generator().manual_seed(5)
    there = generator_of(Generator(bytes_of(here.get_state())))
    assert torch.equal(torch.rand(3, generator=here), torch.rand(3, generator=there))


@pytest.mark.parametrize("state", [b"", b"x", bytes(5056), b"\xff" * 5056])
def test_what_is_no_state_of_a_generator_is_refused(state):
    """Wrong length or wrong content."""
    with pytest.raises(ProtocolError, match="not the state of a generator"):
        generator_of(Generator(state))


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (Array("quint8", [1], b"\0"), "not a dtype"),
        (Array("float32", [-1], b""), "out of bounds"),
        (Array("float32", [1] * 17, bytes(4)), "out of bounds"),
        (Array("float32", [2**63], b""), "out of bounds"),
        (Array("float32", [2**26, 2**26], b"", meta=True), "out of bounds"),
        (Array("float32", [0, 2**26, 2**26, 2**26], b""), "out of bounds"),
        (Array("float32", [2], bytes(4)), "with 4 bytes"),
        (Array("float32", [], b""), "with 0 bytes"),
        (Array("bool", [2], b"\0\2"), "boolean"),
        (Array("float32", [1, 1], bytes(4), order=[0, 0]), "not an order"),
        (Array("float32", [1, 1], bytes(4), order=[0]), "not an order"),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(array, why):
    """Dtype, shape, bytes and order must agree, and stay within bounds."""
    with pytest.raises(ProtocolError, match=why):
        tensor_of(array)


VALUE = [filled((2, 3), torch.float32).mT, {"a": (1, torch.int8)}]
MESSAGES = [
    encode(Done(pack(VALUE, array_of), {0: array_of(torch.ones(2))}, {0: b"x"}, "printed")),
    encode(Done(Sequence([Remote(1, "module", "Linear"), Array("int8", [0, 9], b"", meta=True)], True), {}, {}, "")),
    encode(Raised("ValueError", "m", "t", "p")),
]


@settings(max_examples=3000)
@given(st.sampled_from(MESSAGES), st.integers(0, 2**32).map(Random))
def test_a_mutated_message_is_refused_or_read_and_nothing_else(frame, random):
    """Whatever bytes a worker sends, the only exception is ProtocolError."""
    payload = bytearray(frame[4:])
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(payload))
        payload[place : place + random.randint(0, 2)] = random.randbytes(random.randint(1, 3))
    try:
        reply = decode_reply(bytes(payload))
        unpack(getattr(reply, "value", None), lambda part: tensor_of(part) if isinstance(part, Array) else part)
    except ProtocolError:
        pass


@settings(max_examples=500)
@given(st.binary())
def test_garbage_is_refused(payload):
    """Random bytes are no message."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(payload)


def nested_frame(depth):
    """A reply whose value is a list of a list of a list, `depth` times."""
    head = b"\x93" + msgspec.msgpack.encode("Sequence") + b"\x91"
    return b"\x95" + msgspec.msgpack.encode("Done") + head * depth + b"\xc0" + b"\xc3" * depth + b"\x80\x80\xa0"


@pytest.mark.parametrize("depth", [*range(100, 1000, 50), 100_000])
def test_deep_nesting_is_refused_or_read(depth):
    """No depth exhausts the stack."""
    try:
        unpack(decode_reply(nested_frame(depth)).value, tensor_of)
    except ProtocolError:
        assert depth > 100


@pytest.mark.parametrize(
    "payload",
    [encode(Answer(1))[4:], b"\x95\xa4Done\xc0\x80\x80\xa1\xff", b"\x95\xa4Done\xcf" + b"\xff" * 8 + b"\x80\x80\xa3x"],
)
def test_what_is_no_reply_is_no_reply(payload):
    """A request, bad UTF-8 and a short text."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(payload)


def test_a_reply_is_no_request():
    """The worker, too, takes only what a grader sends."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_request(MESSAGES[0][4:])


@pytest.mark.parametrize("field", ["kind", "message", "trace", "printed"])
def test_texts_of_a_worker_are_bounded(field):
    """What will be shown and stored cannot be megabytes, even when the worker's own cap is gone."""
    texts = {"kind": "", "message": "", "trace": "", "printed": ""} | {field: "x" * (2 * MAX_TEXT)}
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(encode(Raised(**texts))[4:])


def test_a_dictionary_whose_key_cannot_be_one_is_refused():
    """A list as a key."""
    with pytest.raises(ProtocolError, match="key"):
        unpack(Mapping([(Sequence([], False), None)]), tensor_of)


def test_an_unknown_dtype_is_refused():
    """By its name alone."""
    with pytest.raises(ProtocolError, match="not a dtype"):
        unpack(Dtype("qint32"), tensor_of)


def test_a_frame_announces_its_length():
    """Four bytes, big-endian."""
    frame = encode(Call(0, "f", [Callback(0, "g")], {}, True, 1, {}, []))
    assert frame_length(frame[:4]) == len(frame) - 4


def test_a_frame_over_the_limit_is_not_awaited():
    """The announcement alone is enough to refuse it."""
    assert frame_length(struct.pack(">I", MAX_FRAME)) == MAX_FRAME
    with pytest.raises(ProtocolError, match="announced"):
        frame_length(struct.pack(">I", MAX_FRAME + 1))


def test_a_message_over_the_limit_is_not_sent():
    """The sender notices first."""
    with pytest.raises(ProtocolError, match="over the limit"):
        encode(Answer("x" * (MAX_FRAME + 1)))


def test_a_text_that_is_no_unicode_is_not_sent():
    """Half of a surrogate pair has no UTF-8."""
    with pytest.raises(ProtocolError, match="not Unicode"):
        encode(Answer("\ud800"))
