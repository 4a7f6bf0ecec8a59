"""What anyone can check about self-attention, and about a function that tests for equivariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
)
from headcheck.properties import step, worth
from headcheck.strategies import ALL_LENGTHS, POISON, Inputs, amplify, normal, padding, seeds, sizes, valid_lengths

HINTS = (
    "Who asks, who is looked at, and what is collected? In self-attention the answer is three times the same.",
    (
        "The layer holds one MultiHeadAttention, all of whose sizes are equal; look up the order of its arguments. "
        "Its three inputs are X, and the lengths go along."
    ),
    (
        "For the test draw a permutation of the positions from the generator. Permute before f and after f: for every "
        "trial both must agree, within a tolerance that float32 deserves."
    ),
)

DOUBLE = torch.float64
SOFT, SHARP = 1.0, 4.0
HEADS = st.sampled_from([2, 1, 4])
LENGTHS = ("per example", "per query")


@dataclass(frozen=True)
class Tokens(Inputs):
    """Tokens `(batch, positions, num_hiddens)`, poisoned where nobody may look, and their lengths."""

    X: Tensor
    valid_lens: Tensor | None

    @property
    def padded(self) -> Tensor:
        """True where a token may not look at another one; `(batch, positions, positions)`."""
        return padding(self.valid_lens, (*self.X.shape[:2], self.X.shape[1]))


@st.composite
def tokens(draw, *, dtype=DOUBLE, lengths=ALL_LENGTHS, empty_rows=False, low=1, num_hiddens=8):
    """Tokens of a width unlike any count, with lengths."""
    batch, positions = draw(sizes(2, low=low))
    shape = batch, positions, positions
    valid_lens = draw(valid_lengths(shape, lengths=lengths, empty_rows=empty_rows))
    X = normal((batch, positions, num_hiddens), draw(seeds()), dtype=dtype)
    unseen = padding(valid_lens, shape).all(1)[..., None]
    return Tokens(X.masked_fill(unseen, POISON), valid_lens)


def build(student, X, num_heads, *, dropout=0.0, scale=SOFT):
    """A layer for these tokens, in evaluation mode, with normal weights of this standard deviation."""
    layer = student.SelfAttention(X.shape[-1], num_heads, dropout).to(X.dtype).eval()
    layer.load_state_dict(amplify(layer.state_dict(), seed=num_heads, scale=scale))
    return layer


def matrix(state, name):
    """The one entry of a state dict whose name ends in this one."""
    found = [value for key, value in state.items() if key.endswith(name)]
    assert_that(len(found) == 1, f"the layer has {len(found)} parameters {name}, wanted 1")
    return found[0]


def answer(layer, case):
    """The output for copies of these tokens and lengths, of the right shape."""
    valid_lens = None if case.valid_lens is None else case.valid_lens.clone()
    return assert_shape(layer(case.X.clone(), valid_lens), tuple(case.X.shape), what="output").detach()


def assert_answers(layer, case):
    """The output depends on the tokens, and on nothing that came before."""
    assert_responds(lambda X: answer(layer, Tokens(X, case.valid_lens)), case.X, case.X.flip(2), what="output")


def torch_answer(state, case, num_heads):
    """The output of PyTorch's own layer with these weights."""
    width = case.X.shape[-1]
    layer = nn.MultiheadAttention(width, num_heads, bias=False, batch_first=True, dtype=DOUBLE)
    stacked = torch.cat([matrix(state, f"W_{role}.weight") for role in "qkv"])
    layer.load_state_dict({"in_proj_weight": stacked, "out_proj.weight": matrix(state, "W_o.weight")})
    with torch.no_grad():
        return layer(case.X, case.X, case.X, attn_mask=case.padded.repeat_interleave(num_heads, dim=0))[0]


