"""26. Messages that are well formed and impossible, or meant to be expensive."""

import os
import struct
import msgspec
import torch
from headcheck.protocol import Array, Callback, Done, Dtype, Generator, Mapping, Remote, Sequence

def frame(payload):
    return struct.pack(">I", len(payload)) + payload
def read(size):
    data = b""
    while len(data) < size:
        part = os.read(3, size - len(data))
        if not part: os._exit(0)
        data += part
    return data
def say(payload):
    """Answer this to whatever the grader asks, from here on."""
    while True:
        view = memoryview(frame(payload))
        while view: view = view[os.write(3, view):]
        read(struct.unpack(">I", read(4))[0])
def done(value, **more):
    return msgspec.msgpack.encode(Done(**({"value": value, "changed": {}, "generators": {}, "printed": ""} | more)))
ZEROS = bytes(32)

# --- too_long: crashed
def weights(scores, length): os.write(3, b"\xff\xff\xff\xff")
# --- huge_shape: crashed
def weights(scores, length): say(done(Array("float32", [2**40], b"")))
# --- shape_that_overflows: crashed
def weights(scores, length): say(done(Array("float32", [2**32, 2**32], b"")))
# --- giant_with_a_zero: crashed
def weights(scores, length): say(done(Array("float32", [0, 2**60], b"")))
# --- giant_on_meta: crashed
def weights(scores, length): say(done(Array("float32", [2**31, 2**31], b"", meta=True)))
# --- negative_shape: crashed
def weights(scores, length): say(done(Array("float32", [-2, -4], ZEROS)))
# --- many_dimensions: crashed
def weights(scores, length): say(done(Array("float32", [1] * 1000, bytes(4))))
# --- fewer_bytes_than_shape: crashed
def weights(scores, length): say(done(Array("float32", [2, 4], bytes(31))))
# --- more_bytes_than_shape: crashed
def weights(scores, length): say(done(Array("float32", [2, 4], bytes(2**20))))
# --- unknown_dtype: crashed
def weights(scores, length): say(done(Array("object", [2, 4], ZEROS)))
# --- booleans_of_two: crashed
def weights(scores, length): say(done(Array("bool", [2, 4], b"\2" * 8)))
# --- order_that_is_none: crashed
def weights(scores, length): say(done(Array("float32", [2, 4], ZEROS, order=[0, 0])))
# --- long_order: crashed
def weights(scores, length): say(done(Array("float32", [2, 4], ZEROS, order=list(range(10**5)))))
# --- node_that_is_none: failed
def weights(scores, length): say(done(Array("float32", [2, 4], ZEROS, node=10**15)))
# --- whole_numbers_with_a_gradient: crashed
def weights(scores, length): say(done(Array("int64", [4], ZEROS, node=1)))
# --- a_generator: crashed
def weights(scores, length): say(done(Generator(b"\0" * 5056)))
# --- a_callback: crashed
def weights(scores, length): say(done(Callback(0, "f")))
# --- a_dtype: failed
def weights(scores, length): say(done(Dtype("float32")))
# --- unknown_dtype_by_name: crashed
def weights(scores, length): say(done(Dtype("float3")))
# --- change_of_what_was_not_sent: crashed
def weights(scores, length): say(done(1.0, changed={99: Array("float32", [1], bytes(4))}))
# --- change_below_zero: crashed
def weights(scores, length): say(done(1.0, changed={-1: Array("float32", [2, 4], ZEROS)}))
# --- change_of_size: failed
def weights(scores, length): say(done(1.0, changed={0: Array("float32", [9], bytes(36))}))
# --- change_without_content: crashed
def weights(scores, length): say(done(1.0, changed={0: Array("float32", [2, 4], b"", meta=True)}))
# --- generator_that_was_not_sent: crashed
def weights(scores, length): say(done(1.0, generators={0: b"state"}))
# --- bad_unicode: crashed
def weights(scores, length): say(done("x" * 8).replace(b"x" * 8, b"\xff" * 8))
# --- number_for_a_text: crashed
def weights(scores, length): say(msgspec.msgpack.encode(["Done", 1.0, {}, {}, 5]))
# --- float_for_a_number: crashed
def weights(scores, length): say(msgspec.msgpack.encode(["Done", ["Remote", 1.5, "module", "x"], {}, {}, ""]))
# --- number_beyond_64_bits: crashed
def weights(scores, length): say(b"\x95\xa4Done\xc7\x10\x00" + b"\xff" * 16 + b"\x80\x80\xa0")
# --- missing_fields: crashed
def weights(scores, length): say(msgspec.msgpack.encode(["Done"]))
# --- unknown_tag: crashed
def weights(scores, length): say(msgspec.msgpack.encode(["Passed", 100]))
# --- a_request: crashed
def weights(scores, length): say(msgspec.msgpack.encode(["Get", 0, "weights"]))
# --- same_key_twice: failed
def weights(scores, length): say(done(Mapping([(1, 1), (True, 2), (1.0, 3), ("a", 4), ("a", 5)])))
# --- keys_that_are_no_keys: crashed
def weights(scores, length): say(b"\x95\xa4Done\x92\xa7Mapping\x91\x92\x93\xa8Sequence\x90\xc2\x01\x80\x80\xa0")
# --- deep: crashed
def weights(scores, length):
    say(b"\x95\xa4Done" + b"\x93\xa8Sequence\x91" * 50_000 + b"\xc0" + b"\xc2" * 50_000 + b"\x80\x80\xa0")
# --- deep_but_legal: failed|crashed
def weights(scores, length):
    say(b"\x95\xa4Done" + b"\x93\xa8Sequence\x91" * 150 + b"\xc0" + b"\xc2" * 150 + b"\x80\x80\xa0")
# --- sixty_million_nothings: crashed
def weights(scores, length):
    count = 60_000_000
    say(b"\x95\xa4Done\x93\xa8Sequence\xdd" + struct.pack(">I", count) + b"\xc0" * count + b"\xc2\x80\x80\xa0")
# --- a_million_tensors: crashed
def weights(scores, length):
    one = msgspec.msgpack.encode(Array("bool", [], b"\1", node=1))
    say(b"\x95\xa4Done\x93\xa8Sequence\xdd" + struct.pack(">I", 10**6) + one * 10**6 + b"\xc2\x80\x80\xa0")
# --- many_tensors_with_gradients: failed|crashed
def weights(scores, length): say(done(Sequence([Array("float32", [], bytes(4), node=n) for n in range(15_000)], False)))
# --- a_text_of_sixty_million: crashed
def weights(scores, length): say(done("x" * 60_000_000))
# --- sixty_million_printed: crashed
def weights(scores, length): say(done(1.0, printed="x" * 60_000_000))
# --- sixty_million_bytes_in_a_tensor: failed
def weights(scores, length): say(done(Array("uint8", [60_000_000], bytes(60_000_000))))
# --- long_name_of_a_type: crashed
def weights(scores, length): say(done(Remote(5, "object", "x" * 10**5)))
# --- printed_with_every_answer: failed
def weights(scores, length): say(done(1.0, printed="\0\x1b[2J" * 3000))
