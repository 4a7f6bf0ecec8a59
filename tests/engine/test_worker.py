"""The worker: one session, and the loop that serves it over a socket."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from threading import Thread
from types import ModuleType, SimpleNamespace

import pytest
import torch

from headcheck.errors import ProtocolError
from headcheck.protocol import (
    MAX_FINDINGS,
    MAX_FRAME,
    MAX_TEXT,
    Answer,
    Array,
    Ask,
    Begin,
    Call,
    Callback,
    Done,
    Get,
    Load,
    Notebook,
    Parameters,
    Place,
    Raised,
    Refuse,
    Remote,
    Turn,
    array_of,
    decode_reply,
    encode,
    frame_length,
    tensor_of,
    unpack,
)
from headcheck.worker import SOON_SECONDS, CappedText, Session, serve


def call(path="f", *args, ref=0, grad=True, seed=0, dropped=()):
    """A call of the submission."""
    return Call(ref, path, list(args), {}, grad, seed, {}, list(dropped))


def session_of(**names):
    """A session that holds an object with these attributes."""
    session = Session(lambda _question: Refuse("nobody listens"))
    session.adopt(SimpleNamespace(**names))
    return session


@pytest.fixture
def import_system(monkeypatch):
    """Puts the import system back as it was."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def loaded(text, shortcuts=()):
    """A session with a submission of this text, and its first reply."""
    session = Session(lambda _question: Refuse("nobody listens"))
    return session, session.answer(Load({"s.a": text.encode()}, "s.a", list(shortcuts)))


def test_a_loaded_submission_answers(import_system):
    """Load, then call."""
    session, done = loaded("def f(x):\n    return x + 1")
    assert done == Done(None, {}, {}, "")
    assert session.answer(call("f", 1)).value == 2


def test_a_submission_that_cannot_be_loaded_says_why(import_system):
    """With the line, for a mistake of syntax."""
    reply = loaded("def f(:\n")[1]
    assert (reply.kind, "def f(:" in reply.message) == ("SyntaxError", True)


def test_the_trace_shows_the_students_lines_only(import_system):
    """Nothing of headcheck or torch."""
    session, _ = loaded("import torch\ndef f():\n    return torch.ones(2) @ torch.ones(3)")
    reply = session.answer(call())
    assert (reply.kind, reply.trace.count("File")) == ("RuntimeError", 1)
    assert 's/a.py", line 3, in f' in reply.trace


@pytest.mark.parametrize(
    "use", ["library.attention(1)", "library.Attention(1)", "class Mine(library.Attention): pass\nMine()"]
)
def test_a_shortcut_is_closed(import_system, monkeypatch, use):
    """Functions and classes of a library that would do the work say to write it."""
    library = ModuleType("library")
    library.attention, library.Attention = abs, torch.nn.Linear
    monkeypatch.setitem(sys.modules, "library", library)
    reply = loaded(f"import library\n{use}", ["library.attention", "library.Attention"])[1]
    assert "write it yourself, so library." in reply.message
    assert abs(-1) == 1


@pytest.mark.parametrize("kind", [Exception, KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError, MemoryError])
def test_whatever_is_raised_is_the_answer(kind):
    """BaseException included."""

    def f():
        raise kind("no")

    reply = session_of(f=f).answer(call())
    assert isinstance(reply, Raised)
    assert (reply.kind, reply.message) == (kind.__name__, "no")


class Liar(str):
    """A text that answers for its slices."""

    __slots__ = ()

    def __getitem__(self, _place):
        return 3


class Mute(type):
    """A class that does not say its name."""

    @property
    def __name__(cls):
        raise SystemExit


class Nameless(Exception, metaclass=Mute):
    def __str__(self):
        return Liar("text")


class Speechless(Exception):
    def __str__(self):
        raise SystemExit


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (Nameless(), "Nameless", "text"),
        (Speechless(), "Speechless", "(the exception could not be shown)"),
    ],
    ids=["nameless", "speechless"],
)
def test_an_exception_that_lies_about_itself_is_an_answer_too(error, kind, message):
    """Its own methods cannot end the worker."""

    def f():
        raise error

    bases = ["Exception", "BaseException", "object"]
    assert session_of(f=f).answer(call()) == Raised(kind, message, "", "", [], bases)


