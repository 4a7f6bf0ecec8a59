"""What anyone can check of attention maps taken from a layer, and of the numbers that describe them."""

from __future__ import annotations

from math import log

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_finite,
    assert_not_copied,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
)
from headcheck.properties import worth
from headcheck.strategies import amplify, attention_inputs, normal, seeds, sizes

HINTS = (
    (
        "Run the layer for what it leaves behind, not for what it returns. How many heads has it, and in which order "
        "did transpose_qkv put the rows?"
    ),
    (
        "The rows go example by example. So splitting the first axis into two, (batch, heads), puts each map into its "
        "place; no axis has to move."
    ),
    (
        "Each description is an average over examples and queries. For the distance make a table of |query - key| "
        "with arange; for the entropy use a function that knows that 0 log 0 is 0."
    ),
)

SIZES = {"key_size": 7, "query_size": 8, "value_size": 9}
UNMASKED = attention_inputs(**SIZES, lengths=("none",), ones=False)
MASKED = attention_inputs(**SIZES)
PADDED = attention_inputs(**SIZES, lengths=("per example", "per query"))
HEADS = st.sampled_from((1, 2, 3, 4))
HEAD_SIZE = 5


def layer(student, num_heads, seed, *, dropout=0.0):
    """A layer with weights from a seed, training as every new module is."""
    mha = student.MultiHeadAttention(**SIZES, num_hiddens=num_heads * HEAD_SIZE, num_heads=num_heads, dropout=dropout)
    mha.load_state_dict(amplify(mha.state_dict(), seed, scale=0.5))
    return mha


def maps_of(student, mha, case, num_heads):
    """The student's maps, of the right shape."""
    batch, queries, keys = case.shape
    return assert_shape(student.head_attention_maps(mha, *case.args), (batch, num_heads, queries, keys), what="maps")


def read_from(mha, case, num_heads):
    """The weights that the layer keeps of its last call, head by head."""
    batch, queries, keys = case.shape
    with torch.no_grad():
        mha(*case.args)
    return mha.attention.attention_weights.detach().reshape(batch, num_heads, queries, keys)


def some_maps(batch, heads, positions, seed):
    """Maps of self-attention that looks back only: every row a softmax, 0 above the diagonal."""
    scores = normal((batch, heads, positions, positions), seed, scale=2.0)
    return scores.masked_fill(torch.ones(positions, positions).triu(1).bool(), -torch.inf).softmax(-1)


def mean_gap(queries, keys):
    """The mean of |query - key| over all pairs."""
    return sum(abs(query - key) for query in queries for key in keys) / (len(queries) * len(keys))


def entry(description, name, heads):
    """One entry of a description, or a failure that names it."""
    known = isinstance(description, dict) and name in description
    assert_that(known, f"the description has no entry {name!r}")
    return assert_shape(description[name], (heads,), what=name)


@worth(
    1,
    gate=True,
    examples=10,
    hint="Take attention.attention_weights of the layer and give the heads an axis of their own.",
)
@given(case=UNMASKED, heads=HEADS, seed=seeds())
def there_is_one_map_per_head(student, case, heads, seed):
    """The maps have the shape (batch, heads, queries, keys) and depend on the queries."""
    mha = layer(student, heads, seed).eval()
    batch, queries, keys = case.shape
    other = normal(case.queries.shape, seed, scale=2.0)

    def maps(queries_):
        return student.head_attention_maps(mha, queries_, case.keys, case.values, None)

    assert_shape(maps(case.queries), (batch, heads, queries, keys), what="maps")
    assert_not_copied(maps(case.queries), case.queries, what="maps")
    assert_responds(maps, case.queries, other, what="maps")


@worth(
    2,
    examples=25,
    hint="The rows of the layer go example by example: all heads of the first, then all heads of the second.",
)
@given(case=MASKED, heads=HEADS, seed=seeds())
def maps_are_those_of_the_layer(student, case, heads, seed):
    """Head i of example b has its own weights in the layer for a map."""
    mha = layer(student, heads, seed)
    wanted = read_from(mha, case, heads)
    assert_close(maps_of(student, mha, case, heads), wanted, what="maps")


