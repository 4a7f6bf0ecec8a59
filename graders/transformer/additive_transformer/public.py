"""What anyone can check about additive heads: in their layer, in a Transformer, and in the table of costs."""

from __future__ import annotations

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_not_copied,
    assert_number,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.costs import measure
from headcheck.properties import step, worth
from headcheck.strategies import Attention, amplify, attention_inputs, normal, seeds, sizes

HINTS = (
    (
        "The heads stay as they are: projections, rows for heads, lengths for rows, merging. Which one module of your "
        "multi-head layer is exchanged, and how wide is what it sees?"
    ),
    (
        "To build the transformer take the finished one, go through its modules, and put the new layer wherever an "
        "old multi-head layer is a child, under the same name."
    ),
    (
        "For the table make both layers of the same sizes, hand each n tokens as queries, keys and values, and let "
        "count_cost tell FLOPs and the largest tensor."
    ),
)

DOUBLE = torch.float64
WIDTH = 4  # num_hiddens
HEADS = st.sampled_from([2, 1, 4])
COLUMNS = "n", "additive_flops", "dot_flops", "additive_largest", "dot_largest", "ratio"


def arguments(dtype=DOUBLE):
    """Queries of width 5, keys of width 7, values of width 2, and no lengths."""
    return *(normal(shape, seed, dtype=dtype) for seed, shape in enumerate([(2, 3, 5), (2, 6, 7), (2, 6, 2)])), None


def build(student, args, heads, *, dropout=0.0):
    """A layer for these arguments, in their dtype, with normal weights."""
    queries, keys, values, _ = args
    sizes = keys.shape[-1], queries.shape[-1], values.shape[-1]
    layer = student.AdditiveMultiHeadAttention(*sizes, WIDTH, heads, dropout)
    layer.to(queries.dtype)
    layer.load_state_dict(amplify(layer.state_dict(), seed=heads))
    return layer


def attend(layer, args, heads):
    """The output of a call, and the weights that it left behind."""
    (batch, queries, _), keys = args[0].shape, args[1].shape[1]
    output = assert_shape(layer(*args), (batch, queries, WIDTH), what="output")
    weights = layer.attention.attention_weights
    return output.detach(), assert_shape(weights, (batch * heads, queries, keys), what="attention_weights").detach()


def assert_answers(layer, args):
    """The output depends on the values, and on nothing that came before."""
    queries, keys, values, valid_lens = args
    assert_responds(lambda changed: layer(queries, keys, changed, valid_lens), values, values + 1, what="output")


def matrices(heads):
    """The shapes of a layer's parameters."""
    size = WIDTH // heads
    scorer = {"W_q": (size, size), "W_k": (size, size), "w_v": (1, size)}
    layers = {"W_q": (WIDTH, 5), "W_k": (WIDTH, 7), "W_v": (WIDTH, 2), "W_o": (WIDTH, WIDTH)}
    layers |= {f"attention.{name}": shape for name, shape in scorer.items()}
    return {f"{name}.weight": shape for name, shape in layers.items()}


def assert_parameters(module, wanted):
    """The module's parameters have these names and shapes, and there are no others."""
    found = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    for name in sorted(found.keys() | wanted.keys()):
        assert_that(name in found, f"there is no parameter {name}")
        assert_that(name in wanted, f"there is a parameter {name} that nobody asked for")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")


def config(student, *, num_hiddens=8, num_heads=2, num_layers=2, dropout=0.0):
    """The sizes of a small Transformer."""
    sizes = {"num_hiddens": num_hiddens, "ffn_num_hiddens": 12, "num_heads": num_heads, "num_layers": num_layers}
    return student.TransformerConfig(11, 9, **sizes, dropout=dropout)


