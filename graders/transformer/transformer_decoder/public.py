"""What anyone can check about a decoder block and a stack of them, without a solution at hand.

The book's decoder is causal in training mode alone, so what is asked of whole sentences is asked in that mode, and of
evaluation mode apart.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import sqrt
from types import SimpleNamespace

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
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
)
from headcheck.properties import step, worth
from headcheck.strategies import Inputs, amplify, normal, padding, seeds, sizes, valid_lengths

HINTS = (
    (
        "A block has three sublayers, each with an AddNorm: attention to its own words, attention to the source, the "
        "network. Who asks in the second, and what are its keys?"
    ),
    (
        "Put the new words behind those in the cache: they are keys and values, but only the new ones ask. The first "
        "new word sees the cache and itself, the next one word more."
    ),
    (
        "So the valid lengths count up by one from step to step and end at the number of all words, the same for each "
        "example. For positions, the decoder counts the words of earlier calls as offset."
    ),
)

VOCAB, WIDTH, FFN = 11, 6, 5  # words, num_hiddens, ffn_num_hiddens
HEADS = st.sampled_from([2, 1, 3])
LAYERS = st.sampled_from([2, 1, 3])
SOFT, SHARP = 0.8, 4.0
ROUGH = 1e-4  # positions and the factor may have been computed in float32
DOUBLE = torch.float64
OF_BLOCK = {
    **{f"attention{i}.W_{role}.weight": (WIDTH, WIDTH) for i in (1, 2) for role in "qkvo"},
    **{f"addnorm{i}.ln.{part}": (WIDTH,) for i in (1, 2, 3) for part in ("weight", "bias")},
    "ffn.dense1.weight": (FFN, WIDTH),
    "ffn.dense1.bias": (FFN,),
    "ffn.dense2.weight": (WIDTH, FFN),
    "ffn.dense2.bias": (WIDTH,),
}


@dataclass(frozen=True)
class Translation(Inputs):
    """Tokens written `(batch, steps)`, an encoded source `(batch, source, num_hiddens)`, and its lengths or None."""

    tokens: Tensor
    enc_outputs: Tensor
    enc_valid_lens: Tensor | None

    @property
    def shape(self):
        """Batch, steps and source: the shape of the cross weights of one head."""
        return (*self.tokens.shape, self.enc_outputs.shape[1])

    @property
    def vectors(self):
        """Vectors for the tokens, as a block gets them."""
        return normal((VOCAB, WIDTH), 1, dtype=DOUBLE)[self.tokens] + torch.arange(self.tokens.shape[1])[:, None]

    @property
    def padded(self):
        """True at the padding of the source; `(batch, steps, source)`."""
        return padding(self.enc_valid_lens, self.shape)

    def state(self, *, blocks=1):
        """A state for blocks, as `init_state` makes it."""
        return [self.enc_outputs, self.enc_valid_lens, [None] * blocks, 0]

    def of(self, b):
        """Sentence b alone."""
        own = slice(b, b + 1)
        valid_lens = None if self.enc_valid_lens is None else self.enc_valid_lens[own]
        return Translation(self.tokens[own], self.enc_outputs[own], valid_lens)


@st.composite
def translations(draw, *, low=1, lengths=("per example", "none"), empty_rows=False):
    """Sentences to write and to look at; batch, steps and source differ, and may be 1."""
    batch, steps, source = draw(sizes(3, low=low))
    generator = torch.Generator().manual_seed(draw(seeds()))
    tokens = torch.randint(0, VOCAB, (batch, steps), generator=generator)
    enc_outputs = 2 * torch.randn(batch, source, WIDTH, generator=generator, dtype=DOUBLE)
    valid_lens = draw(valid_lengths((batch, steps, source), lengths=lengths, empty_rows=empty_rows))
    return Translation(tokens, enc_outputs, valid_lens)


def build_block(student, heads=2, *, i=0, scale=SOFT, dropout=0.0):
    """A block in float64 and in training mode, with normal weights."""
    block = student.DecoderBlock(WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN, heads, dropout, i)
    return fill(block.double(), 1, scale=scale)


def build_decoder(student, heads=2, *, layers=2, scale=SOFT, dropout=0.0):
    """A decoder in float64 and in training mode, with normal weights."""
    sizes = VOCAB, WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN
    return fill(student.TransformerDecoder(*sizes, heads, layers, dropout).double(), 1, scale=scale)


def fill(module, seed, *, scale=SOFT):
    """Give a module normal weights, those of its attention with a standard deviation of their own."""
    state = amplify({name: value.detach() for name, value in module.named_parameters()}, seed, scale=SOFT)
    state |= {name: value * (scale / SOFT) for name, value in state.items() if "attention" in name}
    module.load_state_dict(state, strict=False)
    return module


def run(module, X, state, *, what="the result"):
    """The output of a call, and the state that it returned."""
    found = module(X, state)
    assert_that(isinstance(found, tuple | list) and len(found) == 2, f"{what} is not a pair of an output and a state")
    return found


def decode(decoder, case, tokens=None):
    """The logits of a whole sentence from a fresh state."""
    tokens = case.tokens if tokens is None else tokens
    logits, _ = run(decoder, tokens, decoder.init_state(case.enc_outputs, case.enc_valid_lens))
    return assert_shape(logits, (*tokens.shape, VOCAB), what="logits")


def assert_decodes(decoder, case):
    """The logits depend on the tokens, and on nothing that came before."""
    other = (case.tokens + 1) % VOCAB
    assert_responds(lambda tokens: decode(decoder, case, tokens), case.tokens, other, what="logits")


def assert_transforms(block, case):
    """The output of a block depends on its input, and on nothing that came before."""
    assert_responds(lambda X: run(block, X, case.state())[0], case.vectors, case.vectors.flip(-1), what="output")


@worth(1, gate=True, hint="Return a pair: what the third `AddNorm` returns, and the state.", examples=5)
@given(case=translations())
@torch.no_grad()
def block_returns_an_output_and_a_state(student, case):
    """A block returns a vector for every position together with a state, and the vectors depend on the input."""
    block = student.DecoderBlock(WIDTH, WIDTH, WIDTH, WIDTH, [WIDTH], WIDTH, FFN, 2, 0.0, 0).double()
    output, _ = run(block, case.vectors, case.state())
    assert_shape(output, tuple(case.vectors.shape), what="output")
    assert_not_copied(output, case.vectors, what="output")
    assert_transforms(block, case)


@worth(1.5, hint="Who is the query of the second attention, and what is added to its output?", examples=8)
@given(heads=HEADS, case=translations())
@torch.no_grad()
def block_agrees_with_torch(student, heads, case):
    """With the same weights a block returns what PyTorch's own returns, whether attention is soft or sharp."""
    for scale in (SOFT, SHARP):
        block = build_block(student, heads, scale=scale)
        wanted = _torch_block(block.state_dict(), heads, case)
        output, _ = run(block, case.vectors, case.state())
        assert_close(output, wanted, what="output")


