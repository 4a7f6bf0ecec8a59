"""What anyone can check about an encoder block and a stack of them, without a solution at hand."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from headcheck.compare import (
    Mismatch,
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
from headcheck.strategies import ALL_LENGTHS, Inputs, amplify, normal, padding, seeds, sizes, tensors, valid_lengths

HINTS = (
    (
        "A block is twice the same pattern: a sublayer looks at its input, and AddNorm gets that input together with "
        "what the sublayer said."
    ),
    (
        "X is query, key and value of the attention. What comes out of the first AddNorm is the input of the network, "
        "and also what its answer is added to."
    ),
    (
        "In the encoder: embedding times the root of num_hiddens, then positions, then block after block, each with "
        "the lengths. After each block keep the weights that its attention stored, in a new list."
    ),
)

VOCAB, WIDTH, FFN = 11, 6, 5  # words, num_hiddens, ffn_num_hiddens
HEADS = st.sampled_from([2, 1, 3])
SOFT, SHARP = 0.8, 4.0
ROUGH = 1e-4  # positions and the factor may have been computed in float32
MATRICES = {f"attention.W_{role}.weight": (WIDTH, WIDTH) for role in "qkvo"}
NORMS = {f"addnorm{i}.ln.{part}": (WIDTH,) for i in (1, 2) for part in ("weight", "bias")}
NETWORK = {
    "ffn.dense1.weight": (FFN, WIDTH),
    "ffn.dense1.bias": (FFN,),
    "ffn.dense2.weight": (WIDTH, FFN),
    "ffn.dense2.bias": (WIDTH,),
}
BIASES = {f"attention.W_{role}.bias": (WIDTH,) for role in "qkvo"}


@dataclass(frozen=True)
class Sequences(Inputs):
    """Vectors `(batch, steps, num_hiddens)` for one block, and their lengths."""

    X: Tensor
    valid_lens: Tensor | None

    @property
    def padded(self):
        """True where a query may not look; `(batch, steps, steps)`."""
        batch, steps, _ = self.X.shape
        return padding(self.valid_lens, (batch, steps, steps))


@dataclass(frozen=True)
class Sentences(Inputs):
    """Tokens `(batch, steps)` for the encoder, and their lengths."""

    tokens: Tensor
    valid_lens: Tensor | None

    @property
    def lengths(self):
        """The lengths, also where there are none; `(batch,)`."""
        return torch.full((len(self.tokens),), self.tokens.shape[1]) if self.valid_lens is None else self.valid_lens


@st.composite
def sequences(draw, *, lengths=ALL_LENGTHS, empty_rows=False):
    """Vectors and lengths; batch and steps differ, and may be 1."""
    batch, steps = draw(sizes(2))
    X = draw(tensors((batch, steps, WIDTH), dtype=torch.float64))
    return Sequences(X, draw(valid_lengths((batch, steps, steps), lengths=lengths, empty_rows=empty_rows)))


@st.composite
def sentences(draw, *, low=1, lengths=("per example", "none"), empty_rows=False):
    """Tokens and lengths; batch and steps differ."""
    batch, steps = draw(sizes(2, low=low))
    tokens = torch.randint(0, VOCAB, (batch, steps), generator=torch.Generator().manual_seed(draw(seeds())))
    return Sentences(tokens, draw(valid_lengths((batch, steps, steps), lengths=lengths, empty_rows=empty_rows)))


def build_block(student, heads=2, *, scale=SOFT, dropout=0.0, seed=0, **options):
    """A block in float64 with normal weights."""
    block = student.EncoderBlock(WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN, heads, dropout, **options)
    return fill(block.double(), seed, scale=scale)


def build_encoder(student, heads=2, *, layers=2, scale=SOFT, dropout=0.0, seed=0, **options):
    """An encoder in float64 with normal weights."""
    sizes = VOCAB, WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN
    encoder = student.TransformerEncoder(*sizes, heads, layers, dropout, **options)
    return fill(encoder.double(), seed, scale=scale)


def fill(module, seed, *, scale=SOFT):
    """Give a module normal weights, those of its attention with a standard deviation of their own."""
    state = amplify({name: value.detach() for name, value in module.named_parameters()}, seed, scale=SOFT)
    state |= {name: value * (scale / SOFT) for name, value in state.items() if "attention" in name}
    module.load_state_dict(state, strict=False)
    return module


def block_names(encoder):
    """The names in `blks`, in order."""
    return list(dict.fromkeys(name.split(".")[1] for name in encoder.state_dict() if name.startswith("blks.")))


def assert_encodes(encoder, case):
    """The output has a vector for every token, and depends on the tokens and on nothing that came before."""
    other = (case.tokens + 1) % VOCAB
    shape = (*case.tokens.shape, WIDTH)
    assert_shape(encoder(case.tokens, case.valid_lens), shape, what="output")
    assert_responds(lambda tokens: encoder(tokens, case.valid_lens), case.tokens, other, what="output")


def assert_transforms(block, case):
    """The output has the shape of the input, and depends on it and on nothing that came before."""
    assert_shape(block(case.X, case.valid_lens), tuple(case.X.shape), what="output")
    other = case.X + normal(case.X.shape, 3, dtype=case.X.dtype)
    assert_responds(lambda X: block(X, case.valid_lens), case.X, other, what="output")


@worth(1, gate=True, hint="A block returns what its second `AddNorm` returns: the shape is that of X.", examples=5)
@given(case=sequences())
@torch.no_grad()
def block_keeps_the_shape(student, case):
    """A block returns a vector for every position, and it depends on the input."""
    block = student.EncoderBlock(WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN, 2, 0.0).double()
    output = assert_shape(block(case.X, case.valid_lens), tuple(case.X.shape), what="output")
    assert_not_copied(output, case.X, what="output")
    other = normal(case.X.shape, 9, dtype=torch.float64)
    assert_responds(lambda X: block(X, case.valid_lens), case.X + other, case.X - other, what="output")


@worth(2.5, hint="What goes into the second `AddNorm`, and what into the network before it?", examples=10)
@given(heads=HEADS, use_bias=st.booleans(), case=sequences())
@torch.no_grad()
def block_agrees_with_torch(student, heads, use_bias, case):
    """With the same weights a block returns what PyTorch's own returns, whether attention is soft or sharp."""
    for scale in (SOFT, SHARP):
        block = build_block(student, heads, scale=scale, use_bias=use_bias, seed=heads)
        wanted = _torch_block(block.state_dict(), heads)(case.X, case.padded.repeat_interleave(heads, dim=0))
        assert_close(block(case.X, case.valid_lens), wanted, what="output")