class Unlooked:
    """Looking at it ends the process, if nobody takes care."""

    def __dir__(self):
        raise SystemExit


def test_an_object_that_cannot_be_looked_at_gives_no_clue(import_system):
    """The exception itself is told all the same."""
    session, _ = loaded("def f(x):\n    return x.y")
    session._submission.x = Unlooked()
    reply = session.answer(Call(0, "f", [Remote(0, "object", "m")], {}, True, 0, {}, []))
    assert (reply.kind, reply.place.line, reply.clue) == ("AttributeError", 2, [])
    session._example.objects[1] = Unlooked()
    reply = session.answer(Call(0, "f", [Remote(1, "object", "m")], {}, True, 0, {}, []))
    assert (reply.kind, reply.place, reply.clue) == ("AttributeError", None, [])


def test_an_exception_is_told_with_its_line_and_a_clue(import_system):
    """As data, of the file that was handed in."""
    session, _ = loaded("def f(x):\n    return x + weights")
    reply = session.answer(call("f", 1))
    assert reply.place == Place("s/a.py", 2, "    return x + weights", "f")
    assert reply.clue == ["unknown", "weights"]


def test_lines_that_were_handed_out_are_not_the_students(import_system):
    """The line that called them is."""
    session = Session(lambda _question: Refuse("nobody listens"))
    sources = {"given.b": b"def g():\n    return 1 / 0", "s.a": b"from given.b import g\n\ndef f():\n    return g()"}
    session.answer(Load(sources, "s.a", []))
    assert session.answer(call("f")).place.line == 4


def test_a_name_that_is_not_there_comes_with_those_that_are(import_system):
    """A function may have been renamed."""
    session, _ = loaded("def softmax_masked(x): pass")
    reply = session.answer(Get(0, "masked_softmax"))
    assert (reply.kind, reply.clue) == ("AttributeError", ["others", "`softmax_masked`", "masked_softmax"])


@pytest.mark.parametrize(
    ("text", "value"), [("def f(x): ...", "file"), ("", "file"), ("def f(x):\n    return x", None)]
)
def test_a_file_in_which_nothing_was_written_is_told(import_system, text, value):
    """It is loaded all the same."""
    _, done = loaded(text)
    assert done.value == value


def test_texts_are_capped_and_made_unicode():
    """What a submission says fits into a reply."""

    def f():
        sys.stdout.write("\ud800" + "p" * 2 * MAX_TEXT)
        raise ValueError("m" * 2 * MAX_TEXT + "\ud800")

    reply = decode_reply(encode(session_of(f=f).answer(call()))[4:])
    assert reply.message == "m" * MAX_TEXT
    assert reply.printed == r"\ud800" + "p" * (MAX_TEXT - 6) + f"\n... and {MAX_TEXT + 6:,} more bytes"


def test_what_is_printed_goes_with_the_answer():
    """Standard output and error, in order, of this call only."""

    def f():
        sys.stdout.write("out\n")
        sys.stderr.write("err\n")

    session = session_of(f=f, x=1)
    assert session.answer(call()).printed == "out\nerr\n"
    assert session.answer(Get(0, "x")).printed == ""


def test_capped_text_counts_what_it_does_not_keep():
    """A writer is told that all of it was written."""
    text = CappedText(3)
    assert (text.writable(), text.write("ab"), text.write("cd"), text.write("e")) == (True, 2, 2, 1)
    assert text.text() == "abc\n... and 2 more bytes"


def test_standard_output_is_a_file_like_any_other():
    """It can be set up, written to as bytes, flushed and asked, and says when a character was cut through."""

    def f():
        sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
        sys.stdout.buffer.write(b"bytes")
        return [sys.stdout.encoding, sys.stdout.isatty(), sys.stderr.flush()]

    reply = session_of(f=f).answer(call())
    assert (unpack(reply.value, None), reply.printed) == (["utf-8", False, None], "bytes")
    text = CappedText(4)
    text.write("aäöü")
    assert text.text() == "aä\ufffd\n... and 3 more bytes"


