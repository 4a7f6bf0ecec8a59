"""What anyone can check about a kernel with a learned width, and about leaving one out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from given.noisy_curve import noisy_samples
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, normal, seeds, sizes

HINTS = (
    (
        "Each query has keys of its own, a row of them. How do queries of shape (n,) meet keys of shape (n, m), so "
        "that row i uses query i alone?"
    ),
    (
        "w multiplies the difference before it is squared, so its sign does not matter. The softmax runs along a row, "
        "and the answer is the sum of weights times values along the same row."
    ),
    (
        "For leave_one_out, repeat the samples n times as rows of a square and keep all entries but the diagonal. fit "
        "is then the usual loop: loss, gradients to zero, backward, step."
    ),
)

WEIGHTS = "attention_weights"


@dataclass(frozen=True)
class Rows(Inputs):
    """Queries `(n,)`, keys and values `(n, m)`, and `w`."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    w: float

    @property
    def args(self) -> tuple[Tensor, Tensor, Tensor]:
        """The arguments of forward, as copies, so that only one property sees what is done to them."""
        return self.queries.clone(), self.keys.clone(), self.values.clone()

    @property
    def kernels(self) -> Tensor:
        """The Gaussian of each key, `(n, m)`."""
        return (-(((self.queries[:, None] - self.keys) * self.w) ** 2) / 2).exp()


@st.composite
def rows(draw, *, dtype=torch.float64, low=1):
    """Two different sizes or one twice; a kernel that reaches some keys and not others."""
    n, m = draw(st.one_of(sizes(2, low=low), st.just((4, 4))))
    seed = draw(seeds())
    drawn = [normal(shape, seed + i, dtype=dtype, scale=2.0) for i, shape in enumerate([(n,), (n, m), (n, m)])]
    return Rows(*drawn, draw(st.sampled_from([0.7, 0.3, 1.5, -0.5])))


def model(student, w, dtype=torch.float64):
    """A module with this `w`."""
    m = student.NWKernelRegression().to(dtype)
    m.load_state_dict({"w": torch.tensor([w], dtype=dtype)}, strict=False)  # whether it is there, a property says
    return m


def predict(m, *args):
    """The output, one number per query."""
    return assert_shape(m(*args), args[0].shape, what="output")


def weigh(m, *args):
    """The attention weights of this call."""
    m(*args)
    return assert_shape(m.attention_weights, tuple(args[1].shape), what=WEIGHTS)


def others(student, x, y):
    """Keys and values of `leave_one_out`, of the right shapes."""
    pair = student.leave_one_out(x.clone(), y.clone())
    is_pair = isinstance(pair, tuple | list) and len(pair) == 2
    assert_that(is_pair, "leave_one_out does not return a pair: keys and values")
    shape = len(x), len(x) - 1
    return assert_shape(pair[0], shape, what="the keys"), assert_shape(pair[1], shape, what="the values")


def fit(student, m, x, y, *, steps, lr):
    """The losses, one number per step."""
    losses = student.fit(m, x.clone(), y.clone(), steps=steps, lr=lr)
    assert_that(isinstance(losses, list) and len(losses) == steps, f"fit does not return a list of {steps} losses")
    return [assert_number(loss, loss, atol=0.0, what="a loss") for loss in losses]


@worth(1, gate=True, examples=10, hint="Return one number for every query.")
@given(case=rows(low=2))
def output_has_one_number_per_query(student, case):
    """The model answers `(n,)` queries with `(n,)` numbers, which depend on keys and values."""
    m = model(student, case.w)
    changed = case.queries + 1, 2 * case.keys, 1 - case.values
    assert_responds(lambda args: predict(m, *(part.clone() for part in args)), case.args, changed, what="output")
    assert_not_copied(m(*case.args), case.queries, what="output")