@worth(0.5, hint="The norm comes after the sum, and nothing comes after the second norm.", examples=4)
@given(heads=HEADS, case=sequences())
@torch.no_grad()
def block_ends_with_a_norm(student, heads, case):
    """Every position leaves a block with mean 0 and variance 1 when the second norm has weights 1 and biases 0."""
    block = build_block(student, heads)
    plain = {"addnorm2.ln.weight": torch.ones(WIDTH), "addnorm2.ln.bias": torch.zeros(WIDTH)}
    block.load_state_dict(block.state_dict() | plain)
    assert_transforms(block, case)
    output = block(case.X, case.valid_lens)
    zeros = torch.zeros(case.X.shape[:2], dtype=torch.float64)
    assert_close(output.mean(-1), zeros, atol=1e-6, what="mean of the output")
    assert_close(output.var(-1, correction=0), zeros + 1, atol=0.01, what="variance of the output")


@worth(1, hint="Two `AddNorm`, two blocks: each has parameters of its own. And who hands `use_bias` on?")
@torch.no_grad()
def parameters_are_those_of_the_parts(student):
    """Block and encoder have exactly the parameters of their parts, each once, with biases only when asked for."""
    whole = Sentences(torch.tensor([[1, 4, 2], [3, 3, 5]]), torch.tensor([2, 3]))
    for options, wanted in (({}, {}), ({"use_bias": True}, BIASES)):
        of_block = MATRICES | NORMS | NETWORK | wanted
        block = build_block(student, **options)
        assert_transforms(block, Sequences(normal((2, 3, WIDTH), 0, dtype=torch.float64), None))
        _assert_parameters(block, of_block, what="the block")
        for layers in (3, 1):
            encoder = build_encoder(student, layers=layers, **options)
            assert_encodes(encoder, whole)
            names = block_names(encoder)
            assert_that(len(names) == layers, f"`blks` holds parameters of {len(names)} blocks, wanted {layers}")
            of_blocks = {f"blks.{name}.{part}": shape for name in names for part, shape in of_block.items()}
            _assert_parameters(encoder, {"embedding.weight": (VOCAB, WIDTH)} | of_blocks, what="the encoder")