@worth(1, gate=True, hint="Return `W_o` of the merged heads: `num_hiddens` features for every query.", examples=8)
@given(shape=sizes(2, low=2), seed=seeds())
def every_query_gets_num_hiddens_features(student, shape, seed):
    """The output has a row of `num_hiddens` features for every query, and depends on the inputs."""
    X = normal((*shape, WIDTH), seed)
    layer = student.AdditiveMultiHeadAttention(WIDTH, WIDTH, WIDTH, WIDTH, 2, 0.0)
    output = assert_shape(layer(X, X, X, None), tuple(X.shape), what="output")
    assert_not_copied(output, X, what="output")
    assert_responds(lambda x: layer(x, x, x, None), X, X + normal(X.shape, seed + 1), what="output")


@worth(0.5, hint="Four projections, and three small matrices in one scorer that all heads share. No biases.")
def seven_matrices_are_learnt(student):
    """The parameters are four projections and the scorer's three matrices, as wide as a head, and each matters."""
    args = arguments()
    for heads in (1, 2):
        layer = build(student, args, heads)
        assert_parameters(layer, matrices(heads))
        state = layer.state_dict()

        def answer(state, layer=layer):
            layer.load_state_dict(state)
            return layer(*args)

        for name, value in state.items():
            other = state | {name: value + normal(value.shape, 1, dtype=DOUBLE)}
            assert_responds(answer, state, other, what=f"output for another {name}")


@worth(0.5, examples=6, hint="With one head nothing is left of this layer but its scorer. What comes between?")
@given(case=attention_inputs(query_size=WIDTH, key_size=WIDTH, value_size=WIDTH, dtype=DOUBLE))
def one_head_that_projects_nothing_is_additive_attention(student, case):
    """With one head and identity matrices the layer is plain additive attention."""
    layer = build(student, case.args, heads=1)
    assert_answers(layer, case.args)
    scorer = {name: value for name, value in layer.state_dict().items() if name.startswith("attention.")}
    projections = dict.fromkeys((f"W_{role}.weight" for role in "qkvo"), torch.eye(WIDTH, dtype=DOUBLE))
    layer.load_state_dict(scorer | projections)
    plain = student.AdditiveAttention(WIDTH, WIDTH, WIDTH, 0.0).double()
    plain.load_state_dict({name.removeprefix("attention."): value for name, value in scorer.items()})
    assert_close(layer(*case.args), plain(*case.args).detach(), what="output")


