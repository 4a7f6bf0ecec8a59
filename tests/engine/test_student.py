"""The remote object: it looks local, and a worker that lies is found out."""

from __future__ import annotations

import copy
import gc
import sys
import weakref
from contextlib import suppress
from types import SimpleNamespace

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import nn

from headcheck.errors import ProtocolError, StudentRaised
from headcheck.protocol import (
    Array,
    Ask,
    Callback,
    Done,
    Generator,
    Mapping,
    Raised,
    Refuse,
    Remote,
    Sequence,
    array_of,
)
from headcheck.student import MAX_EXCHANGES, MAX_PRINTED, Connection, Handle, Student, local


class Attention(nn.Module):
    """A layer with weights, an attribute from its last call, and a child."""

    def __init__(self, size=3):
        super().__init__()
        self.project = nn.Linear(size, size, bias=False)
        self.attention_weights = None

    def forward(self, x):
        self.attention_weights = torch.softmax(self.project(x) @ x.mT, dim=-1)
        return self.attention_weights @ x


def student(**names):
    """A submission of this process with these names."""
    return Student(local(SimpleNamespace(**names)))


def session_of(it):
    """The worker's side of a local submission."""
    return it._connection._line._session


def doubles(*shape):
    """A float64 leaf."""
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


# Values


def test_tensors_go_by_value_and_come_back_as_tensors():
    """A new tensor, not the same memory."""
    x = torch.ones(2)
    got = student(f=lambda x: x).f(x)
    assert torch.equal(got, x)
    assert got.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [1, (2, {"a": 3})], torch.float16])
def test_plain_values_go_and_come_back(value):
    """As arguments, by position and by name."""
    assert student(f=lambda x, *, y: [x, y]).f(value, y=value) == [value, value]