@worth(1.5, hint="Which of the two is multiplied, the embedding of a word or its position? And by what?", examples=4)
@given(case=sentences())
@torch.no_grad()
def words_are_scaled_and_then_placed(student, case):
    """Into the first block go the embeddings times the root of `num_hiddens`, plus the positions.

    A block whose sublayers say nothing only normalises what it gets, so the encoder shows what that was.
    """
    encoder = build_encoder(student, layers=1)
    silent = {name: torch.zeros_like(value) for name, value in encoder.named_parameters() if _speaks(name)}
    table = normal((VOCAB, WIDTH), 1, dtype=torch.float64)
    norms = {name: float("weight" in name) + 0 * value for name, value in encoder.named_parameters() if ".ln." in name}
    encoder.load_state_dict(silent | norms | {"embedding.weight": table}, strict=False)
    placed = sqrt(WIDTH) * table[case.tokens] + _positions(case.tokens.shape[1])
    wanted = layer_norm(layer_norm(placed, [WIDTH]), [WIDTH])
    assert_encodes(encoder, case)
    assert_close(encoder(case.tokens, case.valid_lens), wanted, rtol=ROUGH, atol=ROUGH, what="output of silent blocks")


@worth(1.5, hint="Each block gets what the one before it returned, and the lengths.", examples=5)
@given(heads=HEADS, layers=st.sampled_from([2, 1, 3]), case=sentences())
@torch.no_grad()
def encoder_is_its_blocks_in_a_row(student, heads, layers, case):
    """The encoder returns what its own blocks return when they are called one after the other."""
    for scale in (SOFT, SHARP):
        encoder = build_encoder(student, heads, layers=layers, scale=scale)
        assert_encodes(encoder, case)
        names = block_names(encoder)
        assert_that(len(names) == layers, f"`blks` holds the parameters of {len(names)} blocks, wanted {layers}")
        wanted = encoder.pos_encoding(sqrt(WIDTH) * encoder.embedding(case.tokens))
        for name in names:
            wanted = getattr(encoder.blks, name)(wanted, case.valid_lens)
        assert_close(encoder(case.tokens, case.valid_lens), wanted, rtol=ROUGH, atol=ROUGH, what="output")


@worth(0.5, hint="Attention treats a sentence as a bag of words. What tells it about order?", examples=4)
@given(case=sentences(low=2, lengths=("none",)).filter(lambda case: case.tokens.ne(case.tokens.flip(1)).any()))
@torch.no_grad()
def order_of_words_matters(student, case):
    """A sentence read backwards gets another mean vector."""
    encoder = build_encoder(student)
    assert_encodes(encoder, case)
    there, back = (encoder(tokens, None).mean(1) for tokens in (case.tokens, case.tokens.flip(1)))
    assert_that(not torch.allclose(there, back, atol=1e-5), "the mean is that of the reversed sentence", mean=there)


@worth(0.5, hint="Does every block see what the block before it made?")
@given(layers=st.sampled_from([3, 2]))
@torch.no_grad()
def every_layer_matters(student, layers):
    """Other weights in the network of a block change the output, and the attention of the blocks after it only."""
    tokens, valid_lens = torch.tensor([[1, 4, 2, 8], [3, 3, 5, 9]]), torch.tensor([3, 4])
    encoder = build_encoder(student, layers=layers)
    names = block_names(encoder)
    assert_that(len(names) == layers, f"`blks` holds the parameters of {len(names)} blocks, wanted {layers}")
    state = encoder.state_dict()

    def answer(state):
        encoder.load_state_dict(state)
        return encoder(tokens, valid_lens), _weights(encoder, layers)

    before, weights = answer(state)
    for layer, name in enumerate(names):
        bias = f"blks.{name}.ffn.dense2.bias"
        after, found = answer(state | {bias: state[bias] + torch.arange(WIDTH)})
        assert_that(not torch.allclose(after, before), f"the output does not depend on the network of block {layer}")
        for other, (now, then) in enumerate(zip(found, weights, strict=True)):
            if other <= layer:
                assert_close(now, then, what=f"attention_weights of block {other}")
            else:
                assert_that(not torch.allclose(now, then), f"block {other} does not see the output of block {layer}")