@worth(1, hint="Put the new steps behind those in the cache, and keep both.", examples=5)
@given(heads=HEADS, i=st.sampled_from([0, 1]), case=translations())
@torch.no_grad()
def block_remembers_earlier_steps(student, heads, i, case):
    """Called for one step after the other, a block in evaluation mode returns what it returns for all at once.

    It keeps what it needs in its own cache, number `i`, and leaves those of other blocks alone.
    """
    block = build_block(student, heads, i=i).eval()
    wanted = _torch_block(block.state_dict(), heads, case)
    state = case.state(blocks=2)
    foreign = normal((len(case.tokens), 1, WIDTH), 5, dtype=DOUBLE)
    state[2][1 - i] = foreign.clone()
    for t in range(case.tokens.shape[1]):
        output, state = run(block, case.vectors[:, t : t + 1], [*state[:3], t])
        assert_close(output, wanted[:, t : t + 1], what=f"output of step {t}")
        weights = block.attention1.attention.attention_weights
        assert_shape(weights, (len(case.tokens) * heads, 1, t + 1), what=f"attention weights of step {t}")
        assert_equal(state[2][1 - i], foreign, what="cache of the other block")


@worth(1, hint="Two attentions, three `AddNorm`, and a last layer: nothing is shared, and nothing is forgotten.")
@torch.no_grad()
def parameters_are_those_of_the_parts(student):
    """Block and decoder have exactly the parameters of their parts, each once: 39 tensors for two layers."""
    case = _example()
    block = build_block(student)
    assert_transforms(block, case)
    _assert_parameters(block, OF_BLOCK, what="the block")
    for layers in (2, 1):
        decoder = build_decoder(student, layers=layers)
        assert_decodes(decoder, case)
        names = list(dict.fromkeys(name.split(".")[1] for name in decoder.state_dict() if name.startswith("blks.")))
        assert_that(len(names) == layers, f"`blks` holds the parameters of {len(names)} blocks, wanted {layers}")
        of_blocks = {f"blks.{name}.{part}": shape for name in names for part, shape in OF_BLOCK.items()}
        others = {"embedding.weight": (VOCAB, WIDTH), "dense.weight": (VOCAB, WIDTH), "dense.bias": (VOCAB,)}
        _assert_parameters(decoder, others | of_blocks, what="the decoder")