@pytest.mark.parametrize(
    "value",
    [
        {1},
        (i for i in ()),
        torch.ones(2).numpy(),
        torch.eye(2).to_sparse(),
        torch.ones(2).as_subclass(type("Mine", (torch.Tensor,), {})),
        torch.Generator(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_a_handle_and_never_a_tensor(value):
    """Sets, generators, arrays, sparse tensors, subclasses."""
    got = student(f=lambda: value).f()
    assert repr(got) == f"<object {type(value).__name__} of the submission>"
    assert not isinstance(got, torch.Tensor)


def test_a_transposed_argument_arrives_transposed():
    """Code that needs `.contiguous()` fails as it would in one process."""
    with pytest.raises(StudentRaised, match="RuntimeError: view size is not compatible"):
        student(f=lambda x: x.view(-1)).f(torch.ones(2, 3).mT)


def test_a_leaf_arrives_as_a_leaf_and_a_result_as_a_result():
    """In-place work on a leaf is an error; on a result it is not."""
    it = student(leaf=lambda x: x.is_leaf, double=lambda x: x.mul_(2))
    x = doubles(2)
    assert (it.leaf(x), it.leaf(x + 0), it.leaf(x.detach())) == (True, False, True)
    with pytest.raises(StudentRaised, match="leaf Variable"):
        it.double(x)
    assert torch.equal(it.double(x + 0), 2 * x)


def test_what_cannot_be_sent_is_the_graders_mistake():
    """A TypeError, not the student's."""
    with pytest.raises(TypeError, match="a set cannot be sent"):
        student(f=print).f({1})


def test_a_missing_name_is_said_so():
    """By its name."""
    with pytest.raises(StudentRaised, match="NameError: your file defines no `softmax`"):
        student().softmax  # noqa: B018


def test_a_name_that_raises_when_read_raises_that():
    """Only a missing one is renamed."""

    class Odd:
        @property
        def f(self):
            raise ValueError("odd")

    with pytest.raises(StudentRaised, match="ValueError: odd"):
        Student(local(Odd())).f  # noqa: B018


def test_a_function_is_asked_for_once_and_told_each_time():
    """Its handle is kept from example to example, and among the exchanges all the same; data is read again."""
    reads = []

    class Submission:
        double = staticmethod(lambda x: 2 * x)

        def __getattribute__(self, name):
            reads.append(name)
            return object.__getattribute__(self, name)

        @property
        def count(self):
            return reads.count("count")

    connection = local(Submission())
    for example in range(3):
        told = []
        connection.restart(example, exchanges=told)
        it = Student(connection)
        assert (it.double(3), it.count) == (6, example + 1)
        assert [type(exchange.request).__name__ for exchange in told] == ["Get", "Call", "Get"]
    assert reads.count("double") == 1


def test_a_connection_goes_with_the_last_use_of_it():
    """Whatever it holds: functions, modules, leaves and results with a graph."""
    connection = local(SimpleNamespace(double=lambda x: 2 * x, Attention=Attention))
    it = Student(connection)
    held = [it.double(doubles(2)), it.Attention()(torch.ones(2, 3))]
    gone = weakref.ref(connection)
    del connection, it, held
    gc.collect()
    assert gone() is None


def test_double_underscores_are_not_sent():
    """Copying and inspecting a student or a handle happens here."""
    it = student(m=Attention())
    for thing in (it, it.m):
        assert copy.deepcopy(thing) is thing
        assert not hasattr(thing, "__array__")


# Gradients


def test_gradients_flow_through_the_boundary():
    """As if the function were here, through a result made here, and for a tensor given twice."""
    x, y = doubles(2, 3), doubles(3)
    it = student(f=lambda x, y: (x * y).sin())
    for inputs in ((x, y), (x.clone(), y), (y, y)):
        got = torch.autograd.grad((it.f(*inputs) ** 2).sum(), [x, y], allow_unused=True, retain_graph=True)
        wanted = torch.autograd.grad(((inputs[0] * inputs[1]).sin() ** 2).sum(), [x, y], allow_unused=True)
        assert all(a is b or torch.allclose(a, b) for a, b in zip(got, wanted, strict=True))


def test_gradcheck_works_through_the_boundary():
    """Several inputs, several outputs, one of them without a gradient."""
    it = student(f=lambda x, y: (x @ y, [x.exp().sum()], x.detach()))
    assert torch.autograd.gradcheck(lambda x, y: (it.f(x, y)[0], it.f(x, y)[1][0]), (doubles(2, 3), doubles(3, 1)))


def test_a_gradient_that_is_wrong_there_is_wrong_here():
    """Detaching in the submission is seen."""
    it, x = student(f=lambda x: x * x.detach()), doubles(2)
    assert torch.allclose(torch.autograd.grad(it.f(x).sum(), x)[0], x)


def test_a_result_without_a_graph_has_none_here():
    """Detached, or computed without gradients here."""
    it, x = student(f=lambda x: x.detach(), g=lambda x: x * 2), doubles(2)
    assert not it.f(x).requires_grad
    with torch.no_grad():
        assert not it.g(x).requires_grad


def test_an_input_that_is_not_used_has_no_gradient():
    """None, as autograd says it."""
    x, y = doubles(2), doubles(2)
    out = student(f=lambda x, y: x * 2).f(x, y)
    assert torch.autograd.grad(out.sum(), [x, y], allow_unused=True)[1] is None


def test_an_attribute_is_joined_to_the_graph_of_the_last_call():
    """The gradient of the attention weights reaches the input."""
    layer, x = student(A=lambda: Attention().double()).A(), doubles(2, 3)
    layer(x)
    own = Attention().double()
    own.project.weight.data = next(iter(layer.parameters())).detach().clone()
    own(x)
    got, wanted = (torch.autograd.grad(m.attention_weights[0, 0], x)[0] for m in (layer, own))
    assert torch.allclose(got, wanted)


def test_an_error_in_the_students_backward_is_the_students():
    """Raised where the gradient is asked for."""

    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("backward")

    x = doubles(2)
    with pytest.raises(StudentRaised, match="ValueError: backward"):
        torch.autograd.grad(student(f=Bad.apply).f(x).sum(), x)


# Modules


def test_parameters_are_leaves_and_the_same_ones_each_time():
    """An optimizer here keeps hold of them."""
    layer = student(m=Attention()).m
    (name, first), (again,) = next(layer.named_parameters()), layer.parameters()
    assert (name, first.is_leaf, first.requires_grad, first is again) == ("project.weight", True, True, True)


def test_a_step_of_an_optimizer_reaches_the_worker():
    """With the next call; the loss falls as it does in one process."""
    own = Attention()
    layer = student(m=copy.deepcopy(own)).m
    x = torch.eye(3)
    losses = []
    for module in (layer, own):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        for _ in range(3):
            loss = (module(x) - x).square().sum()
            module.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:3] == pytest.approx(losses[3:])
    assert losses[2] < losses[0]


def test_zero_grad_forgets_the_gradients():
    """Of the parameters that were read."""
    layer = student(m=Attention()).m
    (weight,) = layer.parameters()
    layer(torch.eye(3)).sum().backward()
    layer.zero_grad()
    assert weight.grad is None


def test_a_loaded_state_is_read_again():
    """The tensors stay the same, their content is new."""
    layer, other = student(m=Attention()).m, Attention()
    (weight,) = layer.parameters()
    layer.load_state_dict(other.state_dict())
    assert next(layer.parameters()) is weight
    assert torch.equal(weight, other.project.weight)
    assert torch.equal(layer.state_dict()["project.weight"], other.project.weight)


def test_parameters_of_another_dtype_are_new_leaves():
    """A tensor cannot change its dtype."""
    layer = student(m=Attention()).m
    (before,) = layer.parameters()
    assert layer.double() is layer
    (after,) = layer.parameters()
    assert (before.dtype, after.dtype) == (torch.float32, torch.float64)


def test_modes_attributes_and_submodules_are_reached():
    """By the names that local code uses."""
    layer = student(m=Attention()).m
    assert layer.eval() is layer
    assert layer.training is False
    assert layer.project.in_features == 3
    assert torch.equal(layer.project(torch.eye(3)), layer.project.weight.T)


def test_reading_parameters_again_keeps_what_was_written_into_them():
    """Initial values that no call has taken over yet are not lost."""
    layer = student(Attention=Attention).Attention(2)
    with torch.no_grad():
        next(layer.parameters()).fill_(3.0)
    assert next(layer.parameters()).eq(3).all()
    layer(torch.ones(2, 2))
    assert layer.state_dict()["project.weight"].eq(3).all()


def test_a_handle_of_a_container_is_read_by_index():
    """The axes of a figure are such a thing; what is not there raises as it would at home."""

    class Row:
        def __getitem__(self, key):
            return [10, 20][key]

    row = student(row=Row).row()
    assert row[1] == 20
    with pytest.raises(StudentRaised, match="IndexError"):
        row[2]


def test_a_handle_can_be_an_argument():
    """It arrives as the object that it stands for."""
    it = student(m=Attention(), is_module=lambda m: isinstance(m, Attention))
    assert it.is_module(it.m)


@pytest.mark.parametrize("kind", [object, torch.nn.Module])
def test_an_object_is_not_asked_what_only_a_tensor_knows(kind):
    """It could say in each place what is wanted there."""
    liar = type("Liar", (kind,), {"sum": lambda self, _dim: torch.ones(3), "tolist": lambda self: [1]})()
    with pytest.raises(StudentRaised, match="a tensor is wanted here, and not a Liar"):
        student(x=liar).x.sum(-1)
    assert student(x=liar).x.tolist() == [1]


# Arguments


def test_what_a_call_changes_in_its_arguments_is_seen_here():
    """Also in a transposed tensor, a view, and one inside a list."""
    it = student(f=lambda x, more: [t.zero_() for t in (x, *more)] and None)
    base, wide, row = torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 2)
    it.f(base.mT, [wide, row[0]])
    assert (base.sum(), wide.sum(), row.tolist()) == (0, 0, [[0, 0], [1, 1]])


def test_changed_arguments_are_put_back():
    """With what they held before the first change; once."""
    connection = local(SimpleNamespace(f=lambda x: x.add_(1)))
    x = torch.zeros(2)
    for _ in range(2):
        Student(connection).f(x)
    assert (x.tolist(), connection.put_back(), x.tolist(), connection.put_back()) == ([2, 2], True, [0, 0], False)


def test_a_new_example_starts_with_its_arguments_put_back():
    """Whoever forgot them."""
    connection = local(SimpleNamespace(f=lambda x: x.add_(1)))
    x = torch.zeros(2)
    Student(connection).f(x)
    connection.restart(0)
    assert x.tolist() == [0, 0]


def test_sealed_arguments_are_not_changed_here():
    """The call changes its own copy, and returns what it made of it."""
    connection = local(SimpleNamespace(f=lambda x: x.add_(1)))
    connection.restart(0, sealed=True)
    x = torch.zeros(2)
    assert (Student(connection).f(x).tolist(), x.tolist(), connection.put_back()) == ([1, 1], [0, 0], False)


def test_an_unchanged_argument_is_not_sent_back():
    """Not even one that holds NaN."""
    connection = local(SimpleNamespace(f=lambda x: None))
    x = torch.tensor([torch.nan])
    Student(connection).f(x)
    assert x._version == 0


def test_a_meta_tensor_is_an_argument_without_content():
    """Shapes can be asked for without memory; it comes back as one, and is never changed."""
    x = torch.ones(5_000, 10_000, device="meta")
    got = student(f=lambda x: x.mul_(2)[:5]).f(x)
    assert (got.is_meta, got.shape) == (True, (5, 10_000))


def test_resizing_an_argument_is_the_students_mistake():
    """Here the tensor keeps its shape."""
    x = torch.ones(2)
    with pytest.raises(StudentRaised, match="changed the shape or dtype of an argument"):
        student(f=lambda x: x.unsqueeze_(0) is None).f(x)
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("wrap", [lambda g: g, lambda g: [g]])
def test_a_generator_goes_by_value_and_its_state_comes_back(wrap):
    """So the numbers drawn there are not drawn again here."""
    here, twin = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    drawn = student(f=lambda g: torch.rand(2, generator=g[0] if isinstance(g, list) else g)).f(wrap(here))
    assert torch.equal(drawn, torch.rand(2, generator=twin))
    assert torch.equal(torch.rand(2, generator=here), torch.rand(2, generator=twin))


# Functions of the grader


def test_the_submission_can_call_a_function_of_the_grader():
    """With tensors by value and with names."""
    assert student(f=lambda g: g(torch.ones(2), n=3)).f(lambda x, n: x * n).tolist() == [3, 3]


def test_the_function_keeps_its_name():
    """Submissions may look at it."""

    def score():
        """Never called."""

    assert student(f=lambda g: g.__name__).f(score) == "score"


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), AssertionError()])
def test_what_the_graders_function_raises_is_raised_to_the_grader(error):
    """Unchanged, whatever the submission made of it."""

    def fail():
        raise error

    def swallow(function):
        for _ in range(2):
            with suppress(RuntimeError):
                function()

    with pytest.raises(type(error)) as caught:
        student(f=swallow).f(fail)
    assert caught.value is error