@worth(1.5, hint="Collect the weights anew in every call, one tensor from each block.", examples=5)
@given(heads=HEADS, layers=st.sampled_from([2, 1, 3]), case=sentences())
@torch.no_grad()
def every_layer_shows_its_weights(student, heads, layers, case):
    """After each call `attention_weights` holds for every block the weights of its heads, 0 at the padding."""
    encoder = build_encoder(student, heads, layers=layers)
    assert_encodes(encoder, case)
    batch, steps = case.tokens.shape
    padded = padding(case.valid_lens, (batch, steps, steps)).repeat_interleave(heads, dim=0)
    for tokens in (case.tokens.flip(1), case.tokens):
        encoder(tokens, case.valid_lens)
        for i, (name, weights) in enumerate(zip(block_names(encoder), _weights(encoder, layers), strict=True)):
            what = f"attention_weights[{i}]"
            assert_shape(weights, (batch * heads, steps, steps), what=what)
            assert_zero(weights, where=padded, what=what)
            assert_close(weights.sum(-1), torch.ones(batch * heads, steps, dtype=torch.float64), what=f"sums of {what}")
            own = getattr(encoder.blks, name).attention.attention.attention_weights
            assert_close(weights, own, what=f"{what}, compared with what the block keeps,")


@worth(1, hint="The lengths go to every block, not only to the first.", examples=5)
@given(heads=HEADS, case=sentences())
@torch.no_grad()
def padding_changes_nothing(student, heads, case):
    """Other words in the padding, or more padding, do not change the vectors of a sentence's own words."""
    encoder = build_encoder(student, heads, layers=3)
    assert_encodes(encoder, case)
    batch, steps = case.tokens.shape
    valid = torch.arange(steps) < case.lengths[:, None]  # (batch, steps)
    shape = batch, steps, WIDTH
    wanted = assert_shape(encoder(case.tokens, case.lengths), shape, what="output")[valid]
    other = case.tokens.where(valid, (case.tokens + 1) % VOCAB)
    found = assert_shape(encoder(other, case.lengths), shape, what="output with other words in the padding")
    assert_close(found[valid], wanted, what="vectors of the words, with other words in the padding")
    longer = nn.functional.pad(case.tokens, (0, 2), value=7)
    found = assert_shape(encoder(longer, case.lengths), (batch, steps + 2, WIDTH), what="output with more padding")
    assert_close(found[:, :steps][valid], wanted, what="vectors of the words, with more padding")


@worth(0.5, hint="Which of your operations mixes rows of the batch?", examples=3)
@given(heads=HEADS, case=sentences())
@torch.no_grad()
def examples_do_not_mix(student, heads, case):
    """Each sentence alone gets what it gets in the batch."""
    encoder = build_encoder(student, heads)
    assert_encodes(encoder, case)
    together = assert_shape(encoder(case.tokens, case.valid_lens), (*case.tokens.shape, WIDTH), what="output")
    for b in range(len(case.tokens)):
        valid_lens = None if case.valid_lens is None else case.valid_lens[b : b + 1]
        alone = encoder(case.tokens[b : b + 1], valid_lens)
        assert_close(alone, together[b : b + 1], what=f"output of sentence {b} alone")


@worth(1, hint="Leave dropout to the parts, which know the mode.", examples=3)
@given(heads=HEADS, case=sentences())
@torch.no_grad()
def evaluation_drops_nothing(student, heads, case):
    """In evaluation mode the output repeats, and is that of an encoder without dropout."""
    plain, dropping = (build_encoder(student, heads, dropout=dropout) for dropout in (0.0, 0.75))
    assert_encodes(plain, case)
    wanted = plain(case.tokens, case.valid_lens)
    for time in ("first time", "second time"):
        found = dropping.eval()(case.tokens, case.valid_lens)
        assert_close(found, wanted, what=f"output in evaluation mode, the {time}")