def test_an_exception_says_what_it_is_a_kind_of():
    """By the types' own names, whatever a metaclass says of them."""

    class Liar(type):
        __mro__ = __name__ = "a lie"

    class HeadError(ValueError, metaclass=Liar):
        pass

    def f():
        raise HeadError

    reply = session_of(f=f).answer(call())
    assert (reply.kind, reply.bases) == ("HeadError", ["ValueError", "Exception", "BaseException", "object"])


def test_the_seed_of_a_call_decides_what_is_random():
    """Whatever was drawn before."""
    session = session_of(f=lambda: torch.rand(2))
    first, other, again = (tensor_of(session.answer(call(seed=seed)).value) for seed in (1, 2, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "value",
    [
        {1},
        (i for i in ()),
        2**70,
        torch.ones(2).numpy(),
        torch.eye(2).to_sparse(),
        torch.ones(2).as_subclass(type("Mine", (torch.Tensor,), {})),
        torch.ones(2, dtype=torch.float8_e4m3fn),
        torch.Generator(),
        type("Whole", (int,), {})(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_neither_plain_nor_a_plain_tensor_stays(value):
    """The answer is its number, and the same number again."""
    session = session_of(value=value)
    first = session.answer(Get(0, "value")).value
    assert (type(first), first.type_name) == (Remote, type(value).__name__)
    assert session.answer(Get(0, "value")).value == first


def test_a_module_its_method_and_an_object_have_their_kinds():
    """So a handle knows what it may offer."""
    session = session_of(m=torch.nn.Linear(1, 1), s={1})
    kinds = [session.answer(Get(0, path)).value.kind for path in ("m", "m.forward", "s")]
    assert kinds == ["module", "callable", "object"]


def test_what_was_dropped_is_forgotten_but_not_the_submission():
    """Numbers the grader no longer holds; number 0 stays."""
    session = session_of(f=lambda: None, s={1})
    number = session.answer(Get(0, "s")).value.ref
    assert session.answer(call(dropped=[number, 0, 999])).value is None
    assert session.answer(Get(number, "")).kind == "KeyError"
    assert session.answer(Get(0, "s")).value.ref > number


def test_only_requests_are_answered():
    """An answer that nobody asked for is refused."""
    reply = session_of().answer(Answer(1))
    assert isinstance(reply, Raised)
    assert (reply.kind, reply.message) == ("ProtocolError", "Answer is no request")


def test_a_refused_question_raises_in_the_students_code():
    """Which may catch it."""

    def f(function):
        try:
            function()
        except RuntimeError as error:
            return str(error)

    assert session_of(f=f).answer(call("f", Callback(0, "g"))).value == "nobody listens"


def test_parameters_are_read_by_value():
    """Under their names."""
    session = session_of(m=torch.nn.Linear(2, 1))
    ref = session.answer(Get(0, "m")).value.ref
    names = [name for name, value in session.answer(Parameters(ref)).value.items if isinstance(value, Array)]
    assert names == ["weight", "bias"]


class Served:
    """`serve` in a thread of this process, as a grader sees it."""

    def __init__(self):
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(20)
        self.ending = None
        self.thread = Thread(target=self.run, args=(theirs,))
        self.thread.start()

    def run(self, theirs):
        with theirs:
            try:
                serve(theirs.fileno())
            except ProtocolError as error:
                self.ending = error

    def read(self, size):
        parts = b""
        while len(parts) < size:
            parts += self.channel.recv(size - len(parts))
        return parts

    def request(self, message):
        self.channel.sendall(encode(message))
        return decode_reply(self.read(frame_length(self.read(4))))

    def end(self):
        self.channel.sendall(struct.pack(">I", MAX_FRAME + 1))
        self.thread.join(20)
        self.channel.close()


SERVED = """
import time, types, torch
from time import sleep
layer = torch.nn.Linear(2, 1)
def box(value): return types.SimpleNamespace(value=value)
def add(x, y): return x + y
def ask(function): return function(torch.ones(2), n=3)
def much(): return [torch.zeros(5_000_000, dtype=torch.float64) for _ in range(2)]
def odd(): return "\\ud800"
"""


@pytest.fixture
def served(import_system):
    """A served submission; the loop ends by a header that is over the limit."""
    served = Served()
    served.request(Load({"s.a": SERVED.encode()}, "s.a", []))
    yield served
    served.end()
    assert "announced" in str(served.ending)


def test_calls_are_served_over_a_socket(served):
    """One after another, tensors in frames of any size."""
    for size in (0, 1, 500_000):
        reply = served.request(call("add", array_of(torch.ones(size)), 1))
        assert torch.equal(tensor_of(reply.value), torch.full((size,), 2.0))


def test_a_question_is_asked_over_the_same_socket(served):
    """And answered before the call is."""
    question = served.request(call("ask", Callback(4, "g")))
    assert (question, tensor_of(question.args[0]).tolist()) == (Ask(4, question.args, {"n": 3}), [1, 1])
    assert served.request(Answer("yes")).value == "yes"


def test_a_request_in_place_of_an_answer_is_refused(served):
    """The call that asked fails, and the next one is served."""
    served.request(call("ask", Callback(0, "g")))
    assert served.request(Get(0, "add")).message == "Get is no answer"
    assert served.request(call("add", 1, 2)).value == 3


@pytest.mark.parametrize(("name", "message"), [("much", "over the limit"), ("odd", "not Unicode")])
def test_an_answer_that_cannot_be_sent_is_the_students_error(served, name, message):
    """80 MB, or half a surrogate pair: the worker lives on."""
    reply = served.request(call(name))
    assert (reply.kind, message in reply.message) == ("ValueError", True)
    assert served.request(call("add", 1, 2)).value == 3


def test_the_worker_ends_when_the_grader_hangs_up():
    """Quietly, with exit code 0."""
    ours, theirs = socket.socketpair()
    program = f"from headcheck.worker import serve; serve({theirs.fileno()})"
    with theirs:
        process = subprocess.Popen([sys.executable, "-c", program], pass_fds=[theirs.fileno()], env=os.environ)
    with ours:
        ours.sendall(encode(Get(0, "x")))
        assert isinstance(decode_reply(ours.recv(1000)[4:]), Raised)
    assert process.wait(30) == 0


# Notebooks


def from_notebook(*sources, files=(), module="s.a", data=None, stubs=None):
    """A session that has loaded a module from a notebook with these code cells, and its reply."""
    cells = [{"cell_type": "code", "id": name, "source": source} for name, source in sources]
    data = json.dumps({"nbformat": 4, "cells": cells}).encode() if data is None else data
    stubs = stubs or {"s.a": b"def a(x): ...", "s.b": b"def b(x): ..."}
    session = Session(lambda _question: Refuse("nobody listens"))
    notebook = Notebook("s/s.ipynb", data, stubs, ["s.a", "s.b"])
    return session, session.answer(Load(dict(files), module, [], [notebook]))


def test_an_exercise_is_loaded_from_a_notebook(import_system):
    """With what it uses of the same notebook, as a module of its own."""
    cells = [("s-a-code", "def a(x):\n    return x + 1"), ("s-b-code", "!ls\ndef b(x):\n    return 2 * a(x)")]
    session, done = from_notebook(*cells, module="s.b")
    assert done.findings == ["cell 2, line 1: `!ls` was left out: magics, shell lines and help are not run"]
    assert session.answer(call("b", 1)).value == 4
    assert session.answer(call("a", 1)).findings == []


@pytest.mark.parametrize(
    ("file", "cell", "answer", "said"),
    [
        ("def a(x): return 1", "def a(x): return 2", 1, ["s/a.py was handed in beside s/s.ipynb, and is what counts"]),
        ("def a(x): return 1", "def a(x): ...", 1, []),
        ("def a(x): ...", "def a(x): return 2", 2, []),
        ("def a(x): ...", "def a(x): ...", None, []),
    ],
)
def test_a_file_goes_before_a_notebook_unless_nothing_was_written_in_it(import_system, file, cell, answer, said):
    """So a student works in the one or the other, with the untouched other beside it."""
    session, done = from_notebook(("s-a-code", cell), files={"s.a": file.encode()})
    assert session.answer(call("a", 1)).value == answer
    assert done.findings == said


def test_a_notebook_without_the_exercise_does_not_hold_it(import_system):
    """What is missing is said, and is no mistake in the student's code."""
    _, reply = from_notebook(("s-b-code", "def b(x): return 1"))
    assert reply.kind == "NotHandedIn"
    assert reply.message.startswith("s/s.ipynb has no cell that defines `a`. If yours does, save the notebook")


@pytest.mark.parametrize("data", [b"no notebook", b"[" * 100_000])
def test_what_is_no_notebook_does_not_hold_it_either(import_system, data):
    """Unless there is a file, which is loaded, with a word about the notebook."""
    assert from_notebook(data=data)[1].kind == "NotHandedIn"
    session, done = from_notebook(data=data, files={"s.a": b"def a(x): return 1"})
    assert session.answer(call("a", 1)).value == 1
    assert done.findings[0].startswith("s/s.ipynb is not a notebook")


def test_what_is_said_of_a_notebook_is_bounded(import_system):
    """In number and in length, and it is Unicode."""
    cells = [(f"h{n}", "!\ud800" + "x" * 999) for n in range(99)]
    _, done = from_notebook(("s-a-code", "def a(x): return 1"), *cells)
    assert len(done.findings) == MAX_FINDINGS
    assert decode_reply(encode(done)[4:]) == done


def test_a_mistake_in_a_notebook_is_the_students(import_system):
    """As in a file, with what there is to say of the notebook."""
    _, reply = from_notebook(("x", "%%bash\nls"), ("s-a-code", "def a(x):\n    return (x"))
    assert (reply.kind, len(reply.findings)) == ("SyntaxError", 1)


def test_requests_that_come_together_are_answered_in_order(served):
    """Each in the example whose turn it is; an example that begins anew numbers from the start."""
    turns = [(1, 3), (2, 4), (1, 5)]
    frames = [encode(Turn(example)) + encode(call("box", value)) for example, value in turns]
    served.channel.sendall(encode(Begin()) + b"".join(frames))
    refs = [decode_reply(served.read(frame_length(served.read(4)))).value.ref for _ in turns]
    assert refs == [1, 1, 2]
    served.channel.sendall(b"".join(encode(Turn(example)) + encode(Get(1, "value")) for example in (1, 2)))
    values = [decode_reply(served.read(frame_length(served.read(4)))).value for _ in range(2)]
    assert values == [3, 4]
    served.channel.sendall(encode(Begin()))
    assert served.request(Get(1, "value")).kind == "KeyError"
    assert served.request(call("box", 6)).value.ref == 1


def test_what_is_answered_does_not_wait_for_slow_calls(served):
    """At most for one."""
    slow = encode(call("sleep", 3 * SOON_SECONDS))
    served.channel.sendall(encode(call("add", 1, 2)) + slow + encode(call("sleep", 1.0)))
    started = time.monotonic()
    assert decode_reply(served.read(frame_length(served.read(4)))).value == 3
    assert time.monotonic() - started < 0.9
    for _ in range(2):
        assert decode_reply(served.read(frame_length(served.read(4)))).value is None


def test_a_public_function_goes_by_its_name(served):
    """In every example, whether it was asked for before or not; a value or a module does not."""
    assert served.request(Get(0, "add")).value == Remote("add", "callable", "function")
    served.channel.sendall(encode(Begin()))
    assert served.request(call("", 1, 2, ref="add")).value == 3
    assert served.request(call("", 2, ref="box")).value.ref == 1
    assert served.request(call("", 2, ref="none")).kind == "AttributeError"
    assert served.request(Get(0, "layer")).value.ref == 2
    assert served.request(call("", Remote("add", "callable", "function"), ref="ask")).message.startswith("add() got")
