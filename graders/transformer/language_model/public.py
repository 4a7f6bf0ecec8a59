"""What anyone can check about a language model, without a solution at hand."""

from __future__ import annotations

from itertools import product

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_equal,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import normal, seeds, sizes

HINTS = (
    (
        "An encoder block with a valid length for each step is all that is needed. How many keys may step 0 see, how "
        "many step 1?"
    ),
    (
        "Logits of step t speak of token t + 1: so the last token is never an input when you score, and the first one "
        "is never an answer."
    ),
    (
        "To generate, look at the logits of the last step only, take the best word, append it, and go again. Switch "
        "to evaluation mode for that, and back to what it was, whatever happens."
    ),
)

DOUBLE = torch.float64
VOCAB, WIDTH, HIDDEN, HEADS, LAYERS, MAX_LEN = 7, 4, 5, 2, 2, 8
SHAPES = sizes(2, high=6)  # batch, steps


def build(student, *, layers=LAYERS, dropout=0.0, vocab=VOCAB):
    """A model in float64 and evaluation mode; its parameters are normal, so that every one of them matters."""
    m = student.DecoderOnlyLM(vocab, WIDTH, HIDDEN, HEADS, layers, dropout, MAX_LEN).double().eval()
    parameters = enumerate(m.named_parameters())
    m.load_state_dict({name: normal(old.shape, i, dtype=DOUBLE) for i, (name, old) in parameters}, strict=False)
    return m


def tokens(shape, seed: int, *, vocab: int = VOCAB) -> Tensor:
    """Random tokens."""
    return torch.randint(vocab, tuple(shape), generator=torch.Generator().manual_seed(seed))


def logits_of(m, X: Tensor, *, vocab: int = VOCAB) -> Tensor:
    """The model's logits, without their graph."""
    with torch.no_grad():
        return assert_shape(m(X), (*X.shape, vocab), what="logits")


def assert_predicts(m, X: Tensor) -> Tensor:
    """The logits of X, once they are known to depend on the tokens and on no earlier call."""
    assert_responds(lambda X: logits_of(m, X), X, (X + 1) % VOCAB, what="logits")
    return logits_of(m, X)


@worth(1, gate=True, examples=3, hint="Return `dense` of the last block's output: one score per word, for every step.")
@given(shape=SHAPES, seed=seeds())
def every_step_scores_the_vocabulary(student, shape, seed):
    """The logits are (batch, steps, vocab_size), and depend on the tokens."""
    m = student.DecoderOnlyLM(VOCAB, WIDTH, HIDDEN, HEADS, LAYERS, 0.0, MAX_LEN)
    assert_predicts(m, tokens(shape, seed))


@worth(1.5, examples=4, hint="Which keys may step t see? Give your EncoderBlock a valid length for every step.")
@given(shape=sizes(2, low=2), training=st.booleans(), seed=seeds())
def later_tokens_change_nothing_before_them(student, shape, training, seed):
    """Other tokens from step t on leave the logits of all steps before t as they were, in training and evaluation."""
    m = build(student).train(training)
    X = tokens(shape, seed)
    before = assert_predicts(m, X)
    for t in range(1, shape[1]):
        other = torch.cat([X[:, :t], (X[:, t:] + 1) % VOCAB], dim=1)
        assert_close(logits_of(m, other)[:, :t], before[:, :t], what=f"logits before step {t}")


@worth(1, examples=3, hint="A step sees itself and all steps before it: how many are these for the first step?")
@given(steps=st.sampled_from([3, 5, 1]), seed=seeds())
def each_step_sees_itself_and_its_past(student, steps, seed):
    """The logits of a step have a gradient in the embedding of its own and of every earlier token, and of no other."""
    m = build(student)
    embedding = dict(m.named_parameters()).get("embedding.weight")
    assert_that(embedding is not None, "there is no parameter embedding.weight")
    words = torch.randperm(VOCAB, generator=torch.Generator().manual_seed(seed))[:steps]  # all of them different
    assert_predicts(m, words[None])
    logits = assert_shape(m(words[None]), (1, steps, VOCAB), what="logits")
    slopes = torch.linspace(-1, 1, VOCAB, dtype=DOUBLE)
    for t in range(steps):
        (grad,) = gradients(logits[0, t] * slopes, [embedding], what="logits")
        seen = torch.isin(torch.arange(VOCAB), words[: t + 1])  # (vocab_size,)
        assert_zero(grad, where=~seen[:, None].expand_as(grad), what=f"gradient of step {t} in words it cannot see")
        missed = seen & ~grad.any(-1)
        assert_that(not missed.any(), f"step {t} does not see all tokens up to itself")