@worth(1, hint="nn.Parameter, of shape (1,), assigned to self.w.")
def width_is_the_only_parameter(student):
    """The only parameter is `w`, of shape (1,), and it starts between 0 and 1."""
    parameters = dict(student.NWKernelRegression().named_parameters())
    names = ", ".join(parameters) or "none"
    assert_that(list(parameters) == ["w"], f"the parameters are {names}; wanted w alone")
    w = assert_shape(parameters["w"], (1,), what="w").item()
    assert_that(0 <= w <= 1, f"w starts at {w:g}, wanted a number between 0 and 1")


@worth(0.5, hint="Work through the example by hand, and mind the 1/2 and the square.")
def example_comes_out(student):
    """The example of the exercise comes out: weights 2/3 and 1/3, output 4."""
    m = model(student, 0.5, torch.float32)
    args = torch.zeros(1), torch.tensor([[0.0, 2 * math.sqrt(2 * math.log(2))]]), torch.tensor([[3.0, 6.0]])
    assert_close(predict(m, *args), torch.tensor([4.0]), what="output")
    assert_close(weigh(m, *args), torch.tensor([[2 / 3, 1 / 3]]), what=WEIGHTS)


@worth(0.5, examples=10, hint="Over which axis do the keys of one query lie?")
@given(case=rows())
def each_row_of_weights_sums_to_1(student, case):
    """The weights of each query are not negative and sum to 1."""
    weights = weigh(model(student, case.w), *case.args)
    assert_that(bool((weights >= 0).all()), "some weights are negative", **{WEIGHTS: weights})
    assert_close(weights.sum(1), torch.ones(len(case.queries), dtype=torch.float64), what="row sums of the weights")


@worth(1.5, examples=20, hint="Multiply the difference by w, square it, halve it, negate it; then the softmax.")
@given(case=rows())
def weights_are_shares_of_a_gaussian(student, case):
    """Each weight is its key's Gaussian, `exp(-((x - x_i) w)^2 / 2)`, over the sum of the row."""
    wanted = case.kernels / case.kernels.sum(1, keepdim=True)
    assert_close(weigh(model(student, case.w), *case.args), wanted, what=WEIGHTS)


@worth(1, examples=10, hint="Row i of the weights belongs to row i of the values: no other row takes part.")
@given(case=rows())
def output_is_the_values_under_the_weights(student, case):
    """Each output is the sum of its own row of values times its own row of weights."""
    m = model(student, case.w)
    output = predict(m, *case.args)
    weights = assert_shape(m.attention_weights, tuple(case.keys.shape), what=WEIGHTS)
    assert_close(output, torch.einsum("nm,nm->n", weights, case.values), what="output")


@worth(0.5, examples=10, hint="Only the difference of query and key may count.")
@given(case=rows(), by=st.sampled_from([-3.0, 10.0]))
def shifting_the_axis_changes_nothing(student, case, by):
    """Adding the same number to all queries and keys leaves the output as it was."""
    m = model(student, case.w)
    queries, keys, values = case.args
    before = predict(m, *case.args)
    assert_close(predict(m, queries + by, keys + by, values), before, atol=1e-8, what="output")


@worth(0.5, examples=10, hint="Which distance gets the largest score?")
@given(case=rows(low=2))
def key_equal_to_the_query_weighs_most(student, case):
    """A key that equals its query has the largest weight of the row."""
    queries, keys, values = case.args
    keys[:, -1] = queries
    weights = weigh(model(student, case.w), queries, keys, values)
    assert_close(weights[:, -1], weights.max(1).values, what="the weight of the equal key")
    assert_that(bool((weights[:, -1] > weights[:, 0]).all()), "the equal key weighs no more than another")


@worth(0.5, examples=10, hint="What is softmax of equal scores, and what of very different ones?")
@given(case=rows(low=2), order=st.permutations(range(4)))
def width_leads_from_the_mean_to_the_nearest(student, case, order):
    """With `w` = 0 the output is the mean of the row's values, with `w` = 1000 the value of the nearest key."""
    assert_close(predict(model(student, 0.0), *case.args), case.values.mean(1), what="output with w = 0")
    keys, values = torch.tensor([order], dtype=torch.float64), torch.tensor([[3.0, -1.0, 4.0, 1.5]]).double()
    query = torch.tensor([1.2], dtype=torch.float64)
    found = predict(model(student, 1e3), query, keys, values)
    assert_close(found, values[:, order.index(1)], what="output with w = 1000")


