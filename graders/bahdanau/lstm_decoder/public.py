"""What anyone can check about an LSTM that reads, and one that looks back."""

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
        "An LSTM carries a pair, (h, c), wherever a GRU carried one state. Which of the two is shown to others, and "
        "so may ask a question?"
    ),
    (
        "Take your GRU decoder and follow the state through it. Only two places look inside the pair: where the query "
        "is made, and where the LSTM steps and returns a new pair."
    ),
    (
        "In the encoder pack the embedded words with their lengths before the LSTM runs, so that h and c are those of "
        "each sentence's last word, and unpack the outputs to their full number of steps."
    ),
)

VOCAB, EMBED, HIDDENS = 9, 7, 8
DOUBLE = torch.float64
WEIGHTS = "attention_weights"


@dataclass(frozen=True)
class Reading(Inputs):
    """Words `(batch, steps)` and the parts of a state, `h` and `c` being `(layers, batch, hiddens)`."""

    words: Tensor
    enc_outputs: Tensor
    h: Tensor
    c: Tensor
    enc_valid_lens: Tensor | None

    @property
    def state(self):
        return [self.enc_outputs, (self.h, self.c), self.enc_valid_lens]

    @property
    def encoded(self):
        """What an encoder would have returned: the steps first."""
        return self.enc_outputs.transpose(0, 1), (self.h, self.c)

    @property
    def padded(self):
        """True past the end of each source; (batch, src_steps)."""
        batch, src_steps, _ = self.enc_outputs.shape
        lengths = torch.full((batch,), src_steps) if self.enc_valid_lens is None else self.enc_valid_lens
        return torch.arange(src_steps) >= lengths[:, None]


@dataclass(frozen=True)
class Sentences(Inputs):
    """Words `(batch, steps)` to be read, and lengths, some perhaps above the number of steps."""

    words: Tensor
    valid_lens: Tensor | None
    layers: int

    @property
    def lengths(self):
        """How many words each sentence has."""
        batch, steps = self.words.shape
        return [steps] * batch if self.valid_lens is None else self.valid_lens.clamp(max=steps).tolist()


def reading(layers):
    """Two examples of three words, all different, and a source of five positions."""
    h, c = normal((layers, 2, HIDDENS), 2, dtype=DOUBLE), normal((layers, 2, HIDDENS), 3, dtype=DOUBLE)
    return Reading(torch.tensor([[1, 7, 3], [2, 5, 8]]), normal((2, 5, HIDDENS), 1, dtype=DOUBLE), h, c, None)


@st.composite
def readings(draw, *, lengths=("none", "int64", "int32"), layers=(1, 2, 3), empty=False):
    """Counts of examples, steps and source positions, all different or all 3; poisoned padding."""
    batch, steps, src_steps = draw(st.one_of(sizes(3, high=5), st.just((3, 3, 3))))
    count, kind, seed = draw(st.sampled_from(layers)), draw(st.sampled_from(lengths)), draw(seeds())
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(VOCAB, (batch, steps), generator=generator)
    h, c = (normal((count, batch, HIDDENS), seed + i, dtype=DOUBLE) for i in (1, 2))
    reading = Reading(words, 3 * normal((batch, src_steps, HIDDENS), seed, dtype=DOUBLE), h, c, None)
    if kind == "none":
        return reading
    valid_lens = torch.randint(1, src_steps + 1, (batch,), generator=generator, dtype=getattr(torch, kind))
    if empty:
        valid_lens[seed % batch] = 0
    reading = replace(reading, enc_valid_lens=valid_lens)
    return replace(reading, enc_outputs=reading.enc_outputs.masked_fill(reading.padded[..., None], POISON))


@st.composite
def sentences(draw, *, lengths=("none", "int64", "int32")):
    """Sentences for the encoder, batch and steps different or equal."""
    batch, steps = draw(st.one_of(sizes(2, high=5), st.just((3, 3))))
    layers, kind, seed = draw(st.sampled_from((1, 2))), draw(st.sampled_from(lengths)), draw(seeds())
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(VOCAB, (batch, steps), generator=generator)
    if kind == "none":
        return Sentences(words, None, layers)
    valid_lens = torch.randint(1, steps + 2, (batch,), generator=generator, dtype=getattr(torch, kind))
    return Sentences(words, valid_lens, layers)