@worth(1, gate=True, hint="Give X to the attention as queries, keys and values: the output has its shape.", examples=4)
@given(shape=sizes(2, low=2), seed=seeds())
def every_token_gets_an_answer(student, shape, seed):
    """The output has the shape of the tokens, depends on them, and is not the tokens themselves."""
    X = normal((*shape, 8), seed)
    layer = student.SelfAttention(8, 2, 0.0)
    output = assert_shape(layer(X), tuple(X.shape), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(layer, X, X + normal(X.shape, seed + 1), what="output")


@worth(2, hint="Queries, keys and values are all X, and the lengths go along as they came.", examples=10)
@given(heads=HEADS, case=tokens())
def output_agrees_with_torch(student, heads, case):
    """With the same weights the output is that of PyTorch's own layer, whether attention is soft or sharp."""
    for scale in (SOFT, SHARP):
        layer = build(student, case.X, heads, scale=scale)
        wanted = torch_answer(layer.state_dict(), case, heads)
        assert_close(answer(layer, case), wanted, what="output")


@worth(0.5, hint="The multi-head attention has four matrices. What else is there to learn?")
def four_matrices_are_learnt(student):
    """The parameters are the four matrices of one multi-head attention, without biases, and each of them matters."""
    X = normal((2, 5, 8), 0)
    layer = build(student, X, 2)
    state = layer.state_dict()
    for role in "qkvo":
        assert_shape(matrix(state, f"W_{role}.weight"), (8, 8), what=f"W_{role}.weight")
    found = [name for name, _ in layer.named_parameters()]
    assert_that(len(found) == 4, f"the layer has the parameters {', '.join(found)}, wanted four matrices")

    def output(state):
        layer.load_state_dict(state)
        return layer(X)

    for name in found:
        assert_responds(output, state, state | {name: state[name] + 1}, what=f"output for another {name}")


@worth(
    1,
    hint="Neither a position nor a neighbour may enter. What in your forward pass knows who comes first?",
    examples=8,
)
@given(heads=HEADS, case=tokens(lengths=("none",), low=2))
def order_does_not_matter(student, heads, case):
    """Reversing the tokens reverses the output, and rotating them rotates it."""
    layer = build(student, case.X, heads)
    output = answer(layer, case)
    assert_close(answer(layer, Tokens(case.X.flip(1), None)), output.flip(1), what="output for reversed tokens")
    rotated = Tokens(case.X.roll(1, 1), None)
    assert_close(answer(layer, rotated), output.roll(1, 1), what="output for rotated tokens")
    assert_answers(layer, case)


@worth(1, hint="Each example attends within itself. Which axis counts the positions?", examples=10)
@given(heads=HEADS, case=tokens(low=2))
def examples_do_not_mix(student, heads, case):
    """Each example alone gives the same as in the batch."""
    layer = build(student, case.X, heads)
    assert_answers(layer, case)
    output = answer(layer, case)
    for b in range(len(case.X)):
        alone = Tokens(case.X[b : b + 1], None if case.valid_lens is None else case.valid_lens[b : b + 1])
        assert_close(answer(layer, alone), output[b : b + 1], what=f"output of example {b} alone")


@worth(1, hint="The lengths say which keys count. Do all your keys know?", examples=10)
@given(heads=HEADS, case=tokens(lengths=("none", "per example"), low=2))
def more_padding_changes_nothing(student, heads, case):
    """Tokens appended behind the valid ones leave the outputs of the others as they were."""
    batch, positions, _ = case.X.shape
    lengths = torch.full((batch,), positions) if case.valid_lens is None else case.valid_lens
    layer = build(student, case.X, heads)
    longer = Tokens(nn.functional.pad(case.X, (0, 0, 0, 2), value=POISON), lengths)
    assert_answers(layer, case)
    assert_close(answer(layer, longer)[:, :positions], answer(layer, case), what="output of the tokens before")


@worth(1, hint="Lengths hide keys, not queries. What should a padded token see?", examples=8)
@given(heads=HEADS, case=tokens(lengths=("per example",), low=2))
def padded_tokens_look_at_valid_ones(student, heads, case):
    """A padded token that is equal to a valid one gets the output of this one: finite, and like any other."""
    positions = case.X.shape[1]
    padded = torch.arange(positions) >= case.valid_lens[:, None]
    X = torch.where(padded[..., None], case.X[:, :1], case.X)
    layer = build(student, X, heads)
    output = assert_finite(answer(layer, Tokens(X, case.valid_lens)), what="output")
    wanted = torch.where(padded[..., None], output[:, :1], output)
    assert_close(output, wanted, what="output")
    assert_answers(layer, Tokens(X, case.valid_lens))


@worth(0.5, hint="Hand `dropout` on to the multi-head attention, which knows what to do with it and when.")
def dropout_falls_on_the_weights(student):
    """With dropout=0.75 three weights in four are dropped in training, and none in evaluation mode."""
    size = 16
    X = torch.eye(size).repeat(6, 1, 1)
    layer = student.SelfAttention(size, 1, 0.75)
    state = layer.state_dict()
    layer.load_state_dict({name: torch.eye(size) * (name[-9:-7] not in ("_q", "_k")) for name in state})
    uniform = torch.full_like(X, 1 / size)  # no scores, and every token is its own value
    assert_close(layer.eval()(X), uniform, what="output in evaluation mode")
    output = assert_shape(layer.train()(X), tuple(X.shape), what="output in training")
    assert_close(output, torch.where(output == 0, 0.0, 4 * uniform), what="output in training")
    share = (output == 0).float().mean().item()
    assert_that(0.7 < share < 0.8, f"dropout=0.75 dropped {share:.0%} of the weights")


@worth(0.5, hint="Give valid_lens a default of None.")
def lengths_may_be_left_out(student):
    """Without lengths every token is valid."""
    X = normal((2, 5, 8), 0, dtype=DOUBLE)
    layer = build(student, X, 2)
    wanted = torch_answer(layer.state_dict(), Tokens(X, None), 2)
    assert_close(layer(X), wanted, what="output")
    assert_close(layer(X, torch.tensor([5, 9])), wanted, what="output for lengths of all tokens")


def judge(student, f, X, *, trials=10, seed=0):
    """The student's verdict on f, a bool."""
    generator = torch.Generator().manual_seed(seed)
    verdict = student.is_permutation_equivariant(f, X, trials=trials, generator=generator)
    assert_that(isinstance(verdict, bool), "the verdict is not a bool", verdict=verdict)
    return verdict


def assert_accepts(student, f, X, what, **options):
    """The student takes f for what it is: equivariant."""
    assert_that(judge(student, f, X, **options), f"{what} is equivariant, and is_permutation_equivariant says False")


def assert_refuses(student, f, X, what, **options):
    """The student takes f for what it is: not equivariant."""
    verdict = judge(student, f, X, **options)
    assert_that(not verdict, f"{what} is not equivariant, and is_permutation_equivariant says True")


def assert_is_awake(student, X):
    """An easy case of either kind is judged right, so that no verdict is given away for a constant."""
    assert_accepts(student, torch.relu, X, "torch.relu")
    assert_refuses(student, with_positions, X, "adding positions")


def with_positions(X):
    """Each token and its position."""
    return X + torch.arange(X.shape[1])[:, None]


def attention(X, **options):
    """The tokens themselves as queries, keys and values."""
    return nn.functional.scaled_dot_product_attention(X, X, X, **options)


@worth(1, hint="Compare f(X[:, order]) with f(X)[:, order]: both sides are permuted, and alike.", examples=5)
@given(shape=sizes(2), seed=seeds())
def equivariant_functions_are_accepted(student, shape, seed):
    """Self-attention without positions is accepted, yours too, and so is whatever treats all tokens alike."""
    X = normal((*shape, 8), seed, dtype=DOUBLE)
    assert_accepts(student, attention, X, "attention")
    assert_accepts(student, lambda X: X - X.mean(1, keepdim=True), X, "taking the mean token from each token")
    assert_accepts(student, build(student, X, 2), X, "your SelfAttention")
    assert_is_awake(student, normal((2, 5, 8), seed, dtype=DOUBLE))


@worth(1, hint="Is the output of the permuted tokens compared position by position?", examples=4)
@given(shape=sizes(2, low=3), seed=seeds())
def order_that_matters_is_noticed(student, shape, seed):
    """Attention after adding positions is refused, and so are attention under a causal mask and a running sum."""
    X = normal((*shape, 8), seed, dtype=DOUBLE)
    assert_is_awake(student, X)
    assert_refuses(student, lambda X: attention(with_positions(X)), X, "attention after adding positions")
    assert_refuses(student, lambda X: attention(X, is_causal=True), X, "attention under a causal mask")
    assert_refuses(student, lambda X: X.cumsum(1), X, "a running sum")


@worth(1, hint="Rounding is far below 1e-4. How much does your comparison forgive?", examples=6)
@given(shape=sizes(2, low=3), place=st.sampled_from([0, -1, 1]), seed=seeds())
def small_differences_are_noticed(student, shape, place, seed):
    """A function that adds 0.01 at a single position, and is otherwise equivariant, is refused."""
    X = normal((*shape, 4), seed, dtype=DOUBLE)
    bias = torch.zeros(shape[1], 1, dtype=DOUBLE)
    bias[place] = 0.01
    assert_is_awake(student, X)
    assert_refuses(student, lambda X: torch.tanh(X) + bias, X, f"adding 0.01 at position {place}")


@worth(1, hint="A function may get on with one permutation, or with all rotations. Draw from all of them.", examples=4)
@given(shape=sizes(2, low=4), seed=seeds())
def all_permutations_are_tried(student, shape, seed):
    """Functions that some permutations do not disturb are refused: reversing, sorting, and mixing neighbours."""
    X = normal((*shape, 8), seed, dtype=DOUBLE)
    assert_is_awake(student, X)
    assert_refuses(student, lambda X: X.flip(1), X, "reversing the tokens")
    assert_refuses(student, lambda X: X.sort(dim=1).values, X, "sorting the tokens")
    assert_refuses(student, lambda X: X + X.roll(1, 1), X, "adding to each token its left neighbour")


@worth(0.5, hint="Sums in another order differ in the last digits. torch.allclose takes rtol and atol.", examples=6)
@given(shape=sizes(2, low=3), seed=seeds())
def rounding_is_forgiven(student, shape, seed):
    """In float32 attention is accepted although its sums are rounded differently in another order."""
    X = normal((*shape, 8), seed)
    assert_is_awake(student, X)
    assert_accepts(student, lambda X: X + 1e-6 * torch.arange(X.shape[1])[:, None], X, "a difference of 1e-6")
    assert_accepts(student, attention, X, "attention in float32")


@worth(1, hint="Draw a new permutation for each of `trials` trials, and let a single disagreement decide.", examples=4)
@given(seed=seeds())
def every_trial_counts(student, seed):
    """With 200 trials even a function is refused that only one permutation in twenty disturbs."""
    X = normal((1, 5, 1), seed, dtype=DOUBLE).sort(dim=1).values

    def rarely_disturbed(X):
        ordered = X[0, 0] == X.max() and X[0, -1] == X.min()
        return X + 1.0 * with_positions(0 * X) * ordered

    assert_is_awake(student, X)
    assert_refuses(student, rarely_disturbed, X, "a function of few exceptions", trials=200, seed=seed)


@worth(1, hint="torch.randperm takes a generator: pass on the one you were given.", examples=3)
@given(seed=seeds())
def generator_decides_the_permutations(student, seed):
    """Equal generators draw equal permutations, different generators different ones."""
    X = torch.arange(12.0).reshape(1, 12, 1)

    def drawn(seed):
        seen = []
        judge(student, lambda X: seen.append(X.clone()) or X, X.clone(), trials=4, seed=seed)
        return seen

    assert_is_awake(student, X)
    first, again, other = drawn(seed), drawn(seed), drawn(seed + 1)
    assert_that(len(first) == len(again), "with equal generators f is called another number of times")
    for i, (one, two) in enumerate(zip(first, again, strict=True)):
        assert_equal(two, one, what=f"tokens that f gets in call {i} with an equal generator")
    same = len(first) == len(other) and all(map(torch.equal, first, other))
    assert_that(not same, "with another generator f gets the same permutations")


@worth(1, group="robust", hint="What does your masked softmax make of a row of length 0?", examples=8)
@given(heads=HEADS, case=tokens(lengths=LENGTHS, empty_rows=True))
def empty_examples_give_zeros(student, heads, case):
    """A token that may look at nobody gets an output of exactly 0, and the others are right."""
    layer = build(student, case.X, heads)
    wanted = torch_answer(layer.state_dict(), case, heads)
    empty = case.padded.all(-1)[..., None]
    output = assert_close(answer(layer, case), wanted.masked_fill(empty, 0), what="output")
    assert_zero(output, where=empty.expand_as(output), what="output")


@worth(0.5, group="robust", hint="Make new tensors instead of changing those that were handed in.", examples=6)
@given(heads=HEADS, case=tokens())
def arguments_are_left_alone(student, heads, case):
    """Tokens and lengths are the same after both functions as before, and the answers are right."""
    X, valid_lens = case.X.clone(), None if case.valid_lens is None else case.valid_lens.clone()
    layer = build(student, case.X, heads)
    wanted = torch_answer(layer.state_dict(), case, heads)
    assert_close(layer(case.X, case.valid_lens), wanted, what="output")
    assert_unchanged(case.X, X, what="X")
    if valid_lens is not None:
        assert_unchanged(case.valid_lens, valid_lens, what="valid_lens")
    assert_is_awake(student, normal((2, 5, 8), heads, dtype=DOUBLE))
    judge(student, torch.relu, case.X)
    assert_unchanged(case.X, X, what="X")


@worth(0.5, group="robust", hint="Let every tensor of yours take its dtype from X.", examples=6)
@given(dtype=st.sampled_from([torch.float16, torch.bfloat16]), case=tokens(dtype=torch.float32))
def half_precision_stays_half(student, dtype, case):
    """In half precision the output is of the same dtype, and finite."""
    X = case.X.to(dtype)
    layer = build(student, X, 2)
    assert_answers(layer, Tokens(X, case.valid_lens))
    assert_finite(assert_dtype(answer(layer, Tokens(X, case.valid_lens)), dtype, what="output"), what="output")


# The steps on the way, for a student who fails


LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32


def _assert_attends(student, case, num_heads):
    """In float32, so that a step does not ask for other dtypes as well."""
    layer = build(student, case.X.float(), num_heads)
    state = {name: value.to(DOUBLE) for name, value in layer.state_dict().items()}
    output = answer(layer, Tokens(case.X.float(), case.valid_lens))
    assert_close(output, torch_answer(state, case, num_heads).float(), what="output", **LOOSE)


def _sentences(batch):
    return Tokens(normal((batch, 5, 8), batch, dtype=DOUBLE), None)


@step("the four matrices of the attention")
def matrices_are_there(student):
    found = [name for name, _ in student.SelfAttention(8, 2, 0.0).named_parameters()]
    wanted = [f"W_{role}.weight" for role in "kqvo"]
    ends = sorted(".".join(name.split(".")[-2:]) for name in found)
    assert_that(ends == sorted(wanted), f"the parameters are {found}, wanted {wanted}")


@step("one sentence that attends to itself, with one head")
def one_sentence_attends(student):
    _assert_attends(student, _sentences(1), 1)


@step("several heads")
def several_heads_attend(student):
    _assert_attends(student, _sentences(1), 2)
    _assert_attends(student, _sentences(1), 4)


@step("a batch of sentences, each by itself")
def sentences_do_not_mix(student):
    _assert_attends(student, _sentences(3), 2)


@step("the valid lengths")
@given(case=tokens(lengths=LENGTHS, low=2))
def lengths_hide_padding(student, case):
    _assert_attends(student, case, 2)


@step("the verdict on functions that are equivariant")
def equivariant_functions_are_known(student):
    for function in (torch.exp, lambda X: X - X.mean(1, keepdim=True)):
        _assert_verdict(student, function, wanted=True)


@step("the verdict on functions that are not")
def other_functions_are_known(student):
    for function in (lambda X: X.cumsum(1), lambda X: X * torch.arange(5.0)[:, None], lambda X: X.roll(1, 1)):
        _assert_verdict(student, function, wanted=False)


def _assert_verdict(student, function, *, wanted):
    X, generator = normal((2, 5, 3), 1), torch.Generator().manual_seed(1)
    found = student.is_permutation_equivariant(function, X, trials=5, generator=generator)
    assert_that(bool(found) == wanted, f"the verdict is {found}, wanted {wanted}")