@worth(0.5, examples=10, hint="Multiply by w before you square.")
@given(case=rows())
def sign_of_the_width_is_irrelevant(student, case):
    """`w` and `-w` give the same output."""
    before = predict(model(student, case.w), *case.args)
    assert_close(predict(model(student, -case.w), *case.args), before, what="output")


@worth(0.5, examples=10, hint="What happens to an average when every value is doubled, and when 5 is added to each?")
@given(case=rows())
def values_on_another_scale_give_outputs_on_it(student, case):
    """If every value `y` becomes `3 - 2y`, so does every output."""
    m = model(student, case.w)
    queries, keys, values = case.args
    before = predict(m, *case.args)
    assert_close(predict(m, queries, keys, 3 - 2 * values), 3 - 2 * before, what="output")


@worth(1, examples=4, hint="Stay in tensors, and use self.w itself: no detach, no .data, no .item().")
@given(case=rows(low=2))
def gradient_reaches_the_width(student, case):
    """The gradient of the output with respect to `w` is its derivative; so are those of the arguments."""
    m = model(student, case.w)
    w = torch.tensor([case.w], dtype=torch.float64, requires_grad=True)
    weights = (-(((case.queries[:, None] - case.keys) * w) ** 2) / 2).softmax(1)
    (wanted,) = gradients((weights * case.values).sum(1), [w])
    parameters = list(m.parameters())
    assert_that(len(parameters) == 1, f"there are {len(parameters)} parameters, wanted one")
    (got,) = gradients(predict(m, *case.args), parameters, what="output")
    assert_close(got, wanted, what="the gradient of w")
    args = [part.requires_grad_() for part in case.args]
    assert_gradcheck(lambda *args: predict(m, *(part.clone() for part in args)), *args, what="output")


@worth(0.5, examples=10, hint="Store the weights as they come out of the softmax, without detach.")
@given(case=rows(low=2))
def stored_weights_belong_to_the_graph(student, case):
    """The stored weights have a gradient with respect to the keys, and it is their derivative."""
    queries, keys, values = case.args
    m, keys = model(student, case.w), keys.requires_grad_()
    (wanted,) = gradients((-(((queries[:, None] - keys) * case.w) ** 2) / 2).softmax(1)[:, 0], [keys])
    (got,) = gradients(weigh(m, queries, keys, values)[:, 0], [keys], what=WEIGHTS)
    assert_close(got, wanted, what=f"the gradient of {WEIGHTS}")


@worth(1.5, examples=20, hint="A square of copies without its diagonal: which axis holds the copies?")
@given(n=st.integers(2, 7), seed=seeds())
def each_row_holds_all_the_others(student, n, seed):
    """Row `i` of `leave_one_out` holds every sample but number `i`, in order, keys with their values."""
    x, y = normal((n,), seed, dtype=torch.float64), normal((n,), seed + 1, dtype=torch.float64)
    keys, values = others(student, x, y)
    for i in range(n):
        assert_equal(keys[i], torch.cat([x[:i], x[i + 1 :]]), what=f"the keys of row {i}")
        assert_equal(values[i], torch.cat([y[:i], y[i + 1 :]]), what=f"the values of row {i}")


@worth(0.5, examples=20, hint="Leave out by position: what do equal numbers do to a comparison?")
@given(places=st.permutations(range(5)), seed=seeds())
def samples_with_the_same_x_stay(student, places, seed):
    """Of two samples with the same x, or the same y, only the one of that row is left out."""
    x, y = normal((5,), seed), normal((5,), seed + 1)
    x[places[0]] = x[places[1]]
    y[places[2]] = y[places[3]]
    keys, values = others(student, x, y)
    for i in range(5):
        assert_equal(keys[i], torch.cat([x[:i], x[i + 1 :]]), what=f"the keys of row {i}")
        assert_equal(values[i], torch.cat([y[:i], y[i + 1 :]]), what=f"the values of row {i}")