def encoder_for(student, layers, *dropout):
    """An encoder in evaluation mode with large weights, and its state dict."""
    m = student.LSTMEncoder(VOCAB, EMBED, HIDDENS, layers, *dropout).to(DOUBLE).eval()
    state = amplify(m.state_dict(), 1, scale=0.8)
    m.load_state_dict(state)
    return m, state


def encode(m, words, valid_lens):
    """Outputs, h and c."""
    answer = m(words, valid_lens)
    assert_that(isinstance(answer, list | tuple) and len(answer) == 2, "the encoder does not return a pair")
    assert_shape(answer[0], (words.shape[1], words.shape[0], HIDDENS), what="outputs")
    return answer[0], *pair(answer[1], what="what the encoder returns beside its outputs")


def decoder_for(student, case, *dropout, attention_scale=5.0):
    """A decoder in evaluation mode; with large weights in its attention, so that it is far from uniform."""
    m = student.LSTMAttentionDecoder(VOCAB, EMBED, HIDDENS, len(case.h), *dropout).to(DOUBLE).eval()
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


def pair(hidden, *, what="hidden in the state"):
    """`h` and `c`."""
    assert_that(isinstance(hidden, list | tuple) and len(hidden) == 2, f"{what} is not the pair (h, c)")
    return tuple(hidden)


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
        answer = m(case.words, case.state)
        assert_that(isinstance(answer, list | tuple) and len(answer) == 2, "forward does not return logits and a state")
        return assert_shape(answer[0], (*case.words.shape, VOCAB), what="logits")

    other = replace(case, words=(case.words + 1) % VOCAB, h=case.h + 1, c=case.c + 1)
    assert_responds(scores, case, other, what="logits")


@worth(1, hint="An nn.LSTM takes the same arguments as an nn.GRU. How wide is what goes into each of the two?")
def parameters_have_the_agreed_shapes(student):
    """Encoder and decoder have the parameters of their submodules, with the shapes that the sizes demand."""
    attention = {"attention.W_k.weight": (8, 8), "attention.W_q.weight": (8, 8), "attention.w_v.weight": (1, 8)}
    dense = {"dense.weight": (9, 8), "dense.bias": (9,)}
    for layers in (1, 3):
        for name, width, more in (("LSTMEncoder", 7, {}), ("LSTMAttentionDecoder", 15, attention | dense)):
            m = getattr(student, name)(VOCAB, EMBED, HIDDENS, layers)
            lstm = nn.LSTM(width, HIDDENS, layers).named_parameters()
            wanted = {f"rnn.{part}": tuple(p.shape) for part, p in lstm} | {"embedding.weight": (9, 7)} | more
            found = {part: tuple(parameter.shape) for part, parameter in m.named_parameters()}
            for part in sorted(wanted | found):
                assert_that(part in wanted, f"{name} with {layers} layers has a parameter {part} too many")
                assert_that(part in found, f"{name} with {layers} layers has no parameter {part}")
                shape = found[part]
                assert_that(shape == wanted[part], f"{name}: {part} has shape {shape}, wanted {wanted[part]}")


@worth(1.5, examples=12, hint="nn.LSTM returns the outputs, and the pair of the last states. Where are its steps?")
@given(case=sentences())
def encoder_reads_every_word(student, case):
    """Outputs are the top layer's h after each word, the steps first; without padding (h, c) are the last states."""
    m, state = encoder_for(student, case.layers)
    wanted, last = read_alone(state, case.words, case.layers)
    outputs, *found = encode(m, case.words, case.valid_lens)
    for i, length in enumerate(case.lengths):
        assert_close(outputs[:length, i], wanted[:length, i], what=f"outputs for the words of sentence {i}")
        if length == case.words.shape[1]:
            for name, got, expected in zip("hc", found, last, strict=True):
                assert_shape(got, tuple(expected.shape), what=f"{name} of the encoder")
                assert_close(got[:, i], expected[:, i], what=f"{name} of sentence {i}")