@worth(0.5, examples=3, hint="A shorter sequence asks the same questions of the same past.")
@given(shape=sizes(2, low=2), seed=seeds())
def prefixes_get_the_same_logits(student, shape, seed):
    """The first t tokens alone get the logits that they get in the whole sequence, each example by itself."""
    m = build(student)
    X = tokens(shape, seed)
    whole = assert_predicts(m, X)
    for t in range(1, shape[1]):
        assert_close(logits_of(m, X[:1, :t]), whole[:1, :t], what=f"logits of the first {t} tokens of an example")


@worth(1, examples=3, hint="Attention does not care for order. Where do positions come in?")
@given(steps=st.sampled_from([3, 4, 6]), seed=seeds())
def order_of_the_past_matters(student, steps, seed):
    """With one layer, the last step gets other logits when two earlier tokens change places."""
    m = build(student, layers=1)
    X = torch.randperm(VOCAB, generator=torch.Generator().manual_seed(seed))[None, :steps]
    swapped = X[:, [1, 0, *range(2, steps)]]
    difference = assert_predicts(m, X)[:, -1] - logits_of(m, swapped)[:, -1]
    assert_that(bool(difference.abs().max() > 1e-6), "the order of the earlier tokens makes no difference")


@worth(1, hint="Embedding, positions, encoder blocks, dense: there is no source that a second attention could read.")
def there_is_no_second_attention(student):
    """The parameters are those of an embedding, of blocks with one self-attention and one network, and of `dense`."""
    m = build(student)
    assert_predicts(m, tokens((2, 3), 0))
    found = {name: tuple(parameter.shape) for name, parameter in m.named_parameters()}
    for name in ("embedding.weight", "dense.weight"):
        assert_that(found.get(name) == (VOCAB, WIDTH), f"{name} has shape {found.get(name)}, wanted {(VOCAB, WIDTH)}")
    assert_that(found.get("dense.bias") == (VOCAB,), f"dense.bias has shape {found.get('dense.bias')}")
    block = [(WIDTH, WIDTH)] * 4 + [(WIDTH,)] * 5 + [(HIDDEN, WIDTH), (HIDDEN,), (WIDTH, HIDDEN)]
    inside = sorted(shape for name, shape in found.items() if name.startswith("blks."))
    assert_that(inside == sorted(block * LAYERS), f"the parameters of {LAYERS} blocks have the shapes {inside}")
    outside = [name for name in found if not name.startswith(("blks.", "embedding.", "dense."))]
    assert_that(not outside, f"there are parameters that nobody asked for: {', '.join(outside)}")


@worth(1.5, examples=5, hint="Which logits speak of token t + 1? Minus the log of the probability they give it.")
@given(shape=sizes(2, low=2), seed=seeds())
def nll_is_that_of_the_next_token(student, shape, seed):
    """Entry t of `nll` is minus the log of the probability that the logits of step t give to token t + 1."""
    m = build(student)
    X = tokens(shape, seed)
    log_probabilities = assert_predicts(m, X)[:, :-1].log_softmax(-1)  # (batch, steps - 1, vocab_size)
    wanted = -log_probabilities.gather(-1, X[:, 1:, None])[..., 0]
    assert_close(student.nll(m, X), wanted, what="nll")


@worth(1, hint="Sum exp(-nll) over all sequences by hand, for two words and two steps. What must come out?")
def probabilities_of_all_sequences_sum_to_1(student):
    """Over all sequences that begin alike, the products of their tokens' probabilities sum to 1: the chain rule."""
    vocab, steps = 3, 4
    m = build(student, vocab=vocab)
    X = torch.tensor([(0, *rest) for rest in product(range(vocab), repeat=steps - 1)])  # (27, steps)
    log_probabilities = -assert_shape(student.nll(m, X), (len(X), steps - 1), what="nll").detach().sum(1)
    assert_that(bool(log_probabilities.std() > 0), "all sequences are equally probable", nll=-log_probabilities)
    total = log_probabilities.exp().sum()
    assert_close(total, torch.ones((), dtype=DOUBLE), rtol=1e-6, atol=1e-6, what="sum of the probabilities")