@worth(1, examples=5, hint="The mean over the samples, each predicted from the others, before the first update.")
@given(generator=st.builds(lambda seed: torch.Generator().manual_seed(seed), seeds()), w=st.sampled_from([0.5, 2.0]))
def first_loss_is_the_leave_one_out_error(student, generator, w):
    """The first loss is the mean squared error of each sample predicted from all others, with `w` as it came."""
    x, y = noisy_samples(12, generator=generator)
    kernels = (-(((x[:, None] - x) * w) ** 2) / 2).exp().fill_diagonal_(0)
    wanted = (kernels @ y / kernels.sum(1) - y).square().mean().item()
    losses = fit(student, model(student, w, torch.float32), x, y, steps=2, lr=0.1)
    assert_number(losses[0], wanted, atol=1e-4, what="the first loss")


@worth(1, examples=3, hint="Zero the gradient, go backward, and take the step, each once per round.")
@given(seed=seeds(), w=st.sampled_from([0.5, -0.3]))
def fitting_lowers_the_loss(student, seed, w):
    """In 5 steps the loss falls by a fifth, and the first step moves `w` by the learning rate, as Adam's does."""
    x, y = noisy_samples(50, generator=torch.Generator().manual_seed(seed))
    m = model(student, w, torch.float32)
    fit(student, m, x, y, steps=1, lr=0.125)
    moved = (m.state_dict()["w"] - w).abs()
    assert_close(moved, torch.tensor([0.125]), atol=1e-3, what="the first change of w")
    losses = fit(student, model(student, w, torch.float32), x, y, steps=5, lr=0.3)
    fell = f"the loss went from {losses[0]:.3f} to {losses[-1]:.3f}"
    assert_that(losses[-1] <= 0.8 * losses[0], f"{fell}, wanted a fall by a fifth")


@worth(1, examples=10, group="robust", hint="A tensor that you make yourself is float32 until you say otherwise.")
@given(half=rows(dtype=torch.float16), brain=rows(dtype=torch.bfloat16))
def half_precision_works(student, half, brain):
    """In float16 and bfloat16 the results have the dtype of the arguments, and the weights sum to 1."""
    for case in (half, brain):
        dtype, m = case.values.dtype, model(student, case.w, case.values.dtype)
        assert_finite(assert_dtype(predict(m, *case.args), dtype, what="output"), what="output")
        weights = weigh(m, *case.args)
        assert_close(weights.float().sum(1), torch.ones(len(case.queries)), atol=1e-2, what="row sums of the weights")
        x = normal((4,), 1).to(dtype)
        for part in others(student, x, 2 * x):
            assert_dtype(part, dtype, what="what leave_one_out returns")


@worth(1, examples=10, group="robust", hint="A method that ends in _ changes its tensor, and so does `-=`.")
@given(case=rows(low=2))
def arguments_are_left_alone(student, case):
    """Queries, keys, values, `x` and `y` are after the calls what they were before, and the results are right."""
    m = model(student, case.w)
    args = case.args
    output = m(*args)
    for name, now, then in zip(("queries", "keys", "values"), args, case.args, strict=True):
        assert_unchanged(now, then, what=name)
    wanted = (case.kernels * case.values).sum(1) / case.kernels.sum(1)
    assert_close(output, wanted, what="output")
    x, y = noisy_samples(9, generator=torch.Generator().manual_seed(1))
    before = x.clone(), y.clone()
    keys, _ = student.leave_one_out(x, y)
    student.fit(model(student, 0.5, torch.float32), x, y, steps=1, lr=0.1)
    assert_equal(keys[0], before[0][1:], what="the keys of row 0")
    assert_unchanged(x, before[0], what="x")
    assert_unchanged(y, before[1], what="y")