@worth(1, hint="Write down h and c before and after each of the three steps. Which is shown, which is remembered?")
def example_comes_out(student):
    """The example comes out: the logits are 0.5 tanh 2, 0.5 tanh 1, 0.5 tanh 0.5; the queries are 3 and two of them."""
    m = student.LSTMAttentionDecoder(1, 1, 1, 1).eval()
    ones = ("dense.weight", "attention.W_q.weight", "attention.W_k.weight", "attention.w_v.weight")
    m.load_state_dict({name: torch.full_like(value, name in ones) for name, value in m.state_dict().items()})
    keys = torch.tensor([[[-3.0], [-1.0], [0.0]]])
    shown = 0.5 * torch.tensor([[2.0], [1.0], [0.5]]).tanh()
    wanted = torch.tanh(torch.cat((torch.tensor([[3.0]]), shown[:2])) + keys[..., 0]).softmax(-1)  # (steps, src_steps)
    first = m.init_state((keys.transpose(0, 1), (torch.tensor([[[3.0]]]), torch.tensor([[[4.0]]]))), None)
    logits, _ = m(torch.zeros(1, 3, dtype=torch.long), first)
    assert_close(logits, shown[None], what="logits")
    for step, weights in enumerate(m.attention_weights):
        assert_close(weights, wanted[None, step : step + 1], what=f"{WEIGHTS}[{step}]")


@worth(0.5, examples=5, hint="The state has three parts, and the second is a pair, at the beginning as at the end.")
@given(case=readings())
def pair_goes_in_and_comes_out(student, case):
    """The first state and the last have the source, the pair (h, c) and the lengths; the last logits are made of h."""
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
    for name, got, wanted in zip("hc", pair(first[1]), (case.h, case.c), strict=True):
        assert_equal(got, wanted, what=f"{name} in the first state")
    h, c = pair(last[1])
    assert_shape(h, tuple(case.h.shape), what="h in the state returned")
    assert_shape(c, tuple(case.c.shape), what="c in the state returned")
    assert_close(logits[:, -1], nn.functional.linear(h[-1], m.dense.weight, m.dense.bias), what="the last logits")


@worth(0.5, examples=5, hint="The lengths travel in the state. Who needs them, at every step?")
@given(case=readings())
def each_step_shares_its_attention_among_the_source(student, case):
    """`attention_weights` has one tensor for each step of the last call; its rows sum to 1, with 0 at padding."""
    m = decoder_for(student, case)
    decode(m, case.words.repeat(1, 2), case.state)
    weights, _ = weights_after(m, case.words, case.state)
    assert_zero(weights, where=case.padded[:, None].expand(weights.shape), what=WEIGHTS)
    assert_close(weights.sum(-1), torch.ones(case.words.shape, dtype=DOUBLE), what=f"row sums of {WEIGHTS}")


@worth(1.5, examples=5, hint="Which of the two does an LSTM show to the outside, and of which layer?")
@given(case=readings())
def hidden_state_before_the_step_is_what_asks(student, case):
    """The weights of each step are those of additive attention for the top layer's h before that step."""
    m = decoder_for(student, case)
    state = case.state
    for step in range(case.words.shape[1]):
        query = m.attention.W_q.weight @ pair(state[1])[0][-1][..., None]  # (batch, hiddens, 1)
        scores = m.attention.w_v.weight @ torch.tanh(query + m.attention.W_k.weight @ case.enc_outputs.mT)
        wanted = scores.masked_fill(case.padded[:, None], -torch.inf).softmax(-1)  # (batch, 1, src_steps)
        weights, state = weights_after(m, case.words[:, step : step + 1], state)
        assert_close(weights, wanted, what=f"{WEIGHTS} of step {step}")


