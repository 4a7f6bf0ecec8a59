"""What anyone can check about the decoder, the steps that it needs, and what it costs."""

from __future__ import annotations

import math
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
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.costs import measure
from headcheck.properties import worth
from headcheck.strategies import POISON, Inputs, amplify, normal, seeds, sizes

HINTS = (
    (
        "Nothing changes in how the decoder steps. Which single submodule has to be another one, and does anything of "
        "the old one stay behind?"
    ),
    (
        "Inherit from your decoder, let it build itself, and then replace `attention`. Replaced under its old name, "
        "the additive one and its parameters are gone."
    ),
    (
        "For steps_to_reach take the mean of the last ten losses at each step, from the first step at which there are "
        "ten. For the costs count parameters of the attention alone, and hand it to count_cost."
    ),
)

VOCAB, EMBED, HIDDENS = 9, 7, 8
DOUBLE = torch.float64
WEIGHTS = "attention_weights"
WINDOW, THRESHOLD = 10, 0.5
NAMES = "additive", "dot"


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


@st.composite
def falling_curves(draw):
    """Losses that fall from about 2 to about 0, with jumps down and up on the way; fewer than ten steps at times."""
    steps, seed = draw(st.sampled_from([40, 9, 25, 60, 10, 11])), draw(seeds())
    generator = torch.Generator().manual_seed(seed)
    jumps = torch.rand(steps, generator=generator, dtype=DOUBLE)
    fall = 2 * torch.exp(-torch.arange(steps) / draw(st.sampled_from([10, 20, 5])))
    return fall + 0.5 * jumps - 2.0 * (jumps > 0.9) + 2.0 * (jumps < 0.05)


def decoder_for(student, case, *dropout, sharpness=1.0):
    """A decoder in evaluation mode with large weights, so that attention is far from uniform."""
    m = student.DotProductDecoder(VOCAB, EMBED, HIDDENS, len(case.hidden), *dropout).to(DOUBLE).eval()
    m.load_state_dict(amplify(m.state_dict(), 1, scale=sharpness))
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


def assert_step(got, wanted, *, what):
    """A whole number of steps, or None."""
    if wanted is None:
        assert_that(got is None, f"{what} is not None", got=got)
    else:
        assert_that(isinstance(got, int) and not isinstance(got, bool), f"{what} is not an int", got=got)
        assert_number(got, wanted, atol=0, what=what)


def assert_arrival(student, curve, arrives, *, what):
    """Some step, or None, whichever step it is."""
    step = student.steps_to_reach(curve, 0.5)
    assert_that((step is not None) == arrives, f"steps_to_reach is {step} for {what}", got=step)


def report_of(student, curves, params, largest):
    """The report on additive attention and the dot product, each given as a pair."""
    fresh = [curve.clone() for curve in curves]
    report = student.efficiency_report(*(dict(zip(NAMES, pair, strict=True)) for pair in (fresh, params, largest)))
    assert_that(isinstance(report, dict), "the report is not a dictionary", got=report)
    missing = sorted({"steps", "params", "largest", "ratio", "cheaper", "sooner"} - report.keys())
    assert_that(not missing, f"the report has no entry {', '.join(missing)}")
    return report


def assert_entries(report, key, wanted):
    """The report's dictionary of that name has the wanted entry for both attentions."""
    found = report[key]
    assert_that(isinstance(found, dict) and set(NAMES) <= found.keys(), f"{key!r} does not have both names", got=found)
    for name, value in zip(NAMES, wanted, strict=True):
        got = found[name]
        assert_that(got == value, f"the entry {key!r} of {name} is {got}, wanted {value}", got=got)


def flat(steps, level, then):
    """A curve that is at 2 for some steps, and then at a level for 20 more."""
    return torch.cat((torch.full((steps,), 2.0), torch.full((then,), level)))


