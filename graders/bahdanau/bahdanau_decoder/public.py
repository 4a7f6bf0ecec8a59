"""What anyone can check about the decoder."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck import properties
from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_equal,
    assert_finite,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import POISON, Inputs, amplify, normal, seeds, sizes

HINTS = (
    (
        "Tell the story of one step: who asks, who is asked, what does the GRU get, and what does it leave for the "
        "next step? The question is asked before the GRU moves."
    ),
    (
        "The query is the top layer of the hidden state, with an axis of length 1 for the steps. Keys and values are "
        "the encoder's outputs; check that the batch comes first in them."
    ),
    (
        "Loop over the embedded words. In each turn: attend, put context and word side by side along the features, "
        "one step of the GRU, keep output and weights. Join the outputs and apply dense once."
    ),
)

VOCAB, EMBED, HIDDENS = 9, 7, 8
DOUBLE = torch.float64
WEIGHTS = "attention_weights"


@dataclass(frozen=True)
class Reading(Inputs):
    """Words `(batch, steps)` and the three parts of a state."""

    words: Tensor
    enc_outputs: Tensor
    hidden: Tensor
    enc_valid_lens: Tensor | None

    @property
    def state(self):
        return [self.enc_outputs, self.hidden, self.enc_valid_lens]

    @property
    def encoded(self):
        """What an encoder hands over: its outputs, the steps first, and its last state."""
        return self.enc_outputs.transpose(0, 1), self.hidden

    @property
    def padded(self):
        """True past the end of each source; (batch, src_steps)."""
        batch, src_steps, _ = self.enc_outputs.shape
        lengths = torch.full((batch,), src_steps) if self.enc_valid_lens is None else self.enc_valid_lens
        return torch.arange(src_steps) >= lengths[:, None]


def reading(layers):
    """Two examples of three words, all different, and a source of five positions."""
    enc_outputs, hidden = normal((2, 5, HIDDENS), 1, dtype=DOUBLE), normal((layers, 2, HIDDENS), 2, dtype=DOUBLE)
    return Reading(torch.tensor([[1, 7, 3], [2, 5, 8]]), enc_outputs, hidden, None)


@st.composite
def readings(draw, *, lengths=("none", "int64", "int32"), layers=(1, 2, 3), empty=False):
    """Counts of examples, steps and source positions, all different or all 3; poisoned padding."""
    batch, steps, src_steps = draw(st.one_of(sizes(3, high=5), st.just((3, 3, 3))))
    count, kind, seed = draw(st.sampled_from(layers)), draw(st.sampled_from(lengths)), draw(seeds())
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(VOCAB, (batch, steps), generator=generator)
    reading = Reading(words, 3 * normal((batch, src_steps, HIDDENS), seed, dtype=DOUBLE),
                      normal((count, batch, HIDDENS), seed + 1, dtype=DOUBLE), None)  # fmt: skip
    if kind == "none":
        return reading
    valid_lens = torch.randint(1, src_steps + 1, (batch,), generator=generator, dtype=getattr(torch, kind))
    if empty:
        valid_lens[seed % batch] = 0
    reading = replace(reading, enc_valid_lens=valid_lens)
    return replace(reading, enc_outputs=reading.enc_outputs.masked_fill(reading.padded[..., None], POISON))


def decoder_for(student, case, *dropout, attention_scale=5.0):
    """A decoder in evaluation mode; with large weights in its attention, so that it is far from uniform."""
    m = student.Seq2SeqAttentionDecoder(VOCAB, EMBED, HIDDENS, len(case.hidden), *dropout).to(DOUBLE).eval()
    state = amplify(m.state_dict(), 1, scale=0.8)
    scaled = {name: value * attention_scale for name, value in state.items() if name.startswith("attention.")}
    m.load_state_dict(state | scaled)
    return m


def decode(m, words, state):
    """Logits and the new state."""
    answer = m(words, state)
    assert_that(isinstance(answer, list | tuple) and len(answer) == 2, "forward does not return logits and a state")
    logits, new = answer
    assert_shape(logits, (*words.shape, VOCAB), what="logits")
    assert_that(isinstance(new, list | tuple) and len(new) == 3, "the state does not have three parts")
    return logits, list(new)


def weights_after(m, words, state):
    """The attention weights of a call, (batch, steps, src_steps), and its new state."""
    _, new = decode(m, words, state)
    found = m.attention_weights
    assert_that(isinstance(found, list | tuple), "attention_weights is not a list")
    assert_that(len(found) == words.shape[1], f"attention_weights has {len(found)} entries for {words.shape[1]} steps")
    for step, weights in enumerate(found):
        assert_shape(weights, (words.shape[0], 1, state[0].shape[1]), what=f"{WEIGHTS}[{step}]")
    return torch.cat(list(found), dim=1), new


def moved(after, before):
    """How far the logits moved; (batch, steps)."""
    return (after - before).detach().abs().amax(-1)


@worth(1, gate=True, examples=5, hint="Collect one output for each word, put them in a row, and return the state too.")
@given(case=readings())
def every_step_scores_the_vocabulary(student, case):
    """From words and a state come logits (batch, steps, vocab_size), which depend on them, and a state."""

    def scores(case):
        m = decoder_for(student, case)
        answer = m(case.words, m.init_state(case.encoded, case.enc_valid_lens))
        assert_that(isinstance(answer, list | tuple) and len(answer) == 2, "forward does not return logits and a state")
        return assert_shape(answer[0], (*case.words.shape, VOCAB), what="logits")

    other = replace(case, words=(case.words + 1) % VOCAB, hidden=case.hidden + 1)
    assert_responds(scores, case, other, what="logits")


@worth(1, hint="AdditiveAttention, nn.Embedding, nn.GRU and nn.Linear: how wide is what goes into each of them?")
def parameters_have_the_agreed_shapes(student):
    """The parameters are those of attention, embedding, rnn and dense, with the shapes that the sizes demand."""
    for layers in (1, 3):
        m = student.Seq2SeqAttentionDecoder(VOCAB, EMBED, HIDDENS, layers)
        wanted = {f"rnn.{name}": tuple(p.shape) for name, p in nn.GRU(15, HIDDENS, layers).named_parameters()} | {
            "attention.W_k.weight": (8, 8), "attention.W_q.weight": (8, 8), "attention.w_v.weight": (1, 8),
            "embedding.weight": (9, 7), "dense.weight": (9, 8), "dense.bias": (9,),
        }  # fmt: skip
        found = {name: tuple(parameter.shape) for name, parameter in m.named_parameters()}
        for name in sorted(wanted | found):
            assert_that(name in wanted, f"with {layers} layers there is a parameter {name} too many")
            assert_that(name in found, f"with {layers} layers there is no parameter {name}")
            assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")


@worth(1, hint="Write down the state before and after each of the three steps. Which one asks, which one answers?")
def example_comes_out(student):
    """The example comes out: the logits are 2, 1 and 0.5, while the queries were 4, 2 and 1."""
    m = student.Seq2SeqAttentionDecoder(1, 1, 1, 1).eval()
    ones = ("dense.weight", "attention.W_q.weight", "attention.W_k.weight", "attention.w_v.weight")
    m.load_state_dict({name: torch.full_like(value, name in ones) for name, value in m.state_dict().items()})
    keys = torch.tensor([[[-3.0], [-1.0], [0.0]]])
    wanted = torch.tanh(torch.tensor([[4.0], [2.0], [1.0]]) + keys[..., 0]).softmax(-1)  # (steps, src_steps)
    logits, _ = m(
        torch.zeros(1, 3, dtype=torch.long), m.init_state((keys.transpose(0, 1), torch.tensor([[[4.0]]])), None)
    )
    assert_close(logits, torch.tensor([[[2.0], [1.0], [0.5]]]), what="logits")
    for step, weights in enumerate(m.attention_weights):
        assert_close(weights, wanted[None, step : step + 1], what=f"{WEIGHTS}[{step}]")


@worth(1, examples=5, hint="The GRU gives back two things: its top layer's outputs, and the new state of all layers.")
@given(case=readings())
def state_goes_on_where_the_words_end(student, case):
    """The new state has the same source and lengths and the new hidden state, of which `dense` made the last logits."""
    m = decoder_for(student, case)
    first = m.init_state(case.encoded, case.enc_valid_lens)
    assert_that(isinstance(first, list | tuple) and len(first) == 3, "init_state does not make a state of three parts")
    logits, last = decode(m, case.words, first)
    for name, state in (("the first state", first), ("the state returned", last)):
        source = assert_shape(state[0], tuple(case.enc_outputs.shape), what=f"enc_outputs in {name}")
        assert_equal(source[~case.padded], case.enc_outputs[~case.padded], what=f"valid enc_outputs in {name}")
        if case.enc_valid_lens is None:
            assert_that(state[2] is None, f"the lengths in {name} are not None", got=state[2])
        else:
            assert_equal(state[2], case.enc_valid_lens, what=f"enc_valid_lens in {name}")
    assert_equal(first[1], case.hidden, what="hidden in the first state")
    hidden = assert_shape(last[1], tuple(case.hidden.shape), what="hidden in the state returned")
    weight, bias = m.dense.weight, m.dense.bias
    assert_close(logits[:, -1], nn.functional.linear(hidden[-1], weight, bias), what="the last logits")


@worth(1, examples=5, hint="The lengths travel in the state. Who needs them, at every step?")
@given(case=readings())
def each_step_shares_its_attention_among_the_source(student, case):
    """`attention_weights` has one tensor for each step of the last call; its rows sum to 1, with 0 at padding."""
    m = decoder_for(student, case)
    decode(m, case.words.repeat(1, 2), case.state)
    weights, _ = weights_after(m, case.words, case.state)
    assert_zero(weights, where=case.padded[:, None].expand(weights.shape), what=WEIGHTS)
    assert_close(weights.sum(-1), torch.ones(case.words.shape, dtype=DOUBLE), what=f"row sums of {WEIGHTS}")


@worth(1.5, examples=5, hint="Follow one step: what does the GRU know before it, in its top layer?")
@given(case=readings())
def state_before_the_step_is_what_asks(student, case):
    """The weights of each step are those of additive attention for the top layer's state before that step."""
    m = decoder_for(student, case)
    state = case.state
    for step in range(case.words.shape[1]):
        query = m.attention.W_q.weight @ state[1][-1][..., None]  # (batch, hiddens, 1)
        scores = m.attention.w_v.weight @ torch.tanh(query + m.attention.W_k.weight @ case.enc_outputs.mT)
        wanted = scores.masked_fill(case.padded[:, None], -torch.inf).softmax(-1)  # (batch, 1, src_steps)
        weights, state = weights_after(m, case.words[:, step : step + 1], state)
        assert_close(weights, wanted, what=f"{WEIGHTS} of step {step}")