def test_a_call_within_a_call_has_its_own_functions():
    """And gives the outer ones back."""
    it = student(f=lambda g, h: (g(), h()), one=lambda g: g())
    assert it.f(lambda: it.one(lambda: 1), lambda: 2) == (1, 2)


# Exceptions


def throw(error):
    raise error


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda: throw(ValueError("x")), "ValueError"),
        (lambda: throw(KeyboardInterrupt), "KeyboardInterrupt"),
        (lambda: throw(SystemExit(0)), "SystemExit"),
        (lambda: throw(GeneratorExit), "GeneratorExit"),
        (lambda: throw(type("Own", (BaseException,), {})), "Own"),
        (lambda: pytest.skip("nothing to see"), "Skipped"),
    ],
)
def test_whatever_the_student_raises_is_the_students(act, kind):
    """No exception ends or skips a check."""
    with pytest.raises(StudentRaised) as caught:
        student(f=act).f()
    assert caught.value.kind == kind


@hypothesis.given(drawn=st.none())
def test_rejecting_an_input_is_the_students_exception_too(drawn):
    """Inside Hypothesis as well: no submission chooses its inputs."""
    with pytest.raises(StudentRaised, match="UnsatisfiedAssumption"):
        student(f=hypothesis.reject).f()


# Memory and randomness