@worth(0.5, examples=5, hint="Context first, then the embedded word: torch.cat in that order.")
@given(case=readings())
def context_comes_before_the_word(student, case):
    """The LSTM's first `num_hiddens` inputs are the context, the others the word: cut off, they have no influence."""
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


@worth(1, examples=5, hint="Both halves of the pair must be handed over for the next call to go on.")
@given(case=readings(), cut=st.integers(1, 5))
def pieces_give_what_the_whole_gives(student, case, cut):
    """Word by word, or in pieces, logits and the last h and c are those of a single call."""
    m = decoder_for(student, case)
    logits, last = decode(m, case.words, case.state)
    for name, pieces in (("word by word", case.words.split(1, 1)), ("in pieces", case.words.split(cut, 1))):
        found, state = [], case.state
        for piece in pieces:
            some, state = decode(m, piece, state)
            found.append(some)
        assert_close(torch.cat(found, 1), logits, what=f"logits {name}")
        for half, got, wanted in zip("hc", pair(state[1]), pair(last[1]), strict=True):
            assert_close(got, wanted, what=f"{half} {name}")


@worth(0.5, examples=5, hint="A word goes in at its own step, and lives on in the state.")
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


@worth(1, examples=5, hint="The LSTM starts from the encoder's pair: from both halves, in all layers.")
@given(case=readings())
def both_halves_of_the_state_count(student, case):
    """Another h alone, or another c alone, in any of the layers, changes the logits of every example."""
    m = decoder_for(student, case)
    before, _ = decode(m, case.words, case.state)
    for half in "hc":
        for layer in range(len(case.h)):
            other = getattr(case, half).clone()
            other[layer] += 1
            after, _ = decode(m, case.words, replace(case, **{half: other}).state)
            change = moved(after, before)[:, 0]
            assert_that(bool((change > 0).all()), f"the encoder's {half} of layer {layer} is not used", change=change)


@worth(0.5, examples=5, hint="Give the lengths to the attention at every step.")
@given(case=readings(lengths=("int64", "int32")))
def padding_of_the_source_is_not_read(student, case):
    """What stands past the end of a source, and how much of it there is, changes nothing."""
    m = decoder_for(student, case)
    wanted, _ = decode(m, case.words, case.state)
    other = case.enc_outputs.masked_fill(case.padded[..., None], -4.0)
    longer = nn.functional.pad(other, (0, 0, 0, 2), value=7.0)
    assert_close(decode(m, case.words, [other, *case.state[1:]])[0], wanted, what="logits with other padding")
    assert_close(decode(m, case.words, [longer, *case.state[1:]])[0], wanted, what="logits with more padding")


@worth(0.5, examples=5, hint="Does the context reach the LSTM? Is it an average over all positions, at every step?")
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
        own = [case.enc_outputs[i : i + 1], (case.h[:, i : i + 1], case.c[:, i : i + 1]), lengths]
        assert_close(decode(m, case.words[i : i + 1], own)[0], logits[i : i + 1], what=f"logits of example {i} alone")


@worth(0.5, examples=5, hint="Keep nothing in the module from call to call: whatever goes on is in the state.")
@given(case=readings())
def old_state_gives_the_old_answer(student, case):
    """A state may be used twice: two continuations do not know of each other."""
    m = decoder_for(student, case)
    _, state = decode(m, case.words, case.state)
    kept = [half.clone() for half in pair(state[1])]
    first, _ = decode(m, case.words, state)
    decode(m, (case.words + 1) % VOCAB, state)
    again, _ = decode(m, case.words, state)
    assert_equal(again, first, what="logits from the same state, a second time")
    for name, now, before in zip("hc", state[1], kept, strict=True):
        assert_unchanged(now, before, what=name)