@worth(
    1, hint="Words times the root of `num_hiddens`, plus positions; and after the blocks one linear layer.", examples=4
)
@given(case=translations())
@torch.no_grad()
def words_are_scaled_and_then_placed(student, case):
    """Into the first block go the embeddings times the root of `num_hiddens`, plus the positions.

    A block whose sublayers say nothing only normalises what it gets, and with an identity as its matrix the last layer
    shows what that was.
    """
    decoder = build_decoder(student, layers=1)
    parameters = dict(decoder.named_parameters())
    silent = {name: 0 * value for name, value in parameters.items() if "W_o" in name or "dense2" in name}
    norms = {name: float("weight" in name) + 0 * value for name, value in parameters.items() if ".ln." in name}
    table = normal((VOCAB, WIDTH), 1, dtype=DOUBLE)
    dense = {"dense.weight": torch.eye(VOCAB, WIDTH), "dense.bias": torch.arange(1.0, VOCAB + 1)}
    decoder.load_state_dict(silent | norms | dense | {"embedding.weight": table}, strict=False)
    placed = sqrt(WIDTH) * table[case.tokens] + _positions(case.tokens.shape[1])
    for _ in range(3):
        placed = layer_norm(placed, [WIDTH])
    wanted = nn.functional.pad(placed, (0, VOCAB - WIDTH)) + dense["dense.bias"]
    assert_decodes(decoder, case)
    assert_close(decode(decoder, case), wanted, rtol=ROUGH, atol=ROUGH, what="logits of silent blocks")


@worth(1, hint="Each block gets output and state of the one before it.", examples=4)
@given(heads=HEADS, layers=LAYERS, case=translations())
@torch.no_grad()
def decoder_is_its_blocks_in_a_row(student, heads, layers, case):
    """The decoder returns what its own blocks return when they are called one after the other, through `dense`."""
    for scale in (SOFT, SHARP):
        decoder = build_decoder(student, heads, layers=layers, scale=scale)
        assert_decodes(decoder, case)
        H = decoder.pos_encoding(sqrt(WIDTH) * decoder.embedding(case.tokens))
        state = decoder.init_state(case.enc_outputs, case.enc_valid_lens)
        for i in range(layers):
            H, state = run(decoder.blks[i], H, state, what=f"what block {i} returns")
        assert_close(decode(decoder, case), decoder.dense(H), rtol=ROUGH, atol=ROUGH, what="logits")


@worth(0.5, hint="How far may step t see? Itself included.", examples=4)
@given(heads=HEADS, case=translations())
@torch.no_grad()
def later_words_change_nothing_before_them(student, heads, case):
    """In training, other words from step t on leave the logits of all steps before t as they were."""
    _assert_causal(build_decoder(student, heads), case)


@worth(0.5, hint="Which steps does the attention of step t let a gradient through to?", examples=3)
@given(heads=HEADS)
def gradients_only_flow_from_the_past(student, heads):
    """In training, the output of step t has a gradient for the inputs up to t, itself included, and no others."""
    block = build_block(student, heads)
    X = normal((2, 4, WIDTH), 3, dtype=DOUBLE).requires_grad_()
    state = [normal((2, 3, WIDTH), 4, dtype=DOUBLE), torch.tensor([2, 3]), [None], 0]
    output, _ = run(block, X, state)
    assert_shape(output, (2, 4, WIDTH), what="output")
    assert_that(output.requires_grad, "no gradient flows through the output: it was detached")
    slopes = torch.linspace(-1, 2, WIDTH, dtype=DOUBLE)
    for t in range(4):
        (grad,) = torch.autograd.grad((output[:, t] * slopes).sum(), X, retain_graph=True)
        reached = grad.abs().sum(-1)  # (batch, steps)
        later = (torch.arange(4) > t).expand(2, -1)
        assert_zero(reached, where=later, what=f"gradient of the output of step {t}, for each input,")
        assert_that(
            bool((reached[~later] > 0).all()), f"step {t} does not see all inputs up to itself", reached=reached
        )


@worth(1, hint="The lengths of the source go to every second attention, and to no first one.", examples=4)
@given(heads=HEADS, layers=LAYERS, case=translations())
@torch.no_grad()
def padding_of_the_source_changes_nothing(student, heads, layers, case):
    """Other vectors in the padding of the source, or more padding, do not change the logits."""
    decoder = build_decoder(student, heads, layers=layers)
    assert_decodes(decoder, case)
    batch, _, source = case.shape
    valid_lens = torch.full((batch,), source) if case.enc_valid_lens is None else case.enc_valid_lens
    wanted = decode(decoder, Translation(case.tokens, case.enc_outputs, valid_lens))
    junk = case.enc_outputs.masked_fill((torch.arange(source) >= valid_lens[:, None])[..., None], 9.0)
    longer = nn.functional.pad(junk, (0, 0, 0, 2), value=7.0)
    for what, enc_outputs in (("other padding", junk), ("more padding", longer)):
        found = decode(decoder, Translation(case.tokens, enc_outputs, valid_lens))
        assert_close(found, wanted, what=f"logits with {what}")