# The steps on the way, for a student who fails


@step("the parameter w")
def width_is_there(student):
    found = {name: tuple(each.shape) for name, each in student.NWKernelRegression().named_parameters()}
    assert_that(found == {"w": (1,)}, f"the parameters are {found}, wanted w: (1,)")


def _assert_weights(m, case, check):
    """What the values are multiplied by, read off values that are 1 at one key each, or else what is stored."""
    count = case.keys.shape[1]
    one_key_each = torch.eye(count, dtype=case.keys.dtype).repeat(len(case.queries), 1)
    queries, keys = case.queries.repeat_interleave(count), case.keys.repeat_interleave(count, 0)
    try:
        check(predict(m, queries, keys, one_key_each).reshape(case.keys.shape))
    except Mismatch:
        check(weigh(m, *case.args))


def _assert_shared_out(weights):
    assert_close(weights.sum(1), torch.ones(len(weights), dtype=weights.dtype), what="weights.sum(1)")


def _assert_near_first(weights, distances):
    """Whatever the form of the kernel is, no nearer key has a smaller weight, and the weights do differ."""
    differences = weights[:, :, None] - weights[:, None]
    kept = differences * (distances[:, None] - distances[:, :, None]) >= -1e-9
    assert_that(bool(kept.all()), "a nearer key has a smaller weight", weights=weights)
    assert_that(bool((differences.amax((1, 2)) > 1e-4).all()), "all keys weigh the same", weights=weights)


@step("weights that sum to 1 over the keys")
@given(case=rows(low=2))
def weights_sum_to_one(student, case):
    _assert_weights(model(student, case.w), case, _assert_shared_out)


@step("the preference for near keys")
def nearer_keys_weigh_more(student):
    case = Rows(*(normal(shape, i, dtype=torch.float64) for i, shape in enumerate([(5,), (5, 6), (5, 6)])), w=0.6)
    distances = (case.queries[:, None] - case.keys).abs()
    _assert_weights(model(student, case.w), case, lambda weights: _assert_near_first(weights, distances))


@step("the Gaussian attention weights")
@given(case=rows(low=2))
def weights_are_gaussian(student, case):
    wanted = case.kernels / case.kernels.sum(1, keepdim=True)
    _assert_weights(model(student, case.w), case, lambda weights: assert_close(weights, wanted, what="weights"))


@step("the weighted sum of the values")
@given(case=rows())
def values_are_averaged(student, case):
    wanted = (case.kernels * case.values).sum(1) / case.kernels.sum(1)
    assert_close(predict(model(student, case.w), *case.args), wanted, what="output")


@step("what is stored in attention_weights")
@given(case=rows())
def weights_are_stored(student, case):
    m = model(student, case.w)
    output = predict(m, *case.args)
    assert_close((m.attention_weights * case.values).sum(1), output, what="the sum of attention_weights * values")


@step("the gradient that reaches w")
def width_can_learn(student):
    m = model(student, 0.6)
    (w,) = m.parameters()
    output = predict(m, normal((5,), 1).double(), normal((5, 4), 2).double(), normal((5, 4), 3).double())
    assert_that(bool(gradients(output, [w], what="output")[0].any()), "no gradient reaches w")


@step("the keys and values that leave_one_out leaves")
def one_sample_is_left_out(student):
    x, y = normal((5,), 1), normal((5,), 2)
    keys, values = others(student, x, y)
    for i in range(5):
        for got, samples in ((keys, x), (values, y)):
            assert_equal(got[i], torch.cat([samples[:i], samples[i + 1 :]]), what=f"row {i}")


@step("the loss that fit returns")
def first_loss_is_the_mean_square(student):
    x, y = normal((5,), 1).double(), normal((5,), 2).double()
    m = model(student, 0.6)
    errors = predict(m, x, *others(student, x, y)) - y
    assert_number(fit(student, m, x, y, steps=2, lr=0.1)[0], errors.square().mean().item(), atol=1e-6, what="a loss")