@worth(1, examples=12, hint="Read the weights that were stored before dropout.")
@given(case=MASKED, heads=HEADS, seed=seeds())
def every_row_sums_to_one(student, case, heads, seed):
    """Each row of a map sums to 1, also while the layer is training with dropout."""
    maps = maps_of(student, layer(student, heads, seed, dropout=0.5), case, heads)
    assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]), what="row sums")


@worth(1, examples=15, hint="Hand valid_lens on to the layer.")
@given(case=PADDED, heads=HEADS, seed=seeds())
def padded_keys_stay_dark(student, case, heads, seed):
    """Keys past the valid length have weight exactly 0 in every map."""
    mha = layer(student, heads, seed)
    maps = student.head_attention_maps(mha, case.queries, case.keys, case.values, case.valid_lens.int())
    dark = case.padded[:, None].expand(-1, heads, -1, -1)
    assert_zero(maps, where=dark, what="maps")


@worth(1, examples=10, hint="Compute without gradients, or detach what you return.")
@given(case=UNMASKED, heads=HEADS, seed=seeds())
def maps_carry_no_graph(student, case, heads, seed):
    """The maps are detached, also for inputs that require gradients."""
    mha = layer(student, heads, seed)
    wanted = read_from(mha, case, heads)
    for tensor in (case.queries, case.keys, case.values):
        tensor.requires_grad_()
    maps = maps_of(student, mha, case, heads)
    assert_that(not maps.requires_grad, "the maps still hang on the graph of the layer")
    assert_close(maps, wanted, what="maps")


@worth(2, examples=10, hint="Draw it: which row of the layer's weights is head i of example b?")
@given(counts=sizes(2, low=2))
def planted_heads_show_their_pattern(student, counts):
    """A head made to look at its own position shows that; so do one that looks evenly and one that looks ahead."""
    batch, n = counts
    one_hot, nothing = torch.eye(n), torch.zeros(n, n)
    ahead = one_hot.roll(1, dims=1)  # position i looks at i + 1, the last one at the first
    mha = student.MultiHeadAttention(n, n, n, num_hiddens=3 * n, num_heads=3, dropout=0.0)
    wishes = {"W_q.weight": torch.cat([1000 * one_hot, nothing, 1000 * ahead.T]), "W_k.weight": one_hot.repeat(3, 1)}
    mha.load_state_dict(amplify(mha.state_dict(), 0) | wishes)
    X = one_hot.repeat(batch, 1, 1)
    maps = student.head_attention_maps(mha, X, X, X, None)
    wanted = torch.stack([one_hot, torch.full((n, n), 1 / n), ahead]).repeat(batch, 1, 1, 1)
    assert_close(maps, wanted, what="maps")


@worth(1, examples=12, hint="0 log 0 is 0 here; in floating point it is NaN unless you see to it.")
@given(counts=sizes(3))
def a_head_on_the_diagonal_is_certain(student, counts):
    """A head that looks only at itself has entropy 0, diagonality 1 and distance 0."""
    batch, heads, n = counts
    described = student.describe_heads(torch.eye(n).repeat(batch, heads, 1, 1))
    for name, wanted in (("entropy", 0.0), ("diagonality", 1.0), ("distance", 0.0)):
        assert_close(entry(described, name, heads), torch.full((heads,), wanted), atol=1e-4, what=name)


@worth(1, examples=12, hint="Work out two positions on paper: the two rows, their entropy, their mean distance.")
@given(counts=sizes(3))
def a_head_that_looks_evenly_is_undecided(student, counts):
    """A uniform head has entropy log n, diagonality 1 / n and distance (n * n - 1) / (3 n)."""
    batch, heads, n = counts
    described = student.describe_heads(torch.full((batch, heads, n, n), 1 / n))
    for name, wanted in (("entropy", log(n)), ("diagonality", 1 / n), ("distance", (n * n - 1) / (3 * n))):
        assert_close(entry(described, name, heads), torch.full((heads,), wanted), atol=1e-4, what=name)