@worth(1, examples=5, hint="Context first, then the embedded word: torch.cat in that order.")
@given(case=readings())
def context_comes_before_the_word(student, case):
    """The GRU's first `num_hiddens` inputs are the context, the others the word: cut off, they have no influence."""
    m = decoder_for(student, case)
    state = m.state_dict()
    weight = state["rnn.weight_ih_l0"]
    blind, deaf = weight.clone(), weight.clone()
    blind[:, :HIDDENS] = 0
    deaf[:, HIDDENS:] = 0
    m.load_state_dict(state | {"rnn.weight_ih_l0": blind})
    seen, _ = decode(m, case.words, case.state)
    unseen, _ = decode(m, case.words, [-case.enc_outputs, *case.state[1:]])
    assert_close(unseen, seen, what="logits for another source, without the weights of the context")
    m.load_state_dict(state | {"rnn.weight_ih_l0": deaf})
    heard, _ = decode(m, case.words, case.state)
    unheard, _ = decode(m, (case.words + 1) % VOCAB, case.state)
    assert_close(unheard, heard, what="logits for other words, without the weights of the word")


@worth(1, examples=5, hint="What must a call hand over for the next one to go on as if nothing had happened?")
@given(case=readings(), cut=st.integers(1, 5))
def pieces_give_what_the_whole_gives(student, case, cut):
    """Word by word, or in pieces, logits and the last state are those of a single call."""
    m = decoder_for(student, case)
    logits, (_, hidden, _) = decode(m, case.words, case.state)
    for name, pieces in (("word by word", case.words.split(1, 1)), ("in pieces", case.words.split(cut, 1))):
        found, state = [], case.state
        for piece in pieces:
            some, state = decode(m, piece, state)
            found.append(some)
        assert_close(torch.cat(found, 1), logits, what=f"logits {name}")
        assert_close(state[1], hidden, what=f"hidden {name}")


