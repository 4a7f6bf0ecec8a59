"""What holds of every attention pooling, whatever its design."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

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
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import Inputs, normal, seeds, sizes

HINTS = (
    (
        "If only one feature matters, distances in the others are noise. What could the model learn, one number for "
        "each feature, so that a feature can fade out?"
    ),
    (
        "Stretch each feature by its own learned width, then take the squared distance over the features: near keys "
        "should have the largest scores."
    ),
    (
        "Register the widths as nn.Parameter and start them at a value where a small change matters; at 0, a square "
        "has no slope. Then a softmax over the keys and the weighted sum."
    ),
)

WEIGHTS = "attention_weights"
LOOSE = {"rtol": 1e-4, "atol": 1e-5}


@dataclass(frozen=True)
class Rows(Inputs):
    """Queries `(queries, features)`, keys `(queries, keys, features)`, values `(queries, keys)`."""

    queries: Tensor
    keys: Tensor
    values: Tensor

    @property
    def args(self):
        """The arguments of forward, in order."""
        return self.queries, self.keys, self.values


def rows(num_queries, num_keys, num_features, seed, *, dtype=torch.float32):
    """Normal queries and keys, and values between 1 and 5."""
    queries = normal((num_queries, num_features), seed, dtype=dtype)
    keys = normal((num_queries, num_keys, num_features), seed + 1, dtype=dtype)
    return Rows(queries, keys, 3 + 2 * normal((num_queries, num_keys), seed + 2, dtype=dtype).sin())


def cases(*, low=1):
    """Rows with as many keys as queries or another number, and one feature or three."""
    counts = st.one_of(sizes(2, low=low), st.integers(low, 6).map(lambda count: (count, count)))
    return st.builds(lambda c, f, seed: rows(*c, f, seed), counts, st.sampled_from([1, 3]), seeds())


def pooling_for(student, case):
    """A pooling for rows like these, in evaluation mode and in their dtype."""
    return student.MyPooling(case.queries.shape[-1]).to(case.queries.dtype).eval()


def pooled(m, queries, keys, values):
    """Output and weights, of the right shapes."""
    output = assert_shape(m(queries, keys, values), (len(queries),), what="output")
    return output, assert_shape(m.attention_weights, tuple(values.shape), what=WEIGHTS)


@worth(1, gate=True, hint="Return one number for each query: sum the weighted values over the keys.")
def every_query_gets_one_number(student):
    """The output has the shape (queries,), and depends on the values and on nothing that came before."""
    for num_features in (1, 3):
        case = rows(4, 5, num_features, 0)
        m = pooling_for(student, case)
        output = assert_shape(m(*case.args), (4,), what="output")
        assert_not_copied(output, case.queries[:, 0], what="output")
        queries, keys, values = case.args
        answer = partial(lambda m, q, k, v: m(q.clone(), k.clone(), v.clone()), m, queries, keys)
        assert_responds(answer, values, values**2, what="output")


@worth(
    1.5, examples=30, hint="Which function makes weights of scores, and along which axis do the keys of a query lie?"
)
@given(case=cases())
def weights_share_out_one(student, case):
    """No weight is negative, and those of each query sum to 1."""
    _, weights = pooled(pooling_for(student, case), *case.args)
    assert_that(bool((weights >= 0).all()), "a weight is negative", attention_weights=weights)
    assert_close(weights.sum(-1), torch.ones(len(case.queries)), what=f"{WEIGHTS}.sum(-1)")


@worth(1.5, examples=30, hint="Weight times value, summed over the keys, and nothing else.")
@given(case=cases())
def output_is_the_weighted_average(student, case):
    """Each output is the average of the query's own values under the stored weights."""
    output, weights = pooled(pooling_for(student, case), *case.args)
    assert_close(output, (weights * case.values).sum(-1), what="output", **LOOSE)


@worth(
    1, examples=30, hint="An average of values cannot leave their range. Do the weights sum to 1 before you use them?"
)
@given(case=cases())
def output_stays_among_the_values(student, case):
    """Each output lies between the least and the largest value of its query."""
    output, _ = pooled(pooling_for(student, case), *case.args)
    inside = (output >= case.values.amin(-1) - 1e-4) & (output <= case.values.amax(-1) + 1e-4)
    assert_that(bool(inside.all()), "an output lies outside the values of its query", output=output)


@worth(1, examples=20, hint="Compare query and key; where the key stands in its row is an accident.")
@given(case=cases(low=2))
def order_of_keys_does_not_matter(student, case):
    """Rotating the key-value pairs of all queries rotates the weights and leaves the output alone."""
    m = pooling_for(student, case)
    output, weights = pooled(m, *case.args)
    rotated, rotated_weights = pooled(m, case.queries, case.keys.roll(1, 1), case.values.roll(1, 1))
    assert_close(rotated_weights, weights.roll(1, -1), what=WEIGHTS, **LOOSE)
    assert_close(rotated, output, what="output", **LOOSE)


@worth(1, examples=20, hint="Nothing may be computed over all queries: no mean, no scale, no softmax.")
@given(case=cases(low=2))
def queries_do_not_see_each_other(student, case):
    """Each query alone, with its own keys and values, gets what it gets among others."""
    m = pooling_for(student, case)
    output, weights = pooled(m, *case.args)
    for i in range(len(output)):
        alone, its_weights = pooled(m, *(x[i : i + 1] for x in case.args))
        assert_close(its_weights, weights[i : i + 1], what=f"{WEIGHTS} of query {i} alone", **LOOSE)
        assert_close(alone, output[i : i + 1], what=f"output of query {i} alone", **LOOSE)