def test_the_worker_forgets_what_nobody_here_refers_to():
    """Graphs, leaves and objects of a thousand calls."""
    it, x = student(f=lambda x: (x * 2, {1})), doubles(2)
    session = session_of(it)
    sizes = []
    for count in (1, 1000):
        for _ in range(count):
            out, handle = it.f(x)
        del out, handle
        gc.collect()
        it.f(x)
        held = session._example
        sizes.append((len(held.objects), len(held.nodes), len(held.leaves), len(held._numbers)))
    assert sizes[0] == sizes[1]


def test_the_worker_keeps_what_is_still_referred_to():
    """A handle and a graph outlive other calls."""
    it, x = student(f=lambda x: (x * 2, {1}), size=len), doubles(2)
    out, handle = it.f(x)
    for _ in range(5):
        it.f(x)
    assert it.size(handle) == 1
    assert torch.autograd.grad(out.sum(), x)[0].tolist() == [2, 2]


def test_a_handle_that_comes_back_after_it_was_forgotten_is_kept():
    """The same object, met again before the worker was told."""
    it = student(s={1}, f=lambda: None, size=len)
    first = it._connection.get(0, "s")
    ref = first._ref
    del first
    again = it._connection.get(0, "s")
    it.f()
    assert (again._ref, it.size(again)) == (ref, 1)