@worth(1, examples=5, hint="A word goes in at its own step, and lives on in the hidden state.")
@given(case=readings())
def words_count_from_their_own_step_on(student, case):
    """Another word changes the logits of its own step and of every later one, and none before."""
    m = decoder_for(student, case)
    before, _ = decode(m, case.words, case.state)
    for step in range(case.words.shape[1]):
        words = case.words.clone()
        words[:, step] = (words[:, step] + 1) % VOCAB
        after, _ = decode(m, words, case.state)
        if step:
            assert_close(after[:, :step], before[:, :step], what=f"logits before step {step}, where the word changed")
        change = moved(after, before)[:, step:]
        assert_that(bool((change > 0).all()), f"a word at step {step} does not reach every later step", change=change)


@worth(0.5, examples=5, hint="Where does the GRU's first state come from?")
@given(case=readings())
def state_of_the_encoder_is_taken_over(student, case):
    """Another hidden state, in any of the layers, changes the logits of every example."""
    m = decoder_for(student, case)
    before, _ = decode(m, case.words, case.state)
    for layer in range(len(case.hidden)):
        hidden = case.hidden.clone()
        hidden[layer] += 1
        after, _ = decode(m, case.words, [case.enc_outputs, hidden, case.enc_valid_lens])
        change = moved(after, before)[:, 0]
        assert_that(bool((change > 0).all()), f"the hidden state of layer {layer} has no influence", change=change)