@worth(1, hint="No detach, .data or no_grad on the way from the first word of the source to the last logits.")
def gradient_finds_its_way_back(student):
    """The last step's logits send a gradient to every parameter, the source, h, c and the first word."""
    for layers in (1, 2):
        case = reading(layers)
        m = decoder_for(student, case, attention_scale=0.5)
        inputs = {"enc_outputs": case.enc_outputs, "h": case.h, "c": case.c}
        for tensor in inputs.values():
            tensor.requires_grad_()
        wanted = inputs | dict(m.named_parameters())
        logits, _ = decode(m, case.words, case.state)
        found = dict(zip(wanted, gradients(logits[:, -1, ::2], list(wanted.values()), what="logits"), strict=True))
        for name, grad in found.items():
            assert_that(bool(grad.any()), f"the last step's logits send no gradient to {name}")
        of_first_words = found["embedding.weight"][case.words[:, 0]]
        assert_that(bool(of_first_words.any()), "the last step's logits send no gradient to the first words")
        encoder, _ = encoder_for(student, layers)
        parameters = dict(encoder.named_parameters())
        for part, output in zip(("outputs", "h", "c"), encode(encoder, case.words, None), strict=True):
            grads = gradients(output[..., ::2], list(parameters.values()), what=f"{part} of the encoder")
            for name, grad in zip(parameters, grads, strict=True):
                assert_that(bool(grad.any()), f"{part} of the encoder sends no gradient to its {name}")


@worth(0.5, hint="Store each step's weights as they are, not detached.")
def stored_weights_keep_their_gradient(student):
    """A loss on the weights of any step reaches the first h."""
    case = reading(1)
    h = case.h.requires_grad_()
    weights, _ = weights_after(decoder_for(student, case), case.words, case.state)
    for step in range(case.words.shape[1]):
        (grad,) = gradients(weights[:, step, 0], [h], what=WEIGHTS)
        assert_that(bool(grad.any()), f"a loss on {WEIGHTS}[{step}] does not reach h")


@worth(0.5, hint="Hand the rate to AdditiveAttention and to nn.LSTM, and to nobody else.")
def dropout_has_its_places(student):
    """In training the rate drops attention weights and features between the layers of an LSTM; no rate, nothing."""
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
            place = "between two layers of the decoder" if silent else "in the attention"
            raise Mismatch(f"in training with dropout 0.75 nothing is dropped {place}")
    for layers in (1, 2):
        m, _ = encoder_for(student, layers, 0.75)
        wanted, *_ = encode(m, case.words, None)
        found, *_ = encode(m.train(), case.words, None)
        if layers == 1:
            assert_close(found, wanted, what="outputs of the encoder in training, with one layer")
        elif torch.equal(found, wanted):
            raise Mismatch("in training with dropout 0.75 nothing is dropped between two layers of the encoder")
    case = reading(2)
    m, (encoder, _) = decoder_for(student, case), encoder_for(student, 2)
    wanted, (outputs, *_) = decode(m, case.words, case.state)[0], encode(encoder, case.words, None)
    found, (again, *_) = decode(m.train(), case.words, case.state)[0], encode(encoder.train(), case.words, None)
    assert_close(found, wanted, what="logits in training without a rate")
    assert_close(again, outputs, what="outputs of the encoder in training without a rate")


@worth(0.5, examples=3, hint="nn.Dropout and nn.LSTM know whether the module is training; a function has to be told.")
@given(case=readings(layers=(2,)))
def evaluation_drops_nothing(student, case):
    """In evaluation mode the rate makes no difference."""
    wanted, _ = decode(decoder_for(student, case), case.words, case.state)
    found, _ = decode(decoder_for(student, case, 0.75), case.words, case.state)
    assert_close(found, wanted, what="logits in evaluation mode with dropout 0.75")
    without, rate = (encode(encoder_for(student, 2, p)[0], case.words, None) for p in (0.0, 0.75))
    assert_close(rate[0], without[0], what="outputs of the encoder in evaluation mode with dropout 0.75")


