"""What attention by distance must do, from the distances themselves."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_finite,
    assert_gradcheck,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
)
from headcheck.properties import worth
from headcheck.strategies import attention_inputs, normal

HINTS = (
    (
        "Write minus half of |q - k|^2 as three terms. A softmax over the keys does not see what is the same for all "
        "of them: which term may go?"
    ),
    (
        "What is left is a dot product and a number for each key. Which shape must the numbers of the keys have, to "
        "be added to (batch, queries, keys)?"
    ),
    (
        "So: one product of queries and transposed keys, minus half the sum of squares of each key laid along the "
        "axis of keys. Then mask, store, dropout and average as in your other scorers."
    ),
)

TIGHT = {"rtol": 1e-9, "atol": 1e-9}
FLOATS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def _cases(**options):
    """Inputs whose queries and keys are equally wide: 4 or 5, and once in a while as many as there are keys."""
    return st.sampled_from([4, 5]).flatmap(
        lambda d: attention_inputs(query_size=d, key_size=d, dtype=torch.float64, **options)
    )


def _attend(layer, *args):
    """The output and its weights, with the right shapes."""
    queries, keys, values = args[:3]
    output = assert_shape(layer(*args), (*queries.shape[:2], values.shape[-1]), what="output")
    weights = assert_shape(layer.attention_weights, (*queries.shape[:2], keys.shape[1]), what="attention_weights")
    return output, weights


def _layer(student, dropout=0.0):
    return student.DistanceAttention(dropout).eval()


def _inputs(batch=2, queries=3, keys=4, *, dtype=torch.float32):
    shapes = (batch, queries, 4), (batch, keys, 4), (batch, keys, 5)
    return [normal(shape, i, dtype=dtype) for i, shape in enumerate(shapes)]


@worth(1, gate=True, hint="Return one row for each query, as wide as the values, and store the weights.")
def one_row_for_each_query(student):
    """The output is (batch, queries, value_size), the weights are stored, and keys and values both matter."""
    queries, keys, values = _inputs()
    layer = _layer(student)
    _attend(layer, queries, keys.clone(), values, None)
    assert_not_copied(layer(queries, keys.clone(), keys, None), queries, what="output")
    assert_responds(lambda x: layer(queries, x, values, None), keys.clone(), keys.roll(1, 1))
    assert_responds(lambda x: layer(queries, keys.clone(), x, None), values, values.roll(1, 1))


@worth(3, examples=30, hint="Write the squared distance out. Which part depends on the key alone, and with what sign?")
@given(case=_cases())
def weights_fall_with_distance(student, case):
    """The weights are the softmax of minus half the squared distances, over the valid keys."""
    scores = -(case.queries[:, :, None] - case.keys[:, None]).square().sum(-1) / 2
    wanted = scores.masked_fill(case.padded, -torch.inf).softmax(-1)
    output, weights = _attend(_layer(student), *case.args)
    assert_close(weights, wanted, what="attention_weights", **TIGHT)
    assert_close(output, wanted @ case.values, what="output", **TIGHT)


@worth(1, examples=20, hint="What happens to a distance when both ends move together?")
@given(case=_cases(lengths=("none",)))
def moving_everything_changes_nothing(student, case):
    """Adding the same vector to all queries and keys leaves the weights alone."""
    step = torch.linspace(-2.0, 3.0, case.queries.shape[-1], dtype=torch.float64)
    _, weights = _attend(_layer(student), case.queries, case.keys, case.values, None)
    _, moved = _attend(_layer(student), case.queries + step, case.keys + step, case.values, None)
    assert_close(moved, weights, what="attention_weights", **TIGHT)


@worth(1, hint="A key on top of the query is at distance 0, and nothing is nearer.")
def nearest_key_weighs_most(student):
    """Each query's largest weight is that of its nearest key, however long the other keys are."""
    keys = torch.stack([normal((6, 4), 1, scale=s) for s in (1.0, 3.0, 9.0)])
    queries = keys[:, [4, 0, 2]] + 0.01
    _, weights = _attend(_layer(student), queries, keys, torch.ones(3, 6, 2), None)
    found = weights.argmax(-1).tolist()
    assert_that(found == [[4, 0, 2]] * 3, "a query's largest weight is not at its nearest key", largest=found)