@worth(1, hint="`dropout` goes to the attention, to both `AddNorm`, and to the positions.")
@torch.no_grad()
def every_part_drops(student):
    """In training mode positions, attention and both `AddNorm` drop something, and nothing else does."""
    X = normal((3, 5, WIDTH), 0, dtype=torch.float64)
    block = build_block(student, dropout=0.75)
    _assert_parts_drop(block, ("attention", "addnorm1", "addnorm2"), X)
    encoder = build_encoder(student, layers=1, dropout=0.75)
    _assert_parts_drop(encoder, ("pos_encoding", "blks"), torch.tensor([[1, 4, 2], [3, 3, 5]]))
    gone = build_block(student, dropout=1.0).train()
    state = gone.state_dict()
    wanted = _norm(state, "addnorm2", _norm(state, "addnorm1", X))
    assert_close(gone(X, None), wanted, what="output with a dropout of 1")


@worth(0.5, group="robust", hint="Give `valid_lens` a default of None; the book asks for it every time.")
@torch.no_grad()
def lengths_may_be_left_out(student):
    """Without lengths every word counts, for the block and for the encoder."""
    tokens, X = torch.tensor([[1, 4, 2], [3, 3, 5]]), normal((2, 3, WIDTH), 0, dtype=torch.float64)
    block, encoder = build_block(student), build_encoder(student)
    assert_transforms(block, Sequences(X, None))
    assert_encodes(encoder, Sentences(tokens, None))
    assert_close(block(X), block(X, None), what="output of the block")
    assert_close(encoder(tokens), encoder(tokens, None), what="output of the encoder")


@worth(
    1, group="robust", hint="Attention over nothing is 0, and the residual goes on; the book takes a mean.", examples=6
)
@given(heads=HEADS, case=sequences(lengths=("per example", "per query"), empty_rows=True))
@torch.no_grad()
def empty_rows_pass_their_attention(student, heads, case):
    """What may look nowhere goes through a block as if there were no attention, and nothing becomes NaN."""
    block = build_block(student, heads)
    state = block.state_dict()
    Y = _norm(state, "addnorm1", case.X)
    hidden = nn.functional.linear(Y, state["ffn.dense1.weight"], state["ffn.dense1.bias"]).relu()
    network = nn.functional.linear(hidden, state["ffn.dense2.weight"], state["ffn.dense2.bias"])
    wanted = _norm(state, "addnorm2", Y + network)
    assert_transforms(block, case)
    output = assert_finite(block(case.X, case.valid_lens), what="output")
    empty = case.padded.all(-1)
    assert_close(output[empty], wanted[empty], what="output of the rows that may look nowhere")


@worth(0.5, group="robust", hint="Make new tensors instead of changing those that were handed in.", examples=4)
@given(heads=HEADS, case=sentences(lengths=("per example",)))
@torch.no_grad()
def arguments_are_left_alone(student, heads, case):
    """Tokens and lengths are after the call what they were before it."""
    case.valid_lens[0] += 9  # more than there are words counts as all of them
    tokens, valid_lens = case.tokens.clone(), case.valid_lens.clone()
    assert_encodes(build_encoder(student, heads), case)
    assert_unchanged(case.tokens, tokens, what="X")
    assert_unchanged(case.valid_lens, valid_lens, what="valid_lens")


@worth(1, group="robust", hint="Which tensor is still float32? In the book it is the table of positions.", examples=4)
@given(dtype=st.sampled_from([torch.float16, torch.bfloat16]), case=sentences())
@torch.no_grad()
def half_precision_stays_half(student, dtype, case):
    """An encoder in half precision returns its own dtype, and finite numbers."""
    encoder = build_encoder(student).to(dtype)
    assert_encodes(encoder, case)
    assert_finite(assert_dtype(encoder(case.tokens, case.valid_lens), dtype, what="output"), what="output")


def _torch_block(state, heads):
    """PyTorch's block with these weights; it takes a mask that is True where nobody may look."""
    layer = nn.TransformerEncoderLayer(WIDTH, heads, FFN, dropout=0.0, batch_first=True, dtype=torch.float64)
    zeros = torch.zeros(WIDTH, dtype=torch.float64)
    names = {"self_attn.out_proj": "attention.W_o", "linear1": "ffn.dense1", "linear2": "ffn.dense2"}
    names |= {"norm1": "addnorm1.ln", "norm2": "addnorm2.ln"}
    weights = {
        f"{ours}.{part}": state.get(f"{theirs}.{part}", zeros)
        for ours, theirs in names.items()
        for part in ("weight", "bias")
    }
    for part in ("weight", "bias"):
        stacked = [state.get(f"attention.W_{role}.{part}", zeros) for role in "qkv"]
        weights[f"self_attn.in_proj_{part}"] = torch.cat(stacked)
    layer.load_state_dict(weights)
    return layer