@worth(1, examples=12, group="robust", hint="pack_padded_sequence tells an LSTM how long each sentence is.")
@given(case=sentences(lengths=("int64", "int32")))
def encoder_stops_at_the_end(student, case):
    """Each sentence's h and c are those after its own last word, however much padding follows."""
    m, state = encoder_for(student, case.layers)
    _, *found = encode(m, case.words, case.valid_lens)
    for i, length in enumerate(case.lengths):
        _, last = read_alone(state, case.words[i : i + 1, :length], case.layers)
        for name, got, wanted in zip("hc", found, last, strict=True):
            assert_shape(got, (case.layers, len(case.words), HIDDENS), what=f"{name} of the encoder")
            assert_close(got[:, i : i + 1], wanted, what=f"{name} of sentence {i}")


@worth(0.5, examples=5, group="robust", hint="The book spreads the weights of such a row evenly. What does yours do?")
@given(case=readings(lengths=("int64",), empty=True))
def empty_source_has_nothing_to_say(student, case):
    """A source of length 0 gets weights of 0, and the logits are those for a source of zeros."""
    m = decoder_for(student, case)
    empty = case.enc_valid_lens == 0
    silenced = case.enc_outputs.masked_fill(empty[:, None, None], 0.0)
    wanted, _ = decode(m, case.words, [silenced, *case.state[1:2], case.enc_valid_lens.clamp(min=1)])
    logits, _ = decode(m, case.words, case.state)
    weights, _ = weights_after(m, case.words, case.state)
    assert_zero(weights, where=case.padded[:, None].expand(weights.shape), what=WEIGHTS)
    assert_close(assert_finite(logits, what="logits"), wanted, what="logits")


@worth(0.5, examples=5, group="robust", hint="Make new tensors; those that you were given are still needed.")
@given(case=readings(), read=sentences())
def arguments_are_left_alone(student, case, read):
    """Words, lengths, encoder outputs, h and c are after the calls what they were before."""
    m, (encoder, _) = decoder_for(student, case), encoder_for(student, read.layers)
    arguments = {"X": case.words, "enc_outputs": case.enc_outputs, "h": case.h, "c": case.c,
                 "enc_valid_lens": case.enc_valid_lens, "X of the encoder": read.words,
                 "valid_lens": read.valid_lens}  # fmt: skip
    tensors = {name: tensor for name, tensor in arguments.items() if tensor is not None}
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    logits, _ = decode(m, case.words, case.state)
    outputs, *_ = encode(encoder, read.words, read.valid_lens)
    for name, tensor in tensors.items():
        assert_unchanged(tensor, before[name], what=name)
    assert_equal(decode(m, case.words, case.state)[0], logits, what="logits of a second call")
    assert_equal(encode(encoder, read.words, read.valid_lens)[0], outputs, what="outputs of a second call")


def read_alone(state, words, layers):
    """What torch's LSTM makes of the words with an encoder's parameters: outputs, the steps first, and (h, c)."""
    lstm = nn.LSTM(EMBED, HIDDENS, layers, dtype=DOUBLE)
    lstm.load_state_dict({name.removeprefix("rnn."): value for name, value in state.items() if "rnn." in name})
    with torch.no_grad():
        return lstm(state["embedding.weight"][words.T])


# The steps on the way, for a student who fails


def _first_weights(m, case):
    """Where the state before the first step looks; (batch, src_steps)."""
    state = m.state_dict()
    query, keys = (state[f"attention.W_{name}.weight"] for name in "qk")
    features = torch.tanh((case.h[-1] @ query.T)[:, None] + case.enc_outputs @ keys.T)
    scores = features @ state["attention.w_v.weight"][0]
    return scores.masked_fill(case.padded, -torch.inf).softmax(-1)


def _one_step(m, case, *, read=1.0):
    """The logits of the first word alone and the LSTM's state after it; `read=0` hides its inputs from the LSTM."""
    state = m.state_dict()
    own = nn.LSTM(HIDDENS + EMBED, HIDDENS, len(case.h), batch_first=True, dtype=DOUBLE)
    own.load_state_dict({name[4:]: value for name, value in state.items() if name.startswith("rnn.")})
    context = torch.einsum("bs,bsh->bh", _first_weights(m, case), case.enc_outputs)
    inputs = torch.cat([context, state["embedding.weight"][case.words[:, 0]]], 1)
    output, last = own((read * inputs)[:, None], (case.h, case.c))
    return nn.functional.linear(output, state["dense.weight"], state["dense.bias"]), last