@worth(0.5, examples=3, hint="What is left when `dense` sees nothing: its bias, a softmax, a logarithm.")
@given(shape=sizes(2, low=2), seed=seeds())
def words_have_their_frequencies(student, shape, seed):
    """When only the bias of `dense` is left, every word costs the same everywhere: log V each when it is 0."""
    m = build(student)
    X = tokens(shape, seed)
    assert_predicts(m, X)
    for bias in (torch.zeros(VOCAB, dtype=DOUBLE), normal((VOCAB,), seed, dtype=DOUBLE)):
        weight = torch.zeros(VOCAB, WIDTH, dtype=DOUBLE)
        m.load_state_dict({"dense.weight": weight, "dense.bias": bias}, strict=False)
        wanted = -bias.log_softmax(-1)[X[:, 1:]]
        assert_close(student.nll(m, X), wanted, what="nll")


@worth(0.5, hint="Training follows the gradient of `nll`: no detach, no item, no no_grad on the way.")
def everything_learns(student):
    """Every parameter gets a gradient from `nll`."""
    m = build(student)
    parameters = dict(m.named_parameters())
    X = tokens((3, 6), 0)
    assert_responds(lambda X: student.nll(m, X).detach(), X, (X + 1) % VOCAB, what="nll")
    grads = gradients(student.nll(m, X), list(parameters.values()), what="nll")
    for name, grad in zip(parameters, grads, strict=True):
        assert_that(bool(grad.any()), f"no gradient reaches {name}")


@worth(1.5, examples=4, hint="Ask for the logits of the last step, append the best word, and ask again.")
@given(shape=sizes(2, high=4), num_tokens=st.sampled_from([3, 1, 4]), seed=seeds())
def generation_is_greedy(student, shape, num_tokens, seed):
    """`generate` returns the prefix and `num_tokens` more, each the most probable one after all tokens before it."""
    m = build(student)
    prefix = tokens(shape, seed)
    assert_predicts(m, prefix)
    rows = list(prefix.split(1))  # one example at a time: nobody's words depend on the others
    for _ in range(num_tokens):
        rows = [torch.cat([row, logits_of(m, row)[:, -1:].argmax(-1)], dim=1) for row in rows]
    assert_equal(student.generate(m, prefix, num_tokens), torch.cat(rows), what="generated sequences")


@worth(0.5, hint="Switch to evaluation mode, and back to the mode in which the model came.")
def generation_drops_nothing(student):
    """In training mode, with dropout, the same words are generated as without, and the mode stays as it was."""
    prefix = tokens((5, 3), 0)
    plain, dropping = build(student), build(student, dropout=0.75)
    assert_predicts(plain, prefix)
    wanted = assert_shape(student.generate(plain, prefix.clone(), 5), (5, 8), what="generated sequences")
    assert_that(not torch.equal(wanted, torch.zeros_like(wanted)), "only zeros are generated")
    for training in (True, False):
        dropping.train(training)
        assert_equal(student.generate(dropping, prefix.clone(), 5), wanted, what="generated sequences")
        assert_that(dropping.training == training, "`generate` left the model in another mode")


@worth(0.5, hint="Hand `dropout` on to the positions and to every block.")
def training_drops_and_evaluation_does_not(student):
    """With dropout, two passes differ in training; in evaluation the logits are those of a model without dropout."""
    X = tokens((3, 5), 0)
    wanted = assert_predicts(build(student), X)
    m = build(student, dropout=0.75)
    assert_close(logits_of(m, X), wanted, what="logits in evaluation mode")
    m.train()
    assert_that(not torch.equal(logits_of(m, X), logits_of(m, X)), "two passes in training mode give the same logits")


@worth(1, group="robust", hint="A model of `max_len` positions must say so when it is asked for more.")
def too_long_a_sequence_is_refused(student):
    """More than `max_len` tokens raise a ValueError, in `forward` and while generating; `max_len` tokens do not."""
    m = build(student)
    X = tokens((2, MAX_LEN), 0)
    assert_predicts(m, X)
    assert_raises("ValueError", m, tokens((2, MAX_LEN + 1), 0), what="a sequence of max_len + 1 tokens")
    assert_shape(student.generate(m, X[:, :3], MAX_LEN - 3), (2, MAX_LEN), what="generated sequences")
    assert_raises("ValueError", student.generate, m, X, 2, what="generating 2 tokens after max_len of them")