@worth(0.5, examples=15, hint="Rows share out a weight of 1, among valid keys only.")
@given(case=_cases())
def padding_gets_nothing(student, case):
    """Weights at padding are exactly 0, and each row sums to 1."""
    _, weights = _attend(_layer(student), *case.args)
    assert_zero(weights, where=case.padded, what="attention_weights")
    assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), what="attention_weights.sum(-1)", **TIGHT)


@worth(0.5, hint="How many numbers are there to learn in a distance?")
def there_is_nothing_to_learn(student):
    """The layer has no parameters."""
    names = [name for name, _ in student.DistanceAttention(0.0).named_parameters()]
    assert_that(not names, f"the layer has the parameters {names}")


@worth(0.5, hint="nn.Dropout knows whether the module is training.")
def dropout_rests_in_eval_mode(student):
    """In eval mode the output is the average under the weights."""
    args = _inputs()
    output, weights = _attend(_layer(student, 0.75), *args, None)
    assert_close(output, weights @ args[2], what="output", rtol=1e-5, atol=1e-5)


@worth(1, hint="Dropout acts on the finished weights; what is stored is what came before it.")
def dropout_falls_on_the_weights(student):
    """In training, with dropout=0.75, a weight counts as 0 three times in four, otherwise four times as much."""
    queries, keys = normal((2, 16, 4), 1, scale=0.5), normal((2, 64, 4), 2, scale=0.5)
    layer = _layer(student, 0.75)
    identity = torch.eye(64).expand(2, 64, 64).clone()
    _, wanted = _attend(layer, queries, keys, identity, None)
    output, weights = _attend(layer.train(), queries, keys, identity, None)
    assert_close(weights, wanted, what="attention_weights in training", rtol=1e-5, atol=1e-5)
    dropped = output == 0
    assert_close(output, torch.where(dropped, 0, 4 * wanted), what="output for the identity", rtol=1e-4, atol=1e-6)
    share = dropped.float().mean().item()
    assert_that(0.65 < share < 0.85, f"dropout=0.75 dropped {share:.0%} of the weights")
    assert_that(not torch.equal(dropped[:, 0], dropped[:, 1]), "all queries lose the same weights")


@worth(1, hint="Every step has to be a torch operation that stays in the graph, the norms too.")
def gradients_are_derivatives(student):
    """The gradients for queries, keys and values are the output's derivatives."""
    inputs = [x.requires_grad_() for x in _inputs(1, 2, 3, dtype=torch.float64)]
    layer = _layer(student)
    lengths = torch.tensor([[2, 3]])
    assert_gradcheck(lambda *args: layer(*args, lengths), *inputs, what="output")


@worth(0.5, hint="What you make yourself takes its dtype from the inputs.")
def dtype_is_kept(student):
    """Output and weights have the dtype of the inputs, float64 to float16, and are finite."""
    for dtype in FLOATS:
        output, weights = _attend(_layer(student), *_inputs(dtype=dtype), torch.tensor([2, 4]))
        assert_finite(assert_dtype(output, dtype, what="output"), what="output")
        assert_dtype(weights, dtype, what="attention_weights")


@worth(0.5, hint="Does anything reach from one example to another?", examples=10)
@given(case=_cases())
def examples_do_not_mix(student, case):
    """Each example alone gets what it gets in the batch."""
    layer = _layer(student)
    output, _ = _attend(layer, *case.args)
    for i in range(len(case.queries)):
        alone, _ = _attend(layer, *(None if x is None else x[i : i + 1] for x in case.args))
        assert_close(alone, output[i : i + 1], what=f"output of example {i} alone", **TIGHT)


@worth(0.5, group="robust", hint="Look for /= and *=, and for functions whose name ends in an underscore.")
def arguments_are_left_alone(student):
    """Queries, keys, values and lengths are the same after the call."""
    args = [*_inputs(), torch.tensor([2, 4])]
    before = [x.clone() for x in args]
    _layer(student)(*args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), args, before, strict=True):
        assert_unchanged(now, then, what=name)