@worth(0.5, hint="What do the keys and values of the second attention come from?", examples=4)
@given(layers=LAYERS, case=translations())
@torch.no_grad()
def every_step_looks_at_the_source(student, layers, case):
    """Another vector among the valid ones of the source changes the logits of every step."""
    decoder = build_decoder(student, layers=layers)
    assert_decodes(decoder, case)
    before = decode(decoder, case)
    enc_outputs = case.enc_outputs.clone()
    enc_outputs[:, 0] += normal((len(enc_outputs), WIDTH), 2, dtype=DOUBLE)
    after = decode(decoder, Translation(case.tokens, enc_outputs, case.enc_valid_lens))
    changed = (after - before).abs().amax(-1) > 0  # (batch, steps)
    assert_that(bool(changed.all()), "there are steps whose logits do not depend on the source", changed=changed)


@worth(1, hint="The first list is about the words written so far, the second about the source.", examples=4)
@given(heads=HEADS, layers=LAYERS, case=translations())
@torch.no_grad()
def every_layer_shows_its_weights(student, heads, layers, case):
    """`attention_weights` are two lists with an entry for each block: weights over earlier steps, and over the source.

    In a whole sentence no weight falls on a later step or on padding, and every row sums to 1.
    """
    decoder = build_decoder(student, heads, layers=layers)
    assert_decodes(decoder, case)
    batch, steps, source = case.shape
    later = torch.ones(steps, steps, dtype=torch.bool).triu(1).expand(batch * heads, -1, -1)
    padded = case.padded.repeat_interleave(heads, dim=0)
    sums = torch.ones(batch * heads, steps, dtype=DOUBLE)
    for tokens in (case.tokens.flip(1), case.tokens):
        decode(decoder, case, tokens)
        for kind, (found, forbidden) in enumerate(zip(_weights(decoder, layers), (later, padded), strict=True)):
            for i, weights in enumerate(found):
                what = f"attention_weights[{kind}][{i}]"
                assert_shape(weights, (batch * heads, steps, (steps, source)[kind]), what=what)
                assert_zero(weights, where=forbidden, what=what)
                assert_close(weights.sum(-1), sums, what=f"sums of {what}")
                attention = (decoder.blks[i].attention1, decoder.blks[i].attention2)[kind]
                own = attention.attention.attention_weights
                assert_close(weights, own, what=f"{what}, compared with what the block keeps,")


@worth(0.5, hint="The state that a call returns holds the caches that its blocks returned.", examples=4)
@given(heads=HEADS, layers=LAYERS, case=translations())
@torch.no_grad()
def weights_grow_with_the_sentence(student, heads, layers, case):
    """Word by word in evaluation mode, each block has one weight more over the words so far, and sums stay 1."""
    decoder = build_decoder(student, heads, layers=layers).eval()
    assert_decodes(decoder, case)
    batch, steps, source = case.shape
    state = decoder.init_state(case.enc_outputs, case.enc_valid_lens)
    for t in range(steps):
        _, state = run(decoder, case.tokens[:, t : t + 1], state)
        for kind, found in enumerate(_weights(decoder, layers)):
            for i, weights in enumerate(found):
                what = f"attention_weights[{kind}][{i}] after {t + 1} words"
                assert_shape(weights, (batch * heads, 1, (t + 1, source)[kind]), what=what)
                assert_close(weights.sum(-1), torch.ones(batch * heads, 1, dtype=DOUBLE), what=f"sums of {what}")


@worth(0.5, hint="Which of your operations mixes rows of the batch?", examples=3)
@given(heads=HEADS, case=translations())
@torch.no_grad()
def examples_do_not_mix(student, heads, case):
    """Each sentence alone gets the logits that it gets in the batch."""
    decoder = build_decoder(student, heads)
    assert_decodes(decoder, case)
    together = decode(decoder, case)
    for b in range(len(case.tokens)):
        assert_close(decode(decoder, case.of(b)), together[b : b + 1], what=f"logits of sentence {b} alone")