@worth(1, examples=12, hint="Maps need not be square: number queries and keys each for themselves.")
@given(counts=sizes(4), chosen=seeds())
def queries_and_keys_may_differ_in_number(student, counts, chosen):
    """With more queries than keys, or with fewer, entropy and distance are still those of each head."""
    batch, heads, queries, keys = counts
    key = chosen % keys
    maps = torch.full((batch, heads, queries, keys), 1 / keys)
    maps[:, 0] = torch.eye(keys)[key]
    described = student.describe_heads(maps)
    entropies, distances = torch.full((heads,), log(keys)), torch.full((heads,), mean_gap(range(queries), range(keys)))
    entropies[0], distances[0] = 0.0, mean_gap(range(queries), [key])
    assert_close(entry(described, "entropy", heads), entropies, atol=1e-4, what="entropy")
    assert_close(entry(described, "distance", heads), distances, atol=1e-4, what="distance")


@worth(1, examples=15, hint="Average over examples and queries; never over heads.")
@given(counts=sizes(3, low=2), seed=seeds())
def descriptions_follow_their_heads(student, counts, seed):
    """When the heads change places, their numbers change places with them."""
    batch, heads, n = counts
    maps = some_maps(batch, heads, n, seed)
    before, after = student.describe_heads(maps.clone()), student.describe_heads(maps.flip(1))
    for name in ("entropy", "diagonality", "distance"):
        one, other = entry(before, name, heads), entry(after, name, heads)
        assert_close(other, one.flip(0), what=name)
        assert_that(bool((one != other).any()), f"{name} is the same for different heads", **{name: one})


@worth(1, group="robust", examples=10, hint="If you switch to eval mode, remember what `training` was and switch back.")
@given(case=UNMASKED, heads=HEADS, training=st.booleans(), seed=seeds())
def the_mode_stays_as_it_is(student, case, heads, training, seed):
    """A layer in train mode is still in train mode afterwards, one in eval mode in eval mode."""
    mha = layer(student, heads, seed).train(training)
    wanted = read_from(mha, case, heads)
    assert_close(maps_of(student, mha, case, heads), wanted, what="maps")
    for name, now in (("mha", mha.training), ("mha.attention", mha.attention.training)):
        assert_that(now == training, f"`{name}.training` was {training} and is {now} after the call")


@worth(0.5, group="robust", examples=10, hint="Look, but do not touch: work on copies.")
@given(case=PADDED, heads=HEADS, seed=seeds())
def looking_changes_nothing(student, case, heads, seed):
    """Taking the maps changes neither the tensors nor the weights of the layer."""
    case.valid_lens.view(-1)[0] += 3
    mha = layer(student, heads, seed, dropout=0.5)
    wanted = read_from(mha, case, heads)
    tensors = dict(zip(("queries", "keys", "values", "valid_lens"), case.args, strict=True)) | mha.state_dict()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    assert_close(maps_of(student, mha, case, heads), wanted, what="maps")
    for name, tensor in (tensors | mha.state_dict()).items():
        assert_unchanged(tensor, before[name], what=name)
    X = [normal((4, 6, size), seed) for size in (8, 7, 9)]
    outputs = [mha(*X, None).detach() for _ in range(2)]
    assert_that(not torch.equal(*outputs), "after the call the layer no longer drops weights in training")


@worth(0.5, group="robust", examples=15, hint="Work on a copy: the maps are to be plotted later.")
@given(counts=sizes(3), seed=seeds())
def describing_changes_nothing(student, counts, seed):
    """Describing the heads leaves the maps as they are."""
    batch, heads, n = counts
    maps = some_maps(batch, heads, n, seed)
    before = maps.clone()
    described = student.describe_heads(maps)
    assert_unchanged(maps, before, what="maps")
    wanted = before.diagonal(dim1=-2, dim2=-1).mean((0, 2))
    assert_close(entry(described, "diagonality", heads), wanted, what="diagonality")


@worth(1, group="robust", examples=15, hint="Nothing is divided by the sum of a row: it may be 0.")
@given(counts=sizes(3, low=2), seed=seeds())
def an_empty_row_spoils_nothing(student, counts, seed):
    """A row of zeros, a query without valid keys, makes no number NaN and leaves the other heads as they are."""
    batch, heads, n = counts
    maps = some_maps(batch, heads, n, seed)
    emptied = maps.clone()
    emptied[-1, 0, -1] = 0.0
    before = student.describe_heads(maps)
    after = student.describe_heads(emptied)
    for name in ("entropy", "diagonality", "distance"):
        now = assert_finite(entry(after, name, heads), what=name)
        assert_close(now[1:], entry(before, name, heads)[1:], what=f"{name} of the other heads")