@worth(1, examples=20, hint="When you predict, the values are what you do not know. What are you left with to compare?")
@given(case=cases(low=2))
def values_do_not_weigh_themselves(student, case):
    """Other values get the same weights."""
    m = pooling_for(student, case)
    _, weights = pooled(m, *case.args)
    _, others = pooled(m, case.queries, case.keys, 10 - case.values**2)
    assert_close(others, weights, what=f"{WEIGHTS} for other values", **LOOSE)


@worth(
    1.5, examples=10, hint="Change one feature of a key, or move the query alone: what should become of the weights?"
)
@given(seed=seeds(), num_features=st.sampled_from([1, 3]))
def every_feature_counts(student, seed, num_features):
    """Moving the queries along any feature, or one key of each, changes the weights."""
    case = rows(6, 8, num_features, seed, dtype=torch.float64)
    m = pooling_for(student, case)
    _, weights = pooled(m, *case.args)
    for feature in range(num_features):
        step = torch.zeros(num_features, dtype=torch.float64)
        step[feature] = 0.7
        keys = case.keys.clone()
        keys[:, 0] += step
        for moved, arguments in (("queries", (case.queries + step, case.keys)), ("keys", (case.queries, keys))):
            _, others = pooled(m, *arguments, case.values)
            message = f"feature {feature} of the {moved} does not count"
            assert_that(bool(((others - weights).abs() > 1e-9).any()), message, attention_weights=others)


@worth(1.5, examples=10, hint="Is it an nn.Parameter, does it take part, and is there a slope where it starts?")
@given(seed=seeds(), num_features=st.sampled_from([1, 3]))
def training_reaches_every_parameter(student, seed, num_features):
    """There is at least one parameter, and every one gets a gradient other than zero from the output."""
    case = rows(6, 5, num_features, seed)
    m = pooling_for(student, case)
    parameters = dict(m.named_parameters())
    assert_that(len(parameters) > 0, "the pooling has no parameter: there is nothing to train")
    output, _ = pooled(m, *case.args)
    found = gradients(output.square(), list(parameters.values()), what="output")
    for name, grad in zip(parameters, found, strict=True):
        assert_finite(grad, what=f"the gradient of {name}")
        assert_that(bool(grad.any()), f"the output does not depend on the parameter {name}, or has no slope there")


@worth(0.5, hint="No detach(), .data or no_grad() in the forward pass: the stored weights are part of the graph too.")
def stored_weights_keep_their_gradient(student):
    """A loss on attention_weights reaches queries and keys."""
    case = rows(4, 5, 3, 1)
    inputs = {"queries": case.queries.requires_grad_(), "keys": case.keys.requires_grad_()}
    _, weights = pooled(pooling_for(student, case), *case.args)
    for name, grad in zip(inputs, gradients(weights[:, 0], list(inputs.values()), what=WEIGHTS), strict=True):
        assert_that(bool(grad.any()), f"a loss on attention_weights does not reach the {name}")


@worth(0.5, hint="Nothing in a pooling is left to chance once it is in evaluation mode.")
def evaluation_repeats(student):
    """In evaluation mode the same call gives the same output, with the pooling's state dict as it was."""
    case = rows(4, 5, 3, 2)
    m = pooling_for(student, case)
    before = {name: value.clone() for name, value in m.state_dict().items()}
    output, _ = pooled(m, *case.args)
    assert_equal(pooled(m, *case.args)[0], output, what="output, second time")
    for name, value in m.state_dict().items():
        assert_unchanged(value, before[name], what=name)


@worth(1, group="robust", hint="exp(-1000) is 0, and 0 / 0 is no number. What does torch's softmax do about that?")
def far_queries_get_an_answer(student):
    """A query a thousand units away from its keys gets finite weights that sum to 1."""
    case = rows(3, 5, 3, 3)
    output, weights = pooled(pooling_for(student, case), case.queries + 1e3, case.keys, case.values)
    assert_finite(output, what="output")
    assert_close(assert_finite(weights, what=WEIGHTS).sum(-1), torch.ones(3), what=f"{WEIGHTS}.sum(-1)")


@worth(1, group="robust", hint="What you create yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """In float64 and bfloat16, output and weights have the dtype of the inputs."""
    for dtype in (torch.float64, torch.bfloat16):
        case = rows(3, 5, 3, 4, dtype=dtype)
        output, weights = pooled(pooling_for(student, case), *case.args)
        assert_finite(assert_dtype(output, dtype, what="output"), what="output")
        assert_dtype(weights, dtype, what=WEIGHTS)
        assert_close(weights.double().sum(-1), torch.ones(3, dtype=torch.float64), atol=2e-2, what=f"{WEIGHTS}.sum(-1)")


@worth(1, group="robust", examples=10, hint="Look for -=, *= and functions whose name ends in an underscore.")
@given(case=cases(low=2))
def arguments_are_left_alone(student, case):
    """Queries, keys and values are after the call what they were before, also when they are leaves with gradient."""
    before = [x.clone() for x in case.args]
    m = pooling_for(student, case)
    output, weights = pooled(m, *case.args)
    assert_close(output, (weights * before[2]).sum(-1), what="output", **LOOSE)
    for name, now, then in zip(("queries", "keys", "values"), case.args, before, strict=True):
        assert_unchanged(now, then, what=name)
    pooled(m, *(x.requires_grad_() for x in case.args))