@worth(0.5, hint="Leave dropout to the parts, which know the mode.", examples=3)
@given(heads=HEADS, case=translations())
@torch.no_grad()
def evaluation_drops_nothing(student, heads, case):
    """In evaluation mode the logits repeat, and are those of a decoder without dropout."""
    plain, dropping = (build_decoder(student, heads, dropout=dropout).eval() for dropout in (0.0, 0.75))
    assert_decodes(plain, case)
    wanted = decode(plain, case)
    for time in ("first time", "second time"):
        assert_close(decode(dropping, case), wanted, what=f"logits in evaluation mode, the {time}")


@worth(0.5, hint="`dropout` goes to the positions, to both attentions, and to all three `AddNorm`.")
@torch.no_grad()
def every_part_drops(student):
    """In training mode positions, attentions and every `AddNorm` drop something, and nothing else does."""
    case = Translation(torch.arange(32)[:, None] % VOCAB, normal((32, 3, WIDTH), 0, dtype=DOUBLE), None)
    block = build_block(student, dropout=0.75)
    parts = "attention1", "addnorm1", "attention2", "addnorm2", "addnorm3"
    _assert_parts_drop(block, parts, lambda: run(block, case.vectors, case.state())[0])
    decoder = build_decoder(student, layers=1, dropout=0.75)
    _assert_parts_drop(decoder, ("pos_encoding", "blks"), lambda: decode(decoder, case))
    gone = build_block(student, dropout=1.0).train()
    state, wanted = gone.state_dict(), case.vectors
    for i in (1, 2, 3):
        wanted = layer_norm(wanted, [WIDTH], state[f"addnorm{i}.ln.weight"], state[f"addnorm{i}.ln.bias"])
    assert_close(run(gone, case.vectors, case.state())[0], wanted, what="output with a dropout of 1")


@worth(
    1,
    group="robust",
    hint="Hiding the future is what the model computes, not how it is trained. The book hides it in training alone.",
    examples=4,
)
@given(heads=HEADS, case=translations())
@torch.no_grad()
def later_words_change_nothing_in_evaluation_either(student, heads, case):
    """In evaluation mode a step does not see later words, and the logits are those of training without dropout."""
    decoder = build_decoder(student, heads)
    wanted = decode(decoder, case)
    _assert_causal(decoder.eval(), case)
    assert_close(decode(decoder, case), wanted, what="logits in evaluation mode")


@worth(
    1.5,
    group="robust",
    hint="The first word of the next call comes after all words so far. In the book it stands at position 0 again.",
    examples=5,
)
@given(heads=HEADS, layers=LAYERS, training=st.booleans(), case=translations())
@torch.no_grad()
def steps_and_chunks_add_up_to_the_sentence(student, heads, layers, training, case):
    """Word by word, or in chunks of several words, the logits are those of the whole sentence at once."""
    decoder = build_decoder(student, heads, layers=layers).train(training)
    assert_decodes(decoder, case)
    batch, steps, _ = case.shape
    wanted = decode(decoder, case)
    for cuts in (range(1, steps), [2], [1, 4]):
        state, seen = decoder.init_state(case.enc_outputs, case.enc_valid_lens), 0
        for chunk in case.tokens.tensor_split(list(cuts), dim=1):
            size = chunk.shape[1]
            if size == 0:
                continue
            logits, state = run(decoder, chunk, state)
            assert_close(logits, wanted[:, seen : seen + size], what=f"logits of {size} words after {seen}")
            seen += size
            for i, weights in enumerate(_weights(decoder, layers)[0]):
                assert_shape(weights, (batch * heads, size, seen), what=f"attention_weights[0][{i}] after {seen} words")


@worth(
    1,
    group="robust",
    hint="Make a new state and new lists. The book changes the caches of the old one, so nobody can return to it.",
    examples=4,
)
@given(layers=LAYERS, case=translations(low=2))
@torch.no_grad()
def one_state_serves_two_continuations(student, layers, case):
    """A sentence can go on in two ways from one state, which is after both what it was before."""
    decoder = build_decoder(student, layers=layers)
    begun, rest = case.tokens[:, :-1], case.tokens[:, -1:]
    ways = [torch.cat([begun, last], dim=1) for last in (rest, (rest + 1) % VOCAB)]
    assert_decodes(decoder, case)
    wanted = [decode(decoder, case, tokens)[:, -1:] for tokens in ways]
    _, state = run(decoder, begun, decoder.init_state(case.enc_outputs, case.enc_valid_lens))
    before = copy.deepcopy(state)
    for i, tokens in enumerate(ways):
        logits, _ = run(decoder, tokens[:, -1:], state)
        assert_close(logits, wanted[i], what=f"logits of continuation {i}")
        _assert_same_state(state, before)


