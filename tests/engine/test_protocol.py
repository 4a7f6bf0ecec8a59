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

from headcheck import protocol
from headcheck.errors import ProtocolError
from headcheck.protocol import (
    DTYPES,
    MAX_CLUE,
    MAX_FINDINGS,
    MAX_FRAME,
    MAX_PLAIN,
    MAX_TEXT,
    Answer,
    Array,
    Call,
    Callback,
    Done,
    Dtype,
    Generator,
    Mapping,
    Place,
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
    parts,
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


@pytest.mark.parametrize(("left", "following"), [(624, 624), (624, 2), (2, 624), (1, 1), (0, 625), (625, 0)])
def test_a_generator_that_would_read_beyond_its_numbers_is_refused(left, following):
    """Torch takes such a state, and then draws from whatever lies behind it in the grader's memory."""
    state = bytearray(bytes_of(torch.Generator().get_state()))
    struct.pack_into("<QiiQ", state, 0, 5, left, 1, following)
    with pytest.raises(ProtocolError, match="not the state of a generator"):
        generator_of(Generator(bytes(state)))


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 1248])
def test_a_generator_arrives_wherever_it_stands(drawn):
    """Fresh, in the middle of its numbers, and at the end of them."""
    here = torch.Generator().manual_seed(5)
    torch.randint(9, (drawn,), generator=here)
    there = generator_of(Generator(bytes_of(here.get_state())))
    assert torch.equal(torch.rand(700, generator=here), torch.rand(700, generator=there))


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
    encode(Raised("ValueError", "m", "t", "p", place=Place("f", 1, "x", "f", ["X: float32"]), clue=["near", "a", "b"])),
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


@pytest.mark.parametrize("findings", [["x"] * (MAX_FINDINGS + 1), ["x" * (2 * MAX_TEXT)], [1], "x"])
def test_what_a_worker_says_of_notebooks_is_bounded(findings):
    """In number and length; it is shown and stored like everything else."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(encode(Raised("", "", "", "", findings))[4:])


@pytest.mark.parametrize("clue", [["x"] * (MAX_CLUE + 1), ["x" * (2 * MAX_TEXT)], [1], "x"])
def test_a_clue_is_bounded(clue):
    """In number and length, and so are the tensors of a place; both are shown and stored."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(encode(Raised("", "", "", "", clue=clue))[4:])
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(encode(Raised("", "", "", "", place=Place("", 1, "", "", clue)))[4:])


@pytest.mark.parametrize("key", [Sequence([], False), Sequence([1], True), Remote(1, "object", "set")])
def test_a_dictionary_with_a_key_that_is_not_plain_is_refused(key):
    """A list cannot be one; of tuples a worker could send thousands whose hashes are all the same."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(encode(Done(Mapping([(key, None)]), {}, {}, ""))[4:])


@pytest.mark.parametrize("key", [(1, 2), torch.float32, 2**63, None, True, 1.5, "a"])
def test_a_dictionary_is_sent_when_its_keys_are_plain(key):
    """Any other stays where it is."""
    plain = type(key) in (type(None), bool, float, str)
    assert isinstance(pack({key: 1}, lambda _: "kept"), Mapping) == plain


SMALLER = 300_000  # than MAX_PLAIN, and enough for any of these
SIZES = (0, 1, 31, 32, 255, 256, 65535, 65536)
WIDE = [
    *(kind * size for size in SIZES for kind in ("x", b"\0", [None])),
    *(msgspec.msgpack.Ext(5, bytes(size)) for size in (*SIZES, 2, 4, 8, 16)),
    *(dict.fromkeys(range(size)) for size in SIZES),
    *(sign * 2**bits for sign in (1, -1) for bits in (0, 5, 7, 8, 15, 16, 31, 32, 63)),
    *(0.5, None, True, b"\xc6\xff\xff\xff\xff"),
]


@pytest.mark.parametrize("value", WIDE, ids=range(len(WIDE)))
def test_what_is_content_and_what_is_not_is_told_apart_behind_any_value(monkeypatch, value):
    """Zeros that are a tensor's content pass the limit, zeros that are numbers do not, whatever stands before them."""
    monkeypatch.setattr(protocol, "MAX_PLAIN", SMALLER)
    for after, why in ((bytes(SMALLER), "not a message"), ([0] * SMALLER, "besides the content of tensors")):
        with pytest.raises(ProtocolError, match=why):
            decode_reply(msgspec.msgpack.encode([value, after]))


def test_many_small_values_are_refused_before_anything_is_made_of_them():
    """A megabyte of them takes half a second to read, a frame's worth would take half a minute and gigabytes."""
    reply = Done(Sequence([None] * MAX_PLAIN, False), {}, {}, "")
    with pytest.raises(ProtocolError, match="besides the content of tensors"):
        encode(reply)
    with pytest.raises(ProtocolError, match="besides the content of tensors"):
        decode_reply(msgspec.msgpack.encode(reply))


def test_a_large_tensor_is_sent_all_the_same():
    """Its content is what a frame has room for."""
    tensor = torch.arange(MAX_PLAIN)
    assert torch.equal(crossed([tensor, tensor])[1], tensor)


def test_a_message_has_as_many_parts_as_it_should():
    """What would be skipped is not even looked at."""
    with pytest.raises(ProtocolError, match="not a message"):
        decode_reply(msgspec.msgpack.encode(["Raised", "ValueError", "m", "t", "p", "more"]))


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


def test_the_parts_of_a_value_are_what_its_lists_and_dictionaries_hold():
    """In order, however deep; a value that is neither is its own."""
    array = array_of(torch.ones(2))
    value = Sequence([1, Mapping([("a", array), (2, Sequence([None], True))]), Sequence([], False)], False)
    assert list(parts(value)) == [1, array, None]
    assert list(parts("text")) == ["text"]