def _speaks(name):
    """Whether a parameter is one through which a sublayer adds something to the stream."""
    return "W_o" in name or "dense2" in name


def _positions(steps):
    """Sines and cosines of the first positions; `(steps, num_hiddens)`."""
    angles = torch.arange(steps, dtype=torch.float64)[:, None] / 10000 ** (torch.arange(0, WIDTH, 2) / WIDTH)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def _norm(state, name, X):
    """Layer normalisation with the weights of one of the two `AddNorm`."""
    return layer_norm(X, [WIDTH], state[f"{name}.ln.weight"], state[f"{name}.ln.bias"])


def _weights(encoder, layers):
    """`attention_weights`, which must be a list with one tensor for each layer."""
    found = encoder.attention_weights
    assert_that(isinstance(found, list | tuple), "attention_weights is not a list", attention_weights=str(type(found)))
    assert_that(len(found) == layers, f"attention_weights has {len(found)} entries for {layers} layers")
    return found


def _assert_parameters(module, wanted, *, what):
    found = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    for name in wanted:
        assert_that(name in found, f"{what} has no parameter {name} of its own")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")
    extra = sorted(found.keys() - wanted.keys())
    assert_that(not extra, f"{what} has parameters that nobody asked for: {', '.join(extra)}")


def _assert_parts_drop(module, parts, X):
    """With one part in training mode the output is noisy; with all of them in evaluation mode it is not."""
    for part in parts:
        getattr(module.eval(), part).train()
        same = torch.equal(module(X, None), module(X, None))
        assert_that(not same, f"`{part}` drops nothing in training mode")
    module.train()
    for part in parts:
        getattr(module, part).eval()
    assert_close(module(X, None), module.eval()(X, None), what=f"output with {', '.join(parts)} in evaluation mode")


# The steps on the way, for a student who fails


def _unit_norms(state):
    """The same parameters, but norms that only normalise."""
    norms = {name: value for name, value in state.items() if ".ln." in name}
    return state | {name: torch.full_like(value, name.endswith("weight")) for name, value in norms.items()}


def _without(state, *endings):
    """The same parameters, but zeros for those whose names end so."""
    return state | {name: torch.zeros_like(value) for name, value in state.items() if name.endswith(endings)}


def _assert_attends(student, case, heads=2):
    """What leaves the first `AddNorm`, read behind a network that is silent, or else one that repeats it loudly."""
    block = build_block(student, heads)
    state = _without(_unit_norms(block.state_dict()), "dense2.weight", "dense2.bias")
    block.load_state_dict(state)
    wanted = _torch_block(state, heads)(case.X, case.padded.repeat_interleave(heads, dim=0)).detach()
    try:
        assert_close(block(case.X, case.valid_lens), wanted, rtol=1e-3, atol=1e-3, what="output without the network")
    except Mismatch:
        loud = student.EncoderBlock(WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, 2 * WIDTH, heads, 0.0).double()
        both = torch.cat([torch.eye(WIDTH), -torch.eye(WIDTH)]).double()  # relu(x) - relu(-x) is x
        network = {"dense1.weight": 1000 * both, "dense1.bias": torch.zeros(2 * WIDTH), "dense2.weight": both.T}
        loud.load_state_dict(state | {f"ffn.{name}": value.double() for name, value in network.items()})
        assert_close(loud(case.X, case.valid_lens), wanted, rtol=0.0, atol=2e-2, what="output of a loud network")


def _assert_blocks(student, case, *, unit_norms):
    block = build_block(student)
    if unit_norms:
        block.load_state_dict(_unit_norms(block.state_dict()))
    wanted = _torch_block(block.state_dict(), 2)(case.X, case.padded.repeat_interleave(2, dim=0)).detach()
    assert_close(block(case.X, case.valid_lens), wanted, what="output")