@worth(1, examples=5, hint="Give the lengths to the attention at every step.")
@given(case=readings(lengths=("int64", "int32")))
def padding_of_the_source_is_not_read(student, case):
    """What stands past the end of a source, and how much of it there is, changes nothing."""
    m = decoder_for(student, case)
    wanted, _ = decode(m, case.words, case.state)
    other = case.enc_outputs.masked_fill(case.padded[..., None], -4.0)
    longer = nn.functional.pad(other, (0, 0, 0, 2), value=7.0)
    assert_close(decode(m, case.words, [other, *case.state[1:]])[0], wanted, what="logits with other padding")
    assert_close(decode(m, case.words, [longer, *case.state[1:]])[0], wanted, what="logits with more padding")


@worth(1, examples=5, hint="Does the context reach the GRU? Is it an average over all positions, at every step?")
@given(case=readings())
def every_part_of_the_source_is_read(student, case):
    """Another encoder output, at any valid position, changes the logits of every step."""
    m = decoder_for(student, case, attention_scale=0.1)
    before, _ = decode(m, case.words, case.state)
    for position in range(case.enc_outputs.shape[1]):
        enc_outputs = case.enc_outputs.clone()
        enc_outputs[:, position] += 1
        after, _ = decode(m, case.words, [enc_outputs, *case.state[1:]])
        change = moved(after, before)[~case.padded[:, position]]
        assert_that(bool((change > 0).all()), f"the source's position {position} has no influence", change=change)


@worth(0.5, examples=5, hint="Each example has its own source, its own state and its own length.")
@given(case=readings())
def examples_do_not_mix(student, case):
    """Each example alone gets what it gets in the batch."""
    m = decoder_for(student, case)
    logits, _ = decode(m, case.words, case.state)
    for i in range(len(case.words)):
        lengths = None if case.enc_valid_lens is None else case.enc_valid_lens[i : i + 1]
        own = [case.enc_outputs[i : i + 1], case.hidden[:, i : i + 1], lengths]
        assert_close(decode(m, case.words[i : i + 1], own)[0], logits[i : i + 1], what=f"logits of example {i} alone")


@worth(0.5, examples=5, hint="Keep nothing in the module from call to call: whatever goes on is in the state.")
@given(case=readings())
def old_state_gives_the_old_answer(student, case):
    """A state may be used twice: two continuations do not know of each other."""
    m = decoder_for(student, case)
    _, state = decode(m, case.words, case.state)
    kept = state[1].clone()
    first, _ = decode(m, case.words, state)
    decode(m, (case.words + 1) % VOCAB, state)
    again, _ = decode(m, case.words, state)
    assert_equal(again, first, what="logits from the same state, a second time")
    assert_unchanged(state[1], kept, what="hidden")


@worth(1, hint="No detach, .data or no_grad between the source and the logits, nor from step to step.")
def gradient_finds_its_way_back(student):
    """The logits of the last step send a gradient to every parameter, the source, the first state, the first word."""
    for layers in (1, 2):
        case = reading(layers)
        m = decoder_for(student, case, attention_scale=0.5)
        parameters = dict(m.named_parameters())
        case.enc_outputs.requires_grad_()
        case.hidden.requires_grad_()
        logits, _ = decode(m, case.words, case.state)
        inputs = {"enc_outputs": case.enc_outputs, "hidden": case.hidden} | parameters
        found = dict(zip(inputs, gradients(logits[:, -1, ::2], list(inputs.values()), what="logits"), strict=True))
        for name, grad in found.items():
            assert_that(bool(grad.any()), f"the last step's logits send no gradient to {name}")
        of_first_words = found["embedding.weight"][case.words[:, 0]]
        assert_that(bool(of_first_words.any()), "the last step's logits send no gradient to the first words")