def test_randomness_is_reproducible_and_moves_on():
    """By the connection's seed: each call draws other numbers, each restart the same ones."""
    it = student(f=lambda: torch.rand(1).item())
    first = [it.f(), it.f()]
    it._connection.restart(0)
    assert first == [it.f(), it.f()]
    assert first[0] != first[1]


def test_printed_text_and_results_are_kept_for_whoever_listens():
    """What the submission printed; what the calls returned and which arguments they changed."""
    connection = local(SimpleNamespace(f=lambda: sys.stdout.write("hello")))
    exchanges = []
    connection.restart(0, exchanges=exchanges)
    Student(connection).f()
    called = exchanges[-1].reply
    assert (connection.printed, [[called.value, sorted(called.changed)]]) == (["hello"], [[5, []]])


def test_exchanges_are_told_from_each_example_on() -> None:
    """What was asked, and what was answered or raised, up to a number; nothing once nobody listens."""
    exchanges = []
    connection = local(SimpleNamespace(double=lambda X: 2 * X, fail=lambda: 1 / 0))
    for _ in range(2):
        connection.restart(0, exchanges=exchanges)
        assert Student(connection).double(2) == 4
        with pytest.raises(StudentRaised):
            Student(connection).fail()
    assert [type(request).__name__ for request, _ in exchanges] == ["Get", "Call", "Get", "Call"]
    assert [type(reply).__name__ for _, reply in exchanges] == ["Done", "Done", "Done", "Raised"]
    for _ in range(MAX_EXCHANGES):
        Student(connection).double(2)
    assert len(exchanges) == MAX_EXCHANGES
    connection.restart(0)
    exchanges.clear()
    Student(connection).double(2)
    assert exchanges == []


def test_of_what_is_printed_the_first_texts_are_kept():
    """A call may print 16 KiB, and there may be very many calls."""
    connection = local(SimpleNamespace(f=lambda: sys.stdout.write("x")))
    for _ in range(MAX_PRINTED + 5):
        Student(connection).f()
    assert len(connection.printed) == MAX_PRINTED


# A worker that lies