def _assert_moved_on(m, case, *, read=1.0):
    """The LSTM took the step: its new state shows it, or else the logits do."""
    logits, last = _one_step(m, case, read=read)
    answer = m(case.words[:, :1], case.state)
    try:
        assert_close(answer[0], logits, what="logits")
    except Mismatch:
        for name, got, wanted in zip("hc", pair(answer[1][1]), last, strict=True):
            assert_close(got, wanted, what=f"{name} in the state returned")


def _assert_first_weights(student, case):
    m = decoder_for(student, case)
    m(case.words[:, :1], case.state)
    found = m.attention_weights
    weights = (found[-1] if isinstance(found, list | tuple) else found).reshape(case.padded.shape)
    assert_close(weights, _first_weights(m, case), what="the attention weights of the first step")


@properties.step("what the encoder returns for full sentences")
def encoder_reads(student):
    words = torch.tensor([[1, 7, 3], [2, 5, 8]])
    m, state = encoder_for(student, 2)
    outputs, last = read_alone(state, words, 2)
    found = encode(m, words, None)
    for name, got, wanted in zip(("outputs", "h", "c"), found, (outputs, *last), strict=True):
        assert_close(got, wanted, what=f"{name} of the encoder")


@properties.step("the parameters of attention, embedding, rnn and dense")
def parameters_are_there(student):
    parameters_have_the_agreed_shapes(student)


@properties.step("the state that init_state makes")
def first_state_is_kept(student):
    case = reading(2)
    state = decoder_for(student, case).init_state(case.encoded, torch.tensor([5, 4]))
    assert_equal(state[0], case.enc_outputs, what="enc_outputs in the first state")
    for name, got, wanted in zip("hc", pair(state[1]), (case.h, case.c), strict=True):
        assert_equal(got, wanted, what=f"{name} in the first state")
    assert_equal(state[2], torch.tensor([5, 4]), what="enc_valid_lens in the first state")


@properties.step("the attention weights of the first step")
def first_step_looks_at_the_source(student):
    _assert_first_weights(student, reading(2))


@properties.step("the masking of the source's padding")
def padding_gets_no_weight(student):
    _assert_first_weights(student, replace(reading(2), enc_valid_lens=torch.tensor([4, 2])))


@properties.step("the state in which the LSTM starts")
def recurrence_starts_from_the_state(student):
    case = reading(2)
    m = decoder_for(student, case)
    state = m.state_dict()
    m.load_state_dict(state | {"rnn.weight_ih_l0": torch.zeros_like(state["rnn.weight_ih_l0"])})
    _assert_moved_on(m, case, read=0.0)


@properties.step("the context and the word that the LSTM reads")
def context_and_word_are_read(student):
    _assert_moved_on(decoder_for(student, reading(2)), reading(2))


@properties.step("the logits of the first step")
def output_is_scored(student):
    case = reading(2)
    m = decoder_for(student, case)
    assert_close(decode(m, case.words[:, :1], case.state)[0], _one_step(m, case)[0], what="logits")


def _step_by_step(m, case):
    """The logits of all words and the last state."""
    logits, last = [], (case.h, case.c)
    for step in range(case.words.shape[1]):
        scores, last = _one_step(m, replace(case, words=case.words[:, step : step + 1], h=last[0], c=last[1]))
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
    for name, got, wanted in zip("hc", pair(state[1]), last, strict=True):
        assert_close(got, wanted, what=f"{name} in the state returned")
    assert_equal(state[2], case.enc_valid_lens, what="enc_valid_lens in the state returned")


@properties.step("the list in attention_weights")
def weights_are_listed(student):
    case = reading(2)
    m = decoder_for(student, case)
    decode(m, case.words, case.state)
    weights_after(m, case.words, case.state)