@worth(1, gate=True, examples=5, hint="It is the decoder that you have; only what `attention` is must change.")
@given(case=readings())
def every_step_scores_the_vocabulary(student, case):
    """From words and a state come logits (batch, steps, vocab_size), which depend on them, and a state."""

    def scores(case):
        answer = decoder_for(student, case)(case.words, case.state)
        assert_that(isinstance(answer, list | tuple) and len(answer) == 2, "forward does not return logits and a state")
        return assert_shape(answer[0], (*case.words.shape, VOCAB), what="logits")

    other = replace(case, words=(case.words + 1) % VOCAB, hidden=case.hidden + 1)
    assert_responds(scores, case, other, what="logits")


@worth(1, hint="A dot product has nothing to learn. Is something of the additive attention left?")
def attention_has_no_parameters(student):
    """The parameters are those of embedding, rnn and dense alone: h * (2h + 1) less than with additive attention."""
    for layers in (1, 3):
        m = student.DotProductDecoder(VOCAB, EMBED, HIDDENS, layers)
        wanted = {f"rnn.{name}": tuple(p.shape) for name, p in nn.GRU(15, HIDDENS, layers).named_parameters()} | {
            "embedding.weight": (9, 7), "dense.weight": (9, 8), "dense.bias": (9,),
        }  # fmt: skip
        found = {name: tuple(parameter.shape) for name, parameter in m.named_parameters()}
        for name in sorted(wanted | found):
            assert_that(name in wanted, f"with {layers} layers there is a parameter {name} too many")
            assert_that(name in found, f"with {layers} layers there is no parameter {name}")
            assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")


@worth(1, hint="Query times key, summed, over the root of 4. Which state is the query of each step?")
def example_comes_out(student):
    """The example comes out: the second position gets the weights 0.881, 0.731 and 0.622."""
    m = student.DotProductDecoder(1, 1, 4, 1).eval()
    m.load_state_dict({name: torch.zeros_like(value) for name, value in m.state_dict().items()})
    source = torch.tensor([0.0, 0.25]).reshape(2, 1, 1).expand(2, 1, 4)  # (src_steps, batch, hiddens)
    m(torch.zeros(1, 3, dtype=torch.long), m.init_state((source, torch.full((1, 1, 4), 4.0)), None))
    for step, (weights, score) in enumerate(zip(m.attention_weights, (2.0, 1.0, 0.5), strict=True)):
        wanted = torch.tensor([[[0.0, score]]]).softmax(-1)
        assert_close(weights, wanted, what=f"{WEIGHTS}[{step}]")


@worth(1.5, examples=6, hint="Scores are products of the state and the source, divided by the root of their size.")
@given(case=readings())
def state_before_the_step_points_at_the_source(student, case):
    """The weights of each step are a softmax of q . k / sqrt(h), q being the top layer's state before that step."""
    m = decoder_for(student, case)
    state = case.state
    for step in range(case.words.shape[1]):
        scores = state[1][-1][:, None] @ case.enc_outputs.mT / math.sqrt(HIDDENS)  # (batch, 1, src_steps)
        wanted = scores.masked_fill(case.padded[:, None], -torch.inf).softmax(-1)
        weights, state = weights_after(m, case.words[:, step : step + 1], state)
        assert_close(weights, wanted, what=f"{WEIGHTS} of step {step}")


@worth(0.5, examples=5, hint="Source and lengths stay in the state; what changes is the hidden state.")
@given(case=readings())
def state_goes_on_where_the_words_end(student, case):
    """The first state and the last have the source and the lengths; of the last hidden state come the last logits."""
    m = decoder_for(student, case)
    first = m.init_state((case.enc_outputs.transpose(0, 1), case.hidden), case.enc_valid_lens)
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
    wanted = nn.functional.linear(hidden[-1], m.dense.weight, m.dense.bias)
    assert_close(logits[:, -1], wanted, what="the last logits")