@worth(0.5, group="robust", hint="Four entries: the source, its lengths, a cache for each block, and a number.")
@torch.no_grad()
def state_counts_the_words(student):
    """A state is a list of source, lengths (None if left out), one cache for each block, and the number of words."""
    case = _example()
    decoder = build_decoder(student, layers=3)
    assert_decodes(decoder, case)
    state = decoder.init_state(case.enc_outputs)
    for position in (0, 2, 3):
        is_state = isinstance(state, list) and len(state) == 4
        assert_that(is_state, "the state is not a list of four", state=state)
        assert_equal(state[0], case.enc_outputs, what="state[0]")
        assert_that(state[1] is None, "state[1] is not None, though no lengths were given", got=state[1])
        assert_that(isinstance(state[2], list) and len(state[2]) == 3, "state[2] is not a list of three", got=state[2])
        is_empty = [cache is None for cache in state[2]]
        assert_that(is_empty == 3 * [position == 0], f"after {position} words the caches are not as they should be")
        assert_number(state[3], position, atol=0, what="state[3]")
        _, state = run(decoder, case.tokens[:, position : max(position + 1, 2)], state)


@worth(0.5, group="robust", hint="Attention over nothing is 0. The book takes a mean of the padding.", examples=4)
@given(heads=HEADS, case=translations(lengths=("per example",), empty_rows=True))
@torch.no_grad()
def empty_source_adds_nothing(student, heads, case):
    """Where the source is empty, the second attention adds nothing, and no logit becomes NaN."""
    block, decoder = build_block(student, heads), build_decoder(student, heads)
    state = block.state_dict()
    deaf = _torch_block(state | {"attention2.W_o.weight": 0 * state["attention2.W_o.weight"]}, heads, case)
    assert_transforms(block, case)
    output, _ = run(block, case.vectors, case.state())
    assert_shape(output, tuple(case.vectors.shape), what="output")
    empty = case.enc_valid_lens == 0
    assert_close(output[empty], deaf[empty], what="output where the source is empty")
    assert_decodes(decoder, case)
    assert_finite(decode(decoder, case), what="logits")


@worth(0.5, group="robust", hint="Which tensor is still float32, and which argument do you write into?", examples=4)
@given(dtype=st.sampled_from([torch.float16, torch.bfloat16]), case=translations(lengths=("per example",)))
@torch.no_grad()
def half_precision_stays_half(student, dtype, case):
    """A decoder in half precision returns its own dtype and finite numbers, and changes no argument."""
    decoder = build_decoder(student).to(dtype)
    half = Translation(case.tokens, case.enc_outputs.to(dtype), case.enc_valid_lens)
    half.enc_valid_lens[0] += 9  # more than there are words counts as all of them
    state = decoder.init_state(half.enc_outputs, half.enc_valid_lens)
    before = copy.deepcopy([half.tokens, state])
    assert_decodes(decoder, half)
    logits, _ = run(decoder, half.tokens, state)
    assert_finite(assert_dtype(logits, dtype, what="logits"), what="logits")
    _assert_same_state([half.tokens, state], before)


def _example():
    """Two sentences of four words, about a source of three."""
    tokens = torch.tensor([[1, 4, 2, 8], [3, 3, 5, 9]])
    return Translation(tokens, normal((2, 3, WIDTH), 0, dtype=DOUBLE), torch.tensor([2, 3]))


def _torch_block(state, heads, case):
    """What PyTorch's block returns for the whole sentence with these weights."""
    layer = nn.TransformerDecoderLayer(WIDTH, heads, FFN, dropout=0.0, batch_first=True, dtype=DOUBLE)
    names = {"linear1": "ffn.dense1", "linear2": "ffn.dense2"} | {f"norm{i}": f"addnorm{i}.ln" for i in (1, 2, 3)}
    weights = {
        f"{ours}.{part}": state[f"{theirs}.{part}"] for ours, theirs in names.items() for part in ("weight", "bias")
    }
    for ours, theirs in {"self_attn": "attention1", "multihead_attn": "attention2"}.items():
        stacked = torch.cat([state[f"{theirs}.W_{role}.weight"] for role in "qkv"])
        weights[f"{ours}.in_proj_weight"] = stacked
        weights[f"{ours}.in_proj_bias"] = torch.zeros(3 * WIDTH)
        weights[f"{ours}.out_proj.weight"] = state[f"{theirs}.W_o.weight"]
        weights[f"{ours}.out_proj.bias"] = torch.zeros(WIDTH)
    layer.load_state_dict(weights)
    steps = case.tokens.shape[1]
    later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
    padded = case.padded.repeat_interleave(heads, dim=0)
    return layer(case.vectors, case.enc_outputs, tgt_mask=later, memory_mask=padded)