@step("the parameters of a block")
def block_has_its_parameters(student):
    _assert_parameters(build_block(student), MATRICES | NORMS | NETWORK, what="a block")
    _assert_parameters(build_block(student, use_bias=True), MATRICES | NORMS | NETWORK | BIASES, what="a block")


@step("the self-attention of a block, added and normalised", examples=4)
@given(case=sequences(lengths=("none",)))
def block_attends(student, case):
    _assert_attends(student, case)


@step("the valid lengths in a block", examples=4)
@given(case=sequences(lengths=("per query", "per example")))
def block_hides_padding(student, case):
    _assert_attends(student, case)


@step("the network of a block, added and normalised", examples=4)
@given(case=sequences())
def block_thinks(student, case):
    _assert_blocks(student, case, unit_norms=True)


@step("the weights of the two norms of a block", examples=4)
@given(case=sequences())
def block_has_two_norms(student, case):
    _assert_blocks(student, case, unit_norms=False)


def _embedded(encoder, tokens):
    """The tokens and their positions, as the first block gets them."""
    return encoder.state_dict()["embedding.weight"][tokens] * WIDTH**0.5 + _positions(tokens.shape[1])


def _words(lengths=None):
    return Sentences(torch.tensor([[1, 4, 2, 8], [3, 3, 5, 9], [7, 0, 6, 2]]), lengths)


def _assert_encodes(student, case):
    encoder = build_encoder(student, layers=3)
    state, wanted = encoder.state_dict(), _embedded(encoder, case.tokens)
    padded = padding(case.valid_lens, (3, 4, 4)).repeat_interleave(2, dim=0)
    for name in block_names(encoder):
        block = {key.split(".", 2)[2]: value for key, value in state.items() if key.startswith(f"blks.{name}.")}
        wanted = _torch_block(block, 2)(wanted, padded).detach()
    assert_close(encoder(case.tokens, case.valid_lens), wanted, rtol=ROUGH, atol=ROUGH, what="output", dtype=False)


@step("the parameters of embedding and blocks")
def encoder_has_its_parameters(student):
    for layers in (1, 3):
        for bias, more in ((False, {}), (True, BIASES)):
            wanted = sorted([*MATRICES, *NORMS, *NETWORK, *more] * layers + ["embedding.weight"])
            found = _own_names(build_encoder(student, layers=layers, use_bias=bias))
            assert_that(found == wanted, f"with {layers} layers the parameters are {', '.join(found)}")


def _own_names(module):
    """The names of the parameters in order, those in blocks without the block's name."""
    return sorted(name.split(".", 2)[2] if name.startswith("blks.") else name for name, _ in module.named_parameters())


@step("a vector for every word")
def words_have_vectors(student):
    assert_shape(build_encoder(student)(_words().tokens, None), (3, 4, WIDTH), what="output")


@step("the scaled embedding and the positions")
def words_are_embedded(student):
    encoder, case = build_encoder(student, layers=1), _words()
    silent = ("W_o.weight", "dense2.weight", "dense2.bias")
    encoder.load_state_dict(_without(_unit_norms(encoder.state_dict()), *silent))
    wanted = layer_norm(_embedded(encoder, case.tokens), [WIDTH])
    output = layer_norm(encoder(case.tokens, None).double(), [WIDTH])
    assert_close(output, wanted, rtol=1e-3, atol=1e-3, what="normalised output of a silent block")


@step("the stack of blocks")
def blocks_follow_each_other(student):
    _assert_encodes(student, _words())


@step("the valid lengths in every block")
def padding_is_hidden_everywhere(student):
    _assert_encodes(student, _words(torch.tensor([2, 4, 3])))


@step("the list in attention_weights")
def weights_are_listed(student):
    encoder = build_encoder(student, layers=2)
    for case in (_words(), _words(torch.tensor([2, 4, 3]))):
        encoder(case.tokens, case.valid_lens)
        padded = padding(case.valid_lens, (3, 4, 4)).repeat_interleave(2, dim=0)
        for i, weights in enumerate(_weights(encoder, 2)):
            assert_shape(weights, (6, 4, 4), what=f"attention_weights[{i}]")
            assert_equal(weights != 0, ~padded, what=f"which of attention_weights[{i}] are not 0")
        first = torch.equal(encoder.attention_weights[0], encoder.blks[0].attention.attention.attention_weights)
        assert_that(first, "attention_weights[0] are not those of the first block")