@worth(0.5, examples=5, hint="The lengths travel in the state. Who needs them, at every step?")
@given(case=readings(lengths=("int64", "int32")))
def padding_of_the_source_is_not_read(student, case):
    """Padding has weights of 0 at every step, and what stands there, or how much of it, changes nothing."""
    m = decoder_for(student, case)
    wanted, _ = decode(m, case.words, case.state)
    weights, _ = weights_after(m, case.words, case.state)
    assert_zero(weights, where=case.padded[:, None].expand(weights.shape), what=WEIGHTS)
    assert_close(weights.sum(-1), torch.ones(case.words.shape, dtype=DOUBLE), what=f"row sums of {WEIGHTS}")
    longer = nn.functional.pad(case.enc_outputs.masked_fill(case.padded[..., None], -4.0), (0, 0, 0, 2), value=7.0)
    assert_close(decode(m, case.words, [longer, *case.state[1:]])[0], wanted, what="logits with other padding")


@worth(0.5, examples=5, hint="What must a call hand over for the next one to go on as if nothing had happened?")
@given(case=readings())
def pieces_give_what_the_whole_gives(student, case):
    """Word by word, logits and the last state are those of a single call; an old state gives the old answer."""
    m = decoder_for(student, case)
    logits, (_, hidden, _) = decode(m, case.words, case.state)
    found, state = [], case.state
    for word in case.words.split(1, 1):
        some, state = decode(m, word, state)
        found.append(some)
    assert_close(torch.cat(found, 1), logits, what="logits word by word")
    assert_close(state[1], hidden, what="hidden word by word")
    assert_equal(decode(m, case.words, case.state)[0], logits, what="logits from the first state, a second time")


@worth(0.5, examples=5, hint="Context first, then the embedded word: torch.cat in that order.")
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


@worth(1, hint="No detach, .data or no_grad between the source and the logits, nor from step to step.")
def gradient_finds_its_way_back(student):
    """The last step's logits, and its weights, send a gradient to the source, the first state and the parameters."""
    for layers in (1, 2):
        case = reading(layers)
        m = decoder_for(student, case, sharpness=0.5)
        inputs = {"enc_outputs": case.enc_outputs.requires_grad_(), "hidden": case.hidden.requires_grad_()}
        wanted = inputs | dict(m.named_parameters())
        logits, _ = decode(m, case.words, case.state)
        for name, grad in zip(wanted, gradients(logits[:, -1, ::2], list(wanted.values()), what="logits"), strict=True):
            assert_that(bool(grad.any()), f"the last step's logits send no gradient to {name}")
        weights, _ = weights_after(m, case.words, case.state)
        for name, grad in zip(inputs, gradients(weights[:, -1, 0], list(inputs.values()), what=WEIGHTS), strict=True):
            assert_that(bool(grad.any()), f"{WEIGHTS}[-1] send no gradient to {name}")


@worth(0.5, hint="Hand the rate to DotProductAttention and to nn.GRU, and to nobody else.")
def dropout_has_two_places(student):
    """In training attention weights are dropped, and features between the layers of the GRU; in evaluation nothing."""
    for layers, silent, varies in ((1, True, False), (1, False, True), (2, True, True)):
        case = reading(layers)
        if silent:
            case.enc_outputs.zero_()
        wanted, _ = decode(decoder_for(student, case), case.words, case.state)
        m = decoder_for(student, case, 0.75)
        assert_close(decode(m, case.words, case.state)[0], wanted, what="logits in evaluation with dropout 0.75")
        found, _ = decode(m.train(), case.words, case.state)
        if not varies:
            assert_close(found, wanted, what="logits in training, with one layer and a source of zeros")
        else:
            place = "between two layers" if silent else "in the attention"
            assert_that(not torch.equal(found, wanted), f"in training with dropout 0.75 nothing is dropped {place}")
        without = decoder_for(student, case).train()
        assert_close(decode(without, case.words, case.state)[0], wanted, what="logits in training without a rate")