def _positions(steps):
    """Sines and cosines of the first positions; `(steps, num_hiddens)`."""
    angles = torch.arange(steps, dtype=DOUBLE)[:, None] / 10000 ** (torch.arange(0, WIDTH, 2) / WIDTH)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def _weights(decoder, layers):
    """`attention_weights`, which must be two lists with one tensor for each layer."""
    found = decoder.attention_weights
    assert_that(isinstance(found, list | tuple) and len(found) == 2, "attention_weights is not a list of two lists")
    for kind in found:
        is_list = isinstance(kind, list | tuple) and len(kind) == layers
        assert_that(is_list, f"a list in attention_weights does not have {layers} entries, one for each layer")
    return found


def _assert_causal(decoder, case):
    """Other words from step t on leave the logits before t alone, and change those of step t."""
    assert_decodes(decoder, case)
    before = decode(decoder, case)
    for t in range(case.tokens.shape[1]):
        tokens = case.tokens.clone()
        tokens[:, t:] = (tokens[:, t:] + 1) % VOCAB
        after = decode(decoder, case, tokens)
        if t:
            assert_close(
                after[:, :t], before[:, :t], what=f"logits before step {t}, when words from {t} on are others,"
            )
        changed = (after[:, t] - before[:, t]).abs().amax(-1) > 0
        assert_that(bool(changed.all()), f"the logits of step {t} do not depend on the word of step {t}")


def _assert_same_state(now, before):
    """A state holds what it held, in as many places."""
    for i, (left, right) in enumerate(zip(_flat(now), _flat(before), strict=False)):
        if isinstance(right, Tensor):
            assert_that(isinstance(left, Tensor), f"entry {i} of the state is no longer a tensor")
            assert_unchanged(left, right, what="state")
        else:
            assert_that(left == right, "your code changed the state that it was given", state=left)
    assert_that(len(_flat(now)) == len(_flat(before)), "the state that was handed in has grown or shrunk")


def _flat(state):
    """The entries of a state, those of its lists included."""
    return [part for item in state for part in _flat(item)] if isinstance(state, list | tuple) else [state]


def _assert_parameters(module, wanted, *, what):
    found = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    for name in wanted:
        assert_that(name in found, f"{what} has no parameter {name} of its own")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")
    extra = sorted(found.keys() - wanted.keys())
    assert_that(not extra, f"{what} has parameters that nobody asked for: {', '.join(extra)}")


def _assert_parts_drop(module, parts, answer):
    """With one part in training mode the answer is noisy; with all of them in evaluation mode it is not."""
    for part in parts:
        getattr(module.eval(), part).train()
        same = torch.equal(answer(), answer())
        assert_that(not same, f"`{part}` drops nothing in training mode")
    module.train()
    for part in parts:
        getattr(module, part).eval()
    quiet = answer()
    module.eval()
    assert_close(quiet, answer(), what=f"what comes out with {', '.join(parts)} in evaluation mode")


# The steps on the way, for a student who fails


def _block_weights(student, which, *, training=True):
    """The weights of one of a block's attentions, for the example: (batch * heads, steps, keys)."""
    block, case = build_block(student).train(training), _example()
    run(block, case.vectors, case.state())
    return getattr(block, f"attention{which}").attention.attention_weights


def _assert_looks(weights, seen):
    """Its rows sum to 1, and are 0 exactly where nothing may be seen."""
    weights = assert_shape(weights, tuple(seen.shape), what="attention_weights")
    assert_close(weights.sum(-1), torch.ones(seen.shape[:2], dtype=DOUBLE), what="attention_weights.sum(-1)")
    assert_equal(weights != 0, seen, what="which attention_weights are not 0")


@step("the parameters of a block")
def block_has_its_parameters(student):
    _assert_parameters(build_block(student), OF_BLOCK, what="a block")


@step("the causal mask of the first attention")
def later_steps_are_hidden(student):
    for training in (True, False):
        weights = _block_weights(student, 1, training=training)
        _assert_looks(weights, torch.ones(4, 4, dtype=torch.bool).tril().expand(4, -1, -1))


@step("the attention to the source and its padding")
def source_is_seen(student):
    _assert_looks(_block_weights(student, 2), ~_example().padded.repeat_interleave(2, dim=0))


@step("the three sublayers, added and normalised", examples=4)
@given(heads=HEADS, case=translations())
def block_transforms(student, heads, case):
    block = build_block(student, heads)
    wanted = _torch_block(block.state_dict(), heads, case).detach()
    assert_close(run(block, case.vectors, case.state())[0], wanted, what="output")