@worth(0.5, hint="Store each step's weights as they are, not detached.")
def stored_weights_keep_their_gradient(student):
    """A loss on the weights of any step reaches the first state."""
    case = reading(1)
    hidden = case.hidden.requires_grad_()
    weights, _ = weights_after(decoder_for(student, case), case.words, case.state)
    for step in range(case.words.shape[1]):
        (grad,) = gradients(weights[:, step, 0], [hidden], what=WEIGHTS)
        assert_that(bool(grad.any()), f"a loss on {WEIGHTS}[{step}] does not reach the hidden state")


@worth(1, hint="Hand the rate to AdditiveAttention and to nn.GRU, and to nobody else.")
def dropout_has_two_places(student):
    """In training the rate drops attention weights and features between the layers of the GRU; no rate, nothing."""
    for layers, silent, varies in ((1, True, False), (1, False, True), (2, True, True)):
        case = reading(layers)
        if silent:
            case.enc_outputs.zero_()
        m = decoder_for(student, case, 0.75, attention_scale=0.1)
        wanted, _ = decode(m, case.words, case.state)
        found, _ = decode(m.train(), case.words, case.state)
        if not varies:
            assert_close(found, wanted, what="logits in training, with one layer and a source of zeros")
        elif torch.equal(found, wanted):
            place = "between two layers" if silent else "in the attention"
            raise Mismatch(f"in training with dropout 0.75 nothing is dropped {place}")
    wanted, _ = decode(decoder_for(student, case), case.words, case.state)
    found, _ = decode(decoder_for(student, case).train(), case.words, case.state)
    assert_close(found, wanted, what="logits in training, without a rate")


@worth(0.5, examples=5, hint="nn.Dropout and nn.GRU know whether the module is training; a function has to be told.")
@given(case=readings(layers=(2,)))
def evaluation_drops_nothing(student, case):
    """In evaluation mode the rate makes no difference."""
    wanted, _ = decode(decoder_for(student, case), case.words, case.state)
    found, _ = decode(decoder_for(student, case, 0.75), case.words, case.state)
    assert_close(found, wanted, what="logits in evaluation mode with dropout 0.75")


@worth(1, examples=5, group="robust", hint="The book spreads the weights of such a row evenly. What does yours do?")
@given(case=readings(lengths=("int64",), empty=True))
def empty_source_has_nothing_to_say(student, case):
    """A source of length 0 gets weights of 0, and the logits are those for a source of zeros."""
    m = decoder_for(student, case)
    empty = case.enc_valid_lens == 0
    silenced = case.enc_outputs.masked_fill(empty[:, None, None], 0.0)
    wanted, _ = decode(m, case.words, [silenced, case.hidden, case.enc_valid_lens.clamp(min=1)])
    logits, _ = decode(m, case.words, case.state)
    weights, _ = weights_after(m, case.words, case.state)
    assert_zero(weights, where=case.padded[:, None].expand(weights.shape), what=WEIGHTS)
    assert_close(assert_finite(logits, what="logits"), wanted, what="logits")


@worth(0.5, examples=5, group="robust", hint="Make new tensors; those that you were given are still needed.")
@given(case=readings())
def arguments_are_left_alone(student, case):
    """Words, encoder outputs, hidden state and lengths are after the call what they were before."""
    m = decoder_for(student, case)
    before = [None if part is None else part.clone() for part in (case.words, *case.state)]
    first, _ = decode(m, case.words, case.state)
    names = "X", "enc_outputs", "hidden", "enc_valid_lens"
    for name, now, then in zip(names, (case.words, *case.state), before, strict=True):
        if then is not None:
            assert_unchanged(now, then, what=name)
    assert_equal(decode(m, case.words, case.state)[0], first, what="logits of a second call")


# The steps on the way, for a student who fails


def _first_weights(m, case):
    """Where the state before the first step looks; (batch, src_steps)."""
    state = m.state_dict()
    query, keys = (state[f"attention.W_{name}.weight"] for name in "qk")
    features = torch.tanh((case.hidden[-1] @ query.T)[:, None] + case.enc_outputs @ keys.T)
    scores = features @ state["attention.w_v.weight"][0]
    return scores.masked_fill(case.padded, -torch.inf).softmax(-1)