@worth(1, examples=8, hint="Equal scores make attention a mean. Follow it through `W_v`, the merge and `W_o`.")
@given(heads=HEADS, case=attention_inputs(query_size=WIDTH, dtype=DOUBLE))
def equal_scores_average_the_values(student, heads, case):
    """When `w_v` is 0, every query gets the mean of its valid values, through `W_v` and `W_o`."""
    layer = build(student, case.args, heads)
    state = layer.state_dict() | {"attention.w_v.weight": torch.zeros(1, WIDTH // heads, dtype=DOUBLE)}
    valid = (~case.padded).double()
    mean = valid / valid.sum(-1, keepdim=True) @ case.values
    wanted = mean @ state["W_v.weight"].T @ state["W_o.weight"].T
    layer.load_state_dict(state)
    assert_close(layer(*case.args), wanted, what="output")


@worth(1, examples=8, hint="Heads and lengths become rows in one order: example by example, inside it head by head.")
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def every_head_of_every_example_has_a_row(student, heads, case):
    """`attention.attention_weights` has a row for each head of each example, with weights for its valid keys only."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    _, weights = attend(layer, case.args, heads)
    padded = case.padded.repeat_interleave(heads, dim=0)
    assert_zero(weights, where=padded, what="attention_weights")
    assert_that(bool((weights > 0)[~padded].all()), "a valid key gets no weight", attention_weights=weights)
    assert_close(weights.sum(-1), torch.ones(weights.shape[:2], dtype=DOUBLE), what="attention_weights.sum(-1)")


@worth(0.5, examples=6, hint="Nothing in this layer knows where a position stands. Which reshape mixes positions?")
@given(heads=HEADS, shape=sizes(2), seed=seeds())
def permuting_positions_permutes_the_output(student, heads, shape, seed):
    """When a sequence attends to itself, permuting its positions permutes the output in the same way."""
    X = normal((*shape, 3), seed, dtype=DOUBLE)
    layer = build(student, (X, X, X, None), heads)
    assert_answers(layer, (X, X, X, None))
    output, _ = attend(layer, (X, X, X, None), heads)
    order = torch.randperm(shape[1], generator=torch.Generator().manual_seed(seed))
    X = X[:, order]
    assert_close(layer(X, X, X, None), output[:, order], what="output of the permuted sequence")


@worth(0.5, examples=6, hint="Which length does a row of the larger batch get? Write down two examples of two heads.")
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE, ones=False, lengths=("per example", "per query")))
def examples_do_not_mix(student, heads, case):
    """Each example alone gives the same as in the batch."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    together, _ = attend(layer, case.args, heads)
    for b in range(case.shape[0]):
        alone = [None if argument is None else argument[b : b + 1] for argument in case.args]
        assert_close(layer(*alone), together[b : b + 1], what=f"output of example {b} alone")


@worth(0.5, examples=6, hint="Hand the lengths on to the scorer, one for every row of the larger batch.")
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def longer_padding_changes_nothing(student, heads, case):
    """Keys and values appended beyond the valid length do not change the output."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    batch, _, keys = case.shape
    valid_lens = torch.full((batch,), keys) if case.valid_lens is None else case.valid_lens
    longer = [nn.functional.pad(tensor, (0, 0, 0, 2), value=7.0) for tensor in (case.keys, case.values)]
    wanted, _ = attend(layer, case.args, heads)
    assert_close(layer(case.queries, *longer, valid_lens), wanted, what="output with more padding")


@worth(0.5, examples=4, hint="Dropout belongs to the scorer, which knows the mode.")
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def evaluation_drops_nothing(student, heads, case):
    """In evaluation mode the output is that of a layer without dropout."""
    plain, dropping = (build(student, case.args, heads, dropout=dropout) for dropout in (0.0, 0.75))
    assert_answers(plain, case.args)
    wanted, _ = attend(plain, case.args, heads)
    assert_close(dropping.eval()(*case.args), wanted, what="output in evaluation mode")


@worth(0.5, hint="Hand `dropout` on to the scorer: it drops weights, not features, and each head its own.")
def training_drops_weights(student):
    """In training, with `dropout=0.75`, a weight counts as 0 three times in four and otherwise four times as much."""
    count, heads = 24, 2
    width = heads * 2 * count
    queries, keys = normal((2, 8, width), 0), normal((2, count, width), 1)
    values = torch.eye(count).repeat(2, 1, 2 * heads)  # each head's output is its dropped weights, twice side by side
    layer = student.AdditiveMultiHeadAttention(width, width, width, width, heads, 0.75)
    projections = dict.fromkeys((f"W_{role}.weight" for role in "qkvo"), torch.eye(width))
    layer.load_state_dict(amplify(layer.state_dict(), seed=2, scale=0.3) | projections)
    outputs = [
        assert_shape(layer.train()(queries, keys, values, None), (2, 8, width), what="output").detach() for _ in "12"
    ]
    weights = assert_shape(layer.attention.attention_weights, (2 * heads, 8, count), what="attention_weights")
    wanted = weights.detach().unflatten(0, (2, heads)).transpose(1, 2)  # (2, 8, heads, count)
    first, second = (output.unflatten(-1, (heads, 2, count)) for output in outputs)
    assert_close(first[..., 1, :], first[..., 0, :], what="the same weights for other features of the head")
    dropped, again = first[..., 0, :] == 0, second[..., 0, :] == 0
    assert_close(first[..., 0, :], torch.where(dropped, 0.0, 4 * wanted), what="dropped weights", rtol=1e-4)
    share = dropped.double().mean().item()
    assert_that(0.65 < share < 0.85, f"dropout=0.75 dropped {share:.0%} of the weights")
    assert_that(not torch.equal(dropped, again), "two calls lose the same weights")
    assert_that(not torch.equal(dropped[:, :, 0], dropped[:, :, 1]), "all heads lose the same weights")
    assert_that(not torch.equal(dropped[:, 0], dropped[:, 1]), "all queries lose the same weights")


@worth(1, hint="Walk over the blocks of encoder and decoder. How many attentions has a block of each?")
def attention_is_additive_in_all_three_places(student):
    """The Transformer has the parameters of the plain one, and a scorer of its own wherever a layer attends."""
    for num_hiddens, num_heads, num_layers in ((8, 2, 1), (12, 3, 2)):
        sizes = {"num_hiddens": num_hiddens, "num_heads": num_heads, "num_layers": num_layers}
        plain = student.build_transformer(config(student, **sizes))
        wanted = {name: tuple(parameter.shape) for name, parameter in plain.named_parameters()}
        size = num_hiddens // num_heads
        for place in [name.removesuffix(".W_o.weight") for name in wanted if name.endswith(".W_o.weight")]:
            wanted[f"{place}.attention.W_q.weight"] = wanted[f"{place}.attention.W_k.weight"] = size, size
            wanted[f"{place}.attention.w_v.weight"] = 1, size
        assert_parameters(student.build_additive_transformer(config(student, **sizes)), wanted)


@worth(0.5, hint="`num_heads` and `dropout` are in the configuration.")
def configuration_reaches_every_place(student):
    """Every attention of the Transformer has the heads and the dropout of the configuration."""
    X = normal((3, 5, 8), 0)
    model = student.build_additive_transformer(config(student, num_heads=4, dropout=0.75))
    places = {f"encoder.blks[{i}].attention": model.encoder.blks[i].attention for i in range(2)}
    places |= {f"decoder.blks[{i}].attention1": model.decoder.blks[i].attention1 for i in range(2)}
    places |= {f"decoder.blks[{i}].attention2": model.decoder.blks[i].attention2 for i in range(2)}
    for place, layer in places.items():
        first, second = (assert_shape(layer.train()(X, X, X, None), (3, 5, 8), what="output").detach() for _ in "12")
        assert_that(not torch.equal(first, second), f"{place} drops nothing in training")
        first, second = (assert_shape(layer.eval()(X, X, X, None), (3, 5, 8), what="output").detach() for _ in "12")
        assert_equal(second, first, what=f"output of {place} in evaluation mode, second time")
        assert_shape(layer.attention.attention_weights, (12, 5, 5), what=f"attention_weights of {place}")


@worth(0.5, hint="One dictionary for each length, in the order that was asked for, with exactly the six keys.")
def table_has_a_row_for_every_length(student):
    """The table has a row for each length, in order, and each row the six numbers and nothing else."""
    for ns in ([16, 9], []):
        for row, n in zip(rows_of_table(student, ns), ns, strict=True):
            assert_number(row["n"], n, atol=0, what="n")


@worth(1, hint="Count a call of each of your two layers, all four projections included, and count nothing else.")
def table_tells_what_the_layers_cost(student):
    """FLOPs and largest tensors are those of your own two layers, and the ratio is additive by dot product."""
    layers = {
        "additive": student.AdditiveMultiHeadAttention(32, 32, 32, 32, 4, 0.0),
        "dot": student.MultiHeadAttention(32, 32, 32, 32, 4, 0.0),
    }
    ns = [5, 17]
    for row, n in zip(rows_of_table(student, ns), ns, strict=True):
        X = normal((1, n, 32), n)
        costs = {kind: measure(layer, X, X, X, None) for kind, layer in layers.items()}
        for kind, cost in costs.items():
            assert_number(row[f"{kind}_flops"], cost.flops, atol=0, what=f"{kind}_flops for n = {n}")
            assert_number(row[f"{kind}_largest"], cost.largest, atol=0, what=f"{kind}_largest for n = {n}")
        ratio = costs["additive"].largest / costs["dot"].largest
        assert_number(row["ratio"], ratio, atol=1e-9, what=f"ratio for n = {n}")


def rows_of_table(student, ns):
    """The table, once it has a dictionary with the right keys for each length."""
    table = student.cost_table(ns)
    assert_that(
        isinstance(table, list) and len(table) == len(ns), f"the table has no row for each of {len(ns)} lengths"
    )
    for row in table:
        assert_that(isinstance(row, dict), "a row of the table is not a dictionary")
        assert_that(sorted(row) == sorted(COLUMNS), f"a row has the keys {sorted(row)}, wanted {sorted(COLUMNS)}")
    return table


@worth(0.5, group="robust", hint="Give valid_lens a default in forward.")
def lengths_may_be_left_out(student):
    """Without lengths every key is valid."""
    args = arguments()
    layer = build(student, args, heads=2)
    wanted, _ = attend(layer, args, heads=2)
    assert_answers(layer, args)
    assert_close(layer(*args[:3]), wanted, what="output")


@worth(0.5, group="robust", hint="Check it first thing in the constructor.")
def heads_must_divide_the_width(student):
    """A `num_hiddens` that is no multiple of `num_heads` raises a ValueError in the constructor."""
    args = arguments()
    assert_answers(build(student, args, heads=2), args)
    for num_hiddens, num_heads in ((10, 3), (4, 8)):
        what = f"{num_hiddens} features for {num_heads} heads"
        assert_raises("ValueError", student.AdditiveMultiHeadAttention, 5, 5, 5, num_hiddens, num_heads, 0.0, what=what)


@worth(0.5, group="robust", examples=8, hint="A row without a valid key has weights 0. See the masked softmax.")
@given(
    heads=HEADS,
    case=attention_inputs(dtype=DOUBLE, lengths=("per example", "per query"), empty_rows=True).filter(
        lambda case: not case.padded.all()
    ),
)
def empty_rows_give_zeros(student, heads, case):
    """A query without any valid key gets an output of 0, and no gradient is NaN."""
    layer = build(student, case.args, heads)
    assert_answers(layer, case.args)
    tensors = [tensor.clone().requires_grad_() for tensor in case.args[:3]]
    output = assert_shape(layer(*tensors, case.valid_lens), (*case.shape[:2], WIDTH), what="output")
    assert_zero(output, where=case.padded.all(-1)[..., None].expand_as(output), what="output")
    assert_finite(output, what="output")
    for name, grad in zip(("queries", "keys", "values"), gradients(output, tensors, what="output"), strict=True):
        assert_finite(grad, what=f"gradient of the {name}")


@worth(0.5, group="robust", examples=5, hint="Make new tensors instead of changing those that were handed in.")
@given(heads=HEADS, case=attention_inputs(dtype=DOUBLE))
def arguments_are_left_alone(student, heads, case):
    """Queries, keys, values and lengths are after the call what they were before it."""
    if case.valid_lens is not None:
        case.valid_lens.view(-1)[0] += 3  # more than there are keys counts as all of them
    before = [None if argument is None else argument.clone() for argument in case.args]
    assert_answers(build(student, case.args, heads), case.args)
    for name, now, then in zip(("queries", "keys", "values", "valid_lens"), case.args, before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)


@worth(0.5, group="robust", examples=5, hint="Let every new tensor take its dtype from the inputs.")
@given(heads=HEADS, dtype=st.sampled_from([torch.float16, torch.bfloat16]), case=attention_inputs())
def half_precision_stays_half(student, heads, dtype, case):
    """In half precision the output is of the same dtype, and finite."""
    args = *(tensor.to(dtype) for tensor in case.args[:3]), case.valid_lens
    layer = build(student, args, heads)
    assert_answers(layer, args)
    assert_finite(assert_dtype(layer(*args), dtype, what="output"), what="output")


# The steps on the way, for a student who fails


LOOSE = {"rtol": 1e-4, "atol": 1e-4}  # the same sum in another order, in float32


def _single(case):
    """The arguments in float32, so that a step does not ask for other dtypes as well."""
    valid_lens = None if case.valid_lens is None else case.valid_lens.clone()
    return *(x.float() for x in case.args[:3]), valid_lens


def _wanted(state, case, heads):
    """Weights (batch, heads, queries, keys) and output (batch, queries, num_hiddens), head by head."""
    queries, keys, values, _ = _single(case)
    q, k, v = (x @ state[f"W_{role}.weight"].T for x, role in zip((queries, keys, values), "qkv", strict=True))
    size, weights, found = WIDTH // heads, [], []
    for i in range(heads):
        own = slice(i * size, (i + 1) * size)
        asked, offered = q[..., own] @ state["attention.W_q.weight"].T, k[..., own] @ state["attention.W_k.weight"].T
        scores = torch.tanh(asked.unsqueeze(2) + offered.unsqueeze(1)) @ state["attention.w_v.weight"][0]
        weights.append(scores.masked_fill(case.padded, -torch.inf).softmax(-1))
        found.append(weights[-1] @ v[..., own])
    return torch.stack(weights, 1), torch.cat(found, 2) @ state["W_o.weight"].T


def _weights(student, case, heads):
    """The weights as they are, and as they should be: row `b * heads + i` is head `i` of example `b`."""
    layer = build(student, _single(case), heads)
    wanted, _ = _wanted(layer.state_dict(), case, heads)
    return attend(layer, _single(case), heads)[1], wanted.flatten(0, 1)


def _outputs(student, case, heads, state=None):
    layer = build(student, _single(case), heads)
    layer.load_state_dict(layer.state_dict() | (state or {}))
    return attend(layer, _single(case), heads)[0], _wanted(layer.state_dict(), case, heads)[1]


def _example(batch):
    """Inputs without lengths, of widths that all differ."""
    shapes = (batch, 5, 3), (batch, 6, 7), (batch, 6, WIDTH)
    return Attention(*(normal(shape, seed) for seed, shape in enumerate(shapes)), None)


def _assert_merged(student, case, heads):
    """Without `W_o`, the output changes with the values as it should, whatever else is added to it."""
    copy = {"W_o.weight": torch.eye(WIDTH)}
    pairs = [_outputs(student, replace(case, values=v), heads, copy) for v in (case.values, -case.values)]
    got, wanted = (first - second for first, second in zip(*pairs, strict=True))
    assert_close(got, wanted, what="the change of the output when the values change sign", **LOOSE)


padded_inputs = attention_inputs(ones=False, lengths=("per query", "per example"))


@step("the seven matrices")
def matrices_are_there(student):
    for heads in (1, 2):
        assert_parameters(build(student, arguments(), heads), matrices(heads))


@step("weights that sum to 1 over the keys")
def weights_sum_to_one(student):
    X = normal((2, 5, WIDTH), 1)
    _, weights = attend(build(student, (X, X, X, None), 1), (X, X, X, None), 1)
    assert_close(weights.sum(-1), torch.ones(2, 5), what="attention_weights.sum(-1)", **LOOSE)


@step("the additive scores of one head")
def one_head_is_scored(student):
    assert_close(*_weights(student, _example(2), 1), what="attention_weights", **LOOSE)


@step("the projected values of one head")
def one_head_finds_its_values(student):
    value = normal((2, 1, 2), 3)
    _assert_merged(student, replace(_example(2), values=value.repeat(1, 6, 1)), 1)  # whatever the weights are


@step("the split into heads, each with its own weights")
def one_example_is_split(student):
    for heads in (2, 4):
        assert_close(*_weights(student, _example(1), heads), what="attention_weights", **LOOSE)


@step("the rows and the valid lengths of every head", examples=8)
@given(heads=st.sampled_from([2, 4]), case=padded_inputs)
def rows_have_their_lengths(student, heads, case):
    assert_close(*_weights(student, case, heads), what="attention_weights", **LOOSE)


@step("the merge of the heads")
@given(heads=HEADS, case=padded_inputs)
def heads_are_merged(student, heads, case):
    _assert_merged(student, case, heads)


@step("the output: the merged heads through W_o")
@given(heads=HEADS, case=padded_inputs)
def heads_are_mixed(student, heads, case):
    assert_close(*_outputs(student, case, heads), what="output", **LOOSE)


@step("the additive layers of the Transformer")
def transformer_is_additive(student):
    attention_is_additive_in_all_three_places(student)


@step("the table of costs")
def table_is_right(student):
    table_has_a_row_for_every_length(student)
    table_tells_what_the_layers_cost(student)