@worth(1.5, examples=30, hint="Ten losses end at step 9. Which ones end at step 10?")
@given(curve=falling_curves(), threshold=st.sampled_from([0.5, 1.0, 0.25]))
def first_low_mean_of_ten_counts(student, curve, threshold):
    """It is the first step, counted from 0, that ends ten losses whose mean is at most the threshold; or None."""
    ends = range(WINDOW - 1, len(curve))
    low = [t for t in ends if float(curve[t - 9 : t + 1].mean()) <= threshold]
    assert_step(student.steps_to_reach(curve, threshold), low[0] if low else None, what="steps_to_reach")
    example = torch.tensor([2.0] * 5 + [0.0] * 15)
    assert_step(student.steps_to_reach(example, 0.5), 12, what="steps_to_reach for the example")
    assert_step(student.steps_to_reach(example, 0.0), 14, what="steps_to_reach of 0 for the example")


@worth(1, hint="Fewer than ten losses have no mean of ten. What does the function return then?")
def who_never_arrives_gets_none(student):
    """A curve of fewer than ten steps, or one that stays above the threshold, gets None; ten low steps do not."""
    for steps, level, arrives in ((0, 0.0, False), (1, 0.0, False), (9, 0.0, False), (10, 0.0, True), (30, 1.0, False)):
        assert_arrival(student, torch.full((steps,), level), arrives, what=f"losses of {level:g} for {steps} steps")


@worth(0.5, hint="Is NaN <= 0.5? And what does a running sum make of a single NaN?")
def nan_is_never_low(student):
    """Ten losses with a NaN among them do not count; ten later ones without it do."""
    broken = torch.full((30,), 0.25)
    broken[7] = torch.nan
    assert_arrival(student, broken[:17], False, what="a curve to step 16 with a NaN at step 7")
    assert_arrival(student, broken, True, what="a curve to step 29 with a NaN at step 7")


@worth(1.5, examples=5, hint="Count what `decoder.attention` has, and what one call of it makes.")
@given(counts=sizes(3, low=2), num_hiddens=st.sampled_from([4, 3, 8]))
def cost_of_an_attention_is_counted(student, counts, num_hiddens):
    """Parameters and largest tensor are those of `decoder.attention`, for both decoders, as a count of our own says."""
    batch, queries, keys = counts
    q, k = normal((batch, queries, num_hiddens), 1), normal((batch, keys + 8, num_hiddens), 2)
    additive = num_hiddens * (2 * num_hiddens + 1)
    for name, params in (("Seq2SeqAttentionDecoder", additive), ("DotProductDecoder", 0)):
        decoder = getattr(student, name)(VOCAB, EMBED, num_hiddens, 2).eval()
        wanted = measure(decoder.attention, q, k, k, None).largest
        found = student.attention_cost(decoder, q, k)
        assert_that(isinstance(found, list | tuple) and len(found) == 2, "attention_cost does not return two numbers")
        assert_number(found[0], params, atol=0, what=f"the parameters of the attention of {name}")
        assert_number(found[1], wanted, atol=0, what=f"the largest tensor of the attention of {name}")


@worth(1.5, hint="Each entry has its own place; the ratio tells how much larger additive attention's tensor is.")
def report_has_every_number(student):
    """Steps (your own), parameters, largest tensors, their ratio, who is cheaper and who sooner are as measured."""
    early, late = flat(5, 0.0, 20), flat(25, 0.0, 20)
    for curves, largest, ratio, cheaper, sooner in (
        ((early, late), (960, 10), 96.0, "dot", "additive"),
        ((late, early), (10, 40), 0.25, "additive", "dot"),
        ((early, late), (5, 4), 1.25, "dot", "additive"),
    ):
        steps = [student.steps_to_reach(curve.clone(), THRESHOLD) for curve in curves]
        report = report_of(student, curves, (7, 300), largest)
        assert_entries(report, "steps", steps)
        assert_entries(report, "params", (7, 300))
        assert_entries(report, "largest", largest)
        assert_number(report["ratio"], ratio, atol=1e-9, what="ratio")
        assert_that(report["cheaper"] == cheaper, f"'cheaper' is {report['cheaper']!r}, wanted {cheaper!r}")
        assert_that(report["sooner"] == sooner, f"'sooner' is {report['sooner']!r}, wanted {sooner!r}")