@step("the cache of a block")
def block_goes_on(student):
    block, case = build_block(student, i=1), _example()
    whole, _ = run(block, case.vectors, case.state(blocks=2))
    state = case.state(blocks=2)
    for t in range(4):
        part, state = run(block, case.vectors[:, t : t + 1], state)
        assert_close(part, whole[:, t : t + 1], what=f"output of step {t} alone")
        state = [*state[:3], t + 1]  # counting is the decoder's part
    assert_that(state[2][0] is None, "block 1 wrote to another cache than its own")
    assert_close(state[2][1], case.vectors, what="the cache after four steps")


def _embedded(decoder, case):
    """The words and their positions, as the first block gets them."""
    return decoder.state_dict()["embedding.weight"][case.tokens] * WIDTH**0.5 + _positions(case.tokens.shape[1])


def _scored(decoder, H):
    state = decoder.state_dict()
    return nn.functional.linear(H, state["dense.weight"], state["dense.bias"])


def _assert_logits(student, wanted, *, layers, silent=False):
    """The last step's logits, or what a softmax makes of them."""
    decoder, case = build_decoder(student, layers=layers), _example()
    state = decoder.state_dict()
    if silent:
        ends = ("W_o.weight", "dense2.weight", "dense2.bias")
        quiet = {name: torch.zeros_like(value) for name, value in state.items() if name.endswith(ends)}
        norms = {
            name: torch.full_like(value, name.endswith("weight")) for name, value in state.items() if ".ln." in name
        }
        decoder.load_state_dict(state | quiet | norms)
    wanted = _scored(decoder, wanted(decoder, case))[:, -1]
    logits = run(decoder, case.tokens, decoder.init_state(case.enc_outputs, case.enc_valid_lens))[0][:, -1]
    try:
        assert_close(logits, wanted, rtol=1e-3, atol=1e-3, what="logits")
    except Mismatch:
        assert_close(logits, wanted.softmax(-1), rtol=1e-3, atol=1e-3, what="logits")


@step("the parameters of embedding, blocks and dense")
def decoder_has_its_parameters(student):
    for layers in (1, 3):
        wanted = sorted([*OF_BLOCK] * layers + ["embedding.weight", "dense.weight", "dense.bias"])
        found = _own_names(build_decoder(student, layers=layers))
        assert_that(found == wanted, f"with {layers} layers the parameters are {', '.join(found)}")


def _own_names(module):
    """The names of the parameters in order, those in blocks without the block's name."""
    return sorted(name.split(".", 2)[2] if name.startswith("blks.") else name for name, _ in module.named_parameters())


@step("the scaled embedding and the positions")
def words_are_embedded(student):
    _assert_logits(student, lambda decoder, case: layer_norm(_embedded(decoder, case), [WIDTH]), layers=1, silent=True)


def _through_the_stack(decoder, case):
    state, H = decoder.state_dict(), _embedded(decoder, case)
    names = dict.fromkeys(name.split(".")[1] for name in state if name.startswith("blks."))
    for name in names:
        block = {key.split(".", 2)[2]: value for key, value in state.items() if key.startswith(f"blks.{name}.")}
        part = SimpleNamespace(vectors=H, tokens=case.tokens, enc_outputs=case.enc_outputs, padded=case.padded)
        H = _torch_block(block, 2, part).detach()
    return H


@step("the stack of blocks")
def blocks_follow_each_other(student):
    _assert_logits(student, _through_the_stack, layers=3)


@step("the logits")
def words_are_scored(student):
    decoder, case = build_decoder(student), _example()
    wanted = _scored(decoder, _through_the_stack(decoder, case))
    assert_close(decode(decoder, case), wanted, rtol=ROUGH, atol=ROUGH, what="logits")


@step("the state handed on from call to call")
def decoder_goes_on(student):
    decoder, case = build_decoder(student, layers=2), _example()
    whole = decode(decoder, case)
    state = decoder.init_state(case.enc_outputs, case.enc_valid_lens)
    for t in range(4):
        part, state = run(decoder, case.tokens[:, t : t + 1], state)
        assert_close(part, whole[:, t : t + 1], rtol=ROUGH, atol=ROUGH, what=f"logits of step {t} alone")


@step("the two lists in attention_weights")
def weights_are_listed(student):
    decoder, case = build_decoder(student, layers=2), _example()
    for tokens in (case.tokens[:, :2], case.tokens):
        decode(decoder, case, tokens)
        for which, kind in enumerate(_weights(decoder, 2), start=1):
            for i, weights in enumerate(kind):
                own = getattr(decoder.blks[i], f"attention{which}").attention.attention_weights
                assert_equal(weights, own.detach(), what=f"attention_weights[{which - 1}][{i}]")