class Lying:
    """A line whose worker says what it likes; what it asks on the way is answered and kept."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.answers = []

    def request(self, request, answer):
        while isinstance(reply := self.replies.pop(0), Ask):
            self.answers.append(answer(reply))
        return reply


def done(value=None, changed=None, generators=None):
    """The answer to a request."""
    return Done(value, changed or {}, generators or {}, "")


def call_of(*replies):
    """A connection on which function 0 can be called, to these replies."""
    return lambda *args: Connection(Lying(*replies)).call(0, "f", args, {})


@pytest.mark.parametrize(
    "value",
    [
        Array("float32", [2], bytes(4)),
        Array("int64", [1], bytes(8), node=1),
        Sequence([Mapping([(1, Array("bool", [1], b"\1", node=1))])], True),
        Callback(0, "f"),
        Generator(bytes(5056)),
    ],
)
def test_a_value_that_cannot_be_is_refused(value):
    """Contradictions, graphs of whole numbers, functions and generators from there."""
    with pytest.raises(ProtocolError):
        call_of(done(value))()


@pytest.mark.parametrize(
    "reply",
    [
        done(changed={1: array_of(torch.ones(2))}),
        done(changed={-1: array_of(torch.ones(2))}),
        done(changed={0: Array("float32", [2], b"", meta=True)}),
        done(changed={0: Array("float32", [2], bytes(3))}),
        done(generators={0: bytes(5056)}),
        done(generators={1: bytes(torch.Generator().get_state().tolist())}),
        done(generators={-1: b""}),
        done(generators={0: b"short"}),
    ],
)
def test_a_change_that_cannot_be_is_refused(reply):
    """Of an argument or generator that was not sent, or to something that is none."""
    with pytest.raises(ProtocolError):
        call_of(reply)(torch.ones(2), torch.Generator())


@pytest.mark.parametrize(
    "gradients",
    [
        None,
        Sequence([], False),
        Sequence([1.0], False),
        Sequence([array_of(torch.ones(1))], False),
        Sequence([array_of(torch.ones(3))], False),
        Sequence([array_of(torch.ones(2).double())], False),
        Sequence([Array("float32", [2], b"", meta=True)], False),
        Sequence([array_of(torch.ones(2))] * 2, False),
        Sequence([array_of(torch.ones(2))], True),
        Remote(1, "object", "set"),
    ],
)
def test_a_gradient_that_cannot_be_is_refused(gradients):
    """Wrong number, shape, dtype or kind."""
    x = torch.ones(2, requires_grad=True)
    out = call_of(done(array_of(torch.ones(2), node=1)), done(gradients))(x)
    with pytest.raises(ProtocolError):
        torch.autograd.grad(out.sum(), x)


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        Mapping([(1, array_of(torch.ones(1)))]),
        Mapping([("w", 1.0)]),
        Mapping([("w", array_of(torch.ones(1, dtype=torch.int64)))]),
        Mapping([("w", Array("float32", [1], b"", meta=True))]),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters):
    """They are floating tensors by name."""
    connection = Connection(Lying(done(parameters)))
    with pytest.raises(ProtocolError, match="named floating tensors"):
        connection.read_parameters(Handle(connection, Remote(1, "module", "Linear")))


def test_parameters_are_no_results():
    """One that claims to depend on another would be no leaf, and no optimizer would take it."""
    honest, lying = (done(Mapping([("w", Array("float32", [1], bytes(4), node=node))])) for node in (None, 1))
    connection = Connection(Lying(honest, lying))
    handle = connection._handle(Remote(1, "module", "Linear"))
    connection.read_parameters(handle)
    with pytest.raises(ProtocolError, match="named floating tensors"):
        connection.read_parameters(handle)


def test_a_value_that_is_nested_too_deeply_is_refused():
    """However deep the grader itself stands; what it holds of the worker stays in step."""
    value = None
    for _ in range(5000):
        value = Sequence([value], True)
    with pytest.raises(ProtocolError, match="too deep"):
        call_of(done(value))()


@pytest.mark.parametrize("number", [-1, 1, 2**40])
def test_a_function_that_was_not_sent_is_not_called(number):
    """The grader's list is not a place to look around in."""
    line = Lying(Ask(number, [], {}), done())
    Connection(line).call(0, "f", (print,), {})
    assert line.answers == [Refuse("there is no such function")]


def test_a_question_with_a_value_that_cannot_be_is_refused():
    """Its arguments are checked as results are."""
    with pytest.raises(ProtocolError):
        call_of(Ask(0, [Array("float32", [2], b"")], {}), done())(print)


def test_an_exception_from_there_is_only_text():
    """Named after whatever it likes, it is still the student's."""
    with pytest.raises(StudentRaised, match="SandboxError: not me"):
        call_of(Raised("SandboxError", "not me", "", ""))()