def _one_step(m, case, *, read=1.0):
    """The logits of the first word alone and the GRU's state after it; `read=0` hides its inputs from the GRU."""
    state = m.state_dict()
    own = nn.GRU(HIDDENS + EMBED, HIDDENS, len(case.hidden), batch_first=True, dtype=DOUBLE)
    own.load_state_dict({name[4:]: value for name, value in state.items() if name.startswith("rnn.")})
    context = torch.einsum("bs,bsh->bh", _first_weights(m, case), case.enc_outputs)
    inputs = torch.cat([context, state["embedding.weight"][case.words[:, 0]]], 1)
    output, last = own((read * inputs)[:, None], case.hidden)
    return nn.functional.linear(output, state["dense.weight"], state["dense.bias"]), last


def _assert_moved_on(m, case, *, read=1.0):
    """The GRU took the step: its new state shows it, or else the logits do."""
    logits, last = _one_step(m, case, read=read)
    answer = m(case.words[:, :1], case.state)
    try:
        assert_close(answer[0], logits, what="logits")
    except Mismatch:
        assert_close(answer[1][1], last, what="hidden in the state returned")


def _assert_first_weights(student, case):
    m = decoder_for(student, case)
    m(case.words[:, :1], case.state)
    found = m.attention_weights
    weights = (found[-1] if isinstance(found, list | tuple) else found).reshape(case.padded.shape)
    assert_close(weights, _first_weights(m, case), what="the attention weights of the first step")


@properties.step("the parameters of attention, embedding, rnn and dense")
def parameters_are_there(student):
    parameters_have_the_agreed_shapes(student)


@properties.step("the state that init_state makes")
def first_state_is_kept(student):
    case = reading(2)
    state = decoder_for(student, case).init_state(case.encoded, torch.tensor([5, 4]))
    assert_equal(state[0], case.enc_outputs, what="enc_outputs in the first state")
    assert_equal(state[1], case.hidden, what="hidden in the first state")
    assert_equal(state[2], torch.tensor([5, 4]), what="enc_valid_lens in the first state")


@properties.step("the attention weights of the first step")
def first_step_looks_at_the_source(student):
    _assert_first_weights(student, reading(2))


@properties.step("the masking of the source's padding")
def padding_gets_no_weight(student):
    _assert_first_weights(student, replace(reading(2), enc_valid_lens=torch.tensor([4, 2])))


@properties.step("the state in which the GRU starts")
def recurrence_starts_from_the_state(student):
    case = reading(2)
    m = decoder_for(student, case)
    state = m.state_dict()
    m.load_state_dict(state | {"rnn.weight_ih_l0": torch.zeros_like(state["rnn.weight_ih_l0"])})
    _assert_moved_on(m, case, read=0.0)


@properties.step("the context and the word that the GRU reads")
def context_and_word_are_read(student):
    _assert_moved_on(decoder_for(student, reading(2)), reading(2))


@properties.step("the logits of the first step")
def output_is_scored(student):
    case = reading(2)
    m = decoder_for(student, case)
    assert_close(decode(m, case.words[:, :1], case.state)[0], _one_step(m, case)[0], what="logits")


def _step_by_step(m, case):
    """The logits of all words and the last state."""
    logits, last = [], case.hidden
    for step in range(case.words.shape[1]):
        scores, last = _one_step(m, replace(case, words=case.words[:, step : step + 1], hidden=last))
        logits.append(scores[:, 0])
    return torch.stack(logits, 1), last


@properties.step("the states handed on from step to step")
def states_are_handed_on(student):
    case = reading(2)
    m = decoder_for(student, case)
    assert_close(decode(m, case.words, case.state)[0], _step_by_step(m, case)[0], what="logits")


@properties.step("the state that forward returns")
def last_state_is_returned(student):
    case = replace(reading(2), enc_valid_lens=torch.tensor([4, 2]))
    m = decoder_for(student, case)
    _, state = decode(m, case.words, case.state)
    _, last = _step_by_step(m, case)
    assert_close(state[1], last, what="hidden in the state returned")
    assert_equal(state[2], case.enc_valid_lens, what="enc_valid_lens in the state returned")


@properties.step("the list in attention_weights")
def weights_are_listed(student):
    case = reading(2)
    m = decoder_for(student, case)
    decode(m, case.words, case.state)
    weights_after(m, case.words, case.state)