@worth(0.5, hint="None is no number: compare only those who arrive.")
def report_names_nobody_in_a_tie(student):
    """Who never arrives is later than who does; when both are equal, or neither arrives, nobody is named."""
    early, late, never = flat(5, 0.0, 20), flat(25, 0.0, 20), flat(30, 1.0, 5)
    for curves, sooner in (((never, late), "dot"), ((late, never), "additive"), ((never, never), None),
                           ((early, early), None)):  # fmt: skip
        report = report_of(student, curves, (7, 0), (5000, int("5000")))  # equal, and two objects
        assert_that(report["sooner"] == sooner, f"'sooner' is {report['sooner']!r}, wanted {sooner!r}")
        assert_that(report["cheaper"] is None, f"'cheaper' is {report['cheaper']!r} for equal tensors, wanted None")


@worth(0.5, examples=5, group="robust", hint="The book spreads the weights of such a row evenly. What does yours do?")
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


@worth(0.5, examples=3, group="robust", hint="Make new tensors; those that you were given are still needed.")
@given(case=readings())
def arguments_are_left_alone(student, case):
    """Words, state and curves are after the calls what they were before."""
    m = decoder_for(student, case)
    curves = dict(zip(NAMES, (flat(5, 0.0, 20), flat(25, 0.0, 20)), strict=True))
    params, largest = dict(zip(NAMES, (7, 0), strict=True)), dict(zip(NAMES, (12, 4), strict=True))
    tensors = {"X": case.words, "enc_outputs": case.enc_outputs, "hidden": case.hidden,
               "enc_valid_lens": case.enc_valid_lens} | curves  # fmt: skip
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    first, _ = decode(m, case.words, case.state)
    report = student.efficiency_report(curves, params, largest)
    assert_that(report["sooner"] == "additive", f"'sooner' is {report['sooner']!r}, wanted 'additive'")
    for name, tensor in tensors.items():
        assert_unchanged(tensor, before[name], what=name)
    assert_equal(decode(m, case.words, case.state)[0], first, what="logits of a second call")


# The steps on the way, for a student who fails


def _first_weights(_m, case):
    """Where the state before the first step looks; (batch, src_steps)."""
    scores = torch.einsum("bh,bsh->bs", case.hidden[-1], case.enc_outputs) * HIDDENS**-0.5
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


@properties.step("the parameters, and none of them in the attention")
def parameters_are_there(student):
    attention_has_no_parameters(student)


@properties.step("the attention weights of the first step")
def first_step_looks_at_the_source(student):
    _assert_first_weights(student, reading(2))


@properties.step("the masking of the source's padding")
def padding_gets_no_weight(student):
    _assert_first_weights(student, replace(reading(2), enc_valid_lens=torch.tensor([4, 2])))


@properties.step("the context and the word that the GRU reads")
def context_and_word_are_read(student):
    _assert_moved_on(decoder_for(student, reading(2)), reading(2))


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


@properties.step("the step that steps_to_reach finds")
def low_mean_is_found(student):
    assert_step(student.steps_to_reach(flat(10, 0.0, 20), 0.5), 17, what="steps_to_reach")
    assert_step(student.steps_to_reach(flat(10, 1.0, 20), 0.5), None, what="steps_to_reach")


@properties.step("the two numbers of attention_cost")
def cost_is_counted(student):
    case = reading(1)
    m = decoder_for(student, case)
    found = student.attention_cost(m, case.enc_outputs[:, :3], case.enc_outputs)
    wanted = (0, measure(m.attention, case.enc_outputs[:, :3], case.enc_outputs, case.enc_outputs, None).largest)
    assert_that(tuple(found) == wanted, f"attention_cost is {found}, wanted {wanted}", got=found)


@properties.step("the entries of efficiency_report")
def report_is_right(student):
    report_has_every_number(student)