@worth(0.5, group="robust", examples=2, hint="`torch.cat` makes a new tensor; `copy_` and slices on the left do not.")
@given(shape=sizes(2, low=2, high=4), seed=seeds())
def tokens_are_left_alone(student, shape, seed):
    """The tokens are after each of the three calls what they were before."""
    m = build(student)
    X = tokens(shape, seed)
    before = X.clone()
    assert_predicts(m, X)
    assert_unchanged(X, before, what="X")
    assert_responds(lambda X: student.nll(m, X).detach(), X, (X + 1) % VOCAB, what="nll")
    assert_unchanged(X, before, what="X of nll")
    generated = assert_shape(student.generate(m, X, 2), (shape[0], shape[1] + 2), what="generated sequences")
    assert_equal(generated[:, : shape[1]], before, what="the prefix in what was generated")
    assert_unchanged(X, before, what="prefix")


# The steps on the way, for a student who fails


X = torch.tensor([[1, 4, 2, 6, 0], [3, 3, 5, 1, 2]])


def _moved(m, position):
    """At which steps the logits change with the token at a position."""
    other = X.clone()
    other[:, position] = (other[:, position] + 1) % VOCAB
    return ((logits_of(m, other) - logits_of(m, X)).abs() > 1e-9).any(-1).any(0)


@step("what a step sees: itself and what came before")
def future_is_hidden(student):
    for training in (False, True):
        m = build(student).train(training)
        for position in range(5):
            seen = torch.arange(5) >= position
            assert_equal(_moved(m, position), seen, what=f"which steps change with token {position}")


def _silent(student):
    """A model whose block only normalises, and what it should give."""
    m = build(student, layers=1)
    state = m.state_dict()
    ends = ("W_o.weight", "dense2.weight", "dense2.bias")
    state |= {name: torch.zeros_like(value) for name, value in state.items() if name.endswith(ends)}
    state |= {name: torch.full_like(value, name.endswith("weight")) for name, value in state.items() if ".ln." in name}
    m.load_state_dict(state)
    angles = torch.arange(5, dtype=DOUBLE)[:, None] / torch.tensor([1.0, 100.0])
    positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    normed = nn.functional.layer_norm(state["embedding.weight"][X] * WIDTH**0.5 + positions, [WIDTH])
    return m, nn.functional.linear(normed, state["dense.weight"], state["dense.bias"])


@step("the scaled embedding and the positions")
def tokens_are_embedded(student):
    m, wanted = _silent(student)
    logits = logits_of(m, X)
    try:
        assert_close(logits, wanted, rtol=1e-3, atol=1e-3, what="logits of a silent block")
    except Mismatch:
        assert_close(logits, wanted.softmax(-1), rtol=1e-3, atol=1e-3, what="logits of a silent block")


@step("the blocks, each with parameters of its own")
def every_block_counts(student):
    m = build(student)
    state, before = m.state_dict(), logits_of(m, X)
    found = [name.split(".", 2)[2] for name, _ in m.named_parameters() if name.startswith("blks.")]
    assert_that(len(found) == 24, f"{LAYERS} blocks have {len(found)} parameters, wanted 24")
    for block in dict.fromkeys(name.split(".")[1] for name in state if name.startswith("blks.")):
        names = [name for name in state if name.startswith(f"blks.{block}.") and name.endswith("W_v.weight")]
        m.load_state_dict(state | {name: -state[name] for name in names})
        assert_that(not torch.equal(logits_of(m, X), before), f"block {block} does not count")
    m.load_state_dict(state)


@step("the logits")
def logits_are_not_normalised(student):
    m, wanted = _silent(student)
    assert_close(logits_of(m, X), wanted, rtol=1e-3, atol=1e-3, what="logits of a silent block")


@step("the costs of nll")
def next_token_costs(student):
    m = build(student)
    logs = logits_of(m, X).log_softmax(-1)
    wanted = torch.stack([-logs[torch.arange(2), t, X[:, t + 1]] for t in range(4)], 1)
    assert_close(student.nll(m, X), wanted, what="nll")


@step("the tokens that generate adds")
def best_tokens_are_added(student):
    m, wanted = build(student), X[:, :2]
    for _ in range(3):
        wanted = torch.cat([wanted, logits_of(m, wanted)[:, -1].max(-1, keepdim=True).indices], 1)
    assert_equal(student.generate(m, X[:, :2], 3), wanted, what="the prefix and three more tokens")
